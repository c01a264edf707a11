//! Rules by which documents are chosen: SQL leaves the rows that the library's readers and plain Rust leave.

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, RecordBatch};
use tenrow::{Dataset, ReadOptions, ViewOptions};
use tenrow_sql::Session;

use crate::db::ask;
use crate::{corpus, data};
use tenrow_tests::place;

async fn open(folder: &std::path::Path, name: &str) -> (Session, Dataset) {
    corpus::write(folder).await;
    let session = data::open(folder);
    let dataset = session.dataset(name).await.unwrap();
    (session, dataset)
}

async fn rows(session: &Session, sql: &str) -> Vec<u64> {
    ask(session, sql).await.concat().iter().map(|row| row.parse().unwrap()).collect()
}

async fn all(dataset: &Dataset) -> RecordBatch {
    let latest = dataset.latest().await.unwrap();
    latest.slice_with(0..latest.row_count(), &ReadOptions::default()).await.unwrap()
}

#[tokio::test]
async fn documents_without_repetitions_are_the_same_by_sql_and_by_reading() {
    let folder = place::folder();
    let (session, dataset) = open(folder.path(), "c4").await;
    let batch = all(&dataset).await;
    let lists = batch.column_by_name("repetitions").unwrap().as_list::<i32>().clone();
    let is_empty = |row: &u64| {
        let row = *row as usize;
        lists.is_valid(row) && lists.value_length(row) == 0
    };
    let expected: Vec<u64> = (0..1000).filter(is_empty).collect();
    let sql = "SELECT _row FROM c4 WHERE cardinality(repetitions) = 0 ORDER BY _row";
    assert_eq!(rows(&session, sql).await, expected);
    let or_null: Vec<u64> =
        (0..1000).filter(|row| is_empty(row) || lists.is_null(*row as usize)).collect();
    let sql = "SELECT _row FROM c4 WHERE coalesce(cardinality(repetitions), 0) = 0 ORDER BY _row";
    assert_eq!(rows(&session, sql).await, or_null);
}

#[tokio::test]
async fn the_rule_of_oscar_is_the_same_by_sql_and_by_reading() {
    let folder = place::folder();
    let (session, dataset) = open(folder.path(), "oscar").await;
    let batch = all(&dataset).await;
    let flag = |name: &str, row: usize| {
        let flags = batch.column_by_name(name).unwrap().as_boolean();
        flags.is_valid(row).then(|| flags.value(row))
    };
    let ratios = batch.column_by_name("dup_ratio").unwrap().as_primitive::<Float64Type>().clone();
    let is_kept = |row: &u64| {
        let row = *row as usize;
        match flag("included_in_dedup", row) {
            Some(true) => ratios.is_valid(row) && ratios.value(row) == 0.0,
            Some(false) => flag("has_dup_25", row) == Some(false),
            None => false,
        }
    };
    let expected: Vec<u64> = (0..batch.num_rows() as u64).filter(is_kept).collect();
    let sql = "SELECT _row FROM oscar WHERE (included_in_dedup AND dup_ratio = 0.0) \
        OR (NOT included_in_dedup AND NOT has_dup_25) ORDER BY _row";
    assert_eq!(rows(&session, sql).await, expected);
    assert_eq!(expected.len(), 7);
}

#[tokio::test]
async fn a_budget_takes_the_same_rows_by_sql_and_from_a_view() {
    let folder = place::folder();
    let (session, dataset) = open(folder.path(), "c4").await;
    let latest = dataset.latest().await.unwrap();
    let view = dataset.create_view("all", &latest.all(), &ViewOptions::default()).await.unwrap();
    let mut larger: Vec<u64> = Vec::new();
    // 33 is the sum of the first three rows.
    for budget in [100_000, 5000, 34, 33, 32, 1, 0] {
        let sql = format!(
            "SELECT _row FROM (SELECT _row, sum(tokens) OVER (ORDER BY _row) - tokens AS before FROM c4) AS t \
            WHERE before < {budget} ORDER BY _row"
        );
        let found = rows(&session, &sql).await;
        let taken = view.rows_for_budget("tokens", f64::from(budget)).await.unwrap();
        assert_eq!(found, (0..taken).collect::<Vec<_>>(), "{budget}");
        assert!(larger.is_empty() || larger.starts_with(&found), "{budget}");
        larger = found;
    }
}

#[tokio::test]
async fn a_percentile_filter_costs_one_more_scan_of_its_column() {
    let folder = place::folder();
    let (session, dataset) = open(folder.path(), "c4").await;
    let storage = dataset.storage();
    ask(&session, "SELECT sum(perplexity) FROM c4").await;
    let bytes = async |sql: &str| {
        let before = storage.counters().bytes_read;
        ask(&session, sql).await;
        storage.counters().bytes_read - before
    };
    let nothing = bytes("SELECT count(*) FROM c4").await;
    let scan = bytes("SELECT sum(perplexity) FROM c4").await - nothing;
    let filter = "WITH band AS (SELECT percentile(perplexity, 25) AS low, percentile(perplexity, 75) AS high FROM c4) \
        SELECT count(*) FROM c4, band WHERE perplexity > low AND perplexity < high";
    assert_eq!(bytes(filter).await - nothing, 2 * scan);
}
