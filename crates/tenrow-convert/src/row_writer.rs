//! The rows of any answer, into a stream of bytes.

use std::collections::HashSet;
use std::error::Error;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_cast::cast;
use arrow_ipc::writer::FileWriter as ArrowFileWriter;
use arrow_json::WriterBuilder as JsonWriterBuilder;
use arrow_json::writer::{JsonFormat, LineDelimited, Writer as JsonWriter};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tenrow::format::FIELD_ID_KEY;

use crate::csv_write::CsvWriter;
use crate::error::{ConvertError, Result};
use crate::json_values::NotFinite;
use crate::row_cells::{for_csv, for_json, with_cells};
use crate::row_format::RowFormat;

/// Bytes of a row group of Parquet, about.
const ROW_GROUP_BYTES: usize = 64 << 20;
/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 1 << 18;

type Out = BufWriter<Box<dyn Write + Send>>;

/// Writes record batches of any schema in one of the [`RowFormat`]s.
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
/// use tenrow_convert::{RowFormat, RowWriter};
/// let labels: ArrayRef = Arc::new(Int64Array::from(vec![Some(5), None]));
/// let batch = RecordBatch::try_from_iter([("label", labels)])?;
/// let path = tempfile::NamedTempFile::new()?.into_temp_path();
/// let out = Box::new(std::fs::File::create(&path)?);
/// let mut writer = RowWriter::new(RowFormat::JsonLines, &batch.schema(), out)?;
/// writer.write(&batch)?;
/// writer.finish()?;
/// assert_eq!(std::fs::read_to_string(&path)?, "{\"label\":5}\n{\"label\":null}\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RowWriter {
    format: RowFormat,
    schema: SchemaRef,
    writer: Writer,
    lost: NotFinite,
}

enum Writer {
    Csv(CsvWriter<Out>),
    Json(JsonWriter<Out, ArrayOfLines>),
    JsonLines(JsonWriter<Out, LineDelimited>),
    Parquet(Box<ArrowWriter<Out>>),
    Arrow(Box<ArrowFileWriter<Out>>),
}

impl RowWriter {
    /// A writer of batches of `schema` to `out`.
    ///
    /// # Errors
    /// If the format has no place for a column, two columns have one name where names must differ
    /// (all but CSV), or `out` fails.
    pub fn new(format: RowFormat, schema: &SchemaRef, out: Box<dyn Write + Send>) -> Result<Self> {
        if format != RowFormat::Csv {
            check_names(format, schema)?;
        }
        let schema = written_schema(format, schema);
        let out = BufWriter::with_capacity(BUFFER_BYTES, out);
        let writer = Writer::new(format, &schema, out).map_err(fault(format))?;
        Ok(Self { format, schema, writer, lost: NotFinite::default() })
    }

    /// Appends the rows of `batch`, whose columns have the types of the schema.
    ///
    /// # Errors
    /// If they differ, or the output fails.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        // The encoders of JSON take a batch without columns for one without rows.
        if batch.num_rows() == 0 || batch.num_columns() == 0 {
            return Ok(());
        }
        self.write_rows(batch).map_err(fault(self.format))
    }

    fn write_rows(&mut self, batch: &RecordBatch) -> Result<(), Box<dyn Error + Send + Sync>> {
        let is_table = matches!(self.writer, Writer::Csv(_));
        if is_table || matches!(self.writer, Writer::Json(_) | Writer::JsonLines(_)) {
            for (field, column) in self.schema.fields().iter().zip(batch.columns()) {
                // A number alone is text in CSV, which has a form for all of them.
                if !is_table || column.data_type().is_nested() {
                    self.lost.note(field.name(), column);
                }
            }
        }
        match &mut self.writer {
            Writer::Csv(writer) => writer.write(&with_cells(&self.schema, batch, for_csv)?)?,
            Writer::Json(writer) => writer.write(&with_cells(&self.schema, batch, for_json)?)?,
            Writer::JsonLines(writer) => {
                writer.write(&with_cells(&self.schema, batch, for_json)?)?;
            }
            Writer::Arrow(writer) => writer.write(&with_schema(&self.schema, batch)?)?,
            Writer::Parquet(writer) => {
                writer.write(&with_schema(&self.schema, batch)?)?;
                if writer.in_progress_size() >= ROW_GROUP_BYTES {
                    writer.flush()?;
                }
            }
        }
        Ok(())
    }

    /// Says which values became null, since JSON has no form for them.
    pub fn remarks(&self) -> Vec<String> {
        self.lost.remarks()
    }

    /// Writes what ends the output, and hands on everything that was held back.
    ///
    /// # Errors
    /// If the output fails. Without this call it is not whole.
    pub fn finish(self) -> Result<()> {
        self.writer.finish().map_err(fault(self.format))
    }
}

