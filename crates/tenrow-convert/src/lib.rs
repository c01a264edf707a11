//! Other formats into and out of tenrow datasets.

mod error;
mod source;

mod column;
mod input;

mod from_arrow;
mod media_type;

mod idx;
mod npy;
mod npy_header;
mod npy_write;
mod npz;

pub use error::{ConvertError, Result};
pub use from_arrow::{attribute_of, conform};
pub use idx::IdxSource;
pub use media_type::media_type;
pub use npy::NpySource;
pub use npy_write::{NpyWriter, npy_row_type};
pub use npz::{NpzSource, NpzWriter};
pub use source::Source;
