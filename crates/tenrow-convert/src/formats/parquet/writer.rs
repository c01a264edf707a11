//! Parquet, written: zstd pages and ordinary encodings.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tenrow_values::{ConvertError, Output, Result, RowSink, check_names, under_schema};

/// Bytes of a row group, about.
const ROW_GROUP_BYTES: usize = 64 << 20;

struct ParquetSink {
    schema: SchemaRef,
    writer: ArrowWriter<Output>,
}

/// A writer of batches of `schema`.
pub(super) fn create(schema: &SchemaRef, out: Output) -> Result<Box<dyn RowSink>> {
    check_names("parquet", schema)?;
    let level = ZstdLevel::try_new(3).map_err(fault)?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties)).map_err(fault)?;
    Ok(Box::new(ParquetSink { schema: schema.clone(), writer }))
}

impl RowSink for ParquetSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(&under_schema(&self.schema, batch).map_err(fault)?).map_err(fault)?;
        if self.writer.in_progress_size() >= ROW_GROUP_BYTES {
            self.writer.flush().map_err(fault)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let mut out = self.writer.into_inner().map_err(fault)?;
        out.flush().map_err(fault)
    }
}

fn fault(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ConvertError {
    ConvertError::rows("parquet")(source)
}
