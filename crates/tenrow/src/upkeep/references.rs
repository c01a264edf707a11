//! Everything that the versions of a dataset name.

use std::collections::HashSet;
use std::path::Path;

use crate::commit::{MAX_LOOKS, never_still};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::format::checksum;
use crate::format::layout::version_at;
use crate::format::manifest::{Version, origin_of};
use crate::snapshot::Snapshot;

/// Hashes of the paths that versions name: 8 bytes each, however many there are. Two paths of one hash only
/// mean that something is kept that need not be.
#[derive(Default)]
pub(super) struct References {
    paths: HashSet<u64>,
    versions: HashSet<Version>,
    newest: Option<Snapshot>,
}

impl References {
    /// Adds what the versions name that were not looked at yet.
    ///
    /// An error if any cannot be read: then nothing is known to be free.
    pub(super) async fn add_versions(&mut self, dataset: &Dataset) -> Result<()> {
        for _ in 0..MAX_LOOKS {
            let newest = dataset.latest().await?;
            let history = dataset.history(&newest).await?;
            self.newest = Some(newest);
            // Where one has ended since, there are newer ones.
            if self.add_all(dataset, history).await? {
                return Ok(());
            }
        }
        Err(never_still(dataset.storage()))
    }

    /// False if any was gone.
    async fn add_all(&mut self, dataset: &Dataset, history: Vec<Version>) -> Result<bool> {
        let mut known: Option<Snapshot> = None;
        for version in history {
            if self.versions.contains(&version) {
                continue;
            }
            let read = dataset.read_listed(version, known.as_ref()).await?;
            let Some(snapshot) = read else { return Ok(false) };
            self.add(&snapshot).await?;
            self.versions.insert(version);
            known = Some(snapshot);
        }
        Ok(true)
    }

    async fn add(&mut self, snapshot: &Snapshot) -> Result<()> {
        for view in snapshot.root().views.values() {
            self.insert(&view.path);
        }
        let folder = snapshot.storage().real_folder();
        for index in 0..snapshot.root().leaves.len() {
            let path = snapshot.root().leaves[index].path.clone();
            // Leaves are shared by versions: each is read once.
            if origin_of(&path).is_some() || !self.insert(&path) {
                continue;
            }
            for partition in snapshot.passing_leaf(index).await?.partitions() {
                let entry = partition.entry();
                for path in entry.object_paths() {
                    self.insert(path);
                }
                for file in entry.files.iter().filter(|file| file.foreign.is_some()) {
                    // It may lie in this folder, by any name.
                    let own = folder
                        .as_ref()
                        .and_then(|own| Path::new(&file.path).strip_prefix(own).ok());
                    if let Some(path) = own.and_then(Path::to_str) {
                        self.insert(path);
                    }
                }
            }
        }
        Ok(())
    }

    fn insert(&mut self, path: &str) -> bool {
        self.paths.insert(checksum(path.as_bytes()))
    }

    /// Whether a version names the object, or it is the root of a version that has not expired.
    pub(super) fn contains(&self, path: &str) -> bool {
        if let Some(version) = version_at(path) {
            let has_expired = |newest: &Snapshot| newest.root().has_expired(version);
            return self.versions.contains(&version)
                || !self.newest.as_ref().is_some_and(has_expired);
        }
        self.paths.contains(&checksum(path.as_bytes()))
    }
}
