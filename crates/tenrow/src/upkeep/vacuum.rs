//! Removes what no version names: of versions that ended, of writers that died, of races that were lost.

use std::time::Duration;

use futures::TryStreamExt;

use crate::dataset::Dataset;
use crate::error::Result;
use crate::format::layout::{ObjectKind, Removal};
use crate::progress::{OnProgress, Steps};
use crate::storage::{ListedObject, NestedDatasets};
use crate::upkeep::references::References;

/// What may be removed.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/vacuumoptions", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// use std::time::Duration;
/// use tenrow::VacuumOptions;
/// let options = VacuumOptions { older_than: Duration::ZERO, dry_run: true, ..Default::default() };
/// assert_eq!(dataset.vacuum(options).await?.removed, []);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct VacuumOptions {
    /// Younger objects stay: a writer may be about to name them. Default: 7 days.
    pub older_than: Duration,
    /// Only says what would be removed. Default: no.
    pub dry_run: bool,
    /// Told the objects that were looked at, and then those that were removed as well.
    pub on_progress: OnProgress,
}

impl Default for VacuumOptions {
    fn default() -> Self {
        let (older_than, on_progress) = (Duration::from_secs(7 * 24 * 3600), OnProgress::default());
        Self { older_than, dry_run: false, on_progress }
    }
}

/// What was removed.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/vacuumreport", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// drop(dataset.writer().await?);
/// let report = dataset.vacuum(Default::default()).await?;
/// assert_eq!((report.removed_bytes, report.too_young), (0, 0));
/// assert!(report.named > 0);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VacuumReport {
    /// Objects that were removed, or would be.
    pub removed: Vec<ListedObject>,
    /// Their bytes.
    pub removed_bytes: u64,
    /// Objects that no version names and that are too young to go.
    pub too_young: u64,
    /// Objects that are named.
    pub named: u64,
}

fn is_root(object: &ListedObject) -> bool {
    ObjectKind::of(&object.path) == Some(ObjectKind::Root)
}

impl Dataset {
    /// Removes objects that no version names and that are older than a limit.
    ///
    /// Only what has a name that tenrow gives: files of others, and datasets that lie below this one, stay.
    ///
    /// Roots of versions that have expired are among them: their numbers are free from then on, and a writer that has slept
    /// for longer than the limit would take one for the next.
    ///
    /// Safe beside readers of versions that are there, and beside writers that began later than the limit. Memory:
    /// 8 bytes for each object that is named. Stopped at any moment it leaves a dataset that is whole, without what was removed.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if a version or a leaf cannot be read: nothing is removed then.
    pub async fn vacuum(&self, options: VacuumOptions) -> Result<VacuumReport> {
        let age_ms = i64::try_from(options.older_than.as_millis()).unwrap_or(i64::MAX);
        let limit = self.clock().now_ms().saturating_sub(age_ms);
        let mut references = References::default();
        let mut steps = Steps::of("vacuum", None, &options.on_progress);
        references.add_versions(self, &mut steps).await?;
        let mut report = VacuumReport::default();
        let mut free = Vec::new();
        let mut nested = NestedDatasets::default();
        for kind in ObjectKind::all().filter(|kind| kind.removal() != Removal::Never) {
            let mut objects = self.storage().list(kind.folder());
            while let Some(object) = objects.try_next().await? {
                nested.note(&object);
                // Else whoever put it here, it was no writer of this dataset.
                let is_ours = ObjectKind::of(&object.path) == Some(kind);
                if references.contains(&object.path) {
                    report.named += 1;
                } else if is_ours && object.modified_ms > limit {
                    report.too_young += 1;
                } else if is_ours {
                    free.push(object);
                }
                steps.advance(1, 0)?;
            }
        }
        free.retain(|object| !nested.have(&object.path));
        // Of roots the oldest goes first, whose name comes last.
        free.sort_by(|a, b| (!is_root(a), &b.path).cmp(&(!is_root(b), &a.path)));
        // What was committed while objects were listed may name some of them: a restored version does.
        references.add_versions(self, &mut steps).await?;
        for object in free {
            if references.contains(&object.path) {
                report.named += 1;
                continue;
            }
            if !options.dry_run {
                self.storage().delete(&object.path).await?;
            }
            let size_bytes = object.size_bytes;
            report.removed_bytes += size_bytes;
            report.removed.push(object);
            steps.advance(1, size_bytes)?;
        }
        Ok(report)
    }
}
