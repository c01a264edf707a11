//! What one version has that another has not.

use std::collections::{BTreeMap, HashSet};

use futures::TryStreamExt;

use crate::error::Result;
use crate::format::Version;
use crate::format::{Attribute, FieldId};
use crate::snapshot::{Leaves, Snapshot};

/// The difference of two versions of one dataset.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/diff", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// let after = dataset.delete(&snapshot, &[1]).await?.snapshot;
/// let diff = snapshot.diff(&after).await?;
/// assert_eq!((diff.rows_added, diff.rows_deleted), (0, 1));
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Diff {
    /// The version that is compared.
    pub from: Version,
    /// The version that it is compared with.
    pub to: Version,
    /// Rows of `to` that `from` has not, by their stable ids.
    pub rows_added: u64,
    /// Rows of `from` that `to` has not.
    pub rows_deleted: u64,
    /// What became of attributes, in words.
    pub schema_changes: Vec<String>,
    /// Parquet files of `to` alone.
    pub files_added: u64,
    /// Their bytes.
    pub bytes_added: u64,
    /// Parquet files of `from` alone.
    pub files_removed: u64,
    /// Their bytes.
    pub bytes_removed: u64,
}

impl Snapshot {
    /// What `to` has that this version has not, and the reverse.
    ///
    /// Leaves that both have are not read.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) or [`Io`](crate::ErrorKind::Io), naming the leaf.
    pub async fn diff(&self, to: &Snapshot) -> Result<Diff> {
        let (own, others) = (self.parts_not_in(to).await?, to.parts_not_in(self).await?);
        let (rows_deleted, rows_added) =
            (not_in(&own.ids, &others.ids), not_in(&others.ids, &own.ids));
        let only = |a: &Parts, b: &Parts| {
            let sizes = a.files.iter().filter(|(path, _)| !b.files.contains_key(*path));
            sizes.fold((0, 0), |(count, bytes), (_, size)| (count + 1, bytes + size))
        };
        let ((files_removed, bytes_removed), (files_added, bytes_added)) =
            (only(&own, &others), only(&others, &own));
        Ok(Diff {
            from: self.version(),
            to: to.version(),
            rows_added,
            rows_deleted,
            schema_changes: schema_changes(self, to),
            files_added,
            bytes_added,
            files_removed,
            bytes_removed,
        })
    }

    async fn parts_not_in(&self, other: &Snapshot) -> Result<Parts> {
        let known: HashSet<&str> = other.root().leaves.iter().map(|l| l.path.as_str()).collect();
        let mut parts = Parts::default();
        let unknown = self.leaf_numbers(|leaf| !known.contains(leaf.path.as_str()));
        let mut partitions = self.partitions_of(unknown, Leaves::Passing);
        while let Some(partition) = partitions.try_next().await? {
            let entry = partition.entry();
            parts.files.extend(entry.files.iter().map(|f| (f.path.clone(), f.size_bytes)));
            for rows in self.file_rows(&partition, 0..entry.live_rows()).await? {
                parts.ids.extend(partition.id_ranges(rows));
            }
        }
        parts.ids.sort_unstable();
        Ok(parts)
    }
}

/// Leaves that only one of two versions has, taken apart.
#[derive(Default)]
struct Parts {
    files: BTreeMap<String, u64>,
    /// Row ids from, and up to but without: ascending, none twice.
    ids: Vec<(u64, u64)>,
}

/// How many ids of `a` are not in `b`.
fn not_in(a: &[(u64, u64)], b: &[(u64, u64)]) -> u64 {
    let total: u64 = a.iter().map(|(start, end)| end - start).sum();
    let (mut i, mut j, mut common) = (0, 0, 0);
    while let (Some(&(a_start, a_end)), Some(&(b_start, b_end))) = (a.get(i), b.get(j)) {
        common += a_end.min(b_end).saturating_sub(a_start.max(b_start));
        match a_end <= b_end {
            true => i += 1,
            false => j += 1,
        }
    }
    total - common
}

/// What became of each attribute, which is the same one as long as it keeps an id.
fn schema_changes(from: &Snapshot, to: &Snapshot) -> Vec<String> {
    let (old, new) = (from.schema().attributes(), to.schema().attributes());
    let ids = |attribute: &Attribute| attribute.ids().collect::<HashSet<FieldId>>();
    let same = |a: &Attribute, b: &Attribute| !ids(a).is_disjoint(&ids(b));
    let mut changes = Vec::new();
    for a in old {
        let Some(b) = new.iter().find(|b| same(a, b)) else {
            changes.push(format!("dropped {}:{}", a.name, a.type_text()));
            continue;
        };
        if a.name != b.name {
            changes.push(format!("renamed {} to {}", a.name, b.name));
        }
        if a.type_text() != b.type_text() {
            changes.push(format!("{}: {} became {}", b.name, a.type_text(), b.type_text()));
        }
        if a.dim_names != b.dim_names {
            changes.push(format!("{}: dimensions are now called {:?}", b.name, b.dim_names));
        }
    }
    for b in new.iter().filter(|b| !old.iter().any(|a| same(a, b))) {
        changes.push(format!("added {}:{}", b.name, b.type_text()));
    }
    let order = |list: &[Attribute], other: &[Attribute]| {
        let kept = list.iter().filter(|a| other.iter().any(|b| same(a, b)));
        kept.map(|a| a.ids().min()).collect::<Vec<_>>()
    };
    if order(old, new) != order(new, old) {
        changes.push("reordered".into());
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_apart_by_ranges() {
        let a = [(0, 10), (20, 30)];
        assert_eq!(not_in(&a, &[]), 20);
        assert_eq!(not_in(&a, &[(5, 25)]), 10);
        assert_eq!(not_in(&[(5, 25)], &a), 10);
        assert_eq!(not_in(&a, &[(0, 1), (2, 3), (29, 40)]), 17);
        assert_eq!(not_in(&a, &a), 0);
    }
}
