//! Answers are the same whatever manifests and footers know of values: what is deleted, replaced, cut, NaN or of another
//! dataset. Each is asked with statistics and without.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use tenrow::{Columns, CompactOptions, DType, Dataset, SchemaChange, WriteOptions};
use tenrow_sql::{Session, SessionOptions};
use tenrow_tests::place;

use crate::data::create_with;
use crate::db::ask;

async fn commit(dataset: &Dataset, columns: Columns) {
    let mut writer = dataset.writer().await.unwrap();
    writer.append_columns(columns).await.unwrap();
    writer.commit().await.unwrap();
}

async fn floats(folder: &Path, parts: &[&[f64]]) -> Dataset {
    let dataset = create_with(folder, "d", &["x:f64"]).await;
    for part in parts {
        commit(&dataset, Columns::new().scalars("x", *part)).await;
    }
    dataset
}

/// Asks with statistics and without; in two ways of reading, of which one is that of the Parquet source.
async fn answers(folder: &Path, sql: &str, expected: &[&[&str]]) {
    for statistics in [true, false] {
        let options = SessionOptions::default()
            .with_root_storage("data", place::storage(folder))
            .with_statistics(statistics)
            .with_target_partitions(2);
        let session = Session::new(&options).unwrap();
        assert_eq!(ask(&session, sql).await, expected, "{sql}, statistics: {statistics}");
    }
}

#[tokio::test]
async fn bounds_of_long_texts_are_no_values() {
    let folder = place::folder();
    let dataset = create_with(folder.path(), "d", &["t:string"]).await;
    let texts = ["a", "b", "c"].map(|letter| letter.repeat(100));
    commit(&dataset, Columns::new().strings("t", texts.iter().map(|t| Some(t.as_str())))).await;
    let expected = [texts[0].as_str(), texts[2].as_str()];
    answers(folder.path(), "SELECT min(t), max(t) FROM d", &[&expected]).await;
    answers(folder.path(), "SELECT count(*) FROM d WHERE t > repeat('c', 99)", &[&["1"]]).await;
}

#[tokio::test]
async fn rows_that_are_deleted_count_for_no_bound_and_for_no_null() {
    let folder = place::folder();
    let dataset = create_with(folder.path(), "d", &["x:i64?", "t:string?"]).await;
    let x: ArrayRef = Arc::new(Int64Array::from(vec![None, None, Some(1), Some(2)]));
    let t = [Some("~"), Some("~"), Some("b"), None];
    commit(&dataset, Columns::new().array("x", x).strings("t", t)).await;
    dataset.delete_ids(&[0, 1]).await.unwrap();
    answers(folder.path(), "SELECT x FROM d WHERE x > 0 ORDER BY x", &[&["1"], &["2"]]).await;
    answers(folder.path(), "SELECT count(*) FROM d WHERE x IS NOT NULL", &[&["2"]]).await;
    answers(folder.path(), "SELECT count(x), count(t), count(*) FROM d", &[&["2", "1", "2"]]).await;
    answers(folder.path(), "SELECT min(x), max(x), max(t) FROM d", &[&["1", "2", "b"]]).await;
    dataset.delete_ids(&[2]).await.unwrap();
    answers(folder.path(), "SELECT min(x), max(x), count(t) FROM d", &[&["2", "2", "0"]]).await;
    dataset.compact(CompactOptions::default()).await.unwrap();
    answers(folder.path(), "SELECT min(x), max(x), count(t) FROM d", &[&["2", "2", "0"]]).await;
}

