//! A day and a span of hours are a moment.
//!
//! The engine (55.2) gives a day again, and drops the hours: 2020-01-01 and 36 hours were 2020-01-02.

use arrow_schema::{DataType, TimeUnit};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, cast};
use datafusion::sql::sqlparser::ast::BinaryOperator;

/// Makes a moment of a day to which other than whole days and months are added.
#[derive(Debug)]
pub(super) struct DaysAndHours;

impl ExprPlanner for DaysAndHours {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        if !matches!(expr.op, BinaryOperator::Plus | BinaryOperator::Minus) {
            return Ok(PlannerResult::Original(expr));
        }
        let is_day =
            |expr: &Expr| matches!(expr.get_type(schema), Ok(DataType::Date32 | DataType::Date64));
        let has_hours = |expr: &Expr| {
            matches!(expr.get_type(schema), Ok(DataType::Interval(_))) && !is_of_days(expr)
        };
        let moment = |expr: Expr| cast(expr, DataType::Timestamp(TimeUnit::Microsecond, None));
        let RawBinaryExpr { op, left, right } = expr;
        let (left, right) = match (is_day(&left), is_day(&right)) {
            (true, false) if has_hours(&right) => (moment(left), right),
            (false, true) if has_hours(&left) => (left, moment(right)),
            _ => (left, right),
        };
        Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }))
    }
}

/// Whether it is a constant of whole days and months.
fn is_of_days(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(span)), _) => span.nanoseconds == 0,
        Expr::Literal(ScalarValue::IntervalDayTime(Some(span)), _) => span.milliseconds == 0,
        Expr::Literal(ScalarValue::IntervalYearMonth(_), _) => true,
        Expr::Negative(inner) => is_of_days(inner),
        _ => false,
    }
}
