//! Raw little-endian elements to Arrow columns, and back.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeListArray, ListArray, make_array, new_empty_array,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer};
use arrow_data::ArrayData;
use arrow_schema::{ArrowError, DataType};
use tenrow::{AttributeType, DType, FormatError};

/// Bytes of one element in raw array files, where a bool takes a byte.
pub fn item_bytes(dtype: DType) -> u64 {
    dtype.item_bytes().unwrap_or(1)
}

/// The type of rows of `dims`: a scalar if there are none.
///
/// # Errors
/// If a tensor of that shape breaks a rule of the format.
pub fn row_type(dtype: DType, dims: &[u64]) -> Result<AttributeType, FormatError> {
    if dims.is_empty() {
        Ok(AttributeType::Scalar(dtype))
    } else {
        AttributeType::tensor(dtype, dims)
    }
}

/// A column of `rows` rows of type `attribute_type`, from their little-endian elements.
///
/// # Errors
/// If there are not as many as the rows need.
pub fn column_of_bytes(
    attribute_type: &AttributeType,
    dtype: DType,
    rows: usize,
    bytes: Vec<u8>,
) -> Result<ArrayRef, ArrowError> {
    let count = bytes.len() / item_bytes(dtype) as usize;
    let values: ArrayRef = if dtype == DType::Bool {
        let bits = BooleanBuffer::collect_bool(count, |i| bytes[i] != 0);
        Arc::new(BooleanArray::new(bits, None))
    } else {
        let data = ArrayData::builder(dtype.arrow_type())
            .len(count)
            .add_buffer(Buffer::from_vec(bytes))
            .align_buffers(true)
            .build()?;
        make_array(data)
    };
    wrap(attribute_type, values, rows, None)
}

/// A column of `attribute_type` over its flat elements.
///
/// # Errors
/// If there are not as many as the rows need.
pub fn wrap(
    attribute_type: &AttributeType,
    values: ArrayRef,
    rows: usize,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    Ok(match attribute_type.arrow_type() {
        DataType::FixedSizeList(item, n) => {
            Arc::new(FixedSizeListArray::try_new(item, n, values, nulls)?)
        }
        DataType::List(item) if matches!(attribute_type, AttributeType::Tensor { .. }) => {
            let offsets = OffsetBuffer::new_zeroed(rows);
            let values = new_empty_array(item.data_type());
            Arc::new(ListArray::try_new(item, offsets, values, nulls)?)
        }
        _ => match nulls {
            None => values,
            nulls => make_array(values.to_data().into_builder().nulls(nulls).build()?),
        },
    })
}

/// The flat elements of a tensor or scalar column, one run over all rows.
pub fn elements(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::FixedSizeList(_, _) => {
            let list = column.as_any().downcast_ref::<FixedSizeListArray>();
            list.map_or_else(|| column.clone(), |list| list.values().clone())
        }
        DataType::List(item) => new_empty_array(item.data_type()),
        _ => column.clone(),
    }
}

/// The little-endian bytes of flat elements, one byte for each bool.
pub fn bytes_of(dtype: DType, values: &ArrayRef) -> Vec<u8> {
    if let Some(values) = values.as_any().downcast_ref::<BooleanArray>() {
        return values.values().iter().map(u8::from).collect();
    }
    let data = values.to_data();
    let width = item_bytes(dtype) as usize;
    let (start, end) = (data.offset() * width, (data.offset() + data.len()) * width);
    data.buffers().first().and_then(|b| b.as_slice().get(start..end)).unwrap_or_default().to_vec()
}

/// Reverses the bytes of every element of `width` bytes.
pub fn swap_bytes(bytes: &mut [u8], width: usize) {
    if width > 1 {
        bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    }
}
