//! Tensors, files and lists are fetched after everything that leaves rows out.
//!
//! From the scans upwards, wide columns are taken out of the plan: the scan gives row numbers instead, and
//! the columns are *pending*. A step that computes with one has it fetched just below; filters, limits, sorts, joins
//! and windows that do not are passed by. What is still pending where it must not be any longer is fetched there.
//! A column that has passed nothing that spares work stays in its scan, which reads it in order.
//!
//! ```text
//! Projection: image              Projection: image
//!   Limit: 10                      Fetch: late=[image], row=_row
//!     Filter: label = 3     ─►       Limit: 10
//!       Scan: image, label             Filter: label = 3
//!                                        Scan: label, _row
//! ```

mod most_rows;
mod row_join;

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, Result, TableReference};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::logical_expr::logical_plan::{
    Filter, Join, Projection, Sort, SubqueryAlias, TableScan, TableScanBuilder, Window,
};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, Extension, JoinType, LogicalPlan};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use self::most_rows::most_rows;
use super::node::{FetchNode, LateColumn};
use crate::columns::{ROW, is_late};
use crate::table::DatasetTable;

/// The rule.
#[derive(Debug)]
pub(super) struct LateFetch;

impl OptimizerRule for LateFetch {
    fn name(&self) -> &str {
        "late_fetch"
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let mut lifting = Lifting { names: 0 };
        let settled = lifting.settled(&plan)?;
        Ok(match settled {
            Some(new) => Transformed::yes(new),
            None => Transformed::no(plan),
        })
    }
}

/// A column that the plan lacks, and that whoever needs it fetches.
#[derive(Debug, Clone)]
struct Pending {
    column: LateColumn,
    /// The column of the plan that has its row numbers.
    row: Column,
    table: Arc<DatasetTable>,
    /// Whether it has passed a step that spares fetching it.
    has_passed: bool,
    /// What it was called below each projection that it came through, the lowest first.
    below: Vec<Column>,
}

impl Pending {
    fn is(&self, column: &Column) -> bool {
        *column.name == *self.column.field.name()
            && (column.relation.is_none() || column.relation == self.column.qualifier)
    }

    /// What the plan calls it.
    fn name(&self) -> Column {
        Column::new(self.column.qualifier.clone(), self.column.field.name())
    }

    fn is_wide(&self) -> bool {
        let schema = self.table.snapshot().schema();
        schema.attribute(&self.column.attribute).is_some_and(is_late)
    }
}

/// A plan without its wide columns.
struct Lifted {
    plan: LogicalPlan,
    pending: Vec<Pending>,
    /// Whether something in it is fetched late.
    has_fetch: bool,
}

impl Lifted {
    fn passed(mut self, plan: LogicalPlan) -> Self {
        self.pending.iter_mut().for_each(|pending| pending.has_passed = true);
        Self { plan, ..self }
    }
}

struct Lifting {
    /// Columns that were given names of their own.
    names: usize,
}

impl Lifting {
    fn lift(&mut self, plan: &LogicalPlan) -> Result<Lifted> {
        match plan {
            LogicalPlan::TableScan(scan) => lift_scan(plan, scan),
            LogicalPlan::SubqueryAlias(alias) => self.lift_alias(plan, alias),
            LogicalPlan::Filter(filter) => {
                filtered(self.lift(&filter.input)?, filter.predicate.clone())
            }
            LogicalPlan::Sort(sort) => self.lift_sort(sort),
            LogicalPlan::Limit(limit) => {
                let input = self.lift(&limit.input)?;
                let mut new = limit.clone();
                new.input = Arc::new(input.plan.clone());
                Ok(input.passed(LogicalPlan::Limit(new)))
            }
            LogicalPlan::Window(window) => {
                let input = self.lift_for(&window.input, &window.window_expr)?;
                let new =
                    Window::try_new(window.window_expr.clone(), Arc::new(input.plan.clone()))?;
                Ok(input.passed(LogicalPlan::Window(new)))
            }
            LogicalPlan::Projection(projection) => self.lift_projection(projection),
            LogicalPlan::Join(join) => self.lift_join(join),
            _ => self.lift_nothing(plan),
        }
    }

