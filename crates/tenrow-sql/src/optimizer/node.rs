//! The step of a logical plan that fetches late columns.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow_schema::FieldRef;
use datafusion::common::{Column, DFSchema, DFSchemaRef, Result, TableReference, internal_err};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use crate::exec::Fetched;
use crate::table::DatasetTable;

/// A column that is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct LateColumn {
    /// What the plan calls it.
    pub(super) qualifier: Option<TableReference>,
    /// Its field, under the name that the plan has for it.
    pub(super) field: FieldRef,
    /// The attribute whose values it has.
    pub(super) attribute: String,
}

/// Adds columns of a dataset to the columns of its input, by the row numbers in one of them.
#[derive(Debug, Clone)]
pub(super) struct FetchNode {
    input: LogicalPlan,
    row: Column,
    table: Arc<DatasetTable>,
    columns: Vec<LateColumn>,
    schema: DFSchemaRef,
}

impl FetchNode {
    pub(super) fn new(
        input: LogicalPlan,
        row: Column,
        table: Arc<DatasetTable>,
        columns: Vec<LateColumn>,
    ) -> Result<Self> {
        let own = input.schema();
        let added = columns.iter().map(|column| (column.qualifier.clone(), column.field.clone()));
        let fields = own.iter().map(|(qualifier, field)| (qualifier.cloned(), field.clone()));
        let schema =
            DFSchema::new_with_metadata(fields.chain(added).collect(), own.metadata().clone())?;
        Ok(Self { input, row, table, columns, schema: Arc::new(schema) })
    }

    /// What the physical step needs.
    pub(super) fn fetched(&self) -> Arc<Fetched> {
        Arc::new(Fetched {
            snapshot: self.table.snapshot().clone(),
            name: self.table.name().clone(),
            attributes: self.columns.iter().map(|column| column.attribute.clone()).collect(),
            fields: self.columns.iter().map(|column| column.field.clone()).collect(),
            has_contents: self.table.has_contents(),
            seen_floats: self.table.seen_floats().clone(),
        })
    }

    /// Which column of the input has the row numbers.
    pub(super) fn row_index(&self) -> Result<usize> {
        self.input.schema().index_of_column(&self.row)
    }

    /// What two equal nodes have in common.
    fn key(&self) -> (&LogicalPlan, &Column, &str, &[LateColumn]) {
        (&self.input, &self.row, self.table.name(), &self.columns)
    }
}

impl PartialEq for FetchNode {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for FetchNode {}

impl Hash for FetchNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl PartialOrd for FetchNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for FetchNode {
    fn name(&self) -> &str {
        "Fetch"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![Expr::Column(self.row.clone())]
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        self.columns.iter().map(|column| column.field.name().clone()).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.columns.iter().map(|c| c.attribute.as_str()).collect();
        write!(f, "Fetch: {}, late=[{}], row={}", self.table.name(), names.join(", "), self.row)
    }

    fn with_exprs_and_inputs(
        &self,
        mut exprs: Vec<Expr>,
        mut inputs: Vec<LogicalPlan>,
    ) -> Result<Self> {
        let (Some(Expr::Column(row)), Some(input)) = (exprs.pop(), inputs.pop()) else {
            return internal_err!("a fetch has one row column and one input");
        };
        Self::new(input, row, self.table.clone(), self.columns.clone())
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let own = self.input.schema().fields().len();
        let mut needed: Vec<usize> = output_columns.iter().copied().filter(|i| *i < own).collect();
        needed.push(self.row_index().ok()?);
        needed.sort_unstable();
        needed.dedup();
        Some(vec![needed])
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }
}
