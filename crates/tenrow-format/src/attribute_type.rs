//! What one attribute holds, and the text that names it: `u8[28,28]`, `string`, `list<f32>`.
//!
//! The same text stands in root manifests, in the field metadata of Parquet files and on the
//! command line; `spec/schema.md` has the grammar.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields};

use crate::dtype::DType;
use crate::error::{FormatError, Result};
use crate::limits;
use crate::shape::Shape;
use crate::value_type;

/// The dimensions of a variable-shape tensor: those that differ from row to row are `None`.
///
/// ```
/// use tenrow_format::VariableShape;
/// let boxes = VariableShape::new([None, Some(4)])?;
/// assert_eq!((boxes.rank(), boxes.to_string().as_str()), (2, "[?,4]"));
/// assert!(boxes.admits(&[7, 4]) && !boxes.admits(&[7, 5]));
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VariableShape {
    dims: Vec<Option<u32>>,
}

impl VariableShape {
    /// Checks and keeps `dims`, of which at least one is `None`.
    ///
    /// # Errors
    /// [`FormatError::InvalidShape`] if no dimension varies, or the fixed ones overflow.
    pub fn new(dims: impl Into<Vec<Option<u32>>>) -> Result<Self> {
        let this = Self { dims: dims.into() };
        if this.dims.iter().all(Option::is_some) {
            return Err(FormatError::InvalidShape {
                shape: this.to_string(),
                reason: "a variable shape needs a dimension `?`".into(),
            });
        }
        let fixed: Vec<u64> = this.dims.iter().map(|d| d.map_or(1, u64::from)).collect();
        Shape::new(fixed)?;
        Ok(this)
    }

    /// The dimensions, outermost first.
    pub fn dims(&self) -> &[Option<u32>] {
        &self.dims
    }

    /// The number of dimensions.
    pub fn rank(&self) -> usize {
        self.dims.len()
    }

    /// True if `shape` has this rank and these fixed dimensions.
    pub fn admits(&self, shape: &[u64]) -> bool {
        shape.len() == self.dims.len()
            && self.dims.iter().zip(shape).all(|(d, &s)| d.is_none_or(|d| u64::from(d) == s))
    }
}

impl fmt::Display for VariableShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<_> =
            self.dims.iter().map(|d| d.map_or("?".to_owned(), |d| d.to_string())).collect();
        write!(f, "[{}]", dims.join(","))
    }
}

/// What one attribute holds.
///
/// ```
/// use tenrow_format::AttributeType;
/// let boxes: AttributeType = "f32[?,5]".parse()?;
/// assert_eq!(boxes.kind(), "variable_tensor");
/// assert_eq!(boxes.to_string(), "f32[?,5]");
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttributeType {
    /// A tensor of one shape in all rows.
    Tensor {
        /// The element type.
        dtype: DType,
        /// The shape of every row.
        shape: Shape,
    },
    /// A tensor of which some dimensions differ from row to row.
    VariableTensor {
        /// The element type.
        dtype: DType,
        /// The dimensions.
        shape: VariableShape,
    },
    /// One number.
    Scalar(DType),
    /// Any other Arrow value: text, bytes, times, decimals, lists, structs, maps.
    /// The type is in the normal form of [`AttributeType::value`].
    Value(DataType),
    /// A file: small ones in the row itself, large ones as objects of their own.
    File,
}

impl AttributeType {
    /// A fixed-shape tensor type.
    ///
    /// # Errors
    /// [`FormatError::InvalidShape`] if the shape breaks a limit.
    pub fn tensor(dtype: DType, dims: impl Into<Vec<u64>>) -> Result<Self> {
        let shape = Shape::new(dims)?;
        shape.byte_len(dtype)?;
        Ok(Self::Tensor { dtype, shape })
    }