    /// The input of a step that computes `exprs`, with what they need fetched.
    fn lift_for<'e>(
        &mut self,
        input: &LogicalPlan,
        exprs: impl IntoIterator<Item = &'e Expr>,
    ) -> Result<Lifted> {
        let lifted = self.lift(input)?;
        let mut needed = Needed::default();
        for expr in exprs {
            needed.note(expr)?;
        }
        fetch(lifted, |pending| needed.has(pending))
    }

    /// The plan with everything in it fetched, under the schema that it had; `None` if it stays as it is.
    fn settled(&mut self, plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
        let lifted = self.lift(plan)?;
        if !lifted.has_fetch && !lifted.pending.iter().any(|pending| pending.has_passed) {
            return Ok(None);
        }
        let whole = fetch(lifted, |_| true)?.plan;
        if whole.schema().columns() == plan.schema().columns() {
            return Ok(Some(whole));
        }
        let columns = plan.schema().columns().into_iter().map(Expr::Column).collect();
        Ok(Some(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(whole))?)))
    }

    /// A step that needs all of its inputs.
    fn lift_nothing(&mut self, plan: &LogicalPlan) -> Result<Lifted> {
        let mut has_fetch = false;
        let mut inputs = Vec::new();
        for input in plan.inputs() {
            inputs.push(match self.settled(input)? {
                Some(new) => {
                    has_fetch = true;
                    new
                }
                None => input.clone(),
            });
        }
        let plan = match has_fetch {
            true => plan.with_new_exprs(plan.expressions(), inputs)?,
            false => plan.clone(),
        };
        Ok(Lifted { plan, pending: Vec::new(), has_fetch })
    }

    fn lift_alias(&mut self, plan: &LogicalPlan, alias: &SubqueryAlias) -> Result<Lifted> {
        let input = self.lift(&alias.input)?;
        let named = |column: &Column| {
            let fields = input.plan.schema().fields();
            fields.iter().filter(|field| *field.name() == column.name).count()
        };
        // Beneath one alias, row numbers of two tables would be told apart no longer.
        if input.pending.iter().any(|pending| named(&pending.row) != 1) {
            return self.lift_nothing(plan);
        }
        let new = SubqueryAlias::try_new(Arc::new(input.plan), alias.alias.clone())?;
        let rename = |mut pending: Pending| {
            pending.column.qualifier = Some(alias.alias.clone());
            pending.row = Column::new(Some(alias.alias.clone()), pending.row.name);
            pending
        };
        Ok(Lifted {
            plan: LogicalPlan::SubqueryAlias(new),
            pending: input.pending.into_iter().map(rename).collect(),
            has_fetch: input.has_fetch,
        })
    }

    /// What only sorts the first few rows is computed beneath, and goes no further: they fetch what they need of it.
    ///
    /// The engine would compute it twice for every row, for what it keeps and for whether to look at it at all.
    fn lift_sort(&mut self, sort: &Sort) -> Result<Lifted> {
        let mut input = self.lift(&sort.input)?;
        let mut keys = sort.expr.clone();
        if sort.fetch.is_some() {
            let mut needed = Needed::default();
            let mut computed = Vec::new();
            let own = input.plan.schema().columns();
            for key in keys.iter_mut().filter(|key| plain_column(&key.expr).is_none()) {
                let mut columns = Needed::default();
                columns.note(&key.expr)?;
                if input.pending.iter().any(|pending| columns.has(pending)) {
                    needed.note(&key.expr)?;
                    let name = Column::from_name(format!("__key_{}", self.number()));
                    let value = std::mem::replace(&mut key.expr, Expr::Column(name.clone()));
                    computed.push(value.unalias().alias(&name.name));
                }
            }
            if !computed.is_empty() {
                let pending = input.pending.clone();
                input = fetch(input, |pending| needed.has(pending))?;
                let columns = own.into_iter().map(Expr::Column).chain(computed).collect();
                let plan = Projection::try_new(columns, Arc::new(input.plan))?;
                input = Lifted { plan: LogicalPlan::Projection(plan), pending, has_fetch: true };
            }
        }
        let mut needed = Needed::default();
        for key in &keys {
            needed.note(&key.expr)?;
        }
        let input = fetch(input, |pending| needed.has(pending))?;
        let new = Sort { expr: keys, input: Arc::new(input.plan.clone()), fetch: sort.fetch };
        Ok(input.passed(LogicalPlan::Sort(new)))
    }

    /// Columns that a projection only passes on stay pending; it passes on their row numbers instead.
    fn lift_projection(&mut self, projection: &Projection) -> Result<Lifted> {
        let computed = projection.expr.iter().filter(|expr| plain_column(expr).is_none());
        let input = self.lift_for(&projection.input, computed)?;
        let mut exprs = Vec::with_capacity(projection.expr.len());
        let mut pending: Vec<Pending> = Vec::new();
        for (expr, (qualifier, field)) in projection.expr.iter().zip(projection.schema.iter()) {
            let late =
                plain_column(expr).and_then(|column| input.pending.iter().find(|p| p.is(column)));
            match late {
                None => exprs.push(expr.clone()),
                Some(late) => {
                    let mut late = late.clone();
                    late.below.push(late.name());
                    late.column.qualifier = qualifier.cloned();
                    late.column.field = field.clone();
                    pending.push(late);
                }
            }
        }
        let mut rows: Vec<(Column, Column)> = Vec::new();
        for late in &mut pending {
            let known = rows.iter().find(|(inner, _)| *inner == late.row).cloned();
            let (_, outer) = known.unwrap_or_else(|| {
                let outer = self.row_name();
                exprs.push(Expr::Column(late.row.clone()).alias(&outer.name));
                rows.push((late.row.clone(), outer.clone()));
                (late.row.clone(), outer)
            });
            late.row = outer;
        }
        let has_fetch = input.has_fetch;
        let new = Projection::try_new(exprs, Arc::new(input.plan))?;
        Ok(Lifted { plan: LogicalPlan::Projection(new), pending, has_fetch })
    }

    /// A name of its own for a column of row numbers.
    fn row_name(&mut self) -> Column {
        Column::from_name(format!("__row_{}", self.number()))
    }

    fn number(&mut self) -> usize {
        self.names += 1;
        self.names - 1
    }

    fn lift_join(&mut self, join: &Join) -> Result<Lifted> {
        if let Some(found) = self.lift_row_join(join)? {
            return Ok(found);
        }
        let used = |left: bool| {
            let sides = join.on.iter().map(move |(l, r)| if left { l } else { r });
            sides.chain(&join.filter)
        };
        let left = self.lift_for(&join.left, used(true))?;
        let right = self.lift_for(&join.right, used(false))?;
        let has_fetch = left.has_fetch || right.has_fetch;
        let (has_left, has_right) = match join.join_type {
            JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => (true, false),
            JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => (false, true),
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => (true, true),
        };
        let new = Join::try_new(
            Arc::new(left.plan),
            Arc::new(right.plan),
            join.on.clone(),
            join.filter.clone(),
            join.join_type,
            join.join_constraint,
            join.null_equality,
            join.null_aware,
        )?;
        let mut pending = Vec::new();
        pending.extend(left.pending.into_iter().filter(|_| has_left));
        pending.extend(right.pending.into_iter().filter(|_| has_right));
        for late in &mut pending {
            // Where the other side has no partner, there is no row.
            if let Some((_, field)) = join.schema.iter().find(|(qualifier, field)| {
                *field.name() == *late.column.field.name()
                    && *qualifier == late.column.qualifier.as_ref()
            }) {
                late.column.field = field.clone();
            }
        }
        Ok(Lifted { plan: LogicalPlan::Join(new.clone()), pending, has_fetch }
            .passed(LogicalPlan::Join(new)))
    }
}

