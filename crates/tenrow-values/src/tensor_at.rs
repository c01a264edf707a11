//! Single values of Arrow columns, as tensors.

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef};
use half::{bf16, f16};
use tenrow::AttributeType;
use tenrow::{DType, Element, Tensor};

use crate::column::bytes_of;

/// The tensor that row `row` of a column of `attribute_type` holds; a scalar has no dimensions.
///
/// `None` if the row is null or out of range, the attribute is of another kind, or the column of
/// another type. The elements are copied.
///
/// ```
/// use std::sync::Arc;
/// use arrow_array::{ArrayRef, Int64Array};
/// let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(5), None]));
/// let label = "i64".parse::<tenrow::AttributeType>()?;
/// let tensor = tenrow_values::tensor_at(&label, &column, 0).expect("row 0 is not null");
/// assert_eq!(tensor.as_slice::<i64>()?, [5]);
/// assert!(tenrow_values::tensor_at(&label, &column, 1).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn tensor_at(attribute_type: &AttributeType, column: &ArrayRef, row: usize) -> Option<Tensor> {
    if row >= column.len() || column.is_null(row) {
        return None;
    }
    let (values, shape) = match attribute_type {
        AttributeType::Scalar(_) => (column.slice(row, 1), Vec::new()),
        AttributeType::Tensor { shape, .. } => {
            let values = match column.as_fixed_size_list_opt() {
                Some(lists) => lists.value(row),
                None => column.as_list_opt::<i32>()?.value(row),
            };
            (values, shape.dims().to_vec())
        }
        AttributeType::VariableTensor { .. } => {
            let column = column.as_struct_opt()?;
            let values = column.column_by_name("data")?.as_list_opt::<i32>()?.value(row);
            let dims = column.column_by_name("shape")?.as_fixed_size_list_opt()?.value(row);
            let dims = dims.as_primitive_opt::<Int32Type>()?.values();
            let shape = dims.iter().map(|&d| u64::try_from(d).ok()).collect::<Option<_>>()?;
            (values, shape)
        }
        _ => return None,
    };
    let dtype = attribute_type.dtype()?;
    Tensor::new(dtype, &shape, bytes_of(dtype, &values).into()).ok()
}

/// The elements as f64; integers beyond 2^53 lose their last digits.
pub fn numbers(tensor: &Tensor) -> Vec<f64> {
    fn wide<T: Element>(tensor: &Tensor, to: fn(T) -> f64) -> Vec<f64> {
        // The dtype was looked at before, so the elements are of this type.
        tensor.to_vec::<T>().unwrap_or_default().into_iter().map(to).collect()
    }
    match tensor.dtype() {
        DType::Bool => tensor.bytes().iter().map(|&b| f64::from(b)).collect(),
        DType::I8 => wide::<i8>(tensor, f64::from),
        DType::I16 => wide::<i16>(tensor, f64::from),
        DType::I32 => wide::<i32>(tensor, f64::from),
        DType::I64 => wide::<i64>(tensor, |v| v as f64),
        DType::U8 => wide::<u8>(tensor, f64::from),
        DType::U16 => wide::<u16>(tensor, f64::from),
        DType::U32 => wide::<u32>(tensor, f64::from),
        DType::U64 => wide::<u64>(tensor, |v| v as f64),
        DType::F16 => wide::<f16>(tensor, f16::to_f64),
        DType::Bf16 => wide::<bf16>(tensor, bf16::to_f64),
        DType::F32 => wide::<f32>(tensor, f64::from),
        DType::F64 => wide::<f64>(tensor, |v| v),
    }
}
