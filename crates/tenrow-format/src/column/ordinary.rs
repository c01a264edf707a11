//! Columns that the `parquet` crate's own writer encodes: text, times, structs, maps, …

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, LogicalType, Type, ZstdLevel};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::page_index::offset_index::{OffsetIndexMetaData, PageLocation};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::{ColumnDescPtr, ColumnDescriptor};

use crate::column::chunk::EncodedChunk;
use crate::encoding::{DEFAULT_ZSTD_LEVEL, Encoding};
use crate::error::{FormatError, Result};
use crate::limits;
use crate::manifest::ChunkLayout;
use crate::page::PageHeader;
use crate::page::header::{self, CRC_FIELD_BYTES};

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
    let mut writer =
        ArrowWriter::try_new(&mut file, schema.clone(), Some(properties(field, encoding)?))
            .map_err(FormatError::parquet(what()))?;
    for array in arrays {
        let batch = RecordBatch::try_new(schema.clone(), vec![array.clone()])
            .map_err(FormatError::arrow(what()))?;
        writer.write(&batch).map_err(FormatError::parquet(what()))?;
    }
    let metadata = writer.close().map_err(FormatError::parquet(what()))?;
    let bytes = Bytes::from(file);
    let has_nan = arrays.iter().any(|array| holds_nan(array.as_ref()));
    let chunks = descriptors.iter().enumerate().map(|(column, descriptor)| {
        let mut chunk = cut_out(&bytes, &metadata, column, descriptor.clone())?;
        if has_nan && is_float(descriptor) {
            // Bounds pass over NaN, and some readers then pass over its rows.
            chunk.metadata = without_bounds(chunk.metadata)?;
            chunk.column_index = None;
        }
        Ok(chunk)
    });
    chunks.collect()
}

/// Whether a float in it is NaN, however deep.
fn holds_nan(array: &dyn Array) -> bool {
    match array.data_type() {
        DataType::Float16 => {
            array.as_primitive::<Float16Type>().values().iter().any(|v| v.is_nan())
        }
        DataType::Float32 => {
            array.as_primitive::<Float32Type>().values().iter().any(|v| v.is_nan())
        }
        DataType::Float64 => {
            array.as_primitive::<Float64Type>().values().iter().any(|v| v.is_nan())
        }
        DataType::List(_) => holds_nan(array.as_list::<i32>().values().as_ref()),
        DataType::FixedSizeList(..) => holds_nan(array.as_fixed_size_list().values().as_ref()),
        DataType::Map(..) => holds_nan(array.as_map().entries()),
        DataType::Struct(_) => {
            array.as_struct().columns().iter().any(|column| holds_nan(column.as_ref()))
        }
        _ => false,
    }
}

fn is_float(column: &ColumnDescriptor) -> bool {
    matches!(column.physical_type(), Type::FLOAT | Type::DOUBLE)
        || column.logical_type_ref() == Some(&LogicalType::Float16)
}

fn without_bounds(chunk: ColumnChunkMetaData) -> Result<ColumnChunkMetaData> {
    let builder = chunk.into_builder().clear_statistics();
    builder.build().map_err(FormatError::parquet("column chunk metadata"))
}

/// Rows of a page: a row by itself is read with its page, and a scan takes batches of as many.
const PAGE_ROWS: usize = 8192;
/// Bytes of a dictionary, which a row by itself is read with as well.
const MAX_DICTIONARY_BYTES: usize = 64 << 10;

fn properties(field: &Field, encoding: Encoding) -> Result<WriterProperties> {
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
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_dictionary_page_size_limit(MAX_DICTIONARY_BYTES)
        .set_compression(compression)
        // Floats hardly repeat: a dictionary of them is one more copy of the first.
        .set_dictionary_enabled(encoding != Encoding::Raw && !field.data_type().is_floating())
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
    let pages = ChecksummedPages::of(file.slice(start as usize..(start + len) as usize))?;
    let by = -(start as i64);
    let offset_index =
        metadata.offset_index().and_then(|index| index.first()?.get(column).cloned());
    let column_index =
        metadata.column_index().and_then(|index| index.first()?.get(column).cloned());
    Ok(EncodedChunk {
        byte_len: len + pages.added,
        lead: 0,
        metadata: pages.metadata(moved(chunk, by, descriptor)?)?,
        offset_index: offset_index.map(|index| pages.offset_index(moved_index(index, by))),
        column_index,
        layout: ChunkLayout::Indexed { offset_index: None },
        pieces: pages.pieces,
    })
}

/// The pages of a chunk with their checksums, which the `parquet` crate's writer leaves out.
struct ChecksummedPages {
    /// Headers and bodies by turns.
    pieces: Vec<Bytes>,
    /// Where each page began before, from the start of the chunk.
    starts: Vec<i64>,
    /// Bytes that all headers together have grown by.
    added: u64,
}

impl ChecksummedPages {
    fn of(chunk: Bytes) -> Result<Self> {
        let mut pages = Self { pieces: Vec::new(), starts: Vec::new(), added: 0 };
        let mut at = 0;
        while at < chunk.len() {
            let (header, header_len) = PageHeader::decode(&chunk[at..])?;
            let body = at + header_len..at + header_len + header.compressed_bytes as usize;
            if body.end > chunk.len() {
                return Err(FormatError::Truncated {
                    what: "the pages of a column".into(),
                    found: chunk.len() as u64,
                    expected: body.end as u64,
                });
            }
            let crc = crc32fast::hash(&chunk[body.clone()]);
            let header = header::with_crc(&chunk[at..body.start], crc)?;
            pages.starts.push(at as i64);
            pages.added += CRC_FIELD_BYTES;
            pages.pieces.extend([Bytes::from(header), chunk.slice(body.clone())]);
            at = body.end;
        }
        Ok(pages)
    }

    /// Where the page that began at `offset` begins now.
    fn placed(&self, offset: i64) -> i64 {
        let before = self.starts.partition_point(|&start| start < offset);
        offset + before as i64 * CRC_FIELD_BYTES as i64
    }

    fn metadata(&self, chunk: ColumnChunkMetaData) -> Result<ColumnChunkMetaData> {
        let added = self.added as i64;
        let (data, dictionary) = (chunk.data_page_offset(), chunk.dictionary_page_offset());
        let (stored, plain) = (chunk.compressed_size(), chunk.uncompressed_size());
        chunk
            .into_builder()
            .set_data_page_offset(self.placed(data))
            .set_dictionary_page_offset(dictionary.map(|offset| self.placed(offset)))
            .set_total_compressed_size(stored + added)
            .set_total_uncompressed_size(plain + added)
            .build()
            .map_err(FormatError::parquet("column chunk metadata"))
    }

    fn offset_index(&self, mut index: OffsetIndexMetaData) -> OffsetIndexMetaData {
        for page in &mut index.page_locations {
            page.offset = self.placed(page.offset);
            page.compressed_page_size += CRC_FIELD_BYTES as i32;
        }
        index
    }
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