impl Writer {
    fn new(
        format: RowFormat,
        schema: &SchemaRef,
        out: Out,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let json = || JsonWriterBuilder::new().with_explicit_nulls(true);
        Ok(match format {
            RowFormat::Json => Writer::Json(json().build(out)),
            RowFormat::JsonLines => Writer::JsonLines(json().build(out)),
            RowFormat::Csv => {
                // The names stand there even if no rows follow.
                Writer::Csv(CsvWriter::new(out, schema.fields().iter().map(|f| f.name().as_str()))?)
            }
            RowFormat::Arrow => Writer::Arrow(Box::new(ArrowFileWriter::try_new(out, schema)?)),
            RowFormat::Parquet => {
                let compression = Compression::ZSTD(ZstdLevel::try_new(3)?);
                let properties = WriterProperties::builder().set_compression(compression).build();
                let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties))?;
                Writer::Parquet(Box::new(writer))
            }
        })
    }

    fn finish(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut out = match self {
            Writer::Csv(writer) => writer.into_inner(),
            Writer::Json(mut writer) => {
                writer.finish()?;
                writer.into_inner()
            }
            Writer::JsonLines(mut writer) => {
                writer.finish()?;
                writer.into_inner()
            }
            Writer::Parquet(writer) => writer.into_inner()?,
            Writer::Arrow(writer) => writer.into_inner()?,
        };
        Ok(out.flush()?)
    }
}

/// One array, with a line for each object.
#[derive(Debug, Default)]
struct ArrayOfLines;

impl JsonFormat for ArrayOfLines {
    fn start_stream<W: Write>(&self, writer: &mut W) -> Result<(), ArrowError> {
        Ok(writer.write_all(b"[")?)
    }

    fn start_row<W: Write>(&self, writer: &mut W, is_first_row: bool) -> Result<(), ArrowError> {
        if !is_first_row {
            writer.write_all(b",\n")?;
        }
        Ok(())
    }

    fn end_stream<W: Write>(&self, writer: &mut W) -> Result<(), ArrowError> {
        Ok(writer.write_all(b"]\n")?)
    }
}

fn fault<E: Into<Box<dyn Error + Send + Sync>>>(
    format: RowFormat,
) -> impl FnOnce(E) -> ConvertError {
    move |source| ConvertError::Rows { format: format.name(), source: source.into() }
}

fn check_names(format: RowFormat, schema: &Schema) -> Result<()> {
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

/// The schema that is written: without ids, which mean a column of one dataset alone.
fn written_schema(format: RowFormat, schema: &Schema) -> SchemaRef {
    let field = |field: &Field| {
        let mut metadata = field.metadata().clone();
        metadata.remove(FIELD_ID_KEY);
        let field = field.clone().with_metadata(metadata);
        match (format, field.data_type()) {
            // A file in Arrow's format has one dictionary for a column, an answer many.
            (RowFormat::Arrow, DataType::Dictionary(_, values)) => {
                let values = values.as_ref().clone();
                field.with_data_type(values)
            }
            _ => field,
        }
    };
    Arc::new(Schema::new(schema.fields().iter().map(|f| field(f)).collect::<Vec<_>>()))
}

/// The batch under `schema`.
fn with_schema(schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let both = schema.fields().iter().zip(batch.columns());
    let columns = both.map(|(field, column)| match column.data_type() == field.data_type() {
        true => Ok(column.clone()),
        false => cast(column, field.data_type()),
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
}

#[cfg(test)]
mod tests;
