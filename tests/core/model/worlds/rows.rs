//! Between values of the model and Arrow.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeListArray, Float64Array, Int64Array, StringArray,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field};
use tenrow::{Attribute, Columns, DType, FileValue, Schema};

use super::filled::computed;
use super::operation::Cells;
use super::state::{Column, Kind, Value};

/// The schema with these columns.
pub(crate) fn schema(columns: &[Column]) -> Schema {
    Schema::new(columns.iter().map(attribute)).unwrap()
}

pub(crate) fn attribute(column: &Column) -> Attribute {
    let mark = if column.nullable { "?" } else { "" };
    let text = format!("{}:{}{mark}", column.name, column.kind.type_text());
    let attribute = Attribute::parse(&text).unwrap();
    match &column.default {
        Value::Int(value) => attribute.with_default(*value),
        Value::Float(bits) => attribute.with_default(f64::from_bits(*bits)),
        Value::Bool(value) => attribute.with_default(*value),
        Value::Pair([value, _]) => attribute.with_default(*value),
        Value::Text(text) => attribute.with_default(text.as_str()),
        _ => attribute,
    }
}

/// The rows, in the columns' types.
pub(crate) fn batch(columns: &[Column], rows: &[Cells]) -> Columns {
    columns.iter().fold(Columns::new(), |batch, column| {
        let values: Vec<&Value> = rows.iter().map(|cells| &cells[&column.key]).collect();
        batch.array(&column.name, array(column.kind, &values))
    })
}

pub(crate) fn array(kind: Kind, values: &[&Value]) -> ArrayRef {
    match kind {
        Kind::Int(dtype) => {
            let ints: Int64Array = values
                .iter()
                .map(|value| if let Value::Int(value) = value { Some(*value) } else { None })
                .collect();
            arrow_cast::cast(&ints, &arrow_type(dtype)).unwrap()
        }
        Kind::Float(dtype) => {
            let floats: Float64Array = values
                .iter()
                .map(|value| match value {
                    Value::Float(bits) => Some(f64::from_bits(*bits)),
                    _ => None,
                })
                .collect();
            arrow_cast::cast(&floats, &arrow_type(dtype)).unwrap()
        }
        Kind::Bool => {
            let bools: BooleanArray = values
                .iter()
                .map(|value| if let Value::Bool(value) = value { Some(*value) } else { None })
                .collect();
            Arc::new(bools)
        }
        Kind::Pair(dtype) => {
            let pairs = values.iter().flat_map(|value| match value {
                Value::Pair(pair) => *pair,
                _ => [0.0; 2],
            });
            let floats = Float64Array::from_iter_values(pairs);
            let valid = values.iter().map(|value| matches!(value, Value::Pair(_)));
            let item = Field::new("item", arrow_type(dtype), true);
            let floats = arrow_cast::cast(&floats, item.data_type()).unwrap();
            let nulls = NullBuffer::from_iter(valid);
            Arc::new(FixedSizeListArray::new(Arc::new(item), 2, floats, Some(nulls)))
        }
        Kind::Text => {
            let texts = values.iter().map(|value| match value {
                Value::Text(text) => Some(text.as_str()),
                _ => None,
            });
            Arc::new(texts.collect::<StringArray>())
        }
        Kind::File => {
            let files = values.iter().map(|value| match value {
                Value::Bytes(bytes) | Value::Object(bytes, _) => {
                    Some(FileValue::new("f", bytes.clone()))
                }
                _ => None,
            });
            Arc::new(FileValue::array(files))
        }
    }
}

/// As many nulls.
pub(crate) fn nulls(count: usize) -> ArrayRef {
    array(Kind::Text, &vec![&Value::Null; count])
}

/// The Arrow type of a kind that is no file.
pub(crate) fn arrow_type_of(kind: Kind) -> DataType {
    array(kind, &[]).data_type().clone()
}

fn arrow_type(dtype: &str) -> DataType {
    dtype.parse::<DType>().unwrap().arrow_type()
}

/// The values of a column; files are read by themselves.
pub(crate) fn values(kind: Kind, column: &ArrayRef) -> Vec<Value> {
    let or_null = |row: usize, value: Value| if column.is_null(row) { Value::Null } else { value };
    match kind {
        Kind::Int(dtype) => {
            assert_eq!(*column.data_type(), arrow_type(dtype));
            let ints = arrow_cast::cast(column, &DataType::Int64).unwrap();
            let ints = ints.as_primitive::<Int64Type>();
            (0..ints.len()).map(|row| or_null(row, Value::Int(ints.value(row)))).collect()
        }
        Kind::Float(dtype) => {
            assert_eq!(*column.data_type(), arrow_type(dtype));
            let floats = arrow_cast::cast(column, &DataType::Float64).unwrap();
            let floats = floats.as_primitive::<Float64Type>();
            (0..floats.len()).map(|row| or_null(row, Value::float(floats.value(row)))).collect()
        }
        Kind::Bool => {
            let bools = column.as_boolean();
            (0..bools.len()).map(|row| or_null(row, Value::Bool(bools.value(row)))).collect()
        }
        Kind::Pair(dtype) => {
            let lists = column.as_fixed_size_list();
            assert_eq!(lists.value_type(), arrow_type(dtype));
            let pair = |row: usize| {
                let pair = arrow_cast::cast(&lists.value(row), &DataType::Float64).unwrap();
                let pair = pair.as_primitive::<Float64Type>();
                Value::Pair([pair.value(0), pair.value(1)])
            };
            (0..lists.len())
                .map(|row| if column.is_null(row) { Value::Null } else { pair(row) })
                .collect()
        }
        Kind::Text => {
            let texts = column.as_string::<i32>();
            (0..texts.len()).map(|row| or_null(row, Value::Text(texts.value(row).into()))).collect()
        }
        Kind::File => Vec::new(),
    }
}

/// What fills a column of this kind, for rows with these inputs.
pub(crate) fn computed_column(kind: Kind, input: Kind, inputs: &ArrayRef) -> ArrayRef {
    let filled: Vec<Value> = match input {
        Kind::File => vec![Value::Int(computed(&Value::Null)); inputs.len()],
        kind => values(kind, inputs).iter().map(|value| Value::Int(computed(value))).collect(),
    };
    array(kind, &filled.iter().collect::<Vec<_>>())
}
