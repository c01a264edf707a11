//! Rows of a dataset on their way into files.

use arrow_array::RecordBatch;
use futures::stream::{BoxStream, StreamExt, TryStreamExt, try_unfold};
use tenrow::format::{Attribute, AttributeType};
use tenrow::{ReadOptions, ScanOptions, Snapshot, Verify};
use tenrow_values::{ConvertError, Result};

use crate::new_file::Existing;
use crate::progress::{Progress, batch_bytes};
use crate::source::rows_per_batch;

/// The rows of one export: which they are, how far they are, and what is said of them.
pub(crate) struct Outgoing<'a> {
    pub(crate) snapshot: &'a Snapshot,
    /// What becomes of files that are there already.
    pub(crate) existing: Existing,
    /// What people should be told of the files.
    pub(crate) remarks: Vec<String>,
    pub(crate) progress: Progress,
    /// The rows in their order; all if there are none.
    rows: Option<&'a [u64]>,
    on_progress: &'a mut (dyn FnMut(Progress) + Send),
}

impl<'a> Outgoing<'a> {
    /// All rows of `snapshot`, or `rows` in the order given.
    pub(crate) fn new(
        snapshot: &'a Snapshot,
        rows: Option<&'a [u64]>,
        existing: Existing,
        on_progress: &'a mut (dyn FnMut(Progress) + Send),
    ) -> Self {
        let (remarks, progress) = (Vec::new(), Progress::default());
        let mut outgoing = Self { snapshot, existing, remarks, progress, rows, on_progress };
        outgoing.scans(1);
        outgoing
    }

    /// Says how often the rows are gone over.
    pub(crate) fn scans(&mut self, count: usize) {
        self.progress.total_rows = Some(self.row_count().saturating_mul(count as u64));
    }

    pub(crate) fn row_count(&self) -> u64 {
        self.rows.map_or(self.snapshot.row_count(), |rows| rows.len() as u64)
    }

    /// The row at a place of those that go out.
    pub(crate) fn row_at(&self, place: u64) -> u64 {
        self.rows.map_or(place, |rows| rows[place as usize])
    }

    /// Counts the rows of `batch` as done, and reports.
    pub(crate) async fn advance(&mut self, batch: &RecordBatch) {
        self.progress.rows += batch.num_rows() as u64;
        self.progress.bytes += batch_bytes(batch);
        self.report().await;
    }

    pub(crate) async fn report(&mut self) {
        (self.on_progress)(self.progress);
        // Local files are read without ever waiting, and whoever waits for Ctrl-C has to be asked in between.
        tokio::task::yield_now().await;
    }

    /// These attributes of the rows. Of all rows every page is checked: what is damaged would look whole in the copy.
    pub(crate) fn batches(&self, attributes: &[&Attribute]) -> BoxStream<'a, Result<RecordBatch>> {
        let read = ReadOptions::default().with_attributes(attributes.iter().map(|a| &a.name));
        let Some(rows) = self.rows else {
            let options = ScanOptions::default().with_read(read.with_verify(Verify::Always));
            return self.snapshot.scan_with(&options).map_err(ConvertError::from).boxed();
        };
        let row_bytes = attributes.iter().map(|a| row_bytes(a)).sum();
        let step = rows_per_batch(row_bytes) as usize;
        let snapshot = self.snapshot;
        try_unfold((rows, read), move |(rows, read)| async move {
            if rows.is_empty() {
                return Ok(None);
            }
            let (now, later) = rows.split_at(step.min(rows.len()));
            let batch = snapshot.take_with(now, &read).await?;
            Ok(Some((batch, (later, read))))
        })
        .boxed()
    }
}

/// Bytes that a row is likely to have; for files, those that are kept in their row at most.
fn row_bytes(attribute: &Attribute) -> u64 {
    match &attribute.attribute_type {
        AttributeType::Tensor { dtype, shape } => shape.byte_len(*dtype).unwrap_or(u64::MAX >> 16),
        AttributeType::Scalar(_) => 8,
        AttributeType::File => 1 << 20,
        _ => 1 << 10,
    }
}
