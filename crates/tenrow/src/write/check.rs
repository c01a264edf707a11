//! A batch against the schema: refused whole, before anything is written.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, cast::AsArray, new_null_array, types::Int32Type};
use arrow_schema::DataType;

use crate::error::{Error, Result};
use crate::format::{Attribute, AttributeType, FormatError, Schema, VariableShape, names_listed};

/// The columns of `batch` in the order of the schema.
///
/// # Errors
/// Names the first attribute that is missing, unknown, of another type, or null where it may not be.
pub(crate) fn check_batch(batch: &RecordBatch, schema: &Schema) -> Result<Vec<ArrayRef>> {
    let fields = batch.schema();
    let mut names = BTreeSet::new();
    for field in fields.fields() {
        if !names.insert(field.name()) {
            return Err(Error::invalid(format!(
                "the batch has attribute {:?} twice: give it once",
                field.name()
            )));
        }
        if schema.attribute(field.name()).is_none() {
            let names = schema.attributes().iter().map(|a| a.name.as_str());
            return Err(Error::invalid(format!(
                "the batch has an attribute {:?} that the dataset lacks; it has {}",
                field.name(),
                names_listed(names)
            )));
        }
    }
    schema.attributes().iter().map(|attribute| check_column(batch, attribute)).collect()
}

fn check_column(batch: &RecordBatch, attribute: &Attribute) -> Result<ArrayRef> {
    let Some(column) = batch.column_by_name(&attribute.name) else {
        if attribute.nullable || attribute.default.is_some() {
            let rows = attribute.default_rows(batch.num_rows());
            return rows.map_err(|e| Error::format("the default of an attribute", e));
        }
        return Err(Error::invalid(format!(
            "the batch lacks attribute {:?} ({}), which has no default and is not nullable",
            attribute.name, attribute.attribute_type
        )));
    };
    let refused = |e: FormatError| Error::format("the batch", e);
    let column = with_type_of(column, attribute).map_err(refused)?;
    if !attribute.nullable && column.logical_null_count() > 0 {
        let row = (0..column.len()).find(|&row| column.is_null(row)).unwrap_or_default();
        return Err(refused(FormatError::UnexpectedNull { name: attribute.name.clone(), row }));
    }
    if let AttributeType::VariableTensor { shape, .. } = &attribute.attribute_type {
        check_shapes(&column, attribute, shape)?;
    }
    Ok(column)
}

/// The column in exactly the attribute's Arrow type, which is not a cast: only names and
/// nullability of inner fields may differ. Nothing but nulls of no type are nulls of any.
fn with_type_of(column: &ArrayRef, attribute: &Attribute) -> Result<ArrayRef, FormatError> {
    let expected = attribute.attribute_type.arrow_type();
    if *column.data_type() == expected {
        return Ok(column.clone());
    }
    if *column.data_type() == DataType::Null {
        return Ok(new_null_array(&expected, column.len()));
    }
    let wrong = || FormatError::WrongType {
        name: attribute.name.clone(),
        found: found_type(column.data_type()),
        expected: attribute.attribute_type.to_string(),
    };
    let is_empty_tensor = matches!(&attribute.attribute_type,
        AttributeType::Tensor { shape, .. } if shape.element_count() == 0);
    if is_empty_tensor && let DataType::FixedSizeList(_, 0) = column.data_type() {
        return Ok(empty_lists(column, &expected));
    }
    if !same_storage(column.data_type(), &expected) {
        return Err(wrong());
    }
    arrow_cast::cast(column, &expected).map_err(|_| wrong())
}

/// Lists of nothing in the place of fixed-size lists of nothing.
fn empty_lists(column: &ArrayRef, expected: &DataType) -> ArrayRef {
    let DataType::List(item) = expected else { return column.clone() };
    let offsets = arrow_buffer::OffsetBuffer::new_zeroed(column.len());
    let values = arrow_array::new_empty_array(item.data_type());
    let nulls = column.nulls().cloned();
    Arc::new(arrow_array::ListArray::new(item.clone(), offsets, values, nulls))
}

/// Whether two types differ in nothing but the names, nullability and metadata of inner fields, or
/// in the width of offsets.
fn same_storage(found: &DataType, expected: &DataType) -> bool {
    use DataType::{
        Binary, BinaryView, FixedSizeList, LargeBinary, LargeList, LargeUtf8, List, Map, Struct,
        Utf8, Utf8View,
    };
    match (found, expected) {
        (FixedSizeList(a, n), FixedSizeList(b, m)) => {
            n == m && same_storage(a.data_type(), b.data_type())
        }
        (List(a) | LargeList(a), List(b)) => same_storage(a.data_type(), b.data_type()),
        (Struct(a), Struct(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| {
                    a.name() == b.name() && same_storage(a.data_type(), b.data_type())
                })
        }
        (Map(a, _), Map(b, _)) => match (a.data_type(), b.data_type()) {
            (Struct(a), Struct(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b).all(|(a, b)| same_storage(a.data_type(), b.data_type()))
            }
            _ => false,
        },
        (LargeUtf8 | Utf8View, Utf8) | (LargeBinary | BinaryView, Binary) => true,
        (found, expected) => found == expected,
    }
}

/// A found type, in tenrow's words where it has them.
fn found_type(data_type: &DataType) -> String {
    match data_type {
        DataType::FixedSizeList(item, n) => {
            match crate::format::DType::from_arrow(item.data_type()) {
                Some(dtype) => format!("{dtype}[{n}]"),
                None => data_type.to_string(),
            }
        }
        other => AttributeType::value(other).map_or_else(|_| other.to_string(), |t| t.to_string()),
    }
}

/// Every row's shape against the attribute's, and against the number of its elements.
fn check_shapes(column: &ArrayRef, attribute: &Attribute, declared: &VariableShape) -> Result<()> {
    let rows = column.as_struct();
    let data = rows.column(0).as_list::<i32>();
    let shapes = rows.column(1).as_fixed_size_list();
    let dims = shapes.values().as_primitive::<Int32Type>();
    for row in (0..rows.len()).filter(|&row| rows.is_valid(row)) {
        let start = shapes.value_offset(row) as usize;
        let shape = &dims.values()[start..start + declared.rank()];
        let unsigned: Option<Vec<u64>> = shape.iter().map(|&d| u64::try_from(d).ok()).collect();
        let fits = unsigned.as_ref().is_some_and(|shape| declared.admits(shape));
        let elements = unsigned.and_then(|s| s.iter().try_fold(1u64, |n, &d| n.checked_mul(d)));
        let found = data.value_length(row) as u64;
        if !fits || elements != Some(found) {
            return Err(Error::invalid(format!(
                "attribute {:?}, row {row} of the batch: {found} elements with shape {shape:?}, expected {}",
                attribute.name, attribute.attribute_type
            )));
        }
    }
    Ok(())
}
