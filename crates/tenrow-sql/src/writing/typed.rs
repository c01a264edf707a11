//! The columns of an answer, as attributes of a dataset.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::{DataType, Schema as ArrowSchema};
use tenrow::{Attribute, AttributeType, DType, Error, Result, Schema};
use tenrow_values::{CastMode, FileArray, attribute_of, cast_batch, conform};

/// `batch` with its columns, in order, as the attributes of `schema`.
///
/// Numbers become other numbers where that keeps them (floats are rounded to the nearest), lists become tensors of
/// their shape, and nothing else becomes anything else. Errors count rows from `first_row` and begin with `what`.
pub(super) fn typed(
    batch: &RecordBatch,
    schema: &Schema,
    first_row: u64,
    what: &str,
) -> Result<RecordBatch> {
    let fields = batch.schema();
    let mut found = Vec::with_capacity(batch.num_columns());
    let mut columns = Vec::with_capacity(batch.num_columns());
    for ((field, column), target) in
        fields.fields().iter().zip(batch.columns()).zip(schema.attributes())
    {
        if *field.data_type() == DataType::Null {
            found.push(target.clone().with_nullable(true));
            columns.push(new_null_array(&target.attribute_type.arrow_type(), column.len()));
            continue;
        }
        let field = field.as_ref().clone().with_name(&target.name);
        let attribute = attribute_of(&field)?;
        check_kinds(&attribute, target, what)?;
        check_whole_files(column, target, what)?;
        columns.push(conform(column, &attribute)?);
        found.push(attribute);
    }
    let fields: Vec<_> = found.iter().map(Attribute::arrow_field).collect();
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let batch = RecordBatch::try_new_with_options(
        Arc::new(ArrowSchema::new(nullable(fields))),
        columns,
        &rows,
    )
    .map_err(|e| Error::invalid(format!("{what}: the values make no batch")).with_source(e))?;
    cast_batch(&batch, &found, schema, CastMode::Round, first_row, what).map_err(Error::from)
}

/// An engine may say of a column that it has nulls where it has none, or the reverse.
fn nullable<F: std::borrow::Borrow<arrow_schema::Field>>(
    fields: Vec<F>,
) -> Vec<arrow_schema::Field> {
    fields.iter().map(|field| field.borrow().clone().with_nullable(true)).collect()
}

/// Text, numbers, booleans and times do not become each other by themselves.
fn check_kinds(found: &Attribute, target: &Attribute, what: &str) -> Result<()> {
    let same = found.attribute_type == target.attribute_type;
    let is_plain_value = |attribute: &Attribute| match &attribute.attribute_type {
        AttributeType::Value(data_type) => !data_type.is_nested() && !data_type.is_decimal(),
        _ => false,
    };
    let is_bool = |attribute: &Attribute| {
        matches!(attribute.attribute_type, AttributeType::Scalar(DType::Bool))
    };
    let differ =
        is_plain_value(found) || is_plain_value(target) || is_bool(found) || is_bool(target);
    if !same && differ {
        return Err(Error::invalid(format!(
            "{what}, column {:?}: found {}, expected {}: write CAST(… AS …), or another value",
            target.name, found.attribute_type, target.attribute_type
        )));
    }
    Ok(())
}

/// The bytes of a large file are an object of the dataset that it comes from.
fn check_whole_files(column: &ArrayRef, target: &Attribute, what: &str) -> Result<()> {
    if target.attribute_type != AttributeType::File {
        return Ok(());
    }
    let Ok(Some(files)) = FileArray::of(column) else { return Ok(()) };
    if !files.has_bytes() {
        return Ok(());
    }
    match (0..files.len()).find(|&row| files.outside(row).is_some()) {
        None => Ok(()),
        Some(_) => Err(Error::unsupported(format!(
            "{what}, column {:?}: a file that is an object of its own in its dataset cannot be copied by SQL: export it and import it again, or merge the datasets",
            target.name
        ))),
    }
}

/// The numbers in the first column of `batches`.
pub(super) fn row_numbers(batches: &[RecordBatch]) -> Result<Vec<u64>> {
    let mut rows = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    for batch in batches {
        let column = batch.column(0);
        let Some(numbers) = column.as_primitive_opt::<Int64Type>() else {
            return Err(Error::invalid(format!(
                "the numbers of rows are {}, expected 64-bit integers: select _row",
                column.data_type()
            )));
        };
        for number in numbers {
            let row = number.and_then(|number| u64::try_from(number).ok());
            rows.push(row.ok_or_else(|| {
                let found = number.map_or("null".to_owned(), |number| number.to_string());
                Error::invalid(format!("{found} is not the number of a row: select _row"))
            })?);
        }
    }
    Ok(rows)
}
