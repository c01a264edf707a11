//! One version of a dataset.

use std::sync::Arc;

use pyo3::prelude::*;

use crate::error::raised;
use crate::keys::rows_of;
use crate::place::Place;
use crate::runtime::read;
use crate::view::View;

/// One version.
#[pyclass(frozen, module = "tenrow._tenrow")]
pub(crate) struct Snapshot {
    pub(crate) snapshot: tenrow::Snapshot,
    pub(crate) place: Arc<Place>,
}

#[pymethods]
impl Snapshot {
    #[getter]
    fn version(&self) -> u64 {
        self.snapshot.version().0
    }

    #[getter]
    fn size_bytes(&self) -> u64 {
        self.snapshot.size_bytes()
    }

    #[getter]
    fn partition_count(&self) -> u64 {
        self.snapshot.partition_count()
    }

    /// JSON of the properties.
    #[getter]
    fn properties(&self) -> String {
        serde_json::Value::Object(self.snapshot.properties().clone()).to_string()
    }

    fn __len__(&self) -> usize {
        self.snapshot.row_count() as usize
    }

    /// All rows.
    fn all(&self) -> View {
        View::new(self.snapshot.all(), self.place.clone())
    }

    /// These rows, in the order asked.
    fn rows(&self, rows: &Bound<'_, PyAny>) -> PyResult<View> {
        let rows = rows_of(rows, self.snapshot.row_count())?;
        let view = self.snapshot.rows(rows).map_err(|error| raised(&error))?;
        Ok(View::new(view, self.place.clone()))
    }

    /// The rows of a view of this version, which may have been opened elsewhere.
    fn rows_of(&self, py: Python<'_>, view: &View) -> PyResult<View> {
        let storage = view.view.snapshot().storage();
        let rows = read(py, storage, view.view.row_numbers())?.clone();
        let view = self.snapshot.rows(rows).map_err(|error| raised(&error))?;
        Ok(View::new(view, self.place.clone()))
    }
}
