//! Blocks of remote objects on the local disk, shared by the processes of a machine: each is fetched once.
//!
//! ```text
//! ranges ─► blocks of 1 MiB ─┬─ on disk, and their checksums hold ──────────────────────────────► bytes
//!                            ├─ under way in this process ──────────────► joined ─────────────────┘
//!                            └─ missing: claim ─► one request for neighbours ─► whole under a name ─┘
//! ```
//!
//! Only objects that never change are kept: a block is never stale. Nothing is locked: a block is there, whole, or it
//! is not, and whoever finds none may fetch it. A process that is killed or stopped leaves a file that nobody looks for,
//! and a claim that soon counts for nothing. What cannot be kept (a full disk, a folder of someone else) is served all
//! the same.

mod block;
mod private;
mod claims;
mod fetches;
mod folder;
mod settings;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt, TryStreamExt};

use self::block::{BLOCK_BYTES, BlockKey};
use self::claims::Patience;
use self::fetches::Blocks;
use self::folder::BlockFolder;
use super::counted::LiveCounters;
use crate::blocking;
use crate::error::{Error, Result};
use crate::shared_work::Work;

/// The cache of one machine.
///
/// ```
/// use tenrow::storage::Cache;
/// # let folder = tempfile::tempdir().expect("a folder");
/// let cache = Cache::new(folder.path(), 1 << 30);
/// assert_eq!((cache.max_bytes(), cache.size()?.blocks), (1 << 30, 0));
/// # Ok::<(), tenrow::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Cache {
    blocks: Arc<BlockFolder>,
    folder: PathBuf,
    max_bytes: u64,
}

/// What a cache holds, or what was removed from it.
///
/// ```
/// use tenrow::storage::{Cache, CacheSize};
/// # let folder = tempfile::tempdir().expect("a folder");
/// let removed: CacheSize = Cache::new(folder.path(), 1 << 30).clear()?;
/// assert_eq!((removed.blocks, removed.bytes), (0, 0));
/// # Ok::<(), tenrow::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CacheSize {
    /// Blocks of at most 1 MiB.
    pub blocks: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

/// What a store gives for a range: its bytes, which may end where the object does, and the object's size.
pub(super) type Fetched = (Bytes, u64);

/// Asks the store for a range of the object.
pub(super) type Ask = dyn Fn(Range<u64>) -> BoxFuture<'static, Result<Fetched>> + Send + Sync;

/// The blocks of one object; cheap to clone.
#[derive(Clone)]
pub(super) struct Cached {
    blocks: Arc<BlockFolder>,
    object: [u8; 16],
    counters: Arc<LiveCounters>,
    max_concurrency: usize,
    ask: Arc<Ask>,
}

impl Cache {
    /// A cache in `folder`, of at most `max_bytes`. Touches nothing.
    pub fn new(folder: impl Into<PathBuf>, max_bytes: u64) -> Self {
        let folder = folder.into();
        Self { blocks: Arc::new(BlockFolder::new(folder.clone(), max_bytes)), folder, max_bytes }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Bytes that are kept, at most.
    pub fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// What it holds.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io).
    pub fn size(&self) -> Result<CacheSize> {
        let held = self.blocks.held().map_err(|error| self.failed("read", error))?;
        Ok(CacheSize { blocks: held.blocks, bytes: held.bytes })
    }

    /// Removes all blocks. Whoever reads meanwhile fetches anew.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io).
    pub fn clear(&self) -> Result<CacheSize> {
        let removed = self.blocks.clear().map_err(|error| self.failed("clear", error))?;
        Ok(CacheSize { blocks: removed.blocks, bytes: removed.bytes })
    }

    fn failed(&self, verb: &str, error: std::io::Error) -> Error {
        Error::io(format!("cannot {verb} the cache in {}", self.folder.display()), error)
    }

    /// The blocks of the object at `path` of the store that `store` names.
    pub(super) fn of(
        &self,
        store: &str,
        path: &str,
        counters: Arc<LiveCounters>,
        max_concurrency: usize,
        ask: Arc<Ask>,
    ) -> Cached {
        let (blocks, object) = (self.blocks.clone(), object(store, path));
        Cached { blocks, object, counters, max_concurrency, ask }
    }

    /// Keeps nothing of the object any longer.
    pub(super) fn forget(&self, store: &str, path: &str) {
        self.blocks.forget(object(store, path));
    }
}

/// What tells the object from others.
fn object(store: &str, path: &str) -> [u8; 16] {
    let mut object = [0; 16];
    let hash = blake3::hash(format!("{store}\0{path}").as_bytes());
    object.copy_from_slice(&hash.as_bytes()[..16]);
    object
}

/// Parts of blocks, by the block.
type Parts = BTreeMap<u64, Vec<Range<usize>>>;

/// Bytes of those parts, and the size of the object.
#[derive(Default)]
struct Found {
    blocks: BTreeMap<u64, Vec<Bytes>>,
    object_bytes: Option<u64>,
}

impl Found {
    fn add(&mut self, other: Self) {
        self.blocks.extend(other.blocks);
        self.object_bytes = self.object_bytes.or(other.object_bytes);
    }

