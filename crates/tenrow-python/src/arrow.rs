//! Batches of rows for other libraries, and from them, by the Arrow C interface: nothing is copied.

use std::sync::{Mutex, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow_schema::{ArrowError, FieldRef, SchemaRef};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};
use pyo3_arrow::ffi::{
    ArrayIterator, ArrayReader, to_array_pycapsules, to_schema_pycapsule, to_stream_pycapsule,
};
use pyo3_arrow::input::{AnyArray, AnyRecordBatch};

type Reader = Box<dyn RecordBatchReader + Send>;

/// Rows as a stream of Arrow batches, for whoever speaks the Arrow PyCapsule interface; read once.
#[pyclass(frozen, module = "tenrow._tenrow")]
pub(crate) struct ArrowBatches {
    schema: SchemaRef,
    reader: Mutex<Option<Reader>>,
}

impl ArrowBatches {
    pub(crate) fn new(reader: Reader) -> Self {
        Self { schema: reader.schema(), reader: Mutex::new(Some(reader)) }
    }

    fn taken(&self) -> PyResult<Reader> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        reader.ok_or_else(|| {
            PyRuntimeError::new_err("these batches were read already: ask the dataset again")
        })
    }

    pub(crate) fn of(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        let batches: Vec<Result<_, ArrowError>> = batches.into_iter().map(Ok).collect();
        Self::new(Box::new(RecordBatchIterator::new(batches, schema)))
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
        let reader = self.taken()?;
        let field = arrow_schema::Field::new_struct("", self.schema.fields().clone(), false);
        let field = field.with_metadata(self.schema.metadata().clone());
        let arrays = reader.map(|batch| {
            batch.map(|batch| {
                std::sync::Arc::new(arrow_array::StructArray::from(batch)) as arrow_array::ArrayRef
            })
        });
        let arrays: Box<dyn ArrayReader + Send> =
            Box::new(ArrayIterator::new(arrays, field.into()));
        Ok(to_stream_pycapsule(py, arrays, requested_schema)?)
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

/// The only column of a batch, as the capsules that the interface has for an array.
pub(crate) fn array_capsules<'py>(
    py: Python<'py>,
    batch: &RecordBatch,
    requested_schema: Option<Bound<'py, PyCapsule>>,
) -> PyResult<Bound<'py, PyTuple>> {
    let field = batch.schema().field(0).clone();
    Ok(to_array_pycapsules(py, field.into(), batch.column(0).as_ref(), requested_schema)?)
}

/// The batches of whatever speaks the interface: a table, a data frame, a batch, a stream.
pub(crate) fn batches_of(value: &Bound<'_, PyAny>) -> PyResult<Reader> {
    let reader = value.extract::<AnyRecordBatch>()?.into_reader()?;
    let schema = reader.schema();
    for (place, field) in schema.fields().iter().enumerate() {
        if schema.fields()[..place].iter().any(|before| before.name() == field.name()) {
            return Err(crate::error::invalid(format!(
                "there are two columns of the name {:?}: rename one",
                field.name()
            )));
        }
    }
    Ok(reader)
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
    for batch in batches.taken()? {
        let batch = batch.map_err(|error| crate::error::invalid(error.to_string()))?;
        let column = batch.column(0).as_primitive_opt::<Int64Type>();
        let column = column.ok_or_else(|| crate::error::wrong_type("rows are whole numbers"))?;
        rows.extend_from_slice(column.values());
    }
    Ok(numpy::PyArray1::from_vec(py, rows).into_any())
}
