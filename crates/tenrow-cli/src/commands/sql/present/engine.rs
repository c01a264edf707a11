//! The threads that statements run on.

use std::future::Future;

use tenrow::storage::Upload;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::ABORT_TIME;
use crate::fault::Result;

/// Threads of their own for statements: one that does not stop at once keeps only these from others.
pub(crate) struct Engine(Option<Runtime>);

impl Engine {
    /// As many threads as there are processors.
    pub(crate) fn start() -> Result<Self> {
        Ok(Self(Some(Builder::new_multi_thread().enable_all().build()?)))
    }

    /// Begins some work.
    pub(crate) fn spawn(
        &self,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Option<JoinHandle<()>> {
        self.0.as_ref().map(|runtime| runtime.spawn(work))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Whatever goes on ends where it next waits for something; nobody waits for that.
        if let Some(runtime) = self.0.take() {
            std::thread::spawn(move || {
                let aborted = async { tokio::time::timeout(ABORT_TIME, Upload::aborted()).await };
                let _ = runtime.block_on(aborted);
                runtime.shutdown_background();
            });
        }
    }
}
