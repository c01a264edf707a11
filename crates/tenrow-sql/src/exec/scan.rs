//! A scan by tenrow's own reads: right for every partition, whatever its files are like.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use datafusion::physical_expr::{
    EquivalenceProperties, LexOrdering, Partitioning, PhysicalExpr, PhysicalSortExpr,
};
use datafusion::physical_plan::execution_plan::{
    Boundedness, CardinalityEffect, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, Count, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet,
};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tenrow::{Error, ReadOptions, ScanOptions};

use super::floats::plain;
use super::reads::Reads;
use super::{Chosen, Target, hidden};
use crate::columns::{Column, is_late};
use crate::error::{external, of_engine};
use crate::row_set::RowSet;

/// Rows of a part at least: below, starting it costs more than it saves.
const MIN_PART_ROWS: u64 = 8192;
/// Ranges shorter than this on average are read row by row.
const SHORT_RANGE_ROWS: u64 = 64;

/// Reads columns of chosen rows, in row order.
#[derive(Debug, Clone)]
pub(crate) struct ScanExec {
    target: Target,
    parts: Arc<[RowSet]>,
    limit: Option<usize>,
    statistics: Arc<Statistics>,
    shown: String,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl ScanExec {
    pub(crate) fn new(target: Target, chosen: Chosen, parts: usize) -> Self {
        let parts: Arc<[RowSet]> = chosen.rows.split(parts, MIN_PART_ROWS).into();
        let properties = PlanProperties::new(
            row_order(&target),
            Partitioning::UnknownPartitioning(parts.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            properties: Arc::new(properties),
            target,
            parts,
            limit: None,
            statistics: Arc::new(chosen.statistics),
            shown: chosen.shown,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

/// Rows come in the order of `_row`, and so of `_row_id` and `_partition`.
pub(super) fn row_order(target: &Target) -> EquivalenceProperties {
    let ordered = target.columns.iter().zip(target.schema.fields()).enumerate();
    let orderings = ordered.filter(|(_, (column, _))| !matches!(column, Column::Attribute(_)));
    let orderings = orderings.filter_map(|(index, (_, field))| {
        let column = Arc::new(PhysicalColumn::new(field.name(), index));
        LexOrdering::new([PhysicalSortExpr::new_default(column)])
    });
    EquivalenceProperties::new_with_orderings(target.schema.clone(), orderings)
}

impl DisplayAs for ScanExec {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> =
            self.target.schema.fields().iter().map(|field| field.name().as_str()).collect();
        match t {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                let (name, columns) = (&self.target.name, names.join(", "));
                write!(f, "ScanExec: {name}, columns=[{columns}], {}", self.shown)?;
                match self.limit {
                    Some(limit) => write!(f, ", limit={limit}"),
                    None => Ok(()),
                }
            }
            DisplayFormatType::TreeRender => {
                writeln!(f, "{}", self.target.name)?;
                writeln!(f, "{}", self.shown)
            }
        }
    }
}

impl ExecutionPlan for ScanExec {
    fn name(&self) -> &str {
        "ScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let part = self.parts.get(partition).cloned().unwrap_or_default();
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let bytes = MetricBuilder::new(&self.metrics).counter("bytes_decoded", partition);
        let batches = read(self.target.clone(), &part, context.session_config().batch_size());
        let batches = Reads::new(&self.metrics, partition).stream(batches);
        let measured = batches.map_err(external).inspect_ok(move |batch| {
            metrics.record_output(batch.num_rows());
            note_bytes(&bytes, batch);
        });
        let schema = self.target.schema.clone();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, measured)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let Some(part) = args.partition() else { return Ok(self.statistics.clone()) };
        let rows = self.parts.get(part).map_or(0, RowSet::len);
        let mut statistics = Statistics::new_unknown(&self.target.schema);
        statistics.num_rows = row_count(rows);
        Ok(Arc::new(statistics))
    }

    /// No part gives more rows than that.
    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        let parts: Arc<[RowSet]> = self
            .parts
            .iter()
            .map(|part| limit.map_or(part.clone(), |n| part.first(n as u64)))
            .collect();
        let mut statistics = Statistics::new_unknown(&self.target.schema);
        statistics.num_rows = row_count(parts.iter().map(RowSet::len).sum());
        Some(Arc::new(Self { parts, limit, statistics: Arc::new(statistics), ..self.clone() }))
    }

    fn fetch(&self) -> Option<usize> {
        self.limit
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }
}

fn row_count(rows: u64) -> Precision<usize> {
    Precision::Exact(usize::try_from(rows).unwrap_or(usize::MAX))
}

pub(super) fn note_bytes(count: &Count, batch: &RecordBatch) {
    let sizes = batch.columns().iter().map(|column| column.to_data().get_slice_memory_size());
    count.add(sizes.map(|size| size.unwrap_or_default()).sum());
}

/// The columns of the rows of `part`, batch by batch.
fn read(
    target: Target,
    part: &RowSet,
    batch_rows: usize,
) -> BoxStream<'static, Result<RecordBatch, Error>> {
    let target = Arc::new(target);
    let ranges = part.ranges();
    let has_attributes = target.columns.iter().any(|c| matches!(c, Column::Attribute(_)));
    let is_short = part.len() < SHORT_RANGE_ROWS * ranges.len() as u64;
    if !has_attributes || is_short {
        let pieces = in_pieces(ranges, batch_rows as u64);
        return stream::iter(pieces)
            .then(move |rows| {
                let target = target.clone();
                async move { take(&target, &rows).await }
            })
            .boxed();
    }
    let ranges: Vec<Range<u64>> = ranges.to_vec();
    stream::iter(ranges).map(move |rows| scan(target.clone(), rows, batch_rows)).flatten().boxed()
}

