//! Everything that the versions of a dataset name.

use std::collections::HashSet;

use crate::commit::read_version;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::format::checksum;
use crate::format::manifest::{Version, origin_of};
use crate::snapshot::Snapshot;

/// Hashes of the paths that versions name: 8 bytes each, however many there are. Two paths of one hash only
/// mean that something is kept that need not be.
#[derive(Default)]
pub(super) struct References {
    paths: HashSet<u64>,
    versions: HashSet<Version>,
}

impl References {
    /// Adds what the versions name that were not looked at yet.
    ///
    /// An error if any cannot be read: then nothing is known to be free.
    pub(super) async fn add_versions(&mut self, dataset: &Dataset) -> Result<()> {
        let history = dataset.history(&dataset.latest().await?).await?;
        let mut known: Option<Snapshot> = None;
        for version in history {
            if self.versions.contains(&version) {
                continue;
            }
            let snapshot = read_version(dataset.storage(), version, known.as_ref()).await?;
            self.add(&snapshot).await?;
            self.versions.insert(version);
            known = Some(snapshot);
        }
        Ok(())
    }

    async fn add(&mut self, snapshot: &Snapshot) -> Result<()> {
        for view in snapshot.root().views.values() {
            self.insert(&view.path);
        }
        for index in 0..snapshot.root().leaves.len() {
            let path = snapshot.root().leaves[index].path.clone();
            // Leaves are shared by versions: each is read once.
            if origin_of(&path).is_some() || !self.insert(&path) {
                continue;
            }
            for partition in snapshot.passing_leaf(index).await?.partitions() {
                let entry = partition.entry();
                let files = entry.files.iter().filter(|file| file.foreign.is_none());
                for file in files {
                    self.insert(&file.path);
                }
                if let Some(deletes) = &entry.deletes {
                    self.insert(&deletes.path);
                }
                for path in &entry.external_files {
                    self.insert(path);
                }
            }
        }
        Ok(())
    }

    fn insert(&mut self, path: &str) -> bool {
        self.paths.insert(checksum(path.as_bytes()))
    }

    pub(super) fn contains(&self, path: &str) -> bool {
        self.paths.contains(&checksum(path.as_bytes()))
    }
}
