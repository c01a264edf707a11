//! A writer: rows in, one commit at the end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow_schema::Schema;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tenrow::DatasetWriter;
use tenrow::storage::Upload;
use tenrow_values::{CastMode, attribute_of, cast_batch, conform};

use crate::arrow::{Batches, batches_of};
use crate::ending::Call;
use crate::error::invalid;
use crate::place::Place;
use crate::runtime::{Home, check_may_write, wait, wait_for};
use crate::snapshot::Snapshot;
use crate::values::{batch_of, refused};

/// How long stores may take to be told of the uploads that were given up.
const ABORT_TIME: Duration = Duration::from_secs(2);

/// Appends rows; nothing is visible before `commit`.
#[pyclass(frozen, module = "tenrow._tenrow")]
pub(crate) struct Writer {
    state: Mutex<State>,
    home: Home,
    place: Arc<Place>,
}

enum State {
    Open(Box<DatasetWriter>),
    /// A call has it, which gives it back.
    Busy,
    Closed,
}

impl Writer {
    pub(crate) fn new(writer: DatasetWriter, place: Arc<Place>) -> Self {
        Self { state: Mutex::new(State::Open(Box::new(writer))), home: Home::here(), place }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writer, which nobody else has until it is put back.
    fn taken(&self) -> PyResult<Box<DatasetWriter>> {
        if !self.home.is_here() {
            return Err(PyRuntimeError::new_err(
                "the writer is of the process that this one was forked from: open one here",
            ));
        }
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Busy) {
            State::Open(writer) => Ok(writer),
            State::Busy => Err(PyRuntimeError::new_err(
                "another thread is using the writer: let one at a time append",
            )),
            State::Closed => {
                *state = State::Closed;
                Err(PyRuntimeError::new_err("the writer is closed: open a new one"))
            }
        }
    }

    /// Gives the writer back, unless it was closed meanwhile.
    fn put_back(&self, py: Python<'_>, writer: Box<DatasetWriter>) {
        let mut state = self.state();
        match *state {
            State::Busy => *state = State::Open(writer),
            State::Open(_) | State::Closed => {
                drop(state);
                give_up(py, writer);
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let state = std::mem::replace(&mut *self.state(), State::Closed);
        let State::Open(writer) = state else { return };
        // Its files are those of the other process, or there is no time left: the interpreter is ending.
        let mut writer = Some(writer);
        if self.home.is_here() {
            Python::try_attach(|py| writer.take().map(|writer| give_up(py, writer)));
        }
        std::mem::forget(writer);
    }
}

/// Removes what a writer has written, within the runtime, where uploads are aborted.
fn give_up(py: Python<'_>, writer: Box<DatasetWriter>) {
    // What cannot be removed is seen by nobody, and an exception is perhaps on its way already.
    let _ = wait_for(py, async { writer.abort().await });
}

#[pymethods]
impl Writer {
    /// Appends the rows of a dict from names to columns; all or, if one is refused, none of them.
    #[pyo3(signature = (rows, cast="refuse"))]
    fn append(&self, rows: &Bound<'_, PyDict>, cast: &str) -> PyResult<()> {
        check_may_write()?;
        let mode = cast_mode(cast)?;
        let _call = Call::begin(rows.py());
        let mut writer = self.taken()?;
        let appended = batch_of(&writer.schema().clone(), rows, mode, Some(&mut writer))
            .and_then(|batch| wait(rows.py(), writer.append(&batch)));
        self.put_back(rows.py(), writer);
        appended
    }

    /// Appends the rows of whatever speaks Arrow, batch by batch.
    #[pyo3(signature = (rows, cast="refuse"))]
    fn append_arrow(&self, rows: &Bound<'_, PyAny>, cast: &str) -> PyResult<()> {
        check_may_write()?;
        let mode = cast_mode(cast)?;
        let _call = Call::begin(rows.py());
        let (schema, batches) = batches_of(rows)?;
        let mut writer = self.taken()?;
        let appended = append_batches(rows.py(), &mut writer, &schema, batches, mode);
        self.put_back(rows.py(), writer);
        appended
    }

    /// Rows appended so far.
    #[getter]
    fn row_count(&self, py: Python<'_>) -> PyResult<u64> {
        let writer = self.taken()?;
        let rows = writer.row_count();
        self.put_back(py, writer);
        Ok(rows)
    }

    /// Makes the rows visible as one version, and closes the writer.
    fn commit(&self, py: Python<'_>) -> PyResult<Snapshot> {
        check_may_write()?;
        let writer = self.taken()?;
        let committed = wait(py, writer.commit());
        *self.state() = State::Closed;
        if committed.is_err() {
            wait_for_aborts(py);
        }
        committed.map(|snapshot| Snapshot { snapshot, place: self.place.clone() })
    }

    /// Closes the writer; nothing of its rows stays.
    fn abort(&self, py: Python<'_>) -> PyResult<()> {
        if !self.home.is_here() {
            return Ok(());
        }
        let state = std::mem::replace(&mut *self.state(), State::Closed);
        if let State::Open(writer) = state {
            give_up(py, writer);
            wait_for_aborts(py);
        }
        Ok(())
    }
}

/// Waits until stores know of the uploads that were given up, since the program may end now; not for long.
fn wait_for_aborts(py: Python<'_>) {
    // Not being able to wait, or being interrupted once more, changes nothing of what has happened.
    let _ = wait_for(py, async { tokio::time::timeout(ABORT_TIME, Upload::aborted()).await });
}

/// The cast of this name.
pub(crate) fn cast_mode(name: &str) -> PyResult<CastMode> {
    name.parse().map_err(|_| {
        invalid(format!("cast={name:?}: there are \"refuse\", \"safe\", \"round\", \"lossy\""))
    })
}

fn append_batches(
    py: Python<'_>,
    writer: &mut DatasetWriter,
    schema: &Schema,
    mut batches: Box<dyn Batches>,
    mode: CastMode,
) -> PyResult<()> {
    let from = schema.fields().iter().map(|field| attribute_of(field).map_err(refused));
    let from = from.collect::<PyResult<Vec<_>>>()?;
    let to = writer.schema().clone();
    let mut first = 0;
    while let Some(batch) = batches.next(py)? {
        let columns = from.iter().zip(batch.columns()).map(|(attribute, column)| {
            Ok((attribute.name.clone(), conform(column, attribute).map_err(refused)?, true))
        });
        let columns = columns.collect::<PyResult<Vec<_>>>()?;
        let conformed = arrow_array::RecordBatch::try_from_iter_with_nullable(columns)
            .map_err(|error| invalid(error.to_string()))?;
        let rows = cast_batch(&conformed, &from, &to, mode, first, "the rows given");
        first += batch.num_rows() as u64;
        wait(py, writer.append(&rows.map_err(refused)?))?;
    }
    Ok(())
}
