//! Hidden columns for what the Parquet source gives, and what manifests know of it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics, internal_datafusion_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column as PhysicalColumn, DynamicFilterTracking};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_plan::execution_plan::{CardinalityEffect, ReplaceChildrenOptions};
use datafusion::physical_plan::filter_pushdown::{
    ChildFilterDescription, ChildFilterPushdownResult, ChildPushdownResult, FilterDescription,
    FilterPushdownPhase, FilterPushdownPropagation, PushedDown,
};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::StreamExt;

use super::FILE_ROW;
use super::part::Part;
use crate::columns::{Column, PARTITION};
use crate::exec::Target;
use crate::exec::scan::row_order;

/// Gives the columns of a target from those that the Parquet source reads.
#[derive(Debug, Clone)]
pub(super) struct RowsExec {
    target: Target,
    input: Arc<dyn ExecutionPlan>,
    /// By their numbers.
    parts: Arc<HashMap<i64, Part>>,
    /// Of all rows, before the source filters them.
    statistics: Arc<Statistics>,
    shown: String,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl RowsExec {
    pub(super) fn new(
        target: Target,
        input: Arc<dyn ExecutionPlan>,
        parts: Vec<Part>,
        statistics: Statistics,
        shown: String,
    ) -> Self {
        let number = |part: &Part| i64::try_from(part.partition.number()).unwrap_or(i64::MAX);
        let parts = Arc::new(parts.into_iter().map(|part| (number(&part), part)).collect());
        let properties = properties(&target, &input);
        let metrics = ExecutionPlanMetricsSet::new();
        Self { target, input, parts, statistics: Arc::new(statistics), shown, properties, metrics }
    }

    /// The columns of the input that these of the target need; `None` if one is chosen twice.
    fn names_to_read(&self, chosen: &[usize]) -> Option<Vec<String>> {
        let mut names: Vec<String> = Vec::new();
        let columns: Vec<Column> = chosen.iter().map(|&index| self.target.columns[index]).collect();
        for column in &columns {
            if let Column::Attribute(attribute) = column {
                // The target may have another name for it than the input.
                let fields = self.target.snapshot.arrow_schema().fields();
                let name = fields.get(*attribute)?.name().clone();
                if names.contains(&name) {
                    return None;
                }
                names.push(name);
            }
        }
        let names_rows = columns.iter().any(|c| matches!(c, Column::Row | Column::RowId));
        if names_rows || columns.contains(&Column::Partition) {
            names.push(PARTITION.to_owned());
        }
        if names_rows {
            names.push(FILE_ROW.to_owned());
        }
        Some(names)
    }

    fn with_input(&self, input: Arc<dyn ExecutionPlan>) -> Self {
        let properties = properties(&self.target, &input);
        Self { input, properties, ..self.clone() }
    }
}

fn properties(target: &Target, input: &Arc<dyn ExecutionPlan>) -> Arc<PlanProperties> {
    Arc::new(PlanProperties::new(
        row_order(target),
        datafusion::physical_expr::Partitioning::UnknownPartitioning(
            input.output_partitioning().partition_count(),
        ),
        input.pipeline_behavior(),
        input.boundedness(),
    ))
}

impl DisplayAs for RowsExec {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> =
            self.target.schema.fields().iter().map(|field| field.name().as_str()).collect();
        match t {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                let (name, columns) = (&self.target.name, names.join(", "));
                write!(f, "RowsExec: {name}, columns=[{columns}], {}", self.shown)
            }
            DisplayFormatType::TreeRender => {
                writeln!(f, "{}", self.target.name)?;
                writeln!(f, "{}", self.shown)
            }
        }
    }
}

