//! What this crate adds to the engine's optimizer and planner.

mod contents;
mod late_fetch;
mod node;
mod planner;
mod yielding;

use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;

/// Adds the rules and nodes of this crate.
pub(crate) fn install(builder: SessionStateBuilder) -> SessionStateBuilder {
    builder
        .with_optimizer_rule(Arc::new(contents::FileContents))
        .with_optimizer_rule(Arc::new(late_fetch::LateFetch))
        .with_query_planner(Arc::new(planner::Planner))
        .with_physical_optimizer_rule(Arc::new(yielding::YieldingJoins))
}
