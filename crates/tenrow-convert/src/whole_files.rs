//! Batches in which large files stand in their rows, so that what is written stands alone.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::BinaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray, StructArray, new_null_array};
use arrow_schema::DataType;
use tenrow::format::manifest::is_large_file;
use tenrow::format::{AttributeType, Schema};
use tenrow::{Error, Snapshot};

use crate::error::{ConvertError, Result};
use crate::source::batch_of;

/// Bytes of large files that are in memory at once, unless one alone is larger.
const FILE_BYTES_AT_ONCE: u64 = 64 << 20;

/// Ranges of rows whose files together are not too large.
pub(crate) fn file_sized(batch: &RecordBatch, schema: &Schema) -> Vec<Range<usize>> {
    let files = file_columns(batch, schema);
    let size = |row: usize| -> u64 {
        let sizes = files.iter().filter_map(|(_, file)| file.external(row));
        sizes.fold(0, |sum, (_, size)| sum.saturating_add(size))
    };
    let (mut ranges, mut start, mut bytes) = (Vec::new(), 0, 0u64);
    for row in 0..batch.num_rows() {
        let row_bytes = size(row);
        if row > start && bytes.saturating_add(row_bytes) > FILE_BYTES_AT_ONCE {
            ranges.push(start..row);
            (start, bytes) = (row, 0);
        }
        bytes = bytes.saturating_add(row_bytes);
    }
    ranges.push(start..batch.num_rows());
    ranges
}

/// The batch with the bytes of large files in their rows, so that what is written stands alone.
pub(crate) async fn with_files(
    snapshot: &Snapshot,
    batch: &RecordBatch,
    schema: &Schema,
) -> Result<RecordBatch> {
    let mut columns = batch.columns().to_vec();
    for (place, file) in file_columns(batch, schema) {
        if (0..batch.num_rows()).any(|row| file.external(row).is_some()) {
            columns[place] = file.filled(snapshot, &schema.attributes()[place].name).await?;
        }
    }
    batch_of(schema.attributes(), columns, batch.num_rows())
}

fn file_columns<'a>(batch: &'a RecordBatch, schema: &Schema) -> Vec<(usize, FileRows<'a>)> {
    let attributes = schema.attributes().iter().enumerate();
    let files = attributes.filter(|(_, a)| a.attribute_type == AttributeType::File);
    files.filter_map(|(i, _)| Some((i, FileRows(batch.column(i).as_struct_opt()?)))).collect()
}

/// A column of files.
struct FileRows<'a>(&'a StructArray);

impl FileRows<'_> {
    /// Path and size of a file that is not in its row.
    fn external(&self, row: usize) -> Option<(&str, u64)> {
        let column = |name| self.0.column_by_name(name);
        let path: &StringArray = column("path")?.as_string_opt::<i32>()?;
        let sizes = column("size_bytes")?.as_primitive_opt::<Int64Type>()?;
        let is_external = self.0.is_valid(row)
            && column("bytes")?.is_null(row)
            && path.is_valid(row)
            && is_large_file(path.value(row))
            && sizes.is_valid(row);
        is_external.then(|| (path.value(row), u64::try_from(sizes.value(row)).unwrap_or(0)))
    }

    async fn filled(&self, snapshot: &Snapshot, name: &str) -> Result<ArrayRef> {
        let fault = |source| ConvertError::Arrow {
            name: name.to_owned(),
            expected: "files".into(),
            source,
        };
        let wrong = || Error::corrupt(format!("attribute {name:?}"), "it is no column of files");
        let bytes = self.0.column_by_name("bytes").and_then(|b| b.as_binary_opt::<i32>());
        let bytes = bytes.ok_or_else(wrong)?;
        let mut filled = BinaryBuilder::new();
        for row in 0..self.0.len() {
            match self.external(row) {
                Some((_, size)) if size > i32::MAX as u64 => {
                    let reason = format!("a file of {size} bytes: export images instead");
                    return Err(ConvertError::column(name, reason));
                }
                Some((path, size)) => {
                    filled.append_value(snapshot.large_file(path, size).await?);
                }
                None if bytes.is_valid(row) => filled.append_value(bytes.value(row)),
                None => filled.append_null(),
            }
        }
        let (fields, mut columns, nulls) = self.0.clone().into_parts();
        for (field, column) in fields.iter().zip(&mut columns) {
            match field.name().as_str() {
                "bytes" => *column = Arc::new(filled.finish()),
                "path" => *column = new_null_array(&DataType::Utf8, self.0.len()),
                _ => {}
            }
        }
        Ok(Arc::new(StructArray::try_new(fields, columns, nulls).map_err(fault)?))
    }
}