    /// The type of a plain Arrow value, brought to its normal form: one string and one binary type,
    /// lists and maps with the field names that Parquet prescribes, no dictionaries.
    ///
    /// # Errors
    /// [`FormatError::InvalidType`] for types that Parquet or the grammar does not have.
    pub fn value(data_type: &DataType) -> Result<Self> {
        // A dictionary of numbers is numbers.
        let plain = value_type::normalize(data_type)?;
        Ok(match DType::from_arrow(&plain) {
            Some(dtype) => Self::Scalar(dtype),
            None => Self::Value(plain),
        })
    }

    /// The kind, as `tenrow info` names it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Tensor { .. } => "tensor",
            Self::VariableTensor { .. } => "variable_tensor",
            Self::Scalar(_) => "scalar",
            Self::File => "file",
            Self::Value(data_type) => match data_type {
                DataType::Utf8 => "string",
                DataType::Binary | DataType::FixedSizeBinary(_) => "binary",
                DataType::List(_) => "list",
                DataType::Struct(_) => "struct",
                DataType::Map(_, _) => "map",
                _ => "scalar",
            },
        }
    }

    /// The element type of tensors and numeric scalars.
    pub fn dtype(&self) -> Option<DType> {
        match self {
            Self::Tensor { dtype, .. } | Self::VariableTensor { dtype, .. } => Some(*dtype),
            Self::Scalar(dtype) => Some(*dtype),
            Self::Value(_) | Self::File => None,
        }
    }

    /// The Arrow type of the column.
    pub fn arrow_type(&self) -> DataType {
        match self {
            Self::Tensor { dtype, shape } if shape.element_count() == 0 => {
                // No reader agrees with another on fixed-size lists of nothing; empty lists they all know.
                DataType::List(item(*dtype))
            }
            Self::Tensor { dtype, shape } => fixed_list(*dtype, shape.element_count()),
            Self::VariableTensor { dtype, shape } => DataType::Struct(Fields::from(vec![
                Field::new("data", DataType::List(item(*dtype)), false),
                // Nullable, though only where its row is: else pyarrow refuses the lists of null rows.
                Field::new(
                    "shape",
                    DataType::FixedSizeList(dims_item(), shape.rank() as i32),
                    true,
                ),
            ])),
            Self::Scalar(dtype) => dtype.arrow_type(),
            Self::Value(data_type) => data_type.clone(),
            Self::File => DataType::Struct(file_fields()),
        }
    }
}

/// The children of a file attribute; the first two as Hugging Face has them.
pub fn file_fields() -> Fields {
    Fields::from(vec![
        Field::new("bytes", DataType::Binary, true),
        Field::new("path", DataType::Utf8, true),
        Field::new("name", DataType::Utf8, true),
        Field::new("media_type", DataType::Utf8, true),
        Field::new("size_bytes", DataType::Int64, true),
        Field::new("blake3", DataType::Utf8, true),
    ])
}

/// The child of every list of numbers: nullable, or pyarrow would not see a tensor in it.
fn item(dtype: DType) -> Arc<Field> {
    Arc::new(Field::new("item", dtype.arrow_type(), true))
}

/// The child of the shapes of variable-shape tensors.
fn dims_item() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Int32, false))
}

fn fixed_list(dtype: DType, element_count: u64) -> DataType {
    let n = i32::try_from(element_count).expect("a shape holds at most 2^31 - 1 elements");
    DataType::FixedSizeList(item(dtype), n)
}

impl fmt::Display for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tensor { dtype, shape } => write!(f, "{dtype}{shape}"),
            Self::VariableTensor { dtype, shape } => write!(f, "{dtype}{shape}"),
            Self::Scalar(dtype) => write!(f, "{dtype}"),
            Self::Value(data_type) => f.write_str(&value_type::show(data_type)),
            Self::File => f.write_str("file"),
        }
    }
}

impl FromStr for AttributeType {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        if text == "file" {
            return Ok(Self::File);
        }
        if let Some((dtype, dims)) = text.split_once('[')
            && let Ok(dtype) = dtype.trim_end().parse::<DType>()
        {
            return parse_tensor(text, dtype, dims);
        }
        if let Ok(dtype) = text.parse::<DType>() {
            return Ok(Self::Scalar(dtype));
        }
        Ok(Self::Value(value_type::parse(text)?))
    }
}

