//! The bytes of files that are objects of their own, put into the rows that name them.

use arrow_array::ArrayRef;
use arrow_array::builder::BinaryBuilder;
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use tenrow::{Error, FileColumn, Result, Snapshot};
use tenrow_values::FileArray;

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
    let column = snapshot.file_column(attribute)?;
    let found = FileArray::of(files).map_err(of_engine)?;
    let Some(found) = found.filter(FileArray::has_bytes) else { return Ok(files.clone()) };
    let outside: Vec<usize> =
        (0..found.len()).filter(|&row| found.outside(row).is_some()).collect();
    if outside.is_empty() {
        return Ok(files.clone());
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
    for (row, number) in rows.iter().enumerate().take(found.len()) {
        let fetched = read.next_if(|(place, _)| **place == row);
        let value = found.bytes(row).or_else(|| fetched.and_then(|(_, bytes)| bytes.as_deref()));
        total += value.map_or(0, <[u8]>::len);
        if i32::try_from(total).is_err() {
            return Err(Error::invalid(format!(
                "file_bytes: row {number} of {attribute:?} has {} bytes more, and a batch holds 2 GiB: read its file by itself",
                value.map_or(0, <[u8]>::len)
            )));
        }
        bytes.append_option(value);
    }
    let filled = found.clone().with_bytes(bytes.finish()).array();
    filled.map_err(of_engine)
}

async fn read(column: FileColumn, row: u64) -> Result<Option<Bytes>> {
    Ok(match column.get(row).await? {
        Some(file) => Some(file.read().await?),
        None => None,
    })
}
