//! Rows deleted: a bitmap beside their partition says which, and no data file is touched.

use bytes::Bytes;

use crate::commit::{Applied, Change, Committer, Edits, InTheWay, Premise, commit};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::format::layout::ObjectKind;
use crate::format::manifest::{DeletionVector, Partition, Root};
use crate::format::{DeletedRows, checksum};
use crate::snapshot::Snapshot;

/// What a delete did.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/deletereport", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// let report = dataset.delete(&snapshot, &[0, 2]).await?;
/// assert_eq!((report.deleted_rows, report.snapshot.row_count()), (2, 1));
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeleteReport {
    /// The version without the rows.
    pub snapshot: Snapshot,
    /// Rows that were there and are not any more.
    pub deleted_rows: u64,
}

impl Dataset {
    /// Deletes rows of `snapshot`, by their numbers in it.
    ///
    /// Later rows move up in the new version; stable ids stay. Rows that another commit deleted meanwhile are
    /// no error.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if a row is out of range.
    pub async fn delete(&self, snapshot: &Snapshot, rows: &[u64]) -> Result<DeleteReport> {
        let ids = snapshot.row_ids(rows).await?;
        self.delete_ids(&ids).await
    }

    /// [`delete`](Self::delete) of rows of the version that they were chosen in, as long as what they were chosen by is
    /// still so.
    ///
    /// # Errors
    /// As [`delete`](Self::delete); [`Conflict`](crate::ErrorKind::Conflict) if it is not.
    pub async fn delete_on(&self, premise: &Premise, rows: &[u64]) -> Result<DeleteReport> {
        let ids = premise.snapshot().row_ids(rows).await?;
        self.delete_all(&ids, Some(premise.clone())).await
    }

    /// Deletes the rows of these stable ids; ids that no row has are no error.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io).
    pub async fn delete_ids(&self, row_ids: &[u64]) -> Result<DeleteReport> {
        self.delete_all(row_ids, None).await
    }

    async fn delete_all(&self, row_ids: &[u64], premise: Option<Premise>) -> Result<DeleteReport> {
        let base = self.latest().await?;
        let mut ids = row_ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let mut change = Delete { premise, ids, deleted: 0 };
        let snapshot = commit(&self.committer(), &base, &mut change).await?;
        Ok(DeleteReport { snapshot, deleted_rows: change.deleted })
    }
}

/// Rows are known by their ids, so that the change fits whatever version is the newest: appended to, compacted.
struct Delete {
    /// What the rows were chosen by.
    premise: Option<Premise>,
    /// Ascending.
    ids: Vec<u64>,
    deleted: u64,
}

impl Change for Delete {
    fn operation(&self) -> &'static str {
        "delete"
    }

    async fn in_the_way(&self, version: &Snapshot) -> Result<Option<InTheWay>> {
        match &self.premise {
            Some(premise) => premise.in_the_way(version, &self.ids).await,
            None => Ok(None),
        }
    }

    async fn apply(
        &mut self,
        committer: &Committer,
        latest: &Snapshot,
        root: &mut Root,
    ) -> Result<Applied> {
        self.deleted = 0;
        let mut edits = Edits::default();
        for (partition, rows) in latest.rows_by_partition(&self.ids).await? {
            self.deleted += rows.len() as u64;
            let entry = partition.entry();
            let before = partition.deletes(latest.storage()).await?;
            let deleted = match before {
                Some(before) => before.with(rows),
                None => rows.into_iter().collect(),
            };
            let replacement = match deleted.len() == entry.row_count {
                true => Vec::new(),
                false => vec![without(committer, latest, entry, &deleted).await?],
            };
            edits.replace(entry, replacement);
        }
        if edits.is_empty() {
            return Ok(Applied::AlreadySo);
        }
        edits.apply(committer, latest, root).await?;
        Ok(Applied::Changed)
    }
}

/// The partition without these rows; its new deletion vector is durable.
async fn without(
    committer: &Committer,
    latest: &Snapshot,
    entry: &Partition,
    deleted: &DeletedRows,
) -> Result<Partition> {
    let path = ObjectKind::Deletes.path(&committer.ids.next());
    let bytes = Bytes::from(deleted.encode());
    let deletes = DeletionVector {
        size_bytes: bytes.len() as u64,
        checksum: checksum(&bytes),
        row_count: deleted.len(),
        path: path.clone(),
    };
    latest.storage().put_unique(&path, bytes).await?;
    Ok(Partition { deletes: Some(deletes), ..entry.clone() })
}
