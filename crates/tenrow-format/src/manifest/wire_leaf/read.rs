//! From columns to partitions. Rules that concern more than one value are checked later, by `Partition::check`.

use std::ops::Range;

use arrow_array::{Array, BooleanArray, RecordBatch, StringArray, StructArray};
use serde_json::Value;

use super::column::{Column, Group, Lists, Nullable};
use super::read_chunks::Chunks;
use crate::error::{FormatError, Result};
use crate::manifest::partition::{
    DataFile, DeletionVector, ForeignFile, KeyValue, Partition, RowIdRange,
};
use crate::manifest::statistics::Statistics;
use crate::schema::FieldId;

/// Reads a partition from each row.
pub(in crate::manifest) fn read(batch: RecordBatch) -> Result<Vec<Partition>> {
    let columns = StructArray::from(batch);
    let group = Group::root(&columns);
    let partitions = Partitions::of(&group)?;
    all(0..group.len(), |row| partitions.at(row))
}

struct Partitions<'a> {
    row_count: &'a [u64],
    row_ids: (Lists<'a>, RowIds<'a>),
    keys: (Lists<'a>, Keys<'a>),
    files: (Lists<'a>, Files<'a>),
    statistics: (Lists<'a>, AllStatistics<'a>),
    deletes: Deletes<'a>,
    external_files: (Lists<'a>, &'a StringArray),
}

impl<'a> Partitions<'a> {
    fn of(group: &Group<'a>) -> Result<Self> {
        Ok(Self {
            row_count: group.column("row_count")?.numbers()?,
            row_ids: lists_of(group.column("row_ids")?, RowIds::of)?,
            keys: lists_of(group.column("keys")?, Keys::of)?,
            files: lists_of(group.column("files")?, Files::of)?,
            statistics: lists_of(group.column("statistics")?, AllStatistics::of)?,
            deletes: Deletes::of(group.column("deletes")?.nullable_group()?)?,
            external_files: {
                let (lists, elements) = group.column("external_files")?.lists()?;
                (lists, elements.texts()?)
            },
        })
    }

    fn at(&self, row: usize) -> Result<Partition> {
        let (row_ids, of_row_ids) = &self.row_ids;
        let (keys, of_keys) = &self.keys;
        let (files, of_files) = &self.files;
        let (statistics, of_statistics) = &self.statistics;
        let (external_files, paths) = &self.external_files;
        Ok(Partition {
            row_count: self.row_count[row],
            row_ids: row_ids.at(row).map(|range| of_row_ids.at(range)).collect(),
            keys: all(keys.at(row), |key| of_keys.at(key))?,
            files: all(files.at(row), |file| of_files.at(file))?,
            statistics: all(statistics.at(row), |of| of_statistics.at(of))?,
            deletes: self.deletes.at(row),
            external_files: external_files.at(row).map(|path| paths.value(path).into()).collect(),
        })
    }
}

/// Lists of groups, whose columns `of` makes readable.
pub(super) fn lists_of<'a, T>(
    column: Column<'a>,
    of: impl FnOnce(&Group<'a>) -> Result<T>,
) -> Result<(Lists<'a>, T)> {
    let (lists, group) = column.lists_of_groups()?;
    Ok((lists, of(&group)?))
}

/// What is read from these rows. Unlike `collect`, it allocates once.
fn all<T>(rows: Range<usize>, read: impl Fn(usize) -> Result<T>) -> Result<Vec<T>> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        all.push(read(row)?);
    }
    Ok(all)
}

struct RowIds<'a> {
    first: &'a [u64],
    count: &'a [u64],
}

impl<'a> RowIds<'a> {
    fn of(group: &Group<'a>) -> Result<Self> {
        let (first, count) = (group.column("first")?.numbers()?, group.column("count")?.numbers()?);
        Ok(Self { first, count })
    }

    fn at(&self, row: usize) -> RowIdRange {
        RowIdRange { first: self.first[row], count: self.count[row] }
    }
}

struct Keys<'a> {
    field: &'a [u32],
    value: &'a StringArray,
}

impl<'a> Keys<'a> {
    fn of(group: &Group<'a>) -> Result<Self> {
        let field = group.column("field")?.small_numbers()?;
        Ok(Self { field, value: group.column("value")?.texts()? })
    }

    fn at(&self, row: usize) -> Result<KeyValue> {
        let value = parse_value(self.value.value(row))?;
        Ok(KeyValue { field: FieldId(self.field[row]), value })
    }
}

