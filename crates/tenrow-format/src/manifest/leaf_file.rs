//! The Parquet file of a leaf: how it is written, and the limits that it must keep. Normative:
//! `spec/manifest.md`, "Leaf".

use std::sync::Arc;

use arrow_array::RecordBatch;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::arrow::{ArrowSchemaConverter, ProjectionMask};
use parquet::basic::{Compression, Encoding, PageType, ZstdLevel};
use parquet::column::page::Page;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::SchemaDescriptor;

use super::leaf::check_limit;
use super::partition::Partition;
use super::wire_leaf;
use crate::error::{FormatError, Result};
use crate::footer_check::check_footer;
use crate::limits;

const WHAT: &str = "leaf";

/// Writes one row per partition.
pub(super) fn encode(partitions: &[Partition]) -> Result<Vec<u8>> {
    let rows = wire_leaf::write(partitions)?;
    write_file(&rows).map_err(FormatError::parquet(WHAT))
}

fn write_file(rows: &RecordBatch) -> Result<Vec<u8>, ParquetError> {
    let options = ArrowWriterOptions::new()
        .with_properties(writer_properties(rows.num_rows()))
        .with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), rows.schema(), options)?;
    writer.write(rows)?;
    writer.into_inner()
}

/// Leaves of fewer partitions are not compressed: most are soon merged into larger ones, and setting up zstd
/// for each of their columns takes longer than all else.
const COMPRESSED_FROM: usize = 64;

fn writer_properties(partition_count: usize) -> WriterProperties {
    let compression = match partition_count {
        ..COMPRESSED_FROM => Compression::UNCOMPRESSED,
        _ => Compression::ZSTD(ZstdLevel::default()),
    };
    WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::PLAIN)
        .set_compression(compression)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_created_by("tenrow".into())
        .build()
}

/// Reads the partitions; what they say is not checked here.
pub(super) fn decode(bytes: Bytes) -> Result<Vec<Partition>> {
    check_footer(&bytes)?;
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&bytes);
    let metadata = Arc::new(metadata.map_err(FormatError::parquet(WHAT))?);
    check_limits(&bytes, &metadata)?;
    let row_count = metadata.file_metadata().num_rows().max(1);
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata =
        ArrowReaderMetadata::try_new(metadata, options).map_err(FormatError::parquet(WHAT))?;
    let mask = project(metadata.parquet_schema())?;
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, metadata)
        .with_projection(mask)
        .with_batch_size(usize::try_from(row_count).unwrap_or(1))
        .build()
        .map_err(FormatError::parquet(WHAT))?;
    let mut partitions = Vec::new();
    for batch in reader {
        partitions.extend(wire_leaf::read(batch.map_err(FormatError::arrow(WHAT))?)?);
        let count = partitions.len() as u64;
        check_limit("the number of partitions of a leaf", count, limits::MAX_LEAF_PARTITIONS)?;
    }
    Ok(partitions)
}

/// Refuses a file that would grow beyond the limits when read: page by page, so that no more than
/// one page is in memory.
fn check_limits(bytes: &Bytes, metadata: &ParquetMetaData) -> Result<()> {
    let rows = metadata.file_metadata().num_rows();
    let rows = u64::try_from(rows).map_err(|_| FormatError::malformed(WHAT, "rows below 0"))?;
    check_limit("the number of partitions of a leaf", rows, limits::MAX_LEAF_PARTITIONS)?;
    let columns = || metadata.row_groups().iter().flat_map(RowGroupMetaData::columns);
    columns().try_for_each(|column| check_column(column, bytes.len() as u64))?;
    let file = Arc::new(bytes.clone());
    let (mut value_count, mut byte_count) = (0u64, 0u64);
    for column in columns() {
        // The number of rows is for files with an offset index only.
        let pages = SerializedPageReader::new(file.clone(), column, 0, None);
        for page in pages.map_err(FormatError::parquet(WHAT))? {
            let page = page.map_err(FormatError::parquet(WHAT))?;
            check_page(&page)?;
            value_count += u64::from(page.num_values());
            byte_count += page.buffer().len() as u64;
            check_limit("the values of a leaf", value_count, limits::MAX_LEAF_VALUES)?;
            check_limit("the unpacked bytes of a leaf", byte_count, limits::MAX_LEAF_BYTES)?;
        }
    }
    Ok(())
}

/// Checks what the `parquet` crate takes for granted.
fn check_column(column: &ColumnChunkMetaData, file_bytes: u64) -> Result<()> {
    let (start, size) = (column.data_page_offset(), column.compressed_size());
    let end = u64::try_from(start).ok().zip(u64::try_from(size).ok());
    let end = end.and_then(|(start, size)| start.checked_add(size));
    let known = matches!(column.compression(), Compression::ZSTD(_) | Compression::UNCOMPRESSED);
    let reason = if end.is_none_or(|end| end > file_bytes) {
        format!("{size} bytes from {start}, which are not in the file")
    } else if column.dictionary_page_offset().is_some() {
        "it has a dictionary".into()
    } else if !known {
        format!("compressed with {}, expected zstd", column.compression())
    } else {
        return Ok(());
    };
    Err(FormatError::malformed(format!("column {} of a leaf", column.column_path()), reason))
}

/// Only plain pages: decoders of the other encodings trust counts that the page claims.
fn check_page(page: &Page) -> Result<()> {
    match (page.page_type(), page.encoding()) {
        (PageType::DATA_PAGE | PageType::DATA_PAGE_V2, Encoding::PLAIN) => Ok(()),
        (page_type, encoding) => {
            let reason = format!("a {page_type} encoded as {encoding}, expected plain data pages");
            Err(FormatError::malformed(WHAT, reason))
        }
    }
}

/// The columns that this version knows, all of which must be there.
fn project(schema: &SchemaDescriptor) -> Result<ProjectionMask> {
    let expected = ArrowSchemaConverter::new()
        .convert(&wire_leaf::schema())
        .map_err(FormatError::parquet(WHAT))?;
    let known: Vec<_> = expected.columns().iter().map(|c| plain_path(c.path().parts())).collect();
    let found: Vec<_> = schema.columns().iter().map(|c| plain_path(c.path().parts())).collect();
    if let Some(missing) = known.iter().find(|path| !found.contains(path)) {
        return Err(FormatError::malformed(WHAT, format!("column {missing} is missing")));
    }
    let wanted = (0..found.len()).filter(|&column| known.contains(&found[column]));
    Ok(ProjectionMask::leaves(schema, wanted))
}

/// The path of a column without the two groups that Parquet puts into every list.
fn plain_path(parts: &[String]) -> String {
    let names = parts.iter().map(String::as_str);
    let names: Vec<_> = names.filter(|name| !matches!(*name, "list" | "element")).collect();
    names.join(".")
}
