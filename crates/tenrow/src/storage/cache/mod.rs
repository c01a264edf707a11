//! Blocks of remote objects on the local disk, shared by the processes of a machine: each is fetched once.
//!
//! ```text
//! ranges ─► blocks of 1 MiB ─┬─ on disk, and their checksums hold ───────────────► bytes
//!                            └─ missing: lock ─► one request for neighbours ─► disk ─┘
//! ```
//!
//! Only objects that never change are kept: a block is never stale. A process that is killed leaves a file that nobody
//! looks for, and a lock that is free. What cannot be kept (a full disk, a folder of someone else) is served all the same.

mod block;
mod folder;
mod settings;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, StreamExt, TryStreamExt};

use self::block::{BLOCK_BYTES, BlockKey};
use self::folder::{BlockFolder, Lock};
use super::counted::LiveCounters;
use crate::blocking;
use crate::error::{Error, Result};

/// Blocks that one request fetches, at most.
const RUN_BLOCKS: u64 = 8;
/// How long to wait for a block that another process fetches, before looking again.
const FIRST_WAIT: Duration = Duration::from_millis(2);
const MAX_WAIT: Duration = Duration::from_millis(50);

/// The cache of one machine.
#[derive(Debug, Clone)]
pub struct Cache {
    blocks: Arc<BlockFolder>,
    folder: PathBuf,
    max_bytes: u64,
}

/// What a cache holds, or what was removed from it.
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

/// The blocks of one object.
pub(super) struct Cached<'a> {
    cache: &'a Cache,
    object: [u8; 16],
    counters: &'a LiveCounters,
    max_concurrency: usize,
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
    pub(super) fn of<'a>(
        &'a self,
        store: &str,
        path: &str,
        counters: &'a LiveCounters,
        max_concurrency: usize,
    ) -> Cached<'a> {
        let mut object = [0; 16];
        let hash = blake3::hash(format!("{store}\0{path}").as_bytes());
        object.copy_from_slice(&hash.as_bytes()[..16]);
        Cached { cache: self, object, counters, max_concurrency }
    }
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
}

