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
    dataset.create_view("five", &latest, chosen.clone(), &options).await.unwrap();

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