#[tokio::test]
async fn values_that_were_replaced_count_for_no_bound_in_whichever_form_they_were() {
    let folder = place::folder();
    let dataset = create_with(folder.path(), "d", &["x:i32", "y:i32"]).await;
    let columns = Columns::new().scalars("x", [1i32, 1000]);
    commit(&dataset, columns.scalars("y", [1i32, 2])).await;
    let widen = SchemaChange::Widen { name: "x".into(), dtype: DType::I64 };
    dataset.change_schema(widen).await.unwrap();
    answers(folder.path(), "SELECT max(x) FROM d", &[&["1000"]]).await;
    let new: ArrayRef = Arc::new(Int64Array::from(vec![5]));
    let new = RecordBatch::try_from_iter([("x", new)]).unwrap();
    dataset.update_ids(&[1], &new).await.unwrap();
    answers(folder.path(), "SELECT min(x), max(x), max(y) FROM d", &[&["1", "5", "2"]]).await;
    answers(folder.path(), "SELECT count(*) FROM d WHERE x > 900", &[&["0"]]).await;
    answers(folder.path(), "SELECT y FROM d WHERE x = 5", &[&["2"]]).await;
    let make = SchemaChange::MakeNullable("x".into());
    dataset.change_schema(make).await.unwrap();
    let none: ArrayRef = Arc::new(Int64Array::from(vec![None]));
    let none = RecordBatch::try_from_iter_with_nullable([("x", none, true)]).unwrap();
    dataset.update_ids(&[1], &none).await.unwrap();
    answers(folder.path(), "SELECT max(x), count(x) FROM d", &[&["1", "1"]]).await;
    answers(folder.path(), "SELECT y FROM d WHERE x IS NULL", &[&["2"]]).await;
}

#[tokio::test]
async fn rows_that_lack_an_attribute_have_its_default_or_none() {
    let folder = place::folder();
    let dataset = create_with(folder.path(), "d", &["x:i64"]).await;
    commit(&dataset, Columns::new().scalars("x", [1i64, 2])).await;
    let attribute = |text: &str| tenrow::Attribute::parse(text).unwrap();
    let negative_zero = attribute("z:f64").with_default(-0.0);
    for new in [attribute("d:i64").with_default(7), attribute("n:i64?"), negative_zero] {
        dataset.change_schema(SchemaChange::Add(new)).await.unwrap();
    }
    let n: ArrayRef = Arc::new(Int64Array::from(vec![3]));
    let columns = Columns::new().scalars("x", [3i64]).scalars("d", [1i64]);
    commit(&dataset, columns.array("n", n).scalars("z", [1.0])).await;
    dataset.delete_ids(&[0]).await.unwrap();
    let sql = "SELECT min(d), max(d), count(n), min(n), count(*) FROM d";
    answers(folder.path(), sql, &[&["1", "7", "1", "3", "2"]]).await;
    answers(folder.path(), "SELECT x FROM d WHERE d = 7", &[&["2"]]).await;
    answers(folder.path(), "SELECT x FROM d WHERE n IS NULL", &[&["2"]]).await;
    answers(folder.path(), "SELECT x FROM d WHERE z = 0", &[&["2"]]).await;
    dataset.delete_ids(&[1]).await.unwrap();
    answers(folder.path(), "SELECT max(d), count(n) FROM d", &[&["1", "1"]]).await;
}

/// A filter that the engine makes of what one aggregate has met left out what another was to meet.
#[tokio::test]
async fn bounds_over_files_of_nothing_but_nulls_are_those_of_the_others() {
    let folder = place::folder();
    let dataset = create_with(folder.path(), "d", &["u:i64", "k:i64?"]).await;
    for (u, k) in [(5i64, None), (9, Some(8)), (7, None)] {
        let k: ArrayRef = Arc::new(Int64Array::from(vec![k]));
        commit(&dataset, Columns::new().scalars("u", [u]).array("k", k)).await;
    }
    for _ in 0..15 {
        answers(folder.path(), "SELECT min(u), max(k) FROM d", &[&["5", "8"]]).await;
    }
}

