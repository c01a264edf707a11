//! How many rows a plan gives at most.

use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::logical_plan::TableScan;
use datafusion::logical_expr::{JoinType, LogicalPlan};

use crate::table::{DatasetTable, ViewTable};

/// The most rows that the plan can give, by what is known of its tables; [`u64::MAX`] where nothing is.
///
/// The engine's own bound knows no tables, and multiplies without a look at what comes out.
pub(super) fn most_rows(plan: &LogicalPlan) -> u64 {
    match plan {
        LogicalPlan::TableScan(scan) => rows_of(scan).unwrap_or(u64::MAX).min(first(scan.fetch)),
        LogicalPlan::Projection(of) => most_rows(&of.input),
        LogicalPlan::Filter(of) => most_rows(&of.input),
        LogicalPlan::SubqueryAlias(of) => most_rows(&of.input),
        LogicalPlan::Window(of) => most_rows(&of.input),
        LogicalPlan::Repartition(of) => most_rows(&of.input),
        LogicalPlan::Distinct(of) => most_rows(of.input()),
        // Without groups there is one row, of nothing too.
        LogicalPlan::Aggregate(of) => most_rows(&of.input).max(1),
        LogicalPlan::Sort(of) => most_rows(&of.input).min(first(of.fetch)),
        LogicalPlan::Limit(of) => {
            let own = plan.max_rows().and_then(|rows| u64::try_from(rows).ok());
            most_rows(&of.input).min(own.unwrap_or(u64::MAX))
        }
        LogicalPlan::Values(of) => of.values.len() as u64,
        LogicalPlan::EmptyRelation(of) => u64::from(of.produce_one_row),
        LogicalPlan::Union(of) => {
            of.inputs.iter().map(|input| most_rows(input)).fold(0, u64::saturating_add)
        }
        LogicalPlan::Join(join) => match join.join_type {
            JoinType::Inner => most_rows(&join.left).saturating_mul(most_rows(&join.right)),
            JoinType::LeftSemi | JoinType::LeftAnti => most_rows(&join.left),
            JoinType::RightSemi | JoinType::RightAnti => most_rows(&join.right),
            _ => u64::MAX,
        },
        _ => u64::MAX,
    }
}

fn first(fetch: Option<usize>) -> u64 {
    fetch.and_then(|rows| u64::try_from(rows).ok()).unwrap_or(u64::MAX)
}

/// The rows of a dataset or a view.
fn rows_of(scan: &TableScan) -> Option<u64> {
    let provider = source_as_provider(&scan.source).ok()?;
    let table = provider.downcast_ref::<DatasetTable>().map(|table| table.snapshot().row_count());
    table.or_else(|| provider.downcast_ref::<ViewTable>().map(ViewTable::row_count))
}
