//! What tables of every format have in common: a schema found first, batches read later.

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use tenrow::engine::caught;
use tenrow::{Attribute, AttributeType};
use tenrow_values::{ConvertError, Result, batch_of, conform};

use crate::source::{Source, rows_per_batch};

pub(crate) type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;
type Open = Box<dyn FnOnce() -> Result<Batches> + Send>;

/// A file of rows whose columns have types: Parquet, Arrow.
///
/// A file is open only while its rows are read, so that many can wait their turn.
pub struct TableSource {
    path: PathBuf,
    format: &'static str,
    attributes: Vec<Attribute>,
    row_count: Option<u64>,
    rows_read: u64,
    state: State,
}

enum State {
    Waiting(Open),
    Reading(Batches),
    Done,
}

impl TableSource {
    pub(crate) fn new(
        path: &Path,
        format: &'static str,
        attributes: Vec<Attribute>,
        row_count: Option<u64>,
        open: Open,
    ) -> Result<Self> {
        if attributes.is_empty() {
            return Err(ConvertError::unsupported(path, "a table without columns"));
        }
        let state = State::Waiting(open);
        Ok(Self { path: path.to_owned(), format, attributes, row_count, rows_read: 0, state })
    }
}

impl Source for TableSource {
    fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    fn row_count(&self) -> Option<u64> {
        self.row_count
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let mut batches = match std::mem::replace(&mut self.state, State::Done) {
                State::Waiting(open) => open()?,
                State::Reading(batches) => batches,
                State::Done => return Ok(None),
            };
            let (path, format, row) = (&self.path, self.format, Some(self.rows_read));
            let next = caught(|| batches.next());
            let next = next.map_err(ConvertError::decode(path, format, row))?;
            let Some(batch) = next else { return Ok(None) };
            let batch = batch.map_err(ConvertError::decode(path, format, row))?;
            self.state = State::Reading(batches);
            if batch.num_rows() == 0 {
                continue;
            }
            let both = self.attributes.iter().zip(batch.columns());
            let conformed =
                caught(|| both.map(|(attribute, column)| conform(column, attribute)).collect());
            let columns: Result<Vec<_>> =
                conformed.map_err(ConvertError::decode(path, format, row))?;
            let columns = columns.map_err(|error| self.located(error))?;
            self.rows_read += batch.num_rows() as u64;
            return batch_of(&self.attributes, columns, batch.num_rows()).map(Some);
        }
    }
}

impl TableSource {
    /// Says in which file a fault is, and in which of its rows rather than of the batch's.
    fn located(&self, error: ConvertError) -> ConvertError {
        let path = self.path.clone();
        match error {
            ConvertError::Value { row, attribute, reason, .. } => {
                ConvertError::Row { path, row: self.rows_read + row, attribute, reason }
            }
            ConvertError::Column { name, reason } => {
                ConvertError::unsupported(&path, format!("column {name:?}: {reason}"))
            }
            other => other,
        }
    }
}

/// Rows of a batch, from the mean size of a row as text and the size of its numbers.
pub(crate) fn batch_rows(attributes: &[Attribute], bytes: u64, rows: u64) -> usize {
    let fixed: u64 = attributes.iter().map(fixed_bytes).sum();
    rows_per_batch(fixed.max(bytes / rows.max(1))).min(1 << 16) as usize
}

fn fixed_bytes(attribute: &Attribute) -> u64 {
    match &attribute.attribute_type {
        AttributeType::Tensor { dtype, shape } => shape.byte_len(*dtype).unwrap_or(u64::MAX >> 16),
        _ => 8,
    }
}
