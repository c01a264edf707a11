//! One object, written piece by piece.

use std::hash::Hasher;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, TryStreamExt};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutPayload, UploadPart};
use tokio::runtime::Handle;
use tokio::sync::watch;
use twox_hash::XxHash3_64;

use super::refused;
use crate::blocking;
use crate::error::{Error, Result};

/// Bytes that a part has at least, all but the last.
const PART_BYTES: u64 = 8 << 20;
/// Parts under way at once; with the one being filled they bound the memory.
const MAX_PARTS_IN_FLIGHT: usize = 4;

/// Uploads of this process that are being finished or aborted by tasks of their own.
static ENDING: LazyLock<watch::Sender<usize>> = LazyLock::new(watch::Sender::default);

/// An object that is being written; it appears, whole, when [`finish`](Self::finish) returns.
///
/// Dropped unfinished, also because it failed, it leaves nothing: an object store is told to forget the parts, by
/// a task of the tokio runtime for which [`aborted`](Self::aborted) waits. Memory is bounded: at most 5 parts of
/// 8 MiB, each longer by at most the last piece that was given to it.
///
/// ```
/// use bytes::Bytes;
/// use futures::FutureExt;
/// use tenrow::{Ids, Storage};
///
/// # let folder = tempfile::tempdir()?;
/// # let storage = Storage::local(folder.path(), Ids::random());
/// let mut upload = storage.upload("data/x")?;
/// upload.write(Bytes::from("ten")).now_or_never().expect("ready")?;
/// upload.write(Bytes::from("row")).now_or_never().expect("ready")?;
/// assert_eq!(upload.finish().now_or_never().expect("ready")?.bytes, 6);
/// assert_eq!(storage.read("data/x", 6).now_or_never().expect("ready")?, "tenrow");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "without `finish` nothing is written"]
pub struct Upload {
    store: Arc<dyn ObjectStore>,
    path: Path,
    /// The name for messages.
    shown: String,
    is_remote: bool,
    /// Whether parts stay in the store until it is told to forget them: in a folder they go with the upload.
    keeps_parts: bool,
    parts: Parts,
    in_flight: FuturesUnordered<UploadPart>,
    part: Vec<Bytes>,
    part_bytes: u64,
    hash: XxHash3_64,
    bytes: u64,
}

/// Where the bytes go that one request could not take.
enum Parts {
    None,
    Beginning(BoxFuture<'static, object_store::Result<Box<dyn MultipartUpload>>>),
    Begun(Box<dyn MultipartUpload>),
}

/// What an upload wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Uploaded {
    /// The size of the object.
    pub bytes: u64,
    /// XXH3-64 of the whole object, seed 0.
    pub xxh3: u64,
}

impl Upload {
    pub(crate) fn new(
        store: Arc<dyn ObjectStore>,
        path: Path,
        shown: String,
        is_remote: bool,
        keeps_parts: bool,
    ) -> Self {
        Self {
            store,
            path,
            shown,
            is_remote,
            keeps_parts,
            parts: Parts::None,
            in_flight: FuturesUnordered::new(),
            part: Vec::new(),
            part_bytes: 0,
            hash: XxHash3_64::new(),
            bytes: 0,
        }
    }

