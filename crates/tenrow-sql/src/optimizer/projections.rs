//! What is computed of the rows that a filter leaves is computed of no others.
//!
//! The engine (55.2) computes it beneath the filter where that makes rows narrower: `SELECT _row, x / y … WHERE _row <> 3` failed
//! for the row 3, whose `y` is 0.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::expressions::{Column, Literal};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// The engine's rules, of which the one that moves projections passes over such plans.
pub(super) fn rules() -> Vec<Rule> {
    let rules = PhysicalOptimizer::new().rules.into_iter();
    rules.map(|rule| match rule.name() {
        "ProjectionPushdown" => Arc::new(Careful { rule }) as Rule,
        _ => rule,
    })
    .collect()
}

#[derive(Debug)]
struct Careful {
    rule: Rule,
}

impl PhysicalOptimizerRule for Careful {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        options: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match computes_above_filter(&plan)? {
            true => Ok(plan),
            false => self.rule.optimize(plan, options),
        }
    }

    fn name(&self) -> &str {
        self.rule.name()
    }

    fn schema_check(&self) -> bool {
        self.rule.schema_check()
    }
}

/// Whether a projection that does more than choose columns has a filter somewhere below.
fn computes_above_filter(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    let mut found = false;
    plan.apply(|node| {
        if node.downcast_ref::<ProjectionExec>().is_some_and(computes) {
            found |= node.exists(|below| Ok(below.is::<FilterExec>()))?;
        }
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

fn computes(projection: &ProjectionExec) -> bool {
    projection.expr().iter().any(|part| !part.expr.is::<Column>() && !part.expr.is::<Literal>())
}