/// A scan of a dataset without its wide columns, with row numbers.
fn lift_scan(plan: &LogicalPlan, scan: &TableScan) -> Result<Lifted> {
    let unchanged = || Lifted { plan: plan.clone(), pending: Vec::new(), has_fetch: false };
    let Ok(provider) = source_as_provider(&scan.source) else { return Ok(unchanged()) };
    let Some(table) = provider.downcast_ref::<DatasetTable>() else { return Ok(unchanged()) };
    let attributes = table.snapshot().schema().attributes();
    let indices: Vec<usize> = match &scan.projection {
        Some(indices) => indices.clone(),
        None => (0..scan.source.schema().fields().len()).collect(),
    };
    let is_wide = |index: &usize| attributes.get(*index).is_some_and(is_late);
    let (late, mut kept): (Vec<usize>, Vec<usize>) = indices.into_iter().partition(is_wide);
    if late.is_empty() {
        return Ok(unchanged());
    }
    let whole = Arc::new(table.with_hidden());
    let row = attributes.len();
    if !kept.contains(&row) {
        kept.push(row);
    }
    let new = TableScanBuilder::new(scan.table_name.clone(), provider_as_source(whole.clone()))
        .with_projection(Some(kept))
        .with_filters(scan.filters.clone())
        .with_fetch(scan.fetch)
        .build()?;
    let row = Column::new(Some(scan.table_name.clone()), ROW);
    let pending = late.into_iter().map(|i| waiting(&whole, i, &scan.table_name, row.clone()));
    let pending = pending.collect();
    Ok(Lifted { plan: LogicalPlan::TableScan(new), pending, has_fetch: false })
}

