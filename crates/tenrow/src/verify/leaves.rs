//! What roots and leaves say of each other.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::format::limits;
use crate::format::manifest::{Leaf, LeafRef};
use crate::snapshot::{LoadedLeaf, Snapshot};
use crate::verify::bounds;
use crate::verify::check::Check;
use crate::verify::history::unnamed;
use crate::verify::partitions::Place;

/// Checks all leaves of the newest version, and what they name.
pub(super) async fn check(check: &mut Check) {
    let snapshot = check.snapshot.clone();
    let mut first_row = 0;
    for reference in &snapshot.root().leaves {
        if check.is_stopped() {
            return;
        }
        match read(&snapshot, reference, check, first_row).await {
            Ok(leaf) => check_leaf(check, reference, leaf, first_row).await,
            Err(error) => check.fault(&reference.path, Some(first_row), error),
        }
        first_row += reference.row_count;
    }
    let (found, expected) = (snapshot.root().next_row_id, check.next_row_id);
    let path = check.root_path();
    check.ensure(found >= expected, &path, None, || {
        format!("next_row_id is {found}, but a row has the id {}", expected - 1)
    });
}

async fn read(
    snapshot: &Snapshot,
    reference: &LeafRef,
    check: &mut Check,
    first_row: u64,
) -> Result<Leaf> {
    let (storage, path) = (snapshot.storage(), &reference.path);
    let bytes = storage.read(path, limits::MAX_LEAF_BYTES).await.map_err(storage.missing(path))?;
    let found = bytes.len() as u64;
    check.ensure(found == reference.size_bytes, path, Some(first_row), || {
        format!("{found} bytes, but its root says {}", reference.size_bytes)
    });
    Leaf::decode(bytes, reference.checksum).map_err(|e| Error::format(storage.shown(path), e))
}

async fn check_leaf(check: &mut Check, reference: &LeafRef, leaf: Leaf, first_row: u64) {
    check_counts(check, reference, &leaf, first_row);
    check_features(check, reference, &leaf.features());
    for fault in bounds::of_leaf(reference, &leaf.partitions) {
        check.note(&reference.path, Some(first_row), fault);
    }
    let loaded = LoadedLeaf::new(leaf, reference);
    let with_rows = loaded.partitions().iter().map(|partition| partition.entry());
    let first_id = with_rows.filter_map(|entry| entry.row_ids.first()).map(|ids| ids.first).next();
    let (path, expected) = (&reference.path, reference.first_row_id);
    check.ensure(first_id.is_none_or(|found| found == expected), path, Some(first_row), || {
        format!("its first row has the id {}, but its root says {expected}", first_id.unwrap_or(0))
    });
    check.needed.add_leaf(&reference.path, &loaded);
    let mut row = first_row;
    for (number, partition) in loaded.partitions().iter().enumerate() {
        if check.is_stopped() {
            return;
        }
        check.report.partitions += 1;
        let place = Place { leaf: path, number, first_row: row };
        check.partition(partition, &place).await;
        row += partition.entry().live_rows();
    }
}

fn check_counts(check: &mut Check, reference: &LeafRef, leaf: &Leaf, first_row: u64) {
    let files = leaf.partitions.iter().flat_map(|partition| &partition.files);
    let sizes = files.fold(0u64, |sum, file| sum.saturating_add(file.size_bytes));
    for (what, found, expected) in [
        ("live rows", leaf.live_rows(), reference.row_count),
        ("partitions", leaf.partitions.len() as u64, reference.partition_count),
        ("bytes of files", sizes, reference.size_of_files_bytes),
    ] {
        check.ensure(found == expected, &reference.path, Some(first_row), || {
            format!("{found} {what}, but its root says {expected}")
        });
    }
    let (sequence, version) = (reference.sequence, check.snapshot.version());
    let path = &reference.path;
    check.ensure(sequence <= version.0, path, Some(first_row), || {
        format!("sequence {sequence}, which is beyond version {version}")
    });
}

fn check_features(check: &mut Check, reference: &LeafRef, used: &BTreeSet<&'static str>) {
    let snapshot = check.snapshot.clone();
    let root = snapshot.root();
    for (whom, named) in [("readers", &root.reader_features), ("writers", &root.writer_features)] {
        for feature in used.iter().filter(|feature| !named.contains(**feature)) {
            check.note(&reference.path, None, unnamed(feature, whom));
        }
    }
}
