//! Batches in which large files stand in their rows, so that what is written stands alone.

use std::ops::Range;

use arrow_array::builder::BinaryBuilder;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::ArrowError;
use tenrow::Snapshot;
use tenrow::engine::manifest::is_large_file;
use tenrow::{AttributeType, Schema};
use tenrow_values::{ConvertError, FileArray, Result, batch_of};

/// Bytes of large files that are in memory at once, unless one alone is larger.
const FILE_BYTES_AT_ONCE: u64 = 64 << 20;

/// Ranges of rows whose files together are not too large.
pub(super) fn file_sized(batch: &RecordBatch, schema: &Schema) -> Result<Vec<Range<usize>>> {
    let files = file_columns(batch, schema)?;
    let size = |row: usize| -> u64 {
        let sizes = files.iter().filter_map(|(_, files)| large(files, row));
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
    Ok(ranges)
}

/// The batch with the bytes of large files in their rows, so that what is written stands alone.
pub(super) async fn with_files(
    snapshot: &Snapshot,
    batch: &RecordBatch,
    schema: &Schema,
) -> Result<RecordBatch> {
    let mut columns = batch.columns().to_vec();
    for (place, files) in file_columns(batch, schema)? {
        if (0..files.len()).any(|row| large(&files, row).is_some()) {
            columns[place] = filled(snapshot, files, &schema.attributes()[place].name).await?;
        }
    }
    batch_of(schema.attributes(), columns, batch.num_rows())
}

fn file_columns(batch: &RecordBatch, schema: &Schema) -> Result<Vec<(usize, FileArray)>> {
    let mut found = Vec::new();
    for (place, attribute) in schema.attributes().iter().enumerate() {
        if attribute.attribute_type == AttributeType::File {
            let files = FileArray::of(batch.column(place)).map_err(fault(&attribute.name))?;
            found.extend(files.map(|files| (place, files)));
        }
    }
    Ok(found)
}

/// Path and size of a file that is not in its row.
fn large(files: &FileArray, row: usize) -> Option<(&str, u64)> {
    let path = files.outside(row).filter(|path| is_large_file(path))?;
    Some((path, u64::try_from(files.size_bytes(row)?).unwrap_or(0)))
}

/// The files with the bytes of all of them in their rows, and none elsewhere.
async fn filled(snapshot: &Snapshot, files: FileArray, name: &str) -> Result<ArrayRef> {
    let mut bytes = BinaryBuilder::new();
    for row in 0..files.len() {
        match (large(&files, row), files.bytes(row)) {
            (Some((_, size)), _) if size > i32::MAX as u64 => {
                let reason = format!("a file of {size} bytes: export images instead");
                return Err(ConvertError::column(name, reason));
            }
            (Some((path, size)), _) => {
                bytes.append_value(snapshot.large_file(path, size).await?);
            }
            (None, Some(own)) => bytes.append_value(own),
            (None, None) => bytes.append_null(),
        }
    }
    files.with_bytes(bytes.finish()).without_paths().array().map_err(fault(name))
}

fn fault(name: &str) -> impl FnOnce(ArrowError) -> ConvertError {
    let (name, expected) = (name.to_owned(), "files".to_owned());
    move |source| ConvertError::Arrow { name, expected, source }
}
