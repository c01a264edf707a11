//! Bounds that filters may trust.

use parquet::basic::{LogicalType, Type};
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;

use crate::error::{FormatError, Result};

/// The metadata without bounds of floats.
///
/// They pass over NaN, which is beyond every number: a row group within them may hold rows that a comparison does not
/// leave, and one outside rows that it does.
///
/// # Errors
/// [`FormatError::Parquet`] if the metadata cannot be put together again.
pub fn without_float_bounds(metadata: &ParquetMetaData) -> Result<ParquetMetaData> {
    strip(metadata).map_err(FormatError::parquet("the bounds of a footer"))
}

fn strip(metadata: &ParquetMetaData) -> ParquetResult<ParquetMetaData> {
    let columns = metadata.file_metadata().schema_descr().columns();
    let is_float = |column: usize| {
        columns.get(column).is_some_and(|column| {
            matches!(column.physical_type(), Type::FLOAT | Type::DOUBLE)
                || column.logical_type_ref() == Some(&LogicalType::Float16)
        })
    };
    let mut builder = metadata.clone().into_builder();
    let mut groups = Vec::new();
    for group in builder.take_row_groups() {
        let mut group = group.into_builder();
        let without = |(column, chunk): (usize, ColumnChunkMetaData)| match is_float(column) {
            true => chunk.into_builder().clear_statistics().build(),
            false => Ok(chunk),
        };
        let chunks = group.take_columns().into_iter().enumerate().map(without);
        let chunks = chunks.collect::<ParquetResult<_>>()?;
        groups.push(group.set_column_metadata(chunks).build()?);
    }
    let mut index = builder.take_column_index();
    for group in index.iter_mut().flatten() {
        let floats = group.iter_mut().enumerate().filter(|(column, _)| is_float(*column));
        floats.for_each(|(_, bounds)| *bounds = ColumnIndexMetaData::NONE);
    }
    Ok(builder.set_row_groups(groups).set_column_index(index).build())
}
