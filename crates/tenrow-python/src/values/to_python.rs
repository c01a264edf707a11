//! Rows on their way out.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, Time64MicrosecondType};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, TimeUnit};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use tenrow::{Attribute, AttributeType, Tensors};

use crate::error::{raised, wrong_type};
use crate::memory;

/// After how many values that become objects it is looked whether Ctrl-C was pressed.
pub(super) const ROWS_BETWEEN_SIGNALS: usize = 4096;

/// All rows of a column.
pub(crate) fn column<'py>(
    py: Python<'py>,
    attribute: &Attribute,
    array: &ArrayRef,
) -> PyResult<Bound<'py, PyAny>> {
    match &attribute.attribute_type {
        AttributeType::Tensor { .. } | AttributeType::Scalar(_) => {
            let tensors = Tensors::from_array(attribute, array);
            of_tensors(py, &tensors.map_err(|error| raised(&error))?)
        }
        AttributeType::Value(data_type) if is_time(data_type) => times(py, array),
        _ => {
            let values = rows_of(py, array, |row| value(py, attribute, array, row))?;
            Ok(PyList::new(py, values)?.into_any())
        }
    }
}

/// What `of` gives for each row, unless Ctrl-C is pressed.
fn rows_of<'py>(
    py: Python<'py>,
    array: &ArrayRef,
    of: impl Fn(usize) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let values = (0..array.len()).map(|row| {
        if row % ROWS_BETWEEN_SIGNALS == 0 {
            py.check_signals()?;
        }
        of(row)
    });
    values.collect()
}

/// All rows of a column of an answer, whose type may be none of an attribute: those are lists.
#[cfg(feature = "sql")]
pub(crate) fn of_answer<'py>(
    py: Python<'py>,
    field: &Field,
    array: &ArrayRef,
) -> PyResult<Bound<'py, PyAny>> {
    let attribute = tenrow_values::attribute_of(field);
    let known = attribute.and_then(|a| Ok((tenrow_values::conform(array, &a)?, a)));
    match known {
        Ok((array, attribute)) => column(py, &attribute, &array),
        Err(_) => Ok(PyList::new(py, rows_of(py, array, |row| plain(py, array, row))?)?.into_any()),
    }
}

/// Tensors as one array; masked where rows are null.
pub(crate) fn of_tensors<'py>(py: Python<'py>, tensors: &Tensors) -> PyResult<Bound<'py, PyAny>> {
    masked(py, memory::array(py, &tensors.tensor)?, tensors.nulls.as_ref())
}

/// The array, masked where rows are null, if some are.
pub(crate) fn masked<'py>(
    py: Python<'py>,
    array: Bound<'py, PyAny>,
    nulls: Option<&NullBuffer>,
) -> PyResult<Bound<'py, PyAny>> {
    let Some(nulls) = nulls else { return Ok(array) };
    let numpy = memory::numpy(py)?;
    let rows: Vec<bool> = nulls.iter().map(|valid| !valid).collect();
    let rows = numpy.call_method1("array", (rows,))?;
    let shape = array.getattr("shape")?;
    let mut column = vec![1i64; shape.len()?];
    column[0] = -1;
    let mask =
        numpy.call_method1("broadcast_to", (rows.call_method1("reshape", (column,))?, shape))?;
    // A mask of its own, which may be written.
    let mask = mask.call_method0("copy")?;
    numpy.getattr("ma")?.call_method1("masked_array", (array, mask))
}

/// One row of a column; `None` if it is null.
pub(crate) fn value<'py>(
    py: Python<'py>,
    attribute: &Attribute,
    array: &ArrayRef,
    row: usize,
) -> PyResult<Bound<'py, PyAny>> {
    if array.is_null(row) {
        return Ok(py.None().into_bound(py));
    }
    match &attribute.attribute_type {
        AttributeType::Tensor { .. } | AttributeType::VariableTensor { .. } => {
            match tenrow_values::tensor_at(&attribute.attribute_type, array, row) {
                Some(tensor) => memory::array(py, &tensor),
                None => Err(wrong_type(format!("attribute {:?}: no tensor", attribute.name))),
            }
        }
        AttributeType::Scalar(_) => {
            let one = column(py, attribute, &array.slice(row, 1))?;
            one.get_item(0)
        }
        AttributeType::Value(data_type) if is_time(data_type) => {
            times(py, &array.slice(row, 1))?.get_item(0)
        }
        _ => plain(py, array, row),
    }
}

