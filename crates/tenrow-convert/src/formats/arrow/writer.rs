//! Arrow's files and streams, written.

use std::error::Error;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use tenrow_values::{
    BUFFER_BYTES, ConvertError, Output, Result, RowSink, check_names, under_schema,
};

type Out = BufWriter<Output>;

struct ArrowSink {
    schema: SchemaRef,
    writer: Writer,
}

enum Writer {
    File(FileWriter<Out>),
    Stream(StreamWriter<Out>),
}

/// A writer of batches of `schema`, into a file.
pub(super) fn create_file(schema: &SchemaRef, out: Output) -> Result<Box<dyn RowSink>> {
    create(schema, out, |out, schema| Ok(Writer::File(FileWriter::try_new(out, schema)?)))
}

/// A writer of batches of `schema`, into a stream.
pub(super) fn create_stream(schema: &SchemaRef, out: Output) -> Result<Box<dyn RowSink>> {
    create(schema, out, |out, schema| Ok(Writer::Stream(StreamWriter::try_new(out, schema)?)))
}

fn create(
    schema: &SchemaRef,
    out: Output,
    writer: impl FnOnce(Out, &Schema) -> Result<Writer, ArrowError>,
) -> Result<Box<dyn RowSink>> {
    check_names("arrow", schema)?;
    let schema = without_dictionaries(schema);
    let out = BufWriter::with_capacity(BUFFER_BYTES, out);
    let writer = writer(out, &schema).map_err(fault)?;
    Ok(Box::new(ArrowSink { schema, writer }))
}

impl RowSink for ArrowSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = under_schema(&self.schema, batch).map_err(fault)?;
        let written = match &mut self.writer {
            Writer::File(writer) => writer.write(&batch),
            Writer::Stream(writer) => writer.write(&batch),
        };
        written.map_err(fault)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let out = match self.writer {
            Writer::File(writer) => writer.into_inner(),
            Writer::Stream(writer) => writer.into_inner(),
        };
        out.map_err(fault)?.flush().map_err(fault)
    }
}

/// A file has one dictionary for a column, an answer many.
fn without_dictionaries(schema: &Schema) -> SchemaRef {
    let field = |field: &Arc<Field>| match field.data_type() {
        DataType::Dictionary(_, values) => {
            Arc::new(field.as_ref().clone().with_data_type(values.as_ref().clone()))
        }
        _ => field.clone(),
    };
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}

fn fault(source: impl Into<Box<dyn Error + Send + Sync>>) -> ConvertError {
    ConvertError::rows("arrow")(source)
}
