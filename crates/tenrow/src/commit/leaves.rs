//! Leaves of a new version: written once, placed in whatever root is committed.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use crate::commit::Committer;
use crate::error::{Error, Result};
use crate::format::layout::ObjectKind;
use crate::format::manifest::{
    Leaf, LeafRef, MAX_LEAF_REF_STATISTICS, Partition, Root, Statistics,
};
use crate::format::{FieldId, checksum};
use crate::storage::Storage;

/// Partitions of a full leaf: a reader's first row of it costs some milliseconds of decoding.
pub(crate) const LEAF_PARTITIONS: usize = 1000;
/// Chunks of a full leaf, for partitions of many attributes or row groups.
const LEAF_CHUNKS: usize = 16 * LEAF_PARTITIONS;
/// Leaves that are put at once.
const MAX_PUTS: usize = 8;

/// A leaf that is stored and in no version yet.
#[derive(Debug, Clone)]
pub(crate) struct WrittenLeaf {
    /// How a root knows it, but for where its rows and sequences begin.
    pub(crate) reference: LeafRef,
    features: BTreeSet<&'static str>,
    /// Its rows, deleted ones included: as many row ids it takes if it names none.
    rows: u64,
}

/// Stores `partitions`, in order, in as few leaves as may be.
pub(crate) async fn write_leaves(
    committer: &Committer,
    storage: &Storage,
    partitions: Vec<Partition>,
) -> Result<Vec<WrittenLeaf>> {
    write_split(committer, storage, split(partitions)).await
}

/// Stores these leaves, in order.
pub(super) async fn write_split(
    committer: &Committer,
    storage: &Storage,
    leaves: Vec<Leaf>,
) -> Result<Vec<WrittenLeaf>> {
    let written = leaves.into_iter().map(|leaf| write_leaf(committer, storage, leaf));
    stream::iter(written).buffered(MAX_PUTS).try_collect().await
}

/// Leaves that are full by partitions or by chunks, but for the last.
pub(super) fn split(partitions: Vec<Partition>) -> Vec<Leaf> {
    let mut leaves: Vec<Leaf> = Vec::new();
    let mut chunks = 0;
    for partition in partitions {
        let own: usize = partition.files.iter().map(|file| file.chunks.len()).sum();
        chunks += own;
        match leaves.last_mut() {
            Some(leaf) if leaf.partitions.len() < LEAF_PARTITIONS && chunks <= LEAF_CHUNKS => {
                leaf.partitions.push(partition);
            }
            _ => {
                leaves.push(Leaf { partitions: vec![partition] });
                chunks = own;
            }
        }
    }
    leaves
}

async fn write_leaf(committer: &Committer, storage: &Storage, leaf: Leaf) -> Result<WrittenLeaf> {
    let path = ObjectKind::Leaf.path(&committer.ids.next());
    check_row_ids(&leaf)?;
    let bytes = Bytes::from(leaf.encode().map_err(|e| Error::format(&path, e))?);
    let files = leaf.partitions.iter().flat_map(|partition| &partition.files);
    let reference = LeafRef {
        checksum: checksum(&bytes),
        size_bytes: bytes.len() as u64,
        partition_count: leaf.partitions.len() as u64,
        row_count: leaf.live_rows(),
        size_of_files_bytes: files.map(|file| file.size_bytes).sum(),
        first_row_id: first_named_id(&leaf.partitions),
        sequence: 0,
        statistics: bounds(&leaf),
        path: path.clone(),
    };
    storage.put_unique(&path, bytes).await?;
    committer.files.made(&path);
    let rows = leaf.partitions.iter().map(|partition| partition.row_count).sum();
    Ok(WrittenLeaf { reference, features: leaf.features(), rows })
}

fn first_named_id(partitions: &[Partition]) -> u64 {
    partitions.iter().find_map(Partition::first_row_id).unwrap_or(0)
}

