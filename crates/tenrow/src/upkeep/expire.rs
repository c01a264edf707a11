//! Ends old versions. What they are of stays until `vacuum`, their roots too.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{TryStreamExt, future};

use crate::commit::{Applied, Change, Committer, commit, read_version};
use crate::dataset::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::format::Version;
use crate::format::manifest::Root;
use crate::snapshot::{Leaves, Snapshot};
use crate::storage::Storage;

/// Which versions end: those that every given rule lets go.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/expireoptions", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// use tenrow::ExpireOptions;
/// let options = ExpireOptions { keep_last: Some(1), dry_run: true, ..Default::default() };
/// assert_eq!(dataset.expire(&options).await?.expired.len(), 1);
/// assert_eq!(dataset.versions().await?.len(), 2);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
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
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/expirereport", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// # use tenrow::ExpireOptions;
/// dataset.tag("first", tenrow::Version(1)).await?;
/// let report = dataset.expire(&ExpireOptions { keep_last: Some(1), ..Default::default() }).await?;
/// assert_eq!((report.expired.len(), report.kept), (1, vec![tenrow::Version(1)]));
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpireReport {
    /// Versions that are ended, or would be.
    pub expired: Vec<Version>,
    /// Versions that the rules let go, now or before, and that stay, for a tag, a view or a clone.
    pub kept: Vec<Version>,
}

impl Dataset {
    /// Ends old versions: they cannot be opened any more. Never the newest, nor one that a tag, a view or a clone keeps.
    ///
    /// One commit says which versions have expired, so that nobody refers to them any more. If there are other datasets
    /// that no version which is left refers to, a second one drops these, and their notes are taken back.
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
        let now_ms = self.clock().now_ms();
        let mut change =
            Expire { dataset: self, options, now_ms, before: latest.root().expired_before };
        // What cannot be listed is found out before anything is committed.
        let mut clones = self.clones().await?;
        let mut versions = self.storage().list_versions().await?;
        let end = match options.dry_run {
            true => change.ending(&latest).await?,
            false => {
                latest = commit(&self.committer(), &latest, &mut change).await?;
                self.met(&latest);
                latest.root().expired_before
            }
        };
        // After the commit: who notes a clone now finds that the version has expired.
        match self.clones().await {
            Ok(found) => clones = found,
            Err(error) => {
                tracing::warn!(error = error.chain(), dataset = %self.storage(), "clones that were just made may be missing in what is kept");
            }
        }
        let mut held: BTreeSet<Version> = latest.root().kept_versions().collect();
        held.extend(clones.into_iter().map(|clone| clone.version));
        let mut report = ExpireReport::default();
        versions.sort_unstable();
        for version in versions.into_iter().filter(|version| *version < end) {
            if held.contains(&version) {
                report.kept.push(version);
            } else if version >= change.before {
                report.expired.push(version);
            }
        }
        // Done by the next one otherwise: what has ended has, and that origins stay does no harm.
        if !options.dry_run
            && let Err(error) = self.drop_origins(&latest).await
        {
            tracing::warn!(error = error.chain(), dataset = %self.storage(), "other datasets that may not be needed any more stay registered");
        }
        Ok(report)
    }
}

struct Expire<'a> {
    dataset: &'a Dataset,
    options: &'a ExpireOptions,
    now_ms: i64,
    /// What had expired before.
    before: Version,
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
        root.expired_before = self.ending(latest).await?;
        self.before = latest.root().expired_before;
        Ok(match root.expired_before == latest.root().expired_before {
            true => Applied::AlreadySo,
            false => Applied::Changed,
        })
    }
}

impl Expire<'_> {
    /// The oldest version that stays by the rules, or that stayed by those of last time.
    async fn ending(&self, latest: &Snapshot) -> Result<Version> {
        // Older versions are what is left if the newest is damaged: they only end while it is whole.
        let all = latest.leaf_numbers(|_| true);
        latest.leaves(all, Leaves::Passing).try_for_each(|_| future::ok(())).await?;
        let mut versions = self.dataset.history(latest).await?;
        versions.sort_unstable();
        versions.retain(|version| *version <= latest.version());
        let mut kept = versions.len();
        let mut to_keep = self.options.keep_last.unwrap_or(1).max(1);
        while to_keep > 0 && kept > 0 {
            kept -= 1;
            to_keep -= u64::from(!only_expires(latest.storage(), versions[kept]).await?);
        }
        versions.truncate(kept + 1);
        let stays = match self.options.older_than {
            Some(age) => self.first_younger(latest, &versions, age).await?.min(kept),
            None => kept,
        };
        let before = latest.root().expired_before;
        // If the oldest of all stays, nothing ends.
        let oldest = versions.get(stays).filter(|_| stays > 0);
        Ok(oldest.map_or(before, |oldest| before.max(*oldest)))
    }

    /// The place of the first of `versions` that is younger than `age`: all before it are older, or as old.
    async fn first_younger(
        &self,
        latest: &Snapshot,
        versions: &[Version],
        age: Duration,
    ) -> Result<usize> {
        let age_ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let limit = self.now_ms.saturating_sub(age_ms);
        let last_older = self.dataset.place_at(latest, versions, limit).await?;
        Ok(last_older.map_or(0, |(place, _)| place + 1))
    }
}

/// Whether a version differs from the one before in what has expired, or in fewer origins: then it does in nothing else.
async fn only_expires(storage: &Storage, version: Version) -> Result<bool> {
    let root = read_version(storage, version, None).await?;
    let Some(parent) = root.root().parent else { return Ok(false) };
    match read_version(storage, parent.version, None).await {
        Ok(parent) => {
            let (before, after) = (parent.root(), root.root());
            let dropped =
                after.origins.len() < before.origins.len() && before.leaves == after.leaves;
            Ok(before.expired_before != after.expired_before || dropped)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
