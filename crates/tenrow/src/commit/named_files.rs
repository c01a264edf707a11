//! Large files that the rows of a commit name, and the one place where it is made sure that they stay.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::TryStreamExt;

use crate::error::{Error, Result};
use crate::snapshot::Snapshot;

/// What the values of a commit name: every value with a path goes through [`FileStore`](crate::write::FileStore),
/// which notes it here, and every commit checks it, whatever it does with the values.
#[derive(Debug, Clone, Default)]
pub(crate) struct NamedFiles(Arc<Mutex<Named>>);

#[derive(Debug, Default)]
struct Named {
    /// Objects that were made for it.
    own: HashSet<String>,
    /// Objects that are to be there.
    others: BTreeSet<String>,
}

impl NamedFiles {
    /// Notes an object that was made for this commit.
    pub(crate) fn made(&self, path: &str) {
        self.named().own.insert(path.to_owned());
    }

    /// The objects that were made for this commit.
    pub(crate) fn own(&self) -> Vec<String> {
        self.named().own.iter().cloned().collect()
    }

    /// Notes an object that a value names.
    pub(crate) fn used(&self, path: &str) {
        let mut named = self.named();
        if !named.own.contains(path) {
            named.others.insert(path.to_owned());
        }
    }

    /// Refuses to commit on `latest` what names large files that no row of it names: `vacuum` may free these.
    pub(crate) async fn check(&self, latest: &Snapshot) -> Result<()> {
        let mut missing = self.named().others.clone();
        let mut partitions = latest.partitions();
        while !missing.is_empty()
            && let Some(partition) = partitions.try_next().await?
        {
            for path in &partition.entry().external_files {
                missing.remove(path);
            }
        }
        match missing.first() {
            None => Ok(()),
            Some(path) => Err(Error::invalid(format!(
                "file {path:?} is named by no row of version {}: give its bytes instead of its path",
                latest.version()
            ))),
        }
    }

    fn named(&self) -> MutexGuard<'_, Named> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
