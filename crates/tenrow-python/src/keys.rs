//! What stands in brackets: rows as people count them. The one place for these rules.

use std::ops::Range;

use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt, PySlice};
use tenrow::RowNumbers;

use crate::error::{invalid, out_of_range, wrong_type};
use crate::memory;
use crate::runtime::read;

/// Which rows a key means.
pub(crate) enum Key {
    /// A number.
    Row(u64),
    /// A slice whose step is 1.
    Range(Range<u64>),
    /// A list, an array, a mask of all rows, or a slice with another step.
    Rows(Vec<u64>),
}

impl Key {
    /// The rows that a key means, of so many: numbers count from the end if they are negative, slices are cut to the rows
    /// that there are, and in a mask null is false.
    pub(crate) fn of(key: &Bound<'_, PyAny>, rows: u64) -> PyResult<Self> {
        if key.is_exact_instance_of::<PyInt>() {
            return key.extract::<Counted>()?.among(rows).map(Self::Row);
        }
        if let Ok(slice) = key.cast::<PySlice>() {
            let part = slice.indices(rows as isize)?;
            if part.step == 1 {
                let end = part.start.max(part.stop);
                return Ok(Self::Range(part.start as u64..end as u64));
            }
            let rows = (0..part.slicelength as isize).map(|i| (part.start + i * part.step) as u64);
            return Ok(Self::Rows(rows.collect()));
        }
        match is_row(key)? {
            true => key.call_method0("__index__")?.extract::<Counted>()?.among(rows).map(Self::Row),
            false => rows_of(key, rows).map(Self::Rows),
        }
    }
}

impl From<Key> for RowNumbers {
    fn from(key: Key) -> Self {
        match key {
            Key::Row(row) => [row].into(),
            Key::Range(rows) => rows.into(),
            Key::Rows(rows) => rows.into(),
        }
    }
}

/// Whether a key is one number; a bool is none, and no mask. Tensors of torch have a length, and even those that are one number.
#[pyfunction]
pub(crate) fn is_row(key: &Bound<'_, PyAny>) -> PyResult<bool> {
    let dimensions = match key.getattr_opt("ndim")? {
        Some(dimensions) => dimensions.extract::<usize>().ok(),
        None => None,
    };
    let is_bool = match key.getattr_opt("dtype")? {
        _ if key.is_instance_of::<PyBool>() => true,
        Some(dtype) if dimensions == Some(0) => {
            matches!(dtype.str()?.to_cow()?.as_ref(), "bool" | "torch.bool")
        }
        _ => false,
    };
    if is_bool {
        let text = match key.is_truthy()? {
            true => "True",
            false => "False",
        };
        return Err(wrong_type(format!(
            "{text} is no row: a mask is an array with a bool for each"
        )));
    }
    Ok(key.hasattr("__index__")? && (!key.hasattr("__len__")? || dimensions == Some(0)))
}

/// Rows as whole numbers, as a slice, or as a mask of all rows, in which null is false.
pub(crate) fn rows_of(value: &Bound<'_, PyAny>, rows: u64) -> PyResult<Vec<u64>> {
    let py = value.py();
    if value.is_instance_of::<PySlice>() {
        return Ok(RowNumbers::from(Key::of(value, rows)?).to_vec());
    }
    if memory::is_masked(value)? {
        let kind: String = value.getattr("dtype")?.getattr("kind")?.extract()?;
        if kind == "b" {
            return rows_of(&value.call_method1("filled", (false,))?, rows);
        }
        if value.getattr("mask")?.call_method0("any")?.is_truthy()? {
            return Err(invalid("rows: some of them are null"));
        }
    }
    if let Ok(array) = value.cast::<numpy::PyArray1<i64>>()
        && let Ok(numbers) = numpy::PyArrayMethods::readonly(array).as_slice()
    {
        return numbers.iter().map(|&row| Counted(row).among(rows)).collect();
    }
    let numpy = memory::numpy(py)?;
    let array = numpy.call_method1("asarray", (value,))?;
    let kind: String = array.getattr("dtype")?.getattr("kind")?.extract()?;
    let array = match kind.as_str() {
        "b" => {
            let shape = array.getattr("shape")?;
            if shape.len()? == 0 {
                return Err(wrong_type(format!(
                    "{array} is no row: a mask is an array with a bool for each"
                )));
            }
            if !shape.eq((rows,))? {
                return Err(invalid(format!(
                    "a mask of shape {shape}, where there are {rows} rows"
                )));
            }
            numpy.call_method1("flatnonzero", (array,))?
        }
        // Too large for a row, they would be negative as others.
        "u" if array.getattr("itemsize")?.extract::<usize>()? == 8 => {
            numpy.call_method1("minimum", (array, i64::MAX))?
        }
        "i" | "u" => array,
        _ if array.getattr("size")?.extract::<usize>()? == 0 => array,
        _ => {
            return Err(wrong_type(format!(
                "rows are whole numbers, not {}",
                array.getattr("dtype")?
            )));
        }
    };
    let array = numpy.call_method1("ascontiguousarray", (array, numpy.getattr("int64")?))?;
    let array = array
        .cast_into::<numpy::PyArray1<i64>>()
        .map_err(|_| invalid("rows are a list of numbers, or an array of one dimension"))?;
    let numbers = numpy::PyArrayMethods::readonly(&array);
    numbers.as_slice()?.iter().map(|&row| Counted(row).among(rows)).collect()
}

/// A row as people count them, from the end if negative; numbers that are too large for any row are the largest.
#[derive(Clone, Copy)]
pub(crate) struct Counted(i64);

impl Counted {
    /// Which row that is, of so many.
    pub(crate) fn among(self, rows: u64) -> PyResult<u64> {
        let Self(row) = self;
        let row = if row < 0 { rows.checked_add_signed(row) } else { Some(row.cast_unsigned()) };
        row.filter(|&row| row < rows).ok_or_else(|| out_of_range(self.0, rows))
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Counted {
    type Error = PyErr;

    fn extract(number: pyo3::Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if number.is_instance_of::<PyBool>() {
            let text =
                format!("{} is no row: a mask is an array with a bool for each", number.repr()?);
            return Err(wrong_type(text));
        }
        match number.extract::<i64>() {
            Err(error) if error.is_instance_of::<PyOverflowError>(number.py()) => {
                Ok(Self(if number.lt(0)? { i64::MIN } else { i64::MAX }))
            }
            number => number.map(Self),
        }
    }
}

/// Rows, of `count`, as an array of numbers: those of a list, an array or a mask.
#[pyfunction]
pub(crate) fn places_of<'py>(
    key: &Bound<'py, PyAny>,
    count: u64,
) -> PyResult<Bound<'py, numpy::PyArray1<i64>>> {
    let rows = rows_of(key, count)?.into_iter().map(u64::cast_signed).collect();
    Ok(numpy::PyArray1::from_vec(key.py(), rows))
}

/// The rows of a view, as numbers in its version.
pub(crate) fn array_of_rows<'py>(
    py: Python<'py>,
    view: &tenrow::View,
) -> PyResult<Bound<'py, PyAny>> {
    let rows = read(py, view.snapshot().storage(), view.row_numbers())?.as_list();
    let rows = rows.iter().map(|row| row.cast_signed()).collect();
    Ok(numpy::PyArray1::from_vec(py, rows).into_any())
}
