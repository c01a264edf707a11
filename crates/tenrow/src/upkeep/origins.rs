//! Other datasets that no version refers to any more, dropped: their files need not stay for this one.

use std::collections::BTreeSet;

use crate::clones::{NeededOrigins, dataset_of, is_registered, note_of};
use crate::commit::{Applied, Change, Committer, commit};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::format::Version;
use crate::format::manifest::{FEATURE_ORIGINS, OriginRef, Root};
use crate::snapshot::Snapshot;

impl Dataset {
    /// Takes the origins that no version needs out of the newest, and then their notes.
    ///
    /// `latest` says which versions have expired: nobody refers to them any more, so what is left needs no more than now.
    pub(super) async fn drop_origins(&self, latest: &Snapshot) -> Result<()> {
        if latest.root().origins.is_empty() {
            return Ok(());
        }
        let (seen, needed) = (BTreeSet::new(), NeededOrigins::default());
        let mut change = DropOrigins { dataset: self, seen, needed, dropped: Vec::new() };
        let newest = commit(&self.committer(), latest, &mut change).await?;
        self.met(&newest);
        for (name, origin) in change.dropped {
            // A note that stays behind is harmless.
            if let Err(error) = self.take_note_back(&name, &origin).await {
                tracing::debug!(%error, location = origin.location, "a note stays behind");
            }
        }
        Ok(())
    }

    /// Only if it is its own: a folder that was copied names the notes of the one that it is a copy of.
    async fn take_note_back(&self, name: &str, origin: &OriginRef) -> Result<()> {
        let there = dataset_of(self.storage(), name, origin)?;
        match is_registered(self, &there, name, origin).await? {
            true => there.remove_note(note_of(name, origin)).await,
            false => Ok(()),
        }
    }
}

struct DropOrigins<'a> {
    dataset: &'a Dataset,
    /// Versions that were looked at.
    seen: BTreeSet<Version>,
    /// Origins that paths of these lead to.
    needed: NeededOrigins,
    dropped: Vec<(String, OriginRef)>,
}

impl Change for DropOrigins<'_> {
    fn operation(&self) -> &'static str {
        "expire"
    }

    async fn apply(
        &mut self,
        _: &Committer,
        latest: &Snapshot,
        root: &mut Root,
    ) -> Result<Applied> {
        self.dropped.clear();
        self.needed.add(latest).await?;
        for version in self.dataset.history(latest).await? {
            self.look_at_version(version).await?;
        }
        for (name, origin) in &latest.root().origins {
            if !self.needed.contains(name) {
                root.origins.remove(name);
                self.dropped.push((name.clone(), origin.clone()));
            }
        }
        if root.origins.is_empty() {
            root.reader_features.remove(FEATURE_ORIGINS);
            root.writer_features.remove(FEATURE_ORIGINS);
        }
        Ok(if self.dropped.is_empty() { Applied::AlreadySo } else { Applied::Changed })
    }
}

impl DropOrigins<'_> {
    async fn look_at_version(&mut self, version: Version) -> Result<()> {
        if !self.seen.insert(version) {
            return Ok(());
        }
        match self.dataset.read_listed(version, None).await? {
            Some(snapshot) => self.needed.add(&snapshot).await,
            None => Ok(()),
        }
    }
}
