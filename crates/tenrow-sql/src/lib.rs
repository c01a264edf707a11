//! SQL over tenrow datasets, on DataFusion.

#![forbid(unsafe_code)]

#[expect(dead_code, reason = "a session registers them")]
mod functions;
