//! Tables about a dataset: `"mnist$versions"`, `"mnist@3$files"`.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use serde_json::{Map, Value};
use tenrow::engine::manifest::{Partition, Statistics};
use tenrow::{Dataset, Error, ErrorKind, FieldId, Result, Schema, Snapshot};

use crate::catalog::roots::did_you_mean;
use crate::error::of_engine;

/// The names of the metadata tables, without `$`.
pub(crate) const NAMES: [&str; 7] =
    ["attributes", "files", "partitions", "properties", "tags", "versions", "views"];

/// The rows of a metadata table of one version; `versions` is about all of them.
pub(crate) async fn table(
    name: &str,
    dataset: &Dataset,
    snapshot: &Snapshot,
) -> Result<RecordBatch> {
    let columns = match name {
        "attributes" => attributes(snapshot),
        "files" => files(snapshot).await?,
        "partitions" => partitions(snapshot).await?,
        "properties" => properties(snapshot),
        "tags" => tags(snapshot),
        "versions" => versions(dataset, snapshot).await?,
        "views" => views(snapshot),
        _ => {
            let mean = did_you_mean(name, NAMES);
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("no metadata table \"${name}\"; there are ${}{mean}", NAMES.join(", $")),
            ));
        }
    };
    RecordBatch::try_from_iter_with_nullable(columns).map_err(of_engine)
}

/// Columns by name, and whether they may be null.
type Columns = Vec<(&'static str, ArrayRef, bool)>;

fn texts<T: Into<String>>(values: impl IntoIterator<Item = T>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values.into_iter().map(Into::into)))
}

fn maybe_texts(values: impl IntoIterator<Item = Option<String>>) -> ArrayRef {
    Arc::new(StringArray::from_iter(values))
}

fn numbers(values: impl IntoIterator<Item = u64>) -> ArrayRef {
    // What does not fit is no number of rows or bytes that storage could have.
    Arc::new(Int64Array::from_iter_values(
        values.into_iter().map(|value| i64::try_from(value).unwrap_or(i64::MAX)),
    ))
}

fn lists<'a>(rows: impl IntoIterator<Item = Vec<&'a str>>) -> ArrayRef {
    let mut builder = ListBuilder::new(StringBuilder::new());
    for row in rows {
        row.into_iter().for_each(|text| builder.values().append_value(text));
        builder.append(true);
    }
    Arc::new(builder.finish())
}

fn attributes(snapshot: &Snapshot) -> Columns {
    let all = snapshot.schema().attributes();
    let dims = all.iter().map(|a| a.dim_names.iter().map(String::as_str).collect());
    vec![
        ("name", texts(all.iter().map(|a| a.name.as_str())), false),
        ("type", texts(all.iter().map(|a| a.attribute_type.to_string())), false),
        ("kind", texts(all.iter().map(|a| a.attribute_type.kind())), false),
        (
            "nullable",
            Arc::new(BooleanArray::from_iter(all.iter().map(|a| Some(a.nullable)))),
            false,
        ),
        ("encoding", texts(all.iter().map(|a| a.encoding.to_string())), false),
        ("dim_names", lists(dims), false),
        (
            "default",
            maybe_texts(all.iter().map(|a| a.default.as_ref().map(Value::to_string))),
            true,
        ),
        ("field_id", numbers(all.iter().map(|a| u64::from(a.id.0))), false),
    ]
}

async fn files(snapshot: &Snapshot) -> Result<Columns> {
    let partitions = snapshot.partition_entries().await?;
    let with_number =
        partitions.iter().zip(0u64..).flat_map(|(p, n)| p.files.iter().map(move |f| (n, p, f)));
    let rows: Vec<_> = with_number.collect();
    let role = |partition: &Partition, path: &str| match partition.files.first() {
        Some(first) if first.path == path => "base",
        _ => "column",
    };
    let held = rows.iter().map(|(_, _, file)| {
        let names = file.field_ids.iter().filter_map(|id| name_of(snapshot.schema(), *id));
        names.collect()
    });
    Ok(vec![
        ("path", texts(rows.iter().map(|(_, _, f)| f.path.as_str())), false),
        ("partition", numbers(rows.iter().map(|(n, ..)| *n)), false),
        ("kind", texts(rows.iter().map(|(_, p, f)| role(p, &f.path))), false),
        ("rows", numbers(rows.iter().map(|(_, p, _)| p.row_count)), false),
        ("row_groups", numbers(rows.iter().map(|(_, _, f)| f.row_groups.len() as u64)), false),
        ("size_bytes", numbers(rows.iter().map(|(_, _, f)| f.size_bytes)), false),
        ("attributes", lists(held), false),
        (
            "foreign",
            Arc::new(BooleanArray::from_iter(rows.iter().map(|r| Some(r.2.foreign.is_some())))),
            false,
        ),
    ])
}

