//! Ends old versions. Their files stay until `vacuum`.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::commit::{read_version, version_path};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::format::manifest::Version;

/// Which versions end: those that every given rule lets go.
#[derive(Debug, Clone, Default)]
pub struct ExpireOptions {
    /// The newest versions stay, this many.
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
    /// Versions that the rules let go and that stay, for a tag or a clone.
    pub kept: Vec<Version>,
}

impl Dataset {
    /// Ends old versions: they cannot be opened any more. Never the newest, a tagged or a cloned one.
    ///
    /// The oldest goes first, so that interrupted at any moment history has no hole but for tags and clones.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if neither rule is given;
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if a leaf of the newest version is damaged or missing: nothing ends then.
    pub async fn expire(&self, options: &ExpireOptions) -> Result<ExpireReport> {
        if options.keep_last.is_none() && options.older_than.is_none() {
            return Err(Error::invalid(
                "say which versions are to go: by how many stay, or by their age",
            ));
        }
        let latest = self.latest().await?;
        // Older versions are what is left if the newest is damaged: they only end while it is whole.
        for index in 0..latest.root().leaves.len() {
            latest.passing_leaf(index).await?;
        }
        let mut held: BTreeSet<Version> = latest.root().tags.values().copied().collect();
        held.extend(self.clones().await?.into_iter().map(|clone| clone.version));
        let mut report = ExpireReport::default();
        for version in self.candidates(options, latest.version()).await? {
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

    /// The versions that the rules let go, ascending.
    async fn candidates(&self, options: &ExpireOptions, newest: Version) -> Result<Vec<Version>> {
        let names = self.storage().list_versions().await?;
        let mut versions: Vec<Version> =
            names.iter().filter_map(|name| Version::from_file_name(name)).collect();
        versions.retain(|version| *version < newest);
        versions.sort_unstable();
        let keep = options.keep_last.unwrap_or(1).max(1) as usize - 1;
        versions.truncate(versions.len().saturating_sub(keep));
        let Some(age) = options.older_than else { return Ok(versions) };
        let age_ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let limit = self.clock().now_ms().saturating_sub(age_ms);
        // Times never fall with versions: the first that is too young ends the search.
        let mut old = 0;
        for &version in &versions {
            let snapshot = read_version(self.storage(), version, None).await?;
            if snapshot.root().created_ms > limit {
                break;
            }
            old += 1;
        }
        versions.truncate(old);
        Ok(versions)
    }
}
