//! Tensor datasets on Apache Parquet.

pub use tenrow_format as format;
