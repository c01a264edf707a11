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
///
/// ```
/// # use std::io::Write;
/// use tenrow_values::Output;
/// let mut output: Output = Box::new(std::io::sink());
/// output.write_all(b"label\n4\n")?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub type Output = Box<dyn Write + Send>;

/// A file that takes rows, batch after batch.
///
/// ```
/// use arrow_array::RecordBatch;
/// use tenrow_values::{ConvertError, Output, Result, RowSink};
///
/// struct Lines(Output);
///
/// impl RowSink for Lines {
///     fn write(&mut self, batch: &RecordBatch) -> Result<()> {
///         let failed = |error: std::io::Error| ConvertError::Rows { format: "lines", source: error.into() };
///         writeln!(self.0, "{} rows", batch.num_rows()).map_err(failed)
///     }
///
///     fn finish(self: Box<Self>) -> Result<()> {
///         Ok(())
///     }
/// }
/// # use std::io::Write;
/// # use std::sync::Arc;
/// # use arrow_array::Int64Array;
/// # let label = Arc::new(Int64Array::from(vec![4, 5]));
/// # let batch = RecordBatch::try_from_iter([("label", label as arrow_array::ArrayRef)])?;
/// let mut sink: Box<dyn RowSink> = Box::new(Lines(Box::new(std::io::sink())));
/// sink.write(&batch)?;
/// sink.finish()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
///
/// ```
/// use arrow_array::RecordBatch;
/// use tenrow_values::{ConvertError, CreateSink, Output, Result, RowSink};
///
/// struct Lines(Output);
///
/// impl RowSink for Lines {
///     fn write(&mut self, batch: &RecordBatch) -> Result<()> {
///         let failed = |error: std::io::Error| ConvertError::Rows { format: "lines", source: error.into() };
///         writeln!(self.0, "{} rows", batch.num_rows()).map_err(failed)
///     }
///
///     fn finish(self: Box<Self>) -> Result<()> {
///         Ok(())
///     }
/// }
/// # use std::io::Write;
/// # use std::sync::Arc;
/// # use arrow_array::Int64Array;
/// # let label = Arc::new(Int64Array::from(vec![4, 5]));
/// # let batch = RecordBatch::try_from_iter([("label", label as arrow_array::ArrayRef)])?;
/// let create: CreateSink = Box::new(|_, output| Ok(Box::new(Lines(output))));
/// let mut sink = create(&batch.schema(), Box::new(std::io::sink()))?;
/// sink.write(&batch)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type CreateSink = Box<dyn FnOnce(&SchemaRef, Output) -> Result<Box<dyn RowSink>> + Send>;

/// The formats that rows of any schema can be written in: whoever writes answers of queries is given them.
///
/// ```
/// use std::path::Path;
/// use tenrow_values::{ConvertError, CreateSink, Result, RowFormats};
///
/// #[derive(Debug)]
/// struct Nothing;
///
/// impl RowFormats for Nothing {
///     fn format_of(&self, path: &Path, _: Option<&str>) -> Result<CreateSink> {
///         let reason = format!("nothing writes {}", path.display());
///         Err(ConvertError::column("label", reason))
///     }
/// }
/// assert!(Nothing.format_of(Path::new("x.csv"), None).is_err());
/// ```
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
