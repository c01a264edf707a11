//! From logical to physical plans, with the nodes of this crate.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::SessionState;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
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
        match without_late_filters(plan, session)? {
            Some(state) => planner.create_physical_plan(plan, &state).await,
            None => planner.create_physical_plan(plan, session).await,
        }
    }
}

/// The session for a plan with a join: filters that a top-k learns as it goes stay with it.
///
/// The engine (55.2) hands such a filter down by the names of columns. Above a join where both sides have a
/// column of one name it takes the first, filters the wrong side, and loses rows.
fn without_late_filters(plan: &LogicalPlan, session: &dyn Session) -> Result<Option<SessionState>> {
    let mut has_join = false;
    plan.apply_with_subqueries(|step| {
        has_join |= matches!(step, LogicalPlan::Join(_));
        Ok(if has_join { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    let state = session.as_any().downcast_ref::<SessionState>().filter(|_| has_join);
    Ok(state.cloned().map(|mut state| {
        let options = state.config_mut().options_mut();
        options.optimizer.enable_topk_dynamic_filter_pushdown = false;
        state
    }))
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