impl ExecutionPlan for RowsExec {
    fn name(&self) -> &str {
        "RowsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    /// Columns have other places here, so no order of this is one of the input.
    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.pop() {
            Some(input) => Ok(Arc::new(self.with_input(input))),
            None => Ok(self),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.pop() {
            Some(input) => Ok(Arc::new(self.with_input(input))),
            None => Ok(self),
        }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let (target, parts) = (self.target.clone(), self.parts.clone());
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let batches = self.input.execute(partition, context)?.map(move |batch| {
            let batch = with_rows(&target, &parts, &batch?)?;
            metrics.record_output(batch.num_rows());
            Ok(batch)
        });
        let schema = self.target.schema.clone();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    /// Exact as long as the source neither filters nor ends early.
    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        if args.partition().is_some() {
            return Ok(Arc::new(Statistics::new_unknown(&self.target.schema)));
        }
        let is_whole = self.input.fetch().is_none() && !filters(&self.input);
        Ok(match is_whole {
            true => self.statistics.clone(),
            false => Arc::new(self.statistics.as_ref().clone().to_inexact()),
        })
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }

    /// Columns that are left out above are not read: a filter that the source took over may have been alone in
    /// needing them.
    fn try_swapping_with_projection(
        &self,
        projection: &ProjectionExec,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let chosen = projection.expr().iter().map(|projected| {
            projected.expr.downcast_ref::<PhysicalColumn>().map(PhysicalColumn::index)
        });
        let Some(chosen) = chosen.collect::<Option<Vec<usize>>>() else { return Ok(None) };
        let Some(names) = self.names_to_read(&chosen) else { return Ok(None) };
        let own = self.input.schema();
        let read = names.into_iter().map(|name| {
            let column = Arc::new(PhysicalColumn::new_with_schema(&name, &own)?);
            Ok(ProjectionExpr { expr: column, alias: name })
        });
        let read = ProjectionExec::try_new(read.collect::<Result<Vec<_>>>()?, self.input.clone())?;
        let Some(input) = self.input.try_swapping_with_projection(&read)? else { return Ok(None) };
        let mut new = self.clone();
        new.target.columns = chosen.iter().map(|&index| self.target.columns[index]).collect();
        new.target.schema = projection.schema();
        let known = &self.statistics.column_statistics;
        let mut statistics = self.statistics.as_ref().clone();
        statistics.column_statistics = chosen.iter().map(|&index| known[index].clone()).collect();
        new.statistics = Arc::new(statistics);
        Ok(Some(Arc::new(new.with_input(input))))
    }

    /// Filters of what the source reads go on to it.
    ///
    /// In sessions of others those that the engine (55.2) learns from joins and aggregates do not: it takes columns of one
    /// name for each other, and one aggregate's bound for that of all.
    fn gather_filters_for_pushdown(
        &self,
        _: FilterPushdownPhase,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        let is_late = |filter: &Arc<dyn PhysicalExpr>| {
            DynamicFilterTracking::classify(filter).contains_dynamic_filter()
        };
        let child = match !self.target.takes_late_filters && filters.iter().any(is_late) {
            true => ChildFilterDescription::all_unsupported(&filters),
            false => ChildFilterDescription::from_child(&filters, &self.input)?,
        };
        Ok(FilterDescription::new().with_child(child))
    }

    fn handle_child_pushdown_result(
        &self,
        _: FilterPushdownPhase,
        result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        // The source passes over a filter without columns, such as the NULL of `x NOT IN (7, NULL)`.
        let taken = |filter: &ChildFilterPushdownResult| match collect_columns(&filter.filter) {
            columns if columns.is_empty() => PushedDown::No,
            _ => filter.all(),
        };
        let taken = result.parent_filters.iter().map(taken).collect();
        Ok(FilterPushdownPropagation::with_parent_pushdown_result(taken))
    }
}

/// Whether the source leaves rows out.
fn filters(input: &Arc<dyn ExecutionPlan>) -> bool {
    use datafusion::datasource::physical_plan::FileScanConfig;
    use datafusion::datasource::source::DataSourceExec;
    let source = input.downcast_ref::<DataSourceExec>();
    let config = source.and_then(|source| source.data_source().downcast_ref::<FileScanConfig>());
    config.is_none_or(|config| config.file_source().filter().is_some())
}

/// The columns of the target.
fn with_rows(
    target: &Target,
    parts: &HashMap<i64, Part>,
    batch: &RecordBatch,
) -> Result<RecordBatch> {
    let mut columns = Vec::with_capacity(target.columns.len());
    let mut next = 0;
    for column in target.columns.iter() {
        columns.push(match column {
            Column::Attribute(_) => {
                next += 1;
                batch.column(next - 1).clone()
            }
            Column::Partition => named(batch, PARTITION)?.clone(),
            Column::Row => numbers(parts, batch, |part, row| Some(part.row(row)))?,
            Column::RowId => numbers(parts, batch, |part, row| part.partition.row_id(row))?,
        });
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(target.schema.clone(), columns, &options)?)
}

fn named<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    let column = batch.column_by_name(name);
    column.ok_or_else(|| internal_datafusion_err!("the scan gives no column {name}"))
}

/// A number for each row, from its partition and its row in the file.
fn numbers(
    parts: &HashMap<i64, Part>,
    batch: &RecordBatch,
    number: impl Fn(&Part, u64) -> Option<u64>,
) -> Result<ArrayRef> {
    let of_partition = named(batch, PARTITION)?.as_primitive::<Int64Type>();
    let of_file = named(batch, FILE_ROW)?.as_primitive::<Int64Type>();
    let mut known: Option<(i64, &Part)> = None;
    let mut found = Vec::with_capacity(batch.num_rows());
    for (partition, row) in of_partition.values().iter().zip(of_file.values()) {
        let part = match known.filter(|(number, _)| number == partition) {
            Some((_, part)) => part,
            None => parts
                .get(partition)
                .ok_or_else(|| internal_datafusion_err!("no partition {partition} is scanned"))?,
        };
        known = Some((*partition, part));
        let number = number(part, row.cast_unsigned()).ok_or_else(|| {
            internal_datafusion_err!("row {row} of partition {partition} has no id")
        })?;
        found.push(i64::try_from(number).unwrap_or(i64::MAX));
    }
    Ok(Arc::new(Int64Array::from(found)))
}
