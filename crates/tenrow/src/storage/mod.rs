//! The objects of one dataset, wherever they are: every read and write of this crate is here.

mod coalesce;
mod counted;
mod durable_local;
mod foreign;
mod listed;
mod location;
mod mapped;
mod origins;
mod temp_file;
mod upload;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::future;
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};

pub use coalesce::CoalesceOptions;
pub use counted::Counters;
pub use durable_local::DurableLocal;
pub(crate) use foreign::modified_ns;
pub use listed::ListedObject;
pub use location::Location;
pub use upload::{Upload, Uploaded};

use crate::blocking;
use crate::error::{Error, Result};
use crate::ids::Ids;
use coalesce::{coalesce, read_of};
use counted::LiveCounters;
use mapped::{MAX_LIVE_MAPS, Maps};

/// The folder of the root manifests.
const VERSIONS_FOLDER: &str = "_tenrow/versions";

/// The objects of one dataset, by their paths in it; cheap to clone.
///
/// Clones share maps and counters. Every error names the object.
///
/// ```
/// use bytes::Bytes;
/// use futures::FutureExt;
/// use tenrow::{Ids, Storage};
///
/// # let folder = tempfile::tempdir()?;
/// let storage = Storage::local(folder.path().join("digits"), Ids::random());
/// // Without a tokio runtime a local operation is ready at the first poll.
/// let created = storage.put_new("a", Bytes::from("one")).now_or_never().expect("ready")?;
/// assert!(created);
/// assert_eq!(storage.read_range("a", 1..3).now_or_never().expect("ready")?, "ne");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Storage {
    inner: Arc<Inner>,
    /// Other datasets that paths may lead to, by the name that these begin with.
    origins: Arc<BTreeMap<String, Storage>>,
    maps_files: bool,
    counts_mapped_reads: bool,
    lists_in_order: bool,
}

struct Inner {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// The folder, if the objects are local files that only tenrow writes.
    folder: Option<PathBuf>,
    maps: Maps,
    counters: LiveCounters,
}

impl Storage {
    /// The objects below `location`; see [`Location::parse`]. Touches nothing.
    ///
    /// # Errors
    /// As [`Location::parse`].
    pub fn open(location: &str) -> Result<Self> {
        match Location::parse(location)? {
            Location::Local(folder) => Ok(Self::local(folder, Ids::random())),
        }
    }

    /// The files of a local `folder`, which need not exist; temporary names come from `ids`.
    pub fn local(folder: impl Into<PathBuf>, ids: Ids) -> Self {
        let folder = folder.into();
        let store = Arc::new(DurableLocal::new(folder.clone(), ids));
        Self::with(store, Path::default(), Some(folder))
    }

    /// The objects of `store` below `prefix`; never mapped, and listed whole.
    pub fn from_store(store: Arc<dyn ObjectStore>, prefix: Path) -> Self {
        Self::with(store, prefix, None)
    }

    fn with(store: Arc<dyn ObjectStore>, prefix: Path, folder: Option<PathBuf>) -> Self {
        let maps = Maps::new(MAX_LIVE_MAPS);
        let inner = Inner { store, prefix, folder, maps, counters: LiveCounters::default() };
        let inner = Arc::new(inner);
        Self {
            inner,
            origins: Arc::default(),
            maps_files: true,
            counts_mapped_reads: false,
            lists_in_order: false,
        }
    }

    /// Whether local files are mapped: by default they are.
    #[must_use]
    pub fn with_mmap(mut self, maps_files: bool) -> Self {
        self.maps_files = maps_files;
        self
    }

    /// Whether [`note_mapped_read`](Self::note_mapped_read) counts: by default it does nothing.
    #[must_use]
    pub fn with_mapped_reads_counted(mut self, counted: bool) -> Self {
        self.counts_mapped_reads = counted;
        self
    }

