//! Changes computed from values that others have changed meanwhile: none is lost unseen.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use tempfile::TempDir;
use tenrow::engine::Premise;
use tenrow::{
    Attribute, Columns, CompactOptions, DType, Dataset, ErrorKind, Schema, SchemaChange, Snapshot,
    WriteOptions,
};
use tenrow_tests::{block_on, place};

const X: [&str; 1] = ["x"];
const NOTHING: [&str; 0] = [];

/// Two partitions of two rows: x is 0, 1, 2, 3, and y is 9.
async fn dataset() -> (TempDir, Dataset) {
    let folder = place::folder();
    let schema = ["x:i64", "y:i64"].map(|text| Attribute::parse(text).unwrap());
    let location = place::location(folder.path().join("ds"));
    let dataset = Dataset::create(&location, Schema::new(schema).unwrap()).await.unwrap();
    append(&dataset, &[0, 1]).await;
    append(&dataset, &[2, 3]).await;
    (folder, dataset)
}

fn rows(x: &[i64]) -> Columns {
    let columns = Columns::new().scalars("x", x);
    columns.scalars("y", vec![9i64; x.len()])
}

async fn append(dataset: &Dataset, x: &[i64]) -> Snapshot {
    let mut writer = dataset.writer().await.unwrap();
    writer.append_columns(rows(x)).await.unwrap();
    writer.commit().await.unwrap()
}

fn values(name: &str, values: &[i64]) -> RecordBatch {
    let values: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
    RecordBatch::try_from_iter([(name, values)]).unwrap()
}

async fn column(snapshot: &Snapshot, name: &str) -> Vec<i64> {
    let all = snapshot.slice(0..snapshot.row_count()).await.unwrap();
    all.column_by_name(name).unwrap().as_primitive::<Int64Type>().values().to_vec()
}

fn is_conflict<T: std::fmt::Debug>(result: tenrow::Result<T>, winner: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().starts_with(winner), "{error}");
}

/// Of two programs that counted on from the same value one count was lost, and both were told that all went well.
#[test]
fn a_value_computed_from_one_that_was_changed_meanwhile_is_a_conflict() {
    block_on(async {
        let (_folder, dataset) = dataset().await;
        let seen = dataset.latest().await.unwrap();
        dataset.update(&seen, &[1], &values("x", &[2])).await.unwrap();

        is_conflict(dataset.update(&seen, &[1], &values("x", &[2])).await, "version 4 (update) ");

        assert_eq!(column(&dataset.latest().await.unwrap(), "x").await, [0, 2, 2, 3]);
    });
}

#[test]
fn what_leaves_the_values_as_they_were_is_no_conflict() {
    block_on(async {
        let (_folder, dataset) = dataset().await;
        let seen = dataset.latest().await.unwrap();
        // Another row of the same partition, and another attribute of the same row.
        dataset.update(&seen, &[0], &values("x", &[7])).await.unwrap();
        dataset.update(&seen, &[1], &values("y", &[8])).await.unwrap();
        dataset.compact(CompactOptions::default()).await.unwrap();
        append(&dataset, &[4]).await;
        let rename = SchemaChange::Rename { from: "x".into(), to: "z".into() };
        dataset.change_schema(rename).await.unwrap();
        dataset.delete_ids(&[2]).await.unwrap();

        let snapshot = dataset.update(&seen, &[1, 2], &values("x", &[5, 6])).await.unwrap();

        assert_eq!(column(&snapshot, "z").await, [7, 5, 3, 4]);
        assert_eq!(column(&snapshot, "y").await, [9, 8, 9, 9]);
    });
}

#[test]
fn values_that_depend_on_nothing_read_replace_whatever_is_there() {
    block_on(async {
        let (_folder, dataset) = dataset().await;
        let seen = dataset.latest().await.unwrap();
        dataset.update_ids(&[1], &values("x", &[7])).await.unwrap();
        dataset.update_ids(&[1], &values("x", &[8])).await.unwrap();

        let premise = Premise::changed_rows(&seen, NOTHING).unwrap();
        let snapshot = dataset.update_on(&premise, &[1], &values("x", &[9])).await.unwrap();

        assert_eq!(column(&snapshot, "x").await, [0, 9, 2, 3]);
    });
}

#[test]
fn what_was_computed_from_an_attribute_that_is_gone_or_wider_is_a_conflict() {
    block_on(async {
        let (_folder, dataset) = dataset().await;
        let seen = dataset.latest().await.unwrap();
        dataset.change_schema(SchemaChange::Drop("x".into())).await.unwrap();
        let premise = Premise::changed_rows(&seen, X).unwrap();
        let update = dataset.update_on(&premise, &[0], &values("y", &[1])).await;
        is_conflict(update, "version 4 (");
    });
}

