//! Values as statements have them.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use arrow_cast::display::array_value_to_string;
use arrow_schema::{DataType, Field};
use datafusion::common::ScalarValue;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, SelectItem, SetExpr, Statement as SqlStatement, Value,
};
use tenrow::{Error, Result};
use tenrow_values::{CastMode, attribute_of, cast_column};

use super::parse::parse_one;
use crate::error::of_engine;

/// Whether the value can be written in a statement.
pub(super) fn is_written(value: &ScalarValue) -> bool {
    value.is_null()
        || !(value.data_type().is_nested() || matches!(value.data_type(), DataType::Interval(_)))
}

/// The value as a statement has it; `None` of what cannot be written.
pub(super) fn literal(value: &ScalarValue) -> Result<Option<Expr>> {
    use ScalarValue as S;
    if value.is_null() {
        return parsed("NULL").map(Some);
    }
    let text = match value {
        value if !is_written(value) => return Ok(None),
        S::Utf8(Some(text)) | S::LargeUtf8(Some(text)) | S::Utf8View(Some(text)) => {
            return Ok(Some(Expr::Value(Value::SingleQuotedString(text.clone()).into())));
        }
        S::Binary(Some(bytes)) | S::LargeBinary(Some(bytes)) | S::BinaryView(Some(bytes)) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            return Ok(Some(Expr::Value(Value::HexStringLiteral(hex).into())));
        }
        S::Boolean(Some(value)) => value.to_string(),
        S::Int64(Some(value)) if *value > i64::MIN => value.to_string(),
        S::Int8(_) | S::Int16(_) | S::Int32(_) | S::UInt8(_) | S::UInt16(_) | S::UInt32(_) => {
            shown(value)?
        }
        S::UInt64(Some(value)) => value.to_string(),
        // In quotes, for a number beside a decimal is the decimal that is written.
        S::Float64(Some(value)) => format!("CAST('{value:?}' AS DOUBLE)"),
        S::Float32(Some(value)) => format!("CAST('{value:?}' AS REAL)"),
        S::DurationSecond(Some(n))
        | S::DurationMillisecond(Some(n))
        | S::DurationMicrosecond(Some(n))
        | S::DurationNanosecond(Some(n)) => format!("arrow_cast({n}, '{:?}')", value.data_type()),
        value => {
            let shown = shown(value)?.replace('\'', "''");
            let data_type = format!("{:?}", value.data_type()).replace('\'', "''");
            format!("arrow_cast('{shown}', '{data_type}')")
        }
    };
    parsed(&text).map(Some)
}

fn shown(value: &ScalarValue) -> Result<String> {
    let array = value.to_array().map_err(of_engine)?;
    array_value_to_string(&array, 0).map_err(of_engine)
}

/// The expression that a text says.
fn parsed(text: &str) -> Result<Expr> {
    if let Statement::Statement(statement) = parse_one(&format!("SELECT {text}"))?
        && let SqlStatement::Query(query) = *statement
        && let SetExpr::Select(select) = *query.body
        && let Some(SelectItem::UnnamedExpr(expr)) = select.projection.into_iter().next()
    {
        return Ok(expr);
    }
    Err(Error::invalid(format!("{text} is no value of a parameter")))
}

/// The value that a text is, as a statement has it: what is no number, truth or time is a text.
///
/// # Errors
/// If the text is no value of the type.
pub(super) fn literal_of_text(
    name: &str,
    text: &str,
    data_type: Option<&DataType>,
) -> Result<Expr> {
    let plain = || Ok(Expr::Value(Value::SingleQuotedString(text.to_owned()).into()));
    let wrong =
        |expected: &str| Error::invalid(format!("${name} is {text:?}, which is no {expected}"));
    let Some(data_type) = data_type else { return plain() };
    if data_type.is_numeric() {
        return number(text.trim())?.ok_or_else(|| wrong("number"));
    }
    if data_type.is_nested() {
        let reason = format!("${name} is {data_type}, which no text is: write it in the statement");
        return Err(Error::unsupported(reason));
    }
    match data_type {
        DataType::Null => plain(),
        data_type if data_type.is_string() => plain(),
        data_type if is_time(data_type) && !says_time(text.trim(), data_type) => {
            Err(wrong(&data_type.to_string()))
        }
        data_type => {
            let value = ScalarValue::from(text.trim()).cast_to(data_type);
            let value = value.map_err(|_| wrong(&data_type.to_string()))?;
            literal(&value)?.ok_or_else(|| wrong(&data_type.to_string()))
        }
    }
}

fn is_time(data_type: &DataType) -> bool {
    use DataType::{Date32, Date64, Time32, Time64, Timestamp};
    matches!(data_type, Date32 | Date64 | Time32(_) | Time64(_) | Timestamp(..))
}

