//! How much was read, so that tests can assert it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

tokio::task_local! {
    /// Those of the meter under which this runs.
    pub(super) static CURRENT: Arc<LiveCounters>;
}

/// What a storage has read since it was opened.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/counters", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// let before = snapshot.storage().counters();
/// snapshot.take(&[1]).await?;
/// let read = snapshot.storage().counters().since(&before);
/// assert!(read.reads > 0 && read.bytes_read > 0);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
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
    /// Time spent on making values of stored bytes, summed over threads: none for raw attributes, whose bytes are values.
    pub decode_time: Duration,
}

impl Counters {
    /// What was read since `earlier`, counters of the same storage.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            reads: self.reads.saturating_sub(earlier.reads),
            bytes_read: self.bytes_read.saturating_sub(earlier.bytes_read),
            requests: self.requests.saturating_sub(earlier.requests),
            retries: self.retries.saturating_sub(earlier.retries),
            cache_hits: self.cache_hits.saturating_sub(earlier.cache_hits),
            cache_misses: self.cache_misses.saturating_sub(earlier.cache_misses),
            decode_time: self.decode_time.saturating_sub(earlier.decode_time),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct LiveCounters {
    reads: AtomicU64,
    bytes_read: AtomicU64,
    requests: AtomicU64,
    retries: AtomicU64,
    cache_hits: AtomicU64,
    cache_misses: AtomicU64,
    decode_ns: AtomicU64,
}

impl LiveCounters {
    pub(crate) fn note(&self, bytes: u64) {
        self.add(|counters| &counters.reads, 1);
        self.add(|counters| &counters.bytes_read, bytes);
        tracing::trace!(bytes, "read");
    }

    pub(crate) fn note_request(&self, is_failure: bool) {
        self.add(|counters| &counters.requests, 1);
        self.add(|counters| &counters.retries, u64::from(is_failure));
    }

    pub(crate) fn note_hits(&self, blocks: u64) {
        self.add(|counters| &counters.cache_hits, blocks);
        tracing::trace!(blocks, "found in the cache");
    }

    pub(crate) fn note_misses(&self, blocks: u64) {
        self.add(|counters| &counters.cache_misses, blocks);
        tracing::trace!(blocks, "not in the cache");
    }

    /// Does it, and adds the time that it took.
    pub(crate) fn decoding<T>(&self, decode: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let decoded = decode();
        let taken = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.add(|counters| &counters.decode_ns, taken);
        decoded
    }

    /// Adds here, and where the meter under which this runs counts.
    fn add(&self, counter: fn(&Self) -> &AtomicU64, amount: u64) {
        counter(self).fetch_add(amount, Ordering::Relaxed);
        also(|metered| _ = counter(metered).fetch_add(amount, Ordering::Relaxed));
    }

    pub(crate) fn snapshot(&self) -> Counters {
        Counters {
            reads: self.reads.load(Ordering::Relaxed),
            bytes_read: self.bytes_read.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            cache_hits: self.cache_hits.load(Ordering::Relaxed),
            cache_misses: self.cache_misses.load(Ordering::Relaxed),
            decode_time: Duration::from_nanos(self.decode_ns.load(Ordering::Relaxed)),
        }
    }
}

/// The future, counted by the meter under which it was made, wherever it is polled.
pub(super) fn carried<F: Future>(future: F) -> impl Future<Output = F::Output> + use<F> {
    let counters = CURRENT.try_with(Arc::clone).ok();
    async move {
        match counters {
            Some(counters) => CURRENT.scope(counters, future).await,
            None => future.await,
        }
    }
}

/// Adds to the counters of the meter under which this runs, if there is one.
fn also(note: impl FnOnce(&LiveCounters)) {
    // Outside of a meter there is nothing to add to.
    let _ = CURRENT.try_with(|counters| note(counters));
}
