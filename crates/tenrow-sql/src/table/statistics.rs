//! How many rows a scan gives, and between which bounds: what `COUNT(*)`, `MIN` and `MAX` need not read.

use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics};
use tenrow::engine::PlacedPartition;
use tenrow::{Attribute, Snapshot};

use super::bounds::{self, Bounds};
use crate::columns::Column;
use crate::row_set::RowSet;

/// Statistics of a scan of which nothing is to be known: see [`SessionOptions::statistics`](crate::SessionOptions).
pub(crate) fn unknown(columns: &[Column]) -> Statistics {
    Statistics {
        num_rows: Precision::Absent,
        total_byte_size: Precision::Absent,
        column_statistics: columns.iter().map(|_| ColumnStatistics::new_unknown()).collect(),
    }
}

/// Statistics of these columns of `rows`, before any filter; `partitions` are all that hold these rows, if they are
/// known.
pub(crate) fn of_scan(
    snapshot: &Snapshot,
    columns: &[Column],
    rows: &RowSet,
    partitions: Option<&[PlacedPartition]>,
) -> Statistics {
    let whole = |partitions: &&[PlacedPartition]| {
        partitions.iter().map(|p| p.rows().end - p.rows().start).sum::<u64>() == rows.len()
    };
    // Bounds of whole partitions say little of parts of them.
    let partitions = partitions.filter(whole);
    let column_statistics = columns.iter().map(|column| match (column, partitions) {
        (Column::Attribute(index), Some(partitions)) => {
            of_attribute(&snapshot.schema().attributes()[*index], partitions)
        }
        (Column::Row, _) => of_rows(rows),
        _ => ColumnStatistics::new_unknown(),
    });
    Statistics {
        num_rows: Precision::Exact(usize::try_from(rows.len()).unwrap_or(usize::MAX)),
        total_byte_size: Precision::Absent,
        column_statistics: column_statistics.collect(),
    }
}

fn of_rows(rows: &RowSet) -> ColumnStatistics {
    let (Some(first), Some(last)) = (rows.ranges().first(), rows.ranges().last()) else {
        return ColumnStatistics::new_unknown();
    };
    let number = |row: u64| Precision::Exact(ScalarValue::Int64(i64::try_from(row).ok()));
    ColumnStatistics {
        null_count: Precision::Exact(0),
        min_value: number(first.start),
        max_value: number(last.end - 1),
        ..ColumnStatistics::new_unknown()
    }
}

fn of_attribute(attribute: &Attribute, partitions: &[PlacedPartition]) -> ColumnStatistics {
    let mut statistics = ColumnStatistics::new_unknown();
    let mut total: Option<Bounds> = None;
    let mut has_deletes = false;
    for partition in partitions {
        let bounds = bounds::of_partition(partition, attribute);
        has_deletes |= partition.entry().deletes.is_some();
        total = match total {
            None => Some(bounds),
            Some(known) => Some(merge(known, bounds)),
        };
    }
    let Some(total) = total else { return statistics };
    if let Some(nulls) = total.null_count.and_then(|nulls| usize::try_from(nulls).ok()) {
        statistics.null_count =
            if has_deletes { Precision::Inexact(nulls) } else { Precision::Exact(nulls) };
    }
    let precise = |value: ScalarValue| match total.is_exact {
        true => Precision::Exact(value),
        false => Precision::Inexact(value),
    };
    statistics.min_value = total.min.clone().map_or(Precision::Absent, precise);
    statistics.max_value = total.max.clone().map_or(Precision::Absent, precise);
    statistics
}

/// The bounds of both; none if of one of them nothing is known.
fn merge(a: Bounds, b: Bounds) -> Bounds {
    let min = match (a.min, b.min) {
        (Some(a), Some(b)) => Some(if b < a { b } else { a }),
        _ => None,
    };
    let max = match (a.max, b.max) {
        (Some(a), Some(b)) => Some(if b > a { b } else { a }),
        _ => None,
    };
    Bounds {
        is_exact: a.is_exact && b.is_exact,
        min,
        max,
        null_count: a.null_count.zip(b.null_count).map(|(a, b)| a + b),
    }
}