/// Ranges cut and put together so that each piece has `batch_rows` rows but the last.
fn in_pieces(ranges: &[Range<u64>], batch_rows: u64) -> Vec<Vec<Range<u64>>> {
    let mut pieces: Vec<Vec<Range<u64>>> = Vec::new();
    let mut room = 0;
    for range in ranges {
        let mut at = range.start;
        while at < range.end {
            if room == 0 {
                pieces.push(Vec::new());
                room = batch_rows.max(1);
            }
            let end = range.end.min(at + room);
            room -= end - at;
            if let Some(piece) = pieces.last_mut() {
                piece.push(at..end);
            }
            at = end;
        }
    }
    pieces
}

/// The attributes among the columns.
fn read_options(target: &Target) -> ReadOptions {
    let attributes = target.snapshot.schema().attributes();
    let names = target.columns.iter().filter_map(|column| match column {
        Column::Attribute(index) => attributes.get(*index).map(|a| a.name.clone()),
        _ => None,
    });
    ReadOptions::default().with_attributes(names)
}

async fn take(target: &Target, rows: &[Range<u64>]) -> Result<RecordBatch, Error> {
    let options = read_options(target);
    let numbers: Vec<u64> = rows.iter().cloned().flatten().collect();
    let taken = match options.attributes.as_ref().is_some_and(|names| !names.is_empty()) {
        true => target.snapshot.take_with(&numbers, &options).await?.columns().to_vec(),
        false => Vec::new(),
    };
    assemble(target, rows, taken).await
}

fn scan(
    target: Arc<Target>,
    rows: Range<u64>,
    batch_rows: usize,
) -> BoxStream<'static, Result<RecordBatch, Error>> {
    let attributes = target.snapshot.schema().attributes();
    let has_late = target.columns.iter().any(|column| match column {
        Column::Attribute(index) => is_late(&attributes[*index]),
        _ => false,
    });
    let mut options =
        ScanOptions::default().with_rows(rows.clone()).with_read(read_options(&target));
    if !has_late {
        // Batches of tensors end where their pages do: this bounds memory and spares copies.
        options = options.with_batch_rows(batch_rows);
    }
    let scan = target.snapshot.scan_with(&options);
    let next = rows.start;
    stream::try_unfold((scan, next, target), |(mut scan, next, target)| async move {
        let Some(batch) = scan.try_next().await? else { return Ok(None) };
        let end = next + batch.num_rows() as u64;
        let batch = assemble(&target, &[next..end], batch.columns().to_vec()).await?;
        Ok(Some((batch, (scan, end, target))))
    })
    .boxed()
}

/// The attributes that were read, and the hidden columns, in the order of the target.
async fn assemble(
    target: &Target,
    rows: &[Range<u64>],
    attributes: Vec<ArrayRef>,
) -> Result<RecordBatch, Error> {
    let mut attributes = attributes.into_iter();
    let mut columns = Vec::with_capacity(target.columns.len());
    for column in target.columns.iter() {
        let name = target.schema.field(columns.len()).name();
        columns.extend(match hidden::of_rows(&target.snapshot, *column, rows).await? {
            Some(column) => Some(column),
            None => attributes.next().map(|column| match target.seen_floats.has(name) {
                true => plain(&column),
                false => column,
            }),
        });
    }
    let count: u64 = rows.iter().map(|range| range.end - range.start).sum();
    let options = RecordBatchOptions::new().with_row_count(Some(count as usize));
    RecordBatch::try_new_with_options(target.schema.clone(), columns, &options).map_err(of_engine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_full_but_for_the_last() {
        let pieces = in_pieces(&[0..3, 5..9, 20..21], 4);
        assert_eq!(pieces, [vec![0..3, 5..6], vec![6..9, 20..21]]);
    }
}
