//! Versions as tables: under names of their own, and in sessions of the caller.

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
    let alone = SessionOptions::default().with_snapshot("then", whole.clone());
    let session = Session::new(&alone.with_snapshot("now", fewer)).unwrap();
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
        .with_snapshot("digits", whole.clone());
    let session = Session::new(&both).unwrap();
    let counts =
        "SELECT (SELECT count(*) FROM digits) AS a, (SELECT count(*) FROM data.digits) AS b";
    assert_eq!(ask(&session, counts).await, [["1000", "998"]]);
    let by_number = format!("SELECT count(*) FROM \"digits@{}\"", whole.version());
    assert_eq!(ask(&session, &by_number).await, [["1000"]]);
    let twice =
        SessionOptions::default().with_snapshot("a", whole.clone()).with_snapshot("a", whole);
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
    // Hidden columns are those of sessions of tenrow.
    assert!(context.sql("SELECT _row FROM mine").await.is_err());
}
