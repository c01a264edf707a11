//! Tensor datasets on Apache Parquet.
#![deny(unsafe_code)]

mod blocking;
mod clock;
mod error;
mod ids;
mod storage;

pub use clock::Clock;
pub use error::{Error, ErrorKind, Result};
pub use ids::Ids;
pub use storage::{CoalesceOptions, Counters, DurableLocal, Location, Storage, Upload, Uploaded};
pub use tenrow_format as format;
