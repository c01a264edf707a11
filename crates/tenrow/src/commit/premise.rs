//! What a change was computed from, and what of it must still be so when the change is committed.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use futures::{TryStreamExt, future};

use crate::commit::change::InTheWay;
use crate::error::Result;
use crate::format::Attribute;
use crate::read::ReadOptions;
use crate::snapshot::{Leaves, LoadedPartition, Snapshot};

/// Rows whose values are compared at a time.
const ROWS_AT_ONCE: usize = 4096;

/// The version that a change was computed from, and the values in it that the change depends on.
///
/// The change is a [`Conflict`](crate::ErrorKind::Conflict) if other commits changed one of these values before it: it would have
/// come out otherwise. Look at the newest version then, and compute it again.
///
/// ```
/// use arrow_array::{ArrayRef, Int64Array, RecordBatch};
/// use tenrow::{Attribute, Columns, Dataset, ErrorKind, Schema};
/// use tenrow::engine::Premise;
/// # futures::executor::block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// # let location = folder.path().join("stock").display().to_string();
/// let schema = Schema::new([Attribute::parse("price:i64")?, Attribute::parse("count:i64")?])?;
/// let dataset = Dataset::create(&location, schema).await?;
/// let mut writer = dataset.writer().await?;
/// writer.append_columns(Columns::new().scalars("price", [2i64]).scalars("count", [7i64])).await?;
/// let seen = writer.commit().await?;
/// let count = |n: i64| RecordBatch::try_from_iter([("count", std::sync::Arc::new(Int64Array::from(vec![n])) as ArrayRef)]);
///
/// // Another program was faster.
/// dataset.update_ids(&[0], &count(6)?).await?;
/// let premise = Premise::changed_rows(&seen, ["count"])?;
/// let error = dataset.update_on(&premise, &[0], &count(7 - 1)?).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Conflict);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Premise {
    snapshot: Snapshot,
    attributes: Vec<Attribute>,
    rows: Rows,
}

/// Of which rows the values must still be so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    Changed,
    Each,
    All,
}

