//! Other formats into and out of tenrow datasets.

mod error;
mod source;

mod column;
mod input;

mod idx;
mod npy;
mod npy_header;
mod npy_write;
mod npz;

pub use error::{ConvertError, Result};
pub use idx::IdxSource;
pub use npy::NpySource;
pub use npy_write::{NpyWriter, npy_row_type};
pub use npz::{NpzSource, NpzWriter};
pub use source::Source;
