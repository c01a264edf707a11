//! A store whose programs can be stopped between any two requests, as by SIGSTOP, and go on later or never.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::channel::oneshot;
use futures::future::{self, BoxFuture, Either, FutureExt};
use futures::stream::{BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

/// Passes everything on, and stops the program that it was told to stop.
#[derive(Clone)]
pub struct StoppingStore {
    inner: Arc<dyn ObjectStore>,
    armed: Arc<Mutex<Option<Armed>>>,
}

/// The stop to come: after so many requests.
struct Armed {
    passes: u64,
    reached: oneshot::Sender<()>,
    go_on: oneshot::Receiver<()>,
}

/// A program that stands between two requests. Dropped, it is killed there.
pub struct StoppedProgram<T> {
    work: BoxFuture<'static, T>,
    go_on: oneshot::Sender<()>,
}

/// What became of a program.
pub enum Ran<T> {
    /// It has ended.
    Ended(T),
    /// It stands still.
    Stopped(StoppedProgram<T>),
}

impl StoppingStore {
    /// A store that does what `inner` does.
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, armed: Arc::default() }
    }

    /// Runs a program until it ends, or has sent `passes` requests and is about to send one more.
    pub async fn run<T>(&self, work: BoxFuture<'static, T>, passes: Option<u64>) -> Ran<T> {
        let Some(passes) = passes else { return Ran::Ended(work.await) };
        let (reached, is_reached) = oneshot::channel();
        let (go_on, receiver) = oneshot::channel();
        *self.armed() = Some(Armed { passes, reached, go_on: receiver });
        let ran = match future::select(work, is_reached).await {
            Either::Left((ended, _)) => Ran::Ended(ended),
            Either::Right((_, work)) => Ran::Stopped(StoppedProgram { work, go_on }),
        };
        *self.armed() = None;
        ran
    }

    /// Lets a program go on, to its end or to the next stop.
    pub async fn go_on<T>(&self, program: StoppedProgram<T>, passes: Option<u64>) -> Ran<T> {
        // It is only gone with the program, which is here.
        let _ = program.go_on.send(());
        self.run(program.work, passes).await
    }

    fn armed(&self) -> std::sync::MutexGuard<'_, Option<Armed>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits here if the program is to stop before this request.
    fn pass(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut armed = self.armed();
        let is_due = match armed.as_mut() {
            Some(stop) if stop.passes > 0 => {
                stop.passes -= 1;
                false
            }
            found => found.is_some(),
        };
        let stop = if is_due { armed.take() } else { None };
        async move {
            if let Some(stop) = stop {
                // Whoever runs the program waits for it; killed, nobody lets it go on.
                let _ = stop.reached.send(());
                if stop.go_on.await.is_err() {
                    future::pending::<()>().await;
                }
            }
        }
    }
}

impl fmt::Debug for StoppingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoppingStore").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl fmt::Display for StoppingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stopping {}", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for StoppingStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.pass().await;
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.pass().await;
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.pass().await;
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.pass().await;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let passed = locations.then(move |location| store.pass().map(|()| location));
        self.inner.delete_stream(passed.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (inner, prefix) = (self.inner.clone(), prefix.cloned());
        let pass = self.pass();
        async move {
            pass.await;
            inner.list(prefix.as_ref())
        }
        .flatten_stream()
        .boxed()
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let (inner, prefix, offset) = (self.inner.clone(), prefix.cloned(), offset.clone());
        let pass = self.pass();
        async move {
            pass.await;
            inner.list_with_offset(prefix.as_ref(), &offset)
        }
        .flatten_stream()
        .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.pass().await;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.pass().await;
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.pass().await;
        self.inner.rename_opts(from, to, options).await
    }
}
