//! `tensor_cast`: the elements of a tensor in another dtype.

use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{ArrayRef, BooleanArray, FixedSizeBinaryArray, PrimitiveArray};
use arrow_buffer::{BooleanBuffer, Buffer};
use arrow_schema::{DataType, FieldRef};
use datafusion::common::Result;
use half::{bf16, f16};
use tenrow::DType;

use super::call::{About, Call, Function, Plan, example_tensor};
use super::elements::{Elements, with_elements};
use super::tensor_type::TensorType;
use super::tensors::{Tensors, assemble, show_dims, unravel};

const DTYPE: &str = "the dtype";
const MODE: &str = "the mode";

pub(super) fn functions() -> Vec<Function> {
    let about = About {
        syntax: "tensor_cast(tensor, dtype [, mode])",
        returns: "A tensor of the same shape with elements of another dtype. What an integer or a bool cannot hold (300 as u8, 1.5 as i64, NaN, 2 as bool) and a number too large for a float is an error, unless the mode says what becomes of it; floats are rounded to the nearest of their type.",
        example: "SELECT tensor_cast(image, 'f32') FROM mnist; -- tensors of f32[28,28]",
        arguments: vec![
            ("tensor", "A tensor or a list of numbers.", example_tensor()),
            (
                "dtype",
                "A constant text: bool, i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, f32 or f64.",
                DataType::Utf8,
            ),
            (
                "mode",
                "'saturate': the nearest value that fits; 'wrap': modulo the range of the integer type. Both drop fractions and make 0 of NaN; for bool, what is not 0 is true.",
                DataType::Utf8,
            ),
        ],
        optional: 1,
    };
    vec![Function::new(about, plan_cast, run_cast)]
}

/// What becomes of a number that the new dtype does not hold.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    Refuse,
    Wrap,
    Saturate,
}

fn mode_of(text: Option<&str>) -> Result<Mode, String> {
    match text {
        None => Ok(Mode::Refuse),
        Some("wrap") => Ok(Mode::Wrap),
        Some("saturate") => Ok(Mode::Saturate),
        Some(other) => Err(format!("unknown mode {other:?}; known are wrap, saturate")),
    }
}

fn plan_cast(plan: &Plan<'_>) -> Result<FieldRef> {
    let tensor = plan.tensor(0)?;
    let dtype = match plan.text(1, DTYPE)? {
        Some(text) => text.parse::<DType>().map_err(|e| plan.fault(e.to_string()))?,
        None if plan.is_example() => tensor.dtype,
        None => return Err(plan.fault("the dtype must be a constant text, such as 'f32'")),
    };
    let mode = plan.text(2, MODE)?;
    if mode.is_none() && plan.fields.len() > 2 && !plan.is_example() {
        return Err(plan.fault("the mode must be a constant text: wrap or saturate"));
    }
    mode_of(mode).map_err(|reason| plan.fault(reason))?;
    TensorType { dtype, ..tensor }.to_field(plan.name, plan.fields[0].is_nullable())
}

fn run_cast(call: &Call) -> Result<ArrayRef> {
    let tensors = call.tensors(0)?;
    let target = TensorType::of_argument(call.name, &call.return_field)?.dtype;
    let mode = match call.arguments.len() {
        2 => Mode::Refuse,
        _ => mode_of(Some(&call.text(2, MODE)?)).map_err(|reason| call.fault(reason))?,
    };
    let values = match tensors.tensor_type.dtype == target {
        true => tensors.values.clone(),
        false => Cast { call, tensors: &tensors, target, mode }.values()?,
    };
    let dims = || (0..tensors.len()).flat_map(|row| dims_of(&tensors, row)).collect();
    assemble(&call.return_field, values, tensors.offsets()?, dims, tensors.nulls.clone())
}

fn dims_of(tensors: &Tensors, row: usize) -> Vec<i32> {
    match tensors.is_null(row) {
        true => vec![0; tensors.tensor_type.rank()],
        // Those of a stored tensor came from i32s.
        false => tensors.dims(row).iter().map(|&dim| dim as i32).collect(),
    }
}

/// A cast of all elements of a batch.
struct Cast<'a> {
    call: &'a Call,
    tensors: &'a Tensors,
    target: DType,
    mode: Mode,
}

/// A number on its way from one dtype to another.
#[derive(Debug, Clone, Copy)]
enum Number {
    Int(i64),
    /// A u64 that is no i64.
    Large(u64),
    Float(f64),
}

macro_rules! numbers {
    ($($rust:ty => $variant:ident),*) => {$(
        impl From<$rust> for Number {
            fn from(value: $rust) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}
numbers!(i8 => Int, i16 => Int, i32 => Int, i64 => Int, u8 => Int, u16 => Int, u32 => Int,
         f32 => Float, f64 => Float);

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::Large(value), Self::Int)
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Int(value) => value.fmt(f),
            Self::Large(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
        }
    }
}

