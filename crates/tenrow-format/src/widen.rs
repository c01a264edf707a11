//! Values of a narrower type read as those of a wider one: `spec/schema.md`, "Changes".

use std::sync::Arc;

use arrow_array::builder::FixedSizeBinaryBuilder;
use arrow_array::{
    Array, ArrayRef, FixedSizeBinaryArray, FixedSizeListArray, Float32Array, ListArray,
    StructArray, cast::AsArray,
};
use arrow_cast::CastOptions;
use arrow_schema::{ArrowError, DataType};
use half::bf16;

use crate::attribute_type::AttributeType;
use crate::dtype::DType;
use crate::error::{FormatError, Result};

/// Whether a column of type `from` can be read as one of type `to`; the rule it breaks otherwise.
pub(crate) fn check(from: &AttributeType, to: &AttributeType) -> Result<(), String> {
    let widens = |a: DType, b: DType| a == b || a.widens_to(b);
    let fits = match (from, to) {
        (
            AttributeType::Tensor { dtype: a, shape: one },
            AttributeType::Tensor { dtype: b, shape: other },
        ) => one == other && widens(*a, *b),
        (
            AttributeType::VariableTensor { dtype: a, shape: one },
            AttributeType::VariableTensor { dtype: b, shape: other },
        ) => one == other && widens(*a, *b),
        (AttributeType::Scalar(a), AttributeType::Scalar(b)) => widens(*a, *b),
        (a, b) => a == b,
    };
    if fits {
        return Ok(());
    }
    Err(format!(
        "{from} cannot become {to}: only a dtype whose values include all of the old ones can follow, and the shape stays"
    ))
}

/// `column`, which holds values of `from`, as values of `to`.
///
/// # Errors
/// [`FormatError::Arrow`] if the column does not have the type `from`.
pub fn widen(column: &ArrayRef, from: &AttributeType, to: &AttributeType) -> Result<ArrayRef> {
    let (Some(a), Some(b)) = (from.dtype(), to.dtype()) else { return Ok(column.clone()) };
    if a == b {
        return Ok(column.clone());
    }
    widened(column, a, b, &to.arrow_type())
        .map_err(FormatError::arrow(format!("{from} read as {to}")))
}

fn widened(
    column: &ArrayRef,
    from: DType,
    to: DType,
    target: &DataType,
) -> Result<ArrayRef, ArrowError> {
    Ok(match target {
        DataType::FixedSizeList(item, n) => {
            let list = column.as_fixed_size_list_opt().ok_or_else(|| unlike(column))?;
            let values = elements(list.values(), from, to)?;
            Arc::new(FixedSizeListArray::try_new(item.clone(), *n, values, list.nulls().cloned())?)
        }
        DataType::List(item) => {
            let list = column.as_list_opt::<i32>().ok_or_else(|| unlike(column))?;
            let values = elements(list.values(), from, to)?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Arc::new(ListArray::try_new(item.clone(), offsets, values, nulls)?)
        }
        DataType::Struct(fields) => {
            let rows = column.as_struct_opt().ok_or_else(|| unlike(column))?;
            let [data, shape] = rows.columns() else { return Err(unlike(column)) };
            let data = widened(data, from, to, fields[0].data_type())?;
            let columns = vec![data, shape.clone()];
            Arc::new(StructArray::try_new(fields.clone(), columns, rows.nulls().cloned())?)
        }
        _ => elements(column, from, to)?,
    })
}

fn unlike(column: &ArrayRef) -> ArrowError {
    ArrowError::CastError(format!("found {}", column.data_type()))
}

fn elements(values: &ArrayRef, from: DType, to: DType) -> Result<ArrayRef, ArrowError> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    match (from, to) {
        (DType::Bf16, to) => {
            let pairs = values.as_fixed_size_binary_opt().ok_or_else(|| unlike(values))?;
            let floats: ArrayRef = Arc::new(floats_of(pairs));
            arrow_cast::cast_with_options(&floats, &to.arrow_type(), &options)
        }
        (_, DType::Bf16) => {
            let floats = arrow_cast::cast_with_options(values, &DataType::Float32, &options)?;
            bf16_of(floats.as_primitive())
        }
        (_, to) => arrow_cast::cast_with_options(values, &to.arrow_type(), &options),
    }
}

fn floats_of(pairs: &FixedSizeBinaryArray) -> Float32Array {
    let float = |pair: &[u8]| match *pair {
        [low, high] => bf16::from_le_bytes([low, high]).to_f32(),
        _ => f32::NAN,
    };
    (0..pairs.len()).map(|i| pairs.is_valid(i).then(|| float(pairs.value(i)))).collect()
}

/// Opaque pairs of bytes: the form of bf16 in Arrow.
pub(crate) fn bf16_of(floats: &Float32Array) -> Result<ArrayRef, ArrowError> {
    let mut builder = FixedSizeBinaryBuilder::with_capacity(floats.len(), 2);
    for value in floats {
        match value {
            Some(value) => builder.append_value(bf16::from_f32(value).to_le_bytes())?,
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

#[cfg(test)]
mod tests {
    use arrow_array::{Int8Array, Int64Array};

    use super::*;

    #[test]
    fn values_keep_their_value_and_their_nulls() {
        let narrow: ArrayRef = Arc::new(Int8Array::from(vec![Some(-128), None, Some(127)]));
        let (from, to) = ("i8".parse().unwrap(), "i64".parse().unwrap());
        let wide = widen(&narrow, &from, &to).unwrap();
        assert_eq!(
            *wide,
            *(Arc::new(Int64Array::from(vec![Some(-128), None, Some(127)])) as ArrayRef)
        );
    }

    #[test]
    fn brain_floats_widen_exactly() {
        let floats = Float32Array::from(vec![1.5, -0.0, f32::INFINITY]);
        let pairs = bf16_of(&floats).unwrap();
        let (from, to) = ("bf16".parse().unwrap(), "f64".parse().unwrap());
        let wide = widen(&pairs, &from, &to).unwrap();
        let wide = wide.as_primitive::<arrow_array::types::Float64Type>();
        assert_eq!(wide.values()[..], [1.5, -0.0, f64::INFINITY]);
    }

    #[test]
    fn narrowing_and_other_shapes_are_refused() {
        for (from, to) in [("i64", "i8"), ("u8[2]", "i16[3]"), ("string", "i8"), ("f32", "bf16")] {
            let error = check(&from.parse().unwrap(), &to.parse().unwrap()).unwrap_err();
            assert!(error.contains(from) && error.contains(to), "{error}");
        }
        check(&"u8[2]".parse().unwrap(), &"i16[2]".parse().unwrap()).unwrap();
        check(&"f16[?]".parse().unwrap(), &"f32[?]".parse().unwrap()).unwrap();
    }
}
