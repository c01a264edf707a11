//! Fetches of blocks that are under way in this process: whoever needs a block of one joins it.
//!
//! Each is a task of its own, that goes on while nobody polls who needs it, and ends when nobody needs it any more.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::Cached;
use super::block::{BLOCK_BYTES, BlockKey};
use super::claims::{Claim, claimed, touching};
use crate::blocking;
use crate::error::Result;
use crate::shared_work::{Ground, WeakWork, Work, without_waiting};
use crate::storage::counted;

/// Blocks that one request fetches, at most.
const RUN_BLOCKS: u64 = 8;

/// Whole blocks, and the size of the object.
#[derive(Default)]
pub(super) struct Blocks {
    pub(super) bytes: BTreeMap<u64, Bytes>,
    pub(super) object_bytes: Option<u64>,
}

/// What is under way, by the block.
#[derive(Default)]
pub(super) struct Fetches {
    known: HashMap<(Ground, BlockKey), WeakWork<Arc<Blocks>>>,
    /// When to look for those that have ended.
    full: usize,
}

impl Fetches {
    fn find(&self, ground: Ground, key: BlockKey) -> Option<Work<Arc<Blocks>>> {
        self.known.get(&(ground, key)).and_then(WeakWork::upgrade)
    }

    fn add(
        &mut self,
        ground: Ground,
        keys: impl Iterator<Item = BlockKey>,
        work: &Work<Arc<Blocks>>,
    ) {
        self.known.extend(keys.filter_map(|key| Some(((ground, key), work.downgrade()?))));
        if self.known.len() > self.full {
            self.known.retain(|_, work| work.upgrade().is_some());
            self.full = 2 * self.known.len() + 64;
        }
    }
}

impl Cached {
    /// Fetches of blocks that are missing: those under way, and new ones of blocks that follow each other.
    ///
    /// Who has `waited` enough for others asks the store itself.
    pub(super) fn fetches(&self, missing: &[u64], waited: bool) -> Vec<Work<Arc<Blocks>>> {
        let here = Ground::here();
        let under_way: &Mutex<Fetches> = &self.blocks.fetches;
        let mut under_way = without_waiting(under_way).filter(|_| !waited);
        let (mut joined, mut rest) = (Vec::<Work<_>>::new(), Vec::new());
        for &index in missing {
            match under_way.as_ref().and_then(|known| known.find(here, self.key(index))) {
                None => rest.push(index),
                Some(work) if joined.last().is_some_and(|last| last.is(&work)) => {}
                Some(work) => joined.push(work),
            }
        }
        self.counters.note_hits((missing.len() - rest.len()) as u64);
        let new = runs(rest).into_iter().map(|run| {
            let work = Work::new(self.begin(run.clone(), waited));
            if let Some(known) = &mut under_way {
                known.add(here, run.map(|index| self.key(index)), &work);
            }
            work
        });
        joined.extend(new);
        joined
    }

    /// A task that fetches the run, begun when it is first waited for.
    fn begin(
        &self,
        run: Range<u64>,
        waited: bool,
    ) -> impl Future<Output = Result<Arc<Blocks>>> + Send + use<> {
        let fetched = counted::carried(self.clone().fetch(run, waited));
        async move { blocking::alongside(Box::pin(fetched)).await.map(Arc::new) }
    }

    /// Those of the blocks that nobody else fetches.
    async fn fetch(self, run: Range<u64>, waited: bool) -> Result<Blocks> {
        let (claims, mut blocks) = self.claim(run, waited).await;
        self.counters.note_hits(blocks.bytes.len() as u64);
        self.counters.note_misses(claims.len() as u64);
        for run in runs(claims.keys().copied()) {
            let range = run.start * BLOCK_BYTES..run.end.saturating_mul(BLOCK_BYTES);
            let (bytes, object_bytes) = touching(claims.values(), (self.ask)(range)).await?;
            self.keep(&mut blocks, run, bytes, object_bytes).await;
        }
        Ok(blocks)
    }

    /// Claims blocks; gives those too that have come since it was looked for them.
    async fn claim(&self, run: Range<u64>, waited: bool) -> (BTreeMap<u64, Claim>, Blocks) {
        let cached = self.clone();
        blocking::run(move || {
            let (mut claims, mut found) = (BTreeMap::new(), Blocks::default());
            for index in run {
                let key = cached.key(index);
                let Some(claim) = claimed(&cached.blocks.claims(), &key, waited) else { continue };
                let block = cached.blocks.open(&key);
                let read = block.and_then(|block| Some((block.read(0..usize::MAX)?, block)));
                match read {
                    Some((bytes, block)) => {
                        found.bytes.insert(index, bytes);
                        found.object_bytes = Some(block.object_bytes());
                    }
                    None => drop(claims.insert(index, claim)),
                }
            }
            (claims, found)
        })
        .await
    }

    /// Adds blocks that came, and keeps them.
    async fn keep(&self, blocks: &mut Blocks, run: Range<u64>, bytes: Bytes, object_bytes: u64) {
        blocks.object_bytes = Some(object_bytes);
        let first = run.start;
        let cut = |index: u64| {
            let start = ((index - first) * BLOCK_BYTES) as usize;
            let whole = bytes.slice(start.min(bytes.len())..);
            whole.slice(..whole.len().min(BLOCK_BYTES as usize))
        };
        let come: Vec<(u64, Bytes)> = run.map(|index| (index, cut(index))).collect();
        blocks.bytes.extend(come.iter().cloned());
        let cached = self.clone();
        blocking::run(move || {
            for (index, block) in come {
                if let Err(error) = cached.blocks.keep(&cached.key(index), &block, object_bytes) {
                    tracing::debug!(%error, "a block cannot be kept");
                }
            }
        })
        .await;
    }
}

/// Ascending blocks as runs that follow each other, as many together as one request fetches.
fn runs(blocks: impl IntoIterator<Item = u64>) -> Vec<Range<u64>> {
    let mut runs: Vec<Range<u64>> = Vec::new();
    for index in blocks {
        match runs.last_mut() {
            Some(run) if run.end == index && run.end - run.start < RUN_BLOCKS => run.end += 1,
            _ => runs.push(index..index + 1),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_fetches_so_many_blocks_and_no_more() {
        assert_eq!(runs((0..20).chain([30, 32])), [0..8, 8..16, 16..20, 30..31, 32..33]);
    }
}