/// A column of a table that nothing has fetched yet.
fn waiting(
    table: &Arc<DatasetTable>,
    attribute: usize,
    qualifier: &TableReference,
    row: Column,
) -> Pending {
    let field = table.snapshot().arrow_schema().fields()[attribute].clone();
    let attribute = field.name().clone();
    let column = LateColumn { qualifier: Some(qualifier.clone()), field, attribute };
    // Whole files are never read in a scan, whose batches are of many rows.
    let has_passed = table.has_contents();
    Pending { column, row, table: table.clone(), has_passed, below: Vec::new() }
}

/// The rows for which `predicate` is true. What nothing is to be fetched for leaves rows out first.
fn filtered(mut lifted: Lifted, predicate: Expr) -> Result<Lifted> {
    let (mut early, mut late) = (Vec::new(), Vec::new());
    for conjunct in split_conjunction_owned(predicate) {
        let mut needed = Needed::default();
        needed.note(&conjunct)?;
        match lifted.pending.iter().any(|pending| needed.has(pending)) {
            true => late.push(conjunct),
            false => early.push(conjunct),
        }
    }
    for predicate in [conjunction(early), conjunction(late)].into_iter().flatten() {
        let mut needed = Needed::default();
        needed.note(&predicate)?;
        let input = fetch(lifted, |pending| needed.has(pending))?;
        let new = Filter::try_new(predicate, Arc::new(input.plan.clone()))?;
        lifted = input.passed(LogicalPlan::Filter(new));
    }
    Ok(lifted)
}

/// The columns that expressions name.
#[derive(Default)]
struct Needed {
    columns: HashSet<Column>,
    /// Whether any may be: what a plan within an expression needs is not looked for.
    all: bool,
}

impl Needed {
    fn note(&mut self, expr: &Expr) -> Result<()> {
        self.all |= expr.exists(|expr| Ok(has_plan(expr)))?;
        self.columns.extend(expr.column_refs().into_iter().cloned());
        Ok(())
    }

