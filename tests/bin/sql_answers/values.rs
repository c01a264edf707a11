//! Arrow values as JSON that Python compares with what DuckDB gives.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_cast::display::array_value_to_string;
use arrow_schema::DataType;
use serde_json::{Value, json};

/// The rows of a batch, each a list.
pub(crate) fn rows(batch: &RecordBatch) -> Vec<Value> {
    let columns: Vec<Vec<Value>> = batch.columns().iter().map(column).collect();
    (0..batch.num_rows())
        .map(|row| columns.iter().map(|column| column[row].clone()).collect())
        .collect()
}

/// Numbers as numbers, lists as lists, null as null, all else as text.
fn column(array: &ArrayRef) -> Vec<Value> {
    let one = |row: usize| match array.is_null(row) {
        true => Value::Null,
        false => value(array, row),
    };
    match array.data_type() {
        DataType::Boolean => array.as_boolean().iter().map(|value| json!(value)).collect(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().iter().map(|v| json!(v)).collect(),
        other if other.is_integer() => {
            let wide = cast(array, &DataType::Int64).expect("integers are at most so wide");
            wide.as_primitive::<Int64Type>().iter().map(|value| json!(value)).collect()
        }
        other if other.is_floating() => {
            let wide = cast(array, &DataType::Float64).expect("floats are at most so wide");
            wide.as_primitive::<Float64Type>()
                .iter()
                .map(|v| v.map_or(Value::Null, float))
                .collect()
        }
        _ => (0..array.len()).map(one).collect(),
    }
}

fn value(array: &ArrayRef, row: usize) -> Value {
    match array.data_type() {
        DataType::List(_) => Value::Array(column(&array.as_list::<i32>().value(row))),
        DataType::FixedSizeList(..) => Value::Array(column(&array.as_fixed_size_list().value(row))),
        _ => Value::String(array_value_to_string(array, row).expect("a type that has a text")),
    }
}

/// JSON has no numbers for some floats.
fn float(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { json!({ "float": value.to_string() }) }
}
