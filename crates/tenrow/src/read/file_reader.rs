//! Where the bytes of columns come from.

use std::ops::Range;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::format::FormatError;
use crate::read::options::{PageChecks, ReadOptions};
use crate::snapshot::{OpenFile, slice_map};
use crate::storage::{CoalesceOptions, Storage};

/// A file to read from, and how.
#[derive(Clone, Copy)]
pub(crate) struct FileReader<'a> {
    storage: &'a Storage,
    file: &'a OpenFile,
    options: &'a ReadOptions,
}

impl<'a> FileReader<'a> {
    pub(crate) fn new(storage: &'a Storage, file: &'a OpenFile, options: &'a ReadOptions) -> Self {
        Self { storage, file, options }
    }

    pub(crate) async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        self.file.read(self.storage, range).await
    }

    /// The bytes of each range; neighbours are fetched together.
    pub(crate) async fn read_many(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        if let Some(map) = self.file.map(self.storage)? {
            let cut = |range: &Range<u64>| {
                self.storage.note_mapped_read(range.end.saturating_sub(range.start));
                slice_map(map, range).ok_or_else(|| {
                    self.damaged(format!("bytes {range:?} are needed of {}", map.len()))
                })
            };
            return ranges.iter().map(cut).collect();
        }
        let coalesce = CoalesceOptions::default()
            .with_max_gap_bytes(self.options.max_gap_bytes)
            .with_max_concurrency(self.options.max_concurrency);
        self.file.read_ranges(self.storage, ranges, &coalesce).await
    }

    /// When to compare checksums, the default of the store applied.
    pub(crate) fn page_checks(&self) -> Result<PageChecks> {
        Ok(match self.options.page_checks {
            Some(checks) => checks,
            None if self.file.map(self.storage)?.is_some() => PageChecks::Never,
            None => PageChecks::Fetched,
        })
    }

    /// Whether pages that are read whole anyway are to be checked.
    pub(crate) fn checks_whole_pages(&self) -> Result<bool> {
        Ok(self.page_checks()? != PageChecks::Never)
    }

    /// Makes values of what was read; the time counts.
    pub(crate) fn decoding<T>(&self, decode: impl FnOnce() -> Result<T, FormatError>) -> Result<T> {
        self.storage.decoding(decode).map_err(|e| self.corrupt(e))
    }

    pub(crate) fn corrupt(&self, error: FormatError) -> Error {
        self.storage.distrust(&self.file.entry().path);
        Error::format(self.name(), error)
    }

    pub(crate) fn damaged(&self, reason: String) -> Error {
        self.storage.distrust(&self.file.entry().path);
        Error::corrupt(self.name(), reason)
    }

    fn name(&self) -> String {
        self.file.shown(self.storage)
    }
}
