//! Columns that the `parquet` crate's own writer encodes: text, times, structs, maps, …

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{Field, Schema};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::page_index::offset_index::{OffsetIndexMetaData, PageLocation};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnDescPtr;

use crate::column::chunk::EncodedChunk;
use crate::encoding::{DEFAULT_ZSTD_LEVEL, Encoding};
use crate::error::{FormatError, Result};
use crate::limits;
use crate::manifest::ChunkLayout;

/// Encodes the arrays of one field; gives one chunk for each Parquet leaf column, in order.
pub(crate) fn encode(
    field: &Field,
    arrays: &[ArrayRef],
    descriptors: &[ColumnDescPtr],
    encoding: Encoding,
) -> Result<Vec<EncodedChunk>> {
    let what = || format!("attribute {:?}", field.name());
    let schema = Arc::new(Schema::new(vec![field.clone()]));
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, schema.clone(), Some(properties(encoding)?))
        .map_err(FormatError::parquet(what()))?;
    for array in arrays {
        let batch = RecordBatch::try_new(schema.clone(), vec![array.clone()])
            .map_err(FormatError::arrow(what()))?;
        writer.write(&batch).map_err(FormatError::parquet(what()))?;
    }
    let metadata = writer.close().map_err(FormatError::parquet(what()))?;
    let bytes = Bytes::from(file);
    (0..descriptors.len())
        .map(|column| cut_out(&bytes, &metadata, column, descriptors[column].clone()))
        .collect()
}

fn properties(encoding: Encoding) -> Result<WriterProperties> {
    let zstd = |level| {
        ZstdLevel::try_new(level)
            .map(Compression::ZSTD)
            .map_err(FormatError::parquet("a zstd level"))
    };
    let compression = match encoding {
        Encoding::Raw => Compression::UNCOMPRESSED,
        Encoding::Zstd(level) | Encoding::ByteStreamSplitZstd(level) => zstd(level)?,
        Encoding::Auto => zstd(DEFAULT_ZSTD_LEVEL)?,
    };
    Ok(WriterProperties::builder()
        .set_max_row_group_row_count(Some(limits::MAX_ROW_GROUP_ROWS as usize))
        .set_compression(compression)
        .set_dictionary_enabled(encoding != Encoding::Raw)
        .set_statistics_enabled(EnabledStatistics::Page)
        .build())
}

/// Takes one column chunk out of a file that holds a single row group.
fn cut_out(
    file: &Bytes,
    metadata: &ParquetMetaData,
    column: usize,
    descriptor: ColumnDescPtr,
) -> Result<EncodedChunk> {
    let chunk = metadata.row_group(0).column(column);
    let (start, len) = chunk.byte_range();
    let offset_index =
        metadata.offset_index().and_then(|index| index.first()?.get(column).cloned());
    let column_index =
        metadata.column_index().and_then(|index| index.first()?.get(column).cloned());
    Ok(EncodedChunk {
        pieces: vec![file.slice(start as usize..(start + len) as usize)],
        byte_len: len,
        lead: 0,
        metadata: moved(chunk, -(start as i64), descriptor)?,
        offset_index: offset_index.map(|index| moved_index(index, -(start as i64))),
        column_index,
        layout: ChunkLayout::Indexed { offset_index: None },
    })
}

/// The metadata of `chunk` after it has moved by `by` bytes, for the column `descriptor`.
pub(crate) fn moved(
    chunk: &ColumnChunkMetaData,
    by: i64,
    descriptor: ColumnDescPtr,
) -> Result<ColumnChunkMetaData> {
    let mut builder = ColumnChunkMetaData::builder(descriptor)
        .set_encodings_mask(*chunk.encodings_mask())
        .set_compression(chunk.compression())
        .set_num_values(chunk.num_values())
        .set_total_compressed_size(chunk.compressed_size())
        .set_total_uncompressed_size(chunk.uncompressed_size())
        .set_data_page_offset(chunk.data_page_offset() + by)
        .set_dictionary_page_offset(chunk.dictionary_page_offset().map(|offset| offset + by));
    if let Some(statistics) = chunk.statistics() {
        builder = builder.set_statistics(statistics.clone());
    }
    if let Some(stats) = chunk.page_encoding_stats() {
        builder = builder.set_page_encoding_stats(stats.clone());
    }
    builder.build().map_err(FormatError::parquet("column chunk metadata"))
}

/// The page locations of a chunk after it has moved by `by` bytes.
pub(crate) fn moved_index(mut index: OffsetIndexMetaData, by: i64) -> OffsetIndexMetaData {
    for PageLocation { offset, .. } in &mut index.page_locations {
        *offset += by;
    }
    index
}
