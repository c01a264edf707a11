//! One tensor attribute of the rows of a view: a row of a mapped file is a view of its memory.

use std::sync::{Mutex, PoisonError};

use arrow_buffer::NullBuffer;
use pyo3::basic::CompareOp;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyEllipsis, PyInt, PySlice, PyTuple};
use tenrow::storage::Storage;
use tenrow::{Attribute, AttributeType, ReadOptions};

use crate::error::raised;
use crate::keys::{Key, array_of_rows, rows_of};
use crate::memory;
use crate::place::PinnedVersion;
use crate::runtime::{Home, read};
use crate::values;

/// What is read at once of many rows.
const PIECE_BYTES: u64 = 256 << 20;

/// A fixed-shape tensor or numeric attribute; made by `View.tensors`.
#[pyclass(frozen, sequence, module = "tenrow._tenrow")]
pub(crate) struct TensorColumn {
    column: tenrow::TensorColumn,
    view: tenrow::View,
    storage: Storage,
    home: Home,
    pinned: PinnedVersion,
    name: String,
    rows: u64,
    is_number: bool,
}

impl TensorColumn {
    /// The attribute, which is a tensor of one shape or a number.
    pub(crate) fn new(
        view: &tenrow::View,
        pinned: PinnedVersion,
        attribute: &Attribute,
        options: &ReadOptions,
    ) -> PyResult<Self> {
        let column =
            view.tensor_column_with(&attribute.name, options).map_err(|error| raised(&error))?;
        Ok(Self {
            column,
            view: view.clone(),
            storage: view.snapshot().storage().clone(),
            home: Home::here(),
            pinned,
            name: attribute.name.clone(),
            rows: view.row_count(),
            is_number: matches!(attribute.attribute_type, AttributeType::Scalar(_)),
        })
    }

    /// The tensor of a row, which is there.
    pub(crate) fn one<'py>(&self, py: Python<'py>, row: u64) -> PyResult<Bound<'py, PyAny>> {
        self.home.check(&self.storage)?;
        let Some(tensor) = read(py, &self.storage, self.column.get(row))? else {
            return Ok(py.None().into_bound(py));
        };
        let array = memory::array(py, &tensor)?;
        if self.is_number { array.get_item(()) } else { Ok(array) }
    }
}

#[pymethods]
impl TensorColumn {
    fn __len__(&self) -> usize {
        self.rows as usize
    }

