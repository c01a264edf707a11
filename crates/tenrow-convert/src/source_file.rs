//! A file that is read, on this machine or in a store.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use parquet::errors::Result as ParquetResult;
use parquet::file::reader::{ChunkReader, Length};
use tenrow::ErrorKind as StoreErrorKind;
use tenrow::storage::{ListedObject, Storage, open_regular};
use tenrow_values::{ConvertError, Result};
use tokio::runtime::Handle;

use crate::documents::is_document;

/// Bytes of an object that are fetched at first, and at most at once, ahead of what is asked for.
const FETCHED_BYTES: std::ops::RangeInclusive<u64> = 64 << 10..=4 << 20;

/// A file that is read: a path of this machine, or an object of a store.
///
/// ```
/// use tenrow_convert::SourceFile;
/// let file = SourceFile::from(std::path::Path::new("people.csv"));
/// assert_eq!(file.extension().and_then(|e| e.to_str()), Some("csv"));
/// ```
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// What errors call it.
    path: PathBuf,
    object: Option<Arc<StoredObject>>,
    /// Its path from the place that was asked for, if that is above it.
    relative: Option<String>,
}

/// An object of a store.
#[derive(Debug)]
struct StoredObject {
    storage: Storage,
    path: String,
    size: u64,
    /// Where it is fetched; without one, on the thread that reads.
    runtime: Option<Handle>,
}

impl SourceFile {
    /// What lies at `name` in `storage`: the object of that name, or the objects below it but for hidden ones. What tells
    /// people about the data, such as a README, is left out, and its paths are returned too.
    ///
    /// Asks for its size, or lists. Objects must not change while they are read.
    ///
    /// # Errors
    /// What the store says; [`ConvertError::Unsupported`] if nothing is there.
    pub async fn in_store(storage: &Storage, name: &str) -> Result<(Vec<Self>, Vec<PathBuf>)> {
        // A listing first: some stores say of a folder neither that it is there nor that it is not.
        let listed = match storage.lists() {
            true => storage.list(name).try_collect().await.unwrap_or_default(),
            false => Vec::new(),
        };
        match listed.is_empty() {
            true => Ok((vec![Self::object(storage, name).await?], Vec::new())),
            false => Self::below(storage, name, listed),
        }
    }

