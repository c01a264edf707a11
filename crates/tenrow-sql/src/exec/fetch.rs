//! Tensors, files and lists of rows that are left: fetched last, by tenrow's exact reads.

use std::fmt;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow_schema::{FieldRef, Schema, SchemaRef};
use arrow_select::take::take;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{ColumnStatistics, Result, Statistics};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{CardinalityEffect, ReplaceChildrenOptions};
use datafusion::physical_plan::filter_pushdown::{
    ChildFilterDescription, ChildPushdownResult, FilterDescription, FilterPushdownPhase,
    FilterPushdownPropagation,
};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, Count, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet,
};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::stream::{self, StreamExt};
use tenrow::{AttributeType, Error, ReadOptions, Snapshot};

use super::contents;
use super::floats::{SeenFloats, plain};
use super::reads::Reads;
use crate::columns::row_bytes;
use crate::error::{external, of_engine};

/// Bytes that are fetched at once, about.
const CHUNK_BYTES: u64 = 32 << 20;
/// Rows that are fetched first where it is not known how large they are, and are not as large as whole files.
const FIRST_ROWS: usize = 64;

/// What is fetched: attributes of one snapshot.
#[derive(Debug, Clone)]
pub(crate) struct Fetched {
    pub(crate) snapshot: Snapshot,
    /// What plans call it: `mnist@3`.
    pub(crate) name: Arc<str>,
    /// The names of the attributes.
    pub(crate) attributes: Vec<String>,
    /// Their columns, as the plan above knows them.
    pub(crate) fields: Vec<FieldRef>,
    /// Whether files come with their bytes where these are objects of their own.
    pub(crate) has_contents: bool,
    /// The floats that the statement looks at.
    pub(crate) seen_floats: SeenFloats,
}

impl Fetched {
    /// Rows that are fetched first where it is not known how large they are.
    fn first_rows(&self) -> usize {
        if self.has_contents { 1 } else { FIRST_ROWS }
    }
}

/// Adds columns to the rows of its input, which gives their numbers. All columns of the input keep their places.
#[derive(Debug, Clone)]
pub(crate) struct FetchExec {
    input: Arc<dyn ExecutionPlan>,
    fetched: Arc<Fetched>,
    /// The column of the input that has the row numbers; where it is null, so is what is fetched.
    row: usize,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl FetchExec {
    pub(crate) fn new(input: Arc<dyn ExecutionPlan>, fetched: Arc<Fetched>, row: usize) -> Self {
        let own = input.schema();
        let fields = own.fields().iter().chain(&fetched.fields).cloned().collect::<Vec<_>>();
        let schema = Arc::new(Schema::new_with_metadata(fields, own.metadata().clone()));
        // The columns of the input keep their places, so its orders hold.
        let orderings = input.equivalence_properties().oeq_class().iter().cloned();
        let properties = PlanProperties::new(
            EquivalenceProperties::new_with_orderings(schema, orderings),
            input.output_partitioning().clone(),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        let metrics = ExecutionPlanMetricsSet::new();
        Self { input, fetched, row, properties: Arc::new(properties), metrics }
    }

    /// Rows that are fetched at once, if all have as many bytes.
    fn chunk_rows(&self) -> Option<usize> {
        let schema = self.fetched.snapshot.schema();
        let sizes = self.fetched.attributes.iter().map(|name| row_bytes(schema.attribute(name)?));
        let bytes = sizes.collect::<Option<Vec<u64>>>()?.iter().sum::<u64>().max(1);
        Some((CHUNK_BYTES / bytes).clamp(1, u64::from(u32::MAX)) as usize)
    }
}

impl DisplayAs for FetchExec {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.fetched.attributes.join(", ");
        let name = &self.fetched.name;
        match t {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                let row = PhysicalColumn::new(self.input.schema().field(self.row).name(), self.row);
                write!(f, "FetchExec: {name}, late=[{names}], row={row}")
            }
            DisplayFormatType::TreeRender => writeln!(f, "{name}: {names}"),
        }
    }
}

