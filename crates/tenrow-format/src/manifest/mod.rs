//! Manifests: what one version of a dataset consists of. Normative: `spec/manifest.md`.
//!
//! ```text
//! _tenrow/versions/<…>.json   Root   JSON     one per version: schema, properties, leaves
//!        └─► _tenrow/leaves/<id>   Leaf   Parquet  one row per partition; shared by versions
//!                    └─► data/….parquet, columns/….parquet   DataFile, row-aligned, with a
//!                                                           Chunk per row group and column
//! ```
//!
//! Both are written once and never changed. A root carries its own checksum, and those of its
//! leaves; a leaf those of its files. Starting rows and row ids are inherited downwards, so a
//! commit that lost a race rewrites its root alone. The structs here are the meaning; `wire_root`,
//! `wire_leaf` and `leaf_file` are the only modules that know the bytes.

mod check;
mod statistics;
mod row_map;
mod origin_path;
mod view_ref;
mod chunk;
mod partition;
mod leaf;
mod wire_leaf;
mod leaf_levels;
mod leaf_pages;
mod leaf_file;
mod root;
mod named_object;
mod strict_json;
mod wire_root;

#[cfg(test)]
mod tests;

pub use chunk::{Chunk, ChunkLayout, PageStart};
pub use leaf::Leaf;
pub use named_object::{NamedObject, StatedBytes};
pub use origin_path::{in_origin, is_large_file, origin_of, own_path};
pub use partition::{DataFile, DeletionVector, ForeignFile, KeyValue, Partition, RowIdRange};
pub use root::{LeafRef, MAX_LEAF_REF_STATISTICS, OriginRef, Parent, Root};
pub use row_map::RowMap;
pub use statistics::{MAX_BOUND_BYTES, Statistics};
pub use view_ref::ViewRef;

/// The version of the manifests that this crate writes, and the newest that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// Rows of a partition may be deleted: a reader that ignores it shows them.
pub const FEATURE_DELETION_VECTORS: &str = "deletion_vectors";
/// A partition may have several files: a reader that ignores it shows values of the wrong one.
pub const FEATURE_COLUMN_FILES: &str = "column_files";
/// The root may hold views: a writer that ignores it loses them.
pub const FEATURE_VIEWS: &str = "views";
/// Files may lie outside the dataset: a reader that ignores it looks in the wrong place.
pub const FEATURE_FOREIGN_FILES: &str = "foreign_files";
/// File attributes may hold large files apart: a reader that ignores it finds no bytes.
pub const FEATURE_EXTERNAL_FILES: &str = "external_files";

/// Attributes may have a default: a reader that ignores it shows null.
pub const FEATURE_DEFAULT_VALUES: &str = "default_values";
/// Attributes may have earlier forms: a reader that ignores them shows null.
pub const FEATURE_EARLIER_FORMS: &str = "earlier_forms";
/// Paths may lead to other datasets: a reader that ignores it looks in the wrong place.
pub const FEATURE_ORIGINS: &str = "origins";

/// Old versions may be expired: a writer that ignores it names what is about to be removed.
pub const FEATURE_EXPIRED_VERSIONS: &str = "expired_versions";

/// The store cannot create without replacing: a second writer at the same time would lose commits of the first.
pub const FEATURE_SINGLE_WRITER: &str = "single_writer";

/// Every feature that this crate reads and writes.
pub const KNOWN_FEATURES: [&str; 10] = [
    FEATURE_DELETION_VECTORS,
    FEATURE_COLUMN_FILES,
    FEATURE_VIEWS,
    FEATURE_FOREIGN_FILES,
    FEATURE_EXTERNAL_FILES,
    FEATURE_DEFAULT_VALUES,
    FEATURE_EARLIER_FORMS,
    FEATURE_ORIGINS,
    FEATURE_EXPIRED_VERSIONS,
    FEATURE_SINGLE_WRITER,
];
