//! How much was read, so that tests can assert it.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a storage has read since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Reads of objects, listings included.
    pub reads: u64,
    /// Bytes asked for by these reads; listings count none.
    pub bytes_read: u64,
    /// Requests sent to a remote store, for whatever purpose, those that failed included.
    pub requests: u64,
    /// Requests that failed in a way after which they are sent again.
    pub retries: u64,
    /// Blocks that were found in the cache.
    pub cache_hits: u64,
    /// Blocks that had to be fetched for the cache.
    pub cache_misses: u64,
}

#[derive(Debug, Default)]
pub(crate) struct LiveCounters {
    reads: AtomicU64,
    bytes_read: AtomicU64,
    requests: AtomicU64,
    retries: AtomicU64,
    cache_hits: AtomicU64,
    cache_misses: AtomicU64,
}

impl LiveCounters {
    pub(crate) fn note(&self, bytes: u64) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn note_request(&self, is_failure: bool) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.retries.fetch_add(u64::from(is_failure), Ordering::Relaxed);
    }

    pub(crate) fn note_hits(&self, blocks: u64) {
        self.cache_hits.fetch_add(blocks, Ordering::Relaxed);
    }

    pub(crate) fn note_misses(&self, blocks: u64) {
        self.cache_misses.fetch_add(blocks, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> Counters {
        Counters {
            reads: self.reads.load(Ordering::Relaxed),
            bytes_read: self.bytes_read.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            cache_hits: self.cache_hits.load(Ordering::Relaxed),
            cache_misses: self.cache_misses.load(Ordering::Relaxed),
        }
    }
}
