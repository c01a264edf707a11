//! Reading rows: by number, by range, by scan.
//!
//! ```text
//! rows ─► resolve: leaf, partition, row     ─► ColumnReader: pages ─► exact ranges
//!      ─► FileReader: map, or ranged reads, the only I/O          ─► Arrow arrays in the order asked
//! ```

mod options;
mod arrays;
mod file_reader;
mod fixed;
mod listed;
mod paged;
mod column;
mod rows;
mod row_ids;
mod scan;
mod view;
mod tensor_column;
mod file_column;
mod element_stream;
mod placed;

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use futures::future::try_join_all;

use crate::error::Result;
use crate::format::Attribute;
use crate::snapshot::{LoadedPartition, Snapshot};
pub(crate) use arrays::unfit;
pub(crate) use column::ColumnReader;
pub use element_stream::ElementStream;
pub use file_column::{FileColumn, FileHandle};
pub use options::{PageChecks, ReadOptions};
pub use placed::PlacedPartition;
pub use scan::{BatchStream, ScanOptions};
pub use tensor_column::{TensorColumn, Tensors};

impl Snapshot {
    /// The row numbered `row`, as a batch of one.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if there is no such row;
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if stored bytes contradict each other.
    pub async fn get(&self, row: u64) -> Result<RecordBatch> {
        self.take(&[row]).await
    }

    /// These rows, in the order asked; a row asked for twice is there twice.
    ///
    /// Peak memory is about twice the result.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn take(&self, rows: &[u64]) -> Result<RecordBatch> {
        self.take_with(rows, &ReadOptions::default()).await
    }

    /// [`take`](Self::take) with options.
    ///
    /// # Errors
    /// As [`get`](Self::get), and [`NotFound`](crate::ErrorKind::NotFound) for an unknown attribute.
    pub async fn take_with(&self, rows: &[u64], options: &ReadOptions) -> Result<RecordBatch> {
        let taken = self.taken(rows, options).await;
        self.explained(taken).await
    }

    async fn taken(&self, rows: &[u64], options: &ReadOptions) -> Result<RecordBatch> {
        let attributes = options.resolve(self)?;
        let resolved = self.resolve(rows).await?;
        // Futures made in a loop, not by a closure: of a closure's, rustc cannot see that they are `Send`.
        let mut columns = Vec::with_capacity(attributes.len());
        for &attribute in &attributes {
            columns.push(async {
                match self.gather(attribute, &resolved, options)? {
                    Some(column) => Ok(column),
                    None => self.take_column(attribute, &resolved, options).await,
                }
            });
        }
        let columns = try_join_all(columns).await?;
        batch(self, attributes.into_iter(), columns, rows.len())
    }

    /// The rows of `rows`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn slice(&self, rows: Range<u64>) -> Result<RecordBatch> {
        self.slice_with(rows, &ReadOptions::default()).await
    }

    /// [`slice`](Self::slice) with options.
    ///
    /// # Errors
    /// As [`take_with`](Self::take_with).
    pub async fn slice_with(&self, rows: Range<u64>, options: &ReadOptions) -> Result<RecordBatch> {
        let sliced = self.sliced(rows, options).await;
        self.explained(sliced).await
    }

    async fn sliced(&self, rows: Range<u64>, options: &ReadOptions) -> Result<RecordBatch> {
        let attributes = options.resolve(self)?;
        let row_count = rows.end.saturating_sub(rows.start) as usize;
        let mut columns = Vec::with_capacity(attributes.len());
        for &attribute in &attributes {
            columns.push(self.slice_column(attribute, rows.clone(), options));
        }
        let columns = try_join_all(columns).await?;
        batch(self, attributes.into_iter(), columns, row_count)
    }

    pub(crate) async fn slice_column(
        &self,
        attribute: &Attribute,
        rows: Range<u64>,
        options: &ReadOptions,
    ) -> Result<ArrayRef> {
        if rows.end > self.row_count() {
            return Err(self.out_of_range(rows.end - 1));
        }
        let mut parts = Vec::new();
        let mut at = rows.start;
        while at < rows.end {
            let (partition, range) = self.locate(at).await?;
            let end = rows.end.min(range.end);
            let live = at - range.start..end - range.start;
            if !parts.is_empty() {
                tokio::task::yield_now().await;
            }
            parts.push(live_rows(self, attribute, partition, live, options).await?);
            at = end;
        }
        arrays::concat(&attribute.attribute_type.arrow_type(), parts)
    }
}

/// One attribute of rows of a partition's files, deleted ones included.
pub(crate) async fn partition_rows(
    snapshot: &Snapshot,
    attribute: &Attribute,
    partition: &LoadedPartition,
    rows: &Range<u64>,
    options: &ReadOptions,
) -> Result<ArrayRef> {
    ColumnReader::new(snapshot, attribute, partition, options).read_range(rows.clone()).await
}

/// One attribute of live rows of a partition.
pub(crate) async fn live_rows(
    snapshot: &Snapshot,
    attribute: &Attribute,
    partition: &LoadedPartition,
    live: Range<u64>,
    options: &ReadOptions,
) -> Result<ArrayRef> {
    let rows = snapshot.file_rows(partition, live).await?;
    ColumnReader::new(snapshot, attribute, partition, options).read_ranges(&rows).await
}

/// Columns as a batch whose fields are those of the attributes.
fn batch<'a>(
    snapshot: &Snapshot,
    attributes: impl ExactSizeIterator<Item = &'a Attribute>,
    columns: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch> {
    let whole = snapshot.arrow_schema();
    let positions = attributes.filter_map(|attribute| snapshot.schema().position(&attribute.name));
    let positions: Vec<usize> = positions.collect();
    let schema = match positions.iter().copied().eq(0..whole.fields().len()) {
        true => whole.clone(),
        false => Arc::new(whole.project(&positions).map_err(arrays::unfit)?),
    };
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema, columns, &options).map_err(arrays::unfit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReadOptions;

    /// Once, `take` could not be given to `tokio::spawn`.
    #[test]
    fn reads_can_be_sent_to_other_threads() {
        fn is_send<T: Send>(_: fn(Snapshot, ReadOptions) -> T) {}
        is_send(|s, o| async move { s.take_with(&[1], &o).await });
        is_send(|s, o| async move { s.slice_with(0..1, &o).await });
        is_send(|s, _| async move { s.tensor_column("x")?.get(1).await });
        is_send(|s, _| async move { s.tensor_column("x")?.take(&[1]).await });
        is_send(|s, _| async move { s.file_column("x")?.bytes(1).await });
    }
}