/// The attribute that has or had this id.
fn name_of(schema: &Schema, id: FieldId) -> Option<&str> {
    let known = schema.attributes().iter().find(|a| a.ids().any(|own| own == id));
    known.map(|attribute| attribute.name.as_str())
}

async fn partitions(snapshot: &Snapshot) -> Result<Columns> {
    let all = snapshot.partition_entries().await?;
    let starts = all.iter().scan(0u64, |next, partition| {
        let start = *next;
        *next += partition.live_rows();
        Some(start)
    });
    let deleted = |p: &Partition| p.deletes.as_ref().map_or(0, |deletes| deletes.row_count);
    let bytes = |p: &Partition| p.files.iter().map(|file| file.size_bytes).sum();
    let schema = snapshot.schema();
    Ok(vec![
        ("partition", numbers(0..all.len() as u64), false),
        ("first_row", numbers(starts), false),
        ("rows", numbers(all.iter().map(Partition::live_rows)), false),
        ("deleted_rows", numbers(all.iter().map(deleted)), false),
        ("files", numbers(all.iter().map(|p| p.files.len() as u64)), false),
        ("size_bytes", numbers(all.iter().map(bytes)), false),
        ("keys", texts(all.iter().map(|p| shown_keys(schema, p))), false),
        ("statistics", texts(all.iter().map(|p| shown_statistics(schema, &p.statistics))), false),
    ])
}

fn shown_keys(schema: &Schema, partition: &Partition) -> String {
    let keys = partition.keys.iter();
    let named = keys.filter_map(|k| Some((name_of(schema, k.field)?.to_owned(), k.value.clone())));
    Value::Object(named.collect()).to_string()
}

fn shown_statistics(schema: &Schema, statistics: &[Statistics]) -> String {
    let one = |s: &Statistics| {
        let shown = [
            ("min".to_owned(), s.min.clone().unwrap_or_default()),
            ("max".to_owned(), s.max.clone().unwrap_or_default()),
            ("nulls".to_owned(), s.null_count.into()),
        ];
        Value::Object(Map::from_iter(shown))
    };
    let named =
        statistics.iter().filter_map(|s| Some((name_of(schema, s.field)?.to_owned(), one(s))));
    Value::Object(named.collect()).to_string()
}

fn properties(snapshot: &Snapshot) -> Columns {
    let all = snapshot.properties();
    vec![
        ("name", texts(all.keys().map(String::as_str)), false),
        ("value", texts(all.values().map(Value::to_string)), false),
    ]
}

fn tags(snapshot: &Snapshot) -> Columns {
    let all = &snapshot.root().tags;
    vec![
        ("tag", texts(all.keys().map(String::as_str)), false),
        ("version", numbers(all.values().map(|version| version.0)), false),
    ]
}

async fn versions(dataset: &Dataset, snapshot: &Snapshot) -> Result<Columns> {
    let all = dataset.versions().await?;
    let tags = &snapshot.root().tags;
    let tags_of = |version| {
        tags.iter().filter(move |(_, of)| **of == version).map(|(tag, _)| tag.as_str()).collect()
    };
    let created = all.iter().map(|version| version.created_ms);
    Ok(vec![
        ("version", numbers(all.iter().map(|v| v.version.0)), false),
        (
            "created",
            Arc::new(TimestampMillisecondArray::from_iter_values(created).with_timezone("UTC")),
            false,
        ),
        ("operation", texts(all.iter().map(|v| v.operation.as_str())), false),
        ("rows", numbers(all.iter().map(|v| v.row_count)), false),
        ("partitions", numbers(all.iter().map(|v| v.partition_count)), false),
        ("size_bytes", numbers(all.iter().map(|v| v.size_bytes)), false),
        ("tags", lists(all.iter().map(|v| tags_of(v.version))), false),
    ])
}

fn views(snapshot: &Snapshot) -> Columns {
    let all = &snapshot.root().views;
    vec![
        ("view", texts(all.keys().map(String::as_str)), false),
        ("rows", numbers(all.values().map(|view| view.row_count)), false),
        ("version", numbers(all.values().map(|view| view.version.0)), false),
        ("query", texts(all.values().map(|view| view.query.as_str())), false),
        ("size_bytes", numbers(all.values().map(|view| view.size_bytes)), false),
        (
            "created",
            Arc::new(
                TimestampMillisecondArray::from_iter_values(all.values().map(|v| v.created_ms))
                    .with_timezone("UTC"),
            ),
            false,
        ),
    ]
}