fn parse_tensor(text: &str, dtype: DType, dims: &str) -> Result<AttributeType> {
    let invalid = |reason: String| FormatError::InvalidType { text: text.to_owned(), reason };
    let dims = dims.strip_suffix(']').ok_or_else(|| invalid("a shape ends with `]`".into()))?;
    let dims: Vec<&str> = match dims.trim() {
        "" => Vec::new(),
        dims => dims.split(',').map(str::trim).collect(),
    };
    if dims.len() as u64 > limits::MAX_RANK {
        return Err(invalid(format!("more than {} dimensions", limits::MAX_RANK)));
    }
    let bad = |d: &str| invalid(format!("dimension {d:?} is neither a number nor `?`"));
    if dims.contains(&"?") {
        let dims = dims
            .into_iter()
            .map(|d| {
                if d == "?" {
                    Ok(None)
                } else {
                    value_type::number(d).map(Some).ok_or_else(|| bad(d))
                }
            })
            .collect::<Result<Vec<_>>>()?;
        return Ok(AttributeType::VariableTensor { dtype, shape: VariableShape::new(dims)? });
    }
    let dims = dims
        .into_iter()
        .map(|d| value_type::number(d).ok_or_else(|| bad(d)))
        .collect::<Result<Vec<u64>>>()?;
    AttributeType::tensor(dtype, dims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back_as_written() {
        for text in [
            "bool",
            "bf16",
            "u8[]",
            "u8[28,28]",
            "f32[0,3]",
            "f32[?,5]",
            "string",
            "binary",
            "file",
            "fixed_binary(16)",
            "date32",
            "timestamp(us)",
            "timestamp(ns,Europe/Berlin)",
            "time64(ns)",
            "duration(ms)",
            "decimal128(38,10)",
            "list<f32?>",
            "list<string>",
            "map<string,i64?>",
            "struct<a:i64,b:list<string?>?>",
            "struct<\"odd name\":u8>",
        ] {
            let parsed: AttributeType = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn spaces_may_stand_between_tokens() {
        for (text, expected) in [
            (" u8 [ 2 , 3 ] ", "u8[2,3]"),
            ("f32 [?, 5]", "f32[?,5]"),
            ("list < i64 ? >", "list<i64?>"),
            ("struct< a : i32 , \"b c\" : string? >", "struct<a:i32,\"b c\":string?>"),
            ("decimal128 ( 9 , 2 )", "decimal128(9,2)"),
            ("map< string , i64 >", "map<string,i64>"),
        ] {
            assert_eq!(text.parse::<AttributeType>().unwrap().to_string(), expected, "{text:?}");
        }
    }

    #[test]
    fn bad_texts_say_the_rule() {
        for text in [
            "",
            "u9",
            "u8[2",
            "u8[-1]",
            "u8[x]",
            "u8[+2]",
            "f32[?,+2]",
            "fixed_binary(+4)",
            "decimal32(+4,2)",
            "struct<a b:i32>",
            "list<",
            "list<>",
            "struct<a>",
            "timestamp(xs)",
            "u8[99999999999,9999999999]",
            "map<i8>",
        ] {
            let error = text.parse::<AttributeType>().unwrap_err().to_string();
            assert!(error.len() > 10, "{text}: {error}");
        }
    }

    /// Readers do not agree on fixed-size lists of nothing.
    #[test]
    fn tensors_without_elements_are_empty_lists_and_others_lists_of_fixed_size() {
        let of = |text: &str| text.parse::<AttributeType>().unwrap().arrow_type();
        assert!(
            matches!(of("f32[0,3]"), DataType::List(item) if item.data_type() == &DataType::Float32)
        );
        assert!(matches!(of("f32[2,3]"), DataType::FixedSizeList(_, 6)));
        assert!(matches!(of("f32[]"), DataType::FixedSizeList(_, 1)));
    }
}
