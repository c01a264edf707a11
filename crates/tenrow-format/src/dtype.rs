//! Element types of tensors and numeric scalars.

use std::fmt;
use std::str::FromStr;

use arrow_schema::DataType;

use crate::error::FormatError;

/// The type of one element; stored little-endian.
///
/// ```
/// use tenrow_format::DType;
/// assert_eq!("bf16".parse::<DType>()?.item_bytes(), Some(2));
/// assert_eq!(DType::Bool.item_bits(), 1);
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DType {
    /// One bit when stored, one byte in numpy.
    Bool,
    /// 8-bit signed integer.
    I8,
    /// 16-bit signed integer.
    I16,
    /// 32-bit signed integer.
    I32,
    /// 64-bit signed integer.
    I64,
    /// 8-bit unsigned integer.
    U8,
    /// 16-bit unsigned integer.
    U16,
    /// 32-bit unsigned integer.
    U32,
    /// 64-bit unsigned integer.
    U64,
    /// IEEE 754 half precision.
    F16,
    /// The upper half of an `f32`. Arrow and Parquet have no such type: two opaque bytes there.
    Bf16,
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 double precision.
    F64,
}

impl DType {
    /// Every dtype, in the order of the specification.
    pub const ALL: [DType; 13] = [
        DType::Bool,
        DType::I8,
        DType::I16,
        DType::I32,
        DType::I64,
        DType::U8,
        DType::U16,
        DType::U32,
        DType::U64,
        DType::F16,
        DType::Bf16,
        DType::F32,
        DType::F64,
    ];

    /// The name used in schemas, on the command line and in errors.
    pub const fn name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::I8 => "i8",
            DType::I16 => "i16",
            DType::I32 => "i32",
            DType::I64 => "i64",
            DType::U8 => "u8",
            DType::U16 => "u16",
            DType::U32 => "u32",
            DType::U64 => "u64",
            DType::F16 => "f16",
            DType::Bf16 => "bf16",
            DType::F32 => "f32",
            DType::F64 => "f64",
        }
    }

    /// Bits of one stored element.
    pub const fn item_bits(self) -> u64 {
        match self {
            DType::Bool => 1,
            DType::I8 | DType::U8 => 8,
            DType::I16 | DType::U16 | DType::F16 | DType::Bf16 => 16,
            DType::I32 | DType::U32 | DType::F32 => 32,
            DType::I64 | DType::U64 | DType::F64 => 64,
        }
    }

    /// Bytes of one stored element; `None` for bool, of which eight share a byte.
    pub const fn item_bytes(self) -> Option<u64> {
        match self {
            DType::Bool => None,
            _ => Some(self.item_bits() / 8),
        }
    }

    /// The Arrow type of one element.
    pub const fn arrow_type(self) -> DataType {
        match self {
            DType::Bool => DataType::Boolean,
            DType::I8 => DataType::Int8,
            DType::I16 => DataType::Int16,
            DType::I32 => DataType::Int32,
            DType::I64 => DataType::Int64,
            DType::U8 => DataType::UInt8,
            DType::U16 => DataType::UInt16,
            DType::U32 => DataType::UInt32,
            DType::U64 => DataType::UInt64,
            DType::F16 => DataType::Float16,
            DType::Bf16 => DataType::FixedSizeBinary(2),
            DType::F32 => DataType::Float32,
            DType::F64 => DataType::Float64,
        }
    }

    /// The dtype whose elements Arrow keeps as `data_type`; never `Bf16`, which Arrow does not know.
    pub const fn from_arrow(data_type: &DataType) -> Option<DType> {
        Some(match data_type {
            DataType::Boolean => DType::Bool,
            DataType::Int8 => DType::I8,
            DataType::Int16 => DType::I16,
            DataType::Int32 => DType::I32,
            DataType::Int64 => DType::I64,
            DataType::UInt8 => DType::U8,
            DataType::UInt16 => DType::U16,
            DataType::UInt32 => DType::U32,
            DataType::UInt64 => DType::U64,
            DataType::Float16 => DType::F16,
            DataType::Float32 => DType::F32,
            DataType::Float64 => DType::F64,
            _ => return None,
        })
    }

    /// Whether byte-stream-split may be asked for: f32 and f64, since for two-byte types polars and
    /// DuckDB do not read it.
    pub const fn splits_into_bytes(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// Whether every value of this type is a value of `wider`, which is another type.
    ///
    /// `i8` widens to `i16` and to `f32`, `u8` to `i16`, `f16` to `f32`; nothing widens to or from `bool`.
    pub fn widens_to(self, wider: DType) -> bool {
        let ((min, max), (wider_min, wider_max)) = (self.exact_range(), wider.exact_range());
        let same_kind = !self.is_float() || wider.is_float();
        let keeps_fractions = !self.is_float() || self.exponent_bits() <= wider.exponent_bits();
        let is_number = self != DType::Bool && wider != DType::Bool;
        let holds = wider_min <= min && wider_max >= max;
        self != wider && is_number && same_kind && keeps_fractions && holds
    }

    /// The integers of this type without a gap between them.
    const fn exact_range(self) -> (i128, i128) {
        match self {
            DType::Bool => (0, 1),
            DType::I8 => (i8::MIN as i128, i8::MAX as i128),
            DType::I16 => (i16::MIN as i128, i16::MAX as i128),
            DType::I32 => (i32::MIN as i128, i32::MAX as i128),
            DType::I64 => (i64::MIN as i128, i64::MAX as i128),
            DType::U8 => (0, u8::MAX as i128),
            DType::U16 => (0, u16::MAX as i128),
            DType::U32 => (0, u32::MAX as i128),
            DType::U64 => (0, u64::MAX as i128),
            DType::F16 => (-(1 << 11), 1 << 11),
            DType::Bf16 => (-(1 << 8), 1 << 8),
            DType::F32 => (-(1 << 24), 1 << 24),
            DType::F64 => (-(1 << 53), 1 << 53),
        }
    }

    const fn exponent_bits(self) -> u32 {
        match self {
            DType::F16 => 5,
            DType::Bf16 | DType::F32 => 8,
            DType::F64 => 11,
            _ => 0,
        }
    }

    /// True for the floating-point types.
    pub const fn is_float(self) -> bool {
        matches!(self, DType::F16 | DType::Bf16 | DType::F32 | DType::F64)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DType {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        DType::ALL.into_iter().find(|dtype| dtype.name() == text).ok_or_else(|| {
            let known: Vec<_> = DType::ALL.iter().map(|dtype| dtype.name()).collect();
            FormatError::InvalidType {
                text: text.to_owned(),
                reason: format!("unknown element type; known are {}", known.join(", ")),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_loses_nothing_is_a_widening() {
        let widens = |from: DType| {
            let wider = DType::ALL.into_iter().filter(|&to| from.widens_to(to));
            wider.map(DType::name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(widens(DType::Bool), "");
        assert_eq!(widens(DType::I8), "i16 i32 i64 f16 bf16 f32 f64");
        assert_eq!(widens(DType::U8), "i16 i32 i64 u16 u32 u64 f16 bf16 f32 f64");
        assert_eq!(widens(DType::I16), "i32 i64 f32 f64");
        assert_eq!(widens(DType::U32), "i64 u64 f64");
        assert_eq!(widens(DType::I64), "");
        assert_eq!(widens(DType::F16), "f32 f64");
        assert_eq!(widens(DType::Bf16), "f32 f64");
        assert_eq!(widens(DType::F32), "f64");
    }
}
