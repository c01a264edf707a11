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
}

#[derive(Debug, Default)]
pub(crate) struct LiveCounters {
    reads: AtomicU64,
    bytes_read: AtomicU64,
}

impl LiveCounters {
    pub(crate) fn note(&self, bytes: u64) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> Counters {
        Counters {
            reads: self.reads.load(Ordering::Relaxed),
            bytes_read: self.bytes_read.load(Ordering::Relaxed),
        }
    }
}
