//! Attributes that are added with their values: gone on with after a failure, or taken back.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use tenrow::{Attribute, ColumnFill, Dataset, Error, ErrorKind, NewColumn, Result, Snapshot};
use tenrow_tests::{block_on, place, zoo};

use super::stock::{add, verified, zoo_of};

fn double(batch: &RecordBatch) -> Result<ArrayRef> {
    let labels = batch.column(0).as_primitive::<Int64Type>();
    let doubled: Int64Array = labels.unary(|label| label.wrapping_mul(2));
    Ok(Arc::new(doubled))
}

/// Fails after so many partitions.
fn double_until(mut left: usize) -> impl FnMut(&RecordBatch) -> Result<ArrayRef> + Send {
    move |batch| {
        left = left.checked_sub(1).ok_or_else(|| Error::invalid("enough"))?;
        double(batch)
    }
}

fn of_label() -> ColumnFill {
    ColumnFill::new("double", ["label"]).with_commit_partitions(2)
}

async fn doubled(dataset: &Dataset) -> NewColumn {
    dataset.add_column(Attribute::parse("double:i64").unwrap()).await.unwrap()
}

async fn names(dataset: &Dataset) -> usize {
    dataset.latest().await.unwrap().schema().attributes().len()
}

fn ones(count: usize) -> ArrayRef {
    Arc::new(Int64Array::from(vec![1; count]))
}

async fn labels_doubled(snapshot: &Snapshot) -> bool {
    let rows = snapshot.slice(0..snapshot.row_count()).await.unwrap();
    let column = |name| rows.column_by_name(name).unwrap().as_primitive::<Int64Type>().clone();
    let (labels, doubled) = (column("label"), column("double"));
    (0..rows.num_rows()).all(|row| doubled.value(row) == labels.value(row).wrapping_mul(2))
}

#[test]
fn a_column_that_failed_before_its_first_commit_is_taken_back() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 5).await;
        let before = names(&dataset).await;
        let failed = doubled(&dataset).await.fill(&of_label(), double_until(1)).await;
        assert_eq!(failed.unwrap_err().to_string(), "enough");
        assert_eq!(names(&dataset).await, before);
        let of_another = ColumnFill::new("other", ["label"]);
        let failed = doubled(&dataset).await.fill(&of_another, double).await;
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::InvalidInput);
        let latest = dataset.latest().await.unwrap();
        let failed = doubled(&dataset).await.set(&latest, ones(3)).await;
        assert!(failed.unwrap_err().to_string().contains("3 rows of values for 50 rows"));
        assert_eq!(names(&dataset).await, before);
        verified(&dataset).await;
    });
}

#[test]
fn a_column_that_was_computed_in_part_is_gone_on_with() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 5).await;
        let column = doubled(&dataset).await;
        assert!(column.attribute().nullable, "others may append rows without it");
        column.fill(&of_label(), double_until(3)).await.unwrap_err();
        let some = dataset.latest().await.unwrap();
        assert_eq!(some.unfilled_rows("double").await.unwrap(), 30);
        let again = doubled(&dataset).await;
        assert_eq!(again.attribute().id, column.attribute().id);
        // One that was there before stays, whatever becomes of this.
        again.fill(&of_label(), double_until(0)).await.unwrap_err();
        again.take_back().await.unwrap();
        let report = again.fill(&of_label(), double).await.unwrap();
        assert_eq!(report.rows, 30);
        assert!(labels_doubled(&report.snapshot).await);
        let refused = dataset.add_column(Attribute::parse("double:i64").unwrap()).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput, "it has all its values");
        verified(&dataset).await;
    });
}

#[test]
fn a_column_that_was_declared_and_then_left_is_gone_on_with() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 2).await;
        drop(doubled(&dataset).await);
        let other = dataset.add_column(Attribute::parse("double:f32").unwrap()).await;
        assert_eq!(other.unwrap_err().kind(), ErrorKind::InvalidInput, "it has another type");
        // It was there before, so it stays when this fails.
        let before = names(&dataset).await;
        doubled(&dataset).await.fill(&of_label(), double_until(0)).await.unwrap_err();
        assert_eq!(names(&dataset).await, before);
        let latest = dataset.latest().await.unwrap();
        let set = doubled(&dataset).await.set(&latest, ones(20)).await.unwrap();
        assert_eq!(set.unfilled_rows("double").await.unwrap(), 0);
        verified(&dataset).await;
    });
}

/// Who gives up a fill by dropping it takes the attribute back: so Ctrl-C leaves none without values.
#[test]
fn what_was_given_up_is_taken_back_unless_a_row_has_a_value() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 2).await;
        let before = names(&dataset).await;
        let column = doubled(&dataset).await;
        assert_eq!(names(&dataset).await, before + 1);
        column.take_back().await.unwrap();
        assert_eq!(names(&dataset).await, before);
        column.take_back().await.unwrap();
        let column = doubled(&dataset).await;
        let mut writer = dataset.writer().await.unwrap();
        let rows = zoo::batch(20..21);
        let mut columns = rows.columns().to_vec();
        columns.push(ones(1));
        let schema = dataset.latest().await.unwrap().schema().arrow_schema();
        writer.append(&RecordBatch::try_new(schema, columns).unwrap()).await.unwrap();
        writer.commit().await.unwrap();
        column.take_back().await.unwrap();
        assert_eq!(names(&dataset).await, before + 1, "the row of another has a value");
        // Of the same name, but not the same.
        dataset.change_schema(tenrow::SchemaChange::Drop("double".into())).await.unwrap();
        dataset.change_schema(add("double:i64?")).await.unwrap();
        column.take_back().await.unwrap();
        assert_eq!(names(&dataset).await, before + 1);
    });
}

/// Two attributes of one name were said to clash, which said neither what was there nor what to do.
#[test]
fn an_attribute_that_is_there_with_all_its_values_or_another_type_says_so() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 1).await;
        for (text, told) in [
            ("label:f32", "is there already, of type i64 and not f32"),
            ("label:i64", "is there already, and no row lacks a value of it"),
        ] {
            let error = dataset.add_column(Attribute::parse(text).unwrap()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(told), "{error}");
        }
    });
}
