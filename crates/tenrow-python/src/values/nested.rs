//! Values of other kinds on their way in: lists, dicts, and maps.

use std::sync::Arc;

use arrow_array::{ArrayRef, ListArray, MapArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, FieldRef, Fields};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};
use tenrow::Attribute;
use tenrow::engine::names_listed;
use tenrow_values::CastMode;

use super::from_python::array_of;
use super::texts::each;
use crate::error::invalid;
use crate::memory;

/// Lists, or whatever is iterated, of one item type.
pub(super) fn lists(
    values: &Bound<'_, PyAny>,
    attribute: &Attribute,
    item: &FieldRef,
    mode: CastMode,
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
            // What is masked is null.
            let row = match memory::is_masked(row).ok()? {
                true => &row.call_method0("tolist").ok()?,
                false => row,
            };
            for item in row.try_iter().ok()? {
                items.append(item.ok()?).ok()?;
            }
        }
        lengths.push(items.len() - before);
        valid.push(row.is_some());
        Some(())
    })?;
    let items = match of_arrays(values)? {
        // They have a dtype, which their items have not.
        Some(items) => array_of(&items, &inner(attribute, item, "[]")?, mode)?,
        None => array_of(&items, &inner(attribute, item, "[]")?, mode)?,
    };
    let offsets = OffsetBuffer::from_lengths(lengths);
    let nulls = Some(NullBuffer::from(valid)).filter(|nulls| nulls.null_count() > 0);
    let array = ListArray::try_new(item.clone(), offsets, items, nulls);
    Ok(Arc::new(array.map_err(|error| refused(attribute, &error))?))
}

/// All rows after one another, if they are arrays of numpy of one dimension.
fn of_arrays<'py>(values: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let arrays = PyList::empty(values.py());
    for row in values.try_iter()? {
        let row = row?;
        if row.is_none() {
            continue;
        }
        let is_array = row.hasattr("__array__")?
            && !memory::is_masked(&row)?
            && row.getattr("ndim").and_then(|ndim| ndim.extract::<usize>()).is_ok_and(|n| n == 1);
        if !is_array {
            return Ok(None);
        }
        // Without items its dtype is whatever numpy takes by itself.
        if row.len()? > 0 {
            arrays.append(row)?;
        }
    }
    match arrays.is_empty() {
        true => Ok(None),
        false => memory::numpy(values.py())?.call_method1("concatenate", (arrays,)).map(Some),
    }
}

/// Dicts with a value for each field; one that is missing is null.
pub(super) fn structs(
    values: &Bound<'_, PyAny>,
    attribute: &Attribute,
    fields: &Fields,
    mode: CastMode,
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
        let known = names_listed(fields.iter().map(|field| field.name().as_str()));
        let name = &attribute.name;
        return Err(invalid(format!("attribute {name:?}: {key:?} is no field; there are {known}")));
    }
    let arrays = fields.iter().zip(&columns).map(|(field, column)| {
        array_of(column, &inner(attribute, field, &format!(".{}", field.name()))?, mode)
    });
    let arrays = arrays.collect::<PyResult<Vec<_>>>()?;
    let nulls = Some(NullBuffer::from(valid)).filter(|nulls| nulls.null_count() > 0);
    let array = StructArray::try_new(fields.clone(), arrays, nulls);
    Ok(Arc::new(array.map_err(|error| refused(attribute, &error))?))
}

/// Dicts, or lists of pairs of a key and a value.
pub(super) fn maps(
    values: &Bound<'_, PyAny>,
    attribute: &Attribute,
    entries: &FieldRef,
    is_sorted: bool,
    mode: CastMode,
) -> PyResult<ArrayRef> {
    let (keys, items) = (PyList::empty(values.py()), PyList::empty(values.py()));
    let mut lengths = Vec::new();
    let mut valid = Vec::new();
    each(values, attribute, "a dict or a list of pairs", |row| {
        let before = keys.len();
        let pairs = match row {
            None => None,
            Some(row) if row.is_instance_of::<PyDict>() => {
                Some(row.call_method0("items").ok()?.try_iter().ok()?)
            }
            Some(row) if row.is_instance_of::<PyString>() => return None,
            Some(row) => Some(row.try_iter().ok()?),
        };
        for pair in pairs.into_iter().flatten() {
            let pair = pair.ok()?;
            if pair.len().ok()? != 2 {
                return None;
            }
            keys.append(pair.get_item(0).ok()?).ok()?;
            items.append(pair.get_item(1).ok()?).ok()?;
        }
        lengths.push(keys.len() - before);
        valid.push(row.is_some());
        Some(())
    })?;
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(invalid(format!("attribute {:?}: a map without entries", attribute.name)));
    };
    let columns = vec![
        array_of(&keys, &inner(attribute, &fields[0], ".key")?, mode)?,
        array_of(&items, &inner(attribute, &fields[1], ".value")?, mode)?,
    ];
    let pairs = StructArray::try_new(fields.clone(), columns, None);
    let pairs = pairs.map_err(|error| refused(attribute, &error))?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    let nulls = Some(NullBuffer::from(valid)).filter(|nulls| nulls.null_count() > 0);
    let map = MapArray::try_new(entries.clone(), offsets, pairs, nulls, is_sorted);
    Ok(Arc::new(map.map_err(|error| refused(attribute, &error))?))
}

/// The attribute that a field would be, named by the way that leads to it.
fn inner(attribute: &Attribute, field: &FieldRef, way: &str) -> PyResult<Attribute> {
    let mut inner = tenrow_values::attribute_of(field)
        .map_err(|error| invalid(format!("attribute {:?}: {error}", attribute.name)))?;
    inner.name = format!("{}{way}", attribute.name);
    // What is null beneath a null row is none of its business; what is not, whoever puts the rows together looks at.
    Ok(inner.with_nullable(true))
}

fn refused(attribute: &Attribute, error: &ArrowError) -> PyErr {
    invalid(format!("attribute {:?}: {error}", attribute.name))
}