/// A NaN with a sign, as processors make it of 0.0 / 0.0, was less than every number.
#[tokio::test]
async fn nan_is_one_and_more_than_every_number_whatever_its_sign() {
    let folder = place::folder();
    floats(folder.path(), &[&[-f64::NAN, 1.0, -1.0], &[f64::NAN, 3.0], &[4.0]]).await;
    let nan = "CAST('NaN' AS DOUBLE)";
    for (filter, count) in [
        ("x < 0", "1"),
        ("x > 3", "3"),
        ("x >= 4", "3"),
        ("x <> 1", "5"),
        ("x BETWEEN -1 AND 3", "3"),
        ("NOT x <= 3", "3"),
        ("-x > 0", "3"),
        ("x IN (1, 4)", "2"),
        (&format!("x = {nan}"), "2"),
        (&format!("x IN (3, {nan})"), "3"),
        (&format!("x <= {nan}"), "6"),
        (&format!("x < {nan}"), "4"),
        (&format!("x BETWEEN 3 AND {nan}"), "4"),
    ] {
        let sql = format!("SELECT count(*) FROM d WHERE {filter}");
        answers(folder.path(), &sql, &[&[count]]).await;
        // By tenrow's own reads: a tensor that all rows need comes with the rest.
        let sql =
            format!("SELECT count(*) FROM (SELECT x, _row FROM d WHERE _row < 9) WHERE {filter}");
        answers(folder.path(), &sql, &[&[count]]).await;
    }
    answers(folder.path(), "SELECT min(x), max(x) FROM d", &[&["-1.0", "NaN"]]).await;
    answers(folder.path(), "SELECT count(DISTINCT x) FROM d", &[&["5"]]).await;
    let sorted: [&[&str]; 6] = [&["-1.0"], &["1.0"], &["3.0"], &["4.0"], &["NaN"], &["NaN"]];
    answers(folder.path(), "SELECT x FROM d ORDER BY x", &sorted).await;
}

#[tokio::test]
async fn zero_is_one_whatever_its_sign() {
    let folder = place::folder();
    floats(folder.path(), &[&[-0.0, 0.0], &[-0.0], &[0.0], &[1.0]]).await;
    for (filter, count) in [("x = 0", "4"), ("x < 0", "0"), ("x >= 0", "5"), ("x IN (0)", "4")] {
        let sql = format!("SELECT count(*) FROM d WHERE {filter}");
        answers(folder.path(), &sql, &[&[count]]).await;
    }
    answers(
        folder.path(),
        "SELECT x, count(*) FROM d GROUP BY x ORDER BY x",
        &[&["0.0", "4"], &["1.0", "1"]],
    )
    .await;
    let joined = "SELECT count(*) FROM d a JOIN (VALUES (0e0)) v (y) ON a.x = v.y";
    answers(folder.path(), joined, &[&["4"]]).await;
}

/// The engine began groups with the largest finite numbers, and took whatever followed a NaN.
#[tokio::test]
async fn bounds_of_groups_are_infinite_or_nan_where_their_rows_are() {
    let folder = place::folder();
    let dataset = create_with(folder.path(), "d", &["k:i64", "x:f64", "y:f32"]).await;
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    let rows = [(1, -inf), (1, -inf), (2, inf), (3, nan), (3, 1.0), (4, 1.0), (4, nan), (5, -nan)];
    let x: Vec<f64> = rows.iter().map(|row| row.1).collect();
    let y: Vec<f32> = x.iter().map(|x| *x as f32).collect();
    let k: Vec<i64> = rows.iter().map(|row| row.0).collect();
    let columns = Columns::new().scalars("k", &k).scalars("x", &x);
    commit(&dataset, columns.scalars("y", &y)).await;
    let expected: [&[&str]; 5] = [
        &["1", "-inf", "-inf"],
        &["2", "inf", "inf"],
        &["3", "1.0", "NaN"],
        &["4", "1.0", "NaN"],
        &["5", "NaN", "NaN"],
    ];
    for column in ["x", "y"] {
        let sql = format!("SELECT k, min({column}), max({column}) FROM d GROUP BY k ORDER BY k");
        answers(folder.path(), &sql, &expected).await;
        let sql = format!(
            "SELECT count(*) FROM (SELECT max({column}) m FROM d GROUP BY {column}) WHERE m = CAST('-Infinity' AS DOUBLE)"
        );
        answers(folder.path(), &sql, &[&["1"]]).await;
    }
}

