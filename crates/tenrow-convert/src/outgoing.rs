//! Rows of a dataset on their way into files.

use arrow_array::RecordBatch;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use tenrow::{Attribute, OnProgress, PageChecks, Progress, ReadOptions, ScanOptions, View};
use tenrow_values::{ConvertError, Result};

use crate::batch_bytes::batch_bytes;
use crate::new_file::Existing;

/// The rows of one export: which they are, how far they are, and what is said of them.
pub(crate) struct Outgoing<'a> {
    pub(crate) view: &'a View,
    /// What becomes of files that are there already.
    pub(crate) existing: Existing,
    /// What people should be told of the files.
    pub(crate) remarks: Vec<String>,
    progress: Progress,
    on_progress: &'a OnProgress,
}

impl<'a> Outgoing<'a> {
    /// The rows of `view`.
    pub(crate) fn new(view: &'a View, existing: Existing, on_progress: &'a OnProgress) -> Self {
        let (remarks, progress) = (Vec::new(), Progress::default());
        let mut outgoing = Self { view, existing, remarks, progress, on_progress };
        outgoing.scans(1);
        outgoing
    }

    /// Says how often the rows are gone over.
    pub(crate) fn scans(&mut self, count: usize) {
        self.progress.total = Some(self.row_count().saturating_mul(count as u64));
    }

    pub(crate) fn row_count(&self) -> u64 {
        self.view.row_count()
    }

    /// Counts the rows of `batch` as done.
    ///
    /// An error if the export is not to go on.
    pub(crate) async fn advance(&mut self, batch: &RecordBatch) -> Result<()> {
        self.advance_rows(batch.num_rows() as u64, batch_bytes(batch)).await
    }

    /// Counts rows, which took so many bytes, as done.
    ///
    /// An error if the export is not to go on.
    pub(crate) async fn advance_rows(&mut self, rows: u64, bytes: u64) -> Result<()> {
        self.progress.done += rows;
        self.progress.bytes += bytes;
        self.on_progress.tell(self.progress)?;
        // Local files are read without ever waiting, and whoever waits for Ctrl-C has to be asked in between.
        tokio::task::yield_now().await;
        Ok(())
    }

    /// These attributes of the rows. Of all rows every page is checked: what is damaged would look whole in the copy.
    pub(crate) fn batches(&self, attributes: &[&Attribute]) -> BoxStream<'a, Result<RecordBatch>> {
        let read = ReadOptions::default().with_attributes(attributes.iter().map(|a| &a.name));
        let read = match self.view.is_whole() {
            true => read.with_page_checks(PageChecks::Always),
            false => read,
        };
        let options = ScanOptions::default().with_read(read);
        self.view.scan_with(&options).map_err(ConvertError::from).boxed()
    }
}
