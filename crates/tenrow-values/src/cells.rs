//! Columns of any kind, as JSON and CSV show them.
//!
//! | column | in JSON | in a cell of CSV |
//! |---|---|---|
//! | numbers, of half precision too | numbers; NaN and infinities are `null` | numbers |
//! | tensors | arrays nested by their shape | the same as text |
//! | lists, structs, files | arrays and objects | the same as text |
//! | binary | hexadecimal text | hexadecimal text |
//! | what JSON has no form for | text | text |

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StringArray, new_empty_array};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_json::WriterBuilder;
use arrow_json::writer::{EncoderOptions, JsonArray, make_encoder};
use arrow_schema::{ArrowError, Field, FieldRef, Schema, SchemaRef};
use serde_json::{Map, Value};
use tenrow::{Attribute, AttributeType};

use crate::error::{ConvertError, Result};
use crate::from_arrow::{attribute_of, conform};
use crate::json_values::check_times;
use crate::nested::json_column;

/// The column as Arrow's JSON can show it: tensors nested by their shapes, half precision widened,
/// and as text what JSON has no form for.
///
/// # Errors
/// If a time is beyond the years of a calendar, or the column is not of the type of `field`.
pub fn for_json(field: &Field, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if let Some(tensor) = tensor(field, column) {
        return tensor;
    }
    check_times(field.name(), column)?;
    match is_known_to_json(column) {
        true => Ok(column.clone()),
        false => texts(column),
    }
}

/// The batch with its columns as `cells` shows them.
///
/// # Errors
/// What `cells` refuses.
pub fn with_cells(
    schema: &SchemaRef,
    batch: &RecordBatch,
    cells: fn(&Field, &ArrayRef) -> Result<ArrayRef, ArrowError>,
) -> Result<RecordBatch, ArrowError> {
    let both = schema.fields().iter().zip(batch.columns());
    let columns = both.map(|(field, column)| cells(field, column));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let fields = schema.fields().iter().zip(&columns);
    let fields =
        fields.map(|(field, column)| Field::new(field.name(), column.data_type().clone(), true));
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    RecordBatch::try_new_with_options(schema, columns, &options)
}

fn is_known_to_json(column: &ArrayRef) -> bool {
    let (field, none) = (nullable(column), new_empty_array(column.data_type()));
    make_encoder(&field, &none, &EncoderOptions::default()).is_ok()
}

/// The column as a cell of CSV can hold it: lists, structs and tensors as JSON.
///
/// # Errors
/// As [`for_json`].
pub fn for_csv(field: &Field, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let column = for_json(field, column)?;
    if !column.data_type().is_nested() {
        return Ok(column);
    }
    let (options, field) = (EncoderOptions::default().with_explicit_nulls(true), nullable(&column));
    let mut encoder = make_encoder(&field, &column, &options)?;
    let mut cells = Vec::with_capacity(column.len());
    for row in 0..column.len() {
        let mut cell = Vec::new();
        if !encoder.is_null(row) {
            encoder.encode(row, &mut cell);
        }
        let cell = String::from_utf8(cell)?;
        cells.push(Some(cell).filter(|cell| !cell.is_empty()));
    }
    Ok(Arc::new(StringArray::from(cells)))
}

/// The rows of `batch`, whose columns are those of `attributes`, as JSON.
///
/// # Errors
/// If the columns differ, or a time is beyond the years of a calendar.
pub fn json_rows(attributes: &[Attribute], batch: &RecordBatch) -> Result<Vec<Map<String, Value>>> {
    let fault = |error: ArrowError| ConvertError::column("rows as JSON", error.to_string());
    let fields: Vec<Field> = attributes.iter().map(Attribute::arrow_field).collect();
    let batch = with_cells(&Arc::new(Schema::new(fields)), batch, for_json).map_err(fault)?;
    if batch.num_columns() == 0 {
        return Ok(vec![Map::new(); batch.num_rows()]);
    }
    let mut writer =
        WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(Vec::new());
    writer.write(&batch).and_then(|()| writer.finish()).map_err(fault)?;
    match writer.into_inner() {
        bytes if bytes.is_empty() => Ok(Vec::new()),
        bytes => serde_json::from_slice(&bytes)
            .map_err(|error| ConvertError::column("rows as JSON", error.to_string())),
    }
}

/// Numbers and tensors, if the column is of these.
fn tensor(field: &Field, column: &ArrayRef) -> Option<Result<ArrayRef, ArrowError>> {
    let attribute = attribute_of(field).ok()?;
    let is_tensor = matches!(
        attribute.attribute_type,
        AttributeType::Scalar(_)
            | AttributeType::Tensor { .. }
            | AttributeType::VariableTensor { .. }
    );
    // Lists with nulls in them are no tensors, whatever their type says.
    let column = is_tensor.then(|| conform(column, &attribute).ok())??;
    Some(json_column(&attribute, &column))
}

fn texts(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let formatter = ArrayFormatter::try_new(column, &FormatOptions::default())?;
    let text = |row| match column.is_null(row) {
        true => Ok(None),
        false => formatter.value(row).try_to_string().map(Some),
    };
    let texts: StringArray = (0..column.len()).map(text).collect::<Result<_, ArrowError>>()?;
    Ok(Arc::new(texts))
}

fn nullable(column: &ArrayRef) -> FieldRef {
    Arc::new(Field::new("", column.data_type().clone(), true))
}
