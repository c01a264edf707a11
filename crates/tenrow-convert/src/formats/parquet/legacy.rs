//! Times and intervals of Parquet that Arrow's reader would change in silence.
//!
//! INT96 holds nanoseconds of any day, and is read as 64 bits of them, which reach from 1677 to 2262: later days
//! come out as earlier ones. INTERVAL holds months, days and milliseconds, of which the months are dropped. So
//! such columns are looked at first, and read as a type that keeps them, or refused.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    IntervalDayTimeType, IntervalYearMonthType, TimestampMicrosecondType, TimestampNanosecondType,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, FieldRef, IntervalUnit, Schema, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Type as PhysicalType;
use tenrow_values::{ConvertError, Result};

use crate::source_file::SourceFile;

/// One column that has to be looked at: the number of its leaf, and what it may be read as.
struct Legacy {
    leaf: usize,
    root: usize,
    sort: Sort,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Int96,
    Interval,
}

impl Sort {
    fn other_type(self) -> DataType {
        match self {
            Sort::Int96 => DataType::Timestamp(TimeUnit::Microsecond, None),
            Sort::Interval => DataType::Interval(IntervalUnit::YearMonth),
        }
    }
}

/// What the values of one column need.
#[derive(Debug, Default)]
struct Seen {
    needs_other: bool,
    needs_usual: bool,
}

/// The metadata under which every value is read as it is, and the names of the columns that are read as
/// another type than usual.
pub(super) fn faithful(
    path: &SourceFile,
    metadata: ArrowReaderMetadata,
) -> Result<(ArrowReaderMetadata, Vec<String>)> {
    let legacy = find(&metadata);
    if legacy.is_empty() {
        return Ok((metadata, Vec::new()));
    }
    let decode = || ConvertError::decode(path, "parquet", None);
    let all: Vec<usize> = legacy.iter().map(|column| column.leaf).collect();
    let other = with_types(&metadata, &legacy, &all).map_err(decode())?;
    let seen = look(path, &metadata, &other, &legacy)?;
    let mut changed = Vec::new();
    for (column, seen) in legacy.iter().zip(seen) {
        let name = metadata.schema().field(column.root).name();
        match (seen.needs_other, seen.needs_usual) {
            (true, true) => return Err(refusal(path, name, column.sort)),
            (true, false) => changed.push((column.leaf, name.clone())),
            (false, _) => {}
        }
    }
    if changed.is_empty() {
        return Ok((metadata, Vec::new()));
    }
    let (leaves, names): (Vec<_>, Vec<_>) = changed.into_iter().unzip();
    let metadata = with_types(&metadata, &legacy, &leaves).map_err(decode())?;
    Ok((metadata, names))
}

fn refusal(path: &Path, name: &str, sort: Sort) -> ConvertError {
    let reason = match sort {
        Sort::Int96 => {
            "its INT96 times are finer than microseconds, and beyond the years of nanoseconds"
        }
        Sort::Interval => {
            "its intervals are of months and of days or milliseconds, and tenrow has either: make them text, or columns of numbers"
        }
    };
    ConvertError::unsupported(path, format!("column {name:?}: {reason}"))
}

fn find(metadata: &ArrowReaderMetadata) -> Vec<Legacy> {
    let mut legacy = Vec::new();
    let mut leaf = 0;
    for (root, field) in metadata.schema().fields().iter().enumerate() {
        let _ = mapped(field, &mut leaf, &mut |leaf, data_type| {
            let physical = metadata.parquet_schema().columns().get(leaf)?.physical_type();
            let sort = match data_type {
                DataType::Timestamp(TimeUnit::Nanosecond, None)
                    if physical == PhysicalType::INT96 =>
                {
                    Sort::Int96
                }
                DataType::Interval(IntervalUnit::DayTime) => Sort::Interval,
                _ => return None,
            };
            legacy.push(Legacy { leaf, root, sort });
            None
        });
    }
    legacy
}

/// The field with the leaves changed as `change` says, which is given their numbers.
fn mapped(
    field: &FieldRef,
    leaf: &mut usize,
    change: &mut dyn FnMut(usize, &DataType) -> Option<DataType>,
) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::List(item) => DataType::List(mapped(item, leaf, change)),
        DataType::LargeList(item) => DataType::LargeList(mapped(item, leaf, change)),
        DataType::FixedSizeList(item, n) => DataType::FixedSizeList(mapped(item, leaf, change), *n),
        DataType::Map(entries, sorted) => DataType::Map(mapped(entries, leaf, change), *sorted),
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(|field| mapped(field, leaf, change)).collect())
        }
        plain => {
            *leaf += 1;
            change(*leaf - 1, plain).unwrap_or_else(|| plain.clone())
        }
    };
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}

