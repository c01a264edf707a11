//! A golden dataset whose schema has changed, whose rows were deleted and updated, and a clone of it beside it.
//!
//! `cargo test --test core write_golden_changes -- --ignored` writes it if it is not there yet.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int64Type};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use tenrow::engine::{Clock, Ids};
use tenrow::storage::Storage;
use tenrow::{
    Attribute, ColumnFill, CompactOptions, DType, Dataset, FileValue, Schema, SchemaChange,
    Snapshot, VerifyOptions, Version, WriteOptions,
};
use tenrow_tests::{block_on, pattern};

const CREATED_MS: i64 = 1_790_000_000_000;

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/v1/changes").join(name)
}

fn dataset(name: &str, seed: u64) -> Dataset {
    let storage = Storage::local(place(name), Ids::seeded(seed + 1));
    Dataset::at(storage).with_ids(Ids::seeded(seed)).with_clock(Clock::fixed(CREATED_MS))
}

fn small(row: u64) -> i8 {
    (row as i8).wrapping_mul(37)
}

fn photo(row: u64) -> FileValue {
    FileValue::new(
        format!("{row}.bin"),
        vec![row as u8; if row.is_multiple_of(4) { 200 } else { 20 }],
    )
}

/// Ten rows as they were before anything changed.
fn old_rows(rows: std::ops::Range<u64>) -> RecordBatch {
    let values: Vec<i8> = rows.clone().map(small).collect();
    let names: Vec<String> = rows.clone().map(|row| format!("row {row}")).collect();
    let photos: Vec<_> = rows.clone().map(|row| Some(photo(row))).collect();
    tenrow::Columns::new()
        .scalars("small", &values)
        .array("pixels", pattern::tensors(DType::U8, 4, rows, false))
        .strings("name", names.iter().map(|name| Some(name.as_str())))
        .files("photo", &photos)
        .into_batch()
        .unwrap()
}

async fn append(dataset: &Dataset, batch: &RecordBatch) {
    let options = WriteOptions::default().with_inline_file_bytes(100);
    let mut writer = dataset.writer_with(options).await.unwrap();
    writer.append(batch).await.unwrap();
    writer.commit().await.unwrap();
}

async fn write() {
    let texts = ["small:i8", "pixels:u8[2,2]", "name:string", "photo:file?"];
    let schema = Schema::new(texts.map(|text| Attribute::parse(text).unwrap())).unwrap();
    let source = dataset("source", 1);
    source.create_here(schema, &Default::default()).await.unwrap();
    for first in [0, 10, 20, 30] {
        append(&source, &old_rows(first..first + 10)).await;
    }
    let changes = [
        SchemaChange::Widen { name: "small".into(), dtype: DType::I64 },
        SchemaChange::MakeNullable("name".into()),
        SchemaChange::Rename { from: "name".into(), to: "title".into() },
        SchemaChange::Add(Attribute::parse("split:string").unwrap().with_default("train")),
        SchemaChange::Add(Attribute::parse("double:i64?").unwrap()),
        SchemaChange::NameDims { name: "pixels".into(), dim_names: vec!["y".into(), "x".into()] },
    ];
    for change in changes {
        source.change_schema(change).await.unwrap();
    }
    source.fill_column(&ColumnFill::new("double", ["small"]), doubled).await.unwrap();
    source.delete_ids(&[3, 15, 16, 39]).await.unwrap();
    let titles: ArrayRef = Arc::new(StringArray::from(vec![None, Some("new")]));
    let values = RecordBatch::try_from_iter_with_nullable([("title", titles, true)]).unwrap();
    source.update_ids(&[20, 21], &values).await.unwrap();
    source.tag("changed", Version(11)).await.unwrap();
    let properties = [("golden".to_owned(), "changes".into())];
    source.set_properties(properties).await.unwrap();

    let clone_place = place("clone").display().to_string();
    let newest = source.latest().await.unwrap();
    source.clone_to(&clone_place, newest.version()).await.unwrap();
    let clone = dataset("clone", 100);
    clone.delete_ids(&[0]).await.unwrap();
    clone.compact(CompactOptions::default()).await.unwrap();
}

