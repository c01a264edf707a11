//! What manifests know of values, in the terms of the engine.
use tenrow::engine::PlacedPartition;
use tenrow::{Attribute, AttributeType};

use crate::exec::plain_f64;
use arrow_schema::DataType;
use datafusion::common::ScalarValue;
use serde_json::Value;
use tenrow::engine::manifest::{KeyValue, LeafRef, Statistics};

/// Bounds on the values of an attribute in a leaf or partition.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bounds {
    pub(crate) min: Option<ScalarValue>,
    pub(crate) max: Option<ScalarValue>,
    pub(crate) null_count: Option<u64>,
    /// Whether both bounds occur as values of live rows, and no other value is beyond them.
    pub(crate) is_exact: bool,
}

/// What the root knows of an attribute in a leaf: nothing but of keys, and of what sorts its partitions.
pub(crate) fn of_leaf(leaf: &LeafRef, attribute: &Attribute) -> Bounds {
    let known = leaf.statistics.iter().find(|statistics| statistics.field == attribute.id);
    let bounds = known.map(|statistics| of_statistics(statistics, attribute)).unwrap_or_default();
    // What is deleted may have been the bound, and may be what was null: the rows of a leaf are the live ones.
    let null_count = bounds.null_count.filter(|nulls| *nulls == 0);
    Bounds { is_exact: false, null_count, ..bounds }
}

/// What a leaf knows of an attribute in a partition.
pub(crate) fn of_partition(partition: &PlacedPartition, attribute: &Attribute) -> Bounds {
    let entry = partition.entry();
    let Some((_, field)) = partition.file_of(attribute) else {
        return of_default(attribute, entry.row_count);
    };
    if let Some(key) = entry.keys.iter().find(|key| key.field == field) {
        return of_key(key, attribute, entry.row_count);
    }
    let Some(statistics) = entry.statistics.iter().find(|s| s.field == field) else {
        return Bounds::default();
    };
    let mut bounds = of_statistics(statistics, attribute);
    // What is deleted may have been the bound.
    bounds.is_exact &= entry.deletes.is_none();
    bounds
}

fn of_statistics(statistics: &Statistics, attribute: &Attribute) -> Bounds {
    let data_type = attribute.attribute_type.arrow_type();
    let scalar = |value: &Option<Value>| scalar_of(value.as_ref()?, &data_type);
    Bounds {
        min: scalar(&statistics.min),
        max: scalar(&statistics.max),
        null_count: Some(statistics.null_count),
        // NaN is beyond every bound, and statistics pass over it.
        is_exact: statistics.is_exact() && !data_type.is_floating(),
    }
}

fn of_key(key: &KeyValue, attribute: &Attribute, rows: u64) -> Bounds {
    let value = scalar_of(&key.value, &attribute.attribute_type.arrow_type());
    let null_count = if key.value.is_null() { rows } else { 0 };
    let is_exact = value.is_some();
    Bounds { min: value.clone(), max: value, null_count: Some(null_count), is_exact }
}

/// Rows of a partition that lacks the attribute have its default, or are null.
fn of_default(attribute: &Attribute, rows: u64) -> Bounds {
    let Some(default) = &attribute.default else {
        return Bounds { null_count: Some(rows), ..Bounds::default() };
    };
    let value = match attribute.attribute_type {
        AttributeType::Scalar(_) => scalar_of(default, &attribute.attribute_type.arrow_type()),
        _ => None,
    };
    Bounds { is_exact: value.is_some(), min: value.clone(), max: value, null_count: Some(0) }
}

/// A bound as the engine has it; `None` if it does not fit the type.
fn scalar_of(value: &Value, data_type: &DataType) -> Option<ScalarValue> {
    fn int<T: TryFrom<i64>>(value: &Value) -> Option<T> {
        value.as_i64().and_then(|value| T::try_from(value).ok())
    }
    Some(match data_type {
        DataType::Boolean => ScalarValue::Boolean(Some(value.as_bool()?)),
        DataType::Int8 => ScalarValue::Int8(Some(int(value)?)),
        DataType::Int16 => ScalarValue::Int16(Some(int(value)?)),
        DataType::Int32 => ScalarValue::Int32(Some(int(value)?)),
        DataType::Int64 => ScalarValue::Int64(Some(value.as_i64()?)),
        DataType::UInt8 => ScalarValue::UInt8(Some(int(value)?)),
        DataType::UInt16 => ScalarValue::UInt16(Some(int(value)?)),
        DataType::UInt32 => ScalarValue::UInt32(Some(int(value)?)),
        DataType::UInt64 => ScalarValue::UInt64(Some(value.as_u64()?)),
        DataType::Float32 => ScalarValue::Float32(Some(plain_f64(value.as_f64()?) as f32)),
        DataType::Float64 => ScalarValue::Float64(Some(plain_f64(value.as_f64()?))),
        DataType::Utf8 => ScalarValue::Utf8(Some(value.as_str()?.to_owned())),
        _ => return None,
    })
}
