//! Which of the datasets that a root names as origins are really needed.

use std::collections::{BTreeSet, HashSet};

use futures::TryStreamExt;

use crate::error::Result;
use crate::format::manifest::origin_of;
use crate::snapshot::{Leaves, LoadedLeaf, Snapshot};

/// The origins that paths lead to; a clone may name more, whose files it does not need.
#[derive(Debug, Default)]
pub(crate) struct NeededOrigins {
    names: BTreeSet<String>,
    /// Versions share leaves: each is read once.
    leaves: HashSet<String>,
}

impl NeededOrigins {
    /// Those of one version.
    pub(crate) async fn of(snapshot: &Snapshot) -> Result<Self> {
        let mut needed = Self::default();
        needed.add(snapshot).await?;
        Ok(needed)
    }

    /// Adds those of another version.
    pub(crate) async fn add(&mut self, snapshot: &Snapshot) -> Result<()> {
        if snapshot.root().origins.is_empty() {
            return Ok(());
        }
        let unread = snapshot.leaf_numbers(|leaf| !self.leaves.contains(&leaf.path));
        let mut leaves = snapshot.leaves(unread, Leaves::Passing);
        while let Some((number, leaf)) = leaves.try_next().await? {
            self.add_leaf(&snapshot.root().leaves[number].path, &leaf);
        }
        Ok(())
    }

    /// Adds those of a leaf that was read.
    pub(crate) fn add_leaf(&mut self, path: &str, leaf: &LoadedLeaf) {
        self.leaves.insert(path.to_owned());
        self.add_path(path);
        for partition in leaf.partitions() {
            partition.entry().own_objects().for_each(|object| self.add_path(object.path));
        }
    }

    fn add_path(&mut self, path: &str) {
        if let Some((origin, _)) = origin_of(path)
            && !self.names.contains(origin)
        {
            self.names.insert(origin.to_owned());
        }
    }

    pub(crate) fn contains(&self, origin: &str) -> bool {
        self.names.contains(origin)
    }
}
