//! What the parts of a plan read of stores, for `EXPLAIN ANALYZE`.

use std::sync::{Arc, Mutex, PoisonError};

use datafusion::physical_plan::metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder, Time};
use futures::stream::{Stream, StreamExt};
use tenrow::storage::{Counters, Meter};

/// Counts what one part of an operator reads.
#[derive(Debug, Clone)]
pub(super) struct Reads {
    meter: Meter,
    shown: Arc<Mutex<Shown>>,
}

/// The metrics, and what they already have.
#[derive(Debug)]
struct Shown {
    counted: Counters,
    requests: Count,
    retries: Count,
    cache_hits: Count,
    cache_misses: Count,
    decode_time: Time,
}

impl Reads {
    pub(super) fn new(metrics: &ExecutionPlanMetricsSet, partition: usize) -> Self {
        let counter = |name: &'static str| MetricBuilder::new(metrics).counter(name, partition);
        let shown = Shown {
            counted: Counters::default(),
            requests: counter("requests"),
            retries: counter("retries"),
            cache_hits: counter("cache_hits"),
            cache_misses: counter("cache_misses"),
            decode_time: MetricBuilder::new(metrics).subset_time("decode_time", partition),
        };
        Self { meter: Meter::new(), shown: Arc::new(Mutex::new(shown)) }
    }

    /// The same, counted.
    pub(super) async fn future<F: Future>(&self, future: F) -> F::Output {
        let output = self.meter.future(future).await;
        self.note();
        output
    }

    /// The same, counted.
    pub(super) fn stream<S: Stream + Unpin>(self, stream: S) -> impl Stream<Item = S::Item> {
        self.meter.stream(stream).inspect(move |_| self.note())
    }

    fn note(&self) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = self.meter.counters();
        let new = counted.since(&shown.counted);
        // Of a local file each read is a request of the system.
        let requests = if counted.requests == 0 { new.reads } else { new.requests };
        shown.requests.add(requests as usize);
        shown.retries.add(new.retries as usize);
        shown.cache_hits.add(new.cache_hits as usize);
        shown.cache_misses.add(new.cache_misses as usize);
        shown.decode_time.add_duration(new.decode_time);
        shown.counted = counted;
    }
}