    #[getter]
    fn dtype<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        memory::dtype_of(py, self.column.dtype()).map(Bound::into_any)
    }

    /// The shape of all rows together.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let dims: Vec<u64> = [self.rows].iter().chain(self.column.shape()).copied().collect();
        pyo3::types::PyTuple::new(py, dims).map(Bound::into_any)
    }

    fn __getitem__<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = key.py();
        if let Ok(keys) = key.cast::<PyTuple>() {
            return self.within(keys);
        }
        if key.is_instance_of::<PyEllipsis>() {
            return self.numpy(py);
        }
        match Key::of(key, self.rows)? {
            Key::Row(row) => self.one(py, row),
            Key::Range(rows) => self.slice(py, rows.start, rows.end),
            Key::Rows(rows) => self.take_rows(py, &rows, None),
        }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let shape = self.shape(py)?.repr()?;
        Ok(format!("TensorColumn({:?}: {shape} of {})", self.name, self.column.dtype()))
    }

    /// All rows in one array: a view, if one page of a mapped file holds them.
    fn numpy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.slice(py, 0, self.rows)
    }

    #[pyo3(signature = (dtype=None, copy=None))]
    fn __array__<'py>(
        &self,
        py: Python<'py>,
        dtype: Option<Bound<'py, PyAny>>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let all = self.numpy(py)?;
        if memory::is_masked(&all)? {
            return Err(PyValueError::new_err(format!(
                "attribute {:?}: null rows have no place in an array: take column[:], which masks them, and fill it",
                self.name
            )));
        }
        let is_copy = all.getattr("flags")?.getattr("writeable")?.is_truthy()?;
        let is_of_dtype = match &dtype {
            Some(dtype) => all.getattr("dtype")?.eq(dtype)?,
            None => true,
        };
        if copy == Some(false) && (is_copy || !is_of_dtype) {
            return Err(PyValueError::new_err(format!(
                "attribute {:?}: a copy cannot be avoided: its rows are no array of that dtype in the file",
                self.name
            )));
        }
        match dtype {
            Some(dtype) if !is_of_dtype => all.call_method1("astype", (dtype,)),
            _ if copy == Some(true) && !is_copy => all.call_method0("copy"),
            _ => Ok(all),
        }
    }

    /// The rows one by one, read many at a time.
    fn __iter__(slf: Bound<'_, Self>) -> ColumnRows {
        ColumnRows { column: slf.unbind(), state: Mutex::new((0, None)) }
    }

    /// Whether some row is this value.
    fn __contains__<'py>(&self, value: &Bound<'py, PyAny>) -> PyResult<bool> {
        let found = self.__richcmp__(value, CompareOp::Eq)?;
        memory::numpy(value.py())?.call_method1("any", (found,))?.is_truthy()
    }

    /// All rows as an Arrow array, for `pyarrow.array`, `polars.Series` and others.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        self.home.check(&self.storage)?;
        let (name, rows) = (&self.name, 0..self.rows);
        let options = ReadOptions::default().with_attributes([name]);
        let batch = read(py, &self.storage, self.view.slice_with(rows, &options))?;
        crate::arrow::array_capsules(py, &batch, requested_schema)
    }

    /// Copied or in another process, it is the same column, opened again.
    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let rows = match self.view.is_whole() {
            true => py.None().into_bound(py),
            false => array_of_rows(py, &self.view)?,
        };
        self.pinned.reopened_by(py, "_column_of", &self.name, rows)
    }

    /// What each row compares to; null rows to nothing.
    fn __richcmp__<'py>(
        &self,
        other: &Bound<'py, PyAny>,
        how: CompareOp,
    ) -> PyResult<Bound<'py, PyAny>> {
        let compared = self.numpy(other.py())?.rich_compare(other, how)?;
        match memory::is_masked(&compared)? {
            true => compared.call_method1("filled", (false,)),
            false => Ok(compared),
        }
    }

    fn __hash__(slf: &Bound<'_, Self>) -> isize {
        slf.as_ptr() as isize
    }

    /// The tensors of these rows, in one array; into `out` if it is given.
    #[pyo3(signature = (rows, out=None))]
    fn take<'py>(
        &self,
        rows: &Bound<'py, PyAny>,
        out: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.take_rows(rows.py(), &rows_of(rows, self.rows)?, out)
    }

    /// The tensors of the rows from `start` to before `stop`: a view, if one page of a mapped file holds them.
    fn slice<'py>(&self, py: Python<'py>, start: u64, stop: u64) -> PyResult<Bound<'py, PyAny>> {
        if start <= stop && self.bytes_of(stop - start) > PIECE_BYTES * 4 {
            return self.take_rows(py, &(start..stop).collect::<Vec<_>>(), None);
        }
        self.home.check(&self.storage)?;
        let tensors = read(py, &self.storage, self.column.slice(start..stop))?;
        values::of_tensors(py, &tensors)
    }
}

/// Rows that are read together when a column is iterated.
const ROWS_AT_ONCE: u64 = 1024;

/// The rows of a column, one after another.
#[pyclass(frozen, module = "tenrow._tenrow")]
pub(crate) struct ColumnRows {
    column: Py<TensorColumn>,
    /// The next row, and those that were read with it.
    state: Mutex<(u64, Option<Piece>)>,
}

struct Piece {
    first: u64,
    rows: Py<PyAny>,
}

