//! Ends old versions. Their files stay until `vacuum`.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::commit::{Applied, Change, Committer, commit, read_version, version_path};
use crate::dataset::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{Root, Version};
use crate::snapshot::Snapshot;
use crate::storage::Storage;

/// Which versions end: those that every given rule lets go.
#[derive(Debug, Clone, Default)]
pub struct ExpireOptions {
    /// The newest versions stay, this many. Those that only ended others do not count.
    pub keep_last: Option<u64>,
    /// Versions younger than this stay.
    pub older_than: Option<Duration>,
    /// Only says what would be done. Default: no.
    pub dry_run: bool,
}

/// What was ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpireReport {
    /// Versions that are ended, or would be.
    pub expired: Vec<Version>,
    /// Versions that the rules let go and that stay, for a tag, a view or a clone.
    pub kept: Vec<Version>,
}

impl Dataset {
    /// Ends old versions: they cannot be opened any more. Never the newest, nor one that a tag, a view or a clone keeps.
    ///
    /// A commit says which versions have expired, so that nobody refers to them any more; then they are removed.
    /// The oldest goes first, so that interrupted at any moment history has no hole but for tags and clones; what
    /// is left of an interrupted one goes with the next.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if neither rule is given;
    /// [`Corrupt`](ErrorKind::Corrupt) if a leaf of the newest version is damaged or missing: nothing ends then.
    pub async fn expire(&self, options: &ExpireOptions) -> Result<ExpireReport> {
        if options.keep_last.is_none() && options.older_than.is_none() {
            return Err(Error::invalid(
                "say which versions are to go: by how many stay, or by their age",
            ));
        }
        let mut latest = self.latest().await?;
        // Older versions are what is left if the newest is damaged: they only end while it is whole.
        for index in 0..latest.root().leaves.len() {
            latest.passing_leaf(index).await?;
        }
        let now_ms = self.clock().now_ms();
        let mut change = Expire { options, now_ms };
        let before = match options.dry_run {
            true => change.expired_before(&latest).await?,
            false => {
                latest = commit(&self.committer(), &latest, &mut change).await?;
                latest.root().expired_before
            }
        };
        // After the commit: who notes a clone now finds that the version has expired.
        let mut held: BTreeSet<Version> = latest.root().kept_versions().collect();
        held.extend(self.clones().await?.into_iter().map(|clone| clone.version));
        let mut report = ExpireReport::default();
        for version in existing(self.storage()).await?.into_iter().filter(|v| *v < before) {
            if held.contains(&version) {
                report.kept.push(version);
                continue;
            }
            if !options.dry_run {
                self.storage().delete(&version_path(version)).await?;
            }
            report.expired.push(version);
        }
        Ok(report)
    }
}

/// The versions that are there, ascending.
async fn existing(storage: &Storage) -> Result<Vec<Version>> {
    let mut versions = storage.list_versions().await?;
    versions.sort_unstable();
    Ok(versions)
}

struct Expire<'a> {
    options: &'a ExpireOptions,
    now_ms: i64,
}

impl Change for Expire<'_> {
    fn operation(&self) -> &'static str {
        "expire"
    }

    async fn apply(
        &mut self,
        _: &Committer,
        latest: &Snapshot,
        root: &mut Root,
    ) -> Result<Applied> {
        root.expired_before = self.expired_before(latest).await?;
        Ok(match root.expired_before == latest.root().expired_before {
            true => Applied::AlreadySo,
            false => Applied::Changed,
        })
    }
}

impl Expire<'_> {
    /// The oldest version that stays by the rules, or that stayed by those of last time.
    async fn expired_before(&self, latest: &Snapshot) -> Result<Version> {
        let mut versions = existing(latest.storage()).await?;
        versions.retain(|version| *version <= latest.version());
        let mut kept = versions.len();
        let mut to_keep = self.options.keep_last.unwrap_or(1).max(1);
        while to_keep > 0 && kept > 0 {
            kept -= 1;
            to_keep -= u64::from(!only_expires(latest.storage(), versions[kept]).await?);
        }
        versions.truncate(kept + 1);
        let stays = match self.options.older_than {
            Some(age) => self.first_younger(latest.storage(), &versions, age).await?,
            None => kept,
        };
        let before = latest.root().expired_before;
        // If the oldest of all stays, nothing ends.
        let oldest = versions.get(stays).filter(|_| stays > 0);
        Ok(oldest.map_or(before, |oldest| before.max(*oldest)))
    }

    /// The place of the first of `versions` that is younger than `age`, else of the last.
    async fn first_younger(
        &self,
        storage: &Storage,
        versions: &[Version],
        age: Duration,
    ) -> Result<usize> {
        let age_ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let limit = self.now_ms.saturating_sub(age_ms);
        for (place, &version) in versions.iter().enumerate() {
            // Times never fall with versions: the first that is too young ends the search.
            if read_version(storage, version, None).await?.root().created_ms > limit {
                return Ok(place);
            }
        }
        Ok(versions.len().saturating_sub(1))
    }
}

/// Whether a version differs from the one before in what has expired: then it does in nothing else.
async fn only_expires(storage: &Storage, version: Version) -> Result<bool> {
    let root = read_version(storage, version, None).await?;
    let Some(parent) = root.root().parent else { return Ok(false) };
    match read_version(storage, parent.version, None).await {
        Ok(parent) => Ok(parent.root().expired_before != root.root().expired_before),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
