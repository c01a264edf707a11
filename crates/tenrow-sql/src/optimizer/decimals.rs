//! `4.32` beside a decimal is the decimal that is written, and a float that is not written so is compared as a float.
//!
//! The engine (55.2) reads it as a float, and the decimal that it makes of that is 4.320000000000001. Decimals and floats it
//! compares as decimals of 15 digits behind the point, of which 1e-20 is 0, and fails of NaN.

use arrow_schema::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Cast, Expr, ExprSchemable, LogicalPlan, cast};
use datafusion::optimizer::AnalyzerRule;
use datafusion::sql::sqlparser::ast::BinaryOperator;

/// Compares decimals with floats.
#[derive(Debug)]
pub(super) struct BesideFloats;

impl ExprPlanner for BesideFloats {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
        let kind = |expr: &Expr| expr.get_type(schema).ok();
        let (left, right) = match (kind(&expr.left), kind(&expr.right)) {
            _ if !matches!(expr.op, Eq | NotEq | Lt | LtEq | Gt | GtEq) => {
                return Ok(PlannerResult::Original(expr));
            }
            (Some(left), Some(right)) if left.is_floating() && right.is_decimal() => {
                alike(expr.left, expr.right)
            }
            (Some(left), Some(right)) if left.is_decimal() && right.is_floating() => {
                let (right, left) = alike(expr.right, expr.left);
                (left, right)
            }
            _ => return Ok(PlannerResult::Original(expr)),
        };
        Ok(PlannerResult::Original(RawBinaryExpr { op: expr.op, left, right }))
    }
}

fn alike(float: Expr, decimal: Expr) -> (Expr, Expr) {
    match written(&float) {
        Some(written) => (written, decimal),
        None => (float, cast(decimal, DataType::Float64)),
    }
}

/// The decimal that stands in the statement, if it is one that its type has room for.
fn written(float: &Expr) -> Option<Expr> {
    let (sign, literal) = match float {
        Expr::Negative(inner) => (-1, inner.as_ref()),
        other => (1, other),
    };
    let Expr::Literal(ScalarValue::Float64(Some(value)), _) = literal else { return None };
    let text = value.is_finite().then(|| value.to_string())?;
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let number: i128 = format!("{whole}{fraction}").parse().ok()?;
    let digits = number.unsigned_abs().to_string().len().max(fraction.len());
    let precision = u8::try_from(digits).ok().filter(|&digits| digits <= MAX_DIGITS)?;
    let value = ScalarValue::Decimal128(Some(sign * number), precision, fraction.len() as i8);
    Some(Expr::Literal(value, None))
}

/// Digits of a constant: with those of most columns they fit into one type.
const MAX_DIGITS: u8 = 30;

/// Casts constants of floats to decimals by their digits.
#[derive(Debug)]
pub(super) struct WrittenDecimals;

impl AnalyzerRule for WrittenDecimals {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| {
            let names = NamePreserver::new(&plan);
            plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let expr = expr.transform_up(|part| Ok(by_digits(part)))?;
                Ok(expr.update_data(|expr| name.restore(expr)))
            })
        })
        .data()
    }

    fn name(&self) -> &str {
        "tenrow_written_decimals"
    }
}

fn by_digits(expr: Expr) -> Transformed<Expr> {
    let Expr::Cast(Cast { expr: inner, field }) = &expr else { return Transformed::no(expr) };
    let digits = match inner.as_ref() {
        Expr::Literal(ScalarValue::Float64(Some(value)), _) if value.is_finite() => {
            value.to_string()
        }
        Expr::Literal(ScalarValue::Float32(Some(value)), _) if value.is_finite() => {
            value.to_string()
        }
        _ => return Transformed::no(expr),
    };
    let target = field.data_type();
    if !target.is_decimal() {
        return Transformed::no(expr);
    }
    match ScalarValue::Utf8(Some(digits)).cast_to(target) {
        Ok(value) if !value.is_null() => Transformed::yes(Expr::Literal(value, None)),
        // Too large: the cast says so, if it comes to that.
        _ => Transformed::no(expr),
    }
}