#[pymethods]
impl ColumnRows {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let column = self.column.get();
        let (next, piece) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            (state.0, state.1.take())
        };
        if next >= column.rows {
            return Ok(None);
        }
        let row_bytes = column.bytes_of(1).max(1);
        let at_once = (PIECE_BYTES / row_bytes).clamp(1, ROWS_AT_ONCE);
        let piece = match piece.filter(|piece| next - piece.first < at_once) {
            Some(piece) => piece,
            None => {
                let rows = column.slice(py, next, column.rows.min(next + at_once))?;
                Piece { first: next, rows: rows.unbind() }
            }
        };
        let row = piece.rows.bind(py).get_item(next - piece.first)?;
        let is_null = row.is(memory::masked(py)?)
            || (memory::is_masked(&row)?
                && row.getattr("mask")?.call_method0("all")?.is_truthy()?);
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = (next + 1, Some(piece));
        Ok(Some(if is_null && row_bytes > 0 { py.None().into_bound(py) } else { row }))
    }
}

impl TensorColumn {
    /// As numpy has it: the first of `keys` is of rows, the others are of each tensor.
    fn within<'py>(&self, keys: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        let py = keys.py();
        let Ok(first) = keys.get_item(0) else { return self.numpy(py) };
        let rest = keys.get_slice(1, keys.len());
        if first.is_instance_of::<PyEllipsis>() {
            return self.numpy(py)?.get_item(keys);
        }
        let (rows, of_rows) = match Key::of(&first, self.rows)? {
            Key::Row(row) => (self.slice(py, row, row + 1)?, PyInt::new(py, 0).into_any()),
            Key::Range(rows) => {
                (self.slice(py, rows.start, rows.end)?, PySlice::full(py).into_any())
            }
            Key::Rows(rows) if first.is_instance_of::<PySlice>() => {
                (self.take_rows(py, &rows, None)?, PySlice::full(py).into_any())
            }
            // Rows in a list or by a mask stand side by side with other lists, as numpy has it.
            Key::Rows(rows) => {
                let numbers = memory::numpy(py)?.call_method1("arange", (rows.len(),))?;
                (self.take_rows(py, &rows, None)?, numbers)
            }
        };
        let keys = PyTuple::new(py, [of_rows])?.into_sequence().concat(rest.as_sequence())?;
        rows.get_item(keys.to_tuple()?)
    }

    /// How many bytes that many rows are.
    fn bytes_of(&self, rows: u64) -> u64 {
        let elements: u64 = self.column.shape().iter().product();
        rows.saturating_mul(elements * self.column.dtype().item_bytes().unwrap_or(1))
    }

    /// The tensors of these rows, copied once: into `out`, or an array of their own.
    pub(crate) fn take_rows<'py>(
        &self,
        py: Python<'py>,
        rows: &[u64],
        out: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.home.check(&self.storage)?;
        let dtype = self.column.dtype();
        let shape: Vec<u64> =
            [rows.len() as u64].iter().chain(self.column.shape()).copied().collect();
        let array = match out {
            None => memory::empty(py, dtype, &shape)?,
            Some(out) => {
                memory::check(out, dtype, &shape, &self.name)?;
                out.clone()
            }
        };
        let row_bytes = self.bytes_of(1).max(1);
        let piece = (PIECE_BYTES / row_bytes).max(1) as usize;
        let nulls = memory::fill(&array, |bytes| {
            if rows.len() <= piece {
                return read(py, &self.storage, self.column.take_into(rows, bytes));
            }
            // Ctrl-C is looked for in between.
            let mut nulls = Vec::new();
            for (rows, bytes) in
                rows.chunks(piece).zip(bytes.chunks_mut(piece * row_bytes as usize))
            {
                py.check_signals()?;
                nulls.push((
                    rows.len(),
                    read(py, &self.storage, self.column.take_into(rows, bytes))?,
                ));
            }
            Ok(joined(nulls))
        })?;
        values::masked(py, array, nulls.as_ref())
    }
}

/// The nulls of pieces that follow each other.
fn joined(pieces: Vec<(usize, Option<NullBuffer>)>) -> Option<NullBuffer> {
    if pieces.iter().all(|(_, nulls)| nulls.is_none()) {
        return None;
    }
    let valid = pieces.iter().flat_map(|(rows, nulls)| {
        (0..*rows).map(move |row| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)))
    });
    Some(valid.collect::<Vec<bool>>().into())
}