    /// Whether the store lists in the order of names, so that the newest version is its first
    /// answer: by default it is not trusted to.
    #[must_use]
    pub fn with_ordered_listing(mut self, lists_in_order: bool) -> Self {
        self.lists_in_order = lists_in_order;
        self
    }

    /// The folder, if the storage is local.
    pub fn folder(&self) -> Option<&FilePath> {
        self.inner.folder.as_deref()
    }

    /// What was read so far, by all clones.
    pub fn counters(&self) -> Counters {
        self.inner.counters.snapshot()
    }

    fn note_read(&self, bytes: u64) {
        self.inner.counters.note(bytes);
    }

    /// Counts one read of `bytes` from a map, if mapped reads are counted.
    pub fn note_mapped_read(&self, bytes: u64) {
        if self.counts_mapped_reads {
            self.inner.counters.note(bytes);
        }
    }

    /// The size of the object.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Io`](crate::ErrorKind::Io).
    pub async fn size(&self, path: &str) -> Result<u64> {
        if let Some((origin, path)) = self.origin_for(path)? {
            return Box::pin(origin.size(path)).await;
        }
        self.note_read(0);
        let meta = self.inner.store.head(&self.location(path)?).await;
        meta.map(|meta| meta.size).map_err(|error| self.store_error("read", path, error))
    }

    /// The whole object.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Corrupt`](crate::ErrorKind::Corrupt) if it is over
    /// `max_bytes`, found out before anything is allocated; [`Io`](crate::ErrorKind::Io).
    pub async fn read(&self, path: &str, max_bytes: u64) -> Result<Bytes> {
        if let Some((origin, path)) = self.origin_for(path)? {
            return Box::pin(origin.read(path, max_bytes)).await;
        }
        let failed = |error| self.store_error("read", path, error);
        let location = self.location(path)?;
        let object = self.inner.store.get(&location).await.map_err(failed)?;
        let size = object.meta.size;
        if size > max_bytes {
            let reason = format!("{size} bytes, beyond the limit of {max_bytes}");
            return Err(self.corrupt(path, reason));
        }
        self.inner.counters.note(size);
        let bytes = object.bytes().await.map_err(failed)?;
        self.exact(path, &(0..size), bytes)
    }