/// A value of any Arrow type, as Python's own types have it.
fn plain<'py>(py: Python<'py>, array: &ArrayRef, row: usize) -> PyResult<Bound<'py, PyAny>> {
    if array.is_null(row) {
        return Ok(py.None().into_bound(py));
    }
    let list = |items: ArrayRef| {
        let items = (0..items.len()).map(|item| plain(py, &items, item));
        Ok(PyList::new(py, items.collect::<PyResult<Vec<_>>>()?)?.into_any())
    };
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).into_bound_py_any(py),
        DataType::Binary => Ok(PyBytes::new(py, array.as_binary::<i32>().value(row)).into_any()),
        DataType::FixedSizeBinary(_) => {
            Ok(PyBytes::new(py, array.as_fixed_size_binary().value(row)).into_any())
        }
        DataType::List(_) => list(array.as_list::<i32>().value(row)),
        DataType::FixedSizeList(..) => list(array.as_fixed_size_list().value(row)),
        DataType::Struct(fields) => {
            let dict = PyDict::new(py);
            for (field, column) in fields.iter().zip(array.as_struct().columns()) {
                dict.set_item(field.name(), plain(py, column, row)?)?;
            }
            Ok(dict.into_any())
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let pairs = (0..entries.len()).map(|entry| {
                let pair =
                    [entries.column(0), entries.column(1)].map(|side| plain(py, side, entry));
                let [key, item] = pair;
                PyTuple::new(py, [key?, item?])
            });
            Ok(PyList::new(py, pairs.collect::<PyResult<Vec<_>>>()?)?.into_any())
        }
        DataType::Time32(_) | DataType::Time64(TimeUnit::Microsecond) => {
            time_of_day(py, array, row)
        }
        data_type if is_time(data_type) => times(py, &array.slice(row, 1))?.get_item(0),
        data_type if tenrow::DType::from_arrow(data_type).is_some() => {
            let field = Field::new("item", data_type.clone(), true);
            let attribute = tenrow_values::attribute_of(&field)
                .map_err(|error| wrong_type(error.to_string()))?;
            value(py, &attribute, array, row)?.call_method0("item")
        }
        data_type if data_type.is_decimal() => {
            let text = arrow_cast_text(array, row)?;
            PyModule::import(py, "decimal")?.getattr("Decimal")?.call1((text,))
        }
        _ => arrow_cast_text(array, row)?.into_bound_py_any(py),
    }
}

fn arrow_cast_text(array: &ArrayRef, row: usize) -> PyResult<String> {
    let options = arrow_cast::display::FormatOptions::default();
    let shown = arrow_cast::display::ArrayFormatter::try_new(array.as_ref(), &options)
        .map_err(|error| wrong_type(error.to_string()))?;
    Ok(shown.value(row).to_string())
}

/// A time of day, of a unit that `datetime.time` has.
fn time_of_day<'py>(py: Python<'py>, array: &ArrayRef, row: usize) -> PyResult<Bound<'py, PyAny>> {
    let microseconds = DataType::Time64(TimeUnit::Microsecond);
    let wide = arrow_cast::cast(&array.slice(row, 1), &microseconds)
        .map_err(|error| wrong_type(error.to_string()))?;
    let since_midnight = wide.as_primitive::<Time64MicrosecondType>().value(0);
    let (seconds, microseconds) = (since_midnight / 1_000_000, since_midnight % 1_000_000);
    let parts = (seconds / 3600, seconds / 60 % 60, seconds % 60, microseconds);
    PyModule::import(py, "datetime")?.getattr("time")?.call1(parts)
}

pub(super) fn is_time(data_type: &DataType) -> bool {
    numpy_time(data_type).is_some()
}

/// What numpy calls the type; times of a zone are those of UTC.
pub(super) fn numpy_time(data_type: &DataType) -> Option<&'static str> {
    Some(match data_type {
        DataType::Date32 => "datetime64[D]",
        DataType::Date64 | DataType::Timestamp(TimeUnit::Millisecond, _) => "datetime64[ms]",
        DataType::Timestamp(TimeUnit::Second, _) => "datetime64[s]",
        DataType::Timestamp(TimeUnit::Microsecond, _) => "datetime64[us]",
        DataType::Timestamp(TimeUnit::Nanosecond, _) => "datetime64[ns]",
        DataType::Duration(TimeUnit::Second) => "timedelta64[s]",
        DataType::Duration(TimeUnit::Millisecond) => "timedelta64[ms]",
        DataType::Duration(TimeUnit::Microsecond) => "timedelta64[us]",
        // `datetime.time` ends at microseconds.
        DataType::Duration(TimeUnit::Nanosecond) | DataType::Time64(TimeUnit::Nanosecond) => {
            "timedelta64[ns]"
        }
        _ => return None,
    })
}

fn times<'py>(py: Python<'py>, array: &ArrayRef) -> PyResult<Bound<'py, PyAny>> {
    let wide = match array.data_type() {
        DataType::Date32 => arrow_cast::cast(array, &DataType::Int32)
            .and_then(|days| arrow_cast::cast(&days, &DataType::Int64)),
        _ => arrow_cast::cast(array, &DataType::Int64),
    };
    let wide = wide.map_err(|error| wrong_type(error.to_string()))?;
    // What numpy calls NaT is the least number.
    let numbers: Vec<i64> =
        wide.as_primitive::<Int64Type>().iter().map(|n| n.unwrap_or(i64::MIN)).collect();
    let numbers = numpy::PyArray1::from_vec(py, numbers).into_any();
    numbers.call_method1("view", (numpy_time(array.data_type()),))
}
