//! `4.32` beside a decimal is the decimal that is written.
//!
//! The engine (55.2) reads it as a float, and the decimal that it makes of that is 4.320000000000001.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Cast, Expr, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

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
