//! Tensors as the nested lists that JSON shows them as.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type, Int32Type};
use arrow_array::{Array, ArrayRef, FixedSizeListArray, ListArray, PrimitiveArray, make_array};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, Field};
use half::bf16;
use tenrow::{Attribute, AttributeType, DType};

use crate::column::elements;

/// Lists within one batch, all levels of a tensor taken together.
const MAX_LISTS: usize = 1 << 28;

/// A column of the type of `attribute`: tensors as nested lists, half precision widened.
pub(crate) fn json_column(
    attribute: &Attribute,
    column: &ArrayRef,
) -> Result<ArrayRef, ArrowError> {
    let rows = column.len();
    match &attribute.attribute_type {
        AttributeType::Scalar(dtype) => Ok(json_numbers(*dtype, column)),
        AttributeType::Tensor { dtype, shape } => {
            let values = json_numbers(*dtype, &elements(column));
            nest(values, shape.dims(), rows, column.nulls().cloned())
        }
        AttributeType::VariableTensor { dtype, .. } => nest_variable(*dtype, column),
        _ => Ok(column.clone()),
    }
}

/// Numbers that JSON can show; half precision is widened.
fn json_numbers(dtype: DType, values: &ArrayRef) -> ArrayRef {
    let nulls = values.nulls().cloned();
    match dtype {
        DType::Bf16 => {
            let raw = values.as_fixed_size_binary();
            let wide = raw.iter().map(|item| match item {
                Some(&[low, high]) => bf16::from_le_bytes([low, high]).to_f32(),
                _ => 0.0,
            });
            Arc::new(PrimitiveArray::<Float32Type>::new(wide.collect(), nulls))
        }
        DType::F16 => {
            let halves = values.as_primitive::<Float16Type>();
            let wide = halves.values().iter().map(|half| half.to_f32());
            Arc::new(PrimitiveArray::<Float32Type>::new(wide.collect(), nulls))
        }
        _ => values.clone(),
    }
}

/// Lists of lists over the flat elements of tensors of `dims`; of rank 0, the elements themselves.
fn nest(
    values: ArrayRef,
    dims: &[u64],
    rows: usize,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    if dims.is_empty() {
        return Ok(make_array(values.to_data().into_builder().nulls(nulls).build()?));
    }
    let mut nested = values;
    for (axis, &size) in dims.iter().enumerate().rev() {
        let outer: u64 = dims[..axis].iter().product();
        let nulls = nulls.clone().filter(|_| axis == 0);
        let item = Arc::new(Field::new("item", nested.data_type().clone(), true));
        let list = FixedSizeListArray::try_new_with_length(
            item,
            size as i32,
            nested,
            nulls,
            rows * outer as usize,
        )?;
        nested = Arc::new(list);
    }
    Ok(nested)
}

/// Lists of lists over tensors that have each their own shape.
fn nest_variable(dtype: DType, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let wrong = |reason: &str| ArrowError::InvalidArgumentError(reason.to_owned());
    let tensors = column.as_struct();
    let (Some(data), Some(shapes)) =
        (tensors.column_by_name("data"), tensors.column_by_name("shape"))
    else {
        return Err(wrong("a variable-shape tensor without data and shape"));
    };
    let (data, shapes) = (data.as_list::<i32>(), shapes.as_fixed_size_list());
    let rank = shapes.value_length() as usize;
    let sizes = shapes.values().as_primitive::<Int32Type>();
    let mut lengths: Vec<Vec<usize>> = vec![Vec::new(); rank];
    let mut list_count = 0usize;
    for row in 0..tensors.len() {
        let mut lists = 1usize;
        for (axis, lengths) in lengths.iter_mut().enumerate() {
            let size = if tensors.is_valid(row) { sizes.value(row * rank + axis) } else { 0 };
            let size = usize::try_from(size).map_err(|_| wrong("a negative dimension"))?;
            list_count += lists;
            if list_count > MAX_LISTS {
                return Err(wrong("too many dimensions to nest"));
            }
            lengths.extend(std::iter::repeat_n(size, lists));
            lists = lists.saturating_mul(size);
        }
        if tensors.is_valid(row) && lists != data.value(row).len() {
            return Err(wrong("a shape that differs from its data"));
        }
    }
    let valid: Vec<ArrayRef> = (0..tensors.len())
        .filter(|&row| tensors.is_valid(row))
        .map(|row| data.value(row))
        .collect();
    let valid: Vec<&dyn Array> = valid.iter().map(AsRef::as_ref).collect();
    let values = if valid.is_empty() {
        data.values().slice(0, 0)
    } else {
        arrow_select::concat::concat(&valid)?
    };
    let mut nested = json_numbers(dtype, &values);
    for (axis, lengths) in lengths.into_iter().enumerate().rev() {
        let item = Arc::new(Field::new("item", nested.data_type().clone(), true));
        let nulls = tensors.nulls().cloned().filter(|_| axis == 0);
        let offsets = OffsetBuffer::from_lengths(lengths);
        nested = Arc::new(ListArray::try_new(item, offsets, nested, nulls)?);
    }
    Ok(nested)
}
