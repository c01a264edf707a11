//! A join of a dataset with a short list of its rows follows the list, and does not look for its rows.
//!
//! ```text
//! Join: t._row = list.n            Filter: t.label = 3
//!   Filter: t.label = 3              Fetch: late=[label], row=__row_0
//!     Scan: t                  ─►      Filter: __row_0 is a row of t
//!   Scan: list                           Projection: list.n, list.n AS __row_0
//!                                          Scan: list
//! ```

use std::collections::HashSet;
use std::sync::Arc;

use arrow_schema::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, NullEquality, Result, TableReference};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::logical_plan::{Aggregate, Filter, Join, Projection, TableScan};
use datafusion::logical_expr::{Expr, ExprSchemable, JoinType, LogicalPlan, lit};

use super::{Lifted, Lifting, Pending, fetch, filtered, has_plan, most_rows, waiting};
use crate::columns::{PARTITION, ROW, ROW_ID};
use crate::table::DatasetTable;

/// Rows that are looked up rather than looked for, at most.
const MAX_ADDRESSES: u64 = 8192;
/// The part of a table that such a list is, at most: one row of so many.
const MIN_ROWS_PER_ADDRESS: u64 = 4;

/// A join that can be followed.
struct RowJoin<'a> {
    table: Rows<'a>,
    list: &'a LogicalPlan,
    /// What the list has for the row number.
    number: &'a Expr,
    /// What else is to hold of both.
    others: Vec<Expr>,
    /// Whether the list says only which rows are left.
    is_semi: bool,
}

/// The rows of a table, some of them left out.
struct Rows<'a> {
    scan: &'a TableScan,
    /// What the rows are called above.
    qualifier: TableReference,
    predicates: Vec<&'a Expr>,
}

impl Lifting {
    /// The join without looking for rows; `None` if it is of another kind, or the list may be long.
    pub(super) fn lift_row_join(&mut self, join: &Join) -> Result<Option<Lifted>> {
        let found = match join.join_type {
            JoinType::Inner => RowJoin::of(join, true).or_else(|| RowJoin::of(join, false)),
            JoinType::LeftSemi => RowJoin::of(join, true),
            JoinType::RightSemi => RowJoin::of(join, false),
            _ => None,
        };
        let Some(found) = found else { return Ok(None) };
        let Some(table) = found.table.dataset() else { return Ok(None) };
        let list = self.lift_for(found.list, [found.number])?;
        self.follow(&found, &table, list).map(Some)
    }

    fn follow(
        &mut self,
        join: &RowJoin<'_>,
        table: &Arc<DatasetTable>,
        list: Lifted,
    ) -> Result<Lifted> {
        let row = self.row_name();
        let count = i64::try_from(table.snapshot().row_count()).unwrap_or(i64::MAX);
        let named = || Expr::Column(row.clone());
        let is_row = named().gt_eq(lit(0i64)).and(named().lt(lit(count)));
        let number = join.number.clone().alias(&row.name);
        let mut exprs: Vec<Expr> = match join.is_semi {
            true => Vec::new(),
            false => list.plan.schema().columns().into_iter().map(Expr::Column).collect(),
        };
        exprs.push(number);
        let numbers = Projection::try_new(exprs, Arc::new(list.plan))?;
        let numbers = Filter::try_new(is_row, Arc::new(LogicalPlan::Projection(numbers)))?;
        let mut rows = LogicalPlan::Filter(numbers);
        if join.is_semi {
            let once = vec![named()];
            rows = LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(rows), once, Vec::new())?);
        }
        // The number is a column of the table too.
        let also = named().alias_qualified(Some(join.table.qualifier.clone()), ROW);
        let columns = rows.schema().columns().into_iter().map(Expr::Column);
        let rows = Projection::try_new(columns.chain([also]).collect(), Arc::new(rows))?;

        let mut pending = if join.is_semi { Vec::new() } else { list.pending };
        pending.extend(join.table.pending(table, &row));
        pending.iter_mut().for_each(|pending| pending.has_passed = true);
        let rows = Lifted { plan: LogicalPlan::Projection(rows), pending, has_fetch: true };
        let mut found = fetch(rows, |pending| pending.row == row && !pending.is_wide())?;

        let mut seen = HashSet::new();
        for predicate in join.predicates()? {
            if seen.insert(predicate.clone()) {
                found = filtered(found, predicate)?;
            }
        }
        Ok(found)
    }
}

