//! Versions as tables: under names of their own, and in sessions of the caller.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use datafusion::prelude::SessionContext;
use tenrow_sql::{Session, SessionOptions, table_provider};

use crate::data;
use crate::db::ask;
use tenrow_tests::place;

#[tokio::test]
async fn a_version_has_a_name_of_its_own_wherever_it_is() {
    let folder = place::folder();
    data::session(folder.path()).await;
    let digits =
        tenrow::Dataset::open(&place::location(folder.path().join("digits"))).await.unwrap();
    let whole = digits.latest().await.unwrap();
    let fewer = digits.delete(&whole, &[0, 1]).await.unwrap().snapshot;
    let alone = SessionOptions::default().with_view("then", whole.all());
    let session = Session::new(&alone.with_view("now", fewer.all())).unwrap();
    let counts = "SELECT (SELECT count(*) FROM then) AS a, (SELECT count(*) FROM now) AS b";
    assert_eq!(ask(&session, counts).await, [["1000", "998"]]);
    assert_eq!(ask(&session, "SELECT label FROM then WHERE _row = 5").await.len(), 1);
    let attributes = ask(&session, "SELECT * FROM \"then$attributes\"").await;
    assert_eq!(attributes.len(), whole.schema().attributes().len());
    let error = session.sql("SELECT * FROM them").await.expect_err("no root").chain();
    assert!(error.contains("the session has no roots; did you mean 'then'?"), "{error}");
    // Beside roots, whose datasets stand behind it.
    let both = SessionOptions::default()
        .with_root_storage("data", place::storage(folder.path()))
        .with_view("digits", whole.all());
    let session = Session::new(&both).unwrap();
    let counts =
        "SELECT (SELECT count(*) FROM digits) AS a, (SELECT count(*) FROM data.digits) AS b";
    assert_eq!(ask(&session, counts).await, [["1000", "998"]]);
    let by_number = format!("SELECT count(*) FROM \"digits@{}\"", whole.version());
    assert_eq!(ask(&session, &by_number).await, [["1000"]]);
    let twice = SessionOptions::default().with_view("a", whole.all()).with_view("a", whole.all());
    assert!(Session::new(&twice).is_err());
}

#[tokio::test]
async fn a_version_is_a_table_of_the_callers_session() {
    let folder = place::folder();
    let session = data::session(folder.path()).await;
    let digits = session.dataset("digits").await.unwrap();
    let snapshot = digits.latest().await.unwrap();
    let context = SessionContext::new();
    context.register_table("mine", table_provider(&snapshot)).unwrap();
    let sql = "SELECT label, image FROM mine WHERE label = 3 ORDER BY name LIMIT 4";
    let found = context.sql(sql).await.unwrap().collect().await.unwrap();
    let expected =
        session.sql(&sql.replace("mine", "digits")).await.unwrap().collect().await.unwrap();
    assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    let count = context.sql("SELECT count(*) FROM mine WHERE split = 'test'").await.unwrap();
    assert_eq!(count.collect().await.unwrap()[0].num_rows(), 1);
    // What the caller's engine learns as it goes is not trusted: joins of columns of one name, bounds over nulls.
    let part = context
        .sql("SELECT a.label FROM mine a JOIN mine b ON a.name = b.name WHERE b.label = 4 ORDER BY a.score LIMIT 3")
        .await
        .unwrap();
    let rows: usize = part.collect().await.unwrap().iter().map(|batch| batch.num_rows()).sum();
    assert_eq!(rows, 3);
    // Hidden columns are those of sessions of tenrow.
    assert!(context.sql("SELECT _row FROM mine").await.is_err());
}

