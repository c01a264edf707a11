//! Leaves of a valid checksum with columns that no writer makes.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, Int32Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
    new_null_array,
};
use arrow_schema::Field;

use super::leaves::{batch, decode, sample, write};
use crate::{FormatError, Result};

type Change = fn(&ArrayRef) -> ArrayRef;

/// Decodes the sample after a change of the column of this path; all columns around it may be null.
fn decode_changed(path: &str, change: Change) -> Result<crate::manifest::Leaf> {
    let columns: ArrayRef = Arc::new(StructArray::from(batch()));
    let names: Vec<&str> = path.split('.').collect();
    let changed = changed(&columns, &names, change);
    decode(write(&RecordBatch::from(changed.as_struct())))
}

fn changed(array: &ArrayRef, path: &[&str], change: Change) -> ArrayRef {
    let Some((name, rest)) = path.split_first() else { return change(array) };
    if let Some(list) = array.as_list_opt::<i32>() {
        let path = if *name == "element" { rest } else { path };
        let elements = changed(list.values(), path, change);
        let element = Arc::new(Field::new("element", elements.data_type().clone(), true));
        let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
        return Arc::new(ListArray::new(element, offsets, elements, nulls));
    }
    let group = array.as_struct();
    let columns = group.fields().iter().zip(group.columns()).map(|(field, column)| {
        let is_it = field.name() == name;
        let column = if is_it { changed(column, rest, change) } else { column.clone() };
        (Arc::new(Field::new(field.name(), column.data_type().clone(), true)), column)
    });
    let (fields, columns): (Vec<_>, Vec<_>) = columns.unzip();
    Arc::new(StructArray::new(fields.into(), columns, group.nulls().cloned()))
}

fn null(array: &ArrayRef) -> ArrayRef {
    new_null_array(array.data_type(), array.len())
}

/// The elements of a list, none of which is there.
fn null_elements(array: &ArrayRef) -> ArrayRef {
    let list = array.as_list::<i32>();
    let element = Arc::new(Field::new("element", list.values().data_type().clone(), true));
    Arc::new(ListArray::new(element, list.offsets().clone(), null(list.values()), None))
}

fn negative(array: &ArrayRef) -> ArrayRef {
    match array.as_primitive_opt::<arrow_array::types::Int64Type>() {
        Some(_) => Arc::new(Int64Array::from_value(-1, array.len())),
        None => Arc::new(Int32Array::from_value(-1, array.len())),
    }
}

fn texts(array: &ArrayRef) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(vec!["10"; array.len()]))
}

fn assert_refused(path: &str, change: Change, reason: &str) {
    let error = decode_changed(path, change).unwrap_err();
    assert!(matches!(error, FormatError::Malformed { .. }), "{path}: {error}");
    assert!(error.to_string().contains(reason), "{path}: {error}");
}

#[test]
fn a_leaf_whose_columns_may_be_null_but_are_not_is_read() {
    assert_eq!(decode_changed("files.path", Arc::clone).unwrap(), sample());
    assert_eq!(decode_changed("files.chunks.pages.first_row", Arc::clone).unwrap(), sample());
}

#[test]
fn a_null_where_none_may_be_is_malformed_and_its_column_named() {
    let paths = [
        "row_count",
        "row_ids",
        "row_ids.first",
        "row_ids.count",
        "keys",
        "keys.field",
        "keys.value",
        "files",
        "files.path",
        "files.size_bytes",
        "files.checksum",
        "files.footer_bytes",
        "files.field_ids",
        "files.row_groups",
        "files.chunks",
        "files.chunks.field",
        "files.chunks.row_group",
        "files.chunks.column",
        "files.chunks.layout",
        "files.chunks.pages.first_row",
        "files.chunks.pages.first_value",
        "files.chunks.pages.values_offset",
        "statistics",
        "statistics.field",
        "statistics.null_count",
        "statistics.exact",
        "deletes.path",
        "deletes.size_bytes",
        "deletes.checksum",
        "deletes.row_count",
        "external_files",
    ];
    for path in paths {
        assert_refused(path, null, &format!("column {path} holds a null"));
    }
}

#[test]
fn a_null_element_is_malformed_and_its_column_named() {
    let paths = [
        "row_ids",
        "keys",
        "files",
        "files.field_ids",
        "files.row_groups",
        "files.chunks",
        "files.chunks.pages",
        "statistics",
        "external_files",
    ];
    for path in paths {
        assert_refused(path, null_elements, &format!("column {path} holds a null"));
    }
}

#[test]
fn a_null_that_the_layout_of_a_chunk_needs_is_malformed_and_named() {
    let names = [
        "item_bits",
        "first_page",
        "page_stride",
        "page_rows",
        "prefix",
        "last_prefix",
        "value_count",
        "pages",
        "offset_index_start",
        "offset_index_end",
    ];
    for name in names {
        assert_refused(&format!("files.chunks.{name}"), null, &format!("{name} is null"));
    }
}

#[test]
fn what_may_be_null_is_read_where_it_is() {
    let paths = ["deletes", "files.sequence", "files.foreign", "files.chunks.null_rows"];
    for path in paths.into_iter().chain(["statistics.min", "statistics.max"]) {
        decode_changed(path, null).unwrap();
    }
}

#[test]
fn a_number_below_0_is_malformed_and_its_column_named() {
    let paths = [
        "row_ids.first",
        "keys.field",
        "files.size_bytes",
        "files.sequence",
        "files.field_ids.element",
        "files.chunks.column",
        "files.chunks.first_page",
        "files.chunks.prefix",
        "files.chunks.pages.values_offset",
        "statistics.null_count",
        "deletes.size_bytes",
    ];
    for path in paths {
        let column = path.trim_end_matches(".element");
        assert_refused(path, negative, &format!("column {column} holds -1, which is below 0"));
    }
}

#[test]
fn a_column_of_another_type_in_a_list_is_malformed_and_named() {
    let paths = [
        ("files.size_bytes", "Int64"),
        ("files.checksum", "UInt64"),
        ("files.chunks.item_bits", "Int32"),
        ("files.chunks.null_rows", "Binary"),
        ("statistics.exact", "Boolean"),
    ];
    for (path, expected) in paths {
        assert_refused(path, texts, &format!("column {path} is Utf8, expected {expected}"));
    }
}

#[test]
fn item_bits_beyond_a_byte_are_malformed() {
    let bits = |array: &ArrayRef| Arc::new(Int32Array::from_value(264, array.len())) as ArrayRef;
    assert_refused("files.chunks.item_bits", bits, "item_bits is 264");
}

#[test]
fn an_unknown_layout_needs_a_newer_tenrow() {
    let error = decode_changed("files.chunks.layout", texts).unwrap_err();
    assert!(matches!(error, FormatError::TooNew { .. }), "{error}");
}

#[test]
fn a_bound_that_is_no_json_is_malformed() {
    let cut = |array: &ArrayRef| {
        Arc::new(StringArray::from_iter_values(vec!["\"cut"; array.len()])) as ArrayRef
    };
    assert_refused("statistics.min", cut, "JSON text");
    assert_refused("keys.value", cut, "JSON text");
}
