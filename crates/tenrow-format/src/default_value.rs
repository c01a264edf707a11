//! The value of rows that are older than their attribute: `spec/schema.md`, "Changes".

use std::sync::Arc;

use arrow_array::types::Float64Type;
use arrow_array::{
    ArrayRef, BooleanArray, FixedSizeListArray, Float64Array, Int64Array, StringArray, UInt32Array,
    UInt64Array, cast::AsArray,
};
use arrow_cast::CastOptions;
use arrow_schema::{ArrowError, DataType, TimeUnit};
use serde_json::Value;

use crate::attribute_type::AttributeType;
use crate::dtype::DType;
use crate::error::{FormatError, Result};
use crate::widen::{bf16_of, widen};

/// `rows` rows of the value, for the attribute of that name.
pub(crate) fn rows(
    name: &str,
    attribute_type: &AttributeType,
    value: &Value,
    rows: usize,
) -> Result<ArrayRef> {
    let row = one(attribute_type, value).map_err(|reason| FormatError::WrongType {
        name: name.to_owned(),
        found: format!("the default {value}"),
        expected: format!("{attribute_type} ({reason})"),
    })?;
    repeated(&row, rows).map_err(FormatError::arrow(format!("the default of {name:?}")))
}

/// The value as JSON has the number that an element of the dtype holds of it.
pub(crate) fn held(name: &str, dtype: DType, value: &Value) -> Result<Value> {
    if !dtype.is_float() || dtype == DType::F64 {
        return Ok(value.clone());
    }
    let number = AttributeType::Scalar(dtype);
    let element = rows(name, &number, value, 1)?;
    let wide = widen(&element, &number, &AttributeType::Scalar(DType::F64))?;
    Ok(wide.as_primitive::<Float64Type>().value(0).into())
}

/// One row of the value, or why it does not fit.
fn one(attribute_type: &AttributeType, value: &Value) -> Result<ArrayRef, String> {
    let fault = |error: ArrowError| error.to_string();
    match attribute_type {
        AttributeType::Scalar(dtype) => element(*dtype, value),
        AttributeType::Tensor { dtype, shape } if shape.element_count() > 0 => {
            let element = element(*dtype, value)?;
            let DataType::FixedSizeList(item, n) = attribute_type.arrow_type() else {
                return Err("a tensor is a list of fixed size".into());
            };
            let elements = repeated(&element, n as usize).map_err(fault)?;
            Ok(Arc::new(FixedSizeListArray::try_new(item, n, elements, None).map_err(fault)?))
        }
        AttributeType::Value(data_type) if !data_type.is_nested() => {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return Err("give a text or a number".into()),
            };
            plain(text, data_type)
        }
        _ => Err(
            "only scalars, texts, and tensors filled with one number have a constant default: compute the values instead"
                .into(),
        ),
    }
}

/// The value that a text says, if the type holds all of it.
fn plain(text: String, data_type: &DataType) -> Result<ArrayRef, String> {
    let fault = |error: ArrowError| error.to_string();
    if let Some(expected) = form_missed(&text, data_type) {
        return Err(format!("expected {expected}"));
    }
    let text: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let value = cast(text.clone(), data_type).map_err(fault)?;
    let finest = match data_type {
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Nanosecond, zone.clone()),
        DataType::Date32 | DataType::Date64 => DataType::Timestamp(TimeUnit::Nanosecond, None),
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Nanosecond),
        data_type if data_type.is_decimal() => DataType::Decimal256(76, 38),
        _ => return Ok(value),
    };
    match (cast(text, &finest), cast(value.clone(), &finest)) {
        (Ok(whole), Ok(kept)) if whole.as_ref() != kept.as_ref() => {
            Err("it has more digits than that".into())
        }
        // Beyond what the finest holds, the text is one that the type was made for.
        _ => Ok(value),
    }
}

/// The form that a text of the type has, if this one has another: readers need not know more of them.
fn form_missed(text: &str, data_type: &DataType) -> Option<&'static str> {
    let is_like = |text: &str, form: &str| {
        let alike = |(a, b): (u8, u8)| if b == b'0' { a.is_ascii_digit() } else { a == b };
        text.len() == form.len() && text.bytes().zip(form.bytes()).all(alike)
    };
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    let is_date = |text: &str| is_like(text, "0000-00-00");
    let is_time = |text: &str| match text.split_once('.') {
        Some((time, fraction)) => is_like(time, "00:00:00") && are_digits(fraction),
        None => is_like(text, "00:00:00"),
    };
    let is_moment =
        |text: &str| text.split_once('T').is_some_and(|(day, time)| is_date(day) && is_time(time));
    let without_zone = |text: &str| {
        let zone = text.len().checked_sub(6).and_then(|at| text.split_at_checked(at));
        let zoned = zone.filter(|(_, z)| is_like(z, "+00:00") || is_like(z, "-00:00"));
        text.strip_suffix('Z').or(zoned.map(|(moment, _)| moment)).map(str::to_owned)
    };
    let (holds, form) = match data_type {
        DataType::Date32 | DataType::Date64 => (is_date(text), "a day, as 2026-01-31"),
        DataType::Time32(_) | DataType::Time64(_) => (is_time(text), "a time, as 18:30:00.125"),
        DataType::Timestamp(_, None) => {
            (is_moment(text), "a moment without a zone, as 2026-01-31T18:30:00.125")
        }
        DataType::Timestamp(_, Some(_)) => (
            without_zone(text).is_some_and(|moment| is_moment(&moment)),
            "a moment with its zone, as 2026-01-31T18:30:00.125Z or …+02:00",
        ),
        data_type if data_type.is_decimal() => {
            let unsigned = text.strip_prefix('-').unwrap_or(text);
            let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
            (are_digits(whole) && are_digits(fraction), "decimal digits, as -12.50")
        }
        _ => return None,
    };
    (!holds).then_some(form)
}

