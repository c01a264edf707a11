//! Parquet files of anyone, by the ordinary reader.

use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_schema::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::{ParquetMetaDataReader, RowGroupMetaData};
use tenrow::engine::{caught, check_levels};
use tenrow_values::{ConvertError, Result, attribute_of};

use super::embedded::check_embedded;
use super::footer::check_footer_of;
use super::legacy::faithful;
use crate::source_file::SourceFile;
use crate::table::{Batches, TableSource, batch_rows};
use crate::table_file::TableFile;

impl TableSource {
    /// Opens a Parquet file; [`attribute_of`] says what its columns become.
    ///
    /// # Errors
    /// If it is not a Parquet file, or has a column of a type that tenrow does not have.
    pub fn parquet(path: impl Into<SourceFile>) -> Result<Self> {
        let path = &path.into();
        let (metadata, _) = metadata_of(path)?;
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
        let path_of_reader = path.clone();
        let open = move || {
            let file = path_of_reader.open().map_err(ConvertError::io(&path_of_reader, "open"))?;
            let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
                .with_batch_size(batch_rows)
                .build()
                .map_err(ConvertError::decode(&path_of_reader, "parquet", None))?;
            Ok(Box::new(reader) as Batches)
        };
        TableSource::new(path, "parquet", attributes, Some(rows), Box::new(open))
    }
}

/// What the reader needs to know of a file that it can read, and the columns that it reads as other types
/// than the file says, to keep their values.
fn metadata_of(path: &SourceFile) -> Result<(ArrowReaderMetadata, Vec<String>)> {
    check_footer_of(path)?;
    let file = path.open().map_err(ConvertError::io(path, "open"))?;
    let metadata = caught(|| ParquetMetaDataReader::new().parse_and_finish(&file))
        .map_err(ConvertError::decode(path, "parquet", None))?
        .map_err(ConvertError::decode(path, "parquet", None))?;
    let counted: i64 = metadata.row_groups().iter().map(RowGroupMetaData::num_rows).sum();
    let stated = metadata.file_metadata().num_rows();
    if counted != stated {
        let reason = format!("its row groups have {counted} rows, but its footer says {stated}");
        return Err(ConvertError::decode(path, "parquet", None)(reason));
    }
    check_levels(&Arc::new(file), &metadata)
        .map_err(ConvertError::decode(path, "parquet", None))?;
    check_embedded(&metadata).map_err(|(name, reason)| {
        ConvertError::unsupported(path, format!("column {name:?}: {reason}"))
    })?;
    let metadata = ArrowReaderMetadata::try_new(Arc::new(metadata), Default::default())
        .map_err(ConvertError::decode(path, "parquet", None))?;
    faithful(path, metadata)
}

/// Refuses a file that is not read as it stands, or whose folders have keys in their names that it has not.
pub(crate) fn check_in_place(file: &TableFile) -> Result<()> {
    let (metadata, changed) = metadata_of(&file.path)?;
    if let Some(name) = unreadable_tensor(&metadata) {
        let reason = format!(
            "column {name:?} has null rows of nested lists, or lists of no items, which are no tensors as they stand: import it without --in-place, or as lists"
        );
        return Err(ConvertError::unsupported(&file.path, reason));
    }
    if let Some((name, row)) = null_element(&file.path, &metadata)? {
        let reason = format!(
            "column {name:?} has a null within the list in row {row}, and no tensor has: import it as lists, after a cast"
        );
        return Err(ConvertError::unsupported(&file.path, reason));
    }
    let is_lost = |name: &&str| metadata.schema().field_with_name(name).is_err();
    let keys: Vec<_> = file.keys.iter().map(|(name, _)| name.as_str()).filter(is_lost).collect();
    let reason = match changed.first() {
        Some(name) => format!(
            "column {name:?} has to be read as another type than the file says, to keep its values"
        ),
        None if keys.is_empty() => return Ok(()),
        None => format!(
            "its folders have keys in their names ({}), which would be lost in place",
            keys.join(", ")
        ),
    };
    let reason = format!("{reason}: import it without --in-place");
    Err(ConvertError::unsupported(&file.path, reason))
}

