//! Files of file attributes: what is known of one, and exact reads of its bytes.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::place::PinnedVersion;
use crate::runtime::{Home, read};

/// One file of a row. `tenrow.File` makes a file-like object of it.
#[pyclass(frozen, module = "tenrow._tenrow")]
pub(crate) struct FileHandle {
    file: tenrow::FileHandle,
    storage: tenrow::storage::Storage,
    home: Home,
    pinned: PinnedVersion,
    attribute: String,
    row: u64,
}

impl FileHandle {
    /// The file of a row of an attribute.
    pub(crate) fn new(
        file: tenrow::FileHandle,
        storage: tenrow::storage::Storage,
        pinned: PinnedVersion,
        attribute: String,
        row: u64,
    ) -> Self {
        Self { file, storage, home: Home::here(), pinned, attribute, row }
    }
}

#[pymethods]
impl FileHandle {
    #[getter]
    fn name(&self) -> Option<&str> {
        self.file.name.as_deref()
    }

    #[getter]
    fn media_type(&self) -> Option<&str> {
        self.file.media_type.as_deref()
    }

    #[getter]
    fn size(&self) -> u64 {
        self.file.size_bytes
    }

    #[getter]
    fn blake3(&self) -> Option<&str> {
        self.file.blake3.as_deref()
    }

    /// Copied or in another process, it is the same row's, opened again.
    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let row = self.row.into_pyobject(py)?.into_any();
        self.pinned.reopened_by(py, "_handle_of", &self.attribute, row)
    }

    /// The bytes from `start` to before `end`: one exact read.
    fn read_range<'py>(
        &self,
        py: Python<'py>,
        start: u64,
        end: u64,
    ) -> PyResult<Bound<'py, PyBytes>> {
        self.home.check(&self.storage)?;
        let bytes = read(py, &self.storage, self.file.read_range(start..end))?;
        Ok(PyBytes::new(py, &bytes))
    }
}
