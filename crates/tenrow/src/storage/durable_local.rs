//! A local folder as an object store whose acknowledged writes survive a crash.

use std::fmt;
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path as FilePath, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, RenameOptions, Result, UploadPart,
};

use super::file_error::{FileError, store_error};
use super::foreign::modified_ns;
use super::local_listing;
use super::regular::open_object;
use super::syncing::Syncing;
use super::temp_file::{Folders, TempFile, write_at};
use crate::blocking;
use crate::ids::Ids;

/// An object store over a local folder that writes durably; see `spec/layout.md`.
///
/// An object appears whole or not at all, and a write that has returned survives a crash of the
/// machine. Creating never replaces. A multipart upload creates: it fails if the name is taken.
/// Nothing is made before the first write, not even the folder itself.
///
/// ```
/// use futures::FutureExt;
/// use object_store::{ObjectStore, ObjectStoreExt, PutMode, path::Path};
/// use tenrow::engine::Ids;
/// use tenrow::storage::DurableLocal;
///
/// # let folder = tempfile::tempdir()?;
/// let store = DurableLocal::new(folder.path().join("new"), Ids::random());
/// let (name, text) = (Path::from("a/b"), "once");
/// let create = || store.put_opts(&name, text.into(), PutMode::Create.into());
/// // Without a tokio runtime every operation is ready at the first poll.
/// assert!(create().now_or_never().expect("ready").is_ok());
/// assert!(create().now_or_never().expect("ready").is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct DurableLocal {
    root: PathBuf,
    folders: Arc<Folders>,
    reader: OnceLock<LocalFileSystem>,
}

impl DurableLocal {
    /// A store over `root`, which need not exist; temporary names come from `ids`.
    pub fn new(root: impl Into<PathBuf>, ids: Ids) -> Self {
        Self::syncing_by(root, ids, Syncing::default())
    }

    pub(crate) fn syncing_by(root: impl Into<PathBuf>, ids: Ids, syncing: Syncing) -> Self {
        let root = root.into();
        let folders = Arc::new(Folders::new(root.clone(), ids, syncing));
        Self { root, folders, reader: OnceLock::new() }
    }

    /// From now on a file system that has neither hard links nor rename without replacing is used all the same.
    pub(crate) fn allow_single_writer(&self) {
        self.folders.allow_single_writer();
    }

    /// The folder.
    pub fn root(&self) -> &FilePath {
        &self.root
    }

    /// The file of `location`.
    pub fn file_path(&self, location: &Path) -> PathBuf {
        self.root.join(location.as_ref())
    }

    /// The store that reads, once the folder exists.
    fn reader(&self) -> Result<&LocalFileSystem> {
        if let Some(reader) = self.reader.get() {
            return Ok(reader);
        }
        std::fs::metadata(&self.root)
            .map_err(|e| store_error(FileError::new("open", &self.root)(e)))?;
        let reader = LocalFileSystem::new_with_prefix(&self.root)?;
        Ok(self.reader.get_or_init(|| reader))
    }

    fn not_implemented(&self, operation: &str) -> Error {
        Error::NotImplemented { operation: operation.to_owned(), implementer: self.to_string() }
    }

    fn refuse_attributes(&self, attributes: &Attributes) -> Result<()> {
        if attributes.is_empty() { Ok(()) } else { Err(self.not_implemented("put of attributes")) }
    }

    /// Makes an object durable that is there already, whoever wrote it.
    pub(crate) async fn secure(&self, location: &Path) -> Result<()> {
        let (folders, file) = (Arc::clone(&self.folders), self.file_path(location));
        blocking::run(move || folders.secure(&file)).await.map_err(store_error)
    }

    /// Makes the names beside `location`, as they are now, durable.
    async fn sync_parent(&self, location: &Path) -> Result<()> {
        let (folders, file) = (Arc::clone(&self.folders), self.file_path(location));
        let sync = move || file.parent().map_or(Ok(()), |folder| folders.syncing().folder(folder));
        blocking::run(sync).await.map_err(store_error)
    }
}