fn element(dtype: DType, value: &Value) -> Result<ArrayRef, String> {
    let number: ArrayRef = match value {
        Value::Bool(value) if dtype == DType::Bool => {
            return Ok(Arc::new(BooleanArray::from(vec![*value])));
        }
        Value::Number(number) if dtype != DType::Bool => {
            match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(value), ..) => Arc::new(Int64Array::from(vec![value])),
                (_, Some(value), _) => Arc::new(UInt64Array::from(vec![value])),
                (.., Some(value)) if dtype.is_float() => Arc::new(Float64Array::from(vec![value])),
                _ => return Err("not an integer".into()),
            }
        }
        _ => {
            return Err(format!(
                "give a {}",
                if dtype == DType::Bool { "boolean" } else { "number" }
            ));
        }
    };
    let fault = |error: ArrowError| error.to_string();
    let cast_to = |number, dtype: DType| cast(number, &dtype.arrow_type()).map_err(fault);
    let element = match dtype {
        DType::Bf16 => {
            let floats = cast_to(number, DType::F32)?;
            bf16_of(floats.as_primitive()).map_err(fault)?
        }
        dtype => cast_to(number, dtype)?,
    };
    if dtype.is_float() {
        let of = AttributeType::Scalar(dtype);
        let wide = widen(&element, &of, &AttributeType::Scalar(DType::F64));
        let wide = wide.map_err(|error| error.to_string())?;
        if wide.as_primitive::<Float64Type>().value(0).is_infinite() {
            return Err(format!("it is beyond the numbers of {dtype}"));
        }
    }
    Ok(element)
}

fn cast(array: ArrayRef, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    arrow_cast::cast_with_options(&array, data_type, &options)
}

/// `count` times the one row of `row`.
fn repeated(row: &ArrayRef, count: usize) -> Result<ArrayRef, ArrowError> {
    arrow_select::take::take(row, &UInt32Array::from(vec![0; count]), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, value: Value, count: usize) -> Result<ArrayRef> {
        rows("x", &text.parse().unwrap(), &value, count)
    }

    #[test]
    fn a_default_fills_every_row() {
        let label = of("i16", 7.into(), 3).unwrap();
        assert_eq!(label.as_primitive::<arrow_array::types::Int16Type>().values()[..], [7, 7, 7]);
        let half = of("bf16[2,2]", 0.5.into(), 2).unwrap();
        assert_eq!(half.as_fixed_size_list().values().len(), 8);
        let day = of("date32", "2026-11-22".into(), 1).unwrap();
        assert_eq!(day.data_type(), &DataType::Date32);
    }

    #[test]
    fn a_default_of_another_type_is_refused_with_both() {
        for (text, value) in [
            ("timestamp(ms)", "2026-11-22T10:00:00.125"),
            ("timestamp(us,UTC)", "2026-11-22T10:00:00+02:00"),
            ("timestamp(us)", "9999-12-31T23:59:59.5"),
            ("decimal128(5,2)", "1.5"),
            ("date64", "2026-11-22"),
            ("time32(ms)", "10:00:00.5"),
        ] {
            of(text, value.into(), 1).expect(text);
        }
        let wrong: [(&str, Value); 23] = [
            ("timestamp(s)", "2026-11-22T10:00:00.5".into()),
            ("timestamp(us)", "2026-11-22T10:00:00Z".into()),
            ("date32", "2026-11-22T10:00:00".into()),
            ("time32(s)", "10:00:00.5".into()),
            ("decimal128(5,2)", "1.505".into()),
            ("decimal128(5,2)", 1.505.into()),
            ("i8", 300.into()),
            ("f32", 1e39.into()),
            ("f16", 70_000.into()),
            ("bf16", 1e39.into()),
            ("i8", 1.5.into()),
            ("bool", 1.into()),
            ("f32[2]", "one".into()),
            ("date32", "soon".into()),
            ("date32", "2020-1-1".into()),
            ("date32", "2020-01-01T00:00:00".into()),
            ("time32(s)", "18:30".into()),
            ("timestamp(s)", "2020-01-01 10:00:00".into()),
            ("timestamp(us,UTC)", "2020-01-01".into()),
            ("timestamp(us,UTC)", "2020-01-01T10:00:00".into()),
            ("timestamp(us,UTC)", "2020-01-01T10:00:00+0100".into()),
            ("decimal128(5,2)", "1e2".into()),
            ("file", "a".into()),
        ];
        for (text, value) in wrong {
            let error = of(text, value.clone(), 1).unwrap_err().to_string();
            assert!(error.contains(&value.to_string()), "{error}");
        }
    }

    #[test]
    fn a_number_is_the_default_of_whatever_its_text_is_one_of() {
        let price = of("decimal128(5,2)", 1.5.into(), 2).unwrap();
        let price = price.as_primitive::<arrow_array::types::Decimal128Type>();
        assert_eq!(price.values()[..], [150, 150]);
    }
}
