//! How rows of a dataset are read while a plan is followed.

mod fetch;
mod hidden;
mod scan;

use std::sync::Arc;

use arrow_schema::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::{Result, Statistics};
use datafusion::physical_plan::ExecutionPlan;
use tenrow::{PlacedPartition, Snapshot};

use crate::columns::Column;
use crate::row_set::RowSet;

pub(crate) use fetch::{FetchExec, Fetched};
pub(crate) use scan::ScanExec;

/// What a scan is to give.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) snapshot: Snapshot,
    /// What plans call it: `mnist@3`.
    pub(crate) name: Arc<str>,
    pub(crate) columns: Arc<[Column]>,
    /// The fields of `columns`.
    pub(crate) schema: SchemaRef,
}

/// The rows that a scan looks at.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub(crate) rows: RowSet,
    /// The partitions that hold them, ascending, if their leaves were read.
    pub(crate) partitions: Option<Vec<PlacedPartition>>,
    /// What is known of the columns of these rows.
    pub(crate) statistics: Statistics,
    /// What plans say of how the rows were found.
    pub(crate) shown: String,
}

/// The plan that gives the columns of the chosen rows, in row order within each of its parts.
pub(crate) async fn plan(
    target: Target,
    chosen: Chosen,
    session: &dyn Session,
) -> Result<Arc<dyn ExecutionPlan>> {
    let parts = session.config().target_partitions();
    Ok(Arc::new(ScanExec::new(target, chosen, parts)))
}
