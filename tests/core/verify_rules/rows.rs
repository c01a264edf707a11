//! Counts, row ids, identities, what is deleted.

use tenrow::engine::manifest::RowIdRange;

use super::damaged::Level::Quick;
use super::damaged::{Case, deleted, file, name_ids, nothing, partition};

pub(super) const CASES: &[Case] = &[
    (
        "row ids ascend with partitions",
        Quick,
        "ids ascend with rows",
        |m| {
            name_ids(m);
            let (one, other) = m.leaves[0].partitions.split_at_mut(1);
            std::mem::swap(&mut one[0].row_ids, &mut other[0].row_ids);
            let (a, b) = (&mut one[0], &mut other[0]);
            (a.row_ids[0].count, b.row_ids[0].count) = (a.row_count, b.row_count);
        },
        nothing,
    ),
    (
        "row ids ascend within a partition",
        Quick,
        "ids ascend with rows",
        |m| {
            name_ids(m);
            let last = partition(m);
            let ids = last.row_ids.pop().unwrap();
            let half = ids.count / 2;
            last.row_ids.push(RowIdRange { first: ids.first + half, count: ids.count - half });
            last.row_ids.push(RowIdRange { first: ids.first, count: half });
        },
        nothing,
    ),
    (
        "no row id twice in the version",
        Quick,
        "an earlier row has the id",
        |m| {
            name_ids(m);
            m.leaves.last_mut().unwrap().partitions.last_mut().unwrap().row_ids[0].first = 0;
        },
        nothing,
    ),
    (
        "a leaf's first_row_id is that of its first row",
        Quick,
        "its first row has the id",
        name_ids,
        |root| {
            root.leaves[0].first_row_id += 1;
        },
    ),
    ("next_row_id is above all ids", Quick, "next_row_id is", nothing, |root| {
        root.next_row_id = root.leaves.last().unwrap().first_row_id;
    }),
    (
        "a partition is known by the id of its first row",
        Quick,
        "an earlier row has the id",
        |m| {
            name_ids(m);
            let again = m.leaves[0].partitions[0].clone();
            m.leaves.last_mut().unwrap().partitions.push(again);
            m.count();
        },
        nothing,
    ),
    (
        "a partition whose every row is deleted is left out",
        Quick,
        "it is to be left out",
        |m| {
            let partition = deleted(m);
            partition.deletes.as_mut().unwrap().row_count = partition.row_count;
            m.count();
        },
        nothing,
    ),
    (
        "a root has the live rows of its leaves",
        Quick,
        "live rows, but its root says",
        nothing,
        |root| {
            root.leaves[0].row_count -= 1;
        },
    ),
    (
        "a root has the partitions of its leaves",
        Quick,
        "partitions, but its root says",
        nothing,
        |root| {
            root.leaves[0].partition_count += 1;
        },
    ),
    (
        "a root has the bytes of its files",
        Quick,
        "bytes of files, but its root says",
        nothing,
        |root| {
            root.leaves[0].size_of_files_bytes += 1;
        },
    ),
    ("a leaf is not of a later version", Quick, "which is beyond version", nothing, |root| {
        root.leaves[0].sequence = root.version.0 + 1;
    }),
    (
        "a file is not of a later version",
        Quick,
        "which is beyond version",
        |m| {
            file(m).sequence = Some(1_000);
        },
        nothing,
    ),
    (
        "a deletion vector has its checksum",
        Quick,
        "checksum",
        |m| {
            deleted(m).deletes.as_mut().unwrap().checksum ^= 1;
        },
        nothing,
    ),
    (
        "a deletion vector has its rows",
        Quick,
        "rows, but its leaf says",
        |m| {
            deleted(m).deletes.as_mut().unwrap().row_count += 1;
            m.count();
        },
        nothing,
    ),
];
