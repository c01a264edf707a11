//! Smallest and largest values of a partition, taken from what Parquet's writer noted.

use arrow_schema::DataType;
use parquet::file::statistics::Statistics as ParquetStatistics;
use serde_json::Value;

use crate::format::manifest::Statistics;
use crate::format::partition::EncodedFile;
use crate::format::{Attribute, AttributeType, DType};

/// Statistics of every attribute of a file that has an order.
pub(crate) fn of_file(attributes: &[Attribute], file: &EncodedFile) -> Vec<Statistics> {
    attributes.iter().filter_map(|attribute| of_attribute(attribute, file)).collect()
}

fn of_attribute(attribute: &Attribute, file: &EncodedFile) -> Option<Statistics> {
    let read: fn(&ParquetStatistics) -> Option<(Value, Value)> = match &attribute.attribute_type {
        AttributeType::Scalar(DType::U64) => |s| u64_bounds(s),
        AttributeType::Scalar(DType::U32) => |s| u32_bounds(s),
        AttributeType::Scalar(DType::F16 | DType::Bf16) => return None,
        AttributeType::Scalar(_) | AttributeType::Value(DataType::Utf8) => |s| bounds(s),
        _ => return None,
    };
    let column = file.chunks.iter().find(|chunk| chunk.field == attribute.id)?.column as usize;
    let (mut null_count, mut smallest, mut largest) = (0, None, None);
    // Parquet's writer cuts long texts itself: what is left of them occurs nowhere.
    let mut is_exact = true;
    for group in file.metadata.row_groups() {
        let statistics = group.column(column).statistics()?;
        null_count += statistics.null_count_opt()?;
        if statistics.min_bytes_opt().is_none() {
            // All rows null, or all of them NaN: only the former says anything.
            if statistics.null_count_opt() != Some(group.num_rows() as u64) {
                return None;
            }
            continue;
        }
        is_exact &= statistics.min_is_exact() && statistics.max_is_exact();
        let (min, max) = read(statistics)?;
        smallest = pick(smallest, min, std::cmp::Ordering::Less)?;
        largest = pick(largest, max, std::cmp::Ordering::Greater)?;
    }
    let bounds = Statistics::new(attribute.id, null_count, smallest, largest);
    Some(Statistics { exact: bounds.exact && is_exact, ..bounds })
}

/// The one of two values that is `wanted` than the other; `None` if they cannot be compared.
fn pick(known: Option<Value>, new: Value, wanted: std::cmp::Ordering) -> Option<Option<Value>> {
    let Some(known) = known else { return Some(Some(new)) };
    let order = match (&new, &known) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => {
            match (a.as_i64(), b.as_i64(), a.as_u64(), b.as_u64()) {
                (Some(a), Some(b), ..) => a.cmp(&b),
                (_, _, Some(a), Some(b)) => a.cmp(&b),
                _ => a.as_f64()?.partial_cmp(&b.as_f64()?)?,
            }
        }
        _ => return None,
    };
    Some(Some(if order == wanted { new } else { known }))
}

fn bounds(statistics: &ParquetStatistics) -> Option<(Value, Value)> {
    Some(match statistics {
        ParquetStatistics::Boolean(s) => ((*s.min_opt()?).into(), (*s.max_opt()?).into()),
        ParquetStatistics::Int32(s) => ((*s.min_opt()?).into(), (*s.max_opt()?).into()),
        ParquetStatistics::Int64(s) => ((*s.min_opt()?).into(), (*s.max_opt()?).into()),
        ParquetStatistics::Float(s) => {
            (finite(f64::from(*s.min_opt()?))?, finite(f64::from(*s.max_opt()?))?)
        }
        ParquetStatistics::Double(s) => (finite(*s.min_opt()?)?, finite(*s.max_opt()?)?),
        ParquetStatistics::ByteArray(s) => {
            let text = |bytes: &parquet::data_type::ByteArray| {
                std::str::from_utf8(bytes.data()).ok().map(Value::from)
            };
            (text(s.min_opt()?)?, text(s.max_opt()?)?)
        }
        _ => return None,
    })
}

fn finite(value: f64) -> Option<Value> {
    serde_json::Number::from_f64(value).map(Value::Number)
}

fn u64_bounds(statistics: &ParquetStatistics) -> Option<(Value, Value)> {
    let ParquetStatistics::Int64(s) = statistics else { return None };
    Some(((*s.min_opt()? as u64).into(), (*s.max_opt()? as u64).into()))
}

fn u32_bounds(statistics: &ParquetStatistics) -> Option<(Value, Value)> {
    let ParquetStatistics::Int32(s) = statistics else { return None };
    Some(((*s.min_opt()? as u32).into(), (*s.max_opt()? as u32).into()))
}
