//! Reading: exact ranges, near ones together, through the cache where there is one.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{GetOptions, ObjectStoreExt};

use super::cache::{Cache, Cached, Fetched};
use super::coalesce::{CoalesceOptions, coalesce, read_of};
use super::remote::{self, hedged};
use super::{RemotePlace, Storage};
use crate::error::{Error, Result};
use crate::format::layout::ObjectKind;

/// Requests under way at once, where no option says how many.
const MAX_CONCURRENCY: usize = 16;

impl Storage {
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
        let too_large = |size| {
            let reason = format!("{size} bytes, beyond the limit of {max_bytes}");
            Err(self.corrupt(path, reason))
        };
        let location = self.location(path)?;
        if let Some(cached) = self.cached(path, &location, MAX_CONCURRENCY) {
            let (first, size) = cached.first().await?;
            if size > max_bytes {
                return too_large(size);
            }
            if size <= first.len() as u64 {
                return self.exact(path, &(0..size), first);
            }
            let mut whole = cached.read(std::slice::from_ref(&(0..size))).await?;
            return self.exact(path, &(0..size), whole.pop().unwrap_or_default());
        }
        let object = self.inner.store.get(&location).await.map_err(failed)?;
        let size = object.meta.size;
        if size > max_bytes {
            return too_large(size);
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
        let ranges = std::slice::from_ref(&range);
        let mut read = self.read_ranges(path, ranges, &CoalesceOptions::default()).await?;
        Ok(read.pop().unwrap_or_default())
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
        if let Some(cached) = self.cached(path, &location, options.max_concurrency) {
            let read = cached.read(ranges).await?.into_iter();
            return ranges
                .iter()
                .zip(read)
                .map(|(range, bytes)| self.exact(path, range, bytes))
                .collect();
        }
        let reads = coalesce(ranges, options.max_gap_bytes);
        // A local file is opened once for all its reads, a remote one is asked for each.
        let at_once = if self.folder().is_some() { reads.len() } else { 1 };
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
        let Some(folder) = self.folder().filter(|_| self.maps_files) else {
            return Ok(None);
        };
        if let Some(mapped) = self.inner.maps.cached(path) {
            return Ok(Some(mapped));
        }
        let file = folder.join(self.location(path)?.as_ref());
        let mapped = self.inner.maps.open(path, &file);
        mapped.map_err(|error| Error::io(format!("cannot map {}", self.shown(path)), error))
    }

    /// Takes note that the object, as it was read, is damaged: it is read from the store itself the next time.
    ///
    /// What comes over a network may have been damaged there, and would be kept so.
    pub(crate) fn distrust(&self, path: &str) {
        if let Ok(Some((origin, path))) = self.origin_for(path) {
            return origin.distrust(path);
        }
        let Ok(location) = self.location(path) else { return };
        if let Some((cache, place)) = self.cache_of(path) {
            cache.forget(&place.identity, location.as_ref());
        }
    }

    /// The cached blocks of an object, if there is a cache and the object never changes.
    fn cached(&self, path: &str, location: &Path, max_concurrency: usize) -> Option<Cached> {
        let (cache, place) = self.cache_of(path)?;
        let counters = self.inner.counters.clone();
        let object = Arc::new((self.clone(), path.to_owned(), location.clone()));
        let ask = move |range| {
            let object = object.clone();
            let asked = async move {
                let (storage, path, location) = &*object;
                storage.fetch_part(path, location, range).await
            };
            asked.boxed()
        };
        let object = location.as_ref();
        Some(cache.of(&place.identity, object, counters, max_concurrency, Arc::new(ask)))
    }

    fn cache_of(&self, path: &str) -> Option<(&Cache, &RemotePlace)> {
        let place = self.remote_place()?;
        let is_final = ObjectKind::in_folder_of(path).is_some_and(ObjectKind::is_final);
        Some((place.cache.as_ref().filter(|_| is_final)?, place))
    }

    /// Those bytes of the range that the object has, and the object's size.
    async fn fetch_part(&self, path: &str, location: &Path, range: Range<u64>) -> Result<Fetched> {
        let get = || async {
            let options = GetOptions { range: Some(range.clone().into()), ..Default::default() };
            let got = self.inner.store.get_opts(location, options).await?;
            let (size, found) = (got.meta.size, got.range.clone());
            let bytes = got.bytes().await?;
            Ok((bytes, size, found))
        };
        let after = self.remote_place().and_then(|place| place.hedge_after);
        let (bytes, size, found) = match hedged(after, get).await {
            Ok(got) => got,
            Err(error) => {
                let reads = std::slice::from_ref(&range);
                return Err(self.explain(path, location, reads, error).await);
            }
        };
        self.inner.counters.note(bytes.len() as u64);
        let is_whole = found.start == range.start
            && found.end == range.end.min(size)
            && bytes.len() as u64 == found.end - found.start;
        match is_whole {
            true => Ok((bytes, size)),
            false => Err(self.truncated(path, &range, range.start + bytes.len() as u64)),
        }
    }

    /// The bytes of each of `reads`, none of which is empty.
    async fn fetch(&self, path: &str, location: &Path, reads: &[Range<u64>]) -> Result<Vec<Bytes>> {
        if self.remote_place().is_some() {
            let mut fetched = Vec::with_capacity(reads.len());
            for read in reads {
                let (bytes, _) = self.fetch_part(path, location, read.clone()).await?;
                fetched.push(self.exact(path, read, bytes)?);
            }
            return Ok(fetched);
        }
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
        let is_known = self.remote_place().is_some() && remote::explain(&error).is_some();
        let size = match &error {
            object_store::Error::NotFound { .. } => None,
            _ if is_known => None,
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