/// The metadata with the other type for these leaves.
fn with_types(
    metadata: &ArrowReaderMetadata,
    legacy: &[Legacy],
    leaves: &[usize],
) -> parquet::errors::Result<ArrowReaderMetadata> {
    let mut leaf = 0;
    let mut change = |leaf: usize, _: &DataType| {
        let column = legacy.iter().find(|column| column.leaf == leaf)?;
        leaves.contains(&leaf).then(|| column.sort.other_type())
    };
    let fields = metadata.schema().fields().iter();
    let fields: Vec<_> = fields.map(|field| mapped(field, &mut leaf, &mut change)).collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata.schema().metadata().clone()));
    let options = ArrowReaderOptions::new().with_schema(schema);
    ArrowReaderMetadata::try_new(metadata.metadata().clone(), options)
}

/// Reads the columns both ways.
fn look(
    path: &SourceFile,
    usual: &ArrowReaderMetadata,
    other: &ArrowReaderMetadata,
    legacy: &[Legacy],
) -> Result<Vec<Seen>> {
    let open = |metadata: &ArrowReaderMetadata| {
        let file = path.open().map_err(ConvertError::io(path, "open"))?;
        let leaves = legacy.iter().map(|column| column.leaf);
        let mask = ProjectionMask::leaves(metadata.parquet_schema(), leaves);
        ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone())
            .with_projection(mask)
            .build()
            .map_err(ConvertError::decode(path, "parquet", None))
    };
    let mut seen: Vec<Seen> = legacy.iter().map(|_| Seen::default()).collect();
    for (usual, other) in open(usual)?.zip(open(other)?) {
        let usual = usual.map_err(ConvertError::decode(path, "parquet", None))?;
        let other = other.map_err(ConvertError::decode(path, "parquet", None))?;
        let leaves = |batch: &arrow_array::RecordBatch| {
            let mut found = Vec::new();
            batch.columns().iter().for_each(|column| leaves_of(column, &mut found));
            found
        };
        for ((seen, usual), other) in seen.iter_mut().zip(leaves(&usual)).zip(leaves(&other)) {
            compare(seen, &usual, &other);
        }
    }
    Ok(seen)
}

fn leaves_of(column: &ArrayRef, found: &mut Vec<ArrayRef>) {
    match column.data_type() {
        DataType::List(_) => leaves_of(column.as_list::<i32>().values(), found),
        DataType::LargeList(_) => leaves_of(column.as_list::<i64>().values(), found),
        DataType::FixedSizeList(..) => leaves_of(column.as_fixed_size_list().values(), found),
        DataType::Map(..) => {
            column.as_map().entries().columns().iter().for_each(|c| leaves_of(c, found));
        }
        DataType::Struct(_) => {
            column.as_struct().columns().iter().for_each(|c| leaves_of(c, found))
        }
        _ => found.push(column.clone()),
    }
}

fn compare(seen: &mut Seen, usual: &ArrayRef, other: &ArrayRef) {
    if let (Some(nanoseconds), Some(microseconds)) = (
        usual.as_primitive_opt::<TimestampNanosecondType>(),
        other.as_primitive_opt::<TimestampMicrosecondType>(),
    ) {
        for (n, u) in nanoseconds.iter().zip(microseconds).filter_map(|(n, u)| n.zip(u)) {
            let whole = i128::from(u) * 1000;
            let is_near = (0..1000).contains(&(i128::from(n) - whole));
            seen.needs_other |= !is_near;
            // Also where the nanoseconds have come out as others, their last digits are right.
            seen.needs_usual |= n != whole as i64;
        }
    }
    if let (Some(days), Some(months)) = (
        usual.as_primitive_opt::<IntervalDayTimeType>(),
        other.as_primitive_opt::<IntervalYearMonthType>(),
    ) {
        for (day, month) in days.iter().zip(months).filter_map(|(day, month)| day.zip(month)) {
            seen.needs_other |= month != 0;
            seen.needs_usual |= day.days != 0 || day.milliseconds != 0;
        }
    }
}

#[cfg(test)]
mod tests;
