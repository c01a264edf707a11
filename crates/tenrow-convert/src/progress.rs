//! How far an import or export is.

use arrow_array::RecordBatch;

/// How far an import or export is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Rows done.
    pub rows: u64,
    /// All rows, where that is known.
    pub total_rows: Option<u64>,
    /// Bytes of values done.
    pub bytes: u64,
}

/// The bytes that the values of a batch take.
pub(crate) fn batch_bytes(batch: &RecordBatch) -> u64 {
    let sizes = batch.columns().iter().map(|c| c.to_data().get_slice_memory_size().unwrap_or(0));
    sizes.sum::<usize>() as u64
}
