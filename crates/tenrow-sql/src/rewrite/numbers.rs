//! Numbers of more digits than a float keeps: decimals.
//!
//! The engine (55.2) reads every number that is no 64-bit integer as a float: 123456789.123456789123456789 was stored in a column
//! of decimals as 123456789.123456791337762816.

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CastKind, DataType, ExactNumberInfo, Expr, FunctionArg, FunctionArgExpr,
    FunctionArguments, SetExpr, Statement as SqlStatement, UnaryOperator, Value, Values,
    VisitorMut,
};

use super::visit::visit;

/// The most digits that a decimal has.
const MAX_DIGITS: usize = 76;

/// Makes decimals of numbers that would be rounded, where nothing else has to have their type: where values are compared, in a cast, as
/// the new value of a column, and in a column of the `VALUES` of an `INSERT`, all of which become decimals then.
///
/// Elsewhere they would make decimals of the floats beside them, which have fewer digits: those keep theirs.
pub(crate) fn keep_digits(statement: &mut Statement) {
    if let Statement::Statement(inner) = statement {
        match inner.as_mut() {
            SqlStatement::Insert(insert) => {
                if let Some(query) = &mut insert.source
                    && let SetExpr::Values(values) = query.body.as_mut()
                {
                    of_values(values);
                }
            }
            SqlStatement::Update(update) => {
                update.assignments.iter_mut().for_each(|assignment| exact(&mut assignment.value));
            }
            _ => {}
        }
    }
    let ControlFlow::Continue(()) = visit(statement, &mut Numbers);
}

struct Numbers;

