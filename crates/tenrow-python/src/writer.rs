//! A writer: rows in, one commit at the end.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tenrow::{DatasetWriter, Upload};
use tenrow_convert::{CastMode, attribute_of, cast_batch, conform};

use crate::arrow::batches_of;
use crate::error::invalid;
use crate::runtime::{check_may_write, wait, wait_for};
use crate::snapshot::Snapshot;
use crate::values::batch_of;

/// How long stores may take to be told of the uploads that were given up.
const ABORT_TIME: Duration = Duration::from_secs(2);

/// Appends rows; nothing is visible before `commit`.
#[pyclass(frozen, module = "tenrow._tenrow")]
pub(crate) struct Writer {
    writer: Mutex<Option<DatasetWriter>>,
}

impl Writer {
    pub(crate) fn new(writer: DatasetWriter) -> Self {
        Self { writer: Mutex::new(Some(writer)) }
    }

    /// The writer, which nobody else has until it is put back.
    fn taken(&self) -> PyResult<DatasetWriter> {
        let taken = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.ok_or_else(|| {
            PyRuntimeError::new_err(
                "the writer is closed, or another thread is appending: open a new one",
            )
        })
    }

    fn put_back(&self, writer: DatasetWriter) {
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
    }
}

#[pymethods]
impl Writer {
    /// Appends the rows of a dict from names to columns; all or, if one is refused, none of them.
    fn append(&self, rows: &Bound<'_, PyDict>) -> PyResult<()> {
        check_may_write()?;
        let mut writer = self.taken()?;
        let appended = batch_of(&writer.schema().clone(), rows, Some(&mut writer))
            .and_then(|batch| wait(rows.py(), writer.append(&batch)));
        self.put_back(writer);
        appended
    }

    /// Appends the rows of whatever speaks Arrow, batch by batch.
    fn append_arrow(&self, rows: &Bound<'_, PyAny>) -> PyResult<()> {
        check_may_write()?;
        let reader = batches_of(rows)?;
        let mut writer = self.taken()?;
        let appended = append_batches(rows.py(), &mut writer, reader);
        self.put_back(writer);
        appended
    }

    /// Rows appended so far.
    #[getter]
    fn row_count(&self) -> PyResult<u64> {
        let writer = self.taken()?;
        let rows = writer.row_count();
        self.put_back(writer);
        Ok(rows)
    }

    /// Makes the rows visible as one version, and closes the writer.
    fn commit(&self, py: Python<'_>) -> PyResult<Snapshot> {
        let writer = self.taken()?;
        let committed = wait(py, writer.commit());
        if committed.is_err() {
            wait_for_aborts(py);
        }
        committed.map(|snapshot| Snapshot { snapshot })
    }

    /// Closes the writer; nothing of its rows stays.
    fn abort(&self, py: Python<'_>) -> PyResult<()> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(writer) = writer else { return Ok(()) };
        // Within the runtime, for what it has uploaded is aborted there.
        wait_for(py, async { drop(writer) })?;
        wait_for_aborts(py);
        Ok(())
    }
}

/// Waits until stores know of the uploads that were given up, since the program may end now; not for long.
fn wait_for_aborts(py: Python<'_>) {
    // Not being able to wait, or being interrupted once more, changes nothing of what has happened.
    let _ = wait_for(py, async { tokio::time::timeout(ABORT_TIME, Upload::aborted()).await });
}

fn append_batches(
    py: Python<'_>,
    writer: &mut DatasetWriter,
    mut reader: Box<dyn arrow_array::RecordBatchReader + Send>,
) -> PyResult<()> {
    let refused = |error: tenrow_convert::ConvertError| invalid(error.to_string());
    let schema = reader.schema();
    let from = schema.fields().iter().map(|field| attribute_of(field).map_err(refused));
    let from = from.collect::<PyResult<Vec<_>>>()?;
    let to = writer.schema().clone();
    let mut first = 0;
    while let Some(batch) = py.detach(|| reader.next()) {
        let batch = batch.map_err(|error| invalid(error.to_string()))?;
        let columns = from.iter().zip(batch.columns()).map(|(attribute, column)| {
            Ok((attribute.name.clone(), conform(column, attribute).map_err(refused)?, true))
        });
        let columns = columns.collect::<PyResult<Vec<_>>>()?;
        let conformed = arrow_array::RecordBatch::try_from_iter_with_nullable(columns)
            .map_err(|error| invalid(error.to_string()))?;
        let rows = cast_batch(&conformed, &from, &to, CastMode::Safe, first, "the rows given");
        first += batch.num_rows() as u64;
        wait(py, writer.append(&rows.map_err(refused)?))?;
    }
    Ok(())
}
