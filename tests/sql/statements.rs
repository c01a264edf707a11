//! Statements that are prepared before they run.

use datafusion::common::ScalarValue;
use tenrow_sql::StatementKind;
use tenrow_tests::place;

use crate::data::session;
use crate::db::{ask, rows_of};

#[tokio::test]
async fn a_prepared_statement_says_what_it_gives_before_it_runs() {
    let folder = place::folder();
    let session = session(folder.path()).await;
    for (sql, changes, columns) in [
        ("SELECT label, name FROM digits", false, vec!["label", "name"]),
        ("  -- first\n(WITH t AS (SELECT 1 AS x) SELECT x FROM t)", false, vec!["x"]),
        ("EXPLAIN DELETE FROM digits", false, vec!["plan_type", "plan"]),
        ("/* note */ DELETE FROM digits WHERE label = 3", true, vec!["count", "version"]),
        ("CREATE TABLE copy AS SELECT label FROM digits", true, vec!["count", "version"]),
        ("ALTER TABLE digits DROP COLUMN score", true, vec!["count", "version"]),
    ] {
        let prepared = session.prepare(sql).await.unwrap();
        assert_eq!(prepared.changes(), changes, "{sql}");
        let schema = prepared.schema();
        let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, columns, "{sql}");
        assert_eq!(prepared.plan().is_none(), changes, "{sql}");
    }
    // Nothing of it ran.
    assert_eq!(ask(&session, "SELECT count(*), count(score) FROM digits").await, [["1000", "857"]]);
}

#[tokio::test]
async fn a_statement_is_what_it_means_and_not_its_first_word() {
    use StatementKind::{File, Plan, Query, Rows, Setting, Tables};
    let folder = place::folder();
    let session = session(folder.path()).await;
    for (sql, kind) in [
        ("SELECT 1", Query),
        ("; -- first\n /* then */ ((SELECT 1));;", Query),
        ("WITH t AS (SELECT 1) SELECT * FROM t", Query),
        ("VALUES (1), (2)", Query),
        ("TABLE digits", Query),
        ("SHOW TABLES", Query),
        ("DESCRIBE digits", Query),
        ("SELECT 1 AS explain", Query),
        ("-- EXPLAIN\nSELECT 1", Query),
        ("-- SELECT\nexplain SELECT 1", Plan),
        ("EXPLAIN ANALYZE SELECT 1", Plan),
        ("EXPLAIN VERBOSE UPDATE digits SET label = 1", Plan),
        ("EXPLAIN COPY digits TO 'digits.csv'", Plan),
        ("SET datafusion.execution.batch_size = 100", Setting),
        ("RESET datafusion.execution.batch_size", Setting),
        ("INSERT INTO digits (label) VALUES (1)", Rows),
        ("/* SELECT */ UPDATE digits SET label = 1", Rows),
        ("DELETE FROM digits", Rows),
        ("CREATE TABLE t (x BIGINT)", Tables),
        ("CREATE VIEW \"digits#v\" AS SELECT _row FROM digits", Tables),
        ("ALTER TABLE digits DROP COLUMN score", Tables),
        ("DROP VIEW \"digits#v\"", Tables),
        ("COPY digits TO 'digits.csv'", File),
    ] {
        let prepared =
            session.prepare(sql).await.unwrap_or_else(|e| panic!("{sql}: {}", e.chain()));
        assert_eq!(prepared.kind(), kind, "{sql}");
        assert_eq!(prepared.changes(), matches!(kind, Rows | Tables | File), "{sql}");
    }
    let all = ask(&session, "TABLE digits ORDER BY label, score LIMIT 1").await;
    assert_eq!(all, ask(&session, "SELECT * FROM digits ORDER BY label, score LIMIT 1").await);
}

