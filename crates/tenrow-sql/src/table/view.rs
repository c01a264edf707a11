//! A view as a table: rows that someone chose, in their order.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::common::Result;
use datafusion::datasource::{TableProvider, TableType};
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;
use tenrow::View;

use crate::columns::{self, Column};
use crate::error::external;
use crate::exec::{FetchExec, Fetched, SeenFloats, hidden_column};

/// The rows of a view, with the columns of its version; `_row` is the row's number there.
#[derive(Debug, Clone)]
pub(crate) struct ViewTable {
    view: View,
    /// What plans call it: `mnist@3#train`.
    name: Arc<str>,
    schema: SchemaRef,
    /// Whether files come with their bytes where these are objects of their own.
    has_contents: bool,
    /// The floats that the statement looks at.
    seen_floats: SeenFloats,
}

impl ViewTable {
    pub(crate) fn new(view: View, name: impl Into<Arc<str>>, hidden: bool) -> Self {
        let schema = match hidden {
            true => columns::whole_schema(view.snapshot()),
            false => view.snapshot().arrow_schema().clone(),
        };
        Self { view, name: name.into(), schema, has_contents: false, seen_floats: SeenFloats::All }
    }

    pub(crate) fn row_count(&self) -> u64 {
        self.view.row_count()
    }

    /// The same table, whose files come with their bytes; `None` if it has no files, or does so already.
    pub(crate) fn with_contents(&self) -> Option<Self> {
        let is_new = columns::has_files(self.view.snapshot()) && !self.has_contents;
        is_new.then(|| Self { has_contents: true, ..self.clone() })
    }

    /// The same table, whose other floats come as they are stored.
    pub(crate) fn with_seen_floats(&self, seen_floats: SeenFloats) -> Self {
        Self { seen_floats, ..self.clone() }
    }

    /// Row numbers, and hidden columns that are wanted, in batches.
    async fn numbers(
        &self,
        rows: &[u64],
        wanted: &[Column],
        batch_rows: usize,
    ) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let whole = columns::whole_schema(self.view.snapshot());
        let fields =
            wanted.iter().map(|column| Ok(whole.field_with_name(name_of(*column))?.clone()));
        let schema = Arc::new(Schema::new(fields.collect::<Result<Vec<_>>>()?));
        let mut batches = Vec::with_capacity(rows.len().div_ceil(batch_rows.max(1)));
        for rows in rows.chunks(batch_rows.max(1)) {
            let ranges: Vec<_> = rows.iter().map(|&row| row..row + 1).collect();
            let mut arrays: Vec<ArrayRef> = Vec::with_capacity(wanted.len());
            for &column in wanted {
                let array = hidden_column(self.view.snapshot(), column, &ranges).await;
                arrays.extend(array.map_err(external)?);
            }
            batches.push(RecordBatch::try_new(schema.clone(), arrays)?);
        }
        Ok((schema, batches))
    }
}

fn name_of(column: Column) -> &'static str {
    match column {
        Column::RowId => columns::ROW_ID,
        Column::Partition => columns::PARTITION,
        Column::Row | Column::Attribute(_) => columns::ROW,
    }
}

#[async_trait]
impl TableProvider for ViewTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    /// One part, in the order of the view.
    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all = (0..self.schema.fields().len()).collect();
        let indices = projection.unwrap_or(&all);
        let snapshot = self.view.snapshot();
        let wanted: Vec<Column> = indices.iter().map(|&i| columns::column(snapshot, i)).collect();
        let rows = self.view.row_numbers().await.map_err(external)?.as_list();
        let rows = &rows[..limit.unwrap_or(usize::MAX).min(rows.len())];

        let mut numbers = vec![Column::Row];
        numbers.extend([Column::RowId, Column::Partition].iter().filter(|c| wanted.contains(c)));
        let batch_rows = session.config().batch_size();
        let (schema, batches) = self.numbers(rows, &numbers, batch_rows).await?;
        let mut plan: Arc<dyn ExecutionPlan> =
            MemorySourceConfig::try_new_exec(&[batches], schema, None)?;
        let fields = |column: &Column| match column {
            Column::Attribute(index) => Some(self.schema.fields()[*index].clone()),
            _ => None,
        };
        let fetched: Vec<FieldRef> = wanted.iter().filter_map(fields).collect();
        if !fetched.is_empty() {
            let fetched = Fetched {
                snapshot: snapshot.clone(),
                name: self.name.clone(),
                attributes: fetched.iter().map(|field| field.name().clone()).collect(),
                fields: fetched,
                has_contents: self.has_contents,
                seen_floats: self.seen_floats.clone(),
            };
            plan = Arc::new(FetchExec::new(plan, Arc::new(fetched), 0));
        }
        let found = plan.schema();
        let expression = |index: &usize| {
            let name = self.schema.field(*index).name();
            let column: Arc<dyn PhysicalExpr> =
                Arc::new(PhysicalColumn::new(name, found.index_of(name)?));
            Ok((column, name.clone()))
        };
        let expressions = indices.iter().map(expression).collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(ProjectionExec::try_new(expressions, plan)?))
    }
}
