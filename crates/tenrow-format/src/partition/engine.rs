//! A footer as query engines may trust it: without the bounds that mislead them, and with the ids of the manifest.

use std::collections::HashSet;

use arrow_schema::Schema;
use parquet::arrow::{ARROW_SCHEMA_META_KEY, encode_arrow_schema, parquet_to_arrow_schema};
use parquet::basic::{LogicalType, Type};
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataBuilder,
};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::schema::types::SchemaDescriptor;

use crate::error::{FormatError, Result};
use crate::guard::guarded;
use crate::manifest::DataFile;
use crate::schema::{FIELD_ID_KEY, FieldId};

const WHAT: &str = "the footer of a file";

/// The footer of `file`, as an engine may trust it.
///
/// Floats have no bounds: these pass over NaN, which is beyond every number, so that a row group within them may hold rows
/// that a comparison does not leave, and one outside rows that it does.
///
/// Its Arrow fields have the ids that the leaf gives their columns: what the file says is of the schema that it was written
/// for, and that may be another dataset's.
///
/// # Errors
/// [`FormatError::Parquet`] if the metadata cannot be put together again.
pub fn footer_for_engines(metadata: &ParquetMetaData, file: &DataFile) -> Result<ParquetMetaData> {
    // The decoder of Arrow schemas trusts what it reads; engines decode it once more, unguarded.
    guarded(WHAT, || rebuilt(metadata, file).map_err(FormatError::parquet(WHAT)))
}

/// The Arrow schema of a file, with the metadata of its fields.
///
/// # Errors
/// [`FormatError::Parquet`] or [`FormatError::Malformed`] if there is none: its decoder trusts what it reads, and gives up.
pub fn arrow_schema_of(footer: &FileMetaData) -> Result<Schema> {
    const WHAT: &str = "the Arrow schema of a file";
    guarded(WHAT, || {
        parquet_to_arrow_schema(footer.schema_descr(), footer.key_value_metadata())
            .map_err(FormatError::parquet(WHAT))
    })
}

fn rebuilt(metadata: &ParquetMetaData, file: &DataFile) -> ParquetResult<ParquetMetaData> {
    let mut old = metadata.clone().into_builder();
    let mut index = old.take_column_index();
    let builder = ParquetMetaDataBuilder::new(with_ids(metadata.file_metadata(), file)?)
        .set_offset_index(old.take_offset_index());
    let columns = metadata.file_metadata().schema_descr().columns();
    let is_float = |column: usize| {
        columns.get(column).is_some_and(|column| {
            matches!(column.physical_type(), Type::FLOAT | Type::DOUBLE)
                || column.logical_type_ref() == Some(&LogicalType::Float16)
        })
    };
    let mut groups = Vec::new();
    for group in old.take_row_groups() {
        let mut group = group.into_builder();
        let without = |(column, chunk): (usize, ColumnChunkMetaData)| match is_float(column) {
            true => chunk.into_builder().clear_statistics().build(),
            false => Ok(chunk),
        };
        let chunks = group.take_columns().into_iter().enumerate().map(without);
        let chunks = chunks.collect::<ParquetResult<_>>()?;
        groups.push(group.set_column_metadata(chunks).build()?);
    }
    for group in index.iter_mut().flatten() {
        let floats = group.iter_mut().enumerate().filter(|(column, _)| is_float(*column));
        floats.for_each(|(_, bounds)| *bounds = ColumnIndexMetaData::NONE);
    }
    Ok(builder.set_row_groups(groups).set_column_index(index).build())
}

/// The same, with the ids that the leaf gives to its top-level columns; one that is no attribute has none.
fn with_ids(footer: &FileMetaData, file: &DataFile) -> ParquetResult<FileMetaData> {
    let arrow = parquet_to_arrow_schema(footer.schema_descr(), footer.key_value_metadata())?;
    let ids = ids_of_roots(footer.schema_descr(), file);
    if ids == written_ids(footer.schema_descr()) {
        return Ok(footer.clone());
    }
    let fields = arrow.fields().iter().zip(ids).map(|(field, id)| {
        let mut metadata = field.metadata().clone();
        metadata.remove(FIELD_ID_KEY);
        metadata.extend(id.map(|id| (FIELD_ID_KEY.to_owned(), id.0.to_string())));
        field.as_ref().clone().with_metadata(metadata)
    });
    let arrow = Schema::new(fields.collect::<Vec<_>>());
    let mut pairs = footer.key_value_metadata().cloned().unwrap_or_default();
    pairs.retain(|pair| pair.key != ARROW_SCHEMA_META_KEY);
    pairs.push(KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), encode_arrow_schema(&arrow)));
    Ok(FileMetaData::new(
        footer.version(),
        footer.num_rows(),
        footer.created_by().map(str::to_owned),
        Some(pairs),
        footer.schema_descr_ptr(),
        footer.column_orders().cloned(),
    ))
}

/// The attribute of each top-level column: what is listed counts above what the file says.
fn ids_of_roots(schema: &SchemaDescriptor, file: &DataFile) -> Vec<Option<FieldId>> {
    let written = written_ids(schema);
    let mut ids = vec![None; written.len()];
    for chunk in file.chunks.iter().filter(|chunk| (chunk.column as usize) < schema.num_columns()) {
        ids[schema.get_column_root_idx(chunk.column as usize)] = Some(chunk.field);
    }
    let listed: HashSet<FieldId> = file.chunks.iter().map(|chunk| chunk.field).collect();
    for field in file.field_ids.iter().filter(|field| !listed.contains(field)) {
        let root = written.iter().position(|id| *id == Some(*field));
        if let Some(id) = root.and_then(|root| ids.get_mut(root)) {
            id.get_or_insert(*field);
        }
    }
    ids
}

/// The ids that the file itself says.
fn written_ids(schema: &SchemaDescriptor) -> Vec<Option<FieldId>> {
    let roots = schema.root_schema().get_fields().iter().map(|root| root.get_basic_info());
    let id = |id: i32| u32::try_from(id).ok().map(FieldId);
    roots.map(|root| root.has_id().then(|| root.id()).and_then(id)).collect()
}
