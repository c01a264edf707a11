//! Filters that say which rows are meant: `_row = 7`, `_row_id IN (3, 5)`, `_partition < 2`.

use std::ops::Range;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};
use tenrow::{Result, Snapshot};

use crate::columns::{HIDDEN_COLUMNS, PARTITION, ROW, ROW_ID};
use crate::row_set::RowSet;

/// Whether a filter is about one hidden column alone, and can be followed without looking at rows.
pub(crate) fn is_address(filter: &Expr) -> bool {
    numbers_of_any(filter).is_some()
}

/// The hidden column that a filter is about, and the numbers of it that it leaves.
fn numbers_of_any(filter: &Expr) -> Option<(&'static str, RowSet)> {
    HIDDEN_COLUMNS.into_iter().find_map(|column| Some((column, numbers(filter, column)?)))
}

/// The rows that all address filters among `filters` leave; `None` if there is no such filter.
///
/// Looks up ids and partitions: a leaf for each that is not cached.
pub(crate) async fn rows(snapshot: &Snapshot, filters: &[Expr]) -> Result<Option<RowSet>> {
    let mut found: Option<RowSet> = None;
    let all = RowSet::new([0..snapshot.row_count()]);
    for filter in filters {
        let rows = match numbers_of_any(filter) {
            Some((ROW, rows)) => rows,
            Some((ROW_ID, ids)) => rows_of_ids(snapshot, &ids).await?,
            Some((PARTITION, numbers)) => rows_of_partitions(snapshot, &numbers).await?,
            Some(_) | None => continue,
        };
        found = Some(found.as_ref().unwrap_or(&all).and(&rows));
    }
    Ok(found)
}

/// The rows that have these ids.
async fn rows_of_ids(snapshot: &Snapshot, ids: &RowSet) -> Result<RowSet> {
    let single = |range: &&Range<u64>| range.end - range.start == 1;
    let (points, ranges): (Vec<_>, Vec<_>) = ids.ranges().iter().partition(single);
    let points: Vec<u64> = points.into_iter().map(|range| range.start).collect();
    let found = snapshot.rows_of_ids(&points).await?;
    let mut rows: Vec<Range<u64>> = found.into_iter().flatten().map(|row| row..row + 1).collect();
    for range in ranges {
        rows.push(
            first_row_from(snapshot, range.start).await?
                ..first_row_from(snapshot, range.end).await?,
        );
    }
    Ok(RowSet::new(rows))
}

/// The rows of the partitions that have these numbers; reads the leaves that have only some of them.
async fn rows_of_partitions(snapshot: &Snapshot, numbers: &RowSet) -> Result<RowSet> {
    let mut rows = Vec::new();
    let mut first = 0;
    for (leaf, reference) in snapshot.root().leaves.iter().enumerate() {
        let of_leaf = first..first + reference.partition_count;
        first = of_leaf.end;
        if numbers.contains(&of_leaf) {
            rows.push(snapshot.rows_of_leaf(leaf));
        } else if numbers.touches(&of_leaf) {
            let partitions = snapshot.partitions_of_leaf(leaf).await?;
            let wanted = |number: u64| numbers.contains(&(number..number + 1));
            rows.extend(partitions.iter().filter(|p| wanted(p.number())).map(|p| p.rows()));
        }
    }
    Ok(RowSet::new(rows))
}