    fn has(&self, pending: &Pending) -> bool {
        self.all || self.columns.iter().any(|column| pending.is(column))
    }
}

/// The plan with those of its pending columns that are `wanted`.
fn fetch(mut lifted: Lifted, wanted: impl Fn(&Pending) -> bool) -> Result<Lifted> {
    let (wanted, pending): (Vec<_>, Vec<_>) = lifted.pending.into_iter().partition(wanted);
    lifted.pending = pending;
    let (late, early): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|p| p.has_passed);
    let (in_scan, late) = match only_scan(&lifted.plan) {
        true => (early, late),
        false => (Vec::new(), late.into_iter().chain(early).collect()),
    };
    if !in_scan.is_empty() {
        lifted.plan = with_columns(&lifted.plan, &in_scan)?;
    }
    // One step for all columns of the same rows.
    let mut rest = late;
    while let Some(first) = rest.first().cloned() {
        let is_alike = |p: &Pending| p.row == first.row && Arc::ptr_eq(&p.table, &first.table);
        let (alike, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(is_alike);
        let columns = alike.into_iter().map(|pending| pending.column).collect();
        let node = FetchNode::new(lifted.plan, first.row, first.table, columns)?;
        lifted.plan = LogicalPlan::Extension(Extension { node: Arc::new(node) });
        lifted.has_fetch = true;
        rest = others;
    }
    Ok(lifted)
}

/// Whether the plan is a scan, and nothing more than names and values of its rows.
fn only_scan(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::TableScan(_) => true,
        LogicalPlan::SubqueryAlias(alias) => only_scan(&alias.input),
        LogicalPlan::Projection(projection) => only_scan(&projection.input),
        _ => false,
    }
}

/// The scan with these columns in it again, and all that is above it.
fn with_columns(plan: &LogicalPlan, columns: &[Pending]) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::SubqueryAlias(alias) => {
            let input = with_columns(&alias.input, columns)?;
            let new = SubqueryAlias::try_new(Arc::new(input), alias.alias.clone())?;
            Ok(LogicalPlan::SubqueryAlias(new))
        }
        LogicalPlan::Projection(projection) => {
            let mut exprs = projection.expr.clone();
            let mut inner = columns.to_vec();
            for column in &mut inner {
                let (outer, name) = (column.name(), column.below.pop());
                let name = name.unwrap_or_else(|| outer.clone());
                let value = Expr::Column(name.clone());
                let value = match name == outer {
                    true => value,
                    false => value.alias_qualified(outer.relation, outer.name),
                };
                // Of two names above, there may be one below.
                if !exprs.contains(&value) {
                    exprs.push(value);
                }
            }
            let input = with_columns(&projection.input, &inner)?;
            let new = Projection::try_new(exprs, Arc::new(input))?;
            Ok(LogicalPlan::Projection(new))
        }
        LogicalPlan::TableScan(scan) => {
            let schema = scan.source.schema();
            let mut indices = scan.projection.clone().unwrap_or_default();
            for pending in columns {
                let index = schema.index_of(&pending.column.attribute)?;
                if !indices.contains(&index) {
                    indices.push(index);
                }
            }
            let new = TableScanBuilder::new(scan.table_name.clone(), scan.source.clone())
                .with_projection(Some(indices))
                .with_filters(scan.filters.clone())
                .with_fetch(scan.fetch)
                .build()?;
            Ok(LogicalPlan::TableScan(new))
        }
        other => Ok(other.clone()),
    }
}

/// The column that the expression is, whatever it is called.
fn plain_column(expr: &Expr) -> Option<&Column> {
    match expr {
        Expr::Column(column) => Some(column),
        Expr::Alias(alias) => plain_column(&alias.expr),
        _ => None,
    }
}

/// Whether a plan is part of the expression.
fn has_plan(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Exists(_)
            | Expr::InSubquery(_)
            | Expr::ScalarSubquery(_)
            | Expr::OuterReferenceColumn(..)
    )
}
