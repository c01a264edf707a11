//! From partitions to columns, in the order of `fields`.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, ListArray, RecordBatch, StructArray, UInt64Array};
use arrow_array::{Int32Array, Int64Array, builder::StringBuilder};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::Fields;
use serde_json::Value;

use super::{WHAT, fields, write_chunks};
use crate::error::{FormatError, Result};
use crate::limits;
use crate::manifest::leaf::check_limit;
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

/// Numbers of 64 bits, some of which may be null.
pub(super) fn numbers(values: impl Iterator<Item = impl Into<Option<u64>>>) -> Result<ArrayRef> {
    let stored = |number| i64::try_from(number).map_err(|_| too_large(number, i64::MAX as u64));
    let stored = values.map(|number| number.into().map(stored).transpose());
    Ok(Arc::new(stored.collect::<Result<Int64Array>>()?))
}

/// Numbers of 32 bits, some of which may be null.
pub(super) fn small_numbers(
    values: impl Iterator<Item = impl Into<Option<u32>>>,
) -> Result<ArrayRef> {
    let stored = |number: u32| {
        i32::try_from(number).map_err(|_| too_large(u64::from(number), i32::MAX as u64))
    };
    let stored = values.map(|number| number.into().map(stored).transpose());
    Ok(Arc::new(stored.collect::<Result<Int32Array>>()?))
}

fn too_large(found: u64, limit: u64) -> FormatError {
    FormatError::Limit { what: "a number in a leaf", found, limit }
}

fn hashes(values: impl Iterator<Item = u64>) -> ArrayRef {
    Arc::new(UInt64Array::from_iter_values(values))
}

/// Texts, some of which may be null, and in all no more than a reader takes.
pub(super) fn texts(values: impl Iterator<Item = Option<impl AsRef<str>>>) -> Result<ArrayRef> {
    let mut texts = StringBuilder::new();
    for value in values {
        let byte_count = value.as_ref().map_or(0, |value| value.as_ref().len());
        let byte_count = texts.values_slice().len() as u64 + byte_count as u64;
        check_limit("the unpacked bytes of a leaf", byte_count, limits::MAX_LEAF_BYTES)?;
        texts.append_option(value);
    }
    Ok(Arc::new(texts.finish()))
}

/// Lists of so many of the elements each, some of which may be null.
pub(super) fn lists(
    lengths: impl Iterator<Item = impl Into<Option<usize>>>,
    elements: ArrayRef,
) -> Result<ArrayRef> {
    check_limit("the values of a leaf", elements.len() as u64, limits::MAX_LEAF_VALUES)?;
    let lengths: Vec<Option<usize>> = lengths.map(Into::into).collect();
    let offsets = OffsetBuffer::from_lengths(lengths.iter().map(|length| length.unwrap_or(0)));
    let nulls = lengths.iter().map(Option::is_some).collect::<NullBuffer>();
    let nulls = Some(nulls).filter(|nulls| nulls.null_count() > 0);
    let element = fields::element(elements.data_type().clone());
    let lists = ListArray::try_new(element, offsets, elements, nulls);
    Ok(Arc::new(lists.map_err(FormatError::arrow(WHAT))?))
}

/// Columns side by side; where `is_there` says that a group is null, their values do not count.
pub(super) fn group(
    fields: Fields,
    columns: Vec<ArrayRef>,
    is_there: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let group = StructArray::try_new(fields, columns, is_there);
    Ok(Arc::new(group.map_err(FormatError::arrow(WHAT))?))
}
