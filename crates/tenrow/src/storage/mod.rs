//! The objects of one dataset, wherever they are: every read and write of this crate is here.
//!
//! A [`Location`] says where, [`StoreOptions`] how a store is reached, and a [`Storage`] is both: it reads,
//! writes, lists and deletes objects by their paths in it. [`Dataset::at`](crate::Dataset::at) makes a dataset of one.
//!
//! ```
//! use tenrow::storage::{Meter, Storage};
//! # futures::executor::block_on(async {
//! let storage = Storage::open("memory://docs/storage")?;
//! assert!(storage.put_new("a", "one".into()).await?);
//! assert!(!storage.put_new("a", "two".into()).await?);
//!
//! let meter = Meter::new();
//! assert_eq!(meter.future(storage.read_range("a", 1..3)).await?, "ne");
//! assert_eq!(meter.counters().bytes_read, 2);
//! # Ok::<(), tenrow::Error>(()) }).unwrap();
//! ```

mod cache;
mod coalesce;
mod counted;
mod durable_local;
mod file_error;
mod foreign;
mod listed;
mod local_listing;
mod location;
mod mapped;
mod meter;
mod nested;
mod newest;
pub(crate) mod options;
mod origins;
mod reading;
mod regular;
mod remote;
mod syncing;
mod temp_file;
mod unique;
mod upload;
mod writing;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::list::PaginatedListStore;
use object_store::path::Path;

pub use cache::{Cache, CacheSize};
pub use coalesce::CoalesceOptions;
pub use counted::Counters;
pub use durable_local::DurableLocal;
pub(crate) use foreign::modified_ns;
pub use listed::ListedObject;
pub use location::{Location, Provider, RemoteLocation};
pub use meter::Meter;
pub(crate) use nested::NestedDatasets;
pub(crate) use options::StoreOptions;
pub use regular::open_regular;
pub(crate) use upload::Ending;
use upload::PART_BYTES;
pub use upload::{Upload, Uploaded};

use crate::error::{Error, ErrorKind, Result};
use crate::ids::Ids;
use counted::LiveCounters;
use mapped::{MAX_LIVE_MAPS, Maps};
pub use remote::LentMemory;
use remote::{Environment, Secrets};

/// The objects of one dataset, by their paths in it; cheap to clone.
///
/// Clones share maps and counters. Every error names the object.
///
/// ```
/// use bytes::Bytes;
/// use futures::FutureExt;
/// use tenrow::engine::Ids;
/// use tenrow::storage::Storage;
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
    /// How it was reached, and others are.
    options: Arc<StoreOptions>,
    maps_files: bool,
    counts_mapped_reads: bool,
    lists_in_order: bool,
    part_bytes: u64,
}

struct Inner {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    place: Place,
    maps: Maps,
    counters: Arc<LiveCounters>,
    /// Whether creating looks first and then puts, because the store can do no better.
    has_single_writer: AtomicBool,
}

/// Where the objects are, as far as that is known.
enum Place {
    /// Local files that only tenrow writes.
    Folder(PathBuf, Arc<DurableLocal>),
    /// Below a location of a remote store.
    Remote(RemotePlace),
    /// In a store that the caller has.
    Store,
}

#[derive(Clone)]
struct RemotePlace {
    location: RemoteLocation,
    /// The store, if a listing of it can be cut short.
    pages: Option<Arc<dyn PaginatedListStore>>,
    /// What tells its objects from those of other stores.
    identity: String,
    /// What no message has.
    secrets: Arc<Secrets>,
    cache: Option<Cache>,
    /// How long a request may take before it is sent a second time.
    hedge_after: Option<Duration>,
}

