//! Numbers of more digits than a float keeps: decimals.
//!
//! The engine (55.2) reads every number that is no 64-bit integer as a float: 123456789.123456789123456789 was stored in a column
//! of decimals as 123456789.123456791337762816.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, ExactNumberInfo, Expr, SetExpr, UnaryOperator, Value, Values, VisitorMut,
};

use super::visit::visit;

/// The most digits that a decimal has.
const MAX_DIGITS: usize = 76;

/// Makes decimals of numbers that would be rounded: those of many digits, and whole ones that stand beside fractions in one
/// column of `VALUES`, all of which become floats.
pub(crate) fn keep_digits(statement: &mut Statement) {
    let ControlFlow::Continue(()) = visit(statement, &mut Numbers);
}

struct Numbers;

impl VisitorMut for Numbers {
    type Break = std::convert::Infallible;

    fn pre_visit_query(
        &mut self,
        query: &mut datafusion::sql::sqlparser::ast::Query,
    ) -> ControlFlow<Self::Break> {
        of_body(&mut query.body);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        if let Some(text) = number(expr)
            && is_rounded(text)
        {
            *expr = decimal(text).unwrap_or_else(|| expr.clone());
        }
        ControlFlow::Continue(())
    }
}

fn of_body(body: &mut SetExpr) {
    match body {
        SetExpr::Values(values) => of_values(values),
        SetExpr::SetOperation { left, right, .. } => {
            of_body(left);
            of_body(right);
        }
        _ => {}
    }
}

fn of_values(values: &mut Values) {
    let width = values.rows.iter().map(|row| row.len()).max().unwrap_or(0);
    let mixed: BTreeSet<usize> = (0..width)
        .filter(|&place| {
            let cells = || values.rows.iter().filter_map(|row| number(unsigned(row.get(place)?)));
            // Of these a float keeps every one.
            let is_large = |text: &str| !text.contains(['.', 'e', 'E']) && text.len() > 15;
            cells().any(is_large) && cells().any(|text| text.contains('.'))
        })
        .collect();
    for row in &mut values.rows {
        for &place in &mixed {
            let Some(cell) = row.get_mut(place) else { continue };
            let cell = match cell {
                Expr::UnaryOp { op: UnaryOperator::Minus, expr } => expr.as_mut(),
                other => other,
            };
            if let Some(exact) = number(cell).and_then(decimal) {
                *cell = exact;
            }
        }
    }
}

fn unsigned(expr: &Expr) -> &Expr {
    match expr {
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => expr,
        other => other,
    }
}

fn number(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// Whether the engine would make another number of it.
fn is_rounded(text: &str) -> bool {
    if text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok() || text.contains(['e', 'E']) {
        return false;
    }
    let Ok(float) = text.parse::<f64>() else { return false };
    significant(&float.to_string()) != significant(text)
}

/// The digits of a number without the noughts around them, and where its point stands.
fn significant(text: &str) -> (String, usize) {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    (format!("{whole}{fraction}"), fraction.len())
}

/// `CAST('12.50' AS DECIMAL(4, 2))`; `None` of too many digits.
fn decimal(text: &str) -> Option<Expr> {
    if text.contains(['e', 'E']) {
        return None;
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let scale = fraction.len();
    let digits = (whole.trim_start_matches('0').len() + scale).max(1);
    (digits <= MAX_DIGITS).then(|| Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(Expr::value(Value::SingleQuotedString(text.to_owned()))),
        data_type: DataType::Decimal(ExactNumberInfo::PrecisionAndScale(
            digits as u64,
            scale as i64,
        )),
        array: false,
        format: None,
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::parse_one;

    use super::*;

    #[test]
    fn numbers_that_a_float_would_round_are_decimals() {
        for (text, expected) in [
            ("SELECT 4.32, 9007199254740993, 0.1", "SELECT 4.32, 9007199254740993, 0.1"),
            ("SELECT 1e30, 18446744073709551615", "SELECT 1e30, 18446744073709551615"),
            ("SELECT 1.500000000000000000000", "SELECT 1.500000000000000000000"),
            ("SELECT 18446744073709551617", "SELECT CAST('18446744073709551617' AS DECIMAL(20,0))"),
            (
                "SELECT x FROM t WHERE x > -123456789.123456789123456789",
                "SELECT x FROM t WHERE x > -CAST('123456789.123456789123456789' AS DECIMAL(27,18))",
            ),
            (
                "INSERT INTO t VALUES (-9007199254740993, 1), (2.5, 9007199254740993)",
                "INSERT INTO t VALUES (-CAST('9007199254740993' AS DECIMAL(16,0)), 1), (CAST('2.5' AS DECIMAL(2,1)), 9007199254740993)",
            ),
            ("VALUES (5), (0.5)", "VALUES (5), (0.5)"),
        ] {
            let mut statement = parse_one(text).unwrap();
            keep_digits(&mut statement);
            assert_eq!(statement.to_string(), expected);
        }
    }
}
