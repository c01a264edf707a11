//! From the arrays of one attribute to the column chunks of a row group.

mod bytes;
mod chunk;
mod decode;
mod decode_ordinary;
mod ordinary;
mod raw;
mod value_form;
mod values;

use arrow_array::{Array, ArrayRef, StructArray, cast::AsArray};
use arrow_schema::{DataType, Field};
use parquet::schema::types::ColumnDescPtr;

use self::bytes::BytesColumn;
use self::raw::RawColumn;
use crate::attribute_type::AttributeType;
use crate::dtype::DType;
use crate::encoding::Encoding;
use crate::error::{FormatError, Result};
use crate::page::levels::Definition;
use crate::schema::Attribute;

pub(crate) use self::chunk::{ALIGNMENT, EncodedChunk};
pub use self::decode::{
    DecodedPage, ListShape, check_identity_dictionary, decode_bytes_page, decode_page,
    decode_row_lengths, narrow_32_to_16,
};
pub use self::decode_ordinary::{
    DecodeStep, OrdinaryDecoder, OrdinaryFooter, as_declared, check_columns,
};
pub(crate) use self::ordinary::{moved, moved_index};
pub use self::values::bytes_of;

/// Encodes `arrays`, all of the attribute's Arrow type, for the leaf columns `descriptors`.
///
/// One chunk comes back for each leaf column, in order.
pub(crate) fn encode_attribute(
    attribute: &Attribute,
    arrays: &[ArrayRef],
    descriptors: &[ColumnDescPtr],
) -> Result<Vec<EncodedChunk>> {
    let encoder = AttributeEncoder { attribute, arrays, descriptors };
    match &attribute.attribute_type {
        AttributeType::Tensor { dtype, shape } if shape.element_count() > 0 => {
            encoder.tensor(*dtype, shape.element_count())
        }
        AttributeType::VariableTensor { dtype, shape } => {
            encoder.variable_tensor(*dtype, shape.rank() as u64)
        }
        AttributeType::Value(DataType::List(item)) => match DType::from_arrow(item.data_type()) {
            Some(dtype) if !encoder.has_null_elements() => encoder.list(dtype, item),
            _ => encoder.ordinary(),
        },
        AttributeType::File => encoder.file(),
        _ => encoder.ordinary(),
    }
}

struct AttributeEncoder<'a> {
    attribute: &'a Attribute,
    arrays: &'a [ArrayRef],
    descriptors: &'a [ColumnDescPtr],
}

impl AttributeEncoder<'_> {
    fn definition(&self, depth: u8) -> Definition {
        Definition { nullable: self.attribute.nullable, depth }
    }

    fn descriptor(&self, column: usize) -> Result<ColumnDescPtr> {
        self.descriptors.get(column).cloned().ok_or_else(|| {
            FormatError::malformed(
                format!("attribute {:?}", self.attribute.name),
                format!("it has no Parquet column {column}"),
            )
        })
    }

    fn tensor(&self, dtype: DType, element_count: u64) -> Result<Vec<EncodedChunk>> {
        let mut column =
            RawColumn::new(&self.attribute.name, dtype, self.definition(2), Some(element_count));
        for array in self.arrays {
            column.push_fixed(array.as_fixed_size_list(), array.nulls())?;
        }
        Ok(vec![column.encode(self.descriptor(0)?, self.attribute.encoding)?])
    }

    fn list(&self, dtype: DType, item: &Field) -> Result<Vec<EncodedChunk>> {
        let depth = if item.is_nullable() { 2 } else { 1 };
        let mut column = RawColumn::new(&self.attribute.name, dtype, self.definition(depth), None);
        for array in self.arrays {
            column.push_lists(array.as_list(), array.nulls())?;
        }
        Ok(vec![column.encode(self.descriptor(0)?, self.attribute.encoding)?])
    }

    fn variable_tensor(&self, dtype: DType, rank: u64) -> Result<Vec<EncodedChunk>> {
        let name = &self.attribute.name;
        let mut data = RawColumn::new(name, dtype, self.definition(2), None);
        let mut shape = RawColumn::new(name, DType::I32, self.definition(2), Some(rank));
        for array in self.arrays {
            let row = array.as_struct();
            data.push_lists(row.column(0).as_list(), row.nulls())?;
            shape.push_fixed(row.column(1).as_fixed_size_list(), row.nulls())?;
        }
        Ok(vec![
            data.encode(self.descriptor(0)?, self.attribute.encoding)?,
            shape.encode(self.descriptor(1)?, Encoding::Raw)?,
        ])
    }

    fn file(&self) -> Result<Vec<EncodedChunk>> {
        let level = match self.attribute.encoding {
            Encoding::Zstd(level) | Encoding::ByteStreamSplitZstd(level) => Some(level),
            Encoding::Raw | Encoding::Auto => None,
        };
        let mut column = BytesColumn::new(self.definition(1));
        let mut others = Vec::with_capacity(self.arrays.len());
        for array in self.arrays {
            let row = array.as_struct();
            column.push(row.column(0).as_binary(), row.nulls())?;
            others.push(without_first(row)?);
        }
        let mut chunks = vec![column.encode(self.descriptor(0)?, level)?];
        let DataType::Struct(fields) = AttributeType::File.arrow_type() else {
            return Ok(chunks);
        };
        let rest = DataType::Struct(fields.iter().skip(1).cloned().collect());
        let field = Field::new(&self.attribute.name, rest, self.attribute.nullable);
        let descriptors = self.descriptors.get(1..).unwrap_or_default();
        chunks.extend(ordinary::encode(&field, &others, descriptors, Encoding::Zstd(1))?);
        Ok(chunks)
    }

    fn ordinary(&self) -> Result<Vec<EncodedChunk>> {
        let field = self.attribute.arrow_field();
        ordinary::encode(&field, self.arrays, self.descriptors, self.attribute.encoding)
    }

    fn has_null_elements(&self) -> bool {
        self.arrays.iter().any(|array| array.as_list::<i32>().values().null_count() > 0)
    }
}

/// A struct array without its first column.
fn without_first(row: &StructArray) -> Result<ArrayRef> {
    let fields = row.fields().iter().skip(1).cloned().collect();
    let columns = row.columns().iter().skip(1).cloned().collect();
    let rest = StructArray::try_new(fields, columns, row.nulls().cloned())
        .map_err(FormatError::arrow("a file attribute"))?;
    Ok(std::sync::Arc::new(rest))
}
