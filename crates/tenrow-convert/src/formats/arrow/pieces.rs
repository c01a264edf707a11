//! Batches of any size, in pieces that fit beside others in memory.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType};

use crate::batch_bytes::batch_bytes;
use crate::source::rows_per_batch;

/// The rows of batches, a piece of them at a time; nothing is copied.
pub(super) struct Pieces<I> {
    batches: I,
    left: Option<RecordBatch>,
}

impl<I> Pieces<I> {
    pub(super) fn of(batches: I) -> Self {
        Self { batches, left: None }
    }
}

impl<I: Iterator<Item = Result<RecordBatch, ArrowError>>> Iterator for Pieces<I> {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match self.left.take() {
            Some(batch) => batch,
            None => match self.batches.next()? {
                Ok(batch) => batch,
                Err(error) => return Some(Err(error)),
            },
        };
        let rows = rows_per_batch(row_bytes(&batch)) as usize;
        if rows < batch.num_rows() {
            self.left = Some(batch.slice(rows, batch.num_rows() - rows));
        }
        Some(Ok(batch.slice(0, rows.min(batch.num_rows()))))
    }
}

/// Bytes that a row is likely to have once every value stands by itself.
fn row_bytes(batch: &RecordBatch) -> u64 {
    let mean = batch_bytes(batch) / (batch.num_rows() as u64).max(1);
    let shared = batch.columns().iter().map(longest_shared_value);
    shared.fold(mean, u64::saturating_add)
}

/// The longest of the values that several rows may share: a few bytes in the file may be very many.
fn longest_shared_value(column: &ArrayRef) -> u64 {
    fn longest<'a, T: AsRef<[u8]> + ?Sized + 'a>(
        values: impl Iterator<Item = Option<&'a T>>,
    ) -> u64 {
        values.flatten().map(|value| value.as_ref().len() as u64).max().unwrap_or(0)
    }
    match column.data_type() {
        DataType::Dictionary(..) => {
            let values = column.as_any_dictionary().values();
            match values.data_type() {
                DataType::Utf8 => longest(values.as_string::<i32>().iter()),
                DataType::LargeUtf8 => longest(values.as_string::<i64>().iter()),
                DataType::Binary => longest(values.as_binary::<i32>().iter()),
                DataType::LargeBinary => longest(values.as_binary::<i64>().iter()),
                _ => longest_shared_value(values),
            }
        }
        DataType::Utf8View => longest(column.as_string_view().iter()),
        DataType::BinaryView => longest(column.as_binary_view().iter()),
        _ => 0,
    }
}
