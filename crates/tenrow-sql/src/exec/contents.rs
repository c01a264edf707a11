//! The bytes of files that are objects of their own, put into the rows that name them.

use std::sync::Arc;

use arrow_array::builder::BinaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StructArray};
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use tenrow::{Error, FileColumn, Result, Snapshot};

use crate::error::of_engine;

/// Objects that are read at once.
const MAX_CONCURRENCY: usize = 8;

/// The files of `rows`, each with its bytes in its row.
///
/// # Errors
/// [`InvalidInput`](tenrow::ErrorKind::InvalidInput) if they are more than Arrow holds in one array of bytes.
pub(super) async fn fill(
    snapshot: &Snapshot,
    attribute: &str,
    files: &ArrayRef,
    rows: &[u64],
) -> Result<ArrayRef> {
    let column = snapshot.files(attribute)?;
    let Some(files) = files.as_struct_opt() else { return Ok(files.clone()) };
    let (Some(inline), Some(paths)) = (
        files.column_by_name("bytes").and_then(|bytes| bytes.as_binary_opt::<i32>()),
        files.column_by_name("path"),
    ) else {
        return Ok(Arc::new(files.clone()));
    };
    let is_outside =
        |row: &usize| files.is_valid(*row) && inline.is_null(*row) && paths.is_valid(*row);
    let outside: Vec<usize> = (0..files.len()).filter(is_outside).collect();
    if outside.is_empty() {
        return Ok(Arc::new(files.clone()));
    }
    let numbers: Vec<u64> = outside.iter().map(|&place| rows[place]).collect();
    let read: Vec<Option<Bytes>> = stream::iter(numbers)
        .map(move |row| read(column.clone(), row))
        .buffered(MAX_CONCURRENCY)
        .try_collect()
        .await?;
    let mut read = outside.iter().zip(&read).peekable();
    let mut total = 0;
    let mut bytes = BinaryBuilder::new();
    for (row, number) in rows.iter().enumerate().take(files.len()) {
        let own = inline.is_valid(row).then(|| inline.value(row));
        let fetched = read.next_if(|(place, _)| **place == row);
        let value = own.or_else(|| fetched.and_then(|(_, bytes)| bytes.as_deref()));
        total += value.map_or(0, <[u8]>::len);
        if i32::try_from(total).is_err() {
            return Err(Error::invalid(format!(
                "file_bytes: row {number} of {attribute:?} has {} bytes more, and a batch holds 2 GiB: read its file by itself",
                value.map_or(0, <[u8]>::len)
            )));
        }
        bytes.append_option(value);
    }
    with_bytes(files, Arc::new(bytes.finish())).map_err(of_engine)
}

async fn read(column: FileColumn, row: u64) -> Result<Option<Bytes>> {
    Ok(match column.get(row).await? {
        Some(file) => Some(file.read().await?),
        None => None,
    })
}

fn with_bytes(
    files: &StructArray,
    bytes: ArrayRef,
) -> std::result::Result<ArrayRef, arrow_schema::ArrowError> {
    let (fields, mut columns, nulls) = files.clone().into_parts();
    if let Some((place, _)) = fields.find("bytes") {
        columns[place] = bytes;
    }
    Ok(Arc::new(StructArray::try_new(fields, columns, nulls)?))
}
