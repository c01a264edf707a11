//! How many reads things cost: counts do not depend on the machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use tenrow::storage::Counters;
use tenrow::{Attribute, Columns, DType, Dataset, FileValue, Schema, WriteOptions};
use tenrow_tests::{block_on, pattern, place};

fn schema(texts: &[&str]) -> Schema {
    Schema::new(texts.iter().map(|text| Attribute::parse(text).unwrap())).unwrap()
}

/// A dataset of a local folder, read in ranges: every read counts.
fn unmapped(folder: &Path) -> Dataset {
    Dataset::at(place::counted(folder))
}

/// What was read between two counts: reads, and bytes.
fn between(before: Counters, after: Counters) -> (u64, u64) {
    (after.reads - before.reads, after.bytes_read - before.bytes_read)
}

#[test]
fn opening_a_thousand_partitions_is_at_most_three_reads() {
    block_on(async {
        let folder = place::folder();
        let dataset = unmapped(folder.path());
        dataset.create_here(schema(&["x:i64"]), &Default::default()).await.unwrap();
        let options = WriteOptions::default().with_row_group_bytes(8).with_partition_bytes(1);
        let mut writer = dataset.writer_with(options).await.unwrap();
        let rows: Vec<i64> = (0..1000).collect();
        writer.append_columns(Columns::new().scalars("x", &rows)).await.unwrap();
        writer.commit().await.unwrap();

        let reader = unmapped(folder.path());
        let snapshot = reader.latest().await.unwrap();

        assert_eq!(snapshot.partition_count(), 1000);
        assert_eq!(snapshot.row_count(), 1000);
        assert!(reader.storage().counters().reads <= 3, "{:?}", reader.storage().counters());
    });
}

/// Who passes over all partitions reads each leaf once, and what is kept already not at all.
#[test]
fn all_partitions_are_a_read_for_each_leaf() {
    block_on(async {
        let folder = place::folder();
        let dataset = unmapped(folder.path());
        dataset.create_here(schema(&["x:i64"]), &Default::default()).await.unwrap();
        for value in 0..5i64 {
            let mut writer = dataset.writer().await.unwrap();
            writer.append_columns(Columns::new().scalars("x", [value])).await.unwrap();
            writer.commit().await.unwrap();
        }
        let reader = unmapped(folder.path());
        let snapshot = reader.latest().await.unwrap();
        assert_eq!(snapshot.root().leaves.len(), 5);
        let mut counts = Vec::new();
        let mut last = reader.storage().counters();
        for keeps in [false, false, true, true, false] {
            match keeps {
                true => assert_eq!(snapshot.partition_entries().await.unwrap().len(), 5),
                false => assert_eq!(snapshot.unfilled_rows("x").await.unwrap(), 0),
            }
            let now = reader.storage().counters();
            counts.push(between(last, now).0);
            last = now;
        }
        assert_eq!(counts, [5, 5, 5, 0, 0]);
    });
}

#[test]
fn a_row_of_a_raw_attribute_is_one_read_of_exactly_its_bytes() {
    for nulls in [false, true] {
        for dtype in DType::ALL.into_iter().filter(|dtype| *dtype != DType::Bool) {
            block_on(one_row_is_one_read(dtype, nulls));
        }
    }
}

async fn one_row_is_one_read(dtype: DType, nulls: bool) {
    // Row groups with fewer elements keep 16-bit numbers as 32-bit ones: their dictionary is large.
    const GROUP_ROWS: u64 = 2000;
    const ROWS: u64 = 4000;
    const N: u64 = 96;
    let folder = place::folder();
    let dataset = unmapped(folder.path());
    let mark = if nulls { "?" } else { "" };
    let schema = schema(&[&format!("x:{dtype}[{N}]{mark}"), "name:string?"]);
    dataset.create_here(schema, &Default::default()).await.unwrap();
    let group = GROUP_ROWS * (N * dtype.item_bytes().unwrap() + 14);
    let options = WriteOptions::default().with_row_group_bytes(group);
    let mut writer = dataset.writer_with(options).await.unwrap();
    let columns = Columns::new()
        .array("x", pattern::tensors(dtype, N, 0..ROWS, nulls))
        .array("name", pattern::names(0..ROWS));
    writer.append_columns(columns).await.unwrap();
    writer.commit().await.unwrap();
    let reader = unmapped(folder.path());
    let column = reader.latest().await.unwrap().tensor_column("x").unwrap();
    let size = N * dtype.item_bytes().unwrap();

    column.get(0).await.unwrap();
    for row in [1, 0, 7, 3999, 2401, 3110] {
        let before = reader.storage().counters();
        let tensor = column.get(row).await.unwrap().unwrap();
        let read = between(before, reader.storage().counters());

        let bits = (row * N..(row + 1) * N).map(|k| pattern::bits(dtype, k));
        let expected: Vec<u8> = bits
            .flat_map(|bits| bits.to_le_bytes().into_iter().take((size / N) as usize))
            .collect();
        assert_eq!(tensor.bytes(), &expected, "{dtype} row {row}");
        assert_eq!(read, (1, size), "{dtype}, nulls: {nulls}, row {row}");
    }
    if nulls {
        let before = reader.storage().counters();
        assert!(column.get(3).await.unwrap().is_none());
        assert_eq!(between(before, reader.storage().counters()), (0, 0), "a null row");
    }
}