impl VisitorMut for Numbers {
    type Break = std::convert::Infallible;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
        match expr {
            Expr::BinaryOp { left, op: Eq | NotEq | Lt | LtEq | Gt | GtEq, right } => {
                exact(left);
                exact(right);
            }
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                exact(left);
                exact(right);
            }
            Expr::Function(call) if call.name.to_string().eq_ignore_ascii_case("nullif") => {
                if let FunctionArguments::List(list) = &mut call.args {
                    list.args.iter_mut().for_each(|argument| {
                        if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument {
                            exact(expr);
                        }
                    });
                }
            }
            Expr::Cast { expr, .. } => exact(expr),
            Expr::InList { expr, list, .. } => {
                exact(expr);
                list.iter_mut().for_each(exact);
            }
            Expr::Between { expr, low, high, .. } => {
                [expr, low, high].into_iter().for_each(|part| exact(part));
            }
            Expr::Case { operand: Some(operand), conditions, .. } => {
                exact(operand);
                conditions.iter_mut().for_each(|when| exact(&mut when.condition));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Makes a decimal of a number that would be rounded.
fn exact(expr: &mut Expr) {
    if !is_number_rounded(expr) {
        return;
    }
    let place = match expr {
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => expr.as_mut(),
        other => other,
    };
    if let Some(decimal) = number(place).and_then(decimal) {
        *place = decimal;
    }
}

/// Whether it is a number, with a minus or without, that the engine would make another of.
fn is_number_rounded(expr: &Expr) -> bool {
    let Some(text) = number(unsigned(expr)) else { return false };
    let is_integer = match expr {
        // The engine has no integers below those of 64 bits with a sign: what would be one is a float.
        Expr::UnaryOp { op: UnaryOperator::Minus, .. } => format!("-{text}").parse::<i64>().is_ok(),
        _ => text.parse::<u64>().is_ok(),
    };
    !is_integer && is_rounded(text)
}

fn of_values(values: &mut Values) {
    let width = values.rows.iter().map(|row| row.len()).max().unwrap_or(0);
    for place in 0..width {
        let cells = || values.rows.iter().filter_map(|row| row.get(place));
        let texts: Vec<&str> = cells().filter_map(|cell| number(unsigned(cell))).collect();
        let is_null = |cell: &Expr| matches!(cell, Expr::Value(v) if v.value == Value::Null);
        let others = cells().filter(|cell| number(unsigned(cell)).is_none() && !is_null(cell));
        // Of these a float keeps every one.
        let is_large = |text: &&str| !text.contains('.') && text.len() > 15;
        let has_fraction = texts.iter().any(|text| text.contains('.'));
        let is_needed =
            cells().any(is_number_rounded) || has_fraction && texts.iter().any(is_large);
        let digits = |text: &&str| {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            (whole.trim_start_matches('0').len(), fraction.len())
        };
        let whole = texts.iter().map(|text| digits(text).0).max().unwrap_or(0);
        let scale = texts.iter().map(|text| digits(text).1).max().unwrap_or(0);
        let have_room = whole + scale <= MAX_DIGITS;
        let have_exponents = texts.iter().any(|text| text.contains(['e', 'E']));
        if !is_needed || !have_room || have_exponents || others.count() > 0 {
            continue;
        }
        for row in &mut values.rows {
            let Some(cell) = row.get_mut(place) else { continue };
            let cell = match cell {
                Expr::UnaryOp { op: UnaryOperator::Minus, expr } => expr.as_mut(),
                other => other,
            };
            if let Some(text) = number(cell) {
                // Of one type: the engine would find another for several.
                *cell = decimal_of(text, (whole + scale).max(1), scale);
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

/// Whether it is another number as a float.
fn is_rounded(text: &str) -> bool {
    if text.contains(['e', 'E']) {
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
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = (whole.trim_start_matches('0').len() + fraction.len()).max(1);
    (digits <= MAX_DIGITS).then(|| decimal_of(text, digits, fraction.len()))
}

fn decimal_of(text: &str, digits: usize, scale: usize) -> Expr {
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(Expr::value(Value::SingleQuotedString(text.to_owned()))),
        data_type: DataType::Decimal(ExactNumberInfo::PrecisionAndScale(
            digits as u64,
            scale as i64,
        )),
        array: false,
        format: None,
    }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::parse_one;

    use super::*;

    #[test]
    fn numbers_that_a_float_would_round_are_decimals() {
        for (text, expected) in [
            ("SELECT 4.32, 9007199254740993, 0.1", "SELECT 4.32, 9007199254740993, 0.1"),
            ("SELECT x > 1e30, x < 18446744073709551615", "SELECT x > 1e30, x < 18446744073709551615"),
            ("SELECT x = 1.500000000000000000000", "SELECT x = 1.500000000000000000000"),
            (
                "SELECT x <> 18446744073709551617",
                "SELECT x <> CAST('18446744073709551617' AS DECIMAL(20,0))",
            ),
            (
                "SELECT x FROM t WHERE x > -123456789.123456789123456789",
                "SELECT x FROM t WHERE x > -CAST('123456789.123456789123456789' AS DECIMAL(27,18))",
            ),
            (
                "DELETE FROM t WHERE x = -9223372036854775809 OR x > -9223372036854775808",
                "DELETE FROM t WHERE x = -CAST('9223372036854775809' AS DECIMAL(19,0)) OR x > -9223372036854775808",
            ),
            (
                "SELECT CAST(0.12345678901234567891 AS DECIMAL(30,20))",
                "SELECT CAST(CAST('0.12345678901234567891' AS DECIMAL(20,20)) AS DECIMAL(30,20))",
            ),
            (
                "SELECT f IN (0, 9007199254740992.5), f BETWEEN 0 AND 9007199254740992.5, CASE f WHEN 9007199254740992.5 THEN 0 END",
                "SELECT f IN (0, CAST('9007199254740992.5' AS DECIMAL(17,1))), f BETWEEN 0 AND CAST('9007199254740992.5' AS DECIMAL(17,1)), \
                 CASE f WHEN CAST('9007199254740992.5' AS DECIMAL(17,1)) THEN 0 END",
            ),
            (
                "UPDATE t SET x = 0.12345678901234567891",
                "UPDATE t SET x = CAST('0.12345678901234567891' AS DECIMAL(20,20))",
            ),
            (
                "INSERT INTO t VALUES (-9007199254740993, 1), (2.5, 9007199254740993), (NULL, 2)",
                "INSERT INTO t VALUES (-CAST('9007199254740993' AS DECIMAL(17,1)), 1), (CAST('2.5' AS DECIMAL(17,1)), 9007199254740993), (NULL, 2)",
            ),
            (
                "INSERT INTO t VALUES (0.1234567890123456), (1234567890123456789012.5)",
                "INSERT INTO t VALUES (CAST('0.1234567890123456' AS DECIMAL(38,16))), (CAST('1234567890123456789012.5' AS DECIMAL(38,16)))",
            ),
        ].into_iter().chain([
            "VALUES (5), (0.5)",
            "INSERT INTO t VALUES (1.5e-17), (12345678901234567890.5)",
            "INSERT INTO t VALUES (f(1)), (12345678901234567890.5)",
            "SELECT f IN (0, 1234567890123456789), f BETWEEN 0 AND 0.5",
            "SELECT coalesce(f, 12345678901234567890.5) UNION ALL SELECT 1.5e-17",
            "SELECT * FROM (VALUES (0.1234567890123456), (1234567890123456789012.5)) AS v",
        ].map(|same| (same, same))) {
            let mut statement = parse_one(text).unwrap();
            keep_digits(&mut statement);
            assert_eq!(statement.to_string(), expected);
        }
    }
}
