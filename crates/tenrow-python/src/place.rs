//! Where a dataset is, for what belongs to it.

use std::collections::HashMap;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// Where a dataset is, and how its store is reached: what is pickled of everything that belongs to it.
pub(crate) struct Place {
    pub(crate) uri: String,
    pub(crate) options: HashMap<String, String>,
}

/// What opens a version again, in another process or after it was copied.
#[derive(Clone)]
pub(crate) struct PinnedVersion {
    pub(crate) place: Arc<Place>,
    pub(crate) version: u64,
}

impl PinnedVersion {
    /// The call that `pickle` is to make: of a function of `tenrow._dataset`, with these, the name of an attribute and rows.
    pub(crate) fn reopened_by<'py>(
        &self,
        py: Python<'py>,
        function: &str,
        name: &str,
        rows: Bound<'py, PyAny>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let function = py.import("tenrow._dataset")?.getattr(function)?;
        let (place, version) = (&self.place, self.version);
        let arguments = (&place.uri, version, &place.options, name, rows);
        Ok((function, arguments.into_pyobject(py)?))
    }
}
