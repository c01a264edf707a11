//! How rows of a dataset are read while a plan is followed.

mod contents;
mod fetch;
mod floats;
mod hidden;
mod parquet;
mod reads;
mod scan;

use std::sync::Arc;

use arrow_schema::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::{Result, Statistics};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;
use futures::stream::{self, StreamExt, TryStreamExt};
use tenrow::engine::PlacedPartition;
use tenrow::{Error, Snapshot};

use crate::columns::Column;
use crate::error::external;
use crate::row_set::RowSet;

pub(crate) use fetch::{FetchExec, Fetched};
pub(crate) use floats::{SeenFloats, plain, plain_f64};
pub(crate) use hidden::of_rows as hidden_column;
pub(crate) use scan::ScanExec;

/// Deletion vectors that are read at once.
const MAX_CONCURRENCY: usize = 16;

/// What a scan is to give.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) snapshot: Snapshot,
    /// What plans call it: `mnist@3`.
    pub(crate) name: Arc<str>,
    pub(crate) columns: Arc<[Column]>,
    /// The fields of `columns`.
    pub(crate) schema: SchemaRef,
    /// Whether filters may come that the engine makes as it goes: in sessions that leave out those that it gets wrong.
    pub(crate) takes_late_filters: bool,
    /// The floats that the statement looks at.
    pub(crate) seen_floats: SeenFloats,
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
///
/// Scalars that one file of a partition has come from DataFusion's Parquet source, all else from tenrow's reads.
pub(crate) async fn plan(
    target: Target,
    mut chosen: Chosen,
    session: &dyn Session,
) -> Result<Arc<dyn ExecutionPlan>> {
    let count = session.config().target_partitions();
    let (parts, rest) = files(&target, &mut chosen).await.map_err(external)?;
    if parts.is_empty() {
        return Ok(Arc::new(ScanExec::new(target, chosen, count)));
    }
    let options = session.config_options();
    if rest.is_empty() {
        let Chosen { statistics, shown, .. } = chosen;
        return parquet::plan(target, parts, count, statistics, shown, options);
    }
    let unknown = Statistics::new_unknown(&target.schema);
    let shown = chosen.shown.clone();
    let files = parquet::plan(target.clone(), parts, count, unknown.clone(), shown, options)?;
    let rest =
        Chosen { rows: rest, partitions: None, statistics: unknown, shown: "other files".into() };
    let rest = Arc::new(ScanExec::new(target, rest, count));
    UnionExec::try_new(vec![files, rest])
}

/// What the Parquet source reads of the chosen rows, and the other rows.
async fn files(
    target: &Target,
    chosen: &mut Chosen,
) -> Result<(Vec<parquet::Part>, RowSet), Error> {
    let attributes = target.snapshot.schema().attributes();
    let wanted = target.columns.iter().filter_map(|column| match column {
        Column::Attribute(index) => attributes.get(*index),
        _ => None,
    });
    let wanted: Vec<_> = wanted.collect();
    let Some(partitions) = chosen.partitions.take().filter(|_| !wanted.is_empty()) else {
        return Ok((Vec::new(), chosen.rows.clone()));
    };
    let (mut parts, mut rest) = (Vec::new(), Vec::new());
    for partition in &partitions {
        match parquet::file_of(partition, &wanted) {
            Some(file) => parts.push(parquet::Part::new(partition, file, &chosen.rows)),
            None => rest.push(partition.rows()),
        }
    }
    // Deletion vectors are read here.
    let parts = stream::iter(parts).buffered(MAX_CONCURRENCY).try_collect().await?;
    Ok((parts, chosen.rows.and(&RowSet::new(rest))))
}
