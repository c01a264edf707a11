//! Expressions of a plan changed one by one, where any of them is concerned.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// The plan with each part of its expressions changed, innermost first; they keep the names that they give.
pub(super) fn changed(
    plan: LogicalPlan,
    is_concerned: impl Fn(&Expr) -> bool,
    change: impl Fn(Expr, &DFSchema) -> Transformed<Expr>,
) -> Result<Transformed<LogicalPlan>> {
    let mut concerns = false;
    for expr in plan.expressions() {
        concerns |= expr.exists(|part| Ok(is_concerned(part)))?;
    }
    if !concerns {
        return Ok(Transformed::no(plan));
    }
    let mut schema = merge_schema(&plan.inputs());
    schema.merge(plan.schema());
    let names = NamePreserver::new(&plan);
    plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let expr = expr.transform_up(|part| Ok(change(part, &schema)))?;
        Ok(expr.update_data(|expr| name.restore(expr)))
    })
}
