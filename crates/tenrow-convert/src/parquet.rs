//! Parquet files of anyone, in and out, by the ordinary reader and writer.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tenrow::format::Schema;
use tenrow::open_regular;

use crate::error::{ConvertError, Result};
use crate::from_arrow::attribute_of;
use crate::table::{Batches, TableSource, batch_rows};

/// Bytes of a row group, about.
const ROW_GROUP_BYTES: usize = 64 << 20;

impl TableSource {
    /// Opens a Parquet file; [`attribute_of`] says what its columns become.
    ///
    /// # Errors
    /// If it is not a Parquet file, or has a column of a type that tenrow does not have.
    pub fn parquet(path: &Path) -> Result<Self> {
        let file = open_regular(path).map_err(ConvertError::io(path, "open"))?;
        let metadata = ArrowReaderMetadata::load(&file, Default::default())
            .map_err(ConvertError::decode(path, "parquet", None))?;
        let attributes = metadata
            .schema()
            .fields()
            .iter()
            .map(|field| attribute_of(field))
            .collect::<Result<Vec<_>>>()?;
        let groups = metadata.metadata().row_groups();
        let sum = |of: fn(&parquet::file::metadata::RowGroupMetaData) -> i64| {
            groups.iter().fold(0u64, |sum, g| sum.saturating_add(of(g).max(0) as u64))
        };
        let rows = sum(|group| group.num_rows());
        let batch_rows = batch_rows(&attributes, sum(|group| group.total_byte_size()), rows);
        let path_of_reader = path.to_owned();
        let open = move || {
            let file =
                open_regular(&path_of_reader).map_err(ConvertError::io(&path_of_reader, "open"))?;
            let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
                .with_batch_size(batch_rows)
                .build()
                .map_err(ConvertError::decode(&path_of_reader, "parquet", None))?;
            Ok(Box::new(reader) as Batches)
        };
        TableSource::new(path, "parquet", attributes, rows, Box::new(open))
    }
}

/// Writes one Parquet file with zstd pages and ordinary encodings.
pub struct ParquetWriter {
    path: PathBuf,
    writer: ArrowWriter<File>,
}

impl ParquetWriter {
    /// Creates or replaces `path`, for rows of `schema`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn create(path: &Path, schema: &Schema) -> Result<Self> {
        let file = File::create(path).map_err(ConvertError::io(path, "create"))?;
        let level = ZstdLevel::try_new(3).map_err(ConvertError::encode(path, "parquet"))?;
        let properties =
            WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
        let writer = ArrowWriter::try_new(file, schema.arrow_schema(), Some(properties))
            .map_err(ConvertError::encode(path, "parquet"))?;
        Ok(Self { path: path.to_owned(), writer })
    }

    /// Appends `batch`, whose columns are those of the schema.
    ///
    /// # Errors
    /// If the columns differ, or the file cannot be written.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch).map_err(ConvertError::encode(&self.path, "parquet"))?;
        if self.writer.in_progress_size() >= ROW_GROUP_BYTES {
            self.writer.flush().map_err(ConvertError::encode(&self.path, "parquet"))?;
        }
        Ok(())
    }

    /// Writes the footer and makes the file durable.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(self) -> Result<()> {
        let file = self.writer.into_inner().map_err(ConvertError::encode(&self.path, "parquet"))?;
        file.sync_all().map_err(ConvertError::io(&self.path, "write"))
    }
}