fn doubled(batch: &RecordBatch) -> tenrow::Result<ArrayRef> {
    let values = batch.column(0).as_primitive::<Int64Type>();
    Ok(Arc::new(values.iter().map(|v| v.map(|v| v * 2)).collect::<Int64Array>()))
}

/// The snapshot holds the rows of these ids, changed as above.
async fn assert_holds(snapshot: &Snapshot, ids: &[u64]) {
    let rows: Vec<u64> = (0..snapshot.row_count()).collect();
    assert_eq!(snapshot.row_ids(&rows).await.unwrap(), ids);
    let all = snapshot.slice(0..snapshot.row_count()).await.unwrap();
    let number = |name: &str| all.column_by_name(name).unwrap().as_primitive::<Int64Type>().clone();
    let text = |name: &str| all.column_by_name(name).unwrap().as_string::<i32>().clone();
    let (small_column, double) = (number("small"), number("double"));
    let (titles, splits) = (text("title"), text("split"));
    let photos = snapshot.file_column("photo").unwrap();
    let pixels = snapshot.tensor_column("pixels").unwrap();
    for (row, &id) in ids.iter().enumerate() {
        assert_eq!(small_column.value(row), i64::from(small(id)), "small of id {id}");
        assert_eq!(double.value(row), 2 * i64::from(small(id)), "double of id {id}");
        assert_eq!(splits.value(row), "train");
        let title = titles.iter().nth(row).unwrap().map(str::to_owned);
        let expected = match id {
            20 => None,
            21 => Some("new".to_owned()),
            id => Some(format!("row {id}")),
        };
        assert_eq!(title, expected, "title of id {id}");
        assert_eq!(photos.bytes(row as u64).await.unwrap(), photo(id).bytes);
        let expected = pattern::tensors(DType::U8, 4, id..id + 1, false);
        let expected = expected.as_fixed_size_list().values().to_data().buffers()[0].clone();
        let found = pixels.get(row as u64).await.unwrap().unwrap();
        assert_eq!(found.bytes()[..], expected[..4]);
    }
}

#[test]
fn a_dataset_with_changes_of_every_kind_reads_back() {
    block_on(async {
        let source = Dataset::open(&place("source").display().to_string()).await.unwrap();
        let ids: Vec<u64> = (0..40).filter(|id| ![3, 15, 16, 39].contains(id)).collect();
        let newest = source.latest().await.unwrap();
        assert_eq!(newest.properties()["golden"], "changes");
        assert_holds(&newest, &ids).await;
        let tagged = source.tagged("changed").await.unwrap();
        assert_eq!((tagged.version(), tagged.row_count()), (Version(11), 40));
        let first = source.version(Version(2)).await.unwrap().slice(0..10).await.unwrap();
        let values = first.column_by_name("small").unwrap().as_primitive::<Int8Type>();
        assert_eq!(values.values()[..], (0..10).map(small).collect::<Vec<_>>());
        assert_eq!(source.clones().await.unwrap()[0].version, newest.version());
        let clone = Dataset::open(&place("clone").display().to_string()).await.unwrap();
        assert_holds(&clone.latest().await.unwrap(), &ids[1..]).await;
        let begun = clone.version(newest.version()).await.unwrap();
        assert_holds(&begun, &ids).await;
        for dataset in [source, clone] {
            let full = VerifyOptions { full: true, ..VerifyOptions::default() };
            let report = dataset.verify(full).await.unwrap();
            assert!(report.faults.is_empty(), "{:?}", report.faults);
        }
    });
}

#[test]
#[ignore = "writes into the repository; run it to add a golden dataset"]
fn write_golden_changes() {
    if !place("source").exists() {
        block_on(write());
    }
}
