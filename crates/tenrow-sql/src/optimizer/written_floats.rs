//! A float that a statement says beside integers is compared as the number that it is.
//!
//! The engine (55.2) makes floats of the integers, which rounds those above 2^53: 9007199254740993 was equal to 9007199254740992.0,
//! in `IN` lists, `BETWEEN`, `CASE x WHEN` and `nullif` as well.

use arrow_schema::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{
    Between, BinaryExpr, Case, Expr, ExprSchemable, LogicalPlan, Operator, when,
};
use datafusion::optimizer::AnalyzerRule;

use super::expressions::changed;

/// Makes integers of such floats; where an order is asked for, of the next one that gives the same rows.
///
/// It comes before the engine finds one type for them. Floats that are columns are left to it.
#[derive(Debug)]
pub(super) struct WrittenFloats;

impl AnalyzerRule for WrittenFloats {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| changed(plan, may_be_concerned, exact)).data()
    }

    fn name(&self) -> &str {
        "tenrow_written_floats"
    }
}

fn may_be_concerned(part: &Expr) -> bool {
    literal(part).is_some() || matches!(part, Expr::ScalarFunction(call) if call.name() == "nullif")
}

fn exact(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let meets_integers = |of: &Expr, others: &[&Expr]| meets_integers(of, others, schema);
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if is_comparison(op) && meets_integers(&left, &[&right]) =>
        {
            let swapped = op.swap().unwrap_or(op);
            let (left, right) = (beside(*left, swapped), beside(*right, op));
            Transformed::yes(Expr::BinaryExpr(BinaryExpr::new(left.into(), op, right.into())))
        }
        Expr::Between(Between { expr, negated, low, high }) if is_integer(&expr, schema) => {
            let (low, high) = (beside(*low, Operator::GtEq), beside(*high, Operator::LtEq));
            Transformed::yes(Expr::Between(Between::new(expr, negated, low.into(), high.into())))
        }
        Expr::InList(InList { expr, list, negated })
            if meets_integers(&expr, &list.iter().collect::<Vec<_>>()) =>
        {
            let list = list.into_iter().map(equal).collect();
            Transformed::yes(Expr::InList(InList::new(equal(*expr).into(), list, negated)))
        }
        Expr::Case(Case { expr: Some(of), when_then_expr, else_expr })
            if meets_integers(
                &of,
                &when_then_expr.iter().map(|(when, _)| when.as_ref()).collect::<Vec<_>>(),
            ) =>
        {
            let whens = when_then_expr.into_iter();
            let whens = whens.map(|(when, then)| (equal(*when).into(), then)).collect();
            Transformed::yes(Expr::Case(Case::new(Some(equal(*of).into()), whens, else_expr)))
        }
        Expr::ScalarFunction(call) if call.name() == "nullif" => match call.args.as_slice() {
            [of, other] if is_integer(of, schema) && is_fraction(other, schema) => {
                let is_same = of.clone().eq(equal(other.clone()));
                let null = Expr::Literal(ScalarValue::Null, None);
                match when(is_same, null).otherwise(of.clone()) {
                    Ok(case) => Transformed::yes(case),
                    Err(_) => Transformed::no(Expr::ScalarFunction(call)),
                }
            }
            _ => Transformed::no(Expr::ScalarFunction(call)),
        },
        other => Transformed::no(other),
    }
}

fn is_comparison(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// Whether `of`, which is compared with each of the others, is an integer; or a float that is said, and all others are integers.
fn meets_integers(of: &Expr, others: &[&Expr], schema: &DFSchema) -> bool {
    match literal(of) {
        None => is_integer(of, schema),
        Some(_) => others.iter().all(|other| is_integer(other, schema)),
    }
}

/// Whether it is a float that is said, or a decimal: with it, `nullif` would give integers of another type than they have.
fn is_fraction(expr: &Expr, schema: &DFSchema) -> bool {
    literal(expr).is_some() || expr.get_type(schema).is_ok_and(|kind| kind.is_decimal())
}

fn is_integer(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema).is_ok_and(|kind: DataType| kind.is_integer())
}

