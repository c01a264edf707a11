//! The columns of a leaf, and partitions as rows of them. Normative: `spec/manifest.md`, "Leaf".
//!
//! `fields` names the columns, `write` fills them, `read` and `read_chunks` make partitions of what a
//! `Column` has checked. `leaf_file` has the Parquet file around them.

mod arrays;
mod column;
mod fields;
mod read;
mod read_chunks;
mod write;
mod write_chunks;

pub(super) use fields::schema;
pub(super) use read::read;
pub(super) use write::write;

const WHAT: &str = "leaf";

/// How the layouts of chunks are called in the column `files.chunks.layout`.
mod layout {
    pub(super) const STRIDED: &str = "strided";
    pub(super) const PAGED: &str = "paged";
    pub(super) const INDEXED: &str = "indexed";
}
