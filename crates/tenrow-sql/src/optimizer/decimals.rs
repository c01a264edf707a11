//! `4.32` beside a decimal is the decimal that is written, and a float that is not written so is compared as a float.
//!
//! The engine (55.2) reads it as a float, and the decimal that it makes of that is 4.320000000000001. Decimals and floats it
//! compares as decimals of 15 digits behind the point, of which 1e-20 is 0, and fails of NaN.

use std::sync::Arc;

use arrow_schema::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Between, BinaryExpr, Case, Cast, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder,
    Operator, Union, cast,
};
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

/// The same where one is not compared by an operator: `BETWEEN`, `IN`, `CASE x WHEN`, `IS [NOT] DISTINCT FROM`, and functions and
/// unions that give one of several values. It comes before the engine finds one type for them.
#[derive(Debug)]
pub(super) struct AmongFloats;

impl AnalyzerRule for AmongFloats {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| {
            let mut schema = merge_schema(&plan.inputs());
            if let LogicalPlan::TableScan(scan) = &plan {
                schema.merge(&scan.projected_schema);
            }
            let names = NamePreserver::new(&plan);
            let plan = plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let expr = expr.transform_up(|part| {
                    Ok(among_floats(part, &schema).update_data(|part| results(part, &schema)))
                })?;
                Ok(expr.update_data(|expr| name.restore(expr)))
            })?;
            plan.transform_data(|plan| match plan {
                LogicalPlan::Union(union) => of_union(union),
                plan => Ok(Transformed::no(plan)),
            })
        })
        .data()
    }

    fn name(&self) -> &str {
        "tenrow_among_floats"
    }
}

/// Of expressions that need one type, those that are decimals as floats if another is a float that is not written.
fn among_floats(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let kind = |expr: &Expr| expr.get_type(schema).ok();
    let is_mixed = |parts: &[&Expr]| {
        let is_float = |part: &&&Expr| {
            kind(part).is_some_and(|kind| kind.is_floating()) && written(part).is_none()
        };
        let is_decimal = |part: &&&Expr| kind(part).is_some_and(|kind| kind.is_decimal());
        parts.iter().any(|part| is_float(&part)) && parts.iter().any(|part| is_decimal(&part))
    };
    let float = |part: Expr| match kind(&part) {
        Some(kind) if kind.is_decimal() => cast(part, DataType::Float64),
        _ => part,
    };
    match expr {
        Expr::Between(between) if is_mixed(&[&between.expr, &between.low, &between.high]) => {
            let Between { expr, negated, low, high } = between;
            let (expr, low, high) = (float(*expr), float(*low), float(*high));
            Transformed::yes(Expr::Between(Between::new(
                Box::new(expr),
                negated,
                Box::new(low),
                Box::new(high),
            )))
        }
        Expr::InList(list)
            if is_mixed(&list.list.iter().chain([list.expr.as_ref()]).collect::<Vec<_>>()) =>
        {
            let InList { expr, list, negated } = list;
            let list = list.into_iter().map(float).collect();
            Transformed::yes(Expr::InList(InList::new(Box::new(float(*expr)), list, negated)))
        }
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: op @ (Operator::IsDistinctFrom | Operator::IsNotDistinctFrom),
            right,
        }) if is_mixed(&[&left, &right]) => {
            let (left, right) = (Box::new(float(*left)), Box::new(float(*right)));
            Transformed::yes(Expr::BinaryExpr(BinaryExpr::new(left, op, right)))
        }
        Expr::Case(Case { expr: Some(of), when_then_expr, else_expr })
            if is_mixed(
                &when_then_expr
                    .iter()
                    .map(|(w, _)| w.as_ref())
                    .chain([of.as_ref()])
                    .collect::<Vec<_>>(),
            ) =>
        {
            let whens = when_then_expr.into_iter();
            let whens = whens.map(|(when, then)| (Box::new(float(*when)), then)).collect();
            Transformed::yes(Expr::Case(Case::new(Some(Box::new(float(*of))), whens, else_expr)))
        }
        Expr::ScalarFunction(call)
            if matches!(
                call.name(),
                "coalesce"
                    | "nullif"
                    | "greatest"
                    | "least"
                    | "nvl"
                    | "nvl2"
                    | "ifnull"
                    | "make_array"
            ) && is_mixed(&call.args.iter().collect::<Vec<_>>()) =>
        {
            let args = call.args.into_iter().map(float).collect();
            Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(call.func, args)))
        }
        other => Transformed::no(other),
    }
}

