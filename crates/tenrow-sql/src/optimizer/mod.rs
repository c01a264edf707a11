//! What this crate adds to the engine's optimizer and planner.

mod contents;
mod late_fetch;
mod node;
mod planner;
mod yielding;

use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;

/// Adds the rules and nodes of this crate.
pub(crate) fn install(mut builder: SessionStateBuilder) -> SessionStateBuilder {
    if let Some(config) = builder.config() {
        // Fields of datasets say what they are in their metadata, which the engine passes on through `UNION` in its
        // physical plans and not in its logical ones, and then finds that the two differ.
        config.options_mut().execution.skip_physical_aggregate_schema_check = true;
    }
    builder
        .with_optimizer_rule(Arc::new(contents::FileContents))
        .with_optimizer_rule(Arc::new(late_fetch::LateFetch))
        .with_query_planner(Arc::new(planner::Planner))
        .with_physical_optimizer_rule(Arc::new(yielding::YieldingJoins))
}
