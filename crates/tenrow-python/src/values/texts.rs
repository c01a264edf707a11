//! Text and bytes on their way in.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, StringBuilder};
use arrow_array::{ArrayRef, FixedSizeBinaryArray};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyString};
use tenrow::Attribute;

use super::to_python::ROWS_BETWEEN_SIGNALS;
use crate::error::{invalid, wrong_type};
use crate::memory::type_of;

pub(super) fn strings(values: &Bound<'_, PyAny>, attribute: &Attribute) -> PyResult<ArrayRef> {
    let mut builder = StringBuilder::new();
    let mut size = 0;
    each(values, attribute, "str", |row| {
        match row {
            None => builder.append_null(),
            Some(row) => {
                let text = row.cast::<PyString>().ok()?.to_cow().ok()?;
                size += text.len();
                if size <= MAX_BYTES {
                    builder.append_value(text);
                }
            }
        }
        Some(())
    })?;
    check_size(size, &attribute.name)?;
    Ok(Arc::new(builder.finish()))
}

pub(super) fn binaries(values: &Bound<'_, PyAny>, attribute: &Attribute) -> PyResult<ArrayRef> {
    let mut builder = BinaryBuilder::new();
    let mut size = 0;
    each(values, attribute, "bytes", |row| {
        let bytes = match row {
            None => {
                builder.append_null();
                return Some(());
            }
            Some(row) => row.extract::<Cow<'_, [u8]>>().ok()?,
        };
        if !row.is_some_and(|row| {
            row.is_instance_of::<PyBytes>() || row.is_instance_of::<PyByteArray>()
        }) {
            return None;
        }
        size += bytes.len();
        if size <= MAX_BYTES {
            builder.append_value(bytes);
        }
        Some(())
    })?;
    check_size(size, &attribute.name)?;
    Ok(Arc::new(builder.finish()))
}

/// Bytes of which each row has as many.
pub(super) fn fixed_binaries(
    values: &Bound<'_, PyAny>,
    attribute: &Attribute,
    size: i32,
) -> PyResult<ArrayRef> {
    let mut rows: Vec<Option<Vec<u8>>> = Vec::new();
    let expected = format!("{size} bytes");
    each(values, attribute, &expected, |row| {
        let bytes = match row {
            None => None,
            Some(row) => Some(row.extract::<Cow<'_, [u8]>>().ok()?.into_owned()),
        };
        if bytes.as_ref().is_some_and(|bytes| bytes.len() != size as usize) {
            return None;
        }
        rows.push(bytes);
        Some(())
    })?;
    let array = FixedSizeBinaryArray::try_from_sparse_iter_with_size(rows.into_iter(), size);
    Ok(Arc::new(array.map_err(|error| invalid(error.to_string()))?))
}

/// What Arrow's offsets of 32 bits can tell apart.
const MAX_BYTES: usize = i32::MAX as usize;

pub(super) fn check_size(size: usize, name: &str) -> PyResult<()> {
    match size <= MAX_BYTES {
        true => Ok(()),
        false => Err(invalid(format!(
            "attribute {name:?}: {size} bytes in one append, which takes {MAX_BYTES}: append fewer rows at a time"
        ))),
    }
}

/// Lets `take` have each row; `None` of it is the error of a row that is of another type.
pub(super) fn each(
    values: &Bound<'_, PyAny>,
    attribute: &Attribute,
    expected: &str,
    mut take: impl FnMut(Option<&Bound<'_, PyAny>>) -> Option<()>,
) -> PyResult<()> {
    let name = &attribute.name;
    if values.is_instance_of::<PyString>() || values.is_instance_of::<PyBytes>() {
        return Err(wrong_type(format!(
            "attribute {name:?}: one {}, where rows are expected: [value]",
            type_of(values)
        )));
    }
    for (number, row) in values.try_iter()?.enumerate() {
        let row = row?;
        if number % ROWS_BETWEEN_SIGNALS == 0 {
            values.py().check_signals()?;
        }
        take((!row.is_none()).then_some(&row)).ok_or_else(|| {
            wrong_type(format!(
                "attribute {name:?}, row {number}: expected {expected}, found {}",
                type_of(&row)
            ))
        })?;
    }
    Ok(())
}
