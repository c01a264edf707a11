//! Where rows come from: the trait that every importer implements.

use arrow_array::RecordBatch;
use tenrow::Attribute;
use tenrow_values::{CastMode, Result};

/// Bytes of a batch, about.
pub(crate) const BATCH_BYTES: u64 = 8 << 20;
/// Rows of a batch at most, however small the rows are.
const MAX_BATCH_ROWS: u64 = 1 << 20;

/// A stream of record batches read from somewhere, in bounded memory.
pub trait Source: Send {
    /// What each row has; the columns of every batch are these, in this order.
    fn attributes(&self) -> &[Attribute];

    /// The number of rows, where it is known beforehand.
    fn row_count(&self) -> Option<u64>;

    /// Says what the rows are to become, before the first of them is read: text is then read as values of
    /// these types, by name, as far as `mode` allows, and the attributes are what it is read as. Sources
    /// whose values have types of their own do nothing.
    ///
    /// # Errors
    /// If some of the text is of no one type.
    fn read_as(&mut self, targets: &[Attribute], mode: CastMode) -> Result<()> {
        let _ = (targets, mode);
        Ok(())
    }

    /// What people should be told of what was read so far: what was left out, and what is not as in the file.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }

    /// The next rows: at least one of them, and about 8 MiB at most unless one row is larger.
    ///
    /// # Errors
    /// What is wrong with the source, with file and offset or row. A source that has failed once
    /// is not read further.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>>;
}

/// How many rows of `row_bytes` make a batch; at least one.
pub(crate) fn rows_per_batch(row_bytes: u64) -> u64 {
    (BATCH_BYTES / row_bytes.max(1)).clamp(1, MAX_BATCH_ROWS)
}
