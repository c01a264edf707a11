//! Columns of a leaf, put together.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, Int32Array, Int64Array, ListArray, StructArray, UInt64Array};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::Fields;

use super::{WHAT, fields};
use crate::error::{FormatError, Result};
use crate::limits;
use crate::manifest::check;

/// Numbers of 64 bits, some of which may be null.
pub(super) fn numbers(values: impl Iterator<Item = impl Into<Option<u64>>>) -> Result<ArrayRef> {
    let stored = |number| i64::try_from(number).map_err(|_| too_large(number, i64::MAX as u64));
    let stored = values.map(|number| number.into().map(stored).transpose());
    Ok(Arc::new(stored.collect::<Result<Int64Array>>()?))
}

/// Numbers of 32 bits, some of which may be null.
pub(super) fn small_numbers(
    values: impl Iterator<Item = impl Into<Option<u32>>>,
) -> Result<ArrayRef> {
    let stored = |number: u32| {
        i32::try_from(number).map_err(|_| too_large(u64::from(number), i32::MAX as u64))
    };
    let stored = values.map(|number| number.into().map(stored).transpose());
    Ok(Arc::new(stored.collect::<Result<Int32Array>>()?))
}

fn too_large(found: u64, limit: u64) -> FormatError {
    FormatError::Limit { what: "a number in a leaf", found, limit }
}

pub(super) fn hashes(values: impl Iterator<Item = u64>) -> ArrayRef {
    Arc::new(UInt64Array::from_iter_values(values))
}

/// Texts, some of which may be null, and in all no more than a reader takes.
pub(super) fn texts(values: impl Iterator<Item = Option<impl AsRef<str>>>) -> Result<ArrayRef> {
    let mut texts = StringBuilder::new();
    for value in values {
        let byte_count = value.as_ref().map_or(0, |value| value.as_ref().len());
        let byte_count = texts.values_slice().len() as u64 + byte_count as u64;
        check::limit("the unpacked bytes of a leaf", byte_count, limits::MAX_LEAF_BYTES)?;
        texts.append_option(value);
    }
    Ok(Arc::new(texts.finish()))
}

/// Lists of so many of the elements each, some of which may be null.
pub(super) fn lists(
    lengths: impl Iterator<Item = impl Into<Option<usize>>>,
    elements: ArrayRef,
) -> Result<ArrayRef> {
    check::limit("the values of a leaf", elements.len() as u64, limits::MAX_LEAF_VALUES)?;
    let lengths: Vec<Option<usize>> = lengths.map(Into::into).collect();
    let offsets = OffsetBuffer::from_lengths(lengths.iter().map(|length| length.unwrap_or(0)));
    let nulls = lengths.iter().map(Option::is_some).collect::<NullBuffer>();
    let nulls = Some(nulls).filter(|nulls| nulls.null_count() > 0);
    let element = fields::element(elements.data_type().clone());
    let lists = ListArray::try_new(element, offsets, elements, nulls);
    Ok(Arc::new(lists.map_err(FormatError::arrow(WHAT))?))
}

/// Columns side by side; where `is_there` says that a group is null, their values do not count.
pub(super) fn group(
    fields: Fields,
    columns: Vec<ArrayRef>,
    is_there: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let group = StructArray::try_new(fields, columns, is_there);
    Ok(Arc::new(group.map_err(FormatError::arrow(WHAT))?))
}
