//! The rows of any answer, into a stream of bytes.

use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef};
use tenrow::engine::FIELD_ID_KEY;
use tenrow_values::{ConvertError, CreateSink, Output, Result, RowFormats, RowSink};

use crate::format::{Format, Purpose};

/// Writes record batches of any schema, in a format that serves [`Purpose::Answers`].
///
/// | format | tensors | binary | null | no rows |
/// |---|---|---|---|---|
/// | CSV | JSON in a cell, as lists and structs | hexadecimal | an empty cell; `""` is the empty text | the names |
/// | JSON | nested arrays by their shape | hexadecimal | `null`, as are NaN and infinities | `[]` |
/// | JSON Lines | as JSON | as JSON | as JSON | nothing |
/// | Parquet, Arrow | with their extension types | bytes | null | a file with a schema |
///
/// ```
/// use std::sync::Arc;
/// use arrow_array::{ArrayRef, Int64Array, RecordBatch};
/// use tenrow_convert::{Format, Purpose, RowWriter};
/// let labels: ArrayRef = Arc::new(Int64Array::from(vec![Some(5), None]));
/// let batch = RecordBatch::try_from_iter([("label", labels)])?;
/// let path = tempfile::NamedTempFile::new()?.into_temp_path();
/// let out = Box::new(std::fs::File::create(&path)?);
/// let mut writer = RowWriter::new(Format::named("jsonl", Purpose::Answers)?, &batch.schema(), out)?;
/// writer.write(&batch)?;
/// writer.finish()?;
/// assert_eq!(std::fs::read_to_string(&path)?, "{\"label\":5}\n{\"label\":null}\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RowWriter(Box<dyn RowSink>);

impl RowWriter {
    /// A writer of batches of `schema` to `out`.
    ///
    /// # Errors
    /// If the format is not one of rows, has no place for a column, two columns have one name where names must differ
    /// (all but CSV), or `out` fails.
    pub fn new(format: Format, schema: &SchemaRef, out: Output) -> Result<Self> {
        let create = format.create_rows().ok_or_else(|| {
            let reason = "rows of any kind have no place in it";
            ConvertError::unsupported(Path::new(format.name()), reason)
        })?;
        create(&without_ids(schema), out).map(Self)
    }

    /// Appends the rows of `batch`, whose columns have the types of the schema.
    ///
    /// # Errors
    /// If they differ, or the output fails.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        // The encoders of JSON take a batch without columns for one without rows.
        match batch.num_rows() == 0 || batch.num_columns() == 0 {
            true => Ok(()),
            false => self.0.write(batch),
        }
    }

    /// Says which values became null, since JSON has no form for them.
    pub fn remarks(&self) -> Vec<String> {
        self.0.remarks()
    }

    /// Writes what ends the output, and hands on everything that was held back.
    ///
    /// # Errors
    /// If the output fails. Without this call it is not whole.
    pub fn finish(self) -> Result<()> {
        self.0.finish()
    }
}

impl RowSink for RowWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        RowWriter::write(self, batch)
    }

    fn remarks(&self) -> Vec<String> {
        RowWriter::remarks(self)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        RowWriter::finish(*self)
    }
}

/// The formats that serve [`Purpose::Answers`], for a session of SQL that may write files.
pub fn answer_formats() -> Arc<dyn RowFormats> {
    Arc::new(AnswerFormats)
}

#[derive(Debug)]
struct AnswerFormats;

impl RowFormats for AnswerFormats {
    fn format_of(&self, path: &Path, name: Option<&str>) -> Result<CreateSink> {
        let format = match name {
            Some(name) => Format::named(name, Purpose::Answers)?,
            None => Format::of_path(path, Purpose::Answers)?,
        };
        Ok(Box::new(move |schema, out| Ok(Box::new(RowWriter::new(format, schema, out)?))))
    }
}

/// The schema that is written: without ids, which mean a column of one dataset alone.
fn without_ids(schema: &Schema) -> SchemaRef {
    let field = |field: &Field| {
        let mut metadata = field.metadata().clone();
        metadata.remove(FIELD_ID_KEY);
        field.clone().with_metadata(metadata)
    };
    Arc::new(Schema::new(schema.fields().iter().map(|f| field(f)).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests;