    /// Exactly those bytes of the object.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Corrupt`](crate::ErrorKind::Corrupt) if the object ends
    /// before the range does; [`Io`](crate::ErrorKind::Io).
    pub async fn read_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        if let Some((origin, path)) = self.origin_for(path)? {
            return Box::pin(origin.read_range(path, range)).await;
        }
        check_range(path, &range)?;
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let location = self.location(path)?;
        let mut fetched = self.fetch(path, &location, std::slice::from_ref(&range)).await?;
        Ok(fetched.pop().unwrap_or_default())
    }

    /// The bytes of each of `ranges`, in their order; neighbours are fetched together.
    ///
    /// # Errors
    /// As [`read_range`](Self::read_range).
    pub async fn read_ranges(
        &self,
        path: &str,
        ranges: &[Range<u64>],
        options: &CoalesceOptions,
    ) -> Result<Vec<Bytes>> {
        if let Some((origin, path)) = self.origin_for(path)? {
            return Box::pin(origin.read_ranges(path, ranges, options)).await;
        }
        ranges.iter().try_for_each(|range| check_range(path, range))?;
        let location = self.location(path)?;
        let reads = coalesce(ranges, options.max_gap_bytes);
        // A local file is opened once for all its reads, a remote one is asked for each.
        let at_once = if self.inner.folder.is_some() { reads.len() } else { 1 };
        let fetches: Vec<_> =
            reads.chunks(at_once.max(1)).map(|reads| self.fetch(path, &location, reads)).collect();
        let fetched: Vec<Vec<Bytes>> =
            stream::iter(fetches).buffered(options.max_concurrency.max(1)).try_collect().await?;
        let fetched = fetched.concat();
        Ok(ranges.iter().map(|range| cut(&reads, &fetched, range)).collect())
    }

    /// The whole file, mapped; `None` if it is to be read in ranges instead.
    ///
    /// That is so if the storage is not local, mapping is off, or readers hold too many maps.
    /// The bytes start on a page boundary and outlive the file.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Io`](crate::ErrorKind::Io).
    pub fn map(&self, path: &str) -> Result<Option<Bytes>> {
        if let Some((origin, path)) = self.origin_for(path)? {
            return origin.map(path);
        }
        let Some(folder) = self.inner.folder.as_ref().filter(|_| self.maps_files) else {
            return Ok(None);
        };
        if let Some(mapped) = self.inner.maps.cached(path) {
            return Ok(Some(mapped));
        }
        let file = folder.join(self.location(path)?.as_ref());
        let mapped = self.inner.maps.open(path, &file);
        mapped.map_err(|error| Error::io(format!("cannot map {}", self.shown(path)), error))
    }

    /// Creates the object, durably; false if there is one by that path already.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io): the object may exist all the same, if its confirmation was lost.
    pub async fn put_new(&self, path: &str, bytes: Bytes) -> Result<bool> {
        let location = self.location(path)?;
        let mode = PutMode::Create.into();
        match self.inner.store.put_opts(&location, bytes.into(), mode).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(self.store_error("write", path, error)),
        }
    }

    /// Writes the object, replacing what was there: only for objects that nothing relies on.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io).
    pub async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        let put = self.inner.store.put(&self.location(path)?, bytes.into()).await;
        put.map(drop).map_err(|error| self.store_error("write", path, error))
    }

    /// Begins an object that is written piece by piece.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if `path` is no path.
    pub fn upload(&self, path: &str) -> Result<Upload> {
        let store = Arc::clone(&self.inner.store);
        Ok(Upload::new(store, self.location(path)?, self.shown(path)))
    }

    /// The name of the newest version's file, without its folder; `None` if there is no version.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io).
    pub async fn newest(&self) -> Result<Option<String>> {
        if !self.lists_in_order {
            return Ok(self.version_files().await?.into_iter().min());
        }
        let names = self.listed_version_files();
        futures::pin_mut!(names);
        names.try_next().await
    }

    /// The names of all version files, without their folder, the newest first.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io).
    pub async fn list_versions(&self) -> Result<Vec<String>> {
        let mut names = self.version_files().await?;
        names.sort_unstable();
        Ok(names)
    }

    async fn version_files(&self) -> Result<Vec<String>> {
        let Some(folder) = &self.inner.folder else {
            return self.listed_version_files().try_collect().await;
        };
        self.inner.counters.note(0);
        let folder = folder.join(VERSIONS_FOLDER);
        let listed = blocking::run(move || local_version_files(&folder)).await;
        listed.map_err(|error| Error::io(format!("cannot list the versions of {self}"), error))
    }

    fn listed_version_files(&self) -> impl Stream<Item = Result<String>> + Send + '_ {
        self.inner.counters.note(0);
        let folder: Path =
            self.inner.prefix.parts().chain(Path::from(VERSIONS_FOLDER).parts()).collect();
        let objects = self.inner.store.list(Some(&folder));
        objects
            .try_filter_map(|object| future::ok(version_file(object.location.filename())))
            .map_err(move |error| {
                Error::store(format!("cannot list the versions of {self}"), error)
            })
    }

    /// The bytes of each of `reads`, none of which is empty.
    async fn fetch(&self, path: &str, location: &Path, reads: &[Range<u64>]) -> Result<Vec<Bytes>> {
        reads.iter().for_each(|read| self.inner.counters.note(read.end - read.start));
        // For a local file `get_ranges` is one trip to a blocking thread, `get` is two.
        match self.inner.store.get_ranges(location, reads).await {
            Ok(fetched) if fetched.len() == reads.len() => reads
                .iter()
                .zip(fetched)
                .map(|(read, bytes)| self.exact(path, read, bytes))
                .collect(),
            Ok(_) => Err(self.corrupt(path, "the store left out a range".to_owned())),
            Err(error) => Err(self.explain(path, location, reads, error).await),
        }
    }

    /// Tells an object that is too short from other failures: stores report it in many ways.
    async fn explain(
        &self,
        path: &str,
        location: &Path,
        reads: &[Range<u64>],
        error: object_store::Error,
    ) -> Error {
        let size = match &error {
            object_store::Error::NotFound { .. } => None,
            _ => self.inner.store.head(location).await.ok().map(|meta| meta.size),
        };
        let beyond = |size: u64| reads.iter().find(|read| size < read.end).map(|read| (read, size));
        match size.and_then(beyond) {
            Some((read, size)) => self.truncated(path, read, size),
            None => self.store_error("read", path, error),
        }
    }

    fn exact(&self, path: &str, range: &Range<u64>, bytes: Bytes) -> Result<Bytes> {
        let found = bytes.len() as u64;
        if found == range.end - range.start {
            return Ok(bytes);
        }
        Err(self.truncated(path, range, range.start.saturating_add(found)))
    }

    fn truncated(&self, path: &str, range: &Range<u64>, size: u64) -> Error {
        let Range { start, end } = range;
        self.corrupt(
            path,
            format!("truncated: ends at byte {size}, bytes {start}..{end} are needed"),
        )
    }

    fn corrupt(&self, path: &str, reason: String) -> Error {
        Error::corrupt(format!("cannot read {}", self.shown(path)), reason)
    }

    fn store_error(&self, verb: &str, path: &str, error: object_store::Error) -> Error {
        Error::store(format!("cannot {verb} {}", self.shown(path)), error)
    }

    fn location(&self, path: &str) -> Result<Path> {
        let parsed =
            Path::parse(path).ok().filter(|parsed| parsed.as_ref() == path && !path.is_empty());
        let parsed = parsed.ok_or_else(|| {
            Error::invalid(format!("object path {path:?}: not a plain relative path"))
        })?;
        Ok(self.inner.prefix.parts().chain(parsed.parts()).collect())
    }

    /// What a person calls the object.
    pub(crate) fn shown(&self, path: &str) -> String {
        if let Ok(Some((origin, path))) = self.origin_for(path) {
            return origin.shown(path);
        }
        match &self.inner.folder {
            Some(folder) => folder.join(path).display().to_string(),
            None if self.inner.prefix.as_ref().is_empty() => path.to_owned(),
            None => format!("{}/{path}", self.inner.prefix),
        }
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Storage({self})")
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner.folder {
            Some(folder) => folder.display().fmt(f),
            None => write!(f, "{}/{}", self.inner.store, self.inner.prefix),
        }
    }
}

