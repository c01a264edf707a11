//! What the benches share: the data, and the rivals that tenrow is held against.
//!
//! Every rival does the same work on the same bytes, page cache warm, and both sides sum what they
//! read with the same function, so that every byte is touched.

mod sum;
mod raw_file;
mod generic;
mod data;
mod interleaved;

pub use data::{
    Files, IMAGES, Tensors, VECTORS, Workload, append_all, bench_folder, fresh_folder,
    write_dataset,
};
pub use generic::{GenericReader, sum_of_batch};
pub use interleaved::{Comparison, compare};
pub use raw_file::{RawFile, write_and_sync};
pub use sum::sum;
