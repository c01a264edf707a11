//! Every value, decoded: what it must be by its type, and what the leaf says of it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, cast::AsArray};
use arrow_schema::DataType;
use serde_json::Value;

use crate::content::misstated;
use crate::error::{Error, Result};
use crate::format::layout::hash_in;
use crate::format::manifest::{Partition, is_large_file};
use crate::format::{Attribute, AttributeType, FieldId};
use crate::read::{ColumnReader, PageChecks, ReadOptions};
use crate::snapshot::{ColumnPlace, LoadedPartition};
use crate::verify::bounds::{self, Found};
use crate::verify::check::Check;

impl Check {
    /// Decodes every value that has no raw address, and through it every other page.
    ///
    /// `large_files` are those that rows may name, with their sizes.
    pub(super) async fn values(
        &mut self,
        partition: &Arc<LoadedPartition>,
        large_files: &HashMap<String, u64>,
        first_row: u64,
    ) {
        let snapshot = self.snapshot.clone();
        for attribute in snapshot.schema().attributes() {
            let path = match partition.column(attribute) {
                Some(place) => partition.file(place).entry().path.clone(),
                None => continue,
            };
            if let Err((row, error)) = self.attribute(partition, attribute, large_files).await {
                let error = Error::new(error.kind(), format!("attribute {:?}", attribute.name))
                    .with_source(error);
                self.fault(&path, Some(first_row + row), error);
            }
        }
    }

    /// One attribute of a partition. An error comes with the first row of its row group.
    async fn attribute(
        &mut self,
        partition: &Arc<LoadedPartition>,
        attribute: &Attribute,
        large_files: &HashMap<String, u64>,
    ) -> Result<(), (u64, Error)> {
        let (snapshot, options) =
            (self.snapshot.clone(), ReadOptions::default().with_page_checks(PageChecks::Always));
        let reader = ColumnReader::new(&snapshot, attribute, partition, &options);
        let Some(place) = reader.place() else { return Ok(()) };
        let copies = copies_of(partition, place);
        let copies = copies.iter().map(|copy| ColumnReader::at(&reader, copy));
        let copies: Vec<ColumnReader<'_>> = copies.collect();
        let file = reader.file(place);
        let files = NamedFiles {
            listed: partition.entry().external_files.iter().map(String::as_str).collect(),
            sizes: large_files,
            foreign: file.entry().foreign.is_some(),
        };
        let mut found = Found::default();
        for (row_group, rows) in file.entry().row_groups.iter().enumerate() {
            let start = file.row_map().start(row_group);
            let read = reader.read(row_group, std::slice::from_ref(&(0..*rows))).await;
            let column = read.map_err(|e| (start, e))?;
            check_rows(&column, *rows, attribute).map_err(|e| (start, e))?;
            add(&mut found, &column);
            if attribute.attribute_type == AttributeType::File {
                files.check(&column).map_err(|(row, e)| (start + row, e))?;
            }
            for copy in &copies {
                let other = copy.read_range(start..start + rows).await.map_err(|e| (start, e))?;
                if *other != *column {
                    let path = copy.place().map(|place| &partition.file(place).entry().path);
                    let reason =
                        format!("its copy in {path:?}, of the same sequence, has other values");
                    return Err((start, Error::corrupt("a row group", reason)));
                }
            }
        }
        // Statistics are of the form that a file has, which may not be that of today.
        match about(partition.entry(), place.field, &found, reader.is_in_form()) {
            Some(reason) => Err((0, Error::corrupt("its leaf", reason))),
            None => Ok(()),
        }
    }
}

/// Where else the values are that count: files of one sequence hold equal ones.
fn copies_of(partition: &LoadedPartition, place: &ColumnPlace) -> Vec<ColumnPlace> {
    let files = &partition.entry().files;
    let is_copy = |number: &usize| {
        *number != place.file
            && files[*number].sequence == files[place.file].sequence
            && files[*number].field_ids.contains(&place.field)
    };
    (0..files.len()).filter(is_copy).map(|number| partition.place_in(number, place.field)).collect()
}

fn check_rows(column: &ArrayRef, rows: u64, attribute: &Attribute) -> Result<()> {
    let reason = match (column.len() as u64, column.logical_null_count()) {
        (found, _) if found != rows => format!("{found} rows, expected {rows}"),
        (_, nulls) if nulls > 0 && !attribute.nullable => {
            format!("{nulls} nulls of an attribute that is not nullable")
        }
        _ => return Ok(()),
    };
    Err(Error::corrupt("a row group", reason))
}

/// The large files that rows of a partition may name.
struct NamedFiles<'a> {
    /// Those that its leaf lists, by which they are kept.
    listed: HashSet<&'a str>,
    /// Sizes of those that are there.
    sizes: &'a HashMap<String, u64>,
    /// Whether the rows are of a file of others, which names none of ours.
    foreign: bool,
}

