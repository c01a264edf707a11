//! A partition is known by the id of its first row: not by a path that another may share, nor by its place in a list, nor by
//! the neighbours that it had.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use bytes::Bytes;
use futures::FutureExt;
use object_store::memory::InMemory;
use parquet::arrow::ArrowWriter;
use tenrow::engine::checksum;
use tenrow::engine::layout::root_path;
use tenrow::engine::manifest::{Leaf, Root};
use tenrow::storage::Storage;
use tenrow::{
    Attribute, ColumnFill, Columns, CompactOptions, Dataset, ErrorKind, Schema, Snapshot, Version,
    WriteOptions,
};
use tenrow_tests::fault::FaultyStore;
use tenrow_tests::{block_on, place};

use super::stock::{add, verified};

async fn dataset_at(folder: &Path) -> Dataset {
    let schema = Schema::new([Attribute::parse("x:i64").unwrap()]).unwrap();
    Dataset::create(&place::location(folder), schema).await.unwrap()
}

/// Appends each list as a partition of its own.
async fn append(dataset: &Dataset, partitions: &[&[i64]]) {
    for values in partitions {
        let mut writer = dataset.writer().await.unwrap();
        writer.append_columns(Columns::new().scalars("x", *values)).await.unwrap();
        writer.commit().await.unwrap();
    }
}

