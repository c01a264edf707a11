//! An attribute on its way into a dataset, with its values.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tenrow::{Attribute, ColumnFill, Schema};

use crate::ending::Call;
use crate::error::invalid;
use crate::place::Place;
use crate::progress::Told;
use crate::runtime::{check_may_write, wait};
use crate::snapshot::Snapshot;
use crate::values;
use crate::writer::cast_mode;

/// An attribute that is declared, and to be given values.
#[pyclass(frozen, module = "tenrow._tenrow")]
pub(crate) struct NewColumn {
    column: tenrow::NewColumn,
    /// The attributes that there are beside it.
    schema: Schema,
    place: Arc<Place>,
}

impl NewColumn {
    pub(crate) fn new(column: tenrow::NewColumn, schema: Schema, place: Arc<Place>) -> Self {
        Self { column, schema, place }
    }

    /// What came of it; an attribute that nothing came of is taken back, also where Ctrl-C gave up the work.
    fn finished(&self, py: Python<'_>, done: PyResult<tenrow::Snapshot>) -> PyResult<Snapshot> {
        if done.is_err() {
            // The first exception is what is told.
            let _ = wait(py, self.column.take_back());
        }
        done.map(|snapshot| Snapshot { snapshot, place: self.place.clone() })
    }
}

#[pymethods]
impl NewColumn {
    /// Gives each row of a version its value.
    #[pyo3(signature = (snapshot, values, cast="safe"))]
    fn set(
        &self,
        snapshot: &Snapshot,
        values: &Bound<'_, PyAny>,
        cast: &str,
    ) -> PyResult<Snapshot> {
        let py = values.py();
        let set = || {
            check_may_write()?;
            let _call = Call::begin(py);
            let array = values::array_of(values, self.column.attribute(), cast_mode(cast)?)?;
            wait(py, self.column.set(&snapshot.snapshot, array))
        };
        self.finished(py, set())
    }

    /// Computes the values: `compute` is given a dict of the inputs of consecutive rows.
    #[pyo3(signature = (inputs, compute, cast="safe", report=None))]
    fn fill(
        &self,
        py: Python<'_>,
        inputs: Vec<String>,
        compute: Py<PyAny>,
        cast: &str,
        report: Option<Py<PyAny>>,
    ) -> PyResult<Snapshot> {
        let fill = || {
            check_may_write()?;
            let (mode, attribute) = (cast_mode(cast)?, self.column.attribute());
            let mut failed: Option<PyErr> = None;
            let computed = |batch: &RecordBatch| {
                let computed = Python::try_attach(|py| {
                    let _call = Call::begin(py);
                    let values = compute.bind(py).call1((self.rows(py, batch)?,))?;
                    let array = values::array_of(&values, attribute, mode)?;
                    check_count(attribute, &array, batch)
                });
                let ended = || Err(tenrow::Error::invalid("the interpreter is ending"));
                computed.map_or_else(ended, |computed| {
                    computed.map_err(|error: PyErr| {
                        let said = tenrow::Error::invalid(error.to_string());
                        failed = Some(error);
                        said
                    })
                })
            };
            let told = Told::of(report);
            let fill = ColumnFill::new(&attribute.name, inputs);
            let fill = fill.with_on_progress(told.on_progress.clone());
            let filled = told.finish(wait(py, self.column.fill(&fill, computed)));
            // The exception of the function itself, with its traceback.
            match (filled, failed) {
                (Err(_), Some(error)) => Err(error),
                (filled, _) => Ok(filled?.snapshot),
            }
        };
        self.finished(py, fill())
    }
}

impl NewColumn {
    /// The columns of a batch by the names of their attributes.
    fn rows<'py>(&self, py: Python<'py>, batch: &RecordBatch) -> PyResult<Bound<'py, PyDict>> {
        let rows = PyDict::new(py);
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let known = self.schema.attribute(field.name());
            let known = known.ok_or_else(|| invalid("an input that is no attribute"))?;
            rows.set_item(field.name(), values::column(py, known, column)?)?;
        }
        Ok(rows)
    }
}

fn check_count(attribute: &Attribute, values: &ArrayRef, rows: &RecordBatch) -> PyResult<ArrayRef> {
    match values.len() == rows.num_rows() {
        true => Ok(values.clone()),
        false => Err(invalid(format!(
            "attribute {:?}: {} values for {} rows",
            attribute.name,
            values.len(),
            rows.num_rows()
        ))),
    }
}
