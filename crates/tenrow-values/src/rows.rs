//! What rows of any schema are written into.

use std::collections::HashSet;
use std::fmt;
use std::io::Write;
use std::path::Path;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_cast::cast;
use arrow_schema::{ArrowError, Schema, SchemaRef};

use crate::error::{ConvertError, Result};

/// Bytes that a sink gathers before it writes them.
pub const BUFFER_BYTES: usize = 1 << 18;

/// Where the bytes of a file go.
pub type Output = Box<dyn Write + Send>;

/// A file that takes rows, batch after batch.
pub trait RowSink: Send {
    /// Appends the rows of `batch`, whose columns are those of the schema that the file was begun with.
    ///
    /// # Errors
    /// If they differ, the format has no place for a value, or the output fails.
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;

    /// What people should be told of values that are not in the file as they were.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }

    /// Writes what ends the file, and hands on everything that was held back.
    ///
    /// # Errors
    /// If the output fails. Without this call the file is not whole.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// Begins a file of rows.
pub type CreateSink = Box<dyn FnOnce(&SchemaRef, Output) -> Result<Box<dyn RowSink>> + Send>;

/// The formats that rows of any schema can be written in: whoever writes answers of queries is given them.
pub trait RowFormats: fmt::Debug + Send + Sync {
    /// What writes `path` in the format `name`, or in the one that its extension stands for.
    ///
    /// # Errors
    /// If there is no such format, with the names of those that there are.
    fn format_of(&self, path: &Path, name: Option<&str>) -> Result<CreateSink>;
}

/// Refuses two columns of one name, for a format that tells them apart by their names.
///
/// # Errors
/// [`ConvertError::Column`] with the name.
pub fn check_names(format: &str, schema: &Schema) -> Result<()> {
    let mut names = HashSet::new();
    match schema.fields().iter().find(|field| !names.insert(field.name())) {
        None => Ok(()),
        Some(twice) => {
            let reason = format!(
                "two columns have this name, and {format} needs one each: rename one with AS"
            );
            Err(ConvertError::column(twice.name(), reason))
        }
    }
}

/// The batch under `schema`, whose columns are cast to its types where theirs differ.
///
/// # Errors
/// If a cast is not possible, or a column has nulls that `schema` does not know of.
pub fn under_schema(schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let both = schema.fields().iter().zip(batch.columns());
    let columns = both.map(|(field, column)| match column.data_type() == field.data_type() {
        true => Ok(column.clone()),
        false => cast(column, field.data_type()),
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
}
