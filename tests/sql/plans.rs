//! What `EXPLAIN` says is done.

use crate::data;
use crate::db::{ask, explain};
use tenrow_tests::place;

async fn plan_of(sql: &str) -> String {
    let folder = place::folder();
    let session = data::session(folder.path()).await;
    explain(&session, sql).await
}

/// The lines of the plan, without what is deeper than their names.
fn steps(plan: &str) -> Vec<&str> {
    plan.lines().map(|line| line.trim_start().split([':', ' ']).next().unwrap()).collect()
}

#[tokio::test]
async fn an_address_is_no_scan() {
    let plan = plan_of("SELECT label FROM digits WHERE _row = 419").await;
    assert!(plan.contains("rows=1 of 1000 addressed"), "{plan}");
    assert!(!plan.contains("FilterExec"), "{plan}");
}

#[tokio::test]
async fn partitions_that_bounds_exclude_are_not_scanned() {
    let plan = plan_of("SELECT label FROM digits WHERE split = 'test'").await;
    assert!(plan.contains("partitions=2 of 10"), "{plan}");
    assert!(plan.contains("predicate=split"), "{plan}");
    assert!(!plan.contains("FilterExec"), "{plan}");
}

#[tokio::test]
async fn tensors_are_fetched_above_what_leaves_rows_out() {
    for sql in [
        "SELECT image FROM digits WHERE label = 3 LIMIT 10",
        "SELECT image, label FROM digits WHERE label = 3 ORDER BY score LIMIT 10",
        "SELECT image AS i, score + 1 AS s FROM digits ORDER BY s LIMIT 10",
        "SELECT d.image FROM digits AS d JOIN (VALUES (1), (2)) AS v (n) ON d._row = v.n",
    ] {
        let plan = plan_of(sql).await;
        let steps = steps(&plan);
        let fetch =
            steps.iter().position(|step| *step == "FetchExec").unwrap_or_else(|| panic!("{plan}"));
        let others = [
            "SortExec",
            "GlobalLimitExec",
            "HashJoinExec",
            "SortPreservingMergeExec",
            "RepartitionExec",
        ];
        let above = &steps[..fetch];
        assert!(above.iter().all(|step| !others.contains(step)), "{plan}");
    }
}

#[tokio::test]
async fn the_order_of_rows_needs_no_sort() {
    let plan = plan_of("SELECT _row, label FROM digits WHERE label = 3 ORDER BY _row").await;
    assert!(!plan.contains("SortExec"), "{plan}");
}

#[tokio::test]
async fn a_tensor_that_all_rows_need_is_scanned_in_order() {
    let plan = plan_of("SELECT image, label FROM digits").await;
    assert_eq!(steps(&plan), ["CooperativeExec", "ScanExec"], "{plan}");
}

#[tokio::test]
async fn analyze_counts_bytes_and_requests() {
    let folder = place::folder();
    let session = data::session(folder.path()).await;
    let sql = "EXPLAIN ANALYZE SELECT image FROM digits WHERE label = 3 ORDER BY score LIMIT 10";
    let text = ask(&session, sql).await[0][1].clone();
    for metric in [
        "rows_fetched=10",
        "bytes_fetched=160",
        "requests=",
        "retries=0",
        "cache_hits=0",
        "cache_misses=0",
        "decode_time=",
        "bytes_scanned=",
    ] {
        assert!(text.contains(metric), "no {metric} in {text}");
    }
}

/// A leaf that the root excludes is not read, nor is a partition that its leaf excludes.
#[tokio::test]
async fn a_key_leads_to_its_partition() {
    let folder = place::folder();
    let location = place::location(folder.path().join("keyed"));
    let attributes = ["key:string", "x:i64"].map(|text| tenrow::Attribute::parse(text).unwrap());
    let schema = tenrow::Schema::new(attributes).unwrap();
    let dataset = tenrow::Dataset::create(&location, schema).await.unwrap();
    for part in 0..3i64 {
        let options = tenrow::WriteOptions::default().with_partition_by(["key"]);
        let mut writer = dataset.writer_with(options).await.unwrap();
        let keys: Vec<String> = (0..4).map(|key| format!("k{:02}", part * 4 + key)).collect();
        let columns = tenrow::Columns::new()
            .strings("key", keys.iter().map(|key| Some(key.as_str())))
            .scalars("x", [part; 4]);
        writer.append_columns(columns).await.unwrap();
        writer.commit().await.unwrap();
    }
    let session = data::open(folder.path());
    let plan = explain(&session, "SELECT x FROM keyed WHERE key = 'k05'").await;
    assert!(plan.contains("partitions=1 of 12, leaves=1 of "), "{plan}");
    assert_eq!(ask(&session, "SELECT x FROM keyed WHERE key = 'k05'").await, [["1"]]);
    assert_eq!(ask(&session, "SELECT min(key), count(*) FROM keyed").await, [["k00", "12"]]);
}

/// How long an address takes, told but not asserted: machines differ.
#[tokio::test]
async fn an_address_is_answered_soon() {
    let folder = place::folder();
    let session = data::session(folder.path()).await;
    ask(&session, "SELECT image FROM digits WHERE _row = 1").await;
    let started = std::time::Instant::now();
    for row in 0..200 {
        ask(&session, &format!("SELECT image FROM digits WHERE _row = {row}")).await;
    }
    println!("{:?} for an address", started.elapsed() / 200);
}