/// The float that stands in the statement: NaN and the infinities are left as they are.
fn literal(expr: &Expr) -> Option<f64> {
    let (sign, inner) = match expr {
        Expr::Negative(inner) => (-1.0, inner.as_ref()),
        other => (1.0, other),
    };
    match inner {
        Expr::Literal(ScalarValue::Float64(Some(value)), _) if value.is_finite() => {
            Some(sign * value)
        }
        _ => None,
    }
}

/// What an integer is compared with instead of a float, which is on the right.
fn beside(expr: Expr, op: Operator) -> Expr {
    match (literal(&expr), op) {
        (None, _) => expr,
        (Some(float), Operator::Lt | Operator::GtEq) => integer(float.ceil()),
        (Some(float), Operator::LtEq | Operator::Gt) => integer(float.floor()),
        (Some(_), _) => equal(expr),
    }
}

/// What integers are equal to if they are equal to the float.
fn equal(expr: Expr) -> Expr {
    match literal(&expr) {
        None => expr,
        Some(float) if float.fract() == 0.0 => integer(float),
        // A half: no integer is.
        Some(_) => Expr::Literal(ScalarValue::Decimal128(Some(5), 1, 1), None),
    }
}

/// A float without a fraction as an integer; as a decimal that is as far from all of them, if it is outside of theirs.
fn integer(float: f64) -> Expr {
    /// 2^63.
    const SIGNED_END: f64 = 9_223_372_036_854_775_808.0;
    let value = if (-SIGNED_END..SIGNED_END).contains(&float) {
        ScalarValue::Int64(Some(float as i64))
    } else if (0.0..2.0 * SIGNED_END).contains(&float) {
        ScalarValue::UInt64(Some(float as u64))
    } else {
        let far = 10_i128.pow(DIGITS_OUTSIDE - 1);
        ScalarValue::Decimal128(Some(if float > 0.0 { far } else { -far }), DIGITS_OUTSIDE as u8, 0)
    };
    Expr::Literal(value, None)
}

/// One digit more than those of the largest integer: with others beside it, all fit into one type.
const DIGITS_OUTSIDE: u32 = 22;

#[cfg(test)]
mod tests {
    use super::*;

    fn float(value: f64) -> Expr {
        Expr::Literal(ScalarValue::Float64(Some(value)), None)
    }

    #[test]
    fn floats_are_the_integers_that_give_the_same_rows() {
        let integer = |value: i64| Expr::Literal(ScalarValue::Int64(Some(value)), None);
        for (value, op, expected) in [
            (2.5, Operator::Lt, 3),
            (2.5, Operator::LtEq, 2),
            (2.5, Operator::Gt, 2),
            (2.5, Operator::GtEq, 3),
            (-2.5, Operator::Lt, -2),
            (-2.5, Operator::LtEq, -3),
            (2.0, Operator::Lt, 2),
            (2.0, Operator::Eq, 2),
            (-9_223_372_036_854_775_808.0, Operator::NotEq, i64::MIN),
        ] {
            assert_eq!(beside(float(value), op), integer(expected), "{op} {value}");
        }
    }

    #[test]
    fn no_integer_is_equal_to_a_fraction_or_to_what_is_outside() {
        for value in [0.5, -1e-300] {
            assert!(equal(float(value)).to_string().contains('5'), "{value}");
        }
        let unsigned = |value| ScalarValue::UInt64(Some(value));
        assert_eq!(
            equal(float(9_223_372_036_854_775_808.0)),
            Expr::Literal(unsigned(9_223_372_036_854_775_808), None)
        );
        for (value, sign) in [(18_446_744_073_709_551_616.0, 1), (1e300, 1), (-1e19, -1)] {
            let far = ScalarValue::Decimal128(Some(sign * 10_i128.pow(21)), 22, 0);
            assert_eq!(equal(float(value)), Expr::Literal(far, None), "{value}");
        }
    }
}
