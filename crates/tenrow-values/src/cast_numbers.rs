//! Numbers of one dtype as numbers of another: every pair, by one rule.
//!
//! Integers and bools go through `i128` and floats through `f64`, both of which hold every value
//! of every dtype exactly.

use std::fmt;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeBinaryArray, PrimitiveArray, new_empty_array,
};
use arrow_buffer::{BooleanBuffer, Buffer};
use half::{bf16, f16};
use tenrow::DType;

use crate::cast_mode::CastMode;

/// A number of any dtype, exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Int(i128),
    Float(f64),
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Int(value) => value.fmt(f),
            // Hundreds of digits say less.
            Number::Float(value) if value.abs() >= 1e16 => write!(f, "{value:e}"),
            Number::Float(value) => value.fmt(f),
        }
    }
}

/// The first value that does not fit, and where it stands among the elements.
#[derive(Debug)]
pub(crate) struct Misfit {
    pub(crate) index: usize,
    pub(crate) value: Number,
}

/// Casts `values` of `from` to `to`; those that `skip` names become 0.
pub(crate) fn cast_numbers(
    from: DType,
    to: DType,
    values: &ArrayRef,
    mode: CastMode,
    skip: impl Fn(usize) -> bool,
) -> Result<ArrayRef, Misfit> {
    if values.is_empty() {
        return Ok(new_empty_array(&to.arrow_type()));
    }
    let read = reader(from, values);
    let number = |index: usize| if skip(index) { Number::Int(0) } else { read(index) };
    numbers_of(to, values.len(), mode, number)
}

/// The numbers 0 to `len` as elements of `to`, none of them null.
pub(crate) fn numbers_of(
    to: DType,
    len: usize,
    mode: CastMode,
    number: impl Fn(usize) -> Number,
) -> Result<ArrayRef, Misfit> {
    macro_rules! primitive {
        ($type:ty, $fit:expr) => {{
            let fit = $fit;
            let mut items = Vec::with_capacity(len);
            for index in 0..len {
                let value = number(index);
                items.push(fit(value, mode).ok_or(Misfit { index, value })?);
            }
            Arc::new(PrimitiveArray::<$type>::new(items.into(), None)) as ArrayRef
        }};
    }
    Ok(match to {
        DType::I8 => primitive!(Int8Type, |v, m| to_int(v, m, i8::MIN, i8::MAX)),
        DType::I16 => primitive!(Int16Type, |v, m| to_int(v, m, i16::MIN, i16::MAX)),
        DType::I32 => primitive!(Int32Type, |v, m| to_int(v, m, i32::MIN, i32::MAX)),
        DType::I64 => primitive!(Int64Type, |v, m| to_int(v, m, i64::MIN, i64::MAX)),
        DType::U8 => primitive!(UInt8Type, |v, m| to_int(v, m, u8::MIN, u8::MAX)),
        DType::U16 => primitive!(UInt16Type, |v, m| to_int(v, m, u16::MIN, u16::MAX)),
        DType::U32 => primitive!(UInt32Type, |v, m| to_int(v, m, u32::MIN, u32::MAX)),
        DType::U64 => primitive!(UInt64Type, |v, m| to_int(v, m, u64::MIN, u64::MAX)),
        DType::F16 => primitive!(Float16Type, to_f16),
        DType::F32 => primitive!(Float32Type, to_f32),
        DType::F64 => primitive!(Float64Type, to_f64),
        DType::Bool => {
            let mut bits = Vec::with_capacity(len);
            for index in 0..len {
                let value = number(index);
                bits.push(to_bool(value, mode).ok_or(Misfit { index, value })?);
            }
            Arc::new(BooleanArray::new(BooleanBuffer::from(bits), None))
        }
        DType::Bf16 => {
            let mut bytes = Vec::with_capacity(len * 2);
            for index in 0..len {
                let value = number(index);
                let item = to_bf16(value, mode).ok_or(Misfit { index, value })?;
                bytes.extend_from_slice(&item.to_le_bytes());
            }
            Arc::new(FixedSizeBinaryArray::new(2, Buffer::from_vec(bytes), None))
        }
    })
}

