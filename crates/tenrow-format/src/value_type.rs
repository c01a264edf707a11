//! Texts of plain Arrow types, and their normal form.

use std::str::FromStr;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, IntervalUnit, TimeUnit};

use crate::dtype::DType;
use crate::error::{FormatError, Result};
use crate::limits::MAX_TYPE_DEPTH;

/// Brings `data_type` to the form that tenrow keeps.
pub(crate) fn normalize(data_type: &DataType) -> Result<DataType> {
    normalize_at(data_type, 0)
}

fn normalize_at(data_type: &DataType, depth: usize) -> Result<DataType> {
    if depth > MAX_TYPE_DEPTH {
        return Err(unsupported(data_type, "it is nested too deeply"));
    }
    let inner = |field: &Field| -> Result<Field> {
        let data_type = normalize_at(field.data_type(), depth + 1)?;
        Ok(Field::new(field.name(), data_type, field.is_nullable()))
    };
    Ok(match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, values) => normalize_at(values, depth + 1)?,
        DataType::RunEndEncoded(_, values) => normalize_at(values.data_type(), depth + 1)?,
        DataType::List(item) | DataType::LargeList(item) => {
            DataType::List(Arc::new(inner(item)?.with_name("item")))
        }
        DataType::Struct(fields) if fields.is_empty() => {
            return Err(unsupported(data_type, "Parquet has no empty struct"));
        }
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(|f| inner(f)).collect::<Result<Fields>>()?)
        }
        DataType::Map(entries, _) => {
            let DataType::Struct(fields) = entries.data_type() else {
                return Err(unsupported(data_type, "a map's entries are structs"));
            };
            let [key, value] = fields.as_ref() else {
                return Err(unsupported(data_type, "a map's entries have two fields"));
            };
            map_of(
                normalize_at(key.data_type(), depth + 1)?,
                normalize_at(value.data_type(), depth + 1)?,
                value.is_nullable(),
            )
        }
        DataType::FixedSizeBinary(n) if *n > 0 => data_type.clone(),
        DataType::Date32
        | DataType::Date64
        | DataType::Time32(TimeUnit::Second | TimeUnit::Millisecond)
        | DataType::Time64(TimeUnit::Microsecond | TimeUnit::Nanosecond)
        | DataType::Timestamp(_, None)
        | DataType::Duration(_)
        | DataType::Interval(IntervalUnit::YearMonth | IntervalUnit::DayTime) => data_type.clone(),
        DataType::Timestamp(_, Some(zone)) if !zone.is_empty() => data_type.clone(),
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => {
            if *scale < 0 {
                return Err(unsupported(data_type, "Parquet has no decimals of negative scale"));
            }
            data_type.clone()
        }
        other if DType::from_arrow(other).is_some() => other.clone(),
        other => return Err(unsupported(other, "tenrow has no such type")),
    })
}

fn unsupported(data_type: &DataType, reason: &str) -> FormatError {
    FormatError::InvalidType { text: data_type.to_string(), reason: reason.into() }
}

fn map_of(key: DataType, value: DataType, value_nullable: bool) -> DataType {
    let entries = Fields::from(vec![
        Field::new("key", key, false),
        Field::new("value", value, value_nullable),
    ]);
    DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(entries), false)), false)
}

