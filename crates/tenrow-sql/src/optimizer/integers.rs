//! `a + b`, `a - b`, `a * b` of integers that are narrow or unsigned, and `-a` of narrow ones: as 64-bit numbers.
//!
//! The engine (55.2) computes in the type of the operands and wraps: 3 - 5 of two bytes was 254, and -(-128) of one was -128.

use arrow_schema::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, cast};
use datafusion::optimizer::AnalyzerRule;
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::expressions::changed;

/// Casts the operands where both are integers in whose type the result may not fit.
#[derive(Debug)]
pub(super) struct WideIntegers;

impl ExprPlanner for WideIntegers {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let is_arithmetic = matches!(
            expr.op,
            BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply
        );
        if !is_arithmetic {
            return Ok(PlannerResult::Original(expr));
        }
        let (Ok(left), Ok(right)) = (expr.left.get_type(schema), expr.right.get_type(schema))
        else {
            return Ok(PlannerResult::Original(expr));
        };
        Ok(PlannerResult::Original(match wide_enough(&left, &right, &expr.op) {
            Some(wide) => RawBinaryExpr {
                op: expr.op,
                left: cast(expr.left, wide.clone()),
                right: cast(expr.right, wide),
            },
            None => expr,
        }))
    }
}

/// The same for `-a`. It comes before the engine finds the types of what is computed with it.
#[derive(Debug)]
pub(super) struct WideNegatives;

impl AnalyzerRule for WideNegatives {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let mut has_any = false;
        plan.apply_with_subqueries(|step| {
            for expr in step.expressions() {
                has_any |= expr.exists(|part| Ok(is_negative(part)))?;
            }
            Ok(if has_any { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })?;
        if !has_any {
            return Ok(plan);
        }
        plan.transform_up_with_subqueries(|step| {
            changed(step, is_negative, wide)?.map_data(LogicalPlan::recompute_schema)
        })
        .data()
    }

    fn name(&self) -> &str {
        "tenrow_wide_negatives"
    }
}

fn is_negative(expr: &Expr) -> bool {
    matches!(expr, Expr::Negative(inner) if !matches!(**inner, Expr::Literal(..)))
}

fn wide(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    use DataType::{Int8, Int16, Int32};
    match expr {
        Expr::Negative(inner) if matches!(inner.get_type(schema), Ok(Int8 | Int16 | Int32)) => {
            Transformed::yes(Expr::Negative(Box::new(cast(*inner, DataType::Int64))))
        }
        other => Transformed::no(other),
    }
}

fn wide_enough(left: &DataType, right: &DataType, op: &BinaryOperator) -> Option<DataType> {
    use DataType::{Int8, Int16, Int32, UInt8, UInt16, UInt32, UInt64};
    let is_narrow = |t: &DataType| matches!(t, Int8 | Int16 | Int32 | UInt8 | UInt16 | UInt32);
    let is_unsigned = |t: &DataType| matches!(t, UInt8 | UInt16 | UInt32 | UInt64);
    match (left, right) {
        // The largest product of two of these needs 64 bits without a sign.
        (UInt32, UInt32) if *op == BinaryOperator::Multiply => Some(UInt64),
        (left, right) if is_narrow(left) && is_narrow(right) => Some(DataType::Int64),
        (left, right)
            if is_unsigned(left) && is_unsigned(right) && *op == BinaryOperator::Minus =>
        {
            Some(DataType::Decimal128(20, 0))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_have_room() {
        let wide = |left, right, op| wide_enough(&left, &right, &op);
        use BinaryOperator::{Minus, Multiply, Plus};
        use DataType::{Int8, Int64, UInt8, UInt32, UInt64};
        assert_eq!(wide(UInt8, UInt8, Minus), Some(Int64));
        assert_eq!(wide(Int8, UInt32, Plus), Some(Int64));
        assert_eq!(wide(UInt32, UInt32, Multiply), Some(UInt64));
        assert_eq!(wide(UInt64, UInt8, Minus), Some(DataType::Decimal128(20, 0)));
        assert_eq!(wide(Int64, Int8, Plus), None);
    }
}