/// A filter that the engine makes of what one aggregate has met left out what another was to meet.
#[tokio::test]
async fn a_table_of_the_callers_session_takes_no_filter_that_leaves_out_rows() {
    let folder = place::folder();
    let session = data::open(folder.path());
    ask(&session, "CREATE TABLE t (u BIGINT, k BIGINT)").await;
    ask(&session, "INSERT INTO t VALUES (5, NULL)").await;
    ask(&session, "INSERT INTO t VALUES (9, 8)").await;
    let snapshot = session.dataset("t").await.unwrap().latest().await.unwrap();
    for _ in 0..15 {
        let context = SessionContext::new();
        context.register_table("t", table_provider(&snapshot)).unwrap();
        let found = context.sql("SELECT min(u) AS a, max(k) AS b FROM t").await.unwrap();
        let found = found.collect().await.unwrap();
        let number = |column: usize| found[0].column(column).as_primitive::<Int64Type>().value(0);
        assert_eq!((number(0), number(1)), (5, 8));
    }
}

#[tokio::test]
async fn rows_that_somebody_lists_are_a_table_in_their_order() {
    let folder = place::folder();
    data::session(folder.path()).await;
    let digits =
        tenrow::Dataset::open(&place::location(folder.path().join("digits"))).await.unwrap();
    let snapshot = digits.latest().await.unwrap();
    let view = snapshot.rows([7, 3, 7, 900]).unwrap();
    let options = SessionOptions::default()
        .with_root_storage("data", place::storage(folder.path()))
        .with_view("some", view.clone())
        .with_view("few", snapshot.rows(10..13).unwrap())
        .with_view("whole", snapshot.all());
    let session = Session::new(&options).unwrap();
    assert_eq!(
        ask(&session, "SELECT _row FROM some").await,
        [["7"], ["3"], ["7"], ["900"]],
        "its order, with what is there twice"
    );
    let labels = view.take(&[0, 1, 2, 3]).await.unwrap();
    let labels = labels.column_by_name("label").unwrap().as_primitive::<Int64Type>().clone();
    let expected: Vec<_> = labels.values().iter().map(|label| [label.to_string()]).collect();
    assert_eq!(ask(&session, "SELECT label FROM some").await, expected);
    assert_eq!(ask(&session, "SELECT count(*), min(_row) FROM few").await, [["3", "10"]]);
    assert_eq!(ask(&session, "SELECT count(*) FROM whole").await, [["1000"]]);
    // What stands behind a name is asked of the version, not of its rows that are listed.
    let version = format!("SELECT count(*) FROM \"some@{}\"", snapshot.version());
    assert_eq!(ask(&session, &version).await, [["1000"]]);
    let error = session.sql("DELETE FROM some WHERE _row = 7").await.expect_err("a view").chain();
    assert!(error.contains("some is a view: name the dataset that is to be changed"), "{error}");
    assert_eq!(digits.latest().await.unwrap().version(), snapshot.version());
}

#[tokio::test]
async fn a_time_names_the_version_that_was_the_newest_then() {
    let folder = place::folder();
    let session = data::session(folder.path()).await;
    let digits =
        tenrow::Dataset::open(&place::location(folder.path().join("digits"))).await.unwrap();
    let whole = digits.latest().await.unwrap();
    // Times are in milliseconds.
    std::thread::sleep(std::time::Duration::from_millis(3));
    digits.delete(&whole, &[0, 1]).await.unwrap();
    let then = tenrow::WhichVersion::At(whole.root().created_ms);
    let counts = format!(
        "SELECT (SELECT count(*) FROM \"digits@{then}\") AS a, (SELECT count(*) FROM \"digits@2999-01-01\") AS b, (SELECT count(*) > 0 FROM \"digits@2999-01-01 00:00$files\") AS c"
    );
    assert_eq!(ask(&session, &counts).await, [["1000", "998", "true"]]);
    let young = session.sql("SELECT * FROM \"digits@1970-01-02\"").await.expect_err("too old");
    assert!(young.chain().contains("has no version that old"), "{}", young.chain());
    let wrong = session.sql("SELECT * FROM \"digits@3x\"").await.expect_err("no version");
    assert!(wrong.chain().contains("\"3x\" is no version: write its number"), "{}", wrong.chain());
}
