//! A store that fails on purpose.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

/// Where the failure of a put lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Nothing was written.
    Before,
    /// It was written, and the answer was lost.
    After,
}

/// Passes everything on to another store, but for the puts that are to fail.
#[derive(Debug)]
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    plan: Mutex<Plan>,
}

#[derive(Debug, Default)]
struct Plan {
    /// Failures to come: puts of paths with that text, how many to let pass first, and when.
    failures: Vec<(String, usize, When)>,
    failed: usize,
}

impl FaultyStore {
    /// A store that does what `inner` does until it is told otherwise.
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, plan: Mutex::default() }
    }

    /// Fails one put of a path that contains `text`, after `pass` of them were let pass.
    pub fn fail(&self, text: &str, pass: usize, when: When) {
        self.plan().failures.push((text.to_owned(), pass, when));
    }

    /// Forgets the failures that did not come yet.
    pub fn heal(&self) {
        self.plan().failures.clear();
    }

    /// Puts that failed so far.
    pub fn failed(&self) -> usize {
        self.plan().failed
    }

    fn plan(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_failure(&self, path: &Path) -> Option<When> {
        let mut plan = self.plan();
        let found = plan.failures.iter_mut().position(|(text, pass, _)| {
            let concerns = path.as_ref().contains(text.as_str());
            let is_due = concerns && *pass == 0;
            *pass -= usize::from(concerns && !is_due);
            is_due
        });
        let (_, _, when) = plan.failures.remove(found?);
        plan.failed += 1;
        Some(when)
    }
}

fn failure(path: &Path) -> object_store::Error {
    object_store::Error::Generic {
        store: "faulty",
        source: format!("connection reset while writing {path}").into(),
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "faulty {}", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for FaultyStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        match self.next_failure(location) {
            None => self.inner.put_opts(location, payload, options).await,
            Some(When::Before) => Err(failure(location)),
            Some(When::After) => {
                self.inner.put_opts(location, payload, options).await?;
                Err(failure(location))
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        match self.next_failure(location) {
            None => self.inner.put_multipart_opts(location, options).await,
            Some(_) => Err(failure(location)),
        }
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}
