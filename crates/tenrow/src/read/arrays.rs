//! Arrow arrays over bytes that were read.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, FixedSizeListArray, ListArray, make_array};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow_data::ArrayData;
use arrow_schema::{ArrowError, DataType, Field};

use crate::error::{Error, Result};
use crate::format::DType;

/// Elements of `dtype` over `values`, which are shared unless they are not aligned for it.
pub(crate) fn elements(dtype: DType, values: Buffer, count: usize) -> Result<ArrayRef> {
    elements_at(dtype, values, 0, count)
}

/// The same, from element `offset` on: only booleans need one.
pub(crate) fn elements_at(
    dtype: DType,
    values: Buffer,
    offset: usize,
    count: usize,
) -> Result<ArrayRef> {
    let data = ArrayData::builder(dtype.arrow_type())
        .len(count)
        .offset(offset)
        .add_buffer(values)
        .align_buffers(true)
        .build()
        .map_err(unfit)?;
    Ok(make_array(data))
}

/// Fixed-size lists of `n` elements.
pub(crate) fn fixed_lists(
    dtype: DType,
    n: u64,
    values: ArrayRef,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let list = FixedSizeListArray::try_new(item(dtype, true), n as i32, values, nulls);
    Ok(Arc::new(list.map_err(unfit)?))
}

/// Lists of these lengths.
pub(crate) fn lists(
    dtype: DType,
    nullable_elements: bool,
    lengths: impl IntoIterator<Item = usize>,
    values: ArrayRef,
    nulls: Option<NullBuffer>,
) -> Result<ListArray> {
    let lengths: Vec<usize> = lengths.into_iter().collect();
    if lengths.iter().sum::<usize>() > i32::MAX as usize {
        return Err(Error::invalid(
            "over 2^31 elements of a list attribute at once: read fewer rows",
        ));
    }
    let offsets = OffsetBuffer::from_lengths(lengths);
    ListArray::try_new(item(dtype, nullable_elements), offsets, values, nulls).map_err(unfit)
}

fn item(dtype: DType, nullable: bool) -> Arc<Field> {
    Arc::new(Field::new("item", dtype.arrow_type(), nullable))
}

/// Arrays of the same type, one after another; a single one is not copied.
pub(crate) fn concat(data_type: &DataType, mut parts: Vec<ArrayRef>) -> Result<ArrayRef> {
    match parts.len() {
        0 => Ok(arrow_array::new_empty_array(data_type)),
        1 => Ok(parts.remove(0)),
        _ => {
            let parts: Vec<&dyn Array> = parts.iter().map(|part| part.as_ref()).collect();
            arrow_select::concat::concat(&parts).map_err(unfit)
        }
    }
}

/// What was read does not make an array, which only damage explains.
pub(crate) fn unfit(error: ArrowError) -> Error {
    match error {
        ArrowError::OffsetOverflowError(_) => {
            Error::invalid("over 2 GiB of text or bytes of one attribute at once: read fewer rows")
        }
        error => Error::corrupt("values that were read", error),
    }
}
