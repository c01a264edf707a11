//! One object, written piece by piece.

use std::hash::Hasher;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, TryStreamExt};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutPayload, UploadPart};
use twox_hash::XxHash3_64;

use super::refused;
use crate::blocking;
use crate::error::{Error, Result};

/// Bytes that a part has at least, all but the last.
const PART_BYTES: u64 = 8 << 20;
/// Parts under way at once; with the one being filled they bound the memory.
const MAX_PARTS_IN_FLIGHT: usize = 4;

/// An object that is being written; it appears, whole, when [`finish`](Self::finish) returns.
///
/// Dropped unfinished it leaves nothing on a local folder; an object store may keep its parts
/// until they expire, unless [`abort`](Self::abort) is called. Memory is bounded: at most 5 parts
/// of 8 MiB, each longer by at most the last piece that was given to it.
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
    multipart: Option<Box<dyn MultipartUpload>>,
    in_flight: FuturesUnordered<UploadPart>,
    part: Vec<Bytes>,
    part_bytes: u64,
    hash: XxHash3_64,
    bytes: u64,
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
    ) -> Self {
        Self {
            store,
            path,
            shown,
            is_remote,
            multipart: None,
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

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes the object appear, durably where the store is a local folder.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if the name is taken and the store can
    /// tell; [`Io`](crate::ErrorKind::Io) if anything could not be written. Nothing appears then.
    pub async fn finish(mut self) -> Result<Uploaded> {
        let uploaded = Uploaded { bytes: self.bytes, xxh3: self.hash.finish() };
        if self.multipart.is_none() {
            // All of it fits into one request, which can also refuse to replace.
            let payload = PutPayload::from_iter(std::mem::take(&mut self.part));
            let put = self.store.put_opts(&self.path, payload, PutMode::Create.into()).await;
            put.map_err(|error| self.error(error))?;
            return Ok(uploaded);
        }
        if !self.part.is_empty() {
            self.send_part().await?;
        }
        while self.next_done().await? {}
        if let Some(mut multipart) = self.multipart.take() {
            multipart.complete().await.map_err(|error| self.error(error))?;
        }
        Ok(uploaded)
    }

    /// Gives up: nothing appears, and the store forgets the parts.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io) if the store could not be told.
    pub async fn abort(mut self) -> Result<()> {
        self.in_flight.clear();
        match self.multipart.take() {
            Some(mut multipart) => multipart.abort().await.map_err(|error| self.error(error)),
            None => Ok(()),
        }
    }

    async fn send_part(&mut self) -> Result<()> {
        while self.in_flight.len() >= MAX_PARTS_IN_FLIGHT {
            self.next_done().await?;
        }
        let multipart = match &mut self.multipart {
            Some(multipart) => multipart,
            none => {
                let begun = self.store.put_multipart(&self.path).await;
                none.insert(begun.map_err(|error| write_error(&self.shown, self.is_remote, error))?)
            }
        };
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
        write_error(&self.shown, self.is_remote, error)
    }
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload").field("path", &self.shown).field("bytes", &self.bytes).finish()
    }
}

fn write_error(shown: &str, is_remote: bool, error: object_store::Error) -> Error {
    refused(format!("cannot write {shown}"), is_remote, error)
}
