//! One object, written piece by piece.

use std::hash::Hasher;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

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
use super::remote::Secrets;
use super::unique::put_unique;
use crate::blocking;
use crate::error::{Error, Result};

/// Bytes that a part has at least, all but the last.
pub(super) const PART_BYTES: u64 = 8 << 20;
/// Parts that stores take.
const MAX_PARTS: u64 = 10_000;
/// Parts of one size, twice as many at first: then they are twice as large, lest an object needs too many.
const PARTS_OF_A_SIZE: u64 = 1000;
/// Parts under way at once; with the one being filled they bound the memory.
const MAX_PARTS_IN_FLIGHT: usize = 4;

/// How long what is ending waits for what else is.
const OTHERS_TIME: Duration = Duration::from_millis(500);

/// Uploads of this process that are being finished or aborted by tasks of their own.
static ENDING: LazyLock<watch::Sender<usize>> = LazyLock::new(watch::Sender::default);

/// An object that is being written; it appears, whole, when [`finish`](Self::finish) returns.
///
/// Dropped unfinished, also because it failed, it leaves nothing: an object store is told to forget the parts, by
/// a task of the tokio runtime for which [`aborted`](Self::aborted) waits. Memory is bounded: at most 5 parts of
/// 8 MiB, each longer by at most the last piece that was given to it. Beyond 16 GB an object store gets parts that
/// grow, to 640 MB at half a TB, for it takes 10,000 of them.
///
/// ```
/// use bytes::Bytes;
/// use futures::FutureExt;
/// use tenrow::engine::Ids;
/// use tenrow::storage::Storage;
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
    /// What no message of a remote store has.
    secrets: Option<Arc<Secrets>>,
    /// Whether parts stay in the store until it is told to forget them: in a folder they go with the upload.
    keeps_parts: bool,
    /// Bytes of the smallest parts.
    least_bytes: u64,
    parts: Parts,
    in_flight: FuturesUnordered<UploadPart>,
    part: Vec<Bytes>,
    part_bytes: u64,
    parts_sent: u64,
    /// How large the object will be; 0 if that is not known.
    expected_bytes: u64,
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
///
/// ```
/// # futures::executor::block_on(async {
/// use tenrow::storage::{Storage, Uploaded};
/// let storage = Storage::open("memory://docs/uploaded")?;
/// let mut upload = storage.upload("data/a")?;
/// upload.write("bytes".into()).await?;
/// let written: Uploaded = upload.finish().await?;
/// assert_eq!(written.bytes, 5);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
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
        secrets: Option<Arc<Secrets>>,
        keeps_parts: bool,
        least_bytes: u64,
    ) -> Self {
        Self {
            store,
            path,
            shown,
            secrets,
            keeps_parts,
            least_bytes,
            parts: Parts::None,
            in_flight: FuturesUnordered::new(),
            part: Vec::new(),
            part_bytes: 0,
            parts_sent: 0,
            expected_bytes: 0,
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
        if self.part_bytes >= self.whole_part_bytes() { self.send_part().await } else { Ok(()) }
    }

    /// Says how large the object will be, so that its parts are of one size.
    pub(crate) fn expect_whole(&mut self, bytes: u64) {
        self.expected_bytes = bytes;
    }

    /// Bytes of the part that is being filled.
    fn whole_part_bytes(&self) -> u64 {
        match self.keeps_parts {
            true => part_bytes(self.least_bytes, self.parts_sent, self.expected_bytes),
            false => self.least_bytes,
        }
    }

    /// Says that about so many bytes will come: if they need parts, these are begun while the bytes are being made.
    pub(crate) fn expect(&mut self, bytes: u64) {
        if bytes >= self.least_bytes {
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
        self.part_bytes + self.in_flight.len() as u64 * self.whole_part_bytes()
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
            let put = match self.secrets.is_some() {
                true => put_unique(self.store.as_ref(), &self.path, payload).await,
                false => {
                    let put = self.store.put_opts(&self.path, payload, PutMode::Create.into());
                    put.await.map(drop)
                }
            };
            put.map_err(|error| self.error(error))?;
            return Ok(self.written());
        }
        if !self.part.is_empty() {
            self.send_part().await?;
        }
        while self.next_done().await? {}
        if let Parts::Begun(multipart) = &mut self.parts {
            let (store, path) = (Arc::clone(&self.store), self.path.clone());
            let completed = multipart.complete().await.map(drop);
            match completed {
                // Its answer was lost, and when it was asked for again there were no parts any more.
                Err(_) if self.secrets.is_some() && is_there(store, path, self.bytes).await => {}
                completed => completed.map_err(|error| self.error(error))?,
            }
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
        (self.part_bytes, self.parts_sent) = (0, self.parts_sent + 1);
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
        refused(format!("cannot write {}", self.shown), self.secrets.as_deref(), error)
    }
}

/// Bytes of the part that comes after `sent` others, of an object of `expected` bytes, or 0 if that is not known.
///
/// Parts of one size as far as that goes, for there are stores that want it.
fn part_bytes(least: u64, sent: u64, expected: u64) -> u64 {
    if expected > least * (MAX_PARTS - 1) {
        return expected.div_ceil(MAX_PARTS - 1).next_multiple_of(1 << 20);
    }
    if expected > 0 {
        return least;
    }
    let doublings = (sent / PARTS_OF_A_SIZE).saturating_sub(1);
    least << doublings.min(MAX_PARTS / PARTS_OF_A_SIZE)
}

/// Whether an object of that size is there: under a name that nobody else can have, it is ours.
async fn is_there(store: Arc<dyn ObjectStore>, path: Path, bytes: u64) -> bool {
    store.head(&path).await.is_ok_and(|meta| meta.size == bytes)
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.keeps_parts {
            return;
        }
        // Without a runtime there is no way to tell a store.
        let (Some(abort), Ok(runtime)) = (self.give_up(), Handle::try_current()) else { return };
        let (shown, secrets) = (std::mem::take(&mut self.shown), self.secrets.take());
        let ending = Ending::begin();
        runtime.spawn(async move {
            if let Err(error) = abort.await {
                let error =
                    refused(format!("parts of {shown} stay behind"), secrets.as_deref(), error);
                tracing::debug!("{}", error.chain());
            }
            drop(ending);
        });
    }
}

