//! Views as tables.

use tenrow::{Dataset, ReadOptions, ViewOptions};

use crate::data;
use crate::db::ask;
use tenrow_tests::place;

#[tokio::test]
async fn a_view_is_a_table_with_its_rows_in_its_order() {
    let folder = place::folder();
    let session = data::session(folder.path()).await;
    let location = place::location(folder.path().join("digits"));
    let dataset = Dataset::open(&location).await.unwrap();
    let latest = dataset.latest().await.unwrap();
    let chosen = vec![999, 7, 7, 0, 512];
    let options = ViewOptions::default().with_query("five rows");
    dataset.create_view("five", &latest.rows(chosen.clone()).unwrap(), &options).await.unwrap();

    let all = session.sql("SELECT * FROM \"digits#five\"").await.unwrap();
    let all = all.collect().await.unwrap();
    let expected = latest.take_with(&chosen, &ReadOptions::default()).await.unwrap();
    let all = arrow_select::concat::concat_batches(&all[0].schema(), &all).unwrap();
    assert_eq!(all.columns(), expected.columns());

    let sql = "SELECT _row, _row_id, _partition, label FROM \"digits#five\" LIMIT 2";
    assert_eq!(ask(&session, sql).await, [["999", "999", "9", "9"], ["7", "7", "0", "7"]]);
    let sql = "SELECT sum(label) FROM data.\"digits#five\" v WHERE v._row = 7";
    assert_eq!(ask(&session, sql).await, [["14"]]);
    let sql = "SELECT view, rows, query FROM \"digits$views\"";
    assert_eq!(ask(&session, sql).await, [["five", "5", "five rows"]]);
    let error = session.sql("SELECT * FROM \"digits#fife\"").await.unwrap_err().to_string();
    assert!(error.contains("no view \"fife\" of dataset \"digits\""), "{error}");
    assert!(error.contains("five"), "{error}");
}

#[tokio::test]
async fn a_view_is_read_in_another_version_by_the_ids_of_its_rows() {
    let folder = place::folder();
    let session = data::open(folder.path());
    ask(&session, "CREATE TABLE t (x BIGINT)").await;
    ask(&session, "INSERT INTO t VALUES (1), (2), (3)").await;
    ask(&session, "CREATE VIEW \"t#best\" AS SELECT _row FROM t WHERE x <> 2 ORDER BY x DESC")
        .await;
    ask(&session, "ALTER TABLE t ADD COLUMN y BIGINT").await;
    ask(&session, "UPDATE t SET y = x * 10").await;
    ask(&session, "DELETE FROM t WHERE x = 2").await;
    assert_eq!(ask(&session, "SELECT * FROM \"t#best\"").await, [["3"], ["1"]]);
    for name in ["t#best@latest", "t@latest#best@latest", "t#best@6"] {
        let found = ask(&session, &format!("SELECT x, y FROM \"{name}\"")).await;
        assert_eq!(found, [["3", "30"], ["1", "10"]], "{name}");
    }
    ask(&session, "DELETE FROM t WHERE x = 3").await;
    let error = session.sql("SELECT * FROM \"t#best@latest\"").await.unwrap_err().to_string();
    assert!(error.contains("1 of 2 rows") && error.contains("_row_id IN"), "{error}");
    let (_, advised) = error.split_once("those that are: ").unwrap();
    assert_eq!(ask(&session, advised).await, [["1", "10"]]);
}
