//! From global row numbers to partitions and row groups.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use futures::stream::{self, StreamExt, TryStreamExt};
// Mapped pages never wait: between row groups whoever polls gets a turn, to cancel for one.
use tokio::task::yield_now;

use crate::error::Result;
use crate::format::Attribute;
use crate::read::arrays;
use crate::read::column::ColumnReader;
use crate::read::options::ReadOptions;
use crate::snapshot::{LoadedPartition, Snapshot};

/// Rows and where they are, in the order they were asked for.
pub(crate) struct Rows {
    pub(crate) partitions: Vec<Arc<LoadedPartition>>,
    /// For each row: which of `partitions`, and the row of its files.
    pub(crate) rows: Vec<(u32, u64)>,
}

impl Snapshot {
    /// The partition that holds `row`, the global rows that it holds, and its first global row.
    pub(crate) async fn locate(&self, row: u64) -> Result<(&Arc<LoadedPartition>, Range<u64>)> {
        let Some((leaf_index, in_leaf)) = self.row_map().locate(row) else {
            return Err(self.out_of_range(row));
        };
        let leaf = self.leaf(leaf_index).await?;
        let Some((partition, _)) = leaf.row_map().locate(in_leaf) else {
            return Err(self.out_of_range(row));
        };
        let start = self.row_map().start(leaf_index) + leaf.row_map().start(partition);
        let partition = &leaf.partitions()[partition];
        Ok((partition, start..start + partition.entry().live_rows()))
    }

    /// The partition that holds `row`, and the row of its files.
    pub(crate) async fn locate_row(&self, row: u64) -> Result<(&Arc<LoadedPartition>, u64)> {
        let (partition, range) = self.locate(row).await?;
        let live = row - range.start;
        let row = match partition.deletes(self.storage()).await? {
            Some(deletes) => deletes.row(live),
            None => live,
        };
        Ok((partition, row))
    }

    /// Live rows of a partition, as ascending ranges of rows of its files.
    pub(crate) async fn file_rows(
        &self,
        partition: &LoadedPartition,
        live: Range<u64>,
    ) -> Result<Vec<Range<u64>>> {
        Ok(match partition.deletes(self.storage()).await? {
            Some(deletes) => deletes.ranges(live),
            None => vec![live],
        })
    }

    /// Where each of `rows` is.
    pub(crate) async fn resolve(&self, rows: &[u64]) -> Result<Rows> {
        let mut resolved = Rows { partitions: Vec::new(), rows: Vec::with_capacity(rows.len()) };
        let mut known: BTreeMap<u64, (u64, u32)> = BTreeMap::new();
        let mut last = (0..0, 0u32);
        for &row in rows {
            if !last.0.contains(&row) {
                let before = known.range(..=row).next_back().filter(|(_, (end, _))| row < *end);
                last = match before {
                    Some((&start, &(end, number))) => (start..end, number),
                    None => {
                        let (partition, range) = self.locate(row).await?;
                        let number = resolved.partitions.len() as u32;
                        resolved.partitions.push(partition.clone());
                        known.insert(range.start, (range.end, number));
                        (range, number)
                    }
                };
            }
            resolved.rows.push((last.1, row - last.0.start));
        }
        self.skip_deleted(&mut resolved).await?;
        Ok(resolved)
    }

    /// Makes live rows of partitions with deleted ones rows of their files.
    async fn skip_deleted(&self, rows: &mut Rows) -> Result<()> {
        let mut deletes = Vec::with_capacity(rows.partitions.len());
        for partition in &rows.partitions {
            deletes.push(partition.deletes(self.storage()).await?.cloned());
        }
        if deletes.iter().any(Option::is_some) {
            for (number, row) in &mut rows.rows {
                if let Some(deletes) = &deletes[*number as usize] {
                    *row = deletes.row(*row);
                }
            }
        }
        Ok(())
    }