/// The first row whose id is at least `id`: a binary search, for ids ascend with rows.
async fn first_row_from(snapshot: &Snapshot, id: u64) -> Result<u64> {
    let (mut low, mut high) = (0, snapshot.row_count());
    if id >= snapshot.root().next_row_id {
        return Ok(high);
    }
    while low < high {
        let middle = low + (high - low) / 2;
        match snapshot.row_ids(&[middle]).await?.first() {
            Some(found) if *found < id => low = middle + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// Numbers beyond this are none of rows.
const END: u64 = i64::MAX as u64;

/// The numbers of `column` for which the filter is true; `None` if it is about anything else.
fn numbers(filter: &Expr, column: &str) -> Option<RowSet> {
    match filter {
        // What the optimizer makes of `IN (7, NULL)` once the filter has been promised to be followed: `_row = 7 OR NULL`.
        Expr::Literal(ScalarValue::Boolean(value), _) => Some(match value {
            Some(true) => RowSet::new([0..END]),
            Some(false) | None => RowSet::default(),
        }),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            Some(numbers(left, column)?.and(&numbers(right, column)?))
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            Some(numbers(left, column)?.or(&numbers(right, column)?))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match is_column(left, column) {
            true => compared(*op, literal(right)?),
            false if is_column(right, column) => compared(op.swap()?, literal(left)?),
            false => None,
        },
        Expr::InList(list) if !list.negated && is_column(&list.expr, column) => {
            let points = list.list.iter().map(|item| compared(Operator::Eq, literal(item)?));
            let points = points.collect::<Option<Vec<_>>>()?;
            Some(RowSet::new(points.iter().flat_map(|point| point.ranges().iter().cloned())))
        }
        Expr::Between(Between { expr, negated: false, low, high }) if is_column(expr, column) => {
            let from = compared(Operator::GtEq, literal(low)?)?;
            Some(from.and(&compared(Operator::LtEq, literal(high)?)?))
        }
        _ => None,
    }
}

fn is_column(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Column(column) if column.name == name)
}

/// A whole number, or null.
fn literal(expr: &Expr) -> Option<Option<i64>> {
    let Expr::Literal(value, _) = expr else { return None };
    match value {
        ScalarValue::Null => Some(None),
        ScalarValue::Int64(value) => Some(*value),
        ScalarValue::Int32(value) => Some(value.map(i64::from)),
        ScalarValue::UInt64(value) => {
            Some(value.map(|value| i64::try_from(value).unwrap_or(i64::MAX)))
        }
        _ => None,
    }
}

/// The numbers from 0 that compare so with `value`; with null, none does.
fn compared(op: Operator, value: Option<i64>) -> Option<RowSet> {
    let Some(value) = value else {
        return matches!(
            op,
            Operator::Eq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq
        )
        .then(RowSet::default);
    };
    // The first number that is at least, and the first that is more than `value`.
    let (from, after) = match u64::try_from(value) {
        Ok(value) => (value, value + 1),
        Err(_) => (0, 0),
    };
    let range = match op {
        Operator::Eq => from..after,
        Operator::Lt => 0..from,
        Operator::LtEq => 0..after,
        Operator::Gt => after..END,
        Operator::GtEq => from..END,
        _ => return None,
    };
    Some(RowSet::new([range]))
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::{col, lit};

    use super::*;

    fn rows_of(filter: Expr) -> Option<Vec<Range<u64>>> {
        numbers(&filter, ROW).map(|rows| rows.ranges().to_vec())
    }

    #[test]
    fn comparisons_become_ranges() {
        assert_eq!(rows_of(col(ROW).eq(lit(7i64))), Some(vec![7..8]));
        assert_eq!(rows_of(lit(7i64).lt(col(ROW))), Some(vec![8..END]));
        assert_eq!(rows_of(col(ROW).between(lit(2i64), lit(4i64))), Some(vec![2..5]));
        assert_eq!(rows_of(col(ROW).eq(lit(-1i64))), Some(vec![]));
        assert_eq!(rows_of(col(ROW).gt(lit(-1i64))), Some(vec![0..END]));
        assert_eq!(rows_of(col(ROW).eq(lit(ScalarValue::Null))), Some(vec![]));
        let either = col(ROW).eq(lit(1i64)).or(col(ROW).in_list(vec![lit(2i64), lit(9i64)], false));
        assert_eq!(rows_of(either), Some(vec![1..3, 9..10]));
    }

    /// `_row IN (7, NULL)` was an address, and what it was simplified to was none: all rows were left.
    #[test]
    fn what_a_list_with_null_is_simplified_to_is_an_address_too() {
        let null = || lit(ScalarValue::Boolean(None));
        assert_eq!(rows_of(col(ROW).eq(lit(7i64)).or(null())), Some(vec![7..8]));
        assert_eq!(rows_of(col(ROW).eq(lit(7i64)).and(null())), Some(vec![]));
        assert_eq!(rows_of(col(ROW).lt(lit(7i64)).and(lit(true))), Some(vec![0..7]));
    }

    #[test]
    fn filters_about_anything_else_are_no_addresses() {
        for filter in [
            col("label").eq(lit(7i64)),
            col(ROW).eq(col("label")),
            col(ROW).not_eq(lit(7i64)),
            col(ROW).eq(lit(1i64)).or(col("label").eq(lit(1i64))),
            col(ROW).in_list(vec![lit(1i64)], true),
        ] {
            assert!(!is_address(&filter), "{filter}");
        }
    }
}
