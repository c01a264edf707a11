//! Statements at once on one dataset: what one computes from values that others change is computed again.

use std::path::Path;

use tenrow_sql::{Session, SessionOptions};
use tenrow_tests::place;

use crate::db::ask;

/// A session of its own, as another program would have it.
fn session(folder: &Path) -> Session {
    let storage = place::storage(folder);
    let options = SessionOptions::default().with_root_storage("data", storage);
    Session::new(&options.with_target_partitions(1)).unwrap()
}

/// Runs each statement so often, all at once, each in a session of its own; gives the rows that each changed in all.
async fn at_once(folder: &Path, statements: &[&str], times: usize) -> Vec<u64> {
    let run = |sql: &str| {
        let (session, sql) = (session(folder), sql.to_owned());
        tokio::spawn(async move {
            let mut rows = 0;
            for _ in 0..times {
                let answer =
                    session.sql(&sql).await.unwrap_or_else(|e| panic!("{sql}: {}", e.chain()));
                rows += answer.change().map_or(0, |change| change.rows);
            }
            rows
        })
    };
    let running: Vec<_> = statements.iter().map(|sql| run(sql)).collect();
    let mut rows = Vec::new();
    for task in running {
        rows.push(task.await.unwrap());
    }
    rows
}

/// Eight programs counted from 0, all were told that it went well, and the count was 2.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn updates_of_what_they_read_are_all_counted() {
    let folder = place::folder();
    let first = session(folder.path());
    ask(&first, "CREATE TABLE e (x BIGINT, y BIGINT, z BIGINT)").await;
    ask(&first, "INSERT INTO e VALUES (0, 0, 0), (0, 5, 0)").await;
    let statements = [
        "UPDATE e SET x = x + 1 WHERE y = 0",
        "UPDATE e SET x = x + 1 WHERE y = 0",
        "UPDATE e SET x = e.x + o.x - e.x + 1 FROM e o WHERE o._row = e._row AND e.y = 0",
        "UPDATE e SET x = (SELECT max(x) FROM e) + 1 WHERE y = 0",
        "UPDATE e SET z = 7 WHERE y = 5",
        "INSERT INTO e VALUES (-100, 1, 0)",
    ];
    at_once(folder.path(), &statements, 4).await;
    assert_eq!(ask(&first, "SELECT x FROM e WHERE y = 0").await, [["16"]]);
    assert_eq!(ask(&first, "SELECT count(*), max(z) FROM e").await, [["6", "7"]]);
}

/// Jobs that programs take: each by one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rows_that_are_chosen_by_what_others_change_are_chosen_once() {
    let folder = place::folder();
    let first = session(folder.path());
    ask(&first, "CREATE TABLE jobs (id BIGINT, owner BIGINT)").await;
    ask(&first, "INSERT INTO jobs SELECT value, NULL FROM range(0, 12)").await;
    let take = |owner: u64| {
        format!(
            "UPDATE jobs SET owner = {owner} WHERE id = (SELECT min(id) FROM jobs WHERE owner IS NULL)"
        )
    };
    let takes: Vec<String> = (1..=4).map(take).collect();
    let takes: Vec<&str> = takes.iter().map(String::as_str).collect();
    assert_eq!(at_once(folder.path(), &takes, 3).await, [3, 3, 3, 3]);
    let owners =
        ask(&first, "SELECT owner, count(*) FROM jobs GROUP BY owner ORDER BY owner").await;
    assert_eq!(owners, [["1", "3"], ["2", "3"], ["3", "3"], ["4", "3"]]);
    let pop = "DELETE FROM jobs WHERE owner IS NOT NULL ORDER BY id LIMIT 1";
    assert_eq!(at_once(folder.path(), &[pop; 4], 2).await, [2, 2, 2, 2]);
    assert_eq!(ask(&first, "SELECT min(id), count(*) FROM jobs").await, [["8", "4"]]);
}

/// Rows made of all rows of the same dataset: no two inserts see the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rows_made_of_rows_of_the_same_dataset_are_made_of_all() {
    let folder = place::folder();
    let first = session(folder.path());
    ask(&first, "CREATE TABLE n (id BIGINT)").await;
    let next = "INSERT INTO n SELECT coalesce(max(id), 0) + 1 FROM n";
    at_once(folder.path(), &[next; 4], 3).await;
    let ids = ask(&first, "SELECT id FROM n ORDER BY id").await.concat();
    assert_eq!(ids, (1..=12).map(|id: i32| id.to_string()).collect::<Vec<_>>());
    at_once(folder.path(), &["INSERT INTO n SELECT id + 100 FROM n WHERE id = 1", next], 1).await;
    assert_eq!(ask(&first, "SELECT count(*), count(DISTINCT id) FROM n").await, [["14", "14"]]);
}

/// A deletion by a condition that an update makes untrue, and untrue of none that it makes true.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deletions_and_updates_come_one_after_the_other() {
    let folder = place::folder();
    let first = session(folder.path());
    for round in 0..6 {
        ask(&first, "CREATE OR REPLACE TABLE t (id BIGINT, x BIGINT)").await;
        ask(&first, "INSERT INTO t VALUES (1, 0), (2, 1)").await;
        let statements = ["DELETE FROM t WHERE x = 1", "UPDATE t SET x = 1 - x"];
        at_once(folder.path(), &statements, 1).await;
        // Deleted first: 1 is left, and is 1. Updated first: 2 is left, and is 0.
        let left = ask(&first, "SELECT id, x FROM t").await;
        assert!(left == [["1", "1"]] || left == [["2", "0"]], "round {round}: {left:?}");
    }
}
