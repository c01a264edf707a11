//! From logical to physical plans, with the nodes of this crate.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Join, JoinType, LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};

use super::node::FetchNode;
use crate::exec::FetchExec;

/// The engine's planner, which knows [`FetchNode`] too.
#[derive(Debug)]
pub(super) struct Planner;

#[async_trait]
impl QueryPlanner for Planner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(Fetches)]);
        match without_mistaken_filters(plan, session)? {
            Some(state) => planner.create_physical_plan(plan, &state).await,
            None => planner.create_physical_plan(plan, session).await,
        }
    }
}

/// The session for a plan of which the engine (55.2) would lose rows by a filter that it hands down, if it is one.
///
/// It does so by the names of columns: above a join where both sides have a column of one name it takes the first, and
/// filters the wrong side. So filters that a top-k learns as it goes stay above joins, and above outer ones of columns of one
/// name all others too. Several aggregates learn one filter for all of them, which leaves out rows of one that has met
/// nothing but nulls: they learn none.
fn without_mistaken_filters(
    plan: &LogicalPlan,
    session: &dyn Session,
) -> Result<Option<SessionState>> {
    let (mut has_join, mut is_ambiguous, mut has_aggregates) = (false, false, false);
    plan.apply_with_subqueries(|step| {
        match step {
            LogicalPlan::Join(join) => {
                has_join = true;
                let is_outer =
                    matches!(join.join_type, JoinType::Left | JoinType::Right | JoinType::Full);
                is_ambiguous |= is_outer && has_names_twice(join);
            }
            LogicalPlan::Aggregate(aggregate) => has_aggregates |= aggregate.aggr_expr.len() > 1,
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    let state = session.as_any().downcast_ref::<SessionState>();
    let state = state.filter(|_| has_join || has_aggregates);
    let Some(mut state) = state.cloned() else { return Ok(None) };
    let options = &mut state.config_mut().options_mut().optimizer;
    options.enable_topk_dynamic_filter_pushdown &= !has_join;
    options.enable_aggregate_dynamic_filter_pushdown &= !has_aggregates;
    if is_ambiguous {
        let mut rules = state.physical_optimizers().to_vec();
        rules.retain(|rule| !rule.name().starts_with("FilterPushdown"));
        let builder = SessionStateBuilder::new_from_existing(state);
        state = builder.with_physical_optimizer_rules(rules).build();
    }
    Ok(Some(state))
}

/// Whether both sides have a column of one name.
fn has_names_twice(join: &Join) -> bool {
    let names = |plan: &LogicalPlan| -> HashSet<String> {
        plan.schema().fields().iter().map(|field| field.name().clone()).collect()
    };
    !names(&join.left).is_disjoint(&names(&join.right))
}

struct Fetches;

#[async_trait]
impl ExtensionPlanner for Fetches {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let (Some(node), Some(input)) = (node.as_any().downcast_ref::<FetchNode>(), inputs.first())
        else {
            return Ok(None);
        };
        let fetch = FetchExec::new(input.clone(), node.fetched(), node.row_index()?);
        Ok(Some(Arc::new(fetch)))
    }
}
