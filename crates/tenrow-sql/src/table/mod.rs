//! A dataset in one version as a table.

mod address;
mod bounds;
mod choice;
mod pruning;
mod statistics;
mod use_statistics;
mod view;

use std::sync::Arc;

use arrow_schema::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::Result;
use datafusion::datasource::TableProvider;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use tenrow::Snapshot;

use crate::columns::{self, Column, is_late};
use crate::exec::{self, SeenFloats};
use choice::choose;

pub(crate) use use_statistics::UseStatistics;
pub(crate) use view::ViewTable;

/// A snapshot as a table for a `SessionContext` of one's own, without hidden columns.
///
/// All columns of the rows that filters leave are fetched there; a [`Session`](crate::Session) puts off the fetching of
/// tensors until rows are sorted, limited and joined.
pub fn table_provider(snapshot: &Snapshot) -> Arc<dyn TableProvider> {
    let name = format!("{}@{}", snapshot.storage(), snapshot.version());
    Arc::new(DatasetTable::new(snapshot.clone(), name, false))
}

/// The rows of a snapshot. Its hidden columns are shown to statements that name one.
#[derive(Debug, Clone)]
pub(crate) struct DatasetTable {
    snapshot: Snapshot,
    /// What plans call it: `mnist@3`.
    name: Arc<str>,
    schema: SchemaRef,
    /// Whether files come with their bytes where these are objects of their own.
    has_contents: bool,
    /// The floats that the statement looks at.
    seen_floats: SeenFloats,
}

impl DatasetTable {
    pub(crate) fn new(snapshot: Snapshot, name: impl Into<Arc<str>>, hidden: bool) -> Self {
        let schema = match hidden {
            true => columns::whole_schema(&snapshot),
            false => snapshot.arrow_schema().clone(),
        };
        Self {
            snapshot,
            name: name.into(),
            schema,
            has_contents: false,
            seen_floats: SeenFloats::All,
        }
    }

    /// The same table, showing its hidden columns: those that it shows already keep their places.
    pub(crate) fn with_hidden(&self) -> Self {
        Self { schema: columns::whole_schema(&self.snapshot), ..self.clone() }
    }

    /// The same table, whose files come with their bytes; `None` if it has no files, or does so already.
    pub(crate) fn with_contents(&self) -> Option<Self> {
        let is_new = columns::has_files(&self.snapshot) && !self.has_contents;
        is_new.then(|| Self { has_contents: true, ..self.clone() })
    }

    /// The same table, whose other floats come as they are stored.
    pub(crate) fn with_seen_floats(&self, seen_floats: SeenFloats) -> Self {
        Self { seen_floats, ..self.clone() }
    }

    pub(crate) fn seen_floats(&self) -> &SeenFloats {
        &self.seen_floats
    }

    pub(crate) fn has_contents(&self) -> bool {
        self.has_contents
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }
}

#[async_trait]
impl TableProvider for DatasetTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Addresses are followed here; all else is looked at again for every row, here or above.
    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let names_late = |filter: &Expr| {
            let columns = filter.column_refs();
            columns
                .iter()
                .any(|column| self.snapshot.schema().attribute(&column.name).is_some_and(is_late))
        };
        let support = filters.iter().map(|filter| match filter {
            filter if address::is_address(filter) => TableProviderFilterPushDown::Exact,
            filter if names_late(filter) => TableProviderFilterPushDown::Unsupported,
            _ => TableProviderFilterPushDown::Inexact,
        });
        Ok(support.collect())
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let indices =
            projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let columns: Vec<Column> =
            indices.iter().map(|&index| columns::column(&self.snapshot, index)).collect();
        let chosen =
            choose(&self.snapshot, &self.schema, &columns, filters, limit, session).await?;
        let schema = Arc::new(self.schema.project(&indices)?);
        let target = exec::Target {
            snapshot: self.snapshot.clone(),
            name: self.name.clone(),
            columns: columns.into(),
            schema,
            takes_late_filters: UseStatistics::is_set(session.config()),
            seen_floats: self.seen_floats.clone(),
        };
        exec::plan(target, chosen, session).await
    }
}