    /// The object `name`.
    async fn object(storage: &Storage, name: &str) -> Result<Self> {
        match storage.size(name).await {
            Ok(size) => Ok(Self::stored(storage, name.to_owned(), size, None)),
            Err(error) if error.kind() == StoreErrorKind::NotFound => {
                let reason = "there is no such object, and none below it";
                Err(ConvertError::unsupported(&shown(storage, name), reason))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What was listed below `name`, and what of it is left out.
    fn below(
        storage: &Storage,
        name: &str,
        mut listed: Vec<ListedObject>,
    ) -> Result<(Vec<Self>, Vec<PathBuf>)> {
        listed.sort_by(|a, b| a.path.cmp(&b.path));
        let (mut files, mut left_out) = (Vec::new(), Vec::new());
        for object in listed {
            let below = object.path.strip_prefix(name).unwrap_or(&object.path);
            let below = below.trim_start_matches('/').to_owned();
            let is_hidden = |part: &str| part.starts_with(['.', '_']);
            let last = below.rsplit('/').next().unwrap_or_default();
            let is_other = below.split('/').any(is_hidden) || is_document(last);
            let file = Self::stored(storage, object.path, object.size_bytes, Some(below));
            if is_other { left_out.push(file.path) } else { files.push(file) }
        }
        if files.is_empty() {
            let reason = "the folder holds no files";
            return Err(ConvertError::unsupported(&shown(storage, name), reason));
        }
        Ok((files, left_out))
    }

    fn stored(storage: &Storage, path: String, size: u64, relative: Option<String>) -> Self {
        let shown = shown(storage, &path);
        let runtime = Handle::try_current().ok();
        let object = StoredObject { storage: storage.clone(), path, size, runtime };
        Self { path: shown, object: Some(Arc::new(object)), relative }
    }

    /// Whether it is an object of a store.
    pub fn is_stored(&self) -> bool {
        self.object.is_some()
    }

    /// Whether it was found in a folder of a store.
    pub(crate) fn is_listed(&self) -> bool {
        self.relative.is_some()
    }

    /// Its path from the place that was asked for, else its name.
    pub(crate) fn relative(&self) -> String {
        self.relative.clone().unwrap_or_else(|| self.name())
    }

    /// The last part of its path.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Whether it is a folder of this machine.
    pub(crate) fn is_folder(&self) -> bool {
        !self.is_stored() && self.path.is_dir()
    }

    /// Its size as it is stored.
    pub(crate) fn size(&self) -> io::Result<u64> {
        match &self.object {
            Some(object) => Ok(object.size),
            None => Ok(std::fs::metadata(&self.path)?.len()),
        }
    }

    /// Opens it; a pipe or a device is refused.
    pub(crate) fn open(&self) -> io::Result<OpenFile> {
        Ok(match &self.object {
            None => OpenFile::Here(open_regular(&self.path)?),
            Some(object) => OpenFile::Stored(StoredReader::new(object.clone())),
        })
    }
}

fn shown(storage: &Storage, name: &str) -> PathBuf {
    PathBuf::from(format!("{}/{name}", storage.to_string().trim_end_matches('/')))
}

impl Deref for SourceFile {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

impl From<PathBuf> for SourceFile {
    fn from(path: PathBuf) -> Self {
        Self { path, object: None, relative: None }
    }
}

impl From<&Path> for SourceFile {
    fn from(path: &Path) -> Self {
        path.to_owned().into()
    }
}

impl From<&PathBuf> for SourceFile {
    fn from(path: &PathBuf) -> Self {
        path.clone().into()
    }
}

impl From<&SourceFile> for SourceFile {
    fn from(file: &SourceFile) -> Self {
        file.clone()
    }
}

impl StoredObject {
    /// Exactly these bytes.
    fn read(self: &Arc<Self>, range: Range<u64>) -> io::Result<Bytes> {
        let object = self.clone();
        let read = async move { object.storage.read_range(&object.path, range).await };
        let read = match &self.runtime {
            None => futures::executor::block_on(read),
            Some(runtime) => {
                let (sender, receiver) = std::sync::mpsc::sync_channel(1);
                runtime.spawn(async move {
                    // Whoever asked may have given up.
                    let _ = sender.send(read.await);
                });
                receiver.recv().map_err(|_| io::Error::other("the runtime was shut down"))?
            }
        };
        read.map_err(io::Error::other)
    }
}

/// A file that is open.
#[derive(Debug)]
pub(crate) enum OpenFile {
    Here(File),
    Stored(StoredReader),
}

/// An object, read from any place of it; a few MiB ahead.
#[derive(Debug)]
pub(crate) struct StoredReader {
    object: Arc<StoredObject>,
    at: u64,
    /// How much is fetched the next time.
    next_bytes: u64,
    /// What was fetched last, and where it begins.
    fetched: (u64, Bytes),
}

impl StoredReader {
    fn new(object: Arc<StoredObject>) -> Self {
        let next_bytes = *FETCHED_BYTES.start();
        Self { object, at: 0, next_bytes, fetched: (0, Bytes::new()) }
    }

    /// The bytes from here on that are in memory.
    fn ahead(&self) -> &[u8] {
        let (start, bytes) = &self.fetched;
        let skipped = self.at.checked_sub(*start).and_then(|n| usize::try_from(n).ok());
        skipped.and_then(|skipped| bytes.get(skipped..)).unwrap_or_default()
    }
}

impl Read for StoredReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ahead().is_empty() && self.at < self.object.size && !buffer.is_empty() {
            let wanted = self.next_bytes.max(buffer.len() as u64);
            self.next_bytes = (self.next_bytes * 4).min(*FETCHED_BYTES.end());
            let end = self.object.size.min(self.at.saturating_add(wanted));
            self.fetched = (self.at, self.object.read(self.at..end)?);
        }
        let count = self.ahead().len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.ahead()[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for StoredReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.object.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

impl Read for OpenFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            OpenFile::Here(file) => file.read(buffer),
            OpenFile::Stored(file) => file.read(buffer),
        }
    }
}

impl Seek for OpenFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            OpenFile::Here(file) => file.seek(to),
            OpenFile::Stored(file) => file.seek(to),
        }
    }
}

impl Length for OpenFile {
    fn len(&self) -> u64 {
        match self {
            OpenFile::Here(file) => Length::len(file),
            OpenFile::Stored(file) => file.object.size,
        }
    }
}

impl ChunkReader for OpenFile {
    type T = BufReader<OpenFile>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        let mut file = match self {
            OpenFile::Here(file) => OpenFile::Here(file.try_clone()?),
            OpenFile::Stored(file) => OpenFile::Stored(StoredReader::new(file.object.clone())),
        };
        file.seek(SeekFrom::Start(start))?;
        Ok(BufReader::new(file))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        match self {
            OpenFile::Here(file) => file.get_bytes(start, length),
            OpenFile::Stored(file) => {
                let end = start.saturating_add(length as u64);
                if end > file.object.size {
                    return Err(io::Error::from(ErrorKind::UnexpectedEof).into());
                }
                Ok(file.object.read(start..end)?)
            }
        }
    }
}
