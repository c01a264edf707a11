//! Everything that the versions of a dataset name.

use std::collections::HashSet;
use std::path::Path;

use futures::TryStreamExt;

use crate::commit::{MAX_LOOKS, never_still};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::format::Version;
use crate::format::checksum;
use crate::format::layout::version_at;
use crate::format::manifest::{LeafRef, origin_of};
use crate::progress::Steps;
use crate::snapshot::{Leaves, Snapshot};

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
    /// An error if any cannot be read: then nothing is known to be free. Before each it is asked whether to go on.
    pub(super) async fn add_versions(
        &mut self,
        dataset: &Dataset,
        steps: &mut Steps,
    ) -> Result<()> {
        for _ in 0..MAX_LOOKS {
            let newest = dataset.latest().await?;
            let history = dataset.history(&newest).await?;
            self.newest = Some(newest);
            // Where one has ended since, there are newer ones.
            if self.add_all(dataset, history, steps).await? {
                return Ok(());
            }
        }
        Err(never_still(dataset.storage()))
    }

    /// False if any was gone.
    async fn add_all(
        &mut self,
        dataset: &Dataset,
        history: Vec<Version>,
        steps: &mut Steps,
    ) -> Result<bool> {
        let mut known: Option<Snapshot> = None;
        for version in history {
            if self.versions.contains(&version) {
                continue;
            }
            steps.advance(0, 0)?;
            let read = dataset.read_listed(version, known.as_ref()).await?;
            let Some(snapshot) = read else { return Ok(false) };
            self.add(&snapshot).await?;
            self.versions.insert(version);
            known = Some(snapshot);
        }
        Ok(true)
    }

    async fn add(&mut self, snapshot: &Snapshot) -> Result<()> {
        // Leaves are shared by versions: each is read once.
        let is_unread = |leaf: &LeafRef| {
            origin_of(&leaf.path).is_none() && !self.paths.contains(&hash(&leaf.path))
        };
        let unread = snapshot.leaf_numbers(is_unread);
        snapshot.root().objects().for_each(|object| self.insert(object.path));
        let folder = snapshot.storage().real_folder();
        let mut partitions = snapshot.partitions_of(unread, Leaves::Passing);
        while let Some(partition) = partitions.try_next().await? {
            for object in partition.entry().objects() {
                // A foreign file may lie in this folder, by any name.
                let path = match (object.is_foreign, &folder) {
                    (false, _) => Some(object.path),
                    (true, Some(own)) => path_below(own, object.path),
                    (true, None) => None,
                };
                path.into_iter().for_each(|path| self.insert(path));
            }
        }
        Ok(())
    }

    fn insert(&mut self, path: &str) {
        self.paths.insert(hash(path));
    }

    /// Whether a version names the object, or it is the root of a version that has not expired.
    pub(super) fn contains(&self, path: &str) -> bool {
        if let Some(version) = version_at(path) {
            let has_expired = |newest: &Snapshot| newest.root().has_expired(version);
            return self.versions.contains(&version)
                || !self.newest.as_ref().is_some_and(has_expired);
        }
        self.paths.contains(&hash(path))
    }
}

fn hash(path: &str) -> u64 {
    checksum(path.as_bytes())
}

/// The path of a file as the dataset in `folder` would call it, if it lies there.
fn path_below<'a>(folder: &Path, file: &'a str) -> Option<&'a str> {
    Path::new(file).strip_prefix(folder).ok().and_then(Path::to_str)
}