/// Whether a text is a time of the type with nothing left over, as for a column: the engine (55.2) drops what it has no room for,
/// a zone, the time of a day or digits of a second. Of a moment it may be the day alone, and leave out the zone.
fn says_time(text: &str, data_type: &DataType) -> bool {
    let is = |data_type: &DataType| {
        let attribute = |data_type| attribute_of(&Field::new("value", data_type, true)).ok();
        let types = attribute(DataType::Utf8).zip(attribute(data_type.clone()));
        types.is_some_and(|(from, to)| {
            let texts: ArrayRef = Arc::new(StringArray::from(vec![text]));
            cast_column(&texts, &from, &to, CastMode::Safe, 0, "parameter").is_ok()
        })
    };
    is(data_type)
        || match data_type {
            DataType::Timestamp(unit, _) => {
                is(&DataType::Timestamp(*unit, None)) || is(&DataType::Date32)
            }
            _ => false,
        }
}

/// The number that a text is, with its digits as they are.
fn number(text: &str) -> Result<Option<Expr>> {
    if let Ok(whole) = text.parse::<i64>() {
        return literal(&ScalarValue::Int64(Some(whole)));
    }
    match text.parse::<f64>() {
        Err(_) => Ok(None),
        Ok(float) if text.contains(|c: char| c.is_alphabetic() && !matches!(c, 'e' | 'E')) => {
            literal(&ScalarValue::Float64(Some(float)))
        }
        // Too large for any float: nobody who writes digits means infinity.
        Ok(float) if float.is_infinite() => Ok(None),
        Ok(_) => parsed(text.strip_prefix('+').unwrap_or(text)).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use arrow_schema::TimeUnit;

    use super::*;

    fn said(text: &str, data_type: &DataType) -> String {
        match literal_of_text("1", text, Some(data_type)) {
            Ok(expr) => expr.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_text_is_a_value_of_the_type_and_keeps_its_digits() {
        for (text, data_type, expected) in [
            ("3", DataType::Int64, "3"),
            (" -3 ", DataType::UInt8, "-3"),
            ("+2.50", DataType::Int32, "2.50"),
            (
                "-9223372036854775808",
                DataType::Int64,
                "arrow_cast('-9223372036854775808', 'Int64')",
            ),
            ("18446744073709551615", DataType::UInt64, "18446744073709551615"),
            ("1e3", DataType::Float16, "1e3"),
            ("-inf", DataType::Float32, "CAST('-inf' AS DOUBLE)"),
            ("0.1234567890123456789", DataType::Decimal128(30, 20), "0.1234567890123456789"),
            ("true", DataType::Boolean, "true"),
            ("007", DataType::Utf8, "'007'"),
            (" it's ", DataType::Utf8, "' it''s '"),
            ("2026-11-30", DataType::Date32, "arrow_cast('2026-11-30', 'Date32')"),
            (
                "2026-11-30",
                DataType::Timestamp(TimeUnit::Second, None),
                "arrow_cast('2026-11-30T00:00:00', 'Timestamp(Second, None)')",
            ),
            (
                "2026-11-30T10:00:00.25",
                DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
                "arrow_cast('2026-11-30T10:00:00.250Z', 'Timestamp(Millisecond, Some(\"UTC\"))')",
            ),
        ] {
            assert_eq!(said(text, &data_type), expected, "{text}");
        }
        assert_eq!(literal_of_text("1", "3", None).unwrap().to_string(), "'3'");
    }

    #[test]
    fn a_text_that_is_no_value_of_the_type_is_refused_and_never_read_as_sql() {
        for (text, data_type, expected) in [
            ("3 OR true", DataType::Int64, "which is no number"),
            ("", DataType::Float64, "which is no number"),
            ("0x10", DataType::Int64, "which is no number"),
            ("maybe", DataType::Boolean, "which is no Boolean"),
            ("2026-13-01", DataType::Date32, "which is no Date32"),
            ("2020-02-29T23:00:00-05:00", DataType::Date32, "which is no Date32"),
            ("2020-02-29 01:00:00", DataType::Date32, "which is no Date32"),
            (
                "2020-01-02T23:59:60",
                DataType::Timestamp(TimeUnit::Microsecond, None),
                "which is no",
            ),
            (
                "2020-01-02T05:04:05+02:00",
                DataType::Timestamp(TimeUnit::Second, None),
                "which is no",
            ),
            (
                "2020-01-01T00:00:00.0009",
                DataType::Timestamp(TimeUnit::Millisecond, None),
                "which is no",
            ),
            ("12:34:56.7891239", DataType::Time64(TimeUnit::Microsecond), "which is no"),
            ("1e400", DataType::Float64, "which is no number"),
            ("[1]", DataType::new_list(DataType::Int64, true), "write it in the statement"),
        ] {
            let error = said(text, &data_type);
            assert!(error.starts_with("$1 is ") && error.contains(expected), "{text}: {error}");
        }
    }
}
