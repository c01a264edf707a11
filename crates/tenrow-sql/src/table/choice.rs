//! Which rows a scan has to look at, found in manifests alone.

use arrow_schema::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::Result;
use datafusion::logical_expr::Expr;
use tenrow::Snapshot;
use tenrow::engine::PlacedPartition;

use super::address;
use super::pruning::Pruning;
use super::statistics;
use super::use_statistics::UseStatistics;
use crate::columns::Column;
use crate::error::external;
use crate::exec::Chosen;
use crate::row_set::RowSet;

/// Rows that are read by their addresses alone, at most: a few batches.
const MAX_ADDRESSED: u64 = 65_536;

/// What `filters` and `limit` leave of a snapshot.
///
/// A leaf is read only if the root does not exclude it, and if its partitions matter: for their files, for
/// their bounds, or for a filter.
pub(super) async fn choose(
    snapshot: &Snapshot,
    schema: &SchemaRef,
    columns: &[Column],
    filters: &[Expr],
    limit: Option<usize>,
    session: &dyn Session,
) -> Result<Chosen> {
    let addressed = address::rows(snapshot, filters).await.map_err(external)?;
    let how = if addressed.is_some() { " addressed" } else { "" };
    // Of many rows, other filters may leave few.
    let is_short = addressed.as_ref().is_some_and(|rows| rows.len() <= MAX_ADDRESSED);
    let mut rows = addressed.unwrap_or_else(|| RowSet::new([0..snapshot.row_count()]));
    let has_other_filters = filters.iter().any(|filter| !address::is_address(filter));
    if let Some(limit) = limit.filter(|_| !has_other_filters) {
        rows = rows.first(limit as u64);
    }
    let is_trusting = UseStatistics::of(session.config());
    let pruning = match is_trusting {
        true => Pruning::new(snapshot, schema, filters, session)?,
        false => None,
    };
    let known = |rows: &RowSet, partitions: Option<&[PlacedPartition]>| match is_trusting {
        true => statistics::of_scan(snapshot, columns, rows, partitions),
        false => statistics::unknown(columns),
    };
    let needs_files = columns.iter().any(|column| matches!(column, Column::Attribute(_)));
    let shown = |rows: &RowSet| format!("rows={} of {}{how}", rows.len(), snapshot.row_count());
    if is_short || (pruning.is_none() && !needs_files) {
        let statistics = known(&rows, None);
        let shown = shown(&rows);
        return Ok(Chosen { rows, partitions: None, statistics, shown });
    }
    let found = partitions(snapshot, &rows, pruning.as_ref()).await?;
    let rows = rows.and(&RowSet::new(found.partitions.iter().map(PlacedPartition::rows)));
    let statistics = known(&rows, Some(&found.partitions));
    let shown = format!(
        "{}, partitions={} of {}, leaves={} of {}",
        shown(&rows),
        found.partitions.len(),
        snapshot.partition_count(),
        found.leaves_read,
        snapshot.root().leaves.len(),
    );
    Ok(Chosen { rows, partitions: Some(found.partitions), statistics, shown })
}

struct Found {
    partitions: Vec<PlacedPartition>,
    leaves_read: usize,
}

/// The partitions that hold some of `rows` and may hold one that the filters leave.
async fn partitions(
    snapshot: &Snapshot,
    rows: &RowSet,
    pruning: Option<&Pruning<'_>>,
) -> Result<Found> {
    let kept_leaves = match pruning {
        Some(pruning) => pruning.leaves()?,
        None => vec![true; snapshot.root().leaves.len()],
    };
    let mut found = Found { partitions: Vec::new(), leaves_read: 0 };
    for (leaf, _) in kept_leaves.iter().enumerate().filter(|(_, kept)| **kept) {
        if !rows.touches(&snapshot.rows_of_leaf(leaf)) {
            continue;
        }
        found.leaves_read += 1;
        let of_leaf = snapshot.partitions_of_leaf(leaf).await.map_err(external)?;
        let kept = match pruning {
            Some(pruning) => pruning.partitions(&of_leaf)?,
            None => vec![true; of_leaf.len()],
        };
        let kept = of_leaf.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(of, _)| of);
        found.partitions.extend(kept.filter(|partition| rows.touches(&partition.rows())));
    }
    Ok(found)
}