#[test]
fn the_first_row_costs_one_read_more_for_its_leaf() {
    block_on(async {
        let folder = place::folder();
        let dataset = unmapped(folder.path());
        dataset.create_here(schema(&["x:f32[8]"]), &Default::default()).await.unwrap();
        let mut writer = dataset.writer().await.unwrap();
        let columns = Columns::new().array("x", pattern::tensors(DType::F32, 8, 0..100, false));
        writer.append_columns(columns).await.unwrap();
        writer.commit().await.unwrap();
        let reader = unmapped(folder.path());
        let column = reader.latest().await.unwrap().tensor_column("x").unwrap();

        let before = reader.storage().counters();
        column.get(50).await.unwrap();

        assert_eq!(between(before, reader.storage().counters()).0, 2);
    });
}

#[test]
fn a_random_inline_file_is_one_read_once_its_footer_is_known() {
    block_on(async {
        let folder = place::folder();
        let dataset = unmapped(folder.path());
        dataset.create_here(schema(&["photo:file?"]), &Default::default()).await.unwrap();
        let mut writer = dataset.writer().await.unwrap();
        let bytes = |row: usize| vec![row as u8; 20_000 + row];
        let files: Vec<_> = (0..50)
            .map(|row| (row % 7 != 3).then(|| FileValue::new(format!("{row}"), bytes(row))))
            .collect();
        writer.append_columns(Columns::new().files("photo", &files)).await.unwrap();
        writer.commit().await.unwrap();
        let reader = unmapped(folder.path());
        let column = reader.latest().await.unwrap().file_column("photo").unwrap();
        column.bytes(0).await.unwrap();

        for row in [41usize, 1, 20, 49] {
            let before = reader.storage().counters();
            let found = column.bytes(row as u64).await.unwrap().unwrap();
            let (reads, read_bytes) = between(before, reader.storage().counters());

            assert_eq!(found, bytes(row));
            assert_eq!(reads, 1, "row {row}");
            assert!(read_bytes < found.len() as u64 + 200, "row {row}: {read_bytes} bytes");
        }
    });
}

#[test]
fn appending_never_touches_older_files() {
    block_on(async {
        let folder = place::folder();
        let dataset = unmapped(folder.path());
        dataset.create_here(schema(&["x:f32[8]"]), &Default::default()).await.unwrap();
        let mut before = BTreeMap::new();
        for part in 0..4u64 {
            let mut writer = dataset.writer().await.unwrap();
            let rows = part * 10..part * 10 + 10;
            let columns = Columns::new().array("x", pattern::tensors(DType::F32, 8, rows, false));
            writer.append_columns(columns).await.unwrap();
            writer.commit().await.unwrap();

            let after = times(folder.path());
            for (name, written) in &before {
                assert_eq!(after.get(name), Some(written), "{name}");
            }
            before = after;
        }
    });
}

/// When each file was written last, but for the advisory note of the newest version.
fn times(folder: &Path) -> BTreeMap<String, (SystemTime, u64)> {
    let files = tenrow_tests::folder::files_of(folder).into_keys();
    let files = files.filter(|name| name != "_tenrow/latest");
    files
        .map(|name| {
            let metadata = std::fs::metadata(folder.join(&name)).unwrap();
            (name, (metadata.modified().unwrap(), metadata.len()))
        })
        .collect()
}
