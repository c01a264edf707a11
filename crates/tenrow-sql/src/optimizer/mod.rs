//! What this crate adds to the engine's optimizer and planner.

mod careful;
mod contents;
mod days;
mod decimals;
mod exact;
mod expressions;
mod floats;
mod integers;
mod late_fetch;
mod nearest;
mod node;
mod not_in;
mod opaque;
mod planner;
mod predicates;
mod written_floats;
mod yielding;

use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;
use datafusion::optimizer::{Analyzer, AnalyzerRule};

/// Adds the rules and nodes of this crate.
pub(crate) fn install(mut builder: SessionStateBuilder) -> SessionStateBuilder {
    if let Some(config) = builder.config() {
        // Fields of datasets say what they are in their metadata, which the engine passes on through `UNION` in its
        // physical plans and not in its logical ones, and then finds that the two differ.
        config.options_mut().execution.skip_physical_aggregate_schema_check = true;
    }
    // Before all others: the engine's own take what they know.
    let planners = builder.expr_planners().get_or_insert_default();
    planners.insert(0, Arc::new(integers::WideIntegers));
    planners.insert(0, Arc::new(decimals::BesideFloats));
    planners.insert(0, Arc::new(days::DaysAndHours));
    let mut analyzer: Vec<Arc<dyn AnalyzerRule + Send + Sync>> = vec![
        Arc::new(integers::WideNegatives),
        Arc::new(written_floats::WrittenFloats),
        Arc::new(decimals::AmongFloats),
    ];
    analyzer.extend(Analyzer::new().rules);
    builder
        .with_analyzer_rules(analyzer)
        .with_analyzer_rule(Arc::new(decimals::WrittenDecimals))
        .with_analyzer_rule(Arc::new(nearest::NearestFloats))
        .with_analyzer_rule(Arc::new(exact::ExactIntegers))
        .with_analyzer_rule(Arc::new(floats::PlainFloats))
        .with_analyzer_rule(Arc::new(predicates::Predicates))
        .with_analyzer_rule(Arc::new(not_in::NotIn))
        .with_optimizer_rules(careful::logical_rules())
        .with_optimizer_rule(Arc::new(contents::FileContents))
        .with_optimizer_rule(Arc::new(late_fetch::LateFetch))
        .with_query_planner(Arc::new(planner::Planner))
        .with_physical_optimizer_rules(careful::rules())
        .with_physical_optimizer_rule(Arc::new(yielding::YieldingJoins))
}
