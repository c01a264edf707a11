//! Rules of the engine (55.2) that pass over plans which they would get wrong.
//!
//! - What is computed of the rows that a filter leaves is computed of no others. The engine computes it beneath the filter where
//!   that makes rows narrower: `SELECT _row, x / y … WHERE _row <> 3` failed for the row 3, whose `y` is 0.
//! - What is counted once each is counted. From statistics the engine took one value for no row: of a column that a filter
//!   leaves one value of, beneath a join of nothing.
//! - What is summed beside it is summed at once. The engine adds up the rows of each value first, and sums of these: one of them
//!   was too large where the whole sum is not.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::optimizer::{ApplyOrder, Optimizer};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::expressions::{Column, Literal};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;

type LogicalRule = Arc<dyn OptimizerRule + Send + Sync>;
type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;
type IsMistaken = fn(&Arc<dyn ExecutionPlan>) -> Result<bool>;

/// The engine's rules.
pub(super) fn rules() -> Vec<Rule> {
    let careful = |rule: Rule| {
        let is_mistaken: IsMistaken = match rule.name() {
            "ProjectionPushdown" => computes_above_filter,
            "aggregate_statistics" => counts_once,
            _ => return rule,
        };
        Arc::new(Careful { rule, is_mistaken }) as Rule
    };
    PhysicalOptimizer::new().rules.into_iter().map(careful).collect()
}

/// The engine's rules of logical plans.
pub(super) fn logical_rules() -> Vec<LogicalRule> {
    let careful = |rule: LogicalRule| match rule.name() {
        "single_distinct_aggregation_to_group_by" => Arc::new(SumsAtOnce(rule)) as LogicalRule,
        _ => rule,
    };
    Optimizer::new().rules.into_iter().map(careful).collect()
}

/// A rule that passes over aggregates with sums.
#[derive(Debug)]
struct SumsAtOnce(LogicalRule);

impl OptimizerRule for SumsAtOnce {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let is_sum = |expr: &Expr| matches!(expr.clone().unalias(), Expr::AggregateFunction(f) if f.func.name() == "sum");
        match &plan {
            LogicalPlan::Aggregate(aggregate) if aggregate.aggr_expr.iter().any(is_sum) => {
                Ok(Transformed::no(plan))
            }
            _ => self.0.rewrite(plan, config),
        }
    }
}

#[derive(Debug)]
struct Careful {
    rule: Rule,
    is_mistaken: IsMistaken,
}

impl PhysicalOptimizerRule for Careful {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        options: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (self.is_mistaken)(&plan)? {
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

fn counts_once(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    plan.exists(|node| {
        let aggregate = node.downcast_ref::<AggregateExec>();
        Ok(aggregate.is_some_and(|node| node.aggr_expr().iter().any(|f| f.is_distinct())))
    })
}