fn reader<'a>(from: DType, values: &'a ArrayRef) -> Box<dyn Fn(usize) -> Number + 'a> {
    macro_rules! primitive {
        ($type:ty, $number:expr) => {{
            let values = values.as_primitive::<$type>().values();
            let number = $number;
            Box::new(move |i| number(values[i]))
        }};
    }
    match from {
        DType::I8 => primitive!(Int8Type, |v| Number::Int(i128::from(v))),
        DType::I16 => primitive!(Int16Type, |v| Number::Int(i128::from(v))),
        DType::I32 => primitive!(Int32Type, |v| Number::Int(i128::from(v))),
        DType::I64 => primitive!(Int64Type, |v| Number::Int(i128::from(v))),
        DType::U8 => primitive!(UInt8Type, |v| Number::Int(i128::from(v))),
        DType::U16 => primitive!(UInt16Type, |v| Number::Int(i128::from(v))),
        DType::U32 => primitive!(UInt32Type, |v| Number::Int(i128::from(v))),
        DType::U64 => primitive!(UInt64Type, |v| Number::Int(i128::from(v))),
        DType::F16 => primitive!(Float16Type, |v: f16| Number::Float(v.to_f64())),
        DType::F32 => primitive!(Float32Type, |v| Number::Float(f64::from(v))),
        DType::F64 => primitive!(Float64Type, Number::Float),
        DType::Bool => {
            let values = values.as_boolean();
            Box::new(move |i| Number::Int(i128::from(values.value(i))))
        }
        DType::Bf16 => {
            let values = values.as_fixed_size_binary();
            Box::new(move |i| match *values.value(i) {
                [low, high] => Number::Float(bf16::from_le_bytes([low, high]).to_f64()),
                _ => Number::Float(f64::NAN),
            })
        }
    }
}

fn to_int<T>(value: Number, mode: CastMode, least: T, most: T) -> Option<T>
where
    T: Copy + Into<i128> + TryFrom<i128>,
{
    let lossy = mode == CastMode::Lossy;
    let whole = match value {
        Number::Int(value) => value,
        // `as` takes the fraction away, saturates, and makes 0 of NaN.
        Number::Float(value) if lossy || value.fract() == 0.0 => value as i128,
        Number::Float(_) => return None,
    };
    let whole = if lossy { whole.clamp(least.into(), most.into()) } else { whole };
    T::try_from(whole).ok()
}

fn to_bool(value: Number, mode: CastMode) -> Option<bool> {
    let lossy = mode == CastMode::Lossy;
    match value {
        Number::Int(0) => Some(false),
        Number::Int(1) => Some(true),
        Number::Float(0.0) => Some(false),
        Number::Float(1.0) => Some(true),
        // NaN becomes 0 in every lossy cast, and 0 is false.
        Number::Float(value) => lossy.then_some(!value.is_nan()),
        Number::Int(_) => lossy.then_some(true),
    }
}

fn to_f64(value: Number, mode: CastMode) -> Option<f64> {
    match value {
        Number::Float(value) => Some(value),
        Number::Int(value) => exact(value as f64, Number::Int(value), mode).map(|_| value as f64),
    }
}

fn to_f32(value: Number, mode: CastMode) -> Option<f32> {
    let narrow = match value {
        Number::Float(value) => value as f32,
        Number::Int(value) => value as f32,
    };
    exact(f64::from(narrow), value, mode).map(|()| narrow)
}

fn to_f16(value: Number, mode: CastMode) -> Option<f16> {
    let narrow = f16::from_f64(as_f64(value));
    exact(narrow.to_f64(), value, mode).map(|()| narrow)
}

fn to_bf16(value: Number, mode: CastMode) -> Option<bf16> {
    let narrow = bf16::from_f64(as_f64(value));
    exact(narrow.to_f64(), value, mode).map(|()| narrow)
}

fn as_f64(value: Number) -> f64 {
    match value {
        Number::Float(value) => value,
        Number::Int(value) => value as f64,
    }
}

