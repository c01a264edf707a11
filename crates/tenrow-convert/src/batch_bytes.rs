//! How large a batch is.

use arrow_array::RecordBatch;

/// The bytes that the values of a batch take.
pub(crate) fn batch_bytes(batch: &RecordBatch) -> u64 {
    let sizes = batch.columns().iter().map(|c| c.to_data().get_slice_memory_size().unwrap_or(0));
    sizes.sum::<usize>() as u64
}
