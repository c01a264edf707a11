//! SQL over tenrow datasets, on DataFusion.

#![forbid(unsafe_code)]
