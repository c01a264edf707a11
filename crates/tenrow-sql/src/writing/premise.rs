//! What a statement that changes a dataset has read of it: others may change that before it commits.

use std::collections::BTreeSet;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Result as EngineResult, TableReference};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::{Expr, LogicalPlan, TableScan};
use tenrow::engine::Premise;
use tenrow::{Error, ErrorKind, Result, Snapshot};

use crate::catalog::Tables;
use crate::error::of_engine;
use crate::session::{Change, Session};
use crate::table::DatasetTable;

/// How often a statement is evaluated, if others change again and again what it was computed from.
const MAX_EVALUATIONS: usize = 100;

/// Carries out a statement that changes `reference`, and evaluates it once more on the newest version as long as others
/// change what it was computed from.
pub(super) async fn again<F: Future<Output = Result<Change>>>(
    session: &Session,
    reference: &TableReference,
    statement: impl Fn() -> F,
) -> Result<Change> {
    for conflicts in 1..MAX_EVALUATIONS {
        match statement().await {
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let target = Tables::new(session.roots()).target(reference).await?;
                if target.is_pinned {
                    return Err(error);
                }
                tracing::debug!(%reference, conflicts, error = %error.chain(), "evaluated again");
                target.dataset.pause_after_conflict(conflicts).await;
            }
            done => return done,
        }
    }
    statement().await.map_err(|error| match error.kind() {
        ErrorKind::Conflict => {
            let what = format!(
                "evaluated {MAX_EVALUATIONS} times, and others changed each time what it had read: try again when they are done"
            );
            Error::new(ErrorKind::Conflict, what).with_source(error)
        }
        _ => error,
    })
}

/// What the rows that a plan chooses in `target`, and their values, depend on there; `None` if it reads none of it.
pub(super) fn of_choice(plan: &LogicalPlan, target: &Snapshot) -> Result<Option<Premise>> {
    let read = Read::of(plan, target)?;
    let names = read.attributes(target);
    Ok(match (read.scans, read.is_row_by_row) {
        (0, _) => None,
        (1, true) => Some(Premise::each_row(target, names)?),
        _ => Some(Premise::all_rows(target, names)?),
    })
}

/// What the rows that a plan gives depend on in `target`; `None` if it reads none of it.
pub(super) fn of_rows(plan: &LogicalPlan, target: &Snapshot) -> Result<Option<Premise>> {
    let read = Read::of(plan, target)?;
    match read.scans {
        0 => Ok(None),
        _ => Ok(Some(Premise::all_rows(target, read.attributes(target))?)),
    }
}

/// What a plan reads of a version.
#[derive(Default)]
struct Read {
    /// How often the version is a table of it.
    scans: usize,
    /// Whether what becomes of a row depends on that row alone.
    is_row_by_row: bool,
    /// The names of all columns that occur, of whichever table.
    columns: BTreeSet<String>,
}

impl Read {
    fn of(plan: &LogicalPlan, version: &Snapshot) -> Result<Self> {
        let mut read = Self { is_row_by_row: true, ..Self::default() };
        plan.apply_with_subqueries(|step| {
            read.note(step, version)?;
            Ok(TreeNodeRecursion::Continue)
        })
        .map_err(of_engine)?;
        Ok(read)
    }

    fn note(&mut self, step: &LogicalPlan, version: &Snapshot) -> EngineResult<()> {
        match step {
            LogicalPlan::TableScan(scan) => self.scans += usize::from(is_of(scan, version)),
            LogicalPlan::Projection(_) | LogicalPlan::Filter(_) | LogicalPlan::SubqueryAlias(_) => {
            }
            _ => self.is_row_by_row = false,
        }
        step.apply_expressions(|expression| {
            expression.apply(|part| {
                if let Expr::Column(column) | Expr::OuterReferenceColumn(_, column) = part {
                    self.columns.insert(column.name.clone());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
        Ok(())
    }

    fn attributes<'a>(&self, version: &'a Snapshot) -> Vec<&'a str> {
        let names = version.schema().attributes().iter().map(|attribute| attribute.name.as_str());
        names.filter(|name| self.columns.contains(*name)).collect()
    }
}

fn is_of(scan: &TableScan, version: &Snapshot) -> bool {
    let provider = source_as_provider(&scan.source).ok();
    let table = provider.as_ref().and_then(|provider| provider.downcast_ref::<DatasetTable>());
    table.is_some_and(|table| table.snapshot().root_checksum() == version.root_checksum())
}