/// The text of a type in normal form.
pub(crate) fn show(data_type: &DataType) -> String {
    if let Some(dtype) = DType::from_arrow(data_type) {
        return dtype.name().to_owned();
    }
    let nullable = |field: &Field| {
        format!("{}{}", show(field.data_type()), if field.is_nullable() { "?" } else { "" })
    };
    match data_type {
        DataType::Utf8 => "string".into(),
        DataType::Binary => "binary".into(),
        DataType::FixedSizeBinary(n) => format!("fixed_binary({n})"),
        DataType::Date32 => "date32".into(),
        DataType::Date64 => "date64".into(),
        DataType::Time32(unit) => format!("time32({})", show_unit(unit)),
        DataType::Time64(unit) => format!("time64({})", show_unit(unit)),
        DataType::Timestamp(unit, None) => format!("timestamp({})", show_unit(unit)),
        DataType::Timestamp(unit, Some(tz)) => format!("timestamp({},{tz})", show_unit(unit)),
        DataType::Duration(unit) => format!("duration({})", show_unit(unit)),
        DataType::Interval(IntervalUnit::YearMonth) => "interval(year_month)".into(),
        DataType::Interval(_) => "interval(day_time)".into(),
        DataType::Decimal32(p, s) => format!("decimal32({p},{s})"),
        DataType::Decimal64(p, s) => format!("decimal64({p},{s})"),
        DataType::Decimal128(p, s) => format!("decimal128({p},{s})"),
        DataType::Decimal256(p, s) => format!("decimal256({p},{s})"),
        DataType::List(item) => format!("list<{}>", nullable(item)),
        DataType::Struct(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|f| format!("{}:{}", show_name(f.name()), nullable(f))).collect();
            format!("struct<{}>", fields.join(","))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => {
                format!("map<{},{}>", show(fields[0].data_type()), nullable(&fields[1]))
            }
            _ => data_type.to_string(),
        },
        other => other.to_string(),
    }
}

fn show_unit(unit: &TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    }
}

