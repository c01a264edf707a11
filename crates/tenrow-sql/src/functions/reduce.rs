//! Tensors to one number: sum, mean, min, max, std, norm, argmax, count_nonzero.

use std::sync::Arc;

use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type, Int64Type, UInt64Type};
use arrow_array::{ArrayRef, PrimitiveArray};
use arrow_schema::{DataType, Field, FieldRef};
use datafusion::common::Result;
use tenrow::DType;

use super::call::{About, Call, Function, Plan, example_tensor};
use super::elements::{Elements, Number, Total, sum_f64, with_elements};
use super::tensors::Tensors;

/// What is made of the elements of a tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Reduction {
    Sum,
    Mean,
    Min,
    Max,
    Std,
    Norm,
    Argmax,
    CountNonzero,
}

pub(super) fn functions() -> Vec<Function> {
    macro_rules! reduction {
        ($kind:ident, $syntax:literal, $returns:literal, $example:literal) => {
            Function::new(
                About {
                    syntax: $syntax,
                    returns: $returns,
                    example: $example,
                    arguments: vec![("tensor", "A tensor or a list of numbers.", example_tensor())],
                    optional: 0,
                },
                |plan| plan_reduction(plan, Reduction::$kind),
                |call| reduce(call, Reduction::$kind),
            )
        };
    }
    vec![
        reduction!(
            Sum,
            "tensor_sum(tensor)",
            "The sum of the elements: a BIGINT for bool and signed integers, a BIGINT UNSIGNED for unsigned ones (an error if it does not fit), a DOUBLE for f32 and f64, a FLOAT for f16 and bf16. Floats are added up in double precision. 0 for an empty tensor.",
            "SELECT tensor_sum([1, 2, 3]); -- 6"
        ),
        reduction!(
            Mean,
            "tensor_mean(tensor)",
            "The mean of the elements, computed in double precision: a FLOAT for f16 and bf16, else a DOUBLE. NaN for an empty tensor.",
            "SELECT tensor_mean([1, 2, 4, 5]); -- 3.0"
        ),
        reduction!(
            Min,
            "tensor_min(tensor)",
            "The smallest element, in the type of the elements (FLOAT for f16 and bf16). NaN if there is a NaN, NULL for an empty tensor.",
            "SELECT tensor_min([3, 1, 2]); -- 1"
        ),
        reduction!(
            Max,
            "tensor_max(tensor)",
            "The largest element, in the type of the elements (FLOAT for f16 and bf16). NaN if there is a NaN, NULL for an empty tensor.",
            "SELECT tensor_max([3, 1, 2]); -- 3"
        ),
        reduction!(
            Std,
            "tensor_std(tensor)",
            "The population standard deviation of the elements (divided by n, as numpy does), computed in double precision: a FLOAT for f16 and bf16, else a DOUBLE. NaN for an empty tensor.",
            "SELECT tensor_std([1, 2, 3, 4]); -- 1.118033988749895"
        ),
        reduction!(
            Norm,
            "tensor_norm(tensor)",
            "The square root of the sum of the squares of all elements, computed in double precision: a FLOAT for f16 and bf16, else a DOUBLE.",
            "SELECT tensor_norm([3, 4]); -- 5.0"
        ),
        reduction!(
            Argmax,
            "tensor_argmax(tensor)",
            "The place of the largest element in row-major order, counted from 0: the first of equals, the first NaN if there is one, NULL for an empty tensor.",
            "SELECT tensor_argmax([1, 5, 3]); -- 1"
        ),
        reduction!(
            CountNonzero,
            "tensor_count_nonzero(tensor)",
            "The number of elements that are not 0; NaN is not 0.",
            "SELECT tensor_count_nonzero([0, 7, 0, 1]); -- 2"
        ),
    ]
}

fn plan_reduction(plan: &Plan<'_>, reduction: Reduction) -> Result<FieldRef> {
    let tensor = plan.tensor(0)?;
    let data_type = match reduction {
        Reduction::Sum => match tensor.dtype {
            DType::Bool | DType::I8 | DType::I16 | DType::I32 | DType::I64 => DataType::Int64,
            DType::U8 | DType::U16 | DType::U32 | DType::U64 => DataType::UInt64,
            dtype => float_of(dtype),
        },
        Reduction::Mean | Reduction::Std | Reduction::Norm => float_of(tensor.dtype),
        Reduction::Min | Reduction::Max => element_type(tensor.dtype),
        Reduction::Argmax | Reduction::CountNonzero => DataType::Int64,
    };
    let may_be_empty = tensor.dims.iter().any(|dim| dim.is_none_or(|dim| dim == 0));
    let nullable = plan.is_nullable() || (may_be_empty && is_null_if_empty(reduction));
    Ok(Arc::new(Field::new(plan.name, data_type, nullable)))
}

fn is_null_if_empty(reduction: Reduction) -> bool {
    matches!(reduction, Reduction::Min | Reduction::Max | Reduction::Argmax)
}

/// The type of results that are no integers: f32 for the floats of 16 bits, else f64.
fn float_of(dtype: DType) -> DataType {
    match dtype {
        DType::F16 | DType::Bf16 => DataType::Float32,
        _ => DataType::Float64,
    }
}

/// The type of one element in SQL: f32 for the floats of 16 bits, with which SQL can do little.
pub(super) fn element_type(dtype: DType) -> DataType {
    match dtype {
        DType::F16 | DType::Bf16 => DataType::Float32,
        _ => dtype.arrow_type(),
    }
}

