//! Rows by the values of their partition keys.

use std::collections::BTreeMap;

use arrow_array::{Array, ArrayRef, UInt32Array, cast::AsArray};
use arrow_schema::DataType;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::format::manifest::KeyValue;
use crate::format::{Attribute, Schema};
use crate::read::unfit;

/// The keys of a writer: which columns, and what they are called.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    attributes: Vec<(usize, Attribute)>,
}

/// The key values of a partition, in the order in which partitions are committed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyTuple(Vec<Key>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Null,
    Bool(bool),
    Integer(i128),
    Text(String),
}

impl Keys {
    pub(crate) fn new(schema: &Schema, names: &[String]) -> Result<Self> {
        let find = |(number, name): (usize, &String)| {
            if names[..number].contains(name) {
                return Err(Error::invalid(format!(
                    "attribute {name:?} is given twice to partition by: give it once"
                )));
            }
            let Some(position) = schema.position(name) else {
                return Err(Error::invalid(format!("no attribute {name:?} to partition by")));
            };
            let attribute = schema.attributes()[position].clone();
            let data_type = attribute.attribute_type.arrow_type();
            let fits =
                data_type.is_integer() || matches!(data_type, DataType::Utf8 | DataType::Boolean);
            if !fits {
                return Err(Error::invalid(format!(
                    "attribute {name:?} is {}: partition keys are text, integers or booleans",
                    attribute.attribute_type
                )));
            }
            Ok((position, attribute))
        };
        Ok(Self { attributes: names.iter().enumerate().map(find).collect::<Result<_>>()? })
    }

    /// The rows of each key, in their order.
    pub(crate) fn split(&self, columns: &[ArrayRef]) -> Result<Vec<(KeyTuple, Vec<ArrayRef>)>> {
        if self.attributes.is_empty() {
            return Ok(vec![(KeyTuple(Vec::new()), columns.to_vec())]);
        }
        let rows = columns.first().map_or(0, |column| column.len());
        let keys: Vec<Vec<Key>> = self
            .attributes
            .iter()
            .map(|(position, _)| keys_of(&columns[*position]))
            .collect::<Result<_>>()?;
        let mut groups: BTreeMap<KeyTuple, Vec<u32>> = BTreeMap::new();
        for row in 0..rows {
            let tuple = KeyTuple(keys.iter().map(|column| column[row].clone()).collect());
            groups.entry(tuple).or_default().push(row as u32);
        }
        groups
            .into_iter()
            .map(|(key, rows)| {
                let rows = UInt32Array::from(rows);
                let taken = columns
                    .iter()
                    .map(|column| arrow_select::take::take(column, &rows, None).map_err(unfit));
                Ok((key, taken.collect::<Result<_>>()?))
            })
            .collect()
    }

    /// The entries of a partition with these keys.
    pub(crate) fn values(&self, tuple: &KeyTuple) -> Vec<KeyValue> {
        let values = self.attributes.iter().zip(&tuple.0);
        values
            .map(|((_, attribute), key)| KeyValue { field: attribute.id, value: key.value() })
            .collect()
    }
}

impl KeyTuple {
    /// The keys of partitions that have none.
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    /// The folders that its files are in: one for each key, named by the value alone.
    pub(crate) fn folders(&self) -> String {
        self.0.iter().map(|key| format!("{}/", key.folder())).collect()
    }
}

/// The folders that files of a partition with these keys are in.
pub(crate) fn folders_of(keys: &[KeyValue]) -> String {
    let key = |key: &KeyValue| match &key.value {
        Value::Bool(value) => Key::Bool(*value),
        Value::String(text) => Key::Text(text.clone()),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => Key::Integer(value.into()),
            (None, Some(value)) => Key::Integer(value.into()),
            (None, None) => Key::Null,
        },
        _ => Key::Null,
    };
    KeyTuple(keys.iter().map(key).collect()).folders()
}

impl Key {
    fn value(&self) -> Value {
        match self {
            Key::Null => Value::Null,
            Key::Bool(value) => (*value).into(),
            // From a 64-bit column: one of the two holds it.
            Key::Integer(value) => match i64::try_from(*value) {
                Ok(value) => value.into(),
                Err(_) => u64::try_from(*value).unwrap_or_default().into(),
            },
            Key::Text(value) => value.as_str().into(),
        }
    }

    /// A readable folder name; different values may share one, since the leaf has the value.
    fn folder(&self) -> String {
        const MAX_CHARS: usize = 64;
        let text = match self {
            Key::Null => return "null".into(),
            Key::Bool(value) => return value.to_string(),
            Key::Integer(value) => return value.to_string(),
            Key::Text(text) => text,
        };
        let safe = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' };
        let name: String = text.chars().take(MAX_CHARS).map(safe).collect();
        if name.is_empty() { "empty".into() } else { name }
    }
}

fn keys_of(column: &ArrayRef) -> Result<Vec<Key>> {
    let key_of = |row: usize, key: &dyn Fn(usize) -> Key| {
        if column.is_null(row) { Key::Null } else { key(row) }
    };
    let rows = 0..column.len();
    Ok(match column.data_type() {
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            rows.map(|row| key_of(row, &|row| Key::Text(texts.value(row).to_owned()))).collect()
        }
        DataType::Boolean => {
            let bools = column.as_boolean();
            rows.map(|row| key_of(row, &|row| Key::Bool(bools.value(row)))).collect()
        }
        DataType::UInt64 => {
            let values = column.as_primitive::<arrow_array::types::UInt64Type>();
            rows.map(|row| key_of(row, &|row| Key::Integer(values.value(row).into()))).collect()
        }
        _ => {
            let wide = arrow_cast::cast(column, &DataType::Int64).map_err(unfit)?;
            let values = wide.as_primitive::<arrow_array::types::Int64Type>();
            rows.map(|row| key_of(row, &|row| Key::Integer(values.value(row).into()))).collect()
        }
    })
}