/// Whether a name stands for itself in a type text.
fn is_word(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// A field name, quoted like a JSON string unless it is a plain word.
fn show_name(name: &str) -> String {
    if is_word(name) { name.to_owned() } else { serde_json::Value::from(name).to_string() }
}

/// Parses the text of a plain Arrow type.
pub(crate) fn parse(text: &str) -> Result<DataType> {
    let mut parser = Parser { text, at: 0 };
    let (data_type, nullable) = parser.field_type(0)?;
    if parser.at != text.len() {
        return Err(parser.fault("unexpected text after the type"));
    }
    if nullable {
        return Err(parser.fault("`?` belongs after the whole type of an attribute"));
    }
    Ok(data_type)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn fault(&self, reason: &str) -> FormatError {
        FormatError::InvalidType {
            text: self.text.to_owned(),
            reason: format!("{reason} (at character {})", self.at + 1),
        }
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, token: char) -> bool {
        self.skip_spaces();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len_utf8();
        }
        found
    }

    fn expect(&mut self, token: char) -> Result<()> {
        if self.eat(token) { Ok(()) } else { Err(self.fault(&format!("expected `{token}`"))) }
    }

    /// Everything up to one of `stops`, which stays unread.
    fn until(&mut self, stops: &[char]) -> String {
        let rest = self.rest();
        let end = rest.find(|c| stops.contains(&c)).unwrap_or(rest.len());
        let word = rest[..end].trim().to_owned();
        self.at += end;
        word
    }

    fn field_type(&mut self, depth: usize) -> Result<(DataType, bool)> {
        if depth > MAX_TYPE_DEPTH {
            return Err(self.fault("nested too deeply"));
        }
        self.skip_spaces();
        let word = self.until(&['<', '(', ',', '>', '?', ')', ':']);
        let data_type = match word.as_str() {
            "string" => DataType::Utf8,
            "binary" => DataType::Binary,
            "date32" => DataType::Date32,
            "date64" => DataType::Date64,
            "list" => self.list(depth)?,
            "struct" => self.structure(depth)?,
            "map" => self.map(depth)?,
            "bf16" => {
                return Err(self.fault("bf16 is for tensors and scalars, not inside other types"));
            }
            _ => match word.parse::<DType>() {
                Ok(dtype) => dtype.arrow_type(),
                Err(_) => self.with_arguments(&word)?,
            },
        };
        Ok((data_type, self.eat('?')))
    }

    fn list(&mut self, depth: usize) -> Result<DataType> {
        self.expect('<')?;
        let (item, nullable) = self.field_type(depth + 1)?;
        self.expect('>')?;
        Ok(DataType::List(Arc::new(Field::new("item", item, nullable))))
    }

    fn map(&mut self, depth: usize) -> Result<DataType> {
        self.expect('<')?;
        let (key, key_nullable) = self.field_type(depth + 1)?;
        if key_nullable {
            return Err(self.fault("a map's keys are never null"));
        }
        self.expect(',')?;
        let (value, value_nullable) = self.field_type(depth + 1)?;
        self.expect('>')?;
        Ok(map_of(key, value, value_nullable))
    }

    fn structure(&mut self, depth: usize) -> Result<DataType> {
        self.expect('<')?;
        let mut fields: Vec<Field> = Vec::new();
        loop {
            let name = self.field_name()?;
            self.expect(':')?;
            let (data_type, nullable) = self.field_type(depth + 1)?;
            if fields.iter().any(|f| *f.name() == name) {
                return Err(self.fault(&format!("field {name:?} occurs twice")));
            }
            fields.push(Field::new(name, data_type, nullable));
            if !self.eat(',') {
                break;
            }
        }
        self.expect('>')?;
        Ok(DataType::Struct(fields.into()))
    }

    fn field_name(&mut self) -> Result<String> {
        self.skip_spaces();
        let name = if self.rest().starts_with('"') {
            let mut values = serde_json::Deserializer::from_str(self.rest()).into_iter::<String>();
            let Some(Ok(name)) = values.next() else {
                return Err(self.fault("a quoted field name is a JSON string"));
            };
            self.at += values.byte_offset();
            name
        } else {
            let word = self.until(&[':', ',', '>', '<']);
            if !word.is_empty() && !is_word(&word) {
                let reason = format!(
                    "field name {word:?} holds other than letters, digits, _ and -: write it as a JSON string"
                );
                return Err(self.fault(&reason));
            }
            word
        };
        if name.is_empty() { Err(self.fault("expected a field name")) } else { Ok(name) }
    }

    fn with_arguments(&mut self, word: &str) -> Result<DataType> {
        let start = self.at;
        let arguments: Vec<String> = if self.eat('(') {
            let inside = self.until(&[')']);
            self.expect(')')?;
            inside.split(',').map(|a| a.trim().to_owned()).collect()
        } else {
            Vec::new()
        };
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        if let Some((make, digits)) = decimal_named(word) {
            return decimal_of(word, digits, &arguments).map(|(p, s)| make(p, s)).map_err(
                |reason| {
                    self.at = start;
                    self.fault(&reason)
                },
            );
        }
        let parsed = match (word, arguments.as_slice()) {
            ("fixed_binary", [n]) => number(n).filter(|n| *n > 0).map(DataType::FixedSizeBinary),
            ("time32", ["s"]) => Some(DataType::Time32(TimeUnit::Second)),
            ("time32", ["ms"]) => Some(DataType::Time32(TimeUnit::Millisecond)),
            ("time64", ["us"]) => Some(DataType::Time64(TimeUnit::Microsecond)),
            ("time64", ["ns"]) => Some(DataType::Time64(TimeUnit::Nanosecond)),
            ("timestamp", [u]) => unit(u).map(|u| DataType::Timestamp(u, None)),
            ("timestamp", [u, tz]) if !tz.is_empty() => {
                unit(u).map(|u| DataType::Timestamp(u, Some(Arc::from(*tz))))
            }
            ("duration", [u]) => unit(u).map(DataType::Duration),
            ("interval", ["year_month"]) => Some(DataType::Interval(IntervalUnit::YearMonth)),
            ("interval", ["day_time"]) => Some(DataType::Interval(IntervalUnit::DayTime)),
            _ => None,
        };
        parsed.ok_or_else(|| {
            self.at = start;
            self.fault(&format!(
                "unknown type {word:?}; known are element types (`f32`), tensors (`u8[28,28]`, `f32[?,5]`), string, binary, \
                 fixed_binary(n), date32, date64, time32(s|ms), time64(us|ns), timestamp(s|ms|us|ns[,zone]), duration(unit), \
                 interval(year_month|day_time), decimal32|64|128|256(p,s), list<T>, struct<name:T,…>, map<K,V>, file"
            ))
        })
    }
}

