//! The largest values that stored bytes may claim.
//!
//! Every length that comes from storage is compared with one of these before anything is allocated.

/// Bytes of a root manifest.
pub const MAX_ROOT_BYTES: u64 = 256 << 20;
/// Bytes of a leaf.
pub const MAX_LEAF_BYTES: u64 = 1 << 30;
/// Partitions of a leaf.
pub const MAX_LEAF_PARTITIONS: u64 = 1 << 16;
/// Values of a leaf, those of all its columns added up.
pub const MAX_LEAF_VALUES: u64 = 1 << 27;
/// Attributes of a schema.
pub const MAX_ATTRIBUTES: u64 = 1 << 16;
/// Bytes of an attribute name.
pub const MAX_NAME_BYTES: u64 = 255;
/// Dimensions of a shape.
pub const MAX_RANK: u64 = 32;
/// Elements of one fixed-shape tensor: Arrow counts them in an `i32`.
pub const MAX_ROW_ELEMENTS: u64 = i32::MAX as u64;
/// Bytes of one row of one tensor attribute.
pub const MAX_ROW_BYTES: u64 = 1 << 30;
/// Bytes of a Parquet page: its sizes are `i32`.
pub const MAX_PAGE_BYTES: u64 = i32::MAX as u64;
/// Rows of a page whose rows differ in length.
pub const MAX_PAGE_ROWS: u64 = 1 << 20;
/// Rows of a row group.
pub const MAX_ROW_GROUP_ROWS: u64 = 1 << 20;
/// Row groups of a file: Parquet counts them in an `i16`.
pub const MAX_ROW_GROUPS: u64 = 32_767;
/// Bytes of a Parquet page header.
pub const MAX_PAGE_HEADER_BYTES: u64 = 1 << 20;
/// Bytes of a Parquet footer.
pub const MAX_FOOTER_BYTES: u64 = 1 << 30;
/// Nesting of a type.
pub const MAX_TYPE_DEPTH: usize = 32;
/// Bytes of a deletion vector.
pub const MAX_DELETION_VECTOR_BYTES: u64 = 256 << 20;
/// Deleted rows of a partition.
pub const MAX_DELETED_ROWS: u64 = 1 << 27;
/// Datasets whose files another one refers to.
pub const MAX_ORIGINS: u64 = 4096;
/// Rows of a view.
pub const MAX_VIEW_ROWS: u64 = 1 << 31;
/// Bytes of a view.
pub const MAX_VIEW_BYTES: u64 = 1 << 34;
