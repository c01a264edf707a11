//! What is read of a partition by the Parquet source, and how that is dealt out.

use std::ops::Range;
use std::sync::Arc;

use arrow_schema::DataType;
use datafusion::common::ScalarValue;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::{ParquetAccessPlan, RowGroupAccess};
use datafusion::parquet::arrow::arrow_reader::RowSelection;
use tenrow::engine::DeletedRows;
use tenrow::engine::PlacedPartition;
use tenrow::{Attribute, AttributeType, Result};

use crate::row_set::RowSet;

/// Rows of one file of a partition.
#[derive(Debug, Clone)]
pub(in crate::exec) struct Part {
    pub(super) partition: PlacedPartition,
    pub(super) file: usize,
    pub(super) deletes: Option<Arc<DeletedRows>>,
    /// The rows of the file that are read, ascending.
    ranges: Vec<Range<u64>>,
}

/// The one file of a partition that has all of these attributes, if there is one and the Parquet source
/// reads it as tenrow does.
pub(in crate::exec) fn file_of(
    partition: &PlacedPartition,
    attributes: &[&Attribute],
) -> Option<usize> {
    let mut found = None;
    for attribute in attributes {
        if !is_plain(&attribute.attribute_type) {
            return None;
        }
        let Some((file, field)) = partition.file_of(attribute) else {
            // A default is one number for all rows.
            match attribute.attribute_type {
                AttributeType::Scalar(_) => continue,
                _ if attribute.default.is_none() => continue,
                _ => return None,
            }
        };
        if field != attribute.id {
            let is_number = |a: &Attribute| a.attribute_type.arrow_type().is_numeric();
            if !attribute
                .as_stored(field)
                .is_some_and(|old| is_number(&old) && is_number(attribute))
            {
                return None;
            }
        }
        if found.is_some_and(|found| found != file) {
            return None;
        }
        found = Some(file);
    }
    found.filter(|file| partition.entry().files[*file].foreign.is_none())
}

/// Whether Parquet has one form for the type.
fn is_plain(attribute_type: &AttributeType) -> bool {
    match attribute_type {
        AttributeType::Scalar(_) => true,
        // The source makes bytes text where a column of the file has the name of another attribute, which is text.
        AttributeType::Value(DataType::Binary) => false,
        AttributeType::Value(data_type) => !data_type.is_nested(),
        _ => false,
    }
}

impl Part {
    /// Those of `rows` that the partition has.
    pub(in crate::exec) async fn new(
        partition: &PlacedPartition,
        file: usize,
        rows: &RowSet,
    ) -> Result<Self> {
        let own = partition.rows();
        let deletes = partition.deleted_rows().await?;
        let live = rows.and(&RowSet::new([own.clone()]));
        let live = live.ranges().iter().map(|rows| rows.start - own.start..rows.end - own.start);
        let ranges = match &deletes {
            Some(deletes) => live.flat_map(|live| deletes.ranges(live)).collect(),
            None => live.collect(),
        };
        Ok(Self { partition: partition.clone(), file, deletes, ranges })
    }

    /// Where a row of the file is in the version.
    pub(super) fn row(&self, file_row: u64) -> u64 {
        let live = self.deletes.as_ref().map_or(file_row, |deletes| deletes.live_before(file_row));
        self.partition.rows().start + live
    }

    fn row_groups(&self) -> &[u64] {
        &self.partition.entry().files[self.file].row_groups
    }

    /// The rows that are read of each row group, counted from its first.
    fn chosen(&self) -> Vec<Vec<Range<u64>>> {
        let mut start = 0;
        let mut ranges = self.ranges.as_slice();
        let mut chosen = Vec::with_capacity(self.row_groups().len());
        for &rows in self.row_groups() {
            let end = start + rows;
            let mut own = Vec::new();
            while let Some(range) = ranges.first().filter(|range| range.start < end) {
                own.push(range.start.max(start) - start..range.end.min(end) - start);
                if range.end > end {
                    break;
                }
                ranges = &ranges[1..];
            }
            chosen.push(own);
            start = end;
        }
        chosen
    }

    /// The file as the source is given it, of which these row groups are read.
    fn file(&self, access: Vec<RowGroupAccess>, with_partition: bool) -> PartitionedFile {
        let entry = &self.partition.entry().files[self.file];
        let mut file = PartitionedFile::new(entry.path.clone(), entry.size_bytes);
        if with_partition {
            let number = i64::try_from(self.partition.number()).ok();
            file.partition_values = vec![ScalarValue::Int64(number)];
        }
        file.with_extension(ParquetAccessPlan::new(access))
            .with_extension(FileOf { partition: self.partition.clone(), file: self.file })
    }
}

/// What a reader needs to know of a file.
#[derive(Debug, Clone)]
pub(super) struct FileOf {
    pub(super) partition: PlacedPartition,
    pub(super) file: usize,
}

/// The files of parts, dealt out to at most `count` groups of about as many rows, ascending; a large file is
/// in several, with different row groups.
pub(super) fn groups(
    parts: &[Part],
    count: usize,
    with_partition: bool,
) -> Vec<Vec<PartitionedFile>> {
    let chosen: Vec<_> = parts.iter().map(Part::chosen).collect();
    let rows_of = |ranges: &[Range<u64>]| ranges.iter().map(|r| r.end - r.start).sum::<u64>();
    let total: u64 = chosen.iter().flatten().map(|ranges| rows_of(ranges)).sum();
    let size = total.div_ceil(count.max(1) as u64).max(1);
    let mut groups: Vec<Vec<PartitionedFile>> = vec![Vec::new()];
    let mut dealt = 0;
    for (part, chosen) in parts.iter().zip(chosen) {
        let nothing = vec![RowGroupAccess::Skip; chosen.len()];
        let mut access = nothing.clone();
        let mut is_empty = true;
        for (index, ranges) in chosen.iter().enumerate() {
            let rows = rows_of(ranges);
            if rows == 0 {
                continue;
            }
            // A row group goes to the group that its middle is in.
            let group = ((dealt + rows / 2) / size) as usize;
            if group >= groups.len() {
                if !std::mem::replace(&mut is_empty, true) {
                    let done = std::mem::replace(&mut access, nothing.clone());
                    if let Some(last) = groups.last_mut() {
                        last.push(part.file(done, with_partition));
                    }
                }
                if groups.last().is_some_and(|last| !last.is_empty()) {
                    groups.push(Vec::new());
                }
            }
            dealt += rows;
            access[index] = access_of(ranges, part.row_groups()[index]);
            is_empty = false;
        }
        if let Some(last) = groups.last_mut().filter(|_| !is_empty) {
            last.push(part.file(access, with_partition));
        }
    }
    groups
}

fn access_of(ranges: &[Range<u64>], rows: u64) -> RowGroupAccess {
    match ranges {
        [whole] if *whole == (0..rows) => RowGroupAccess::Scan,
        _ => {
            let ranges = ranges.iter().map(|range| range.start as usize..range.end as usize);
            let selection = RowSelection::from_consecutive_ranges(ranges, rows as usize);
            RowGroupAccess::Selection(selection)
        }
    }
}
