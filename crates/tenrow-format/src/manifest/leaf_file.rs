//! The Parquet file of a leaf: its columns, and the limits that it must keep. Normative:
//! `spec/manifest.md`, "Leaf".

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, FieldRef, Fields};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::arrow::{ArrowSchemaConverter, ProjectionMask};
use parquet::basic::{Compression, Encoding, PageType, ZstdLevel};
use parquet::column::page::Page;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::SchemaDescriptor;

use super::leaf::check_limit;
use super::partition::Partition;
use super::wire_leaf::PartitionWire;
use crate::error::{FormatError, Result};
use crate::footer_check::check_footer;
use crate::limits;

const WHAT: &str = "leaf";

/// The columns, in the order in which they are written.
fn columns() -> Vec<FieldRef> {
    let page = group([number("first_row"), number("first_value"), number("values_offset")]);
    let chunk = group([
        small("field"),
        small("row_group"),
        small("column"),
        text("layout"),
        nullable(small("item_bits")),
        nullable(number("first_page")),
        nullable(number("page_stride")),
        nullable(number("page_rows")),
        nullable(small("prefix")),
        nullable(small("last_prefix")),
        nullable(number("value_count")),
        nullable(list("pages", page)),
        nullable(Field::new("null_rows", DataType::Binary, false)),
        nullable(number("offset_index_start")),
        nullable(number("offset_index_end")),
    ]);
    let file = group([
        text("path"),
        nullable(Field::new("foreign", group([number("modified_ns")]), false)),
        number("size_bytes"),
        hash("checksum"),
        number("footer_bytes"),
        nullable(number("sequence")),
        list("field_ids", DataType::Int32),
        list("row_groups", DataType::Int64),
        list("chunks", chunk),
    ]);
    let statistics = group([
        small("field"),
        number("null_count"),
        nullable(text("min")),
        nullable(text("max")),
        Field::new("exact", DataType::Boolean, false),
    ]);
    let deletes =
        group([text("path"), number("size_bytes"), hash("checksum"), number("row_count")]);
    let columns = [
        number("row_count"),
        list("row_ids", group([number("first"), number("count")])),
        list("keys", group([small("field"), text("value")])),
        list("files", file),
        list("statistics", statistics),
        nullable(Field::new("deletes", deletes, false)),
        list("external_files", DataType::Utf8),
    ];
    columns.into_iter().map(Arc::new).collect()
}

fn number(name: &str) -> Field {
    Field::new(name, DataType::Int64, false)
}

fn small(name: &str) -> Field {
    Field::new(name, DataType::Int32, false)
}

fn hash(name: &str) -> Field {
    Field::new(name, DataType::UInt64, false)
}

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, false)
}

fn list(name: &str, element: DataType) -> Field {
    Field::new(name, DataType::List(Arc::new(Field::new("element", element, false))), false)
}

fn group(fields: impl IntoIterator<Item = Field>) -> DataType {
    DataType::Struct(fields.into_iter().collect())
}

fn nullable(field: Field) -> Field {
    field.with_nullable(true)
}

/// Writes one row per partition.
pub(super) fn encode(partitions: &[Partition]) -> Result<Vec<u8>> {
    let columns = columns();
    let rows: Vec<_> = partitions.iter().map(PartitionWire::from).collect();
    let batch = serde_arrow::to_record_batch(&columns, &rows).map_err(malformed)?;
    let options = ArrowWriterOptions::new()
        .with_properties(writer_properties(partitions.len()))
        .with_skip_arrow_metadata(true);
    let write = || {
        let mut writer = ArrowWriter::try_new_with_options(Vec::new(), batch.schema(), options)?;
        writer.write(&batch)?;
        writer.into_inner()
    };
    write().map_err(FormatError::parquet(WHAT))
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
    check_limits(&bytes)?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options)
        .map_err(FormatError::parquet(WHAT))?;
    let mask = project(builder.parquet_schema())?;
    let row_count = builder.metadata().file_metadata().num_rows().max(1);
    let reader = builder
        .with_projection(mask)
        .with_batch_size(usize::try_from(row_count).unwrap_or(1))
        .build()
        .map_err(FormatError::parquet(WHAT))?;
    let mut partitions = Vec::new();
    for batch in reader {
        read_batch(&batch.map_err(FormatError::arrow(WHAT))?, &mut partitions)?;
    }
    Ok(partitions)
}

