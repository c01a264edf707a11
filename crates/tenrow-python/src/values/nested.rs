//! Values of other kinds on their way in: lists, dicts, and times.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, ListArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, FieldRef, Fields};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};
use tenrow::Attribute;

use super::from_python::{array_of, each};
use super::to_python::numpy_time;
use crate::error::{invalid, wrong_type};
use crate::memory::{self, type_of};

/// Lists, or whatever is iterated, of one item type.
pub(super) fn lists(
    values: &Bound<'_, PyAny>,
    attribute: &Attribute,
    item: &FieldRef,
) -> PyResult<ArrayRef> {
    let items = PyList::empty(values.py());
    let mut lengths = Vec::new();
    let mut valid = Vec::new();
    each(values, attribute, "a list", |row| {
        let before = items.len();
        if let Some(row) = row {
            let is_text = row.is_instance_of::<PyString>() || row.is_instance_of::<PyBytes>();
            if is_text || row.is_instance_of::<PyDict>() {
                return None;
            }
            for item in row.try_iter().ok()? {
                items.append(item.ok()?).ok()?;
            }
        }
        lengths.push(items.len() - before);
        valid.push(row.is_some());
        Some(())
    })?;
    let items = array_of(&items, &inner(attribute, item, "[]")?)?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    let nulls = Some(NullBuffer::from(valid)).filter(|nulls| nulls.null_count() > 0);
    let array = ListArray::try_new(item.clone(), offsets, items, nulls);
    Ok(Arc::new(array.map_err(|error| refused(attribute, &error))?))
}

/// Dicts with a value for each field; one that is missing is null.
pub(super) fn structs(
    values: &Bound<'_, PyAny>,
    attribute: &Attribute,
    fields: &Fields,
) -> PyResult<ArrayRef> {
    let py = values.py();
    let columns: Vec<_> = fields.iter().map(|_| PyList::empty(py)).collect();
    let mut valid = Vec::new();
    let mut unknown = None;
    each(values, attribute, "a dict", |row| {
        let dict = match row {
            None => None,
            Some(row) => Some(row.cast::<PyDict>().ok()?),
        };
        for key in dict.iter().flat_map(|dict| dict.keys()) {
            let key = key.extract::<String>().ok()?;
            if !fields.iter().any(|field| *field.name() == key) {
                unknown = Some(key);
            }
        }
        for (field, column) in fields.iter().zip(&columns) {
            let value = dict.map(|dict| dict.get_item(field.name())).transpose().ok()?.flatten();
            column.append(value).ok()?;
        }
        valid.push(dict.is_some());
        Some(())
    })?;
    if let Some(key) = unknown {
        let known = fields.iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ");
        let name = &attribute.name;
        return Err(invalid(format!("attribute {name:?}: {key:?} is no field; there are {known}")));
    }
    let arrays = fields.iter().zip(&columns).map(|(field, column)| {
        array_of(column, &inner(attribute, field, &format!(".{}", field.name()))?)
    });
    let arrays = arrays.collect::<PyResult<Vec<_>>>()?;
    let nulls = Some(NullBuffer::from(valid)).filter(|nulls| nulls.null_count() > 0);
    let array = StructArray::try_new(fields.clone(), arrays, nulls);
    Ok(Arc::new(array.map_err(|error| refused(attribute, &error))?))
}

/// The attribute that a field would be, named by the way that leads to it.
fn inner(attribute: &Attribute, field: &FieldRef, way: &str) -> PyResult<Attribute> {
    let mut inner = tenrow_convert::attribute_of(field)
        .map_err(|error| invalid(format!("attribute {:?}: {error}", attribute.name)))?;
    inner.name = format!("{}{way}", attribute.name);
    Ok(inner)
}

fn refused(attribute: &Attribute, error: &ArrowError) -> PyErr {
    invalid(format!("attribute {:?}: {error}", attribute.name))
}

/// A masked array with `NaT` where it is masked.
fn unmasked<'py>(values: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if !memory::is_masked(values)? {
        return Ok(values.clone());
    }
    let nothing =
        memory::numpy(values.py())?.call_method1("array", ("NaT", values.getattr("dtype")?))?;
    values.call_method1("filled", (nothing,))
}

/// Times that know their zone as those of UTC, which is what is stored.
fn in_utc<'py>(values: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = values.py();
    let Ok(list) = values.cast::<PyList>() else { return Ok(values.clone()) };
    let utc = py.import("datetime")?.getattr("timezone")?.getattr("utc")?;
    let plain = list.iter().map(|time| {
        if !time.hasattr("tzinfo")? || time.getattr("tzinfo")?.is_none() {
            return Ok(time);
        }
        let nowhere = PyDict::new(py);
        nowhere.set_item("tzinfo", py.None())?;
        time.call_method1("astimezone", (&utc,))?.call_method("replace", (), Some(&nowhere))
    });
    Ok(PyList::new(py, plain.collect::<PyResult<Vec<_>>>()?)?.into_any())
}

/// Times and spans: of numpy, of `datetime`, or `None`; a unit that would lose something is refused.
pub(super) fn times(
    values: &Bound<'_, PyAny>,
    attribute: &Attribute,
    data_type: &DataType,
) -> PyResult<ArrayRef> {
    let name = &attribute.name;
    let numpy = memory::numpy(values.py())?;
    let unit = numpy_time(data_type);
    let expected = numpy.call_method1("dtype", (unit,))?;
    let kind = |array: &Bound<'_, PyAny>| -> PyResult<String> {
        array.getattr("dtype")?.getattr("kind")?.extract()
    };
    let values = &in_utc(&unmasked(values)?)?;
    let mut found = numpy.call_method1("asarray", (values,))?;
    let expected_kind: String = expected.getattr("kind")?.extract()?;
    if kind(&found)? == "O" {
        // What `datetime` has is in microseconds.
        found = numpy
            .call_method1("array", (values, format!("{expected_kind}8[us]")))
            .map_err(|error| wrong_type(format!("attribute {name:?}: {error}")))?;
    }
    if kind(&found)? != expected_kind {
        return Err(wrong_type(format!(
            "attribute {name:?}: expected {expected}, found {} of {}",
            type_of(values),
            found.getattr("dtype")?
        )));
    }
    let cast = found.call_method1("astype", (&expected,))?;
    let same = cast.call_method1("astype", (found.getattr("dtype")?,))?;
    let (same, found) = (same.call_method1("view", ("i8",))?, found.call_method1("view", ("i8",))?);
    if !numpy.call_method1("array_equal", (same, found))?.extract::<bool>()? {
        return Err(invalid(format!(
            "attribute {name:?}: a time that {expected} cannot hold: cast it before, as with array.astype({:?})",
            unit.unwrap_or_default()
        )));
    }
    let numbers: Vec<i64> =
        cast.call_method1("view", ("i8",))?.call_method0("tolist")?.extract()?;
    // What numpy calls NaT is the least number.
    let numbers: Int64Array = numbers.into_iter().map(|n| (n != i64::MIN).then_some(n)).collect();
    let array = match data_type {
        DataType::Date32 => arrow_cast::cast(&numbers, &DataType::Int32)
            .and_then(|days| arrow_cast::cast(&days, data_type)),
        _ => arrow_cast::cast(&numbers, data_type),
    };
    array.map_err(|error| refused(attribute, &error))
}
