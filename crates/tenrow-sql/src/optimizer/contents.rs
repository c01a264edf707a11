//! Files that are objects of their own are read for statements that call `file_bytes`, and for no others.
//!
//! A function sees its arguments alone and cannot read objects. So a plan with such a call has the tables with
//! file attributes replaced by tables whose files come with their bytes.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::datasource::{TableProvider, provider_as_source, source_as_provider};
use datafusion::logical_expr::logical_plan::TableScan;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use crate::functions::files::FILE_BYTES;
use crate::table::{DatasetTable, ViewTable};

/// The rule. It comes before the one that puts fetching off.
#[derive(Debug)]
pub(super) struct FileContents;

impl OptimizerRule for FileContents {
    fn name(&self) -> &str {
        "file_contents"
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        match calls_file_bytes(&plan)? {
            true => plan.transform_down_with_subqueries(with_contents),
            false => Ok(Transformed::no(plan)),
        }
    }
}

fn calls_file_bytes(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    let is_call = |expr: &Expr| match expr {
        Expr::ScalarFunction(call) => Ok(call.func.name() == FILE_BYTES),
        _ => Ok(false),
    };
    plan.apply_with_subqueries(|step| {
        for expr in step.expressions() {
            found |= expr.exists(is_call)?;
        }
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

fn with_contents(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::TableScan(scan) = &plan else { return Ok(Transformed::no(plan)) };
    let Ok(provider) = source_as_provider(&scan.source) else { return Ok(Transformed::no(plan)) };
    let table: Option<Arc<dyn TableProvider>> =
        if let Some(table) = provider.downcast_ref::<DatasetTable>() {
            table.with_contents().map(|table| Arc::new(table) as _)
        } else if let Some(table) = provider.downcast_ref::<ViewTable>() {
            table.with_contents().map(|table| Arc::new(table) as _)
        } else {
            None
        };
    Ok(match table {
        Some(table) => {
            let source = provider_as_source(table);
            Transformed::yes(LogicalPlan::TableScan(TableScan { source, ..scan.clone() }))
        }
        None => Transformed::no(plan),
    })
}