fn read_batch(batch: &RecordBatch, partitions: &mut Vec<Partition>) -> Result<()> {
    check_fields(&Fields::from(columns()), batch.schema().fields(), "")?;
    let rows: Vec<PartitionWire> = serde_arrow::from_record_batch(batch).map_err(malformed)?;
    let count = partitions.len() as u64 + rows.len() as u64;
    check_limit("the number of partitions of a leaf", count, limits::MAX_LEAF_PARTITIONS)?;
    for row in rows {
        partitions.push(row.into_partition()?);
    }
    Ok(())
}

fn malformed(error: serde_arrow::Error) -> FormatError {
    FormatError::malformed(WHAT, error.to_string())
}

/// Refuses a file that would grow beyond the limits when read: page by page, so that no more than
/// one page is in memory.
fn check_limits(bytes: &Bytes) -> Result<()> {
    check_footer(bytes)?;
    let refused = || FormatError::parquet(WHAT);
    let file = SerializedFileReader::new(bytes.clone()).map_err(refused())?;
    let rows = file.metadata().file_metadata().num_rows();
    let rows = u64::try_from(rows).map_err(|_| FormatError::malformed(WHAT, "rows below 0"))?;
    check_limit("the number of partitions of a leaf", rows, limits::MAX_LEAF_PARTITIONS)?;
    let columns = file.metadata().row_groups().iter().flat_map(RowGroupMetaData::columns);
    columns.into_iter().try_for_each(|column| check_column(column, bytes.len() as u64))?;
    let (mut value_count, mut byte_count) = (0u64, 0u64);
    for number in 0..file.num_row_groups() {
        let row_group = file.get_row_group(number).map_err(refused())?;
        for column in 0..row_group.num_columns() {
            let mut pages = row_group.get_column_page_reader(column).map_err(refused())?;
            while let Some(page) = pages.get_next_page().map_err(refused())? {
                check_page(&page)?;
                value_count += u64::from(page.num_values());
                byte_count += page.buffer().len() as u64;
                check_limit("the values of a leaf", value_count, limits::MAX_LEAF_VALUES)?;
                check_limit("the unpacked bytes of a leaf", byte_count, limits::MAX_LEAF_BYTES)?;
            }
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
    let expected = arrow_schema::Schema::new(columns());
    let expected =
        ArrowSchemaConverter::new().convert(&expected).map_err(FormatError::parquet(WHAT))?;
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

/// Checks that the columns that were read have the types that this version writes.
fn check_fields(expected: &Fields, found: &Fields, parent: &str) -> Result<()> {
    for field in expected {
        let path = format!("{parent}{}", field.name());
        let of_name = found.iter().filter(|f| f.name() == field.name()).collect::<Vec<_>>();
        let &[found] = of_name.as_slice() else {
            let reason = format!("column {path} occurs {} times", of_name.len());
            return Err(FormatError::malformed(WHAT, reason));
        };
        check_type(field.data_type(), found.data_type(), &path)?;
    }
    Ok(())
}

fn check_type(expected: &DataType, found: &DataType, path: &str) -> Result<()> {
    match (expected, found) {
        (DataType::List(expected), DataType::List(found)) => {
            check_type(expected.data_type(), found.data_type(), path)
        }
        (DataType::Struct(expected), DataType::Struct(found)) => {
            check_fields(expected, found, &format!("{path}."))
        }
        _ if expected == found => Ok(()),
        _ => {
            let reason = format!("column {path} is {found}, expected {expected}");
            Err(FormatError::malformed(WHAT, reason))
        }
    }
}
