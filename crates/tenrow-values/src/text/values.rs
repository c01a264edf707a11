//! Columns of text, read as the types that they are to have.

use std::sync::Arc;

use arrow_array::timezone::Tz;
use arrow_array::types::*;
use arrow_array::{
    Array, ArrayRef, BinaryArray, FixedSizeBinaryArray, PrimitiveArray, StringArray, make_array,
};
use arrow_cast::parse::{Parser, parse_decimal, string_to_datetime, string_to_time_nanoseconds};
use arrow_schema::{DataType, FieldRef, TimeUnit};
use tenrow::DType;

use super::number::{Literal, number_of};
use crate::cast_mode::CastMode;
use crate::cast_numbers::{Misfit, Number, numbers_of};

/// The first text that is no value of the type, and why.
///
/// ```
/// use std::sync::Arc;
/// use arrow_array::{ArrayRef, StringArray};
/// use tenrow_values::{CastMode, text::{Kind, Shape, TextColumn}};
/// let mut kind = Kind::default();
/// kind.add_cell("4", 0);
/// let (column, attribute) = TextColumn::new("label", Shape::Scalar(kind), false)?;
/// assert_eq!(attribute.type_text(), "i64?");
/// let texts: ArrayRef = Arc::new(StringArray::from(vec!["4", "four"]));
/// assert_eq!(column.read(&texts, CastMode::Safe).unwrap_err().index, 1);
/// # Ok::<(), tenrow_values::ConvertError>(())
/// ```
#[derive(Debug)]
pub struct Misread {
    /// Which of the texts it is, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// What one column of text can be read as.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Leaf {
    Number(DType),
    Plain(DataType),
}

impl Leaf {
    /// A leaf of this type, if text is read as such.
    pub(crate) fn of(data_type: &DataType) -> Option<Self> {
        use DataType::*;
        match data_type {
            Utf8 | Binary | FixedSizeBinary(_) | Date32 | Date64 | Time32(_) | Time64(_)
            | Timestamp(..) | Duration(_) | Decimal32(..) | Decimal64(..) | Decimal128(..)
            | Decimal256(..) => Some(Self::Plain(data_type.clone())),
            other => DType::from_arrow(other).map(Self::Number),
        }
    }

    pub(crate) fn arrow_type(&self) -> DataType {
        match self {
            Self::Number(dtype) => dtype.arrow_type(),
            Self::Plain(data_type) => data_type.clone(),
        }
    }

    /// The values of `texts`; a null stays one.
    pub(crate) fn read(&self, texts: &StringArray, mode: CastMode) -> Result<ArrayRef, Misread> {
        match self {
            Self::Number(dtype) => numbers(texts, *dtype, mode),
            Self::Plain(data_type) => plain(texts, data_type, mode),
        }
    }
}

fn numbers(texts: &StringArray, to: DType, mode: CastMode) -> Result<ArrayRef, Misread> {
    let read = |index: usize| match texts.is_null(index) {
        true => Ok(Number::Int(0)),
        false => number_of(texts.value(index), to, mode).ok_or_else(|| Misread {
            index,
            reason: format!("{} does not fit {to}", quoted(texts.value(index))),
        }),
    };
    let numbers = (0..texts.len()).map(read).collect::<Result<Vec<_>, _>>()?;
    let values = numbers_of(to, numbers.len(), mode, |index| numbers[index]);
    let values = values.map_err(|Misfit { index, .. }| Misread {
        index,
        reason: format!("{} does not fit {to}", quoted(texts.value(index))),
    })?;
    let nulls = texts.nulls().cloned();
    let data = values.to_data().into_builder().nulls(nulls).build();
    data.map(make_array).map_err(|error| Misread { index: 0, reason: error.to_string() })
}

