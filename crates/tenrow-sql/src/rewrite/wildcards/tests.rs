use super::*;
use crate::rewrite::parse_one;

/// `t` and `u` are datasets with columns `a`, `b`.
struct Two;

impl KnownTables for Two {
    fn columns(&self, table: &TableReference) -> Option<Vec<String>> {
        ["t", "u"].contains(&table.table()).then(|| vec!["a".into(), "b".into()])
    }
}

fn rewritten(text: &str) -> String {
    let mut statement = parse_one(text).unwrap();
    hide_columns(&mut statement, &Two).unwrap();
    statement.to_string().replace("EXCLUDE (_row, _row_id, _partition)", "-")
}

#[test]
fn a_star_over_one_dataset_excludes() {
    assert_eq!(rewritten("SELECT * FROM t"), "SELECT * - FROM t");
    assert_eq!(rewritten("SELECT x.* FROM t AS x"), "SELECT x.* - FROM t AS x");
}

#[test]
fn a_star_over_a_join_excludes_from_datasets_alone() {
    assert_eq!(
        rewritten("SELECT * FROM t JOIN (SELECT _row FROM u) AS s ON t._row = s._row"),
        "SELECT t.* -, s.* FROM t JOIN (SELECT _row FROM u) AS s ON t._row = s._row"
    );
}

#[test]
fn what_using_joins_comes_once() {
    assert_eq!(
        rewritten("SELECT * FROM t JOIN u USING (a)"),
        "SELECT t.* -, u.* EXCLUDE (a, _row, _row_id, _partition) FROM t JOIN u USING(a)"
    );
}

#[test]
fn names_given_by_with_are_no_datasets_once_they_are_given() {
    assert_eq!(
        rewritten("WITH t AS (SELECT * FROM t) SELECT * FROM t"),
        "WITH t AS (SELECT * - FROM t) SELECT * FROM t"
    );
    assert_eq!(
        rewritten("WITH v AS (SELECT * FROM u) SELECT * FROM t, v"),
        "WITH v AS (SELECT * - FROM u) SELECT t.* -, v.* FROM t, v"
    );
}

#[test]
fn what_the_statement_excludes_stays_excluded() {
    assert_eq!(
        rewritten("SELECT * EXCEPT (a) FROM t"),
        "SELECT * EXCLUDE (a, _row, _row_id, _partition) FROM t"
    );
    assert_eq!(
        rewritten("SELECT * EXCLUDE (z) FROM t, (SELECT 1 AS z, 2 AS y) AS s"),
        "SELECT t.* -, s.* EXCLUDE (z) FROM t, (SELECT 1 AS z, 2 AS y) AS s"
    );
}

#[test]
fn a_semi_join_shows_one_side() {
    assert_eq!(
        rewritten("SELECT * FROM t LEFT SEMI JOIN u ON t.a = u.a"),
        "SELECT * - FROM t LEFT SEMI JOIN u ON t.a = u.a"
    );
}

#[test]
fn a_natural_join_of_hidden_columns_is_refused() {
    let mut statement = parse_one("SELECT _row FROM t NATURAL JOIN u").unwrap();
    hide_columns(&mut statement, &Two).unwrap_err();
}
