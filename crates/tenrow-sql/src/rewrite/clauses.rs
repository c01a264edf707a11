//! Clauses that the engine (55.2) parses and passes over: an answer without what they ask for would be a wrong one.

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Join, JoinConstraint, JoinOperator, Query, Select, SetExpr, SetOperator, SetQuantifier,
    TableFactor, VisitorMut,
};

use super::visit::visit;
use tenrow::{Error, Result};

/// Refuses a statement with a clause that would not be honoured.
pub(crate) fn check_clauses(statement: &mut Statement) -> Result<()> {
    match visit(statement, &mut Clauses) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(clause) => Err(Error::unsupported(format!(
            "{clause} is not supported: leave it out, or say what is meant by other clauses"
        ))),
    }
}

struct Clauses;

impl VisitorMut for Clauses {
    type Break = &'static str;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        first(&[
            (!query.locks.is_empty(), "FOR UPDATE or FOR SHARE"),
            (query.for_clause.is_some(), "FOR XML, JSON or BROWSE"),
            (query.settings.is_some(), "SETTINGS"),
            (query.format_clause.is_some(), "FORMAT"),
        ])?;
        of_body(&query.body)
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Self::Break> {
        match factor {
            TableFactor::Table {
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
                ..
            } => first(&[
                (sample.is_some(), "TABLESAMPLE"),
                (version.is_some(), "FOR SYSTEM_TIME, VERSION or TIMESTAMP of a table"),
                (!with_hints.is_empty() || !index_hints.is_empty(), "a hint of a table"),
                (*with_ordinality, "WITH ORDINALITY"),
                (!partitions.is_empty(), "PARTITION of a table"),
                (json_path.is_some(), "a JSON path of a table"),
            ]),
            TableFactor::Derived { sample, .. } => first(&[(sample.is_some(), "TABLESAMPLE")]),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Queries within it are visited by themselves.
fn of_body(body: &SetExpr) -> ControlFlow<&'static str> {
    match body {
        SetExpr::Select(select) => of_select(select),
        SetExpr::SetOperation { left, right, op, set_quantifier } => {
            let counts = *op != SetOperator::Union && *set_quantifier == SetQuantifier::All;
            first(&[(counts, "EXCEPT ALL or INTERSECT ALL")])?;
            of_body(left)?;
            of_body(right)
        }
        _ => ControlFlow::Continue(()),
    }
}

fn of_select(select: &Select) -> ControlFlow<&'static str> {
    first(&[
        (select.prewhere.is_some(), "PREWHERE"),
        (!select.connect_by.is_empty(), "CONNECT BY"),
        (select.value_table_mode.is_some(), "SELECT AS VALUE or STRUCT"),
        (select.select_modifiers.is_some(), "a modifier of SELECT"),
        (!select.distribute_by.is_empty(), "DISTRIBUTE BY"),
    ])?;
    let joins = select.from.iter().flat_map(|tables| &tables.joins);
    // The engine gives the key of the left side, which is null where only the right one has a row.
    let takes_left_key = |join: &Join| {
        use JoinOperator::{FullOuter, Right, RightOuter};
        let (RightOuter(on) | Right(on) | FullOuter(on)) = &join.join_operator else {
            return false;
        };
        matches!(on, JoinConstraint::Using(_) | JoinConstraint::Natural)
    };
    first(&[(
        joins.into_iter().any(takes_left_key),
        "USING or NATURAL of a RIGHT or FULL JOIN (ON a.key = b.key and coalesce(a.key, b.key) are)",
    )])
}

fn first(clauses: &[(bool, &'static str)]) -> ControlFlow<&'static str> {
    match clauses.iter().find(|(is_there, _)| *is_there) {
        Some((_, clause)) => ControlFlow::Break(clause),
        None => ControlFlow::Continue(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::parse_one;

    use super::*;

    #[test]
    fn a_clause_that_is_passed_over_is_refused_wherever_it_stands() {
        for (text, clause) in [
            ("SELECT * FROM t TABLESAMPLE BERNOULLI (1)", "TABLESAMPLE"),
            ("SELECT * FROM (SELECT 1) s TABLESAMPLE (5 PERCENT)", "TABLESAMPLE"),
            (
                "SELECT * FROM t WHERE x IN (SELECT y FROM u TABLESAMPLE BERNOULLI (1))",
                "TABLESAMPLE",
            ),
            ("SELECT 1 UNION SELECT x FROM t TABLESAMPLE BERNOULLI (1)", "TABLESAMPLE"),
            ("DELETE FROM t WHERE x IN (SELECT y FROM u FOR UPDATE)", "FOR UPDATE"),
            ("EXPLAIN SELECT * FROM t FOR UPDATE", "FOR UPDATE"),
            ("SELECT x FROM t DISTRIBUTE BY x", "DISTRIBUTE BY"),
            ("SELECT x FROM t EXCEPT ALL SELECT y FROM u", "EXCEPT ALL"),
            ("SELECT x FROM t UNION (SELECT x FROM t INTERSECT ALL SELECT y FROM u)", "EXCEPT ALL"),
            ("SELECT x FROM t RIGHT JOIN u USING (x)", "USING or NATURAL"),
            ("SELECT x FROM t NATURAL FULL JOIN u", "USING or NATURAL"),
        ] {
            let mut statement = parse_one(text).unwrap();
            let error = check_clauses(&mut statement).expect_err(text).to_string();
            assert!(error.starts_with(clause), "{text}: {error}");
        }
        for text in [
            "SELECT * FROM t WHERE x = 1 LIMIT 3",
            "SELECT x FROM t UNION ALL SELECT x FROM u EXCEPT SELECT x FROM v",
            "SELECT x FROM t LEFT JOIN u USING (x) FULL JOIN v ON t.x = v.x",
        ] {
            check_clauses(&mut parse_one(text).unwrap()).unwrap();
        }
    }
}
