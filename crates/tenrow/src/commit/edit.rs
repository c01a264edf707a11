//! Partitions replaced where they stand: deletes, updates, new columns, compaction.

use std::collections::{BTreeMap, HashMap};

use crate::commit::{Committer, write_leaves};
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{LeafRef, Partition, Root};
use crate::snapshot::Snapshot;

/// What becomes of a partition.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    /// The stable id of its first row, by which its leaf is found.
    pub(crate) first_row_id: u64,
    /// What stands there instead: nothing, itself with other files, or several made one.
    pub(crate) replacement: Vec<Partition>,
}

/// Edits of partitions by the path of their first file, which no other partition has.
#[derive(Debug, Default)]
pub(crate) struct Edits(HashMap<String, Edit>);

impl Edits {
    /// Replaces `partition`, an entry of a loaded leaf.
    pub(crate) fn replace(&mut self, partition: &Partition, replacement: Vec<Partition>) {
        let first_row_id = partition.row_ids.first().map_or(0, |range| range.first);
        self.0.insert(base_path(partition).to_owned(), Edit { first_row_id, replacement });
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
        let mut leaves: BTreeMap<usize, ()> = BTreeMap::new();
        for edit in self.0.values() {
            leaves.insert(latest.leaf_of_row_id(edit.first_row_id), ());
        }
        let mut replaced: BTreeMap<usize, Vec<LeafRef>> = BTreeMap::new();
        for index in leaves.into_keys() {
            let mut partitions = Vec::new();
            for partition in latest.leaf(index).await?.partitions() {
                let entry = partition.entry();
                match self.0.remove(base_path(entry)) {
                    Some(edit) => partitions.extend(edit.replacement),
                    None => partitions.push(entry.clone()),
                }
            }
            let written = write_leaves(committer, latest.storage(), partitions).await?;
            let placed = written.iter().map(|leaf| leaf.placed(root, leaf.reference.first_row_id));
            replaced.insert(index, placed.collect());
        }
        if let Some(path) = self.0.keys().next() {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("partition {path:?} is no longer in version {}", latest.version()),
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

/// The file that tells a partition from all others.
pub(crate) fn base_path(partition: &Partition) -> &str {
    partition.files.first().map_or("", |file| &file.path)
}
