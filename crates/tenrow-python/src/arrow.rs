//! Batches of rows for other libraries, and from them, by the Arrow C interface: nothing is copied.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchReader, StructArray};
use arrow_schema::{ArrowError, Field, FieldRef, Schema, SchemaRef};
use pyo3::exceptions::{PyOSError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};
use pyo3_arrow::ffi::{
    ArrayIterator, ArrayReader, to_array_pycapsules, to_schema_pycapsule, to_stream_pycapsule,
};
use pyo3_arrow::input::{AnyArray, AnyRecordBatch};

/// Where batches come from. Whoever asks for the next waits for it, without the GIL; dropping it ends the work.
pub(crate) trait Batches: Send {
    /// The next batch; `None` after the last, and after an error.
    fn next(&mut self, py: Python<'_>) -> PyResult<Option<RecordBatch>>;
}

impl Batches for std::vec::IntoIter<RecordBatch> {
    fn next(&mut self, _: Python<'_>) -> PyResult<Option<RecordBatch>> {
        Ok(Iterator::next(self))
    }
}

/// Rows as a stream of Arrow batches, each made when it is asked for; read once, here or by whoever speaks the Arrow
/// PyCapsule interface.
#[pyclass(frozen, module = "tenrow._tenrow")]
pub(crate) struct ArrowBatches {
    schema: SchemaRef,
    state: Mutex<State>,
}

enum State {
    Ready(Box<dyn Batches>),
    /// A thread waits for the next.
    Awaited,
    /// There are no more.
    Ended,
    /// Somebody else reads them.
    Given,
}

impl ArrowBatches {
    pub(crate) fn new(schema: SchemaRef, batches: impl Batches + 'static) -> Self {
        Self { schema, state: Mutex::new(State::Ready(Box::new(batches))) }
    }

    pub(crate) fn of(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self::new(schema, batches.into_iter())
    }

    #[cfg(feature = "sql")]
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next batch; `None` after the last, and after an error.
    pub(crate) fn next(&self, py: Python<'_>) -> PyResult<Option<RecordBatch>> {
        // Taken out, so that no thread waits for another here.
        let mut batches = match self.put(State::Awaited) {
            State::Ready(batches) => batches,
            State::Ended => {
                self.put(State::Ended);
                return Ok(None);
            }
            other => return Err(self.refused(other)),
        };
        let next = batches.next(py);
        self.put(match &next {
            Ok(Some(_)) => State::Ready(batches),
            _ => State::Ended,
        });
        next
    }

    fn put(&self, state: State) -> State {
        mem::replace(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner), state)
    }

    /// Those that are left, for somebody else to read.
    fn given(&self) -> PyResult<Box<dyn Batches>> {
        match self.put(State::Given) {
            State::Ready(batches) => Ok(batches),
            other => Err(self.refused(other)),
        }
    }

    /// What is wrong with reading in a state, which it is left in.
    fn refused(&self, state: State) -> PyErr {
        let reason = match state {
            State::Awaited => "another thread waits for the next of these batches",
            _ => "these batches were read already: ask the dataset again",
        };
        self.put(state);
        PyRuntimeError::new_err(reason)
    }
}

#[pymethods]
impl ArrowBatches {
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let field = Field::new_struct("", self.schema.fields().clone(), false);
        let field = field.with_metadata(self.schema.metadata().clone());
        let arrays: Box<dyn ArrayReader + Send> =
            Box::new(ArrayIterator::new(ForOthers(self.given()?), field.into()));
        Ok(to_stream_pycapsule(py, arrays, requested_schema)?)
    }

    /// All that are left, read here: errors are those of this package, and Ctrl-C is `KeyboardInterrupt`.
    fn collected(&self, py: Python<'_>) -> PyResult<Self> {
        let mut source = self.given()?;
        let mut batches = Vec::new();
        while let Some(batch) = source.next(py)? {
            batches.push(batch);
        }
        Ok(Self::of(self.schema.clone(), batches))
    }

    /// Refuses to begin again what was read.
    fn check_unread(&self) -> PyResult<()> {
        match self.put(State::Awaited) {
            ready @ State::Ready(_) => {
                self.put(ready);
                Ok(())
            }
            other => Err(self.refused(other)),
        }
    }

    fn __repr__(&self) -> String {
        let names = self.schema.fields().iter().map(|field| field.name().as_str());
        let names = names.collect::<Vec<_>>().join(", ");
        format!(
            "<Arrow batches of {names}: to_arrow(), to_pandas(), to_polars(), or give them to DuckDB>"
        )
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        Ok(to_schema_pycapsule(py, self.schema.as_ref())?)
    }
}

