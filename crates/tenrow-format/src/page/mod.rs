//! Parquet pages as tenrow writes them: `spec/tensor-pages.md`.
//!
//! ```text
//! ┌─ page header ─┬─ repetition levels ─┬─ definition levels ─┬─ values ──────────────┬─ pad ─┐
//! │ thrift, crc   │ RLE or bit-packed   │ RLE runs, split to  │ raw little-endian     │ zeros │
//! │ as 5 bytes    │                     │ align the values    │ elements of the rows  │       │
//! └───────────────┴─────────────────────┴─────────────────────┴───────────────────────┴───────┘
//! ```

pub(crate) mod header;
pub(crate) mod levels;
mod thrift;

pub use header::{PageHeader, PageKind};
pub use levels::RowLength;