fn reduce(call: &Call, reduction: Reduction) -> Result<ArrayRef> {
    let tensors = call.tensors(0)?;
    let elements = Elements::of(tensors.tensor_type.dtype, &tensors.values)?;
    let rows = Rows { call, tensors: &tensors };
    with_elements!(&elements, values => rows.reduce(values, reduction))
}

/// The rows of a call, each of which gives a number.
struct Rows<'a> {
    call: &'a Call,
    tensors: &'a Tensors,
}

impl Rows<'_> {
    fn reduce<T: Number>(&self, values: &[T], reduction: Reduction) -> Result<ArrayRef> {
        match reduction {
            Reduction::Sum => self.sum(values),
            Reduction::Mean => self.floats(values, mean),
            Reduction::Std => self.floats(values, std),
            Reduction::Norm => self.floats(values, |v| sum_f64(v, |x| square(x.to_f64())).sqrt()),
            Reduction::Min => self.extreme(values, |values| extreme(values, |a, b| a < b)),
            Reduction::Max => self.extreme(values, |values| extreme(values, |a, b| a > b)),
            Reduction::Argmax => self.numbers::<Int64Type, T>(values, |v| Ok(argmax(v))),
            Reduction::CountNonzero => self.numbers::<Int64Type, T>(values, |values| {
                Ok(Some(values.iter().filter(|&&v| v != T::default()).count() as i64))
            }),
        }
    }

    /// One value for each row that is not null.
    fn numbers<R: ArrowPrimitiveType, T>(
        &self,
        values: &[T],
        mut reduce: impl FnMut(&[T]) -> Result<Option<R::Native>>,
    ) -> Result<ArrayRef> {
        let one = |row| match self.tensors.is_null(row) {
            true => Ok(None),
            false => reduce(&values[self.tensors.range(row)]),
        };
        let numbers = (0..self.call.row_count()).map(one);
        Ok(Arc::new(numbers.collect::<Result<PrimitiveArray<R>>>()?))
    }

    fn floats<T>(&self, values: &[T], reduce: impl Fn(&[T]) -> f64) -> Result<ArrayRef> {
        match self.call.return_field.data_type() {
            DataType::Float32 => {
                self.numbers::<Float32Type, T>(values, |v| Ok(Some(reduce(v) as f32)))
            }
            _ => self.numbers::<Float64Type, T>(values, |v| Ok(Some(reduce(v)))),
        }
    }

    fn sum<T: Number>(&self, values: &[T]) -> Result<ArrayRef> {
        let total = |values: &[T]| -> Total { T::total(values).into() };
        let too_large = |total: i128, dtype: &str| {
            self.call.fault(format!(
                "the sum of {} is {total}, which no {dtype} holds; tensor_cast its elements to f64 first",
                self.tensors.tensor_type
            ))
        };
        match self.call.return_field.data_type() {
            DataType::Int64 => self.numbers::<Int64Type, T>(values, |values| match total(values) {
                Total::Int(sum) => i64::try_from(sum).map(Some).map_err(|_| too_large(sum, "i64")),
                Total::Float(sum) => Ok(Some(sum as i64)),
            }),
            DataType::UInt64 => {
                self.numbers::<UInt64Type, T>(values, |values| match total(values) {
                    Total::Int(sum) => {
                        u64::try_from(sum).map(Some).map_err(|_| too_large(sum, "u64"))
                    }
                    Total::Float(sum) => Ok(Some(sum as u64)),
                })
            }
            _ => self.floats(values, |values| total(values).to_f64()),
        }
    }

    fn extreme<T: Number>(
        &self,
        values: &[T],
        reduce: impl Fn(&[T]) -> Option<T>,
    ) -> Result<ArrayRef> {
        let found = self.numbers::<T::Arrow, T>(values, |values| Ok(reduce(values)))?;
        // Booleans were looked at as 0 and 1.
        Ok(arrow_cast::cast(&found, self.call.return_field.data_type())?)
    }
}

fn square(x: f64) -> f64 {
    x * x
}

fn mean<T: Number>(values: &[T]) -> f64 {
    let total: Total = T::total(values).into();
    total.to_f64() / values.len() as f64
}

fn std<T: Number>(values: &[T]) -> f64 {
    let mean = mean(values);
    (sum_f64(values, |value| square(value.to_f64() - mean)) / values.len() as f64).sqrt()
}

fn is_nan<T: PartialOrd>(value: T) -> bool {
    value.partial_cmp(&value).is_none()
}

/// The element that no other is `better` than, or NaN if there is one.
fn extreme<T: Number>(values: &[T], better: impl Fn(T, T) -> bool) -> Option<T> {
    let mut lanes = [*values.first()?; 16];
    let mut has_nan = [false; 16];
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        for ((lane, nan), &value) in lanes.iter_mut().zip(&mut has_nan).zip(chunk) {
            *lane = if better(value, *lane) { value } else { *lane };
            *nan |= is_nan(value);
        }
    }
    if has_nan.contains(&true) || rest.iter().any(|&value| is_nan(value)) {
        return values.iter().copied().find(|&value| is_nan(value));
    }
    let first = lanes[0];
    let best = |a, b| if better(b, a) { b } else { a };
    Some(lanes.iter().chain(rest).copied().fold(first, best))
}

fn argmax<T: Number>(values: &[T]) -> Option<i64> {
    let most = extreme(values, |a, b| a > b)?;
    let is_most = |&value: &T| if is_nan(most) { is_nan(value) } else { value == most };
    values.iter().position(is_most).map(|at| at as i64)
}
