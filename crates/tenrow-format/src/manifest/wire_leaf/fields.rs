//! Names and types of the columns, in the order in which they are written.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields, Schema};

/// A leaf: one row per partition.
pub(in crate::manifest) fn schema() -> Schema {
    Schema::new(partition())
}

pub(super) fn partition() -> Fields {
    Fields::from(vec![
        number("row_count"),
        list("row_ids", group(row_ids())),
        list("keys", group(key())),
        list("files", group(file())),
        list("statistics", group(statistics())),
        nullable(Field::new("deletes", group(deletes()), false)),
        list("external_files", DataType::Utf8),
    ])
}

pub(super) fn row_ids() -> Fields {
    Fields::from(vec![number("first"), number("count")])
}

pub(super) fn key() -> Fields {
    Fields::from(vec![small("field"), text("value")])
}

pub(super) fn statistics() -> Fields {
    Fields::from(vec![
        small("field"),
        number("null_count"),
        nullable(text("min")),
        nullable(text("max")),
        Field::new("exact", DataType::Boolean, false),
    ])
}

pub(super) fn deletes() -> Fields {
    Fields::from(vec![text("path"), number("size_bytes"), hash("checksum"), number("row_count")])
}

pub(super) fn file() -> Fields {
    Fields::from(vec![
        text("path"),
        nullable(Field::new("foreign", group(foreign()), false)),
        number("size_bytes"),
        hash("checksum"),
        number("footer_bytes"),
        nullable(number("sequence")),
        list("field_ids", DataType::Int32),
        list("row_groups", DataType::Int64),
        list("chunks", group(chunk())),
    ])
}

pub(super) fn foreign() -> Fields {
    Fields::from(vec![number("modified_ns")])
}

pub(super) fn chunk() -> Fields {
    Fields::from(vec![
        small("field"),
        small("row_group"),
        small("column"),
        text("layout"),
        nullable(small("item_bits")),
        nullable(number("first_page")),
        nullable(number("page_stride")),
        nullable(number("page_rows")),
        nullable(small("prefix")),
        nullable(small("last_prefix")),
        nullable(number("value_count")),
        nullable(list("pages", group(page()))),
        nullable(Field::new("null_rows", DataType::Binary, false)),
        nullable(number("offset_index_start")),
        nullable(number("offset_index_end")),
    ])
}

pub(super) fn page() -> Fields {
    Fields::from(vec![number("first_row"), number("first_value"), number("values_offset")])
}

/// What a list holds: never null.
pub(super) fn element(element: DataType) -> FieldRef {
    Arc::new(Field::new("element", element, false))
}

fn number(name: &str) -> Field {
    Field::new(name, DataType::Int64, false)
}

fn small(name: &str) -> Field {
    Field::new(name, DataType::Int32, false)
}

fn hash(name: &str) -> Field {
    Field::new(name, DataType::UInt64, false)
}

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, false)
}

fn list(name: &str, of: DataType) -> Field {
    Field::new(name, DataType::List(element(of)), false)
}

fn group(fields: Fields) -> DataType {
    DataType::Struct(fields)
}

fn nullable(field: Field) -> Field {
    field.with_nullable(true)
}
