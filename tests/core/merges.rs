//! Rows that come from another dataset mean what they meant there: what its root said of them comes along.

use std::path::Path;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use tenrow::{Attribute, Columns, CompactOptions, DType, Dataset, Schema, SchemaChange, Snapshot};
use tenrow_tests::{block_on, place};

use super::stock::{add, verified};

/// A dataset with one row of `x`, older than the attributes that are added to it then.
async fn dataset_with(folder: &Path, added: &[Attribute]) -> Dataset {
    let schema = Schema::new([Attribute::parse("x:i64").unwrap()]).unwrap();
    let dataset = Dataset::create(&place::location(folder), schema).await.unwrap();
    let mut writer = dataset.writer().await.unwrap();
    writer.append_columns(Columns::new().scalars("x", [1i64])).await.unwrap();
    writer.commit().await.unwrap();
    for attribute in added {
        dataset.change_schema(SchemaChange::Add(attribute.clone())).await.unwrap();
    }
    dataset
}

fn split(default: &str) -> Attribute {
    Attribute::parse("split:string").unwrap().with_default(default)
}

/// The texts of `split`; `None` of null.
async fn splits(snapshot: &Snapshot) -> Vec<Option<String>> {
    let rows = snapshot.slice(0..snapshot.row_count()).await.unwrap();
    let texts = rows.column_by_name("split").unwrap().as_string::<i32>();
    texts.iter().map(|text| text.map(str::to_owned)).collect()
}

async fn merged(receiver: &Dataset, origin: &Dataset) -> Snapshot {
    receiver.merge(origin, &origin.latest().await.unwrap()).await.unwrap()
}

/// Merged rows took the default of the receiver for theirs.
#[test]
fn rows_keep_the_default_that_they_had_where_they_came_from() {
    block_on(async {
        let folder = place::folder();
        let a = dataset_with(&folder.path().join("a"), &[split("train")]).await;
        let b = dataset_with(&folder.path().join("b"), &[split("test")]).await;
        let rows = merged(&b, &a).await;
        let expected = [Some("test".to_owned()), Some("train".to_owned())];
        assert_eq!(splits(&rows).await, expected);
        let compacted = b.compact(CompactOptions::default()).await.unwrap().snapshot;
        assert_eq!(splits(&compacted).await, expected);
        verified(&b).await;
        // The same default needs no file.
        let same = dataset_with(&folder.path().join("c"), &[split("train")]).await;
        let rows = merged(&same, &a).await;
        assert!(rows.partition_entries().await.unwrap().iter().all(|p| p.files.len() == 1));
    });
}

/// A null became the receiver's default, and a default could not be read where the receiver has none.
#[test]
fn nulls_stay_null_and_defaults_reach_attributes_that_have_none() {
    block_on(async {
        let folder = place::folder();
        let nullable = Attribute::parse("split:string?").unwrap();
        let a = dataset_with(&folder.path().join("a"), std::slice::from_ref(&nullable)).await;
        let b = dataset_with(&folder.path().join("b"), &[nullable.with_default("test")]).await;
        assert_eq!(splits(&merged(&b, &a).await).await, [Some("test".to_owned()), None]);
        verified(&b).await;

        let schema = Schema::new([
            Attribute::parse("split:string").unwrap(),
            Attribute::parse("x:i64").unwrap(),
        ]);
        let place = place::location(folder.path().join("d"));
        let d = Dataset::create(&place, schema.unwrap()).await.unwrap();
        let c = dataset_with(&folder.path().join("c"), &[split("train")]).await;
        assert_eq!(splits(&merged(&d, &c).await).await, [Some("train".to_owned())]);
        verified(&d).await;
    });
}

/// The default is that of the form which the rows have there, also if the receiver has gone on to a wider one.
#[test]
fn a_default_comes_along_in_the_form_that_it_had() {
    block_on(async {
        let folder = place::folder();
        let y = |default: i32| Attribute::parse("y:i16").unwrap().with_default(default);
        let a = dataset_with(&folder.path().join("a"), &[y(5)]).await;
        let b = dataset_with(&folder.path().join("b"), &[y(7)]).await;
        let widen = SchemaChange::Widen { name: "y".into(), dtype: DType::I64 };
        b.change_schema(widen).await.unwrap();
        b.change_schema(add("z:i64?")).await.unwrap();
        let rows = merged(&b, &a).await;
        let rows = rows.slice(0..2).await.unwrap();
        let y = rows.column_by_name("y").unwrap();
        let values = y.as_primitive::<arrow_array::types::Int64Type>().values();
        assert_eq!(values[..], [7, 5]);
        assert_eq!(rows.column_by_name("z").unwrap().null_count(), 2);
        verified(&b).await;
    });
}