    /// Appends `bytes`, without copying them; waits while too many parts are under way.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io) if this or an earlier part could not be written; the upload
    /// is then of no more use.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.hash.write(&bytes);
        self.bytes += bytes.len() as u64;
        self.part_bytes += bytes.len() as u64;
        self.part.push(bytes);
        if self.part_bytes >= PART_BYTES { self.send_part().await } else { Ok(()) }
    }

    /// Says that about so many bytes will come: if they need parts, these are begun while the bytes are being made.
    pub(crate) fn expect(&mut self, bytes: u64) {
        if bytes >= PART_BYTES {
            self.begin_parts();
        }
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What was written so far.
    pub(crate) fn written(&self) -> Uploaded {
        Uploaded { bytes: self.bytes, xxh3: self.hash.finish() }
    }

    /// Bytes that the store has not confirmed yet, about: they are in memory.
    pub(crate) fn held_bytes(&self) -> u64 {
        self.part_bytes + self.in_flight.len() as u64 * PART_BYTES
    }

    /// Makes the object appear, durably where the store is a local folder.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if the name is taken and the store can
    /// tell; [`Io`](crate::ErrorKind::Io) if anything could not be written. Nothing appears then.
    pub async fn finish(mut self) -> Result<Uploaded> {
        if matches!(self.parts, Parts::None) {
            // All of it fits into one request, which can also refuse to replace.
            let payload = PutPayload::from_iter(std::mem::take(&mut self.part));
            let put = self.store.put_opts(&self.path, payload, PutMode::Create.into()).await;
            put.map_err(|error| self.error(error))?;
            return Ok(self.written());
        }
        if !self.part.is_empty() {
            self.send_part().await?;
        }
        while self.next_done().await? {}
        if let Parts::Begun(multipart) = &mut self.parts {
            let completed = multipart.complete().await;
            completed.map_err(|error| self.error(error))?;
            self.parts = Parts::None;
        }
        Ok(self.written())
    }

    /// [`finish`](Self::finish), as a task that goes on while its caller computes.
    pub(crate) fn finish_alongside(self) -> BoxFuture<'static, Result<Uploaded>> {
        let ending = Ending::of_task();
        blocking::alongside(Box::pin(async move {
            // Cancelled, it drops the upload first, whose abort is counted before this is no more.
            let uploaded = self.finish().await;
            drop(ending);
            uploaded
        }))
    }

    /// Gives up: nothing appears, and the store forgets the parts.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io) if the store could not be told.
    pub async fn abort(mut self) -> Result<()> {
        match self.give_up() {
            Some(abort) => abort.await.map_err(|error| self.error(error)),
            None => Ok(()),
        }
    }

    /// Waits until stores have forgotten the parts of all uploads that this process dropped unfinished, and have
    /// confirmed those that it is just finishing: for a program that is about to exit.
    pub async fn aborted() {
        // It ends with its sender, which is never dropped.
        let _ = ENDING.subscribe().wait_for(|ending| *ending == 0).await;
    }

    /// Takes the parts away from the upload, and gives what makes the store forget them.
    fn give_up(&mut self) -> Option<BoxFuture<'static, object_store::Result<()>>> {
        self.in_flight.clear();
        match std::mem::replace(&mut self.parts, Parts::None) {
            Parts::None => None,
            Parts::Beginning(begun) => Some(Box::pin(async move { begun.await?.abort().await })),
            Parts::Begun(mut multipart) => Some(Box::pin(async move { multipart.abort().await })),
        }
    }

    fn begin_parts(&mut self) {
        if !matches!(self.parts, Parts::None) {
            return;
        }
        let (store, path) = (Arc::clone(&self.store), self.path.clone());
        let begun = async move { store.put_multipart(&path).await };
        self.parts = Parts::Beginning(blocking::alongside(Box::pin(begun)));
    }

    async fn send_part(&mut self) -> Result<()> {
        while self.in_flight.len() >= MAX_PARTS_IN_FLIGHT {
            self.next_done().await?;
        }
        self.begin_parts();
        if let Parts::Beginning(begun) = &mut self.parts {
            let begun = begun.await;
            self.parts = Parts::None;
            self.parts = Parts::Begun(begun.map_err(|error| self.error(error))?);
        }
        let Parts::Begun(multipart) = &mut self.parts else { return Ok(()) };
        let payload = PutPayload::from_iter(std::mem::take(&mut self.part));
        self.part_bytes = 0;
        self.in_flight.push(blocking::alongside(multipart.put_part(payload)));
        // Polled once, every part gets going while the caller makes the next.
        match self.next_done().now_or_never() {
            Some(Err(error)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Waits for one part; false if none was under way.
    async fn next_done(&mut self) -> Result<bool> {
        let done = self.in_flight.try_next().await.map_err(|error| self.error(error))?;
        Ok(done.is_some())
    }

    fn error(&self, error: object_store::Error) -> Error {
        refused(format!("cannot write {}", self.shown), self.is_remote, error)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.keeps_parts {
            return;
        }
        // Without a runtime there is no way to tell a store.
        let (Some(abort), Ok(runtime)) = (self.give_up(), Handle::try_current()) else { return };
        let shown = std::mem::take(&mut self.shown);
        let ending = Ending::begin();
        runtime.spawn(async move {
            if let Err(error) = abort.await {
                tracing::debug!(%error, "parts of {shown} stay behind");
            }
            drop(ending);
        });
    }
}

/// Counts an upload among those that are ending, until it is dropped.
struct Ending;

impl Ending {
    /// `None` where there is no runtime to have a task: what is only done when it is polled is not waited for.
    fn of_task() -> Option<Self> {
        Handle::try_current().is_ok().then(Self::begin)
    }

    fn begin() -> Self {
        ENDING.send_modify(|ending| *ending += 1);
        Self
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        ENDING.send_modify(|ending| *ending -= 1);
    }
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload").field("path", &self.shown).field("bytes", &self.bytes).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that was about to exit would have waited for ever.
    #[test]
    fn what_nobody_polls_and_no_task_does_is_not_waited_for() {
        assert!(Ending::of_task().is_none());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert!(runtime.block_on(async { Ending::of_task() }).is_some());
    }
}
