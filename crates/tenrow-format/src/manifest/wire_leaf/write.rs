//! From partitions to columns, in the order of `fields`.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch};
use serde_json::Value;

use super::arrays::{group, hashes, lists, numbers, small_numbers, texts};
use super::{WHAT, fields, write_chunks};
use crate::error::{FormatError, Result};
use crate::manifest::partition::{DataFile, DeletionVector, Partition};

/// Makes a row of each partition.
pub(in crate::manifest) fn write(partitions: &[Partition]) -> Result<RecordBatch> {
    let columns = vec![
        numbers(partitions.iter().map(|p| p.row_count))?,
        lists(partitions.iter().map(|p| p.row_ids.len()), row_ids(partitions)?)?,
        lists(partitions.iter().map(|p| p.keys.len()), keys(partitions)?)?,
        lists(partitions.iter().map(|p| p.files.len()), files(partitions)?)?,
        lists(partitions.iter().map(|p| p.statistics.len()), statistics(partitions)?)?,
        deletes(partitions)?,
        lists(
            partitions.iter().map(|p| p.external_files.len()),
            texts(partitions.iter().flat_map(|p| &p.external_files).map(Some))?,
        )?,
    ];
    RecordBatch::try_new(Arc::new(fields::schema()), columns).map_err(FormatError::arrow(WHAT))
}

fn row_ids(partitions: &[Partition]) -> Result<ArrayRef> {
    let ranges = || partitions.iter().flat_map(|p| &p.row_ids);
    let columns =
        vec![numbers(ranges().map(|range| range.first))?, numbers(ranges().map(|r| r.count))?];
    group(fields::row_ids(), columns, None)
}

fn keys(partitions: &[Partition]) -> Result<ArrayRef> {
    let keys = || partitions.iter().flat_map(|p| &p.keys);
    let columns = vec![
        small_numbers(keys().map(|key| key.field.0))?,
        texts(keys().map(|key| Some(key.value.to_string())))?,
    ];
    group(fields::key(), columns, None)
}

fn statistics(partitions: &[Partition]) -> Result<ArrayRef> {
    let statistics = || partitions.iter().flat_map(|p| &p.statistics);
    let columns = vec![
        small_numbers(statistics().map(|s| s.field.0))?,
        numbers(statistics().map(|s| s.null_count))?,
        texts(statistics().map(|s| s.min.as_ref().map(Value::to_string)))?,
        texts(statistics().map(|s| s.max.as_ref().map(Value::to_string)))?,
        Arc::new(BooleanArray::from_iter(statistics().map(|s| Some(s.exact)))),
    ];
    group(fields::statistics(), columns, None)
}

fn deletes(partitions: &[Partition]) -> Result<ArrayRef> {
    let none = DeletionVector { path: String::new(), size_bytes: 0, checksum: 0, row_count: 0 };
    let deletes = || partitions.iter().map(|p| p.deletes.as_ref().unwrap_or(&none));
    let columns = vec![
        texts(deletes().map(|d| Some(&d.path)))?,
        numbers(deletes().map(|d| d.size_bytes))?,
        hashes(deletes().map(|d| d.checksum)),
        numbers(deletes().map(|d| d.row_count))?,
    ];
    let is_there = partitions.iter().map(|p| p.deletes.is_some());
    group(fields::deletes(), columns, Some(is_there.collect()))
}

fn files(partitions: &[Partition]) -> Result<ArrayRef> {
    let files: Vec<&DataFile> = partitions.iter().flat_map(|p| &p.files).collect();
    let field_ids = files.iter().flat_map(|file| &file.field_ids).map(|field| field.0);
    let row_groups = files.iter().flat_map(|file| file.row_groups.iter().copied());
    let chunks: Vec<_> = files.iter().flat_map(|file| &file.chunks).collect();
    let columns = vec![
        texts(files.iter().map(|file| Some(&file.path)))?,
        foreign(&files)?,
        numbers(files.iter().map(|file| file.size_bytes))?,
        hashes(files.iter().map(|file| file.checksum)),
        numbers(files.iter().map(|file| file.footer_bytes))?,
        numbers(files.iter().map(|file| file.sequence))?,
        lists(files.iter().map(|file| file.field_ids.len()), small_numbers(field_ids)?)?,
        lists(files.iter().map(|file| file.row_groups.len()), numbers(row_groups)?)?,
        lists(files.iter().map(|file| file.chunks.len()), write_chunks::chunks(&chunks)?)?,
    ];
    group(fields::file(), columns, None)
}

fn foreign(files: &[&DataFile]) -> Result<ArrayRef> {
    let times = files.iter().map(|file| file.foreign.map_or(0, |foreign| foreign.modified_ns));
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from_iter_values(times))];
    let is_there = files.iter().map(|file| file.foreign.is_some());
    group(fields::foreign(), columns, Some(is_there.collect()))
}