impl fmt::Display for DurableLocal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DurableLocal({})", self.root.display())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for DurableLocal {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let name = self.file_path(location);
        let folders = Arc::clone(&self.folders);
        self.refuse_attributes(&options.attributes)?;
        let replaces = match options.mode {
            PutMode::Create => false,
            PutMode::Overwrite => true,
            PutMode::Update(_) => return Err(self.not_implemented("put of an update")),
        };
        blocking::run(move || {
            let temp = folders.new_temp()?;
            write_at(temp.file(), payload.as_ref(), 0).map_err(FileError::new("write", &name))?;
            match replaces {
                true => temp.publish_over(&folders, &name),
                false => temp.publish_new(&folders, &name),
            }
        })
        .await
        .map_err(store_error)?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.refuse_attributes(&options.attributes)?;
        let folders = Arc::clone(&self.folders);
        let temp = blocking::run(move || folders.new_temp()).await.map_err(store_error)?;
        Ok(Box::new(LocalUpload {
            name: self.file_path(location),
            folders: Arc::clone(&self.folders),
            temp: Some(temp),
            next_offset: 0,
            written: Arc::default(),
        }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let (location, file) = (location.clone(), self.file_path(location));
        blocking::run(move || get(location, file, options)).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let (file, ranges) = (self.file_path(location), ranges.to_vec());
        blocking::run(move || read_ranges(&file, &ranges)).await.map_err(store_error)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        match self.reader() {
            Ok(reader) => reader.delete_stream(locations),
            Err(error) => failed(error),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        local_listing::objects(self.root.clone(), prefix.cloned().unwrap_or_default())
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.reader() {
            Ok(reader) => reader.list_with_offset(prefix, offset),
            Err(Error::NotFound { .. }) => stream::empty().boxed(),
            Err(error) => failed(error),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        match self.reader() {
            Ok(reader) => reader.list_with_delimiter(prefix).await,
            Err(Error::NotFound { .. }) => {
                Ok(ListResult { common_prefixes: Vec::new(), objects: Vec::new() })
            }
            Err(error) => Err(error),
        }
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.reader()?.copy_opts(from, to, options).await?;
        self.secure(to).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.reader()?.rename_opts(from, to, options).await?;
        self.secure(to).await?;
        self.sync_parent(from).await
    }
}

fn get(location: Path, path: PathBuf, options: GetOptions) -> Result<GetResult> {
    let failed = |error| store_error(FileError::new("open", &path)(error));
    let file = open_object(&path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    let meta = ObjectMeta {
        location,
        last_modified: found.modified().map_err(failed)?.into(),
        size: found.len(),
        e_tag: Some(format!("{:x}-{:x}-{:x}", found.ino(), modified_ns(&found), found.len())),
        version: None,
    };
    options.check_preconditions(&meta)?;
    let range = match options.range {
        None => 0..meta.size,
        Some(range) => range
            .as_range(meta.size)
            .map_err(|error| Error::Generic { store: "DurableLocal", source: error.into() })?,
    };
    let (payload, attributes) = (GetResultPayload::File(file, path), Attributes::default());
    Ok(GetResult { payload, meta, range, attributes })
}

fn read_ranges(path: &FilePath, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, FileError> {
    let file = open_object(path).map_err(FileError::new("open", path))?;
    let size = file.metadata().map_err(FileError::new("open", path))?.len();
    let read = |range: &Range<u64>| {
        // Before allocating, since a range may come from a damaged file.
        if range.end > size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; range.end.saturating_sub(range.start) as usize];
        file.read_exact_at(&mut bytes, range.start)?;
        Ok(bytes.into())
    };
    ranges.iter().map(|range| read(range).map_err(FileError::new("read", path))).collect()
}

fn failed<T: Send + 'static>(error: Error) -> BoxStream<'static, Result<T>> {
    stream::once(async { Err(error) }).boxed()
}

/// An upload whose parts are written where they belong as they come, in any order.
#[derive(Debug)]
struct LocalUpload {
    name: PathBuf,
    folders: Arc<Folders>,
    /// Gone once completed or aborted.
    temp: Option<TempFile>,
    next_offset: u64,
    /// Bytes of the parts that have been written.
    written: Arc<AtomicU64>,
}

impl LocalUpload {
    fn take_temp(&mut self) -> Result<TempFile> {
        self.temp.take().ok_or_else(|| already_ended(&self.name))
    }
}

#[async_trait]
impl MultipartUpload for LocalUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let Some(temp) = &self.temp else {
            let error = already_ended(&self.name);
            return Box::pin(async { Err(error) });
        };
        let (file, name) = (Arc::clone(temp.file()), self.name.clone());
        let written = Arc::clone(&self.written);
        let (offset, length) = (self.next_offset, data.content_length() as u64);
        self.next_offset += length;
        let part = blocking::run(move || {
            write_at(&file, data.as_ref(), offset).map_err(FileError::new("write", &name))?;
            written.fetch_add(length, Ordering::AcqRel);
            write_back::start(&file, offset, length);
            Ok(())
        });
        Box::pin(async move { part.await.map_err(store_error) })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let temp = self.take_temp()?;
        if self.written.load(Ordering::Acquire) != self.next_offset {
            let source = io::Error::other("a part of the upload was not written");
            return Err(store_error(FileError::new("create", &self.name)(source)));
        }
        let (folders, name) = (Arc::clone(&self.folders), self.name.clone());
        blocking::run(move || temp.publish_new(&folders, &name)).await.map_err(store_error)?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        let temp = self.take_temp()?;
        blocking::run(move || drop(temp)).await;
        Ok(())
    }
}

fn already_ended(name: &FilePath) -> Error {
    let source = io::Error::other("the upload was completed or aborted before");
    store_error(FileError::new("write", name)(source))
}

/// Sends what was written to the disk early, so that the final sync finds little to do.
#[cfg(target_os = "linux")]
mod write_back {
    use std::fs::File;
    use std::num::NonZeroU64;

    /// Starts writing those bytes of `file` to the disk, and returns.
    pub(super) fn start(file: &File, offset: u64, length: u64) {
        // On Linux this starts the write-back of dirty pages and drops clean ones, of which there
        // are none so soon after writing. It is only advice: a refusal costs nothing.
        let dont_need = rustix::fs::Advice::DontNeed;
        let _ = rustix::fs::fadvise(file, offset, NonZeroU64::new(length), dont_need);
    }
}

/// Elsewhere the final sync does all the work.
#[cfg(not(target_os = "linux"))]
mod write_back {
    pub(super) fn start(_: &std::fs::File, _: u64, _: u64) {}
}
