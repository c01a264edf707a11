//! Parameters whose values are given as texts, as on a command line.

use std::collections::HashMap;

use tenrow_sql::Session;
use tenrow_tests::place;

use crate::data::session;
use crate::db::{ask, rows_of};

type Texts = HashMap<String, Option<String>>;

fn texts(values: &[&str]) -> Texts {
    let text = |value: &&str| (*value != "NULL").then(|| (*value).to_owned());
    (1..).zip(values).map(|(place, value)| (place.to_string(), text(value))).collect()
}

/// The first cell of an answer.
async fn cell(session: &Session, sql: &str, texts: &Texts) -> String {
    let answer = async { session.prepare_with_texts(sql, texts).await?.run().await }.await;
    let answer = answer.unwrap_or_else(|error| panic!("{sql}: {}", error.chain()));
    rows_of(answer).await.unwrap()[0][0].clone()
}

async fn complaint(session: &Session, sql: &str, texts: &Texts) -> String {
    let answer =
        async { rows_of(session.prepare_with_texts(sql, texts).await?.run().await?).await };
    answer.await.map(|rows| format!("{sql}: {rows:?}")).unwrap_err().chain()
}

#[tokio::test]
async fn a_text_is_a_value_of_what_it_is_compared_with_or_stored_in() {
    let folder = place::folder();
    let session = session(folder.path()).await;
    ask(&session, "CREATE TABLE kinds (t VARCHAR, n BIGINT, b BOOLEAN, d DATE, c DECIMAL(30,20))")
        .await;
    for (sql, values, expected) in [
        ("SELECT count(*) FROM digits WHERE label = $1", vec!["3"], "100"),
        ("SELECT count(*) FROM digits WHERE label + $1 > 11.5", vec!["3"], "100"),
        ("SELECT count(*) FROM digits WHERE label > $1", vec!["7.5"], "200"),
        ("SELECT count(*) FROM digits WHERE score > $1 AND label = $2", vec!["nan", "3"], "0"),
        ("SELECT count(*) FROM digits WHERE name = $1", vec!["3"], "0"),
        ("SELECT count(*) FROM digits WHERE name = $1", vec!["' OR true --"], "0"),
        ("SELECT count(*) FROM digits WHERE name IS NULL OR $1 IS NULL", vec!["NULL"], "1000"),
        ("SELECT count(*) FROM (SELECT * FROM digits LIMIT $1 OFFSET $2)", vec!["7", "2"], "7"),
        ("SELECT $1 || $1", vec!["3"], "33"),
        ("SELECT CAST($1 AS BIGINT) + 1", vec!["3"], "4"),
        ("SELECT count(*) FROM digits WHERE tensor_mean(image) >= $1", vec!["0"], "1000"),
        ("SELECT count(*) FROM digits WHERE label = $1 OR score = $1", vec!["3"], "101"),
        (
            "INSERT INTO kinds VALUES ($1, $2, $3, $4, $5)",
            vec!["007", "-7", "true", "2026-11-30", "0.12345678901234567891"],
            "1",
        ),
        ("INSERT INTO kinds (n, t) VALUES ($1, $2), (8, $2)", vec!["NULL", "null"], "2"),
        ("UPDATE kinds SET n = $1, t = $2 WHERE d = $3", vec!["9", "9", "2026-11-30"], "1"),
        (
            "SELECT concat(t, n, b, c) FROM kinds WHERE d > $1",
            vec!["2026-01-01"],
            "99true0.12345678901234567891",
        ),
        ("DELETE FROM kinds WHERE b = $1 AND c = $2", vec!["true", "0.12345678901234567891"], "1"),
        ("SELECT count(*) FROM kinds WHERE t = $1", vec!["null"], "2"),
    ] {
        assert_eq!(cell(&session, sql, &texts(&values)).await, expected, "{sql} {values:?}");
    }
    let plan = "EXPLAIN SELECT name FROM digits WHERE label = $1";
    assert_eq!(cell(&session, plan, &texts(&["3"])).await, "logical_plan");
    let named = HashMap::from([("label".to_owned(), Some("9".to_owned()))]);
    let sql = "SELECT count(*) FROM digits WHERE label = $label";
    assert_eq!(cell(&session, sql, &named).await, "100");
}

#[tokio::test]
async fn a_text_too_few_too_many_or_of_no_such_value_is_named_and_nothing_is_changed() {
    let folder = place::folder();
    let session = session(folder.path()).await;
    let versions = "SELECT count(*) FROM \"digits$versions\"";
    let before = ask(&session, versions).await;
    for statement in [
        "SELECT count(*) FROM digits WHERE label = $1",
        "EXPLAIN SELECT count(*) FROM digits WHERE label = $1",
        "DELETE FROM digits WHERE label = $1",
        "UPDATE digits SET split = 'x' WHERE label = $1",
        "UPDATE digits SET label = $1",
        "INSERT INTO digits (label) SELECT label FROM digits WHERE label = $1",
        "EXPLAIN COPY (SELECT name FROM digits WHERE label = $1) TO 'digits.csv'",
        "COPY (SELECT name FROM digits WHERE label = $1) TO 'digits.csv'",
    ] {
        for (values, expected) in [
            (vec![], "no value is given for $1"),
            (vec!["3", "4"], "a value is given for $2, which the statement has not"),
            (vec!["three"], "$1 is \"three\", which is no number"),
            (vec!["3; DROP TABLE digits"], "which is no number"),
        ] {
            let said = complaint(&session, statement, &texts(&values)).await;
            assert!(said.contains(expected), "{statement} {values:?}: {said}");
        }
    }
    let said = complaint(&session, "UPDATE digits SET image = $1", &texts(&["[1]"])).await;
    assert!(said.contains("which no text is: write it in the statement"), "{said}");
    let all = "SELECT count(*), count(DISTINCT label), count(DISTINCT split) FROM digits";
    assert_eq!(ask(&session, all).await, [["1000", "10", "2"]]);
    assert_eq!(ask(&session, versions).await, before);
}
