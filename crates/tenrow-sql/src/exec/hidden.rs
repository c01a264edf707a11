//! The columns that every row has besides its attributes.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array};
use tenrow::{Result, Snapshot};

use crate::columns::Column;

/// One hidden column of `rows`; `None` if the column is an attribute.
pub(crate) async fn of_rows(
    snapshot: &Snapshot,
    column: Column,
    rows: &[Range<u64>],
) -> Result<Option<ArrayRef>> {
    let numbers = match column {
        Column::Attribute(_) => return Ok(None),
        Column::Row => rows.iter().cloned().flatten().map(number).collect(),
        Column::RowId => row_ids(snapshot, rows).await?,
        Column::Partition => partitions(snapshot, rows).await?,
    };
    Ok(Some(Arc::new(Int64Array::from(numbers))))
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

async fn row_ids(snapshot: &Snapshot, rows: &[Range<u64>]) -> Result<Vec<i64>> {
    let rows: Vec<u64> = rows.iter().cloned().flatten().collect();
    Ok(snapshot.row_ids(&rows).await?.into_iter().map(number).collect())
}

async fn partitions(snapshot: &Snapshot, rows: &[Range<u64>]) -> Result<Vec<i64>> {
    let mut numbers = Vec::new();
    let mut known: Option<(Range<u64>, u64)> = None;
    for range in rows {
        let mut at = range.start;
        while at < range.end {
            let (rows, partition) = match known.take().filter(|(rows, _)| rows.contains(&at)) {
                Some(known) => known,
                None => {
                    let found = snapshot.partition_of_row(at).await?;
                    (found.rows(), found.number())
                }
            };
            let end = range.end.min(rows.end);
            numbers.extend(std::iter::repeat_n(number(partition), (end - at) as usize));
            at = end;
            known = Some((rows, partition));
        }
    }
    Ok(numbers)
}
