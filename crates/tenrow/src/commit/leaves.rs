//! Leaves of a new version: written once, placed in whatever root is committed.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::commit::Committer;
use crate::error::{Error, ErrorKind, Result};
use crate::format::checksum;
use crate::format::manifest::{
    Leaf, LeafRef, MAX_LEAF_REF_STATISTICS, Partition, Root, Statistics,
};
use crate::storage::Storage;

/// Partitions of a full leaf.
pub(crate) const LEAF_PARTITIONS: usize = 4096;

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
    let mut leaves = Vec::new();
    let mut rest = partitions;
    while !rest.is_empty() {
        let tail = rest.split_off(rest.len().min(LEAF_PARTITIONS));
        let leaf = Leaf { partitions: std::mem::replace(&mut rest, tail) };
        leaves.push(write_leaf(committer, storage, &leaf).await?);
    }
    Ok(leaves)
}

async fn write_leaf(committer: &Committer, storage: &Storage, leaf: &Leaf) -> Result<WrittenLeaf> {
    let path = format!("_tenrow/leaves/{}", committer.ids.next());
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
        statistics: key_statistics(leaf),
        path: path.clone(),
    };
    if !storage.put_new(&path, bytes).await? {
        return Err(Error::new(ErrorKind::AlreadyExists, format!("leaf {path} exists already")));
    }
    let rows = leaf.partitions.iter().map(|partition| partition.row_count).sum();
    Ok(WrittenLeaf { reference, features: leaf.features(), rows })
}

fn first_named_id(partitions: &[Partition]) -> u64 {
    let named = partitions.iter().find_map(|partition| partition.row_ids.first());
    named.map_or(0, |range| range.first)
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

/// Bounds of the partition keys over a whole leaf.
fn key_statistics(leaf: &Leaf) -> Vec<Statistics> {
    let fields =
        leaf.partitions.first().map(|p| p.keys.iter().map(|key| key.field).collect::<Vec<_>>());
    let of = |field| {
        let mut merged: Option<Statistics> = None;
        for partition in &leaf.partitions {
            let own = partition.statistics.iter().find(|s: &&Statistics| s.field == field)?;
            merged = Some(match merged {
                None => own.clone(),
                Some(merged) => merge(merged, own)?,
            });
        }
        merged
    };
    let merged = fields.unwrap_or_default().into_iter().filter_map(of);
    merged.take(MAX_LEAF_REF_STATISTICS).collect()
}

fn merge(a: Statistics, b: &Statistics) -> Option<Statistics> {
    let less = |a: &serde_json::Value, b: &serde_json::Value| match (a, b) {
        (serde_json::Value::String(a), serde_json::Value::String(b)) => Some(a < b),
        (serde_json::Value::Bool(a), serde_json::Value::Bool(b)) => Some(!a & b),
        (a, b) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => Some(a < b),
            _ => Some(a.as_u64()? < b.as_u64()?),
        },
    };
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