impl Cached<'_> {
    /// The bytes of each range, those that the object has; what is missing is fetched.
    pub(super) async fn read<F, Fut>(&self, ranges: &[Range<u64>], fetch: F) -> Result<Vec<Bytes>>
    where
        F: Fn(Range<u64>) -> Fut,
        Fut: Future<Output = Result<Fetched>>,
    {
        Ok(assemble(ranges, self.find(ranges, &fetch).await?.blocks))
    }

    /// Keeps nothing of the object any longer.
    pub(super) fn forget(&self) {
        self.cache.blocks.forget(self.object);
    }

    /// The first block of the object, and the object's size.
    pub(super) async fn first<F, Fut>(&self, fetch: F) -> Result<Fetched>
    where
        F: Fn(Range<u64>) -> Fut,
        Fut: Future<Output = Result<Fetched>>,
    {
        let first = 0..BLOCK_BYTES;
        let found = self.find(std::slice::from_ref(&first), &fetch).await?;
        let size = found.object_bytes.unwrap_or_default();
        let mut bytes = assemble(std::slice::from_ref(&first), found.blocks);
        Ok((bytes.pop().unwrap_or_default(), size))
    }

    async fn find<F, Fut>(&self, ranges: &[Range<u64>], fetch: &F) -> Result<Found>
    where
        F: Fn(Range<u64>) -> Fut,
        Fut: Future<Output = Result<Fetched>>,
    {
        let mut wanted = Parts::new();
        for range in ranges {
            for (index, part) in parts(range) {
                wanted.entry(index).or_default().push(part);
            }
        }
        let (mut found, mut missing) = self.look_up(wanted).await;
        self.counters.note_hits(found.blocks.len() as u64);
        let mut wait = FIRST_WAIT;
        while !missing.is_empty() {
            let locked = self.lock(&missing).await;
            // Someone may have been faster.
            let mine: Parts =
                missing.extract_if(.., |index, _| locked.blocks.contains(index)).collect();
            let (known, mine) = self.look_up(mine).await;
            found.add(known);
            self.counters.note_misses(mine.len() as u64);
            let fetches = runs(mine).into_iter().map(|run| self.fetch(run, fetch));
            let mut fetched = stream::iter(fetches).buffer_unordered(self.max_concurrency.max(1));
            while let Some(blocks) = fetched.try_next().await? {
                found.add(blocks);
            }
            drop(fetched);
            drop(locked);
            if missing.is_empty() {
                break;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(MAX_WAIT);
            let (known, rest) = self.look_up(std::mem::take(&mut missing)).await;
            self.counters.note_hits(known.blocks.len() as u64);
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
        let (blocks, object) = (self.cache.blocks.clone(), self.object);
        blocking::run(move || {
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
        .await
    }

    /// Locks those blocks that nobody else has.
    async fn lock(&self, missing: &Parts) -> Locked {
        let keys: Vec<BlockKey> = missing.keys().map(|&index| self.key(index)).collect();
        let blocks = self.cache.blocks.clone();
        blocking::run(move || {
            let mut locked = Locked::default();
            for key in keys {
                if let Entry::Vacant(free) = locked.locks.entry(BlockFolder::stripe(&key)) {
                    match blocks.try_lock(*free.key()) {
                        Ok(Some(lock)) => {
                            free.insert(Some(lock));
                        }
                        Ok(None) => continue,
                        // Where nothing can be locked, nothing is shared.
                        Err(error) => {
                            tracing::debug!(%error, "the cache cannot be locked");
                            free.insert(None);
                        }
                    }
                }
                locked.blocks.insert(key.index);
            }
            locked
        })
        .await
    }

    /// Fetches blocks that follow each other, and keeps them.
    async fn fetch<F, Fut>(&self, run: Parts, fetch: &F) -> Result<Found>
    where
        F: Fn(Range<u64>) -> Fut,
        Fut: Future<Output = Result<Fetched>>,
    {
        let (Some((&first, _)), Some((&last, _))) = (run.first_key_value(), run.last_key_value())
        else {
            return Ok(Found::default());
        };
        let start = first * BLOCK_BYTES;
        let (bytes, object_bytes) = fetch(start..(last + 1).saturating_mul(BLOCK_BYTES)).await?;
        let block = move |index: u64| {
            let from = ((index - first) * BLOCK_BYTES) as usize;
            let whole = bytes.slice(from.min(bytes.len())..);
            whole.slice(..whole.len().min(BLOCK_BYTES as usize))
        };
        let (blocks, object) = (self.cache.blocks.clone(), self.object);
        Ok(blocking::run(move || {
            let mut found = Found { object_bytes: Some(object_bytes), ..Found::default() };
            for (index, parts) in run {
                let block = block(index);
                if let Err(error) = blocks.keep(&BlockKey { object, index }, &block, object_bytes) {
                    tracing::debug!(%error, "a block cannot be kept");
                }
                let cut = |part: &Range<usize>| {
                    block.slice(part.start.min(block.len())..part.end.min(block.len()))
                };
                found.blocks.insert(index, parts.iter().map(cut).collect());
            }
            found
        })
        .await)
    }
}

/// Blocks that are ours to fetch, as long as this lives.
#[derive(Default)]
struct Locked {
    locks: BTreeMap<u64, Option<Lock>>,
    blocks: BTreeSet<u64>,
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

/// Blocks that follow each other, as many together as one request fetches.
fn runs(blocks: Parts) -> Vec<Parts> {
    let mut runs: Vec<Parts> = Vec::new();
    for (index, parts) in blocks {
        match runs.last_mut() {
            Some(run)
                if (run.len() as u64) < RUN_BLOCKS
                    && run.last_key_value().is_some_and(|(&last, _)| last + 1 == index) =>
            {
                run.insert(index, parts);
            }
            _ => runs.push(Parts::from([(index, parts)])),
        }
    }
    runs
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