impl<'a> RowJoin<'a> {
    /// The join, if its left or its right is a table whose rows its other side lists.
    fn of(join: &'a Join, table_is_left: bool) -> Option<Self> {
        let is_semi = join.join_type != JoinType::Inner;
        if join.null_equality != NullEquality::NullEqualsNothing {
            return None;
        }
        let (table, list) = match table_is_left {
            true => (&join.left, &join.right),
            false => (&join.right, &join.left),
        };
        let table = Rows::of(table)?;
        let is_row = |pair: &&(Expr, Expr)| {
            let own = if table_is_left { &pair.0 } else { &pair.1 };
            matches!(own, Expr::Column(column) if column.name == ROW)
        };
        let pair = join.on.iter().find(is_row)?;
        let number = if table_is_left { &pair.1 } else { &pair.0 };
        let equal = |pair: &(Expr, Expr)| pair.0.clone().eq(pair.1.clone());
        let others = join.on.iter().filter(|other| *other != pair).map(equal);
        let others: Vec<Expr> = others.chain(join.filter.clone()).collect();
        let is_number = number.get_type(list.schema()).ok()? == DataType::Int64;
        let is_simple = is_number && (others.is_empty() || !is_semi);
        let rows = table.dataset()?.snapshot().row_count();
        let is_short = most_rows(list) <= MAX_ADDRESSES.min(rows / MIN_ROWS_PER_ADDRESS);
        (is_simple && is_short).then_some(Self { table, list, number, others, is_semi })
    }

    /// All that is to hold of the rows, in the names that are known above the join.
    fn predicates(&self) -> Result<Vec<Expr>> {
        let own = self.table.predicates.iter().copied().chain(&self.table.scan.filters);
        let renamed = own.map(|predicate| {
            let rename = |expr: Expr| match expr {
                Expr::Column(column) => {
                    let relation = Some(self.table.qualifier.clone());
                    Ok(Transformed::yes(Expr::Column(Column::new(relation, column.name))))
                }
                other => Ok(Transformed::no(other)),
            };
            Ok(predicate.clone().transform(rename)?.data)
        });
        renamed.chain(self.others.iter().cloned().map(Ok)).collect()
    }
}

impl<'a> Rows<'a> {
    fn of(plan: &'a LogicalPlan) -> Option<Self> {
        match plan {
            LogicalPlan::TableScan(scan) if scan.fetch.is_none() => {
                let qualifier = scan.table_name.clone();
                Some(Self { scan, qualifier, predicates: Vec::new() })
            }
            LogicalPlan::SubqueryAlias(alias) => {
                Some(Self { qualifier: alias.alias.clone(), ..Self::of(&alias.input)? })
            }
            LogicalPlan::Filter(filter) => {
                let mut rows = Self::of(&filter.input)?;
                rows.predicates.push(&filter.predicate);
                let has_plan = filter.predicate.exists(|expr| Ok(has_plan(expr)));
                (!has_plan.unwrap_or(true)).then_some(rows)
            }
            LogicalPlan::Projection(projection) => {
                let is_column = |expr: &Expr| matches!(expr, Expr::Column(_));
                let rows = Self::of(&projection.input)?;
                projection.expr.iter().all(is_column).then_some(rows)
            }
            _ => None,
        }
    }

    /// The table, with its hidden columns; `None` if it is no dataset, or columns are wanted that no fetch gives.
    fn dataset(&self) -> Option<Arc<DatasetTable>> {
        let provider = source_as_provider(&self.scan.source).ok()?;
        let table = provider.downcast_ref::<DatasetTable>()?;
        let is_hidden = |name: &str| [ROW_ID, PARTITION].contains(&name);
        let mut named = self.scan.filters.iter().flat_map(Expr::column_refs);
        let is_wanted = named.any(|column| is_hidden(&column.name))
            || self.scan.projected_schema.fields().iter().any(|field| is_hidden(field.name()));
        (!is_wanted).then(|| Arc::new(table.with_hidden()))
    }

    /// The columns of the scan, to be fetched by `row`.
    fn pending(&self, table: &Arc<DatasetTable>, row: &Column) -> Vec<Pending> {
        let attributes = table.snapshot().schema().attributes().iter().enumerate();
        let wanted = attributes.filter(|(_, attribute)| {
            self.scan.projected_schema.has_column_with_unqualified_name(&attribute.name)
        });
        wanted.map(|(index, _)| waiting(table, index, &self.qualifier, row.clone())).collect()
    }
}