/// Refuses to write partitions whose rows could not be found by their ids.
fn check_row_ids(leaf: &Leaf) -> Result<()> {
    let mut free_from = 0;
    for (number, partition) in leaf.partitions.iter().enumerate() {
        for ids in &partition.row_ids {
            if ids.first < free_from {
                let reason = format!(
                    "its row ids go on with {}, but the rows before have ids up to {}: nothing was committed",
                    ids.first,
                    free_from - 1
                );
                return Err(Error::corrupt(format!("partition {number} of a new leaf"), reason));
            }
            free_from = ids.first.saturating_add(ids.count);
        }
    }
    Ok(())
}

/// Puts leaves whose partitions name no row ids at the end of `root`: their rows get the next ones.
pub(crate) fn place(root: &mut Root, leaves: &[WrittenLeaf]) {
    for leaf in leaves {
        let first_row_id = root.next_row_id;
        root.next_row_id += leaf.rows;
        let reference = leaf.placed(root, first_row_id);
        root.leaves.push(reference);
    }
}

impl WrittenLeaf {
    /// The reference for `root`, which is made to name the features that the leaf uses.
    pub(crate) fn placed(&self, root: &mut Root, first_row_id: u64) -> LeafRef {
        let names = || self.features.iter().map(|&name| name.to_owned());
        root.reader_features.extend(names());
        root.writer_features.extend(names());
        LeafRef { first_row_id, sequence: root.version.0, ..self.reference.clone() }
    }
}

/// Bounds over a whole leaf, of the partition keys and then of attributes by which its partitions are sorted: of
/// others they would exclude nothing.
fn bounds(leaf: &Leaf) -> Vec<Statistics> {
    let Some(first) = leaf.partitions.first() else { return Vec::new() };
    let is_key = |field: FieldId| first.keys.iter().any(|key| key.field == field);
    let keys = first.keys.iter().map(|key| key.field);
    let others = first.statistics.iter().map(|own| own.field).filter(|field| !is_key(*field));
    let of_keys = keys.filter_map(|field| merged(&of_partitions(leaf, field)?));
    let of_others = others.filter_map(|field| {
        let all = of_partitions(leaf, field)?;
        merged(&all).filter(|_| are_sorted(&all))
    });
    of_keys.chain(of_others).take(MAX_LEAF_REF_STATISTICS).collect()
}

/// What is known of an attribute in each partition; `None` if one says nothing.
fn of_partitions<'a>(leaf: &'a Leaf, field: FieldId) -> Option<Vec<&'a Statistics>> {
    let of = |partition: &'a Partition| partition.statistics.iter().find(|s| s.field == field);
    leaf.partitions.iter().map(of).collect()
}

fn merged(all: &[&Statistics]) -> Option<Statistics> {
    let (first, rest) = all.split_first()?;
    rest.iter().try_fold((*first).clone(), |merged, own| merge(merged, own))
}

/// Whether values ascend, or descend, from partition to partition: nine in ten neighbours share one value at most.
fn are_sorted(all: &[&Statistics]) -> bool {
    let follows = |low: &Statistics, high: &Statistics| match (&low.max, &high.min) {
        (Some(max), Some(min)) => less(min, max) == Some(false),
        _ => false,
    };
    let enough = (all.len() - 1) * 9 / 10;
    let ascending = all.windows(2).filter(|pair| follows(pair[0], pair[1])).count();
    let descending = all.windows(2).filter(|pair| follows(pair[1], pair[0])).count();
    ascending.max(descending) >= enough
}

/// Whether `a` is less than `b`; `None` of values that have no order.
pub(crate) fn less(a: &Value, b: &Value) -> Option<bool> {
    match (a, b) {
        (Value::String(a), Value::String(b)) => Some(a < b),
        (Value::Bool(a), Value::Bool(b)) => Some(!a & b),
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => Some(a < b),
            _ if a.is_f64() && b.is_f64() => Some(a.as_f64()? < b.as_f64()?),
            // Those that are no i64 are larger than all that are.
            _ if a.is_f64() || b.is_f64() => None,
            (Some(_), None) => Some(true),
            (None, Some(_)) => Some(false),
            (None, None) => Some(a.as_u64()? < b.as_u64()?),
        },
        _ => None,
    }
}

