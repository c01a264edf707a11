//! Other formats into and out of tenrow datasets.

mod error;
mod source;

mod column;
mod input;

mod from_arrow;
mod media_type;

mod cast;
mod cast_numbers;
mod concat;
mod table;

mod csv;
mod files_write;
mod idx;
mod images;
mod jsonl;
mod jsonl_write;
mod npy;
mod npy_header;
mod npy_write;
mod npz;
mod parquet;
mod tiff_image;

mod detect;

pub use cast::{CastMode, cast_batch};
pub use detect::{OpenOptions, SourceFormat, detect, open};
pub use error::{ConvertError, Result};
pub use files_write::FileWriter;
pub use from_arrow::{attribute_of, conform};
pub use idx::IdxSource;
pub use images::ImageSource;
pub use jsonl_write::JsonLinesWriter;
pub use media_type::media_type;
pub use npy::NpySource;
pub use npy_write::{NpyWriter, npy_row_type};
pub use npz::{NpzSource, NpzWriter};
pub use parquet::ParquetWriter;
pub use source::Source;
pub use table::TableSource;