fn unit(text: &str) -> Option<TimeUnit> {
    Some(match text {
        "s" => TimeUnit::Second,
        "ms" => TimeUnit::Millisecond,
        "us" => TimeUnit::Microsecond,
        "ns" => TimeUnit::Nanosecond,
        _ => return None,
    })
}

/// A decimal of a precision and a scale.
type DecimalOf = fn(u8, i8) -> DataType;

/// What makes a decimal, and how many digits it has at most.
fn decimal_named(word: &str) -> Option<(DecimalOf, u8)> {
    Some(match word {
        "decimal32" => (DataType::Decimal32, 9),
        "decimal64" => (DataType::Decimal64, 18),
        "decimal128" => (DataType::Decimal128, 38),
        "decimal256" => (DataType::Decimal256, 76),
        _ => return None,
    })
}

/// The precision and the scale of a decimal, or what is wrong with them.
fn decimal_of(word: &str, digits: u8, arguments: &[&str]) -> Result<(u8, i8), String> {
    let &[precision, scale] = arguments else {
        return Err(format!("{word} is written with its precision and scale: `{word}(9,2)`"));
    };
    let has_digits = |precision: &u8| (1..=digits).contains(precision);
    let Some(found) = number(precision).filter(has_digits) else {
        return Err(format!("{word} has a precision of 1 to {digits} digits, found {precision}"));
    };
    match number(scale).filter(|scale: &i8| u8::try_from(*scale).is_ok_and(|s| s <= found)) {
        Some(scale) => Ok((found, scale)),
        None => {
            Err(format!("{word} of precision {found} has a scale of 0 to {found}, found {scale}"))
        }
    }
}

/// A number of a type text: digits alone.
pub(crate) fn number<T: FromStr>(text: &str) -> Option<T> {
    let is_plain = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> DataType {
        (0..depth).fold(DataType::LargeUtf8, |inner, level| match level % 2 {
            0 => DataType::LargeList(Arc::new(Field::new("element", inner, true))),
            _ => DataType::Struct(Fields::from(vec![Field::new("a", inner, false)])),
        })
    }

    #[test]
    fn types_are_brought_to_one_form_at_any_depth_that_is_allowed() {
        let two = normalize(&nested(2)).unwrap();
        let list = DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)));
        assert_eq!(two, DataType::Struct(Fields::from(vec![Field::new("a", list, false)])));
        let words = DataType::Dictionary(DataType::Int8.into(), DataType::LargeUtf8.into());
        assert_eq!(normalize(&words).unwrap(), DataType::Utf8);
        normalize(&nested(MAX_TYPE_DEPTH)).unwrap();
        let error = normalize(&nested(MAX_TYPE_DEPTH + 1)).unwrap_err().to_string();
        assert!(error.contains("nested too deeply"), "{error}");
    }

    /// All of them were an unknown type, though the type was known.
    #[test]
    fn a_decimal_that_is_none_is_told_what_of_it_is_wrong() {
        for (text, told) in [
            ("decimal128(39,2)", "decimal128 has a precision of 1 to 38 digits, found 39"),
            ("decimal32(0,0)", "decimal32 has a precision of 1 to 9 digits, found 0"),
            ("decimal64(9,10)", "decimal64 of precision 9 has a scale of 0 to 9, found 10"),
            ("decimal256(9,-2)", "decimal256 of precision 9 has a scale of 0 to 9, found -2"),
            ("list<decimal128>", "decimal128 is written with its precision and scale"),
            ("decimal16(3,1)", "unknown type \"decimal16\""),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
