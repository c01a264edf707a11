//! A column of text: what the text is, it says only once it is known what it is to become.

use arrow_array::ArrayRef;
use arrow_schema::{DataType, Field};
use tenrow::{Attribute, AttributeType, DType};

use super::shape::{Reading, Shape};
use super::values::{Leaf, Misread};
use crate::cast_mode::CastMode;
use crate::error::{ConvertError, Result};
use crate::from_arrow::attribute_of;

/// One column of text, and what it is read as.
///
/// ```
/// use tenrow_values::text::{Shape, TextColumn};
/// // Nothing is known of values that are all null: they are text.
/// let (_, attribute) = TextColumn::new("note", Shape::default(), false)?;
/// assert_eq!(attribute.type_text(), "string?");
/// # Ok::<(), tenrow_values::ConvertError>(())
/// ```
#[derive(Debug)]
pub struct TextColumn {
    shape: Shape,
    reading: Reading,
    /// What no one type holds, unless the values are read as one that does.
    conflict: Option<String>,
}

impl TextColumn {
    /// A column of this shape, read as what its values are, and its attribute. `is_typed` says that the file tells text from
    /// numbers.
    ///
    /// # Errors
    /// If text is not read as values of that type.
    pub fn new(name: &str, shape: Shape, is_typed: bool) -> Result<(Self, Attribute)> {
        let (data_type, conflict) = match shape.data_type() {
            Ok(data_type) => (data_type, None),
            Err(conflict) => (DataType::Utf8, Some(conflict).filter(|_| is_typed)),
        };
        let attribute = attribute_of(&Field::new(name, data_type, true))?;
        let reading = Reading::of_attribute(&attribute.attribute_type).ok_or_else(|| {
            let reason = format!("text is not read as {}", attribute.attribute_type);
            ConvertError::column(name, reason)
        })?;
        Ok((Self { shape, reading, conflict }, attribute))
    }

    /// Reads the values as those of `target` if they may become that, and gives the type that they get.
    pub fn read_as(
        &mut self,
        target: &AttributeType,
        mode: CastMode,
        is_typed: bool,
    ) -> Option<AttributeType> {
        if !is_typed && let Some(found) = self.read_json_as(target) {
            return Some(found);
        }
        let rank = match target {
            AttributeType::Tensor { shape, .. } => Some(shape.rank()),
            AttributeType::VariableTensor { shape, .. } => Some(shape.rank()),
            _ => None,
        };
        let (reading, attribute_type) = match (target.dtype(), rank) {
            (Some(DType::Bf16), Some(_)) => return None,
            (Some(dtype), Some(0)) => {
                (Reading::Leaf(Leaf::Number(dtype)), AttributeType::Scalar(dtype))
            }
            (Some(dtype), Some(rank)) => {
                let reading = Reading::lists(Leaf::Number(dtype), rank);
                let lists = AttributeType::value(&reading.arrow_type()).ok()?;
                (reading, lists)
            }
            _ => (Reading::of_attribute(target)?, target.clone()),
        };
        if !self.shape.may_become(&reading, mode, is_typed) {
            return None;
        }
        (self.reading, self.conflict) = (reading, None);
        Some(attribute_type)
    }

    /// Reads cells of text as the JSON that our own tables have where an attribute has more than one value.
    fn read_json_as(&mut self, target: &AttributeType) -> Option<AttributeType> {
        let lists = |dtype: DType, depth: usize| {
            // Half of these have no text of their own, and are cast from that of the next.
            let dtype = if dtype == DType::Bf16 { DType::F32 } else { dtype };
            Reading::lists(Leaf::Number(dtype), depth)
        };
        let reading = match target {
            AttributeType::Tensor { dtype, shape } => lists(*dtype, shape.rank()),
            AttributeType::VariableTensor { dtype, shape } => lists(*dtype, shape.dims().len()),
            plain => Reading::of_attribute(plain)?,
        };
        if matches!(reading, Reading::Leaf(_)) {
            return None;
        }
        let attribute_type = AttributeType::value(&reading.arrow_type()).ok()?;
        (self.reading, self.conflict) = (Reading::Json(Box::new(reading)), None);
        Some(attribute_type)
    }

    /// What the values are found to be, over all of their texts.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// What no one type holds, if the values are still to be read without one that does.
    pub fn conflict(&self) -> Option<&str> {
        self.conflict.as_deref()
    }

    /// Forgets the conflict, for whoever does not want the column.
    pub fn forget_conflict(&mut self) {
        self.conflict = None;
    }

    /// The type that the texts are to be given in: lists and structs of texts.
    pub fn text_type(&self) -> DataType {
        self.reading.text_type()
    }

    /// Whether a text that is empty is a value, and not one that is missing.
    pub fn keeps_empty_text(&self) -> bool {
        self.reading.keeps_empty_text()
    }

    /// The values of `texts`, which are of the [type](Self::text_type) that was asked for.
    ///
    /// # Errors
    /// The first text that is no value.
    pub fn read(&self, texts: &ArrayRef, mode: CastMode) -> Result<ArrayRef, Misread> {
        self.reading.read(texts, mode)
    }
}
