//! Stable row ids: from a row to its id, and back.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::snapshot::{LoadedPartition, Snapshot};
use crate::view::View;

impl Snapshot {
    /// The stable ids of `rows`, in their order. An id is given once, and kept through everything.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if a row is out of range.
    pub async fn row_ids(&self, rows: &[u64]) -> Result<Vec<u64>> {
        let resolved = self.resolve(rows).await?;
        let id = |&(number, row): &(u32, u64)| {
            resolved.partitions[number as usize]
                .row_id(row)
                .ok_or_else(|| Error::corrupt("a partition", format!("row {row} has no id")))
        };
        resolved.rows.iter().map(id).collect()
    }

    /// The rows that have these stable ids, in their order; `None` for one that no row of this version has.
    ///
    /// A binary search each, and one leaf if it is not cached yet.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) or [`Io`](crate::ErrorKind::Io), naming the leaf.
    pub async fn rows_of_ids(&self, row_ids: &[u64]) -> Result<Vec<Option<u64>>> {
        let mut rows = Vec::with_capacity(row_ids.len());
        for &id in row_ids {
            let Some(((leaf, number), partition, row)) = self.find_row_id(id).await? else {
                rows.push(None);
                continue;
            };
            let live = match partition.deletes(self.storage()).await? {
                Some(deletes) => deletes.live_before(row),
                None => row,
            };
            let start = self.row_map().start(leaf) + self.leaf(leaf).await?.row_map().start(number);
            rows.push(Some(start + live));
        }
        Ok(rows)
    }

    /// Where these rows of `other`, a version of the same dataset, are in this one, in their order; `None` for one that is
    /// not there, because it was deleted or came later.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if a row is out of range, or `other` is of another dataset;
    /// else as [`rows_of_ids`](Self::rows_of_ids).
    pub async fn rows_from(&self, other: &Snapshot, rows: &[u64]) -> Result<Vec<Option<u64>>> {
        let (own, others) = (self.storage().to_string(), other.storage().to_string());
        if own != others {
            return Err(Error::invalid(format!(
                "rows of {others} are looked for in {own}: ids tell rows of one dataset apart"
            )));
        }
        self.rows_of_ids(&other.row_ids(rows).await?).await
    }

    /// The place of the partition that holds the live row of an id, the partition, and the row of its files.
    pub(crate) async fn find_row_id(
        &self,
        row_id: u64,
    ) -> Result<Option<((usize, usize), Arc<LoadedPartition>, u64)>> {
        let Some((index, number)) = self.place_of_row_id(row_id).await? else { return Ok(None) };
        let partition = self.leaf(index).await?.partitions()[number].clone();
        let Some(row) = partition.row_of_id(row_id) else { return Ok(None) };
        let deletes = partition.deletes(self.storage()).await?;
        if deletes.is_some_and(|deletes| deletes.contains(row)) {
            return Ok(None);
        }
        Ok(Some(((index, number), partition, row)))
    }

    /// The partitions that hold the live rows of `ids`, ascending, and the rows of their files.
    pub(crate) async fn rows_by_partition(
        &self,
        ids: &[u64],
    ) -> Result<Vec<(Arc<LoadedPartition>, Vec<u64>)>> {
        let mut found = BTreeMap::new();
        for &id in ids {
            if let Some((place, partition, row)) = self.find_row_id(id).await? {
                let (_, rows) = found.entry(place).or_insert((partition, Vec::new()));
                rows.push(row);
            }
        }
        Ok(found.into_values().collect())
    }
}

impl View {
    /// The same rows in another version of the dataset, where there are attributes that came later, or other values.
    ///
    /// Rows are known by their ids, wherever they stand there. Costs a binary search a row.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if some of them are not there, being deleted or not yet appended:
    /// [`present_at`](Self::present_at) leaves them out; [`InvalidInput`](ErrorKind::InvalidInput) if `snapshot`
    /// is of another dataset; else as [`Snapshot::rows_from`].
    pub async fn at(&self, snapshot: &Snapshot) -> Result<Self> {
        let there = self.present_at(snapshot).await?;
        match self.row_count() - there.row_count() {
            0 => Ok(there),
            missing => Err(Error::new(
                ErrorKind::NotFound,
                format!(
                    "{missing} of {} rows of {} are not in version {} of {}",
                    self.row_count(),
                    self.name().map_or("the view".into(), |name| format!("view {name:?}")),
                    snapshot.version(),
                    snapshot.storage()
                ),
            )),
        }
    }

    /// As [`at`](Self::at), without the rows that are not there.
    ///
    /// # Errors
    /// As [`Snapshot::rows_from`].
    pub async fn present_at(&self, snapshot: &Snapshot) -> Result<Self> {
        let rows = self.row_numbers().await?.as_list();
        let rows = snapshot.rows_from(self.snapshot(), &rows).await?;
        let rows: Vec<u64> = rows.into_iter().flatten().collect();
        Ok(self.moved(snapshot, rows.into()))
    }
}
