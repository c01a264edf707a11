//! The columns of a table: the attributes, and three that every row has besides.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use tenrow::{Attribute, AttributeType, Snapshot};

/// The columns that `*` leaves out, in the order in which they follow the attributes.
pub(crate) const HIDDEN_COLUMNS: [&str; 3] = [ROW, ROW_ID, PARTITION];

/// The number of the row in the version.
pub(crate) const ROW: &str = "_row";
/// The number that the row keeps for ever.
pub(crate) const ROW_ID: &str = "_row_id";
/// The number of its partition in the version.
pub(crate) const PARTITION: &str = "_partition";

/// One column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    /// An attribute, by its position in the schema.
    Attribute(usize),
    Row,
    RowId,
    Partition,
}

/// The column number `index` of a table of `snapshot`.
pub(crate) fn column(snapshot: &Snapshot, index: usize) -> Column {
    let attributes = snapshot.schema().attributes().len();
    match index.checked_sub(attributes) {
        None => Column::Attribute(index),
        Some(0) => Column::Row,
        Some(1) => Column::RowId,
        Some(_) => Column::Partition,
    }
}

/// All columns, the hidden ones last.
pub(crate) fn whole_schema(snapshot: &Snapshot) -> SchemaRef {
    let visible = snapshot.arrow_schema();
    let hidden = HIDDEN_COLUMNS.map(|name| Arc::new(Field::new(name, DataType::Int64, false)));
    let fields = visible.fields().iter().cloned().chain(hidden);
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), visible.metadata().clone()))
}

/// Whether values are so wide that they are fetched only for rows that are left: tensors, files, lists of numbers.
pub(crate) fn is_late(attribute: &Attribute) -> bool {
    match &attribute.attribute_type {
        AttributeType::Tensor { .. }
        | AttributeType::VariableTensor { .. }
        | AttributeType::File => true,
        AttributeType::Value(DataType::List(item)) => item.data_type().is_numeric(),
        _ => false,
    }
}

/// Whether any attribute is a file.
pub(crate) fn has_files(snapshot: &Snapshot) -> bool {
    let attributes = snapshot.schema().attributes();
    attributes.iter().any(|attribute| attribute.attribute_type == AttributeType::File)
}

/// Bytes of a row of an attribute, if all rows have as many.
pub(crate) fn row_bytes(attribute: &Attribute) -> Option<u64> {
    match &attribute.attribute_type {
        AttributeType::Tensor { dtype, shape } => shape.byte_len(*dtype).ok(),
        _ => None,
    }
}