/// Whether `narrow` may stand for `value`: it is the same number, or near enough for the cast.
fn exact(narrow: f64, value: Number, mode: CastMode) -> Option<()> {
    let same = match value {
        Number::Float(value) => narrow == value || (narrow.is_nan() && value.is_nan()),
        // Every integer of a dtype is far within an i128, so `as` does not saturate here.
        Number::Int(value) => narrow.is_finite() && narrow as i128 == value,
    };
    let fits = match mode {
        CastMode::Refuse | CastMode::Safe => same,
        CastMode::Round => narrow.is_finite() || same,
        CastMode::Lossy => true,
    };
    fits.then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_fit_or_saturate() {
        for (value, safe, lossy) in [
            (Number::Int(127), Some(127), 127i8),
            (Number::Int(300), None, 127),
            (Number::Int(-300), None, -128),
            (Number::Float(-3.0), Some(-3), -3),
            (Number::Float(1.5), None, 1),
            (Number::Float(-1.5), None, -1),
            (Number::Float(1e300), None, 127),
            (Number::Float(f64::NAN), None, 0),
            (Number::Float(f64::INFINITY), None, 127),
        ] {
            assert_eq!(to_int(value, CastMode::Safe, i8::MIN, i8::MAX), safe, "{value}");
            assert_eq!(to_int(value, CastMode::Lossy, i8::MIN, i8::MAX), Some(lossy), "{value}");
        }
        let too_large = Number::Float(18446744073709551616.0);
        assert_eq!(to_int(too_large, CastMode::Safe, u64::MIN, u64::MAX), None);
        assert_eq!(to_int(too_large, CastMode::Lossy, u64::MIN, u64::MAX), Some(u64::MAX));
    }

    #[test]
    fn floats_are_exact_or_rounded() {
        assert_eq!(to_f32(Number::Float(0.1), CastMode::Safe), None);
        assert_eq!(to_f32(Number::Float(0.1), CastMode::Lossy), Some(0.1));
        assert_eq!(to_f32(Number::Float(0.5), CastMode::Safe), Some(0.5));
        assert!(to_f32(Number::Float(f64::NAN), CastMode::Safe).unwrap().is_nan());
        assert_eq!(to_f32(Number::Int(16_777_217), CastMode::Safe), None);
        assert_eq!(to_f64(Number::Int((1 << 53) + 1), CastMode::Safe), None);
        assert_eq!(to_f64(Number::Int(i128::from(u64::MAX)), CastMode::Safe), None);
        assert_eq!(to_f16(Number::Int(65_520), CastMode::Safe), None);
        assert_eq!(to_f16(Number::Int(65_520), CastMode::Lossy), Some(f16::INFINITY));
        assert_eq!(to_f32(Number::Float(0.1), CastMode::Round), Some(0.1));
        assert_eq!(to_f32(Number::Float(1e300), CastMode::Round), None);
        assert_eq!(to_f32(Number::Float(f64::INFINITY), CastMode::Round), Some(f32::INFINITY));
        assert_eq!(to_int(Number::Float(1.5), CastMode::Round, i8::MIN, i8::MAX), None);
        assert_eq!(to_bf16(Number::Float(1.0), CastMode::Safe), Some(bf16::ONE));
    }

    #[test]
    fn only_zero_and_one_are_bools() {
        assert_eq!(to_bool(Number::Int(1), CastMode::Safe), Some(true));
        assert_eq!(to_bool(Number::Int(2), CastMode::Safe), None);
        assert_eq!(to_bool(Number::Float(0.5), CastMode::Lossy), Some(true));
        assert_eq!(to_bool(Number::Float(f64::NAN), CastMode::Lossy), Some(false));
    }

    #[test]
    fn every_dtype_goes_into_every_other() {
        for from in DType::ALL {
            for to in DType::ALL {
                let ones: ArrayRef = Arc::new(BooleanArray::from(vec![true, false]));
                let a = cast_numbers(DType::Bool, from, &ones, CastMode::Safe, |_| false).unwrap();
                let b = cast_numbers(from, to, &a, CastMode::Safe, |_| false).unwrap();
                let back = cast_numbers(to, DType::Bool, &b, CastMode::Safe, |_| false).unwrap();
                assert_eq!(&back, &ones, "{from} to {to}");
            }
        }
    }
}