impl ExecutionPlan for FetchExec {
    fn name(&self) -> &str {
        "FetchExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        let name = self.input.schema().field(self.row).name().clone();
        let row: Arc<dyn PhysicalExpr> = Arc::new(PhysicalColumn::new(&name, self.row));
        f(&row)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.pop() {
            Some(input) => Ok(Arc::new(Self::new(input, self.fetched.clone(), self.row))),
            None => Ok(self),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.pop() {
            Some(input) => Ok(Arc::new(Self::new(input, self.fetched.clone(), self.row))),
            None => Ok(self),
        }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let work = Work {
            fetched: self.fetched.clone(),
            schema: self.schema(),
            row: self.row,
            chunk_rows: self.chunk_rows().unwrap_or_else(|| self.fetched.first_rows()),
            adapts: self.chunk_rows().is_none(),
            batch: None,
            metrics: Metrics::new(&self.metrics, partition),
        };
        let input = self.input.execute(partition, context)?;
        let batches = stream::try_unfold((work, input), |(mut work, mut input)| async move {
            Ok(work.next(&mut input).await?.map(|batch| (batch, (work, input))))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let mut statistics = match inputs.first() {
            Some(input) => input.as_ref().clone(),
            None => Statistics::new_unknown(&self.input.schema()),
        };
        let more = self.fetched.fields.iter().map(|_| ColumnStatistics::new_unknown());
        statistics.column_statistics.extend(more);
        statistics.total_byte_size = Default::default();
        Ok(Arc::new(statistics))
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }

    /// Filters of the input's columns go on to the input.
    fn gather_filters_for_pushdown(
        &self,
        _: FilterPushdownPhase,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        let own = (0..self.input.schema().fields().len()).collect();
        let child =
            ChildFilterDescription::from_child_with_allowed_indices(&filters, own, &self.input)?;
        Ok(FilterDescription::new().with_child(child))
    }

    fn handle_child_pushdown_result(
        &self,
        _: FilterPushdownPhase,
        result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        Ok(FilterPushdownPropagation::if_all(result))
    }
}

/// What is measured of one part.
struct Metrics {
    baseline: BaselineMetrics,
    rows: Count,
    bytes: Count,
    reads: Reads,
}

impl Metrics {
    fn new(metrics: &ExecutionPlanMetricsSet, partition: usize) -> Self {
        let counter = |name: &'static str| MetricBuilder::new(metrics).counter(name, partition);
        Self {
            baseline: BaselineMetrics::new(metrics, partition),
            rows: counter("rows_fetched"),
            bytes: counter("bytes_fetched"),
            reads: Reads::new(metrics, partition),
        }
    }
}

/// One part under way.
struct Work {
    fetched: Arc<Fetched>,
    schema: SchemaRef,
    row: usize,
    /// Rows to fetch next.
    chunk_rows: usize,
    /// Whether that follows from what was fetched last.
    adapts: bool,
    /// What is left of the batch of the input.
    batch: Option<RecordBatch>,
    metrics: Metrics,
}

impl Work {
    async fn next(&mut self, input: &mut SendableRecordBatchStream) -> Result<Option<RecordBatch>> {
        let batch = loop {
            match self.batch.take().filter(|batch| batch.num_rows() > 0) {
                Some(batch) => break batch,
                None => match input.next().await.transpose()? {
                    Some(batch) => self.batch = Some(batch),
                    None => return Ok(None),
                },
            }
        };
        let rows = batch.num_rows().min(self.chunk_rows);
        let chunk = batch.slice(0, rows);
        if rows < batch.num_rows() {
            self.batch = Some(batch.slice(rows, batch.num_rows() - rows));
        }
        let fetched = self.fetch(&chunk).await.map_err(external)?;
        let columns = chunk.columns().iter().cloned().chain(fetched).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        self.metrics.baseline.record_output(rows);
        Ok(Some(batch))
    }

    async fn fetch(&mut self, chunk: &RecordBatch) -> Result<Vec<ArrayRef>, Error> {
        let Some(numbers) = chunk.column(self.row).as_primitive_opt::<Int64Type>() else {
            return Err(Error::invalid("row numbers are to be whole numbers"));
        };
        let rows: Vec<u64> = numbers.iter().flatten().map(i64::cast_unsigned).collect();
        let options = ReadOptions::default().with_attributes(&self.fetched.attributes);
        let taken = async {
            let mut taken = self.take(&rows, &options).await?;
            if self.fetched.has_contents {
                self.fill(&mut taken, &rows).await?;
            }
            Ok::<_, Error>(taken)
        };
        let taken = self.metrics.reads.future(taken).await?;
        self.note(&taken, rows.len());
        if numbers.null_count() == 0 {
            return Ok(taken);
        }
        let mut next = 0u64;
        let places = numbers.iter().map(|number| {
            number.map(|_| {
                next += 1;
                next - 1
            })
        });
        let places = UInt64Array::from_iter(places);
        let spread = taken.iter().map(|column| take(column, &places, None));
        spread.collect::<Result<_, _>>().map_err(of_engine)
    }

    /// The rows; those that follow each other without taking each by itself.
    async fn take(&self, rows: &[u64], options: &ReadOptions) -> Result<Vec<ArrayRef>, Error> {
        let snapshot = &self.fetched.snapshot;
        let batch = match (rows.first(), rows.last()) {
            (Some(first), Some(last)) if rows.windows(2).all(|pair| pair[0] + 1 == pair[1]) => {
                snapshot.slice_with(*first..*last + 1, options).await?
            }
            _ => snapshot.take_with(rows, options).await?,
        };
        let columns = self.fetched.attributes.iter().zip(batch.columns());
        let made = columns.map(|(name, column)| match self.fetched.seen_floats.has(name) {
            true => plain(column),
            false => column.clone(),
        });
        Ok(made.collect())
    }

    /// Puts the bytes of files into their rows.
    async fn fill(&self, taken: &mut [ArrayRef], rows: &[u64]) -> Result<(), Error> {
        let snapshot = &self.fetched.snapshot;
        for (name, column) in self.fetched.attributes.iter().zip(taken) {
            let attribute = snapshot.schema().attribute(name);
            if attribute.is_some_and(|a| a.attribute_type == AttributeType::File) {
                *column = contents::fill(snapshot, name, column, rows).await?;
            }
        }
        Ok(())
    }

    fn note(&mut self, taken: &[ArrayRef], rows: usize) {
        let sizes = taken.iter().map(|column| column.to_data().get_slice_memory_size());
        let bytes: usize = sizes.map(|size| size.unwrap_or_default()).sum();
        self.metrics.rows.add(rows);
        self.metrics.bytes.add(bytes);
        if self.adapts && rows > 0 {
            // At most twice as many as before: a few small rows say little of those to come.
            let fitting = CHUNK_BYTES as usize / (bytes / rows).max(1);
            self.chunk_rows = fitting.clamp(1, self.chunk_rows * 2);
        }
    }
}
