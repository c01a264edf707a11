//! Small leaves made one as they pile up, so that a root stays short and a commit writes little.
//!
//! Leaves have levels: up to 9 partitions, up to 99, up to 999, full. When 10 leaves of a level, or of lower ones, stand
//! at the end, they become one of a higher level: a partition is written again at most three times in its
//! life, and a dataset of n partitions has about n / 1000 + 27 leaves.

use std::ops::Range;

use futures::{TryStreamExt, future};

use crate::commit::Committer;
use crate::commit::leaves::{LEAF_PARTITIONS, WrittenLeaf, split, write_split};
use crate::error::Result;
use crate::format::manifest::{LeafRef, Partition, Root};
use crate::snapshot::{Leaves, Snapshot};

/// Leaves of one level that become one of the next; also how much larger these are.
const FAN: usize = 10;
/// A leaf of so many bytes is full, however few its partitions: they have many attributes or row groups.
const FULL_LEAF_BYTES: u64 = 1 << 20;

/// Merged leaves of a commit, kept for its next attempt.
#[derive(Debug, Default)]
pub(crate) struct MergedLeaves {
    /// What was merged, and what it became; `None` if it is left as it is.
    done: Option<(Vec<LeafRef>, Option<Vec<WrittenLeaf>>)>,
}

impl MergedLeaves {
    /// Merges leaves at the end of `root`, which still has those of `latest`, if enough have piled up.
    pub(crate) async fn merge(
        &mut self,
        committer: &Committer,
        latest: &Snapshot,
        root: &mut Root,
    ) -> Result<()> {
        let counts: Vec<u64> = root.leaves.iter().map(counted).collect();
        let Some(range) = to_merge(&counts) else { return Ok(()) };
        let small = root.leaves[range.clone()].to_vec();
        let merged = match self.done.take() {
            Some((before, merged)) if before == small => merged,
            _ => {
                let all = latest.partitions_of(range.clone(), Leaves::Kept);
                let partitions = all.map_ok(|partition| partition.entry().clone());
                let with_rows = |entry: &Partition| future::ready(entry.row_count > 0);
                let partitions = partitions.try_filter(with_rows).try_collect().await?;
                write_fewer(committer, latest, partitions, small.len()).await?
            }
        };
        if let Some(merged) = &merged {
            let placed: Vec<LeafRef> =
                merged.iter().map(|leaf| leaf.placed(root, leaf.reference.first_row_id)).collect();
            root.leaves.splice(range, placed);
        }
        self.done = Some((small, merged));
        Ok(())
    }
}

/// Stores `partitions` in at most half as many leaves as they were in; not at all if their chunks need more.
async fn write_fewer(
    committer: &Committer,
    latest: &Snapshot,
    partitions: Vec<Partition>,
    leaf_count: usize,
) -> Result<Option<Vec<WrittenLeaf>>> {
    let leaves = split(partitions);
    if leaves.len() > leaf_count / 2 {
        return Ok(None);
    }
    write_split(committer, latest.storage(), leaves).await.map(Some)
}

/// The number of partitions that counts for the level of a leaf.
fn counted(leaf: &LeafRef) -> u64 {
    if leaf.size_bytes < FULL_LEAF_BYTES { leaf.partition_count } else { LEAF_PARTITIONS as u64 }
}

/// The leaves at the end that are to become one, if any are: numbers of partitions, in order.
fn to_merge(counts: &[u64]) -> Option<Range<usize>> {
    let mut start = counts.len();
    let mut bound = FAN as u64;
    let mut found = None;
    while bound <= LEAF_PARTITIONS as u64 {
        let run = counts[..start].iter().rev().take_while(|&&count| count < bound).count();
        // What a lower level is about to become counts as one.
        let leaves = run + usize::from(found.is_some());
        if leaves < FAN {
            break;
        }
        start -= run;
        found = Some(start..counts.len());
        bound *= FAN as u64;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The leaves after each of `commits` commits of one partition, and how often partitions were written again.
    fn simulate(commits: u64) -> (Vec<u64>, u64) {
        let (mut counts, mut rewritten) = (Vec::new(), 0);
        for _ in 0..commits {
            if let Some(range) = to_merge(&counts) {
                let total: u64 = counts[range.clone()].iter().sum();
                rewritten += total;
                let full = LEAF_PARTITIONS as u64;
                let mut merged: Vec<u64> = vec![full; (total / full) as usize];
                merged.extend(Some(total % full).filter(|&rest| rest > 0));
                counts.splice(range, merged);
            }
            counts.push(1);
        }
        (counts, rewritten)
    }

    #[test]
    fn leaves_stay_few_and_partitions_are_rarely_written_again() {
        let commits = 100_000;
        let (counts, rewritten) = simulate(commits);
        assert_eq!(counts.iter().sum::<u64>(), commits);
        assert!(counts.len() as u64 <= commits / 1000 + 30, "{} leaves", counts.len());
        assert!(rewritten <= 3 * commits, "{rewritten} partitions written again");
    }

    #[test]
    fn full_leaves_are_left_alone() {
        assert_eq!(to_merge(&[1000; 100]), None);
        assert_eq!(to_merge(&[1; 9]), None);
        assert_eq!(
            to_merge(&[1000, 1000].into_iter().chain([1; 10]).collect::<Vec<_>>()),
            Some(2..12)
        );
    }
}