impl Premise {
    /// The change depends on the values that `attributes` have in the rows that it changes.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) for an attribute that `snapshot` has not.
    pub fn changed_rows(
        snapshot: &Snapshot,
        attributes: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self> {
        Self::new(snapshot, attributes, Rows::Changed)
    }

    /// The change depends on the values that `attributes` have in each row, as a condition does that chooses among all.
    ///
    /// Rows may be added. What is known of rows is where their values are stored: a compaction counts as a change.
    ///
    /// # Errors
    /// As [`changed_rows`](Self::changed_rows).
    pub fn each_row(
        snapshot: &Snapshot,
        attributes: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self> {
        Self::new(snapshot, attributes, Rows::Each)
    }

    /// The change depends on which rows there are, and on what `attributes` are in them, as a sum does.
    ///
    /// # Errors
    /// As [`changed_rows`](Self::changed_rows).
    pub fn all_rows(
        snapshot: &Snapshot,
        attributes: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self> {
        Self::new(snapshot, attributes, Rows::All)
    }

    fn new(
        snapshot: &Snapshot,
        attributes: impl IntoIterator<Item = impl AsRef<str>>,
        rows: Rows,
    ) -> Result<Self> {
        let attributes = attributes.into_iter();
        let attributes = attributes.map(|name| Ok(snapshot.attribute(name.as_ref())?.clone()));
        let attributes = attributes.collect::<Result<_>>()?;
        Ok(Self { snapshot: snapshot.clone(), attributes, rows })
    }

    /// The version that the change was computed from.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// What `version` has in the way of the change, if something is otherwise there; the change is of the rows of `ids`,
    /// ascending.
    pub(crate) async fn in_the_way(
        &self,
        version: &Snapshot,
        ids: &[u64],
    ) -> Result<Option<InTheWay>> {
        let reason = match self.rows {
            Rows::Changed | Rows::Each => {
                "changed values that this was computed from: look at it, and compute this again"
            }
            Rows::All => {
                "changed rows or values that this was computed from: look at it, and compute this again"
            }
        };
        Ok(InTheWay::unless(self.holds(version, ids).await?, &self.snapshot, reason))
    }

    async fn holds(&self, latest: &Snapshot, ids: &[u64]) -> Result<bool> {
        if latest.has_rows_and_schema_of(&self.snapshot) {
            return Ok(true);
        }
        if self.attributes.iter().any(|attribute| form_in(latest, attribute).is_none()) {
            return Ok(false);
        }
        match self.rows {
            Rows::Changed => self.has_same_values(latest, ids).await,
            Rows::Each | Rows::All => self.has_same_partitions(latest).await,
        }
    }

    /// Whether values are the same in those of the rows that are left.
    async fn has_same_values(&self, latest: &Snapshot, ids: &[u64]) -> Result<bool> {
        if self.attributes.is_empty() {
            return Ok(true);
        }
        let mut moved = Vec::new();
        for (partition, rows) in latest.rows_by_partition(ids).await? {
            let (first, base) = name_of(&partition);
            let before = self.snapshot.partition_of(first, base).await?;
            let now = places(&partition, &self.attributes);
            if before.is_none_or(|before| places(&before, &self.attributes) != now) {
                moved.extend(rows.into_iter().filter_map(|row| partition.row_id(row)));
            }
        }
        for ids in moved.chunks(ROWS_AT_ONCE) {
            let (before, now) = (self.values(&self.snapshot, ids), self.values(latest, ids));
            if before.await?.columns() != now.await?.columns() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn values(&self, version: &Snapshot, ids: &[u64]) -> Result<RecordBatch> {
        let rows: Vec<u64> = version.rows_of_ids(ids).await?.into_iter().flatten().collect();
        let forms = self.attributes.iter().filter_map(|attribute| form_in(version, attribute));
        let names = forms.map(|attribute| attribute.name.clone());
        version.take_with(&rows, &ReadOptions::default().with_attributes(names)).await
    }

    async fn has_same_partitions(&self, latest: &Snapshot) -> Result<bool> {
        let (old, new) = differing_leaves(&self.snapshot, latest);
        let old = partitions_of(&self.snapshot, old).await?;
        let new = partitions_of(latest, new).await?;
        let same_places = |a: &Arc<LoadedPartition>, b: &Arc<LoadedPartition>| {
            places(a, &self.attributes) == places(b, &self.attributes)
        };
        if self.rows == Rows::All {
            let same = |(a, b): (&Arc<LoadedPartition>, &Arc<LoadedPartition>)| {
                let (a_entry, b_entry) = (a.entry(), b.entry());
                name_of(a) == name_of(b) && a_entry.deletes == b_entry.deletes && same_places(a, b)
            };
            return Ok(old.len() == new.len() && old.iter().zip(&new).all(same));
        }
        let new: HashMap<_, _> =
            new.iter().map(|partition| (name_of(partition), partition)).collect();
        Ok(old.iter().all(|a| new.get(&name_of(a)).is_some_and(|b| same_places(a, b))))
    }
}

/// The attribute in a version, if it is there in that form.
fn form_in<'a>(version: &'a Snapshot, attribute: &Attribute) -> Option<&'a Attribute> {
    version.schema().attributes().iter().find(|other| other.id == attribute.id)
}

/// What tells a partition from all others: the id of its first row, and its first file.
fn name_of(partition: &LoadedPartition) -> (u64, &str) {
    let entry = partition.entry();
    let first = entry.first_row_id().unwrap_or_default();
    (first, entry.files.first().map_or("", |file| &file.path))
}

/// Where these attributes of a partition are: equal answers mean equal values.
pub(crate) fn places(partition: &Arc<LoadedPartition>, attributes: &[Attribute]) -> Vec<String> {
    let path = |attribute| {
        let place = partition.column(attribute);
        place.map_or(String::new(), |place| partition.entry().files[place.file].path.clone())
    };
    attributes.iter().map(path).collect()
}

/// The leaves of each version between those that both begin and end with.
fn differing_leaves(a: &Snapshot, b: &Snapshot) -> (Range<usize>, Range<usize>) {
    let (a, b) = (&a.root().leaves, &b.root().leaves);
    let head = a.iter().zip(b).take_while(|(a, b)| a.path == b.path).count();
    let ends = a[head..].iter().rev().zip(b[head..].iter().rev());
    let tail = ends.take_while(|(a, b)| a.path == b.path).count();
    (head..a.len() - tail, head..b.len() - tail)
}

async fn partitions_of(
    snapshot: &Snapshot,
    leaves: Range<usize>,
) -> Result<Vec<Arc<LoadedPartition>>> {
    // Those without rows go with the next edit of their leaf.
    let with_rows =
        |own: &Arc<LoadedPartition>| future::ready(own.entry().first_row_id().is_some());
    snapshot.partitions_of(leaves, Leaves::Passing).try_filter(with_rows).try_collect().await
}
