//! Predicates of which the engine (55.2) would make wrong ones, or too deep ones.
//!
//! - It puts lists of one column together, once casts are gone: `x NOT IN (5) OR x NOT IN (6)` it takes for true, and `x IN (5) AND x IN (6)`
//!   for false, where both are unknown if `x` is null. So each list but the first is of an expression that it cannot compare.
//! - Of conditions that all must hold it makes a chain, as deep as there are many; so all but the first few are one to it.

use std::collections::{BTreeSet, HashMap};

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, LogicalPlan, and};
use datafusion::optimizer::AnalyzerRule;

use super::opaque::opaque;

/// Conditions that the engine looks into one by one.
const MAX_CONDITIONS: usize = 64;

/// Keeps it from doing so.
#[derive(Debug)]
pub(super) struct Predicates;

impl AnalyzerRule for Predicates {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| {
            let names = NamePreserver::new(&plan);
            plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let expr = told_apart(expr)?;
                Ok(expr.update_data(|expr| name.restore(expr)))
            })?
            .map_data(|plan| match plan {
                LogicalPlan::Filter(mut filter) => {
                    filter.predicate = few(filter.predicate);
                    Ok(LogicalPlan::Filter(filter))
                }
                LogicalPlan::Join(mut join) => {
                    join.filter = join.filter.map(few);
                    Ok(LogicalPlan::Join(join))
                }
                plan => Ok(plan),
            })
        })
        .data()
    }

    fn name(&self) -> &str {
        "tenrow_predicates"
    }
}

/// Makes the expressions of lists different from each other.
fn told_apart(expr: Expr) -> Result<Transformed<Expr>> {
    let mut seen: HashMap<BTreeSet<Column>, usize> = HashMap::new();
    expr.transform_up(|part| match part {
        Expr::InList(InList { expr, list, negated }) => {
            let columns = expr.column_refs().into_iter().cloned().collect();
            let count = seen.entry(columns).or_default();
            let apart = (0..*count).fold(*expr, |expr, _| opaque(expr));
            let is_changed = *count > 0;
            *count += 1;
            let list = Expr::InList(InList { expr: Box::new(apart), list, negated });
            Ok(if is_changed { Transformed::yes(list) } else { Transformed::no(list) })
        }
        part => Ok(Transformed::no(part)),
    })
}

/// The predicate, of at most so many conditions.
fn few(predicate: Expr) -> Expr {
    let mut conditions = split_conjunction_owned(predicate);
    if conditions.len() > MAX_CONDITIONS {
        let rest = conditions.split_off(MAX_CONDITIONS - 1);
        conditions.push(opaque(all_of(rest)));
    }
    conjunction(conditions).expect("a predicate is one condition at least")
}

/// A conjunction that is no deeper than it must be.
fn all_of(mut conditions: Vec<Expr>) -> Expr {
    match conditions.len() {
        1 => conditions.remove(0),
        count => {
            let rest = conditions.split_off(count / 2);
            and(all_of(conditions), all_of(rest))
        }
    }
}
