//! Views as tables.

use tenrow::{Dataset, ReadOptions, ViewOptions};

use crate::data;
use crate::db::ask;

#[tokio::test]
async fn a_view_is_a_table_with_its_rows_in_its_order() {
    let folder = tempfile::tempdir().unwrap();
    let session = data::session(folder.path()).await;
    let location = folder.path().join("digits").display().to_string();
    let dataset = Dataset::open(&location).await.unwrap();
    let latest = dataset.latest().await.unwrap();
    let chosen = vec![999, 7, 7, 0, 512];
    let options = ViewOptions::default().with_query("five rows");
    dataset.create_view("five", &latest, chosen.clone(), &options).await.unwrap();

    let all = ask(&session, "SELECT * FROM \"digits#five\"").await;
    let read = ReadOptions::default();
    let expected = latest.take_with(&chosen, &read).await.unwrap();
    let all = arrow_select::concat::concat_batches(&all[0].schema(), &all).unwrap();
    assert_eq!(all.columns(), expected.columns());

    let rows = session.sql("SELECT _row, _row_id, _partition, label FROM \"digits#five\" LIMIT 2");
    let rows = rows.await.unwrap().collect().await.unwrap();
    let shown = arrow_cast::pretty::pretty_format_batches(&rows).unwrap().to_string();
    assert!(shown.contains("| 999  | 999     | 9          | 9     |"), "{shown}");
    assert!(shown.contains("| 7    | 7       | 0          | 7     |"), "{shown}");
    let sum = ask(&session, "SELECT sum(label) FROM data.\"digits#five\" v WHERE v._row = 7").await;
    assert_eq!(arrow_cast::pretty::pretty_format_columns("n", sum[0].columns()).unwrap().to_string(), "+----+\n| n  |\n+----+\n| 14 |\n+----+");
    let views = ask(&session, "SELECT view, rows, version, query FROM \"digits$views\"").await;
    let shown = arrow_cast::pretty::pretty_format_batches(&views).unwrap().to_string();
    assert!(shown.contains("| five | 5    | 11      | five rows |"), "{shown}");
    let error = session.sql("SELECT * FROM \"digits#fife\"").await.unwrap_err().to_string();
    assert!(error.contains("no view \"fife\" of dataset \"digits\"") && error.contains("five"), "{error}");
}
