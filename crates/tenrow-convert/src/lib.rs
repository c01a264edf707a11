//! Other formats into and out of tenrow datasets.

mod error;
mod source;

mod column;
mod input;

mod idx;

pub use error::{ConvertError, Result};
pub use idx::IdxSource;
pub use source::Source;