impl NamedFiles<'_> {
    /// Every row has its bytes, or names a file that is listed, with its size and hash.
    fn check(&self, column: &ArrayRef) -> Result<(), (u64, Error)> {
        let files = column.as_struct();
        let (bytes, paths) = (files.column(0), files.column(1).as_string::<i32>());
        let sizes = files.column(4).as_primitive::<Int64Type>();
        let hashes = files.column(5).as_string::<i32>();
        let contents = bytes.as_binary::<i32>();
        for row in (0..files.len()).filter(|&row| files.is_valid(row)) {
            let path = paths.is_valid(row).then(|| paths.value(row));
            let size = sizes.is_valid(row).then(|| sizes.value(row));
            let hash = hashes.is_valid(row).then(|| hashes.value(row));
            let fault = match bytes.is_valid(row) {
                true => misstated(contents.value(row), size, hash),
                false => self.fault_of(path, size, hash),
            };
            if let Some(reason) = fault {
                return Err((row as u64, Error::corrupt("a row", reason)));
            }
        }
        Ok(())
    }

    fn fault_of(
        &self,
        path: Option<&str>,
        size: Option<i64>,
        hash: Option<&str>,
    ) -> Option<String> {
        let Some(path) = path.filter(|path| !self.foreign && is_large_file(path)) else {
            let named = path.map_or("nothing".into(), |path| format!("{path:?}"));
            return Some(format!("it has no bytes, and names {named}, which is no large file"));
        };
        if !self.listed.contains(path) {
            return Some(format!("it names the file {path:?}, which its leaf does not list"));
        }
        let in_name = hash_in(path);
        if let Some(hash) = hash.filter(|&hash| hash != in_name) {
            return Some(format!("it says that the hash of {path:?} is {hash:?}"));
        }
        // One that is missing is a fault of its own.
        let found = *self.sizes.get(path)?;
        (size.and_then(|size| u64::try_from(size).ok()) != Some(found)).then(|| {
            let size = size.map_or("null".into(), |size| size.to_string());
            format!("it says that {path:?} has {size} bytes, found {found}")
        })
    }
}

/// What is wrong with what the leaf says of a field.
fn about(entry: &Partition, field: FieldId, found: &Found, in_form: bool) -> Option<String> {
    let in_form = in_form && found.has_order;
    let own = entry.statistics.iter().find(|statistics| statistics.field == field && in_form);
    let of_statistics = own.and_then(|own| bounds::of_values(own, found));
    let of_statistics = of_statistics.map(|reason| format!("statistics say {reason}"));
    let key = entry.keys.iter().find(|key| key.field == field && in_form);
    of_statistics.or_else(|| key.and_then(|key| bounds::of_key(key, found)))
}

/// Takes in the values of a column that has an order.
fn add(found: &mut Found, column: &ArrayRef) {
    found.null_count += column.logical_null_count() as u64;
    found.has_order = true;
    match column.data_type() {
        DataType::Boolean => {
            let values = column.as_boolean();
            let (min, max) = (values.iter().flatten().min(), values.iter().flatten().max());
            found.add(min.map(Value::from), max.map(Value::from));
        }
        DataType::Utf8 => {
            let values = column.as_string::<i32>();
            let (min, max) = (values.iter().flatten().min(), values.iter().flatten().max());
            found.add(min.map(Value::from), max.map(Value::from));
        }
        DataType::Int8 => integers::<Int8Type>(found, column),
        DataType::Int16 => integers::<Int16Type>(found, column),
        DataType::Int32 => integers::<Int32Type>(found, column),
        DataType::Int64 => integers::<Int64Type>(found, column),
        DataType::UInt8 => integers::<UInt8Type>(found, column),
        DataType::UInt16 => integers::<UInt16Type>(found, column),
        DataType::UInt32 => integers::<UInt32Type>(found, column),
        DataType::UInt64 => integers::<UInt64Type>(found, column),
        DataType::Float16 => floats::<Float16Type>(found, column),
        DataType::Float32 => floats::<Float32Type>(found, column),
        DataType::Float64 => floats::<Float64Type>(found, column),
        _ => found.has_order = false,
    }
}

fn integers<T: ArrowPrimitiveType<Native: Ord + Into<Value>>>(
    found: &mut Found,
    column: &ArrayRef,
) {
    let values = column.as_primitive::<T>();
    let (min, max) = (values.iter().flatten().min(), values.iter().flatten().max());
    found.add(min.map(Into::into), max.map(Into::into));
}

fn floats<T: ArrowPrimitiveType<Native: Into<f64>>>(found: &mut Found, column: &ArrayRef) {
    let values = column.as_primitive::<T>();
    // NaN is passed over: it has no place between bounds.
    let numbers = || values.iter().flatten().map(Into::<f64>::into).filter(|value| !value.is_nan());
    let value = |number: f64| serde_json::Number::from_f64(number).map(Value::Number);
    found.add(
        numbers().reduce(f64::min).and_then(value),
        numbers().reduce(f64::max).and_then(value),
    );
}