/// Decimals among the results of a `CASE` as floats, if another is a float that is not written.
fn results(expr: Expr, schema: &DFSchema) -> Expr {
    let Expr::Case(Case { expr: of, when_then_expr, else_expr }) = expr else { return expr };
    let kind = |part: &Expr| part.get_type(schema).ok();
    let mut parts = when_then_expr.iter().map(|(_, then)| then).chain(&else_expr);
    let is_float =
        |part: &Expr| kind(part).is_some_and(|kind| kind.is_floating()) && written(part).is_none();
    if !parts.any(|part| is_float(part)) {
        return Expr::Case(Case { expr: of, when_then_expr, else_expr });
    }
    let float = |part: Box<Expr>| match kind(&part) {
        Some(kind) if kind.is_decimal() => Box::new(cast(*part, DataType::Float64)),
        _ => part,
    };
    let whens = when_then_expr.into_iter().map(|(when, then)| (when, float(then))).collect();
    Expr::Case(Case::new(of, whens, else_expr.map(float)))
}

/// Columns of decimals as floats, where another input has floats that are not written.
fn of_union(union: Union) -> Result<Transformed<LogicalPlan>> {
    let width = union.inputs.iter().map(|input| input.schema().fields().len()).min().unwrap_or(0);
    let kind =
        |input: &LogicalPlan, column: usize| input.schema().field(column).data_type().clone();
    let is_mixed = |column: usize| {
        let is_float =
            |input: &LogicalPlan| kind(input, column).is_floating() && !is_written(input, column);
        union.inputs.iter().any(|input| is_float(input))
            && union.inputs.iter().any(|input| kind(input, column).is_decimal())
    };
    let mixed: Vec<usize> = (0..width).filter(|&column| is_mixed(column)).collect();
    if mixed.is_empty() {
        return Ok(Transformed::no(LogicalPlan::Union(union)));
    }
    let mut inputs = Vec::with_capacity(union.inputs.len());
    for input in union.inputs {
        let fields = input.schema().iter().enumerate();
        let columns: Vec<Expr> = fields
            .map(|(place, (qualifier, field))| {
                let column = Expr::from((qualifier, field));
                match mixed.contains(&place) && field.data_type().is_decimal() {
                    true => cast(column, DataType::Float64).alias(field.name()),
                    false => column,
                }
            })
            .collect();
        let input = LogicalPlanBuilder::from(Arc::unwrap_or_clone(input)).project(columns)?;
        inputs.push(Arc::new(input.build()?));
    }
    Ok(Transformed::yes(LogicalPlan::Union(Union::try_new_with_loose_types(inputs)?)))
}

/// Whether the column is a float that the statement says.
fn is_written(input: &LogicalPlan, column: usize) -> bool {
    match input {
        LogicalPlan::Projection(projection) => projection
            .expr
            .get(column)
            .is_some_and(|expr| written(&expr.clone().unalias()).is_some()),
        _ => false,
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
    let text = value.is_finite().then(|| digits_of(*value))?;
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let number: i128 = format!("{whole}{fraction}").parse().ok()?;
    let digits = number.unsigned_abs().to_string().len().max(fraction.len());
    let precision = u8::try_from(digits).ok().filter(|&digits| digits <= MAX_DIGITS)?;
    let value = ScalarValue::Decimal128(Some(sign * number), precision, fraction.len() as i8);
    Some(Expr::Literal(value, None))
}

/// The shortest digits that are this float; of one without a fraction that is large, those that it is.
fn digits_of(value: f64) -> String {
    /// From 2^53 on.
    const LARGE: f64 = 9_007_199_254_740_992.0;
    if value.abs() < LARGE { value.to_string() } else { format!("{value:.0}") }
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
            digits_of(*value)
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
