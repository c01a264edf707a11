//! What a check knows so far, and what it found.

use crate::clones::NeededOrigins;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::verify::{Fault, VerifyOptions, VerifyReport};

/// Faults after which a check stops looking for more.
const MAX_FAULTS: usize = 100;

pub(super) struct Check {
    pub(super) snapshot: Snapshot,
    pub(super) options: VerifyOptions,
    pub(super) report: VerifyReport,
    /// The origins that the newest version needs.
    pub(super) needed: NeededOrigins,
    /// The next stable row id that a row may have.
    pub(super) next_row_id: u64,
    pub(super) total_bytes: u64,
}

impl Check {
    pub(super) fn new(snapshot: Snapshot, options: VerifyOptions) -> Self {
        let report = VerifyReport {
            version: snapshot.version().0,
            rows: snapshot.row_count(),
            ..VerifyReport::default()
        };
        let total_bytes = snapshot.size_bytes();
        let needed = NeededOrigins::default();
        Self { snapshot, options, report, needed, next_row_id: 0, total_bytes }
    }

    pub(super) fn fault(&mut self, path: &str, row: Option<u64>, error: Error) {
        self.note(path, row, error.chain());
    }

    pub(super) fn note(&mut self, path: &str, row: Option<u64>, message: String) {
        if self.report.faults.len() < MAX_FAULTS {
            self.report.faults.push(Fault { path: path.to_owned(), row, message });
        }
    }

    /// Notes a fault unless `holds`.
    pub(super) fn ensure(
        &mut self,
        holds: bool,
        path: &str,
        row: Option<u64>,
        message: impl FnOnce() -> String,
    ) {
        if !holds {
            self.note(path, row, message());
        }
    }

    pub(super) fn progress(&mut self, bytes: u64) {
        self.report.bytes += bytes;
        if let Some(on_progress) = &mut self.options.on_progress {
            on_progress(self.report.bytes, self.total_bytes);
        }
    }

    /// Notes a fault unless the object is there, and has so many bytes.
    pub(super) async fn has_size(&mut self, path: &str, expected: u64, row: Option<u64>) {
        let storage = self.snapshot.storage();
        match storage.size(path).await.map_err(storage.missing(path)) {
            Ok(found) => self.ensure(found == expected, path, row, || {
                format!("{found} bytes, but its manifest says {expected}")
            }),
            Err(error) => self.fault(path, row, error),
        }
    }

    /// Where the newest root is.
    pub(super) fn root_path(&self) -> String {
        crate::format::layout::root_path(self.snapshot.version())
    }
}
