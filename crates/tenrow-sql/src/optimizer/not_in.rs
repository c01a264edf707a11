//! `x NOT IN (SELECT y …)` where nulls decide: no row may have a `y` that is `x`, or may be.
//!
//! The engine (55.2) minds nulls only if `x` is a column, the query names none of the outer ones, and no `OR` or `NOT` is around;
//! else it passes over the null, and leaves rows of which nothing is known.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema, ExprSchema, Result, ScalarValue, internal_err};
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::{
    BinaryExpr, Expr, Filter, LogicalPlan, Operator, Subquery, binary_expr, lit, when,
};
use datafusion::optimizer::AnalyzerRule;

/// Makes such a filter one for rows of which no such row exists; and where it counts whether `IN` is false or unknown, as beneath
/// a `NOT`, one that tells them apart.
#[derive(Debug)]
pub(super) struct NotIn;

impl AnalyzerRule for NotIn {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| match plan {
            LogicalPlan::Filter(filter) => {
                let outer = filter.input.schema().clone();
                let predicate = of_predicate(filter.predicate, &outer, true)?;
                let changed = predicate.transformed;
                let plan = LogicalPlan::Filter(Filter::try_new(predicate.data, filter.input)?);
                Ok(if changed { Transformed::yes(plan) } else { Transformed::no(plan) })
            }
            plan => Ok(Transformed::no(plan)),
        })
        .data()
    }

    fn name(&self) -> &str {
        "tenrow_not_in"
    }
}

/// A predicate that leaves rows for which it is true: whether it is false or unknown for the others is all one.
fn of_predicate(expr: Expr, outer: &DFSchema, is_whole: bool) -> Result<Transformed<Expr>> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right }) => {
            let is_whole = is_whole && op == Operator::And;
            let left = of_predicate(*left, outer, is_whole)?;
            let right = of_predicate(*right, outer, is_whole)?;
            let changed = left.transformed || right.transformed;
            let both = binary_expr(left.data, op, right.data);
            Ok(if changed { Transformed::yes(both) } else { Transformed::no(both) })
        }
        Expr::Not(inner) if matches!(&*inner, Expr::InSubquery(found) if !found.negated) => {
            let Expr::InSubquery(found) = *inner else { return internal_err!("it is one") };
            of_predicate(Expr::InSubquery(InSubquery { negated: true, ..found }), outer, is_whole)
        }
        Expr::InSubquery(found) if !found.negated => Ok(Transformed::no(Expr::InSubquery(found))),
        Expr::InSubquery(found) if is_whole && is_minded(&found) => {
            Ok(Transformed::no(Expr::InSubquery(found)))
        }
        Expr::InSubquery(found) => {
            Ok(Transformed::yes(exists(&found, outer, Expr::is_not_false, true)?))
        }
        other => other.transform_up(|part| match part {
            Expr::InSubquery(found) => Ok(Transformed::yes(of_three(&found, outer)?)),
            part => Ok(Transformed::no(part)),
        }),
    }
}

/// Whether the engine minds nulls by itself, if it is a condition that must hold.
fn is_minded(found: &InSubquery) -> bool {
    found.subquery.outer_ref_columns.is_empty() && matches!(*found.expr, Expr::Column(_))
}

/// `CASE WHEN EXISTS (… y = x) THEN TRUE WHEN EXISTS (… (y = x) IS NULL) THEN NULL ELSE FALSE END`, or its negation.
fn of_three(found: &InSubquery, outer: &DFSchema) -> Result<Expr> {
    let is_one = exists(found, outer, |is_same| is_same, false)?;
    let may_be = exists(found, outer, Expr::is_unknown, false)?;
    let unknown = lit(ScalarValue::Boolean(None));
    when(is_one, lit(!found.negated)).when(may_be, unknown).otherwise(lit(found.negated))
}

/// `[NOT] EXISTS (SELECT … WHERE holds(y = x))`.
fn exists(
    found: &InSubquery,
    outer: &DFSchema,
    holds: impl Fn(Expr) -> Expr,
    negated: bool,
) -> Result<Expr> {
    let InSubquery { expr, subquery, .. } = found.clone();
    let (mut own, mut names) = (BTreeSet::new(), subquery.outer_ref_columns);
    let x = expr.transform_up(|part| match part {
        Expr::Column(column) => {
            let field = Arc::clone(outer.field_from_column(&column)?);
            own.insert(column.clone());
            Ok(Transformed::yes(Expr::OuterReferenceColumn(field, column)))
        }
        part => Ok(Transformed::no(part)),
    })?;
    for column in own {
        let field = Arc::clone(outer.field_from_column(&column)?);
        let name = Expr::OuterReferenceColumn(field, column);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let (qualifier, field) = subquery.subquery.schema().qualified_field(0);
    let y = Expr::Column(Column::new(qualifier.cloned(), field.name()));
    let filter = Filter::try_new(holds(y.eq(x.data)), subquery.subquery)?;
    let query = Arc::new(LogicalPlan::Filter(filter));
    let subquery = Subquery { subquery: query, outer_ref_columns: names, spans: subquery.spans };
    Ok(Expr::Exists(Exists { subquery, negated }))
}
