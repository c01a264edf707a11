//! What manifests claim of values, against the values: bounds hold, exact ones occur, nulls are counted, keys are equal.

use std::cmp::Ordering;

use serde_json::Value as Json;
use tenrow::Snapshot;
use tenrow::engine::PlacedPartition;
use tenrow::engine::manifest::Statistics;

use super::state::{Value, View};

/// Checks the claims of every leaf and partition. Queries are pruned by them, and answered.
pub(crate) async fn check(snapshot: &Snapshot, view: &View) {
    for (number, leaf) in snapshot.root().leaves.iter().enumerate() {
        let rows = snapshot.rows_of_leaf(number);
        let rows = rows.start as usize..rows.end as usize;
        for (at, attribute) in snapshot.schema().attributes().iter().enumerate() {
            let values: Vec<&Value> = view.rows[rows.clone()].iter().map(|row| &row[at]).collect();
            let of_field = |statistics: &&Statistics| statistics.field == attribute.id;
            if let Some(claimed) = leaf.statistics.iter().find(of_field) {
                check_bounds(claimed, &values, "leaf");
            }
        }
        for partition in snapshot.partitions_of_leaf(number).await.unwrap() {
            check_partition(snapshot, &partition, view);
        }
    }
}

fn check_partition(snapshot: &Snapshot, partition: &PlacedPartition, view: &View) {
    let rows = partition.rows().start as usize..partition.rows().end as usize;
    let entry = partition.entry();
    for (at, attribute) in snapshot.schema().attributes().iter().enumerate() {
        let Some((_, field)) = partition.file_of(attribute) else { continue };
        let values: Vec<&Value> = view.rows[rows.clone()].iter().map(|row| &row[at]).collect();
        if let Some(key) = entry.keys.iter().find(|key| key.field == field) {
            assert!(values.iter().all(|value| json(value) == key.value), "key {key:?}");
        }
        let Some(claimed) = entry.statistics.iter().find(|claimed| claimed.field == field) else {
            continue;
        };
        check_bounds(claimed, &values, "partition");
        let nulls = values.iter().filter(|value| ***value == Value::Null).count() as u64;
        // What is deleted is counted in files, and may have been a bound.
        if entry.deletes.is_some() {
            assert!(claimed.null_count >= nulls, "{claimed:?} of {values:?}");
            continue;
        }
        assert_eq!(claimed.null_count, nulls, "{claimed:?} of {values:?}");
        if claimed.exact && !is_long(&claimed.min) && !is_long(&claimed.max) {
            let occurs = |bound: &Option<Json>| {
                let bound = bound.as_ref().unwrap();
                values.iter().any(|value| order(value, bound) == Some(Ordering::Equal))
            };
            assert!(occurs(&claimed.min) && occurs(&claimed.max), "{claimed:?} of {values:?}");
        }
    }
}

/// Texts of so many bytes may have been cut by writers that called them exact: no reader relies on that.
fn is_long(bound: &Option<Json>) -> bool {
    bound.as_ref().and_then(Json::as_str).is_some_and(|text| text.len() > 60)
}

/// Every value is within the bounds.
fn check_bounds(claimed: &Statistics, values: &[&Value], what: &str) {
    for value in values {
        let holds = match *value {
            Value::Null => true,
            // It has no place between bounds, and they pass over it.
            Value::Float(bits) if f64::from_bits(*bits).is_nan() => true,
            _ => {
                let is = |bound: &Option<Json>, wrong| {
                    bound.as_ref().is_none_or(|bound| order(value, bound) != Some(wrong))
                };
                is(&claimed.min, Ordering::Less) && is(&claimed.max, Ordering::Greater)
            }
        };
        assert!(holds, "{what}: {value:?} is not within {claimed:?}");
    }
}

/// How a value stands to a bound.
fn order(value: &Value, bound: &Json) -> Option<Ordering> {
    match (value, bound) {
        (Value::Int(value), Json::Number(bound)) => Some(value.cmp(&bound.as_i64()?)),
        (Value::Float(bits), Json::Number(bound)) => {
            f64::from_bits(*bits).partial_cmp(&bound.as_f64()?)
        }
        (Value::Bool(value), Json::Bool(bound)) => Some(value.cmp(bound)),
        (Value::Text(text), Json::String(bound)) => Some(text.as_str().cmp(bound)),
        _ => None,
    }
}

fn json(value: &Value) -> Json {
    match value {
        Value::Int(value) => (*value).into(),
        Value::Bool(value) => (*value).into(),
        Value::Text(text) => text.as_str().into(),
        _ => Json::Null,
    }
}