fn merge(a: Statistics, b: &Statistics) -> Option<Statistics> {
    let (min, max) = match (&a.min, &b.min, &a.max, &b.max) {
        (Some(a_min), Some(b_min), Some(a_max), Some(b_max)) => (
            if less(b_min, a_min)? { b_min } else { a_min },
            if less(a_max, b_max)? { b_max } else { a_max },
        ),
        _ => return None,
    };
    Some(Statistics {
        field: a.field,
        null_count: a.null_count + b.null_count,
        min: Some(min.clone()),
        max: Some(max.clone()),
        exact: a.exact && b.exact,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::manifest::{Chunk, ChunkLayout, DataFile, RowIdRange};

    fn all(bounds: &[(i64, i64)]) -> Vec<Statistics> {
        let of = |&(min, max): &(i64, i64)| {
            Statistics::new(FieldId(1), 0, Some(min.into()), Some(max.into()))
        };
        bounds.iter().map(of).collect()
    }

    #[test]
    fn a_leaf_is_full_by_its_partitions_or_by_their_chunks() {
        let partition = |chunks: usize| {
            let chunk = Chunk {
                field: FieldId(1),
                row_group: 0,
                column: 0,
                layout: ChunkLayout::Indexed { offset_index: None },
            };
            let file = DataFile {
                path: String::new(),
                foreign: None,
                size_bytes: 0,
                checksum: 0,
                footer_bytes: 0,
                sequence: None,
                field_ids: vec![],
                row_groups: vec![],
                chunks: vec![chunk; chunks],
            };
            Partition { files: vec![file], ..Partition::default() }
        };
        for (count, chunks, expected) in [
            (0, 1, vec![]),
            (1, 20_000, vec![1]),
            (3, 20_000, vec![1, 1, 1]),
            (5, 8_000, vec![2, 2, 1]),
            (2_500, 16, vec![1_000, 1_000, 500]),
            (2_001, 1, vec![1_000, 1_000, 1]),
        ] {
            let leaves = split(vec![partition(chunks); count]);
            let counts: Vec<usize> = leaves.iter().map(|leaf| leaf.partitions.len()).collect();
            assert_eq!(counts, expected, "{count} of {chunks}");
        }
    }

    #[test]
    fn partitions_whose_row_ids_do_not_ascend_are_not_written() {
        let of = |first: &[u64]| {
            let ids = |&first: &u64| RowIdRange { first, count: 10 };
            let partition = |first| Partition { row_ids: vec![ids(first)], ..Partition::default() };
            check_row_ids(&Leaf { partitions: first.iter().map(partition).collect() })
        };
        of(&[0, 10, 30]).unwrap();
        let error = of(&[0, 9]).unwrap_err().chain();
        assert!(error.contains("partition 1 of a new leaf"), "{error}");
        assert!(error.contains("go on with 9, but the rows before have ids up to 9"), "{error}");
    }

    #[test]
    fn partitions_are_sorted_if_neighbours_share_one_value_at_most() {
        for (bounds, expected) in [
            (vec![(0, 9)], true),
            (vec![(0, 4), (4, 9), (9, 12)], true),
            (vec![(9, 12), (4, 9), (0, 4)], true),
            (vec![(0, 9), (0, 9), (0, 9)], false),
            (vec![(3, 3), (3, 3)], true),
        ] {
            let all = all(&bounds);
            assert_eq!(are_sorted(&all.iter().collect::<Vec<_>>()), expected, "{bounds:?}");
        }
    }

    #[test]
    fn numbers_are_ordered_whatever_their_width_and_not_across_kinds() {
        let large = Value::from(u64::MAX);
        assert_eq!(less(&Value::from(-1), &large), Some(true));
        assert_eq!(less(&large, &Value::from(-1)), Some(false));
        assert_eq!(less(&Value::from(0.5), &Value::from(1.5)), Some(true));
        assert_eq!(less(&Value::from(1), &Value::from(1.5)), None);
        assert_eq!(less(&Value::from("a"), &Value::from(1)), None);
    }
}
