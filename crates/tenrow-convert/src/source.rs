//! Where rows come from: the trait that every importer implements.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::Schema;
use tenrow::format::{Attribute, names_listed};

use crate::cast_mode::CastMode;
use crate::error::{ConvertError, Result};

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

/// Where each attribute stands; of two with one name, the first.
pub(crate) fn places(attributes: &[Attribute]) -> HashMap<&str, usize> {
    attributes.iter().enumerate().rev().map(|(place, a)| (a.name.as_str(), place)).collect()
}

/// Puts columns together under the fields of `attributes`.
pub(crate) fn batch_of(
    attributes: &[Attribute],
    columns: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch> {
    let fields: Vec<_> = attributes.iter().map(Attribute::arrow_field).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).map_err(
        |source| ConvertError::Arrow {
            name: names_listed(attributes.iter().map(|a| a.name.as_str())),
            expected: "one record batch".into(),
            source,
        },
    )
}