/// A column of fixed lists within each other that may have null rows, or of lists without items: what tensors are flat, and
/// have all their elements.
fn unreadable_tensor(metadata: &ArrowReaderMetadata) -> Option<String> {
    let mut leaf = 0;
    for field in metadata.schema().fields() {
        let leaves = leaf_count(field.data_type());
        let (first, mut depth, mut has_none) = (leaf, 0, false);
        leaf += leaves;
        let mut inner = field.data_type();
        while let DataType::FixedSizeList(item, size) = inner {
            (depth, has_none) = (depth + 1, has_none || *size == 0);
            inner = item.data_type();
        }
        let groups = metadata.metadata().row_groups();
        let null_count =
            |group: &RowGroupMetaData| group.columns().get(first)?.statistics()?.null_count_opt();
        let may_be_null = depth > 1 && groups.iter().any(|group| null_count(group) != Some(0));
        if has_none || may_be_null {
            return Some(field.name().clone());
        }
    }
    None
}

/// A column of fixed lists, and a row of it that has a null within its list.
fn null_element(
    path: &SourceFile,
    metadata: &ArrowReaderMetadata,
) -> Result<Option<(String, u64)>> {
    let fields = metadata.schema().fields().iter().enumerate();
    let lists = fields.filter(|(_, f)| matches!(f.data_type(), DataType::FixedSizeList(..)));
    for (root, field) in lists {
        let file = path.open().map_err(ConvertError::io(path, "open"))?;
        let mask = ProjectionMask::roots(metadata.parquet_schema(), [root]);
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone())
            .with_projection(mask)
            .build()
            .map_err(ConvertError::decode(path, "parquet", None))?;
        let mut first_row = 0;
        for batch in reader {
            let batch = batch.map_err(ConvertError::decode(path, "parquet", Some(first_row)))?;
            let lists = batch.column(0).as_fixed_size_list();
            let has_null =
                |row: &usize| lists.is_valid(*row) && lists.value(*row).logical_null_count() > 0;
            if lists.values().logical_null_count() > 0
                && let Some(row) = (0..lists.len()).find(has_null)
            {
                return Ok(Some((field.name().clone(), first_row + row as u64)));
            }
            first_row += batch.num_rows() as u64;
        }
    }
    Ok(None)
}

fn leaf_count(data_type: &DataType) -> usize {
    match data_type {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => leaf_count(item.data_type()),
        DataType::Struct(fields) => fields.iter().map(|field| leaf_count(field.data_type())).sum(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::RecordBatch;
    use arrow_array::builder::{Int64Builder, ListBuilder};
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::{WriterProperties, WriterVersion};
    use tenrow::engine::PageHeader;

    use super::*;

    /// Lists of integers in a file without compression, and where the level of their first run is.
    fn lists(version: WriterVersion) -> (Vec<u8>, usize) {
        let mut lists = ListBuilder::new(Int64Builder::new());
        for _ in 0..4 {
            lists.append_value([Some(1), Some(2)]);
        }
        let batch = RecordBatch::try_from_iter([("l", Arc::new(lists.finish()) as _)]).unwrap();
        let properties = WriterProperties::builder()
            .set_dictionary_enabled(false)
            .set_writer_version(version)
            .build();
        let mut writer =
            ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        let metadata = writer.flush().map(|()| writer.flushed_row_groups()[0].clone()).unwrap();
        let file = writer.into_inner().unwrap();
        let page = metadata.column(0).data_page_offset() as usize;
        let (header, header_bytes) = PageHeader::decode(&file[page..]).unwrap();
        let levels = page + header_bytes;
        let definitions = match header.kind {
            tenrow::engine::PageKind::DataV2 { repetition_bytes, .. } => repetition_bytes as usize,
            _ => 8 + u32::from_le_bytes(file[levels..levels + 4].try_into().unwrap()) as usize,
        };
        // The header of a run of eight, then its level.
        assert_eq!(file[levels + definitions..][..2], [16, 2]);
        (file, levels + definitions + 1)
    }

    #[test]
    fn levels_that_a_column_has_not_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lists.parquet");
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let (mut file, level) = lists(version);
            std::fs::write(&path, &file).unwrap();
            TableSource::parquet(&path).unwrap();
            for bad in [3, 7, 255] {
                file[level] = bad;
                std::fs::write(&path, &file).unwrap();
                let error = TableSource::parquet(&path).err().unwrap().to_string();
                let source = std::error::Error::source(&TableSource::parquet(&path).err().unwrap())
                    .map(ToString::to_string);
                let says = format!("{error}: {}", source.unwrap_or_default());
                assert!(says.contains("beyond the highest of the column, 2"), "{says}");
            }
        }
    }
}