fn plain(texts: &StringArray, to: &DataType, mode: CastMode) -> Result<ArrayRef, Misread> {
    let is_exact = !matches!(mode, CastMode::Round | CastMode::Lossy);
    macro_rules! values {
        ($type:ty, $read:expr) => {{
            let read = each(texts, to, $read)?;
            let values = PrimitiveArray::<$type>::from_iter(read);
            Ok(Arc::new(values.with_data_type(to.clone())) as ArrayRef)
        }};
    }
    macro_rules! decimals {
        ($type:ty, $precision:expr, $scale:expr) => {
            values!($type, |text: &str| {
                let text = decimal(text, *$precision, *$scale, is_exact)?;
                parse_decimal::<$type>(&text, *$precision, *$scale).map_err(|_| WRONG.to_owned())
            })
        };
    }
    match to {
        DataType::Utf8 => Ok(Arc::new(texts.clone())),
        DataType::Binary => binary(texts, to, None),
        DataType::FixedSizeBinary(size) => binary(texts, to, Some(*size)),
        DataType::Decimal32(p, s) => decimals!(Decimal32Type, p, s),
        DataType::Decimal64(p, s) => decimals!(Decimal64Type, p, s),
        DataType::Decimal128(p, s) => decimals!(Decimal128Type, p, s),
        DataType::Decimal256(p, s) => decimals!(Decimal256Type, p, s),
        DataType::Date32 => values!(Date32Type, date),
        DataType::Date64 => {
            values!(Date64Type, |text| instant(text, None, TimeUnit::Millisecond, mode))
        }
        DataType::Time32(TimeUnit::Second) => {
            values!(Time32SecondType, |text| time(text, TimeUnit::Second, is_exact).map(narrow))
        }
        DataType::Time32(_) => {
            let unit = TimeUnit::Millisecond;
            values!(Time32MillisecondType, |text| time(text, unit, is_exact).map(narrow))
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            values!(Time64MicrosecondType, |text| time(text, TimeUnit::Microsecond, is_exact))
        }
        DataType::Time64(_) => {
            values!(Time64NanosecondType, |text| time(text, TimeUnit::Nanosecond, is_exact))
        }
        DataType::Timestamp(unit, zone) => {
            let read = |text: &str| instant(text, zone.as_deref(), *unit, mode);
            match unit {
                TimeUnit::Second => values!(TimestampSecondType, read),
                TimeUnit::Millisecond => values!(TimestampMillisecondType, read),
                TimeUnit::Microsecond => values!(TimestampMicrosecondType, read),
                TimeUnit::Nanosecond => values!(TimestampNanosecondType, read),
            }
        }
        DataType::Duration(unit) => {
            let read = |text: &str| duration(text, *unit, is_exact);
            match unit {
                TimeUnit::Second => values!(DurationSecondType, read),
                TimeUnit::Millisecond => values!(DurationMillisecondType, read),
                TimeUnit::Microsecond => values!(DurationMicrosecondType, read),
                TimeUnit::Nanosecond => values!(DurationNanosecondType, read),
            }
        }
        other => Err(Misread { index: 0, reason: format!("text is not read as {other}") }),
    }
}

/// Bytes from their hexadecimal text, of `size` if that is fixed.
fn binary(texts: &StringArray, to: &DataType, size: Option<i32>) -> Result<ArrayRef, Misread> {
    let bytes = each(texts, to, |text| hexadecimal(text, size.map(|size| size as usize)))?;
    let Some(size) = size else { return Ok(Arc::new(BinaryArray::from_iter(bytes))) };
    FixedSizeBinaryArray::try_from_sparse_iter_with_size(bytes.into_iter(), size)
        .map(|array| Arc::new(array) as ArrayRef)
        .map_err(|error| Misread { index: 0, reason: error.to_string() })
}

/// What is wrong where nothing better can be said.
const WRONG: &str = "";

fn each<T>(
    texts: &StringArray,
    to: &DataType,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<Option<T>>, Misread> {
    let value = |(index, text): (usize, Option<&str>)| {
        let value = text.map(&read).transpose();
        value.map_err(|why| {
            let why = if why.is_empty() { String::new() } else { format!(": {why}") };
            let text = quoted(text.unwrap_or_default());
            let to = tenrow::AttributeType::Value(to.clone());
            Misread { index, reason: format!("{text} does not fit {to}{why}") }
        })
    };
    texts.iter().enumerate().map(value).collect()
}

/// The text, of a decent length.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((cut, _)) => format!("{:?}…", &text[..cut]),
        None => format!("{text:?}"),
    }
}

fn narrow(time: i64) -> i32 {
    // A day has fewer milliseconds than an i32 holds.
    time as i32
}

fn decimal(text: &str, precision: u8, scale: i8, is_exact: bool) -> Result<String, String> {
    let literal = Literal::read(text).ok_or(WRONG)?;
    if let Some(decimal) = literal.decimal(precision, scale) {
        return Ok(decimal);
    }
    let rounded = literal.rounded(scale).and_then(|literal| literal.decimal(precision, scale));
    match rounded {
        Some(decimal) if !is_exact => Ok(decimal),
        Some(_) => Err(format!("it has more than {scale} digits after the point")),
        None => Err(WRONG.into()),
    }
}

fn hexadecimal(text: &str, size: Option<usize>) -> Result<Vec<u8>, String> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    let bytes = text.as_bytes().chunks(2).map(pair).collect::<Option<Vec<u8>>>();
    let bytes = bytes.ok_or("it is not hexadecimal")?;
    match size {
        Some(size) if bytes.len() != size => Err(format!("it has {} bytes", bytes.len())),
        _ => Ok(bytes),
    }
}

fn date(text: &str) -> Result<i32, String> {
    let is_day = text.len() == 10;
    is_day.then(|| Date32Type::parse(text)).flatten().ok_or_else(|| WRONG.into())
}

fn per_second(unit: TimeUnit) -> (i64, usize) {
    match unit {
        TimeUnit::Second => (1, 0),
        TimeUnit::Millisecond => (1_000, 3),
        TimeUnit::Microsecond => (1_000_000, 6),
        TimeUnit::Nanosecond => (1_000_000_000, 9),
    }
}