fn write_parquet(path: &Path, values: &[i64]) {
    let column: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
    let batch = RecordBatch::try_from_iter([("x", column)]).unwrap();
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

async fn import_in_place(dataset: &Dataset, files: &[&Path]) {
    let mut writer = dataset.writer().await.unwrap();
    for file in files {
        writer.append_in_place(file, &HashMap::new()).await.unwrap();
    }
    writer.commit().await.unwrap();
}

async fn column(snapshot: &Snapshot, name: &str) -> Vec<i64> {
    let rows = snapshot.slice(0..snapshot.row_count()).await.unwrap();
    rows.column_by_name(name).unwrap().as_primitive::<Int64Type>().values().to_vec()
}

/// Edits found partitions by the path of their first file: of a file indexed twice they met the other rows.
#[test]
fn edits_reach_the_rows_meant_though_their_file_is_indexed_twice() {
    if !place::needs_folders("files in place are local") {
        return;
    }
    block_on(async {
        let folder = place::folder();
        let file = folder.path().join("x.parquet");
        write_parquet(&file, &[0, 1, 2, 3, 4]);
        let dataset = dataset_at(&folder.path().join("d")).await;
        import_in_place(&dataset, &[&file, &file]).await;

        let latest = dataset.latest().await.unwrap();
        let report = dataset.delete(&latest, &[0, 6]).await.unwrap();
        assert_eq!(report.deleted_rows, 2);
        assert_eq!(column(&report.snapshot, "x").await, [1, 2, 3, 4, 0, 2, 3, 4]);

        let values: ArrayRef = Arc::new(Int64Array::from(vec![70]));
        let values = RecordBatch::try_from_iter([("x", values)]).unwrap();
        let updated = dataset.update(&report.snapshot, &[5], &values).await.unwrap();
        assert_eq!(column(&updated, "x").await, [1, 2, 3, 4, 0, 70, 3, 4]);

        dataset.change_schema(add("y:i64?")).await.unwrap();
        let compute = |batch: &RecordBatch| Ok(batch.column(0).clone());
        let filled = dataset.fill_column(&ColumnFill::new("y", ["x"]), compute).await.unwrap();
        assert_eq!(filled.partitions, 2);
        assert_eq!(column(&filled.snapshot, "y").await, [1, 2, 3, 4, 0, 70, 3, 4]);
        verified(&dataset).await;
    });
}

/// A file that was rewritten and indexed once more gave the values that were decoded before.
#[test]
fn what_was_decoded_of_a_file_is_not_taken_for_what_stands_there_now() {
    if !place::needs_folders("files in place are local") {
        return;
    }
    block_on(async {
        let folder = place::folder();
        let file = folder.path().join("x.parquet");
        write_parquet(&file, &[0, 1, 2]);
        let dataset = dataset_at(&folder.path().join("d")).await;
        import_in_place(&dataset, &[&file]).await;
        let first = dataset.latest().await.unwrap();
        assert_eq!(column(&first, "x").await, [0, 1, 2]);
        dataset.delete(&first, &[0, 1, 2]).await.unwrap();
        write_parquet(&file, &[7, 8, 9]);
        import_in_place(&dataset, &[&file]).await;
        assert_eq!(column(&dataset.latest().await.unwrap(), "x").await, [7, 8, 9]);
    });
}

#[test]
fn a_file_without_rows_makes_no_partition() {
    if !place::needs_folders("files in place are local") {
        return;
    }
    block_on(async {
        let folder = place::folder();
        let (some, none) = (folder.path().join("x.parquet"), folder.path().join("e.parquet"));
        write_parquet(&some, &[0, 1, 2, 3, 4]);
        write_parquet(&none, &[]);
        let dataset = dataset_at(&folder.path().join("d")).await;
        import_in_place(&dataset, &[&none, &some, &none]).await;
        let latest = dataset.latest().await.unwrap();
        assert_eq!((latest.partition_count(), latest.row_count()), (1, 5));
        let report = dataset.delete(&latest, &[1]).await.unwrap();
        assert_eq!(column(&report.snapshot, "x").await, [0, 2, 3, 4]);
    });
}

/// Puts partitions without rows before, between and behind those of the newest version, as other writers may.
async fn scatter_empty_partitions(dataset: &Dataset, is_named: bool) {
    let latest = dataset.latest().await.unwrap();
    let storage = dataset.storage();
    let mut root: Root = latest.root().clone();
    for (number, reference) in root.leaves.iter_mut().enumerate() {
        let bytes = storage.read(&reference.path, u64::MAX >> 1).await.unwrap();
        let leaf = Leaf::decode(bytes, reference.checksum).unwrap();
        let mut partitions = Vec::new();
        let mut next = reference.first_row_id;
        for mut partition in leaf.partitions {
            let mut empty = partition.clone();
            empty.row_count = 0;
            empty.row_ids.clear();
            empty.statistics.clear();
            empty.files[0].row_groups.clear();
            empty.files[0].chunks.clear();
            if is_named {
                let (first, count) = (next, partition.row_count);
                partition.row_ids = vec![tenrow::engine::manifest::RowIdRange { first, count }];
                next += count;
            }
            partitions.extend([empty.clone(), partition, empty]);
        }
        let leaf = Leaf { partitions };
        let bytes = Bytes::from(leaf.encode().unwrap());
        reference.path = format!("_tenrow/leaves/{number:032x}");
        reference.partition_count = leaf.partitions.len() as u64;
        reference.size_bytes = bytes.len() as u64;
        reference.checksum = checksum(&bytes);
        storage.put_new(&reference.path, bytes).await.unwrap();
    }
    root.version = Version(root.version.0 + 1);
    root.write_id = "other".into();
    let path = root_path(root.version);
    assert!(storage.put_new(&path, Bytes::from(root.encode())).await.unwrap());
}

/// A binary search over partitions took one without ids for one that begins with id 0, and found no row behind it.
#[test]
fn partitions_without_rows_hide_no_row() {
    for is_named in [false, true] {
        block_on(async {
            let folder = place::folder();
            let dataset = dataset_at(folder.path()).await;
            append(&dataset, &[&[0, 1], &[2, 3], &[4]]).await;
            scatter_empty_partitions(&dataset, is_named).await;
            let latest = dataset.latest().await.unwrap();
            assert_eq!(latest.partition_count(), 9);
            let ids = latest.row_ids(&[0, 1, 2, 3, 4]).await.unwrap();
            let rows = latest.rows_of_ids(&ids).await.unwrap();
            assert_eq!(rows, [0, 1, 2, 3, 4].map(Some));

            let report = dataset.delete(&latest, &[1, 4]).await.unwrap();
            assert_eq!(report.deleted_rows, 2);
            assert_eq!(column(&report.snapshot, "x").await, [0, 2, 3]);
            dataset.change_schema(add("y:i64?")).await.unwrap();
            let compute = |batch: &RecordBatch| Ok(batch.column(0).clone());
            let filled = dataset.fill_column(&ColumnFill::new("y", ["x"]), compute).await.unwrap();
            assert_eq!(column(&filled.snapshot, "y").await, [0, 2, 3]);
            let compacted = dataset.compact(CompactOptions::default()).await.unwrap();
            assert_eq!((compacted.partitions_before, compacted.partitions_after), (2, 1));
            assert_eq!(column(&compacted.snapshot, "y").await, [0, 2, 3]);
        });
    }
}

/// A compaction of what had become neighbours was put into a restored version in which they are none: rows changed places, and
/// later deletes met none.
#[test]
fn a_compaction_is_left_if_its_partitions_are_no_neighbours_any_more() {
    block_on(async {
        let store = Arc::new(FaultyStore::new(Arc::new(InMemory::new())));
        let dataset = Dataset::at(Storage::from_store(store.clone(), "place".into()));
        let schema = Schema::new([Attribute::parse("x:i64").unwrap()]).unwrap();
        dataset.create_here(schema, &Default::default()).await.unwrap();
        append(&dataset, &[&[0, 1], &[2, 3], &[4, 5]]).await;
        let whole = dataset.latest().await.unwrap();
        dataset.delete(&whole, &[2, 3]).await.unwrap();
        let rival = Dataset::at(dataset.storage().clone());
        store.before_next_version(move || {
            async move {
                rival.restore(whole.version()).await.unwrap();
            }
            .boxed()
        });
        let report = dataset.compact(CompactOptions::default()).await.unwrap();
        assert_eq!((report.partitions_before, report.skipped_partitions), (0, 2));
        let latest = dataset.latest().await.unwrap();
        assert_eq!(column(&latest, "x").await, [0, 1, 2, 3, 4, 5]);
        let report = dataset.delete(&latest, &[2, 4]).await.unwrap();
        assert_eq!(report.deleted_rows, 2);
        assert_eq!(column(&report.snapshot, "x").await, [0, 1, 3, 5]);
        verified(&dataset).await;
    });
}

/// Damage that an older compaction may have done: what relies on ids says so, and does not pretend that no row was meant.
#[test]
fn rows_whose_ids_do_not_ascend_are_read_by_number_and_never_looked_up() {
    block_on(async {
        let folder = place::folder();
        let dataset = dataset_at(folder.path()).await;
        append(&dataset, &[&[0, 1], &[2, 3]]).await;
        let latest = dataset.latest().await.unwrap();
        let mut root = latest.root().clone();
        root.leaves.reverse();
        root.version = Version(root.version.0 + 1);
        root.write_id = "other".into();
        let path = root_path(root.version);
        let bytes = Bytes::from(root.encode());
        assert!(dataset.storage().put_new(&path, bytes).await.unwrap());
        let latest = dataset.latest().await.unwrap();
        assert_eq!(column(&latest, "x").await, [2, 3, 0, 1]);
        let error = dataset.delete(&latest, &[1]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.chain().contains("row ids do not ascend"), "{}", error.chain());
        // Nor does a writer build upon it.
        let mut writer = dataset.writer_with(WriteOptions::default()).await.unwrap();
        writer.append_columns(Columns::new().scalars("x", [9i64])).await.unwrap();
        assert_eq!(writer.commit().await.unwrap_err().kind(), ErrorKind::Corrupt);
    });
}
