//! What a check knows so far, and what it found.

use crate::clones::NeededOrigins;
use crate::error::{Error, Result};
use crate::progress::Progress;
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
    /// Bytes of the files that are to be checked, as manifests state them.
    pub(super) total_bytes: u64,
    /// Those that were.
    done_bytes: u64,
    /// That it is not to go on.
    stopped: Option<Error>,
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
        let (next_row_id, done_bytes, stopped) = (0, 0, None);
        Self { snapshot, options, report, needed, next_row_id, total_bytes, done_bytes, stopped }
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

    /// Notes that so many bytes of those that manifests state were checked.
    pub(super) fn advance(&mut self, bytes: u64) {
        self.done_bytes += bytes;
        self.tell();
    }

    /// Says how far the check is.
    pub(super) fn tell(&mut self) {
        if !self.is_stopped() {
            let (done, total) = (self.done_bytes, Some(self.total_bytes));
            let progress = Progress { done, total, bytes: self.report.bytes };
            self.stopped = self.options.on_progress.tell_of("verify", progress).err();
        }
    }

    /// Whether it is not to go on. Whoever goes over many things asks: what is noted from then on nobody sees.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// What was found, if all was looked at.
    pub(super) fn finish(self) -> Result<VerifyReport> {
        match self.stopped {
            None => Ok(self.report),
            Some(stopped) => Err(stopped),
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