/// Refuses digits of a second that the unit has no place for.
fn check_fraction(text: &str, unit: TimeUnit) -> Result<(), String> {
    let (_, places) = per_second(unit);
    match fraction_digits(text) > places {
        true => Err("it is finer than that".into()),
        false => Ok(()),
    }
}

/// Digits after the point, but for the noughts that end them.
pub(crate) fn fraction_digits(text: &str) -> usize {
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
    let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
    fraction[..end].trim_end_matches('0').len()
}

/// A second that the calendar inserts, for which no type has a number.
pub(crate) fn has_leap_second(text: &str) -> bool {
    let seconds = text.split(':').nth(2).unwrap_or_default();
    seconds.starts_with("60") && !seconds[2..].starts_with(|c: char| c.is_ascii_digit())
}

fn check_leap(text: &str) -> Result<(), String> {
    match has_leap_second(text) {
        true => Err("it is a leap second, for which there is no number".into()),
        false => Ok(()),
    }
}

fn time(text: &str, unit: TimeUnit, is_exact: bool) -> Result<i64, String> {
    check_leap(text)?;
    let nanoseconds = string_to_time_nanoseconds(text).map_err(|_| WRONG)?;
    if is_exact {
        check_fraction(text, unit)?;
    }
    Ok(nanoseconds / (1_000_000_000 / per_second(unit).0))
}

/// A span such as `PT1.5S` or `-P1DT2H`, as ISO 8601 and our own exports write it: no months and no years, whose
/// lengths differ.
fn duration(text: &str, unit: TimeUnit, is_exact: bool) -> Result<i64, String> {
    let (is_negative, span) = match text.strip_prefix('-') {
        Some(span) => (true, span),
        None => (false, text),
    };
    let span = span.strip_prefix('P').ok_or(WRONG)?;
    if is_exact {
        check_fraction(text, unit)?;
    }
    let (days, times) = span.split_once('T').unwrap_or((span, ""));
    let (_, places) = per_second(unit);
    let mut sum = 0i128;
    for (text, units) in
        [(days, &[('D', 86_400)][..]), (times, &[('H', 3600), ('M', 60), ('S', 1)])]
    {
        let mut rest = text;
        for &(letter, seconds) in units {
            let Some((number, after)) = rest.split_once(letter) else { continue };
            let literal = Literal::read(number).and_then(|number| number.truncated(places));
            let whole = literal.filter(|_| !number.starts_with(['-', '+'])).ok_or(WRONG)?;
            sum = whole.checked_mul(seconds).and_then(|n| sum.checked_add(n)).ok_or(WRONG)?;
            rest = after;
        }
        if !rest.is_empty() {
            return Err(WRONG.into());
        }
    }
    let sum = if is_negative { -sum } else { sum };
    i64::try_from(sum).map_err(|_| "it is longer than that unit reaches".into())
}

/// Whether `text` says in which zone its time is; `None` if it is no time.
pub(crate) fn has_zone(text: &str) -> Option<bool> {
    // What says its zone is the same instant wherever it is read.
    let read = |zone: &str| {
        let zone: Tz = zone.parse().ok()?;
        string_to_datetime(&zone, text).ok().map(|time| time.timestamp())
    };
    Some(read("+00:00")? == read("+01:00")?)
}

fn instant(text: &str, zone: Option<&str>, unit: TimeUnit, mode: CastMode) -> Result<i64, String> {
    let says_zone = has_zone(text).ok_or(WRONG)?;
    check_leap(text)?;
    if mode != CastMode::Lossy && says_zone != zone.is_some() {
        return Err(match says_zone {
            true => "it is of a zone, which the attribute has not".into(),
            false => "it says no zone".into(),
        });
    }
    if !matches!(mode, CastMode::Round | CastMode::Lossy) {
        check_fraction(text, unit)?;
    }
    let zone: Tz = zone.unwrap_or("+00:00").parse().map_err(|_| "the zone is not known")?;
    let time = string_to_datetime(&zone, text).map_err(|_| WRONG)?;
    let (per_second, _) = per_second(unit);
    let part = i64::from(time.timestamp_subsec_nanos()) / (1_000_000_000 / per_second);
    let whole = i128::from(time.timestamp()) * i128::from(per_second) + i128::from(part);
    i64::try_from(whole).map_err(|_| "it is beyond the years of that unit".into())
}

/// A fault within a list, as one of the row that the list is in.
pub(crate) fn outer(misread: Misread, row: impl Fn(usize) -> usize) -> Misread {
    Misread { index: row(misread.index), ..misread }
}

/// Refuses a null among the items of lists that have none.
pub(crate) fn check_nulls(
    field: &FieldRef,
    values: &ArrayRef,
    row: impl Fn(usize) -> usize,
) -> Result<(), Misread> {
    if field.is_nullable() {
        return Ok(());
    }
    match (0..values.len()).find(|&index| values.is_null(index)) {
        Some(index) => Err(Misread { index: row(index), reason: "it holds a null".into() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
