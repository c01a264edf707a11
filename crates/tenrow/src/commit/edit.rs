//! Partitions replaced where they stand: deletes, updates, new columns, compaction.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;

use crate::commit::{Committer, write_leaves};
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{LeafRef, Partition, Root};
use crate::snapshot::{Leaves, Snapshot};

/// Edits of partitions, each known by the stable id of its first row, which no other partition has.
#[derive(Debug, Default)]
pub(crate) struct Edits(BTreeMap<u64, Vec<Partition>>);

impl Edits {
    /// Puts `replacement` where `partition` stands, an entry of a loaded leaf that has rows: nothing, itself with other
    /// files, or several made one.
    pub(crate) fn replace(&mut self, partition: &Partition, replacement: Vec<Partition>) {
        // Of a partition without rows there is nothing to edit.
        if let Some(first_row_id) = partition.first_row_id() {
            self.0.insert(first_row_id, replacement);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes the leaves of `latest` that hold these partitions once more, and puts them into `root`.
    ///
    /// Files without a sequence get that of the new version, so they count above all that were there.
    pub(crate) async fn apply(
        mut self,
        committer: &Committer,
        latest: &Snapshot,
        root: &mut Root,
    ) -> Result<()> {
        let mut leaves = BTreeSet::new();
        for &first_row_id in self.0.keys() {
            let place = latest.place_of_row_id(first_row_id).await?;
            leaves.extend(place.map(|(leaf, _)| leaf));
        }
        let mut replaced: BTreeMap<usize, Vec<LeafRef>> = BTreeMap::new();
        let mut leaves = latest.leaves(leaves, Leaves::Kept);
        while let Some((index, leaf)) = leaves.try_next().await? {
            let mut partitions = Vec::new();
            for partition in leaf.partitions() {
                let entry = partition.entry();
                // What has no rows is left out: older writers made such partitions.
                let Some(first_row_id) = entry.first_row_id() else { continue };
                match self.0.remove(&first_row_id) {
                    Some(replacement) => partitions.extend(replacement),
                    None => partitions.push(entry.clone()),
                }
            }
            let written = write_leaves(committer, latest.storage(), partitions).await?;
            let placed = written.iter().map(|leaf| leaf.placed(root, leaf.reference.first_row_id));
            replaced.insert(index, placed.collect());
        }
        if let Some(first_row_id) = self.0.keys().next() {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!(
                    "the partition from row id {first_row_id} on is no longer in version {}",
                    latest.version()
                ),
            ));
        }
        let old = std::mem::take(&mut root.leaves);
        for (index, leaf) in old.into_iter().enumerate() {
            match replaced.remove(&index) {
                Some(new) => root.leaves.extend(new),
                None => root.leaves.push(leaf),
            }
        }
        Ok(())
    }
}