impl Storage {
    /// The objects below `location`; see [`Location::parse`]. Touches nothing.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub fn open(location: &str) -> Result<Self> {
        Self::open_with(location, &StoreOptions::default())
    }

    /// The objects below `location`, reached as `options` and the environment say; a local folder needs neither.
    ///
    /// Remote stores are asked within a tokio runtime.
    ///
    /// # Errors
    /// As [`Location::parse`], and [`InvalidInput`](crate::ErrorKind::InvalidInput) for an option that there is not;
    /// [`NotFound`](crate::ErrorKind::NotFound) for a profile.
    pub fn open_with(location: &str, options: &StoreOptions) -> Result<Self> {
        let opened = match Location::parse(location)? {
            Location::Local(folder) => {
                remote::check_known(options)?;
                Self::local(folder, Ids::random())
            }
            Location::Remote(remote) => Self::remote(remote, options)?,
        };
        Ok(Self { options: Arc::new(options.clone()), ..opened })
    }

    /// The objects below another location, reached as this one was.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub fn open_other(&self, location: &str) -> Result<Self> {
        Self::open_with(location, &self.options)
    }

    /// The files of a local `folder`, which need not exist; temporary names come from `ids`.
    pub fn local(folder: impl Into<PathBuf>, ids: Ids) -> Self {
        Self::of_folder(DurableLocal::new(folder, ids))
    }

    /// The files of the folder that `store` writes.
    pub(crate) fn of_folder(store: DurableLocal) -> Self {
        let (folder, store) = (store.root().to_owned(), Arc::new(store));
        let place = Place::Folder(folder, store.clone());
        Self::with(store, Path::default(), place, Arc::default())
    }

    /// The objects of `store` below `prefix`; never mapped, and listed whole.
    pub fn from_store(store: Arc<dyn ObjectStore>, prefix: Path) -> Self {
        Self::with(store, prefix, Place::Store, Arc::default())
    }

    fn remote(location: RemoteLocation, options: &StoreOptions) -> Result<Self> {
        let counters = Arc::default();
        let environment = Environment::of_process();
        let opened = remote::open(&location, options, &environment, &counters)?;
        // Memory is as near as a cache.
        let is_near = location.provider == Provider::Memory;
        let cache = if is_near { None } else { Cache::from_environment(options, &environment)? };
        let prefix = location.prefix.clone();
        let place = RemotePlace {
            location,
            pages: opened.pages,
            identity: opened.identity,
            secrets: opened.secrets,
            cache,
            hedge_after: remote::hedge_after(options)?,
        };
        Ok(Self::with(opened.store, prefix, Place::Remote(place), counters))
    }

    /// Another part of the same remote store; requests and reads are counted together.
    fn beside(&self, location: RemoteLocation) -> Self {
        let (store, counters) = (self.inner.store.clone(), self.inner.counters.clone());
        let prefix = location.prefix.clone();
        let place = match &self.inner.place {
            Place::Remote(place) => Place::Remote(RemotePlace { location, ..place.clone() }),
            Place::Folder(..) | Place::Store => Place::Store,
        };
        Self { options: self.options.clone(), ..Self::with(store, prefix, place, counters) }
    }

    fn with(
        store: Arc<dyn ObjectStore>,
        prefix: Path,
        place: Place,
        counters: Arc<LiveCounters>,
    ) -> Self {
        let maps = Maps::new(MAX_LIVE_MAPS);
        let has_single_writer = AtomicBool::new(false);
        let inner = Inner { store, prefix, place, maps, counters, has_single_writer };
        Self {
            inner: Arc::new(inner),
            origins: Arc::default(),
            options: Arc::default(),
            maps_files: true,
            counts_mapped_reads: false,
            lists_in_order: false,
            part_bytes: PART_BYTES,
        }
    }

    /// Whether local files are mapped: by default they are.
    #[must_use]
    pub fn with_mmap(mut self, maps_files: bool) -> Self {
        self.maps_files = maps_files;
        self
    }

    /// Sends larger objects in parts of so many bytes, all but the last: 8 MiB by default, and at least one byte. S3 takes no
    /// parts below 5 MiB.
    #[must_use]
    pub fn with_part_bytes(mut self, bytes: u64) -> Self {
        self.part_bytes = bytes.max(1);
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
        match &self.inner.place {
            Place::Folder(folder, _) => Some(folder),
            Place::Remote(_) | Place::Store => None,
        }
    }

    /// The last part of where the objects are, if that is known.
    pub(crate) fn name(&self) -> Option<String> {
        match &self.inner.place {
            Place::Folder(folder, _) => {
                folder.file_name().map(|name| name.to_string_lossy().into_owned())
            }
            Place::Remote(_) | Place::Store => {
                self.inner.prefix.parts().next_back().map(|part| part.as_ref().to_owned())
            }
        }
    }

    /// The location of a remote store, if it was opened by one.
    pub fn remote_location(&self) -> Option<&RemoteLocation> {
        self.remote_place().map(|place| &place.location)
    }

    fn remote_place(&self) -> Option<&RemotePlace> {
        match &self.inner.place {
            Place::Remote(place) => Some(place),
            Place::Folder(..) | Place::Store => None,
        }
    }

    /// The cache that remote objects are kept in, if there is one.
    pub fn cache(&self) -> Option<&Cache> {
        self.remote_place().and_then(|place| place.cache.as_ref())
    }

    /// The same objects, each read from the store itself.
    #[must_use]
    pub fn without_cache(&self) -> Self {
        let Some(place) = self.remote_place().filter(|place| place.cache.is_some()) else {
            return self.clone();
        };
        let place = Place::Remote(RemotePlace { cache: None, ..place.clone() });
        let (store, counters) = (self.inner.store.clone(), self.inner.counters.clone());
        let origins: BTreeMap<_, _> = self
            .origins
            .iter()
            .map(|(name, origin)| (name.clone(), origin.without_cache()))
            .collect();
        Self {
            origins: Arc::new(origins),
            options: self.options.clone(),
            ..Self::with(store, self.inner.prefix.clone(), place, counters)
        }
    }

    /// Refuses what would change a store that only gives.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported).
    pub(crate) fn check_writable(&self) -> Result<()> {
        match self.remote_location() {
            Some(location) if location.provider.is_read_only() => Err(Error::unsupported(format!(
                "{self} can only be read: a server of files takes none"
            ))),
            _ => Ok(()),
        }
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

    /// Makes values of stored bytes, and counts the time.
    pub(crate) fn decoding<T>(&self, decode: impl FnOnce() -> T) -> T {
        self.inner.counters.decoding(decode)
    }

    fn store_error(&self, verb: &str, path: &str, error: object_store::Error) -> Error {
        self.refused(format!("cannot {verb} {}", self.shown(path)), error)
    }

    fn refused(&self, what: String, error: object_store::Error) -> Error {
        if !self.lists() && matches!(error, object_store::Error::PermissionDenied { .. }) {
            let what = format!("{what}: the server refuses it: it is not public, or not there");
            return self.hide(Error::store(what, error).with_kind(ErrorKind::Denied));
        }
        refused(what, self.remote_place().map(|place| place.secrets.as_ref()), error)
    }

    /// The error without what the store's options say.
    fn hide(&self, error: Error) -> Error {
        match self.remote_place() {
            Some(place) => place.secrets.hide(error),
            None => error,
        }
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
        match &self.inner.place {
            Place::Folder(folder, _) => folder.join(path).display().to_string(),
            Place::Remote(place) => format!("{}/{path}", place.location),
            Place::Store if self.inner.prefix.as_ref().is_empty() => path.to_owned(),
            Place::Store => format!("{}/{path}", self.inner.prefix),
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
        match &self.inner.place {
            Place::Folder(folder, _) => folder.display().fmt(f),
            Place::Remote(place) => place.location.fmt(f),
            Place::Store => write!(f, "{}/{}", self.inner.store, self.inner.prefix),
        }
    }
}

/// An error of a store, with what it means where the store is remote and has `secrets`.
fn refused(what: String, secrets: Option<&Secrets>, error: object_store::Error) -> Error {
    let Some(secrets) = secrets else { return Error::store(what, error) };
    secrets.hide(match remote::explain(&error) {
        Some((kind, meaning)) => Error::store(format!("{what}: {meaning}"), error).with_kind(kind),
        None => Error::store(what, error),
    })
}
