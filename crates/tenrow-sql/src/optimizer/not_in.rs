//! `x NOT IN (SELECT y …)` where nulls decide: no row may have a `y` that is `x`, or may be.
//!
//! The engine (55.2) minds nulls only if `x` is a column and the query names none of the outer ones; else it passes over the
//! null, and leaves rows of which nothing is known.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema, ExprSchema, Result};
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, Subquery};
use datafusion::optimizer::AnalyzerRule;

/// Makes such a filter one for rows of which no such row exists.
#[derive(Debug)]
pub(super) struct NotIn;

impl AnalyzerRule for NotIn {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| match plan {
            LogicalPlan::Filter(filter) => {
                let outer = filter.input.schema().clone();
                let predicate = filter.predicate.transform_up(|expr| rewritten(expr, &outer))?;
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

fn rewritten(expr: Expr, outer: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::Not(inner) => match *inner {
            Expr::InSubquery(found) if !found.negated && !is_minded(&found) => {
                not_exists(found, outer)
            }
            inner => Ok(Transformed::no(Expr::Not(Box::new(inner)))),
        },
        Expr::InSubquery(found) if found.negated && !is_minded(&found) => not_exists(found, outer),
        other => Ok(Transformed::no(other)),
    }
}

/// Whether the engine minds nulls by itself.
fn is_minded(found: &InSubquery) -> bool {
    found.subquery.outer_ref_columns.is_empty() && matches!(*found.expr, Expr::Column(_))
}

/// `NOT EXISTS (SELECT … WHERE (y = x) IS NOT FALSE)`.
fn not_exists(found: InSubquery, outer: &DFSchema) -> Result<Transformed<Expr>> {
    let InSubquery { expr, subquery, .. } = found;
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
    let filter = Filter::try_new(y.eq(x.data).is_not_false(), subquery.subquery)?;
    let query = Arc::new(LogicalPlan::Filter(filter));
    let subquery = Subquery { subquery: query, outer_ref_columns: names, spans: subquery.spans };
    Ok(Transformed::yes(Expr::Exists(Exists { subquery, negated: true })))
}