struct AllStatistics<'a> {
    field: &'a [u32],
    null_count: &'a [u64],
    min: &'a StringArray,
    max: &'a StringArray,
    exact: &'a BooleanArray,
}

impl<'a> AllStatistics<'a> {
    fn of(group: &Group<'a>) -> Result<Self> {
        Ok(Self {
            field: group.column("field")?.small_numbers()?,
            null_count: group.column("null_count")?.numbers()?,
            min: group.column("min")?.nullable_texts()?,
            max: group.column("max")?.nullable_texts()?,
            exact: group.column("exact")?.flags()?,
        })
    }

    fn at(&self, row: usize) -> Result<Statistics> {
        let bound = |texts: &StringArray| {
            texts.is_valid(row).then(|| parse_value(texts.value(row))).transpose()
        };
        Ok(Statistics {
            field: FieldId(self.field[row]),
            null_count: self.null_count[row],
            min: bound(self.min)?,
            max: bound(self.max)?,
            exact: self.exact.value(row),
        })
    }
}

fn parse_value(text: &str) -> Result<Value> {
    serde_json::from_str(text)
        .map_err(|e| FormatError::malformed(format!("JSON text {text:?}"), e.to_string()))
}

struct Deletes<'a> {
    group: Group<'a>,
    path: &'a StringArray,
    size_bytes: &'a [u64],
    checksum: &'a [u64],
    row_count: &'a [u64],
}

impl<'a> Deletes<'a> {
    fn of(group: Group<'a>) -> Result<Self> {
        Ok(Self {
            path: group.column("path")?.texts()?,
            size_bytes: group.column("size_bytes")?.numbers()?,
            checksum: group.column("checksum")?.hashes()?,
            row_count: group.column("row_count")?.numbers()?,
            group,
        })
    }

    fn at(&self, row: usize) -> Option<DeletionVector> {
        self.group.is_valid(row).then(|| DeletionVector {
            path: self.path.value(row).into(),
            size_bytes: self.size_bytes[row],
            checksum: self.checksum[row],
            row_count: self.row_count[row],
        })
    }
}

struct Files<'a> {
    path: &'a StringArray,
    foreign: Foreign<'a>,
    size_bytes: &'a [u64],
    checksum: &'a [u64],
    footer_bytes: &'a [u64],
    sequence: Nullable<'a, u64>,
    field_ids: (Lists<'a>, &'a [u32]),
    row_groups: (Lists<'a>, &'a [u64]),
    chunks: (Lists<'a>, Chunks<'a>),
}

impl<'a> Files<'a> {
    fn of(group: &Group<'a>) -> Result<Self> {
        let (field_ids, ids) = group.column("field_ids")?.lists()?;
        let (row_groups, rows) = group.column("row_groups")?.lists()?;
        Ok(Self {
            path: group.column("path")?.texts()?,
            foreign: Foreign::of(group.column("foreign")?.nullable_group()?)?,
            size_bytes: group.column("size_bytes")?.numbers()?,
            checksum: group.column("checksum")?.hashes()?,
            footer_bytes: group.column("footer_bytes")?.numbers()?,
            sequence: group.column("sequence")?.nullable_numbers()?,
            field_ids: (field_ids, ids.small_numbers()?),
            row_groups: (row_groups, rows.numbers()?),
            chunks: lists_of(group.column("chunks")?, Chunks::of)?,
        })
    }

    fn at(&self, row: usize) -> Result<DataFile> {
        let (field_ids, ids) = &self.field_ids;
        let (row_groups, rows) = &self.row_groups;
        let (chunks, of_chunks) = &self.chunks;
        Ok(DataFile {
            path: self.path.value(row).into(),
            foreign: self.foreign.at(row),
            size_bytes: self.size_bytes[row],
            checksum: self.checksum[row],
            footer_bytes: self.footer_bytes[row],
            sequence: self.sequence.at(row),
            field_ids: ids[field_ids.at(row)].iter().copied().map(FieldId).collect(),
            row_groups: rows[row_groups.at(row)].to_vec(),
            chunks: all(chunks.at(row), |chunk| of_chunks.at(chunk))?,
        })
    }
}

struct Foreign<'a> {
    group: Group<'a>,
    modified_ns: &'a [i64],
}

impl<'a> Foreign<'a> {
    fn of(group: Group<'a>) -> Result<Self> {
        Ok(Self { modified_ns: group.column("modified_ns")?.signed_numbers()?, group })
    }

    fn at(&self, row: usize) -> Option<ForeignFile> {
        self.group.is_valid(row).then(|| ForeignFile { modified_ns: self.modified_ns[row] })
    }
}