impl Cast<'_> {
    fn values(&self) -> Result<ArrayRef> {
        let elements = Elements::of(self.tensors.tensor_type.dtype, &self.tensors.values)?;
        with_elements!(&elements, values => self.cast(values))
    }

    fn cast<T: Copy + Default + Into<Number>>(&self, values: &[T]) -> Result<ArrayRef> {
        macro_rules! integer {
            ($arrow:ty) => {{
                type Native = <$arrow as ArrowPrimitiveType>::Native;
                let wrap = |whole: i128| whole as Native;
                let clamp = |whole: i128| {
                    whole.clamp(i128::from(Native::MIN), i128::from(Native::MAX)) as Native
                };
                self.primitive::<$arrow, T>(values, |number| {
                    let whole = |number| match number {
                        Number::Int(value) => i128::from(value),
                        Number::Large(value) => i128::from(value),
                        // Takes the fraction away, saturates, and makes 0 of NaN.
                        Number::Float(value) => value as i128,
                    };
                    match (self.mode, number) {
                        (Mode::Refuse, Number::Int(value)) => Native::try_from(value).ok(),
                        (Mode::Refuse, Number::Large(value)) => Native::try_from(value).ok(),
                        (Mode::Refuse, Number::Float(value)) => {
                            let whole = value as i128;
                            let same = whole as f64 == value;
                            same.then(|| Native::try_from(whole).ok()).flatten()
                        }
                        (Mode::Wrap, number) => Some(wrap(whole(number))),
                        (Mode::Saturate, number) => Some(clamp(whole(number))),
                    }
                })
            }};
        }
        macro_rules! float {
            ($arrow:ty, $round:expr, $most:expr) => {{
                let (round, most) = ($round, $most);
                self.primitive::<$arrow, T>(values, |number| self.float(number, round, most))
            }};
        }
        match self.target {
            DType::I8 => integer!(Int8Type),
            DType::I16 => integer!(Int16Type),
            DType::I32 => integer!(Int32Type),
            DType::I64 => integer!(Int64Type),
            DType::U8 => integer!(UInt8Type),
            DType::U16 => integer!(UInt16Type),
            DType::U32 => integer!(UInt32Type),
            DType::U64 => integer!(UInt64Type),
            DType::F16 => float!(Float16Type, f16::from_f64, f16::MAX),
            DType::F32 => float!(Float32Type, |v| v as f32, f32::MAX),
            DType::F64 => float!(Float64Type, |v| v, f64::MAX),
            DType::Bf16 => {
                let items = self.each(values, |number| {
                    let value = self.float(number, bf16::from_f64, bf16::MAX)?;
                    Some(value.to_le_bytes())
                })?;
                let bytes = Buffer::from_vec(items.into_flattened());
                Ok(Arc::new(FixedSizeBinaryArray::try_new(2, bytes, None)?))
            }
            DType::Bool => {
                let bits = self.each(values, |number| self.bool(number))?;
                Ok(Arc::new(BooleanArray::new(BooleanBuffer::from(bits), None)))
            }
        }
    }

    fn primitive<A: ArrowPrimitiveType, T: Copy + Default + Into<Number>>(
        &self,
        values: &[T],
        cast: impl Fn(Number) -> Option<A::Native>,
    ) -> Result<ArrayRef> {
        let items = self.each(values, cast)?;
        Ok(Arc::new(PrimitiveArray::<A>::new(items.into(), None)))
    }

    /// Casts every element of rows that are not null.
    fn each<T: Copy + Default + Into<Number>, R>(
        &self,
        values: &[T],
        cast: impl Fn(Number) -> Option<R>,
    ) -> Result<Vec<R>> {
        let tensors = self.tensors;
        let mut items = Vec::with_capacity(values.len());
        for row in 0..tensors.len() {
            let (range, is_null) = (tensors.range(row), tensors.is_null(row));
            for (at, &value) in values[range].iter().enumerate() {
                // Whatever stands in a null row is replaced, as it need not fit.
                let number = if is_null { T::default().into() } else { value.into() };
                items.push(cast(number).ok_or_else(|| self.misfit(number, row, at))?);
            }
        }
        Ok(items)
    }

    /// Rounded to the nearest; only a finite number that would become infinite does not fit.
    fn float<F: Into<f64> + Copy>(
        &self,
        number: Number,
        round: impl Fn(f64) -> F,
        most: F,
    ) -> Option<F> {
        let value = match number {
            Number::Int(value) => value as f64,
            Number::Large(value) => value as f64,
            Number::Float(value) => value,
        };
        let rounded = round(value);
        if !value.is_finite() || rounded.into().is_finite() {
            return Some(rounded);
        }
        let most: f64 = most.into();
        match self.mode {
            Mode::Refuse => None,
            Mode::Wrap => Some(rounded),
            Mode::Saturate => Some(round(most.copysign(value))),
        }
    }

    fn bool(&self, number: Number) -> Option<bool> {
        match number {
            Number::Int(0) => Some(false),
            Number::Int(1) => Some(true),
            Number::Float(0.0) => Some(false),
            Number::Float(1.0) => Some(true),
            _ if self.mode == Mode::Refuse => None,
            Number::Float(value) => Some(!value.is_nan()),
            _ => Some(true),
        }
    }

    fn misfit(&self, number: Number, row: usize, at: usize) -> datafusion::common::DataFusionError {
        let place = show_dims(&unravel(at, &self.tensors.dims(row)));
        self.call.fault(format!(
            "{number}, element {place} of {}, does not fit {}{}; a third argument 'saturate' or 'wrap' casts it all the same",
            self.tensors.tensor_type,
            self.target,
            range_of(self.target)
        ))
    }
}

/// What a dtype holds, to be said behind its name.
fn range_of(dtype: DType) -> String {
    let (least, most): (i128, i128) = match dtype {
        DType::I8 => (i8::MIN.into(), i8::MAX.into()),
        DType::I16 => (i16::MIN.into(), i16::MAX.into()),
        DType::I32 => (i32::MIN.into(), i32::MAX.into()),
        DType::I64 => (i64::MIN.into(), i64::MAX.into()),
        DType::U8 => (0, u8::MAX.into()),
        DType::U16 => (0, u16::MAX.into()),
        DType::U32 => (0, u32::MAX.into()),
        DType::U64 => (0, u64::MAX.into()),
        DType::Bool => return " (0 and 1)".into(),
        _ => return String::new(),
    };
    format!(" ({least} to {most})")
}
