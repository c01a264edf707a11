//! The rows of a view in its file: `spec/manifest.md`, "View".

use std::sync::Arc;

use crate::blocking;
use crate::error::{Error, Result};
use crate::format::manifest::ViewRef;
use crate::format::{checksum, decode_view_rows, limits};
use crate::shared_work::Once;
use crate::snapshot::Snapshot;
use crate::view::row_numbers::RowNumbers;

/// The rows of a view that a version keeps; read when they are first asked for.
pub(super) struct KeptRows {
    snapshot: Snapshot,
    entry: ViewRef,
    read: Once<Arc<RowNumbers>>,
}

impl KeptRows {
    pub(super) fn new(snapshot: Snapshot, entry: ViewRef) -> Self {
        Self { snapshot, entry, read: Once::default() }
    }

    pub(super) fn row_count(&self) -> u64 {
        self.entry.row_count
    }

    pub(super) async fn numbers(self: &Arc<Self>) -> Result<&RowNumbers> {
        let load = || {
            let rows = Arc::clone(self);
            async move { rows.load().await }
        };
        self.read.get_or_load(load).await.map(|rows| &**rows)
    }

    async fn load(&self) -> Result<Arc<RowNumbers>> {
        let (entry, snapshot) = (&self.entry, &self.snapshot);
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
            let rows = rows.map_err(|e| Error::format(place, e))?;
            Ok(Arc::new(RowNumbers::from(rows)))
        })
        .await
    }
}