/// A choice among all rows is overtaken by new values in any of them, and not by new rows; what is computed from all
/// of them by both.
#[test]
fn choices_and_sums_are_conflicts_where_they_would_come_out_otherwise() {
    block_on(async {
        let (_folder, dataset) = dataset().await;
        let seen = dataset.latest().await.unwrap();
        let each = Premise::each_row(&seen, X).unwrap();
        let all = Premise::all_rows(&seen, X).unwrap();
        append(&dataset, &[4]).await;
        assert_eq!(dataset.delete_on(&each, &[3]).await.unwrap().deleted_rows, 1);
        is_conflict(dataset.delete_on(&all, &[2]).await, "version 4 (append) ");
        let mut writer = dataset.writer().await.unwrap().with_premise(all.clone());
        writer.append_columns(rows(&[6])).await.unwrap();
        is_conflict(writer.commit().await, "version 4 (append) ");
        let overwriter = dataset.overwriter(None, WriteOptions::default()).await.unwrap();
        is_conflict(overwriter.with_premise(all).commit().await, "version 4 (append) ");
        // Of an attribute that neither looked at.
        dataset.update_ids(&[0], &values("y", &[1])).await.unwrap();
        assert_eq!(dataset.delete_on(&each, &[1]).await.unwrap().deleted_rows, 1);
        dataset.update_ids(&[0], &values("x", &[1])).await.unwrap();
        is_conflict(dataset.delete_on(&each, &[2]).await, "version 8 (update) ");
        let nothing = Premise::each_row(&seen, NOTHING).unwrap();
        let report = dataset.delete_on(&nothing, &[2]).await.unwrap();
        assert_eq!(column(&report.snapshot, "x").await, [1, 4]);
    });
}

/// Leaves are other objects once they are merged, and hold the same partitions.
#[test]
fn small_leaves_that_are_made_one_are_the_same_rows() {
    block_on(async {
        let (_folder, dataset) = dataset().await;
        for x in 4..40 {
            append(&dataset, &[x]).await;
        }
        let seen = dataset.latest().await.unwrap();
        for x in 40..60 {
            append(&dataset, &[x]).await;
        }
        let each = Premise::each_row(&seen, X).unwrap();
        assert_eq!(dataset.delete_on(&each, &[3]).await.unwrap().deleted_rows, 1);
    });
}

/// An update of a widened attribute left the bounds that the partition had for the narrower form.
#[test]
fn statistics_of_values_that_count_no_more_are_gone() {
    block_on(async {
        let folder = place::folder();
        let schema = Schema::new([Attribute::parse("x:i32").unwrap()]).unwrap();
        let location = place::location(folder.path().join("ds"));
        let dataset = Dataset::create(&location, schema).await.unwrap();
        let mut writer = dataset.writer().await.unwrap();
        writer.append_columns(Columns::new().scalars("x", [1i32, 2])).await.unwrap();
        writer.commit().await.unwrap();
        let widen = SchemaChange::Widen { name: "x".into(), dtype: DType::I64 };
        dataset.change_schema(widen).await.unwrap();
        let snapshot = dataset.update_ids(&[0], &values("x", &[1 << 40])).await.unwrap();
        let id = snapshot.attribute("x").unwrap().id;
        let partition = snapshot.partition_entries().await.unwrap().remove(0);
        let bounds: Vec<_> =
            partition.statistics.iter().map(|s| (s.field, s.max.clone())).collect();
        assert_eq!(bounds, [(id, Some((1i64 << 40).into()))]);
    });
}

/// Parquet's writer cuts long texts, and what it had cut passed for a value.
#[test]
fn bounds_that_were_cut_are_not_called_exact() {
    block_on(async {
        let folder = place::folder();
        let schema = Schema::new([Attribute::parse("t:string").unwrap()]).unwrap();
        let location = place::location(folder.path().join("ds"));
        let dataset = Dataset::create(&location, schema).await.unwrap();
        for (length, exact) in [(60, true), (64, true), (65, false), (100, false)] {
            let text = "x".repeat(length);
            let mut writer = dataset.writer().await.unwrap();
            writer
                .append_columns(Columns::new().strings("t", [Some(text.as_str())]))
                .await
                .unwrap();
            let snapshot = writer.commit().await.unwrap();
            let partition = snapshot.partition_entries().await.unwrap().pop().unwrap();
            assert_eq!(partition.statistics[0].exact, exact, "{length}");
        }
    });
}
