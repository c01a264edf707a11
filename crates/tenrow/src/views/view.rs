//! A view, opened.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use futures::stream::{BoxStream, StreamExt, try_unfold};

use crate::blocking;
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{Version, ViewRef};
use crate::format::{checksum, decode_view_rows, limits};
use crate::read::ReadOptions;
use crate::shared_work::Once;
use crate::snapshot::Snapshot;

/// Rows that were chosen from one version, in the order and as often as they were chosen.
///
/// Places in a view are counted from 0. Cheap to clone; clones share the rows once they are read, 8 bytes each.
#[derive(Clone)]
pub struct View {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    entry: ViewRef,
    /// The version that rows are read from: the one that they were chosen in, unless another was asked for.
    snapshot: Snapshot,
    row_count: u64,
    rows: Once<Arc<[u64]>>,
}

impl View {
    /// A view of `snapshot`, which has to be the version that it was made from.
    pub(crate) fn new(name: &str, entry: ViewRef, snapshot: Snapshot) -> Result<Self> {
        let (found, expected) = (snapshot.root_checksum(), entry.input_checksum);
        if found != expected {
            return Err(Error::corrupt(
                format!("view {name:?} of {}", snapshot.storage()),
                format!(
                    "version {} has the checksum {found:016x}, the view was made from {expected:016x}",
                    entry.version
                ),
            ));
        }
        let (name, row_count, rows) = (name.to_owned(), entry.row_count, Once::default());
        Ok(Self { inner: Arc::new(Inner { name, entry, snapshot, row_count, rows }) })
    }

    /// The same rows in another version of the dataset, where there are attributes that came later, or other values.
    ///
    /// Rows are known by their ids, wherever they stand there. Costs a binary search a row.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if some of them are not there, being deleted or not yet appended:
    /// [`present_at`](Self::present_at) leaves them out; [`InvalidInput`](crate::ErrorKind::InvalidInput) if `snapshot`
    /// is of another dataset; else as [`Snapshot::rows_from`].
    pub async fn at(&self, snapshot: &Snapshot) -> Result<Self> {
        let there = self.present_at(snapshot).await?;
        match self.row_count() - there.row_count() {
            0 => Ok(there),
            missing => Err(Error::new(
                ErrorKind::NotFound,
                format!(
                    "{missing} of {} rows of view {:?} are not in version {} of {}",
                    self.row_count(),
                    self.name(),
                    snapshot.version(),
                    snapshot.storage()
                ),
            )),
        }
    }

    /// As [`at`](Self::at), without the rows that are not there.
    ///
    /// # Errors
    /// As [`Snapshot::rows_from`].
    pub async fn present_at(&self, snapshot: &Snapshot) -> Result<Self> {
        let rows = snapshot.rows_from(self.snapshot(), self.rows().await?).await?;
        let rows: Arc<[u64]> = rows.into_iter().flatten().collect();
        Ok(Self {
            inner: Arc::new(Inner {
                name: self.inner.name.clone(),
                entry: self.inner.entry.clone(),
                snapshot: snapshot.clone(),
                row_count: rows.len() as u64,
                rows: Once::from(rows),
            }),
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The version whose rows it has.
    pub fn version(&self) -> Version {
        self.snapshot().version()
    }

    /// That version, opened.
    pub fn snapshot(&self) -> &Snapshot {
        &self.inner.snapshot
    }

    /// How many rows it has.
    pub fn row_count(&self) -> u64 {
        self.inner.row_count
    }

    /// What the manifest says of it: its query, its age, its size, the version and the count of the rows chosen.
    pub fn entry(&self) -> &ViewRef {
        &self.inner.entry
    }

    /// Its rows, as numbers in its version. Read once: one request.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if its file is missing or damaged.
    pub async fn rows(&self) -> Result<&[u64]> {
        let load = || {
            let view = self.clone();
            async move { view.read_rows().await }
        };
        self.inner.rows.get_or_load(load).await.map(|rows| &rows[..])
    }

    async fn read_rows(&self) -> Result<Arc<[u64]>> {
        let (entry, snapshot) = (&self.inner.entry, &self.inner.snapshot);
        let storage = snapshot.storage();
        let bytes = storage.read(&entry.path, limits::MAX_VIEW_BYTES).await;
        let bytes = bytes.map_err(storage.missing(&entry.path))?;
        let (row_count, version_rows) = (entry.row_count, snapshot.row_count());
        let expected = entry.checksum;
        let place = storage.shown(&entry.path);
        blocking::run(move || {
            let found = checksum(&bytes);
            if found != expected {
                let reason = format!("checksum {found:016x}, its root says {expected:016x}");
                return Err(Error::corrupt(place, reason));
            }
            let rows = decode_view_rows(&bytes, row_count, version_rows);
            rows.map(Arc::from).map_err(|e| Error::format(place, e))
        })
        .await
    }

    /// The rows of the dataset at these places of the view.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if a place is out of range, else as [`Snapshot::take`].
    pub async fn take_with(&self, places: &[u64], options: &ReadOptions) -> Result<RecordBatch> {
        let all = self.rows().await?;
        let row = |&place: &u64| {
            let row = usize::try_from(place).ok().and_then(|place| all.get(place));
            row.copied().ok_or_else(|| {
                Error::invalid(format!(
                    "place {place} of view {:?}, which has {} rows",
                    self.name(),
                    all.len()
                ))
            })
        };
        let rows = places.iter().map(row).collect::<Result<Vec<u64>>>()?;
        self.snapshot().take_with(&rows, options).await
    }

    /// Its rows in batches of `batch_rows`, in its order.
    ///
    /// # Errors
    /// The stream yields an error once, and ends.
    pub fn scan_with(
        &self,
        batch_rows: usize,
        options: &ReadOptions,
    ) -> BoxStream<'static, Result<RecordBatch>> {
        let places: Range<u64> = 0..self.row_count();
        let (view, options) = (self.clone(), options.clone());
        try_unfold((view, options, places), move |(view, options, mut places)| async move {
            let end = places.end.min(places.start.saturating_add(batch_rows.max(1) as u64));
            if places.is_empty() {
                return Ok(None);
            }
            let rows = &view.rows().await?[places.start as usize..end as usize];
            let batch = view.snapshot().take_with(rows, &options).await?;
            places.start = end;
            Ok(Some((batch, (view, options, places))))
        })
        .boxed()
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View")
            .field("name", &self.name())
            .field("version", &self.version())
            .field("row_count", &self.row_count())
            .finish_non_exhaustive()
    }
}
