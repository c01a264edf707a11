//! Uploads that are being finished while the next rows are encoded.

use futures::TryStreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;

use crate::error::Result;
use crate::format::manifest::Partition;
use crate::write::partition_writer::Closed;

/// Uploads that are finished at once.
const MAX_UPLOADS: usize = 64;
/// Bytes of these in memory.
const MAX_BYTES: u64 = 64 << 20;

/// Partitions on their way to be durable; dropped, those that are not are given up.
#[derive(Default)]
pub(crate) struct Finishing {
    /// The bytes that each holds.
    uploads: FuturesUnordered<BoxFuture<'static, Result<u64>>>,
    bytes: u64,
}

impl Finishing {
    /// Begins to finish the files of a partition; waits for earlier ones if too much is under way.
    pub(crate) async fn begin(&mut self, closed: Closed) -> Result<Partition> {
        for upload in closed.uploads {
            let bytes = upload.held_bytes();
            while self.uploads.len() >= MAX_UPLOADS || self.bytes + bytes > MAX_BYTES {
                if !self.next().await? {
                    break;
                }
            }
            self.bytes += bytes;
            let finished = upload.finish_alongside();
            self.uploads.push(Box::pin(async move { finished.await.map(|_| bytes) }));
        }
        Ok(closed.partition)
    }

    /// Waits until all are durable.
    pub(crate) async fn all(&mut self) -> Result<()> {
        while self.next().await? {}
        Ok(())
    }

    /// Waits for one; false if none is under way.
    async fn next(&mut self) -> Result<bool> {
        let Some(bytes) = self.uploads.try_next().await? else { return Ok(false) };
        self.bytes -= bytes;
        Ok(true)
    }
}
