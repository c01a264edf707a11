//! JSON, written: one array of objects, or one object a line.

use std::error::Error;
use std::io::{BufWriter, Write};

use arrow_array::RecordBatch;
use arrow_json::WriterBuilder;
use arrow_json::writer::{JsonFormat, LineDelimited, Writer};
use arrow_schema::{ArrowError, SchemaRef};
use tenrow_values::cells::{for_json, with_cells};
use tenrow_values::{BUFFER_BYTES, ConvertError, NotFinite, Output, Result, RowSink, check_names};

/// Writes objects as `F` divides them.
///
/// Tensors are nested arrays, f16 and bf16 are numbers, binary is hexadecimal text, and nulls are
/// written out. JSON has no NaN and no infinity: they become null, and that is remarked.
struct JsonSink<F: JsonFormat> {
    format: &'static str,
    schema: SchemaRef,
    writer: Writer<BufWriter<Output>, F>,
    lost: NotFinite,
}

/// A writer of batches of `schema`: one array, with a line for each object.
pub(super) fn array(schema: &SchemaRef, out: Output) -> Result<Box<dyn RowSink>> {
    JsonSink::<ArrayOfLines>::boxed("json", schema, out)
}

/// A writer of batches of `schema`: one object a line.
pub(in crate::formats) fn lines(schema: &SchemaRef, out: Output) -> Result<Box<dyn RowSink>> {
    JsonSink::<LineDelimited>::boxed("jsonl", schema, out)
}

impl<F: JsonFormat + Send + 'static> JsonSink<F> {
    fn boxed(format: &'static str, schema: &SchemaRef, out: Output) -> Result<Box<dyn RowSink>> {
        check_names(format, schema)?;
        let out = BufWriter::with_capacity(BUFFER_BYTES, out);
        let writer = WriterBuilder::new().with_explicit_nulls(true).build(out);
        let lost = NotFinite::default();
        Ok(Box::new(Self { format, schema: schema.clone(), writer, lost }))
    }
}

impl<F: JsonFormat + Send> RowSink for JsonSink<F> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let fault = ConvertError::rows(self.format);
        let cells = with_cells(&self.schema, batch, for_json).map_err(&fault)?;
        for (field, column) in self.schema.fields().iter().zip(cells.columns()) {
            self.lost.note(field.name(), column);
        }
        self.writer.write(&cells).map_err(&fault)
    }

    fn remarks(&self) -> Vec<String> {
        self.lost.remarks()
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.writer.finish().map_err(ConvertError::rows(self.format))?;
        let fault = ConvertError::rows::<Box<dyn Error + Send + Sync>>(self.format);
        self.writer.into_inner().flush().map_err(|error| fault(error.into()))
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
