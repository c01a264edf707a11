//! The elements of tensors as Rust numbers.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::ScalarBuffer;
use datafusion::common::{DataFusionError, Result};
use half::bf16;
use half::slice::HalfFloatSliceExt;
use tenrow::DType;

/// The elements of a column of tensors, in order. Booleans are 0 and 1 as `U8`; f16 and bf16 are
/// `F32`, which holds their values exactly.
pub(super) enum Elements {
    I8(ScalarBuffer<i8>),
    I16(ScalarBuffer<i16>),
    I32(ScalarBuffer<i32>),
    I64(ScalarBuffer<i64>),
    U8(ScalarBuffer<u8>),
    U16(ScalarBuffer<u16>),
    U32(ScalarBuffer<u32>),
    U64(ScalarBuffer<u64>),
    F32(ScalarBuffer<f32>),
    F64(ScalarBuffer<f64>),
}

/// Runs `$body` with `$values` bound to a slice of whatever numbers `$elements` holds.
macro_rules! with_elements {
    ($elements:expr, $values:ident => $body:expr) => {
        match $elements {
            $crate::functions::elements::Elements::I8($values) => $body,
            $crate::functions::elements::Elements::I16($values) => $body,
            $crate::functions::elements::Elements::I32($values) => $body,
            $crate::functions::elements::Elements::I64($values) => $body,
            $crate::functions::elements::Elements::U8($values) => $body,
            $crate::functions::elements::Elements::U16($values) => $body,
            $crate::functions::elements::Elements::U32($values) => $body,
            $crate::functions::elements::Elements::U64($values) => $body,
            $crate::functions::elements::Elements::F32($values) => $body,
            $crate::functions::elements::Elements::F64($values) => $body,
        }
    };
}
pub(super) use with_elements;

impl Elements {
    /// The elements of `values`, which Arrow keeps as `dtype` is kept.
    pub(super) fn of(dtype: DType, values: &ArrayRef) -> Result<Self> {
        Self::read(dtype, values).ok_or_else(|| {
            DataFusionError::Internal(format!("elements of {dtype} held as {}", values.data_type()))
        })
    }

    fn read(dtype: DType, values: &ArrayRef) -> Option<Self> {
        fn items<T: ArrowPrimitiveType>(values: &ArrayRef) -> Option<ScalarBuffer<T::Native>> {
            values.as_primitive_opt::<T>().map(|values| values.values().clone())
        }
        Some(match dtype {
            DType::I8 => Self::I8(items::<Int8Type>(values)?),
            DType::I16 => Self::I16(items::<Int16Type>(values)?),
            DType::I32 => Self::I32(items::<Int32Type>(values)?),
            DType::I64 => Self::I64(items::<Int64Type>(values)?),
            DType::U8 => Self::U8(items::<UInt8Type>(values)?),
            DType::U16 => Self::U16(items::<UInt16Type>(values)?),
            DType::U32 => Self::U32(items::<UInt32Type>(values)?),
            DType::U64 => Self::U64(items::<UInt64Type>(values)?),
            DType::F32 => Self::F32(items::<Float32Type>(values)?),
            DType::F64 => Self::F64(items::<Float64Type>(values)?),
            DType::Bool => {
                let bits = values.as_boolean_opt()?.values();
                Self::U8(bits.iter().map(u8::from).collect())
            }
            DType::F16 => {
                let halves = items::<Float16Type>(values)?;
                let mut wide = vec![0f32; halves.len()];
                halves.convert_to_f32_slice(&mut wide);
                Self::F32(wide.into())
            }
            DType::Bf16 => Self::F32(bf16_as_f32(values)?),
        })
    }
}

fn bf16_as_f32(values: &ArrayRef) -> Option<ScalarBuffer<f32>> {
    let pairs = values.as_fixed_size_binary_opt().filter(|pairs| pairs.value_length() == 2)?;
    let (pairs, _) = pairs.value_data().as_chunks::<2>();
    Some(pairs.iter().map(|&pair| bf16::from_le_bytes(pair).to_f32()).collect())
}

/// A number that a tensor may hold, after [`Elements`] has widened it.
pub(super) trait Number: Copy + Default + PartialOrd + Send + 'static {
    /// How Arrow calls it.
    type Arrow: ArrowPrimitiveType<Native = Self>;
    /// What its values add up to without loss, or with that of f64.
    type Total: Copy + Into<Total>;

    fn to_f64(self) -> f64;

    /// The integer that it is, or what is left without the fraction.
    fn to_i128(self) -> i128;

    /// The sum of `values`.
    fn total(values: &[Self]) -> Self::Total;
}

/// A sum: exact for integers, in double precision for floats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Total {
    Int(i128),
    Float(f64),
}

impl Total {
    pub(super) fn to_f64(self) -> f64 {
        match self {
            Self::Int(total) => total as f64,
            Self::Float(total) => total,
        }
    }
}

impl From<i128> for Total {
    fn from(total: i128) -> Self {
        Self::Int(total)
    }
}

impl From<f64> for Total {
    fn from(total: f64) -> Self {
        Self::Float(total)
    }
}

/// Elements that are added up in a narrower type before the sum is widened: no such block overflows.
const BLOCK: usize = 1 << 15;

macro_rules! integers {
    ($($rust:ty => $arrow:ty, $block:ty;)*) => {$(
        impl Number for $rust {
            type Arrow = $arrow;
            type Total = i128;

            fn to_f64(self) -> f64 {
                self as f64
            }

            fn to_i128(self) -> i128 {
                i128::from(self)
            }

            fn total(values: &[Self]) -> i128 {
                let block = |block: &[Self]| block.iter().map(|&v| <$block>::from(v)).sum::<$block>();
                values.chunks(BLOCK).map(|values| block(values) as i128).sum()
            }
        }
    )*};
}
integers!(
    i8 => Int8Type, i32; i16 => Int16Type, i32; i32 => Int32Type, i64; i64 => Int64Type, i128;
    u8 => UInt8Type, u32; u16 => UInt16Type, u32; u32 => UInt32Type, u64; u64 => UInt64Type, i128;
);

macro_rules! floats {
    ($($rust:ty => $arrow:ty;)*) => {$(
        impl Number for $rust {
            type Arrow = $arrow;
            type Total = f64;

            fn to_f64(self) -> f64 {
                f64::from(self)
            }

            fn to_i128(self) -> i128 {
                self as i128
            }

            fn total(values: &[Self]) -> f64 {
                sum_f64(values, f64::from)
            }
        }
    )*};
}
floats!(f32 => Float32Type; f64 => Float64Type;);

/// The sum of `term` of each value. Eight sums side by side let the compiler use vectors, and lose
/// less than one would.
pub(super) fn sum_f64<T: Copy>(values: &[T], term: impl Fn(T) -> f64) -> f64 {
    let mut lanes = [0f64; 8];
    let (chunks, rest) = values.as_chunks::<8>();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += term(value);
        }
    }
    let rest: f64 = rest.iter().map(|&value| term(value)).sum();
    lanes.iter().sum::<f64>() + rest
}