/// Ids in the files of another dataset are those of its schema: `k` and `z` were exchanged, filters found nothing, and
/// updates wrote wrong values.
#[tokio::test]
async fn an_id_means_nothing_outside_of_the_schema_that_gave_it() {
    let folder = place::folder();
    let a = create_with(folder.path(), "a", &["k:i64", "z:i64", "n:i64?"]).await;
    // `w` has the id of `k`, and `n` has none there.
    let b = create_with(folder.path(), "b", &["w:i64", "z:i64", "k:i64"]).await;
    let columns = |k: i64, z: i64| {
        let columns = Columns::new().scalars("k", [k]);
        columns.scalars("z", [z])
    };
    commit(&a, columns(1, 10).array("n", Arc::new(Int64Array::from(vec![5])))).await;
    commit(&b, columns(2, 20).scalars("w", [99i64])).await;
    a.merge(&b, &b.latest().await.unwrap()).await.unwrap();
    let folder = folder.path();
    let all: [&[&str]; 2] = [&["1", "10", "5"], &["2", "20", "NULL"]];
    answers(folder, "SELECT * FROM a ORDER BY _row", &all).await;
    answers(folder, "SELECT k, z, n FROM a ORDER BY k", &all).await;
    answers(folder, "SELECT z FROM a WHERE k = 2", &[&["20"]]).await;
    answers(folder, "SELECT k FROM a WHERE z > 15", &[&["2"]]).await;
    answers(folder, "SELECT _row_id, k FROM a WHERE z = 20 AND n IS NULL", &[&["1", "2"]]).await;
    answers(folder, "SELECT max(k), max(z), count(n) FROM a", &[&["2", "20", "1"]]).await;
    let session = crate::data::open(folder);
    ask(&session, "UPDATE a SET z = z + 1").await;
    let all: [&[&str]; 2] = [&["1", "11"], &["2", "21"]];
    answers(folder, "SELECT k, z FROM a ORDER BY k", &all).await;
    let rename = |from: &str, to: &str| SchemaChange::Rename { from: from.into(), to: to.into() };
    for (from, to) in [("k", "t"), ("z", "k"), ("t", "z")] {
        a.change_schema(rename(from, to)).await.unwrap();
    }
    let all: [&[&str]; 2] = [&["11", "1"], &["21", "2"]];
    answers(folder, "SELECT k, z FROM a ORDER BY k", &all).await;
}

/// Forms of an attribute that was widened in both datasets, and partitions by keys, of other ids.
#[tokio::test]
async fn keys_and_widened_attributes_of_another_dataset_are_what_they_are_there() {
    let folder = place::folder();
    let a = create_with(folder.path(), "a", &["x:i32", "k:string"]).await;
    let b = create_with(folder.path(), "b", &["k:string", "u:i64", "x:i32"]).await;
    for (dataset, x, key) in [(&a, 1i32, "a"), (&b, 2, "b")] {
        let options = WriteOptions::default().with_partition_by(["k"]);
        let mut writer = dataset.writer_with(options).await.unwrap();
        let x: ArrayRef = Arc::new(Int32Array::from(vec![x, x + 10]));
        let k: ArrayRef = Arc::new(StringArray::from(vec![key, key]));
        let columns = Columns::new().array("x", x).array("k", k);
        let columns = match key {
            "b" => columns.scalars("u", [7i64, 8]),
            _ => columns,
        };
        writer.append_columns(columns).await.unwrap();
        writer.commit().await.unwrap();
        let widen = SchemaChange::Widen { name: "x".into(), dtype: DType::F64 };
        dataset.change_schema(widen).await.unwrap();
    }
    let new: ArrayRef = Arc::new(Float64Array::from(vec![2.5]));
    let new = RecordBatch::try_from_iter([("x", new)]).unwrap();
    b.update_ids(&[0], &new).await.unwrap();
    a.merge(&b, &b.latest().await.unwrap()).await.unwrap();
    let folder = folder.path();
    answers(folder, "SELECT x FROM a WHERE k = 'b' ORDER BY x", &[&["2.5"], &["12.0"]]).await;
    answers(folder, "SELECT k FROM a WHERE x = 2.5", &[&["b"]]).await;
    answers(folder, "SELECT min(k), max(k), min(x), max(x) FROM a", &[&["a", "b", "1.0", "12.0"]])
        .await;
}

#[tokio::test]
async fn what_a_session_without_statistics_plans_knows_nothing_of_values() {
    let folder = place::folder();
    floats(folder.path(), &[&[1.0], &[2.0]]).await;
    let storage = place::storage(folder.path());
    let options = SessionOptions::default().with_root_storage("data", storage);
    let session = Session::new(&options.with_statistics(false)).unwrap();
    let plan = crate::db::explain(&session, "SELECT x FROM d WHERE x = 2").await;
    assert!(plan.contains("partitions=2 of 2"), "{plan}");
    let plan = crate::db::explain(&session, "SELECT count(*) FROM d").await;
    assert!(plan.contains("AggregateExec"), "{plan}");
}