    /// One attribute of these rows, in their order.
    pub(crate) async fn take_column(
        &self,
        attribute: &Attribute,
        rows: &Rows,
        options: &ReadOptions,
    ) -> Result<ArrayRef> {
        let partition = |number: u32| &rows.partitions[number as usize];
        let reader = |number: u32| ColumnReader::new(self, attribute, partition(number), options);
        // The rows wanted of each row group, ascending, each once.
        let mut groups: BTreeMap<(u32, usize), Vec<u64>> = BTreeMap::new();
        let mut places = Vec::with_capacity(rows.rows.len());
        for &(number, row) in &rows.rows {
            let (row_group, row) = reader(number).row_group_of(row)?;
            groups.entry((number, row_group)).or_default().push(row);
            places.push(((number, row_group), row));
        }
        for wanted in groups.values_mut() {
            wanted.sort_unstable();
            wanted.dedup();
        }
        let mut reads = Vec::with_capacity(groups.len());
        for (&(number, row_group), wanted) in &groups {
            let reader = reader(number);
            let is_first = reads.is_empty();
            reads.push(async move {
                if !is_first {
                    yield_now().await;
                }
                reader.read(row_group, &ranges_of(wanted)).await
            });
        }
        let read: Vec<ArrayRef> =
            stream::iter(reads).buffered(options.max_concurrency.max(1)).try_collect().await?;
        let data_type = attribute.attribute_type.arrow_type();
        if let (1, Some(array)) = (read.len(), read.first())
            && places.windows(2).all(|pair| pair[0].1 < pair[1].1)
        {
            return Ok(array.clone());
        }
        if read.is_empty() {
            return Ok(arrow_array::new_empty_array(&data_type));
        }
        let numbers: BTreeMap<_, _> = groups.keys().copied().zip(0..).collect();
        let indices: Vec<(usize, usize)> = places
            .into_iter()
            .map(|(group, row)| {
                let position = groups[&group].partition_point(|&wanted| wanted < row);
                (numbers[&group], position)
            })
            .collect();
        let read: Vec<&dyn Array> = read.iter().map(|array| array.as_ref()).collect();
        arrow_select::interleave::interleave(&read, &indices).map_err(arrays::unfit)
    }
}

impl ColumnReader<'_> {
    /// The row group of the attribute's file that holds a row of the partition, and the row in it.
    pub(crate) fn row_group_of(&self, row: u64) -> Result<(usize, u64)> {
        let Some(place) = self.place() else { return Ok((0, row)) };
        let file = self.file(place);
        file.row_map().locate(row).ok_or_else(|| {
            self.file_reader(place).damaged(format!("row {row} of {} rows", file.row_map().total()))
        })
    }

    /// Rows `rows` of the partition, row group by row group.
    pub(crate) async fn read_range(&self, rows: Range<u64>) -> Result<ArrayRef> {
        self.read_ranges(std::slice::from_ref(&rows)).await
    }

    /// The rows of ascending ranges, row group by row group.
    pub(crate) async fn read_ranges(&self, ranges: &[Range<u64>]) -> Result<ArrayRef> {
        let groups = self.by_row_group(ranges)?;
        let mut parts = Vec::with_capacity(groups.len());
        for (row_group, ranges) in &groups {
            if !parts.is_empty() {
                yield_now().await;
            }
            parts.push(self.read(*row_group, ranges).await?);
        }
        arrays::concat(&self.wanted_type(), parts)
    }

    /// Of each row group the ranges in it, counted from its first row; `ranges` ascend.
    pub(crate) fn by_row_group(
        &self,
        ranges: &[Range<u64>],
    ) -> Result<Vec<(usize, Vec<Range<u64>>)>> {
        let mut groups: Vec<(usize, Vec<Range<u64>>)> = Vec::new();
        for rows in ranges {
            let mut at = rows.start;
            while at < rows.end {
                let (row_group, first) = self.row_group_of(at)?;
                let group_rows = match self.place() {
                    Some(place) => self.file(place).entry().row_groups[row_group],
                    None => rows.end,
                };
                let len = (rows.end - at).min(group_rows - first);
                let range = first..first + len;
                match groups.last_mut() {
                    Some((last, ranges)) if *last == row_group => ranges.push(range),
                    _ => groups.push((row_group, vec![range])),
                }
                at += len;
            }
        }
        Ok(groups)
    }
}

/// Ascending, distinct numbers as ranges.
fn ranges_of(rows: &[u64]) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for &row in rows {
        match ranges.last_mut() {
            Some(last) if last.end == row => last.end += 1,
            _ => ranges.push(row..row + 1),
        }
    }
    ranges
}