fn check_range(path: &str, range: &Range<u64>) -> Result<()> {
    if range.start <= range.end {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "range {}..{} of {path}: ends before it starts",
        range.start, range.end
    )))
}

/// The part of the joined `reads` that is `range`.
fn cut(reads: &[Range<u64>], fetched: &[Bytes], range: &Range<u64>) -> Bytes {
    if range.is_empty() {
        return Bytes::new();
    }
    let index = read_of(reads, range);
    // Every read was found to be complete, so it holds the range.
    let start = (range.start - reads[index].start) as usize;
    fetched[index].slice(start..start + (range.end - range.start) as usize)
}

fn local_version_files(folder: &FilePath) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        // A folder without versions, or a file: no dataset, which the caller can say better.
        Err(error) if is_missing(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let names = entries.map(|entry| Ok(version_file(entry?.file_name().to_str())));
    names.filter_map(Result::transpose).collect()
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// `name` if it is that of a version file: 20 digits of a `u64`, and `.json`.
fn version_file(name: Option<&str>) -> Option<String> {
    let name = name?;
    let digits = name.strip_suffix(".json")?;
    let is_number = digits.len() == 20 && digits.bytes().all(|c| c.is_ascii_digit());
    (is_number && digits.parse::<u64>().is_ok()).then(|| name.to_owned())
}