#[tokio::test]
async fn parameters_are_values_wherever_they_stand() {
    let folder = place::folder();
    let session = session(folder.path()).await;
    let int = |value: i64| ScalarValue::from(value);
    let text = |value: &str| ScalarValue::from(value);
    ask(&session, "CREATE TABLE said (text VARCHAR, n BIGINT)").await;
    let hostile = "'; DELETE FROM digits; --";
    for (sql, values, expected) in [
        ("SELECT count(*) FROM digits WHERE label = $1", vec![int(3)], "100"),
        ("SELECT count(*) FROM digits WHERE label = $1", vec![text("3")], "100"),
        ("SELECT count(*) FROM digits WHERE name = $1", vec![text(hostile)], "0"),
        ("SELECT $1", vec![text(hostile)], hostile),
        (
            "SELECT count(*) FROM digits WHERE label IN ($1, $2) AND _row < $3",
            vec![int(3), int(4), int(50)],
            "10",
        ),
        (
            "SELECT count(*) FROM digits WHERE score > $1",
            vec![ScalarValue::Float64(Some(f64::NAN))],
            "0",
        ),
        ("SELECT count(*) FROM (SELECT * FROM digits LIMIT $1)", vec![int(7)], "7"),
        ("SELECT label FROM digits WHERE _row = $1", vec![int(127)], "7"),
        ("SELECT count(*) FROM digits WHERE $1 IS NULL", vec![ScalarValue::Null], "1000"),
        ("UPDATE digits SET split = $1 WHERE label = $2", vec![text("new"), int(3)], "100"),
        (
            "DELETE FROM digits WHERE split = $1 AND score < $2",
            vec![text("new"), ScalarValue::from(20.0)],
            "6",
        ),
        (
            "INSERT INTO said VALUES ($1, $2), ($3, 8)",
            vec![text(hostile), int(7), ScalarValue::Null],
            "2",
        ),
        ("SELECT text FROM said WHERE n = $1", vec![int(7)], hostile),
    ] {
        let prepared =
            session.prepare(sql).await.unwrap_or_else(|e| panic!("{sql}: {}", e.chain()));
        let answer = async { prepared.with_parameters(values).await?.run().await }.await;
        let rows = rows_of(answer.unwrap_or_else(|e| panic!("{sql}: {}", e.chain()))).await;
        assert_eq!(rows.unwrap()[0][0], expected, "{sql}");
    }
    // As the same statement with the values written in it.
    let decimal = ScalarValue::try_new_decimal128(0, 1, 0).unwrap();
    let nan = ScalarValue::Float32(Some(-f32::NAN));
    ask(&session, "CREATE TABLE fine (d DOUBLE, e DECIMAL(5,2))").await;
    ask(&session, "INSERT INTO fine VALUES (1e-20, 0), (0, 1), ('NaN', 2.5), (5, 3)").await;
    for (sql, values, expected) in [
        ("SELECT count(*) FROM fine WHERE d = $1", vec![decimal.clone()], "1"),
        ("SELECT count(*) FROM fine WHERE d > $1", vec![decimal.clone()], "3"),
        ("SELECT count(*) FROM fine WHERE d BETWEEN $1 AND $2", vec![decimal.clone(), int(1)], "2"),
        ("SELECT count(*) FROM fine WHERE d < $1", vec![nan.clone()], "3"),
        ("SELECT count(*) FROM fine WHERE d = $1", vec![nan], "1"),
        ("SELECT count(*) FROM fine WHERE e = $1", vec![ScalarValue::from(2.5f64)], "1"),
        (
            "SELECT count(*) FROM fine WHERE e IN ($1, $2)",
            vec![ScalarValue::from(2.5f64), int(3)],
            "2",
        ),
        ("DELETE FROM fine WHERE d = $1", vec![decimal], "1"),
    ] {
        let prepared = session.prepare_with(sql, values).await.unwrap();
        let rows = rows_of(prepared.run().await.unwrap()).await.unwrap();
        assert_eq!(rows[0][0], expected, "{sql}");
    }
    let by_name = std::collections::HashMap::from([("wanted".to_owned(), int(9))]);
    let prepared =
        session.prepare("SELECT count(*) FROM digits WHERE label = $wanted").await.unwrap();
    let answer = prepared.with_parameters(by_name).await.unwrap().run().await.unwrap();
    assert_eq!(rows_of(answer).await.unwrap(), [["100"]]);
}

#[tokio::test]
async fn a_parameter_without_a_value_and_a_value_without_a_parameter_are_named() {
    let folder = place::folder();
    let session = session(folder.path()).await;
    for sql in
        ["SELECT count(*) FROM digits WHERE label = $2", "DELETE FROM digits WHERE label = $2"]
    {
        let prepared = session.prepare(sql).await.unwrap();
        let one = prepared.with_parameters(vec![ScalarValue::from(3i64)]).await;
        let error = match one {
            Err(error) => error,
            Ok(prepared) => prepared.run().await.unwrap_err(),
        };
        assert!(error.chain().contains("$2"), "{}", error.chain());
        let error = session.sql(sql).await.map(|_| ()).unwrap_err();
        assert!(error.chain().contains("$2"), "{}", error.chain());
    }
}
