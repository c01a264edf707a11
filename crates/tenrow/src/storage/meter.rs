//! What a part of a program reads, apart from the others that read the same storage.

use std::sync::Arc;
use std::task::Poll;

use futures::stream::{self, Stream, StreamExt};

use super::counted::{CURRENT, Counters, LiveCounters};

/// Counts what the futures and streams that it is given read, whatever storage they use; the counters of these
/// go on as well. Clones count together.
///
/// ```
/// use tenrow::storage::Meter;
/// # futures::executor::block_on(async {
/// # let storage = tenrow::storage::Storage::open("memory://meter/x")?;
/// # storage.put_new("a", "bytes".into()).await?;
/// let meter = Meter::new();
/// meter.future(storage.read("a", 9)).await?;
/// storage.read("a", 9).await?;
/// assert_eq!(meter.counters().bytes_read, 5);
/// assert_eq!(storage.counters().bytes_read, 10);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct Meter {
    counters: Arc<LiveCounters>,
}

impl Meter {
    /// A meter that has counted nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same future, with what it reads counted.
    pub fn future<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        CURRENT.scope(self.counters.clone(), future)
    }

    /// The same stream, with what it reads counted.
    pub fn stream<S: Stream + Unpin>(&self, mut inner: S) -> impl Stream<Item = S::Item> + use<S> {
        let counters = self.counters.clone();
        stream::poll_fn(move |context| -> Poll<Option<S::Item>> {
            CURRENT.sync_scope(counters.clone(), || inner.poll_next_unpin(context))
        })
    }

    /// What was read so far.
    pub fn counters(&self) -> Counters {
        self.counters.snapshot()
    }
}