/// Counts something among the uploads that are ending, until it is dropped.
pub(crate) struct Ending;

impl Ending {
    /// `None` where there is no runtime to have a task: what is only done when it is polled is not waited for.
    fn of_task() -> Option<Self> {
        Handle::try_current().is_ok().then(Self::begin)
    }

    /// Waits, not for long, until uploads that were given up are gone: their temporary files lie in folders that are to go.
    pub(crate) async fn others() {
        let mut others = ENDING.subscribe();
        let gone = others.wait_for(|ending| *ending <= 1);
        let _ = tokio::time::timeout(OTHERS_TIME, gone).await;
    }

    pub(crate) fn begin() -> Self {
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

    #[test]
    fn an_object_of_any_size_fits_into_the_parts_that_a_store_takes() {
        let (mut bytes, mut largest) = (0u64, 0);
        for sent in 0..MAX_PARTS {
            let part = part_bytes(PART_BYTES, sent, 0);
            assert!(part >= largest, "parts do not shrink");
            (bytes, largest) = (bytes + part, part);
        }
        assert!(bytes > 3 << 40, "{bytes} bytes are the most");
        assert!(largest <= 4000 << 20, "no store takes parts of {largest} bytes");
        // Of 16 GB the parts are of one size.
        assert_eq!(part_bytes(PART_BYTES, 1999, 0), PART_BYTES);
    }

    #[test]
    fn parts_of_a_known_size_are_as_large_as_each_other() {
        for expected in [1, 8 << 30, 100 << 30, 5 << 40] {
            let part = part_bytes(PART_BYTES, 0, expected);
            let count = expected.div_ceil(part);
            assert!(count < MAX_PARTS, "{count} parts");
            assert!((0..count).all(|sent| part_bytes(PART_BYTES, sent, expected) == part));
        }
    }

    /// A program that was about to exit would have waited for ever.
    #[test]
    fn what_nobody_polls_and_no_task_does_is_not_waited_for() {
        assert!(Ending::of_task().is_none());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert!(runtime.block_on(async { Ending::of_task() }).is_some());
    }
}
