//! Rows of a view: those of its version, by places.

use std::ops::Range;

use arrow_array::RecordBatch;
use futures::stream::{self, StreamExt, TryStreamExt, try_unfold};

use crate::error::Result;
use crate::format::{Attribute, AttributeType};
use crate::read::options::ReadOptions;
use crate::read::scan::{BatchStream, ScanOptions, parts_ahead};
use crate::view::{Part, View};

/// Bytes of a batch of a list of rows, about, where nobody says how many rows it has.
const BATCH_BYTES: u64 = 8 << 20;
/// Rows of such a batch at most.
const MAX_BATCH_ROWS: u64 = 8192;

impl View {
    /// The row at a place, as a batch of one.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub async fn get(&self, place: u64) -> Result<RecordBatch> {
        self.take(&[place]).await
    }

    /// The rows at these places, in the order asked.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if a place is out of range, else as [`Snapshot::take`](crate::Snapshot::take).
    pub async fn take(&self, places: &[u64]) -> Result<RecordBatch> {
        self.take_with(places, &ReadOptions::default()).await
    }

    /// [`take`](Self::take) with options.
    ///
    /// # Errors
    /// As [`take`](Self::take), and as [`Snapshot::take_with`](crate::Snapshot::take_with).
    pub async fn take_with(&self, places: &[u64], options: &ReadOptions) -> Result<RecordBatch> {
        let rows = self.rows_at(places).await?;
        self.snapshot().take_with(&rows, options).await
    }

    /// The rows at consecutive places.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub async fn slice(&self, places: Range<u64>) -> Result<RecordBatch> {
        self.slice_with(places, &ReadOptions::default()).await
    }

    /// [`slice`](Self::slice) with options.
    ///
    /// # Errors
    /// As [`take_with`](Self::take_with).
    pub async fn slice_with(
        &self,
        places: Range<u64>,
        options: &ReadOptions,
    ) -> Result<RecordBatch> {
        match self.part(places).await? {
            Part::Range(rows) => self.snapshot().slice_with(rows, options).await,
            Part::List(rows) => self.snapshot().take_with(rows, options).await,
        }
    }

    /// All its rows, batch by batch, in its order.
    ///
    /// # Errors
    /// The stream yields an error once, and ends.
    pub fn scan(&self) -> BatchStream {
        self.scan_with(&ScanOptions::default())
    }

    /// [`scan`](Self::scan) with options, whose rows are places.
    ///
    /// Consecutive rows are read as by [`Snapshot::scan_with`](crate::Snapshot::scan_with). Of a list each batch is read at once, of about 8 MiB if
    /// nothing else is asked for; what is far away is fetched ahead.
    ///
    /// # Errors
    /// As [`scan`](Self::scan).
    pub fn scan_with(&self, options: &ScanOptions) -> BatchStream {
        let (view, options) = (self.clone(), options.clone());
        stream::once(async move {
            let places = options.rows.clone().unwrap_or(0..view.row_count());
            match view.part(places.clone()).await? {
                Part::Range(rows) => Ok(view.snapshot().scan_with(&options.with_rows(rows))),
                Part::List(_) => scan_list(view.clone(), places, options),
            }
        })
        .try_flatten()
        .boxed()
    }
}

/// Consecutive places of a view that is a list.
fn scan_list(view: View, places: Range<u64>, mut options: ScanOptions) -> Result<BatchStream> {
    let attributes: Vec<Attribute> =
        options.read.resolve(view.snapshot())?.into_iter().cloned().collect();
    let batch_rows = *options.batch_rows.get_or_insert_with(|| batch_rows(&attributes));
    let ahead = parts_ahead(view.snapshot(), &attributes, &options);
    let end = places.end;
    let starts = places.step_by(batch_rows);
    let read = move |start: u64| {
        let (view, read) = (view.clone(), options.read.clone());
        async move {
            let places = start..end.min(start.saturating_add(batch_rows as u64));
            view.slice_with(places, &read).await
        }
    };
    let batches = stream::iter(starts).map(read).buffered(ahead).boxed();
    // Nothing comes after an error.
    Ok(try_unfold(batches, |mut batches| async move {
        Ok(batches.try_next().await?.map(|batch| (batch, batches)))
    })
    .boxed())
}

/// Rows of a batch of about [`BATCH_BYTES`]; of what differs from row to row, what a row is likely to have, and of files what
/// is kept in their rows at most.
fn batch_rows(attributes: &[Attribute]) -> usize {
    let row_bytes = attributes.iter().map(|attribute| match &attribute.attribute_type {
        AttributeType::Tensor { dtype, shape } => shape.byte_len(*dtype).unwrap_or(u64::MAX),
        AttributeType::Scalar(_) => 8,
        AttributeType::File => 1 << 20,
        _ => 1 << 10,
    });
    let row_bytes = row_bytes.fold(0, u64::saturating_add);
    (BATCH_BYTES / row_bytes.max(1)).clamp(1, MAX_BATCH_ROWS) as usize
}
