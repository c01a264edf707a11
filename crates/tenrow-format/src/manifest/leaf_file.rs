//! The Parquet file of a leaf: how it is written, and the limits that it must keep. Normative:
//! `spec/manifest.md`, "Leaf".

use arrow_array::RecordBatch;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowGroups};
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::arrow::{ArrowSchemaConverter, ProjectionMask, parquet_to_arrow_field_levels};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::SchemaDescriptor;

use super::leaf::Leaf;
use super::leaf_pages::LeafPages;
use super::partition::Partition;
use super::{check, wire_leaf};
use crate::checksum::checksum;
use crate::error::{FormatError, Result};
use crate::footer_check::check_footer;
use crate::guard::guarded;
use crate::limits;

const WHAT: &str = "leaf";

impl Leaf {
    /// The stored form. Equal leaves give equal bytes.
    ///
    /// # Errors
    /// The rule of `spec/manifest.md` that the leaf breaks: what is written can be read.
    pub fn encode(&self) -> Result<Vec<u8>> {
        self.check()?;
        let bytes = encode(&self.partitions)?;
        check::limit("the bytes of a leaf", bytes.len() as u64, limits::MAX_LEAF_BYTES)?;
        Ok(bytes)
    }

    /// Reads the stored form, whose checksum the root names.
    ///
    /// # Errors
    /// [`FormatError::Checksum`] before anything is parsed; [`FormatError::Limit`] before anything
    /// large is allocated; else the rule that the leaf breaks.
    pub fn decode(bytes: Bytes, expected_checksum: u64) -> Result<Self> {
        check::limit("the bytes of a leaf", bytes.len() as u64, limits::MAX_LEAF_BYTES)?;
        let found = checksum(&bytes);
        if found != expected_checksum {
            let what = "leaf".to_owned();
            return Err(FormatError::Checksum { what, found, expected: expected_checksum });
        }
        let leaf = Self { partitions: decode(&bytes)? };
        leaf.check()?;
        Ok(leaf)
    }
}

/// Writes one row per partition.
fn encode(partitions: &[Partition]) -> Result<Vec<u8>> {
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
fn decode(bytes: &Bytes) -> Result<Vec<Partition>> {
    check_footer(bytes)?;
    guarded(WHAT, || decode_checked(bytes))
}

fn decode_checked(bytes: &Bytes) -> Result<Vec<Partition>> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(bytes);
    let metadata = metadata.map_err(FormatError::parquet(WHAT))?;
    check_columns(bytes, &metadata)?;
    let schema = metadata.file_metadata().schema_descr();
    let mask = project(schema)?;
    let pages = LeafPages::unpack(bytes, &metadata, |column| mask.leaf_included(column))?;
    let levels = parquet_to_arrow_field_levels(schema, mask, None);
    let levels = levels.map_err(FormatError::parquet(WHAT))?;
    let reader = ParquetRecordBatchReader::try_new_with_row_groups(
        &levels,
        &pages,
        pages.num_rows().max(1),
        None,
    );
    let mut partitions = Vec::new();
    for batch in reader.map_err(FormatError::parquet(WHAT))? {
        partitions.extend(wire_leaf::read(batch.map_err(FormatError::arrow(WHAT))?)?);
        let count = partitions.len() as u64;
        check::limit("the number of partitions of a leaf", count, limits::MAX_LEAF_PARTITIONS)?;
    }
    Ok(partitions)
}

/// Refuses a file that claims more rows than a leaf has, or columns that are not in it.
fn check_columns(bytes: &Bytes, metadata: &ParquetMetaData) -> Result<()> {
    let rows = metadata.file_metadata().num_rows();
    let rows = u64::try_from(rows).map_err(|_| FormatError::malformed(WHAT, "rows below 0"))?;
    check::limit("the number of partitions of a leaf", rows, limits::MAX_LEAF_PARTITIONS)?;
    let mut columns = metadata.row_groups().iter().flat_map(RowGroupMetaData::columns);
    columns.try_for_each(|column| check_column(column, bytes.len() as u64))
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
