//! A store that is far away: time passes before the first byte of an answer, and all requests share one link.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};
use tokio::time::Instant;

/// What `inner` gives, as late as the link brings it.
#[derive(Debug)]
pub struct LinkStore {
    inner: Arc<dyn ObjectStore>,
    link: Arc<Link>,
}

#[derive(Debug)]
struct Link {
    latency: Duration,
    bytes_per_second: f64,
    /// When it will have carried all that it was given.
    carried: Mutex<Option<Instant>>,
}

impl Link {
    /// Waits until that many bytes more have been carried.
    async fn carry(&self, bytes: usize) {
        let until = {
            let mut carried = self.carried.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let start = carried.unwrap_or(now).max(now);
            let until = start + Duration::from_secs_f64(bytes as f64 / self.bytes_per_second);
            *carried = Some(until);
            until
        };
        tokio::time::sleep_until(until).await;
    }
}

impl LinkStore {
    /// A store behind a link.
    pub fn new(inner: Arc<dyn ObjectStore>, latency: Duration, bytes_per_second: f64) -> Self {
        let link = Link { latency, bytes_per_second, carried: Mutex::default() };
        Self { inner, link: Arc::new(link) }
    }
}

impl fmt::Display for LinkStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for LinkStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.link.carry(payload.content_length()).await;
        tokio::time::sleep(self.link.latency).await;
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        tokio::time::sleep(self.link.latency).await;
        let inner = self.inner.put_multipart_opts(location, options).await?;
        Ok(Box::new(LinkUpload { inner, link: self.link.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        tokio::time::sleep(self.link.latency).await;
        let got = self.inner.get_opts(location, options).await?;
        self.link.carry((got.range.end - got.range.start) as usize).await;
        Ok(got)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        tokio::time::sleep(self.link.latency).await;
        let got = self.inner.get_ranges(location, ranges).await?;
        self.link.carry(got.iter().map(Bytes::len).sum()).await;
        Ok(got)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (latency, listed) = (self.link.latency, self.inner.list(prefix));
        let answered = async move {
            tokio::time::sleep(latency).await;
            listed
        };
        stream::once(answered).flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        tokio::time::sleep(self.link.latency).await;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct LinkUpload {
    inner: Box<dyn MultipartUpload>,
    link: Arc<Link>,
}

#[async_trait]
impl MultipartUpload for LinkUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (bytes, link) = (data.content_length(), self.link.clone());
        let part = self.inner.put_part(data);
        Box::pin(async move {
            link.carry(bytes).await;
            tokio::time::sleep(link.latency).await;
            part.await
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        tokio::time::sleep(self.link.latency).await;
        self.inner.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}