/// Batches for other libraries, which ask for them with or without the GIL and know errors of Arrow alone.
struct ForOthers(Box<dyn Batches>);

impl Iterator for ForOthers {
    type Item = Result<ArrayRef, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = Python::try_attach(|py| self.0.next(py).map_err(|error| told(py, &error)));
        let ending = || Err(ArrowError::ExternalError("the interpreter ends".into()));
        let next = next.unwrap_or_else(ending).transpose()?;
        Some(next.map(|batch| Arc::new(StructArray::from(batch)) as ArrayRef))
    }
}

/// An exception in the words that other libraries show: its class and its text, which must be one for C.
fn told(py: Python<'_>, error: &PyErr) -> ArrowError {
    let text = error.to_string().replace('\0', " ");
    match error.is_instance_of::<PyOSError>(py) {
        true => ArrowError::IoError(text, std::io::ErrorKind::Other.into()),
        false => ArrowError::ExternalError(text.into()),
    }
}

/// The only column of a batch, as the capsules that the interface has for an array.
pub(crate) fn array_capsules<'py>(
    py: Python<'py>,
    batch: &RecordBatch,
    requested_schema: Option<Bound<'py, PyCapsule>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let field = batch.schema().field(0).clone();
    Ok(to_array_pycapsules(py, field.into(), batch.column(0).as_ref(), requested_schema)?)
}

/// The columns and batches of whatever speaks the interface: a table, a data frame, a batch, a stream. Those of this package
/// are read as they are, with errors of their own.
pub(crate) fn batches_of(value: &Bound<'_, PyAny>) -> PyResult<(SchemaRef, Box<dyn Batches>)> {
    let inner = value.getattr("_batches").ok();
    if let Ok(own) = inner.as_ref().unwrap_or(value).cast::<ArrowBatches>() {
        check_names(&own.get().schema)?;
        return Ok((own.get().schema.clone(), own.get().given()?));
    }
    let reader = value.extract::<AnyRecordBatch>()?.into_reader()?;
    let schema = reader.schema();
    check_names(&schema)?;
    Ok((schema, Box::new(OfOthers(reader))))
}

fn check_names(schema: &Schema) -> PyResult<()> {
    for (place, field) in schema.fields().iter().enumerate() {
        if schema.fields()[..place].iter().any(|before| before.name() == field.name()) {
            return Err(crate::error::invalid(format!(
                "there are two columns of the name {:?}: rename one",
                field.name()
            )));
        }
    }
    Ok(())
}

/// Batches that another library makes.
struct OfOthers(Box<dyn RecordBatchReader + Send>);

impl Batches for OfOthers {
    fn next(&mut self, py: Python<'_>) -> PyResult<Option<RecordBatch>> {
        let next = py.detach(|| self.0.next());
        py.check_signals()?;
        next.transpose().map_err(|error| crate::error::invalid(error.to_string()))
    }
}

/// The parts of whatever gives an Arrow array, and what they are called.
pub(crate) fn chunks_of(values: &Bound<'_, PyAny>) -> PyResult<(Vec<ArrayRef>, FieldRef)> {
    let chunked = values.extract::<AnyArray>()?.into_chunked_array().map_err(PyErr::from)?;
    Ok(chunked.into_inner())
}

/// The whole numbers of the first column, in one array.
#[pyfunction]
pub(crate) fn rows_of<'py>(py: Python<'py>, batches: &ArrowBatches) -> PyResult<Bound<'py, PyAny>> {
    let mut rows: Vec<i64> = Vec::new();
    while let Some(batch) = batches.next(py)? {
        let column = batch.column(0).as_primitive_opt::<Int64Type>();
        let column = column.ok_or_else(|| crate::error::wrong_type("rows are whole numbers"))?;
        rows.extend_from_slice(column.values());
    }
    Ok(numpy::PyArray1::from_vec(py, rows).into_any())
}