    /// Adds what was missing of blocks that came.
    fn cut(&mut self, come: &Blocks, missing: &mut Parts) {
        for (index, block) in &come.bytes {
            let Some(parts) = missing.remove(index) else { continue };
            let cut = |part: &Range<usize>| {
                block.slice(part.start.min(block.len())..part.end.min(block.len()))
            };
            self.blocks.insert(*index, parts.iter().map(cut).collect());
        }
        self.object_bytes = self.object_bytes.or(come.object_bytes);
    }
}

impl Cached {
    /// The bytes of each range, those that the object has; what is missing is fetched.
    pub(super) async fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        Ok(assemble(ranges, self.find(ranges).await?.blocks))
    }

    /// The first block of the object, and the object's size.
    pub(super) async fn first(&self) -> Result<Fetched> {
        let first = 0..BLOCK_BYTES;
        let found = self.find(std::slice::from_ref(&first)).await?;
        let size = found.object_bytes.unwrap_or_default();
        let mut bytes = assemble(std::slice::from_ref(&first), found.blocks);
        Ok((bytes.pop().unwrap_or_default(), size))
    }

    async fn find(&self, ranges: &[Range<u64>]) -> Result<Found> {
        let mut wanted = Parts::new();
        for range in ranges {
            for (index, part) in parts(range) {
                wanted.entry(index).or_default().push(part);
            }
        }
        let (mut found, mut missing) = self.look_up(wanted).await;
        let mut patience = Patience::new();
        while !missing.is_empty() {
            let blocks: Vec<u64> = missing.keys().copied().collect();
            let fetches = self.fetches(&blocks, patience.is_over()).into_iter().map(Work::done);
            let mut fetched = stream::iter(fetches).buffer_unordered(self.max_concurrency.max(1));
            while let Some(come) = fetched.try_next().await? {
                found.cut(&come, &mut missing);
            }
            if missing.is_empty() {
                break;
            }
            // Others fetch the rest.
            patience.wait().await;
            let (known, rest) = self.look_up(std::mem::take(&mut missing)).await;
            found.add(known);
            missing = rest;
        }
        Ok(found)
    }

    fn key(&self, index: u64) -> BlockKey {
        BlockKey { object: self.object, index }
    }

    /// What is on disk, and what is not.
    async fn look_up(&self, wanted: Parts) -> (Found, Parts) {
        if wanted.is_empty() {
            return Default::default();
        }
        let (blocks, object) = (self.blocks.clone(), self.object);
        let (found, missing) = blocking::run(move || {
            let mut found = Found::default();
            let mut missing = Parts::new();
            for (index, parts) in wanted {
                let block = blocks.open(&BlockKey { object, index });
                let read = block.and_then(|block| {
                    let read = parts.iter().map(|part| block.read(part.clone()));
                    Some((read.collect::<Option<Vec<_>>>()?, block.object_bytes()))
                });
                match read {
                    Some((read, object_bytes)) => {
                        found.blocks.insert(index, read);
                        found.object_bytes = Some(object_bytes);
                    }
                    None => drop(missing.insert(index, parts)),
                }
            }
            (found, missing)
        })
        .await;
        self.counters.note_hits(found.blocks.len() as u64);
        (found, missing)
    }
}

/// The blocks of a range, and which of their bytes it has.
fn parts(range: &Range<u64>) -> impl Iterator<Item = (u64, Range<usize>)> + use<> {
    let Range { start, end } = *range;
    let blocks = if start < end { start / BLOCK_BYTES..end.div_ceil(BLOCK_BYTES) } else { 0..0 };
    blocks.map(move |index| {
        let first = index * BLOCK_BYTES;
        let part = start.max(first) - first..end.min(first + BLOCK_BYTES) - first;
        (index, part.start as usize..part.end as usize)
    })
}

/// The ranges, from the parts of blocks in the order in which they were asked for.
fn assemble(ranges: &[Range<u64>], found: BTreeMap<u64, Vec<Bytes>>) -> Vec<Bytes> {
    let mut found: BTreeMap<u64, std::vec::IntoIter<Bytes>> =
        found.into_iter().map(|(index, parts)| (index, parts.into_iter())).collect();
    let whole = |range: &Range<u64>| {
        let mut parts = parts(range)
            .filter_map(|(index, _)| found.get_mut(&index).and_then(Iterator::next))
            .collect::<Vec<_>>();
        match parts.len() {
            0 => Bytes::new(),
            1 => parts.swap_remove(0),
            _ => {
                let mut whole = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
                parts.iter().for_each(|part| whole.extend_from_slice(part));
                whole.freeze()
            }
        }
    };
    ranges.iter().map(whole).collect()
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one range is what is meant")]
mod tests;
