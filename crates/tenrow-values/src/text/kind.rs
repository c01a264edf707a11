//! What the values of a column of text are, found by looking at all of them.

use arrow_array::types::Date32Type;
use arrow_cast::parse::Parser;
use arrow_schema::{DataType, TimeUnit};

use super::number::Literal;
use super::values::{Leaf, fraction_digits, has_leap_second, has_zone};
use crate::cast_mode::CastMode;

/// The integers that an f64 holds exactly reach to here.
const EXACT_IN_F64: i128 = 1 << 53;
/// The years whose every instant fits into 64 bits of nanoseconds.
const YEARS_OF_NANOSECONDS: std::ops::RangeInclusive<i32> = 1678..=2261;

/// One sort of values, and how errors call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Sort {
    Bool,
    /// An integer that is a whole f64 too.
    Integer,
    /// One that an f64 would round.
    WideInteger,
    /// One that only a u64 holds.
    LargeInteger,
    HugeInteger,
    Negative,
    Fraction,
    HugeFraction,
    Date,
    Time,
    ZonedTime,
    Nanoseconds,
    FarYear,
    Text,
}

impl Sort {
    const ALL: [(Self, &str); 14] = [
        (Self::Bool, "true or false"),
        (Self::Integer, "an integer"),
        (Self::WideInteger, "an integer that an f64 would round"),
        (Self::LargeInteger, "an integer beyond i64"),
        (Self::HugeInteger, "an integer beyond u64"),
        (Self::Negative, "a negative integer"),
        (Self::Fraction, "a fraction"),
        (Self::HugeFraction, "a number beyond f64"),
        (Self::Date, "a date"),
        (Self::Time, "a time without a zone"),
        (Self::ZonedTime, "a time of a zone"),
        (Self::Nanoseconds, "a time in nanoseconds"),
        (Self::FarYear, "a time beyond the years of nanoseconds"),
        (Self::Text, "text"),
    ];
}

/// The sorts of values that a column has, and the row in which each was first.
///
/// ```
/// use tenrow_values::text::{Kind, Shape};
/// let mut kind = Kind::default();
/// for (row, text) in ["0.5", "3"].into_iter().enumerate() {
///     kind.add_cell(text, row as u64);
/// }
/// assert_eq!(Shape::Scalar(kind).data_type()?, arrow_schema::DataType::Float64);
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kind {
    first: [Option<u64>; Sort::ALL.len()],
}

impl Kind {
    fn add(&mut self, sort: Sort, row: u64) {
        self.first[sort as usize].get_or_insert(row);
    }

    fn has(&self, sort: Sort) -> bool {
        self.first[sort as usize].is_some()
    }

    /// True if every sort that is there is one of these.
    fn only(&self, sorts: &[Sort]) -> bool {
        let others = Sort::ALL.iter().filter(|(sort, _)| !sorts.contains(sort));
        others.into_iter().all(|(sort, _)| !self.has(*sort))
    }

    pub(crate) fn is_null(&self) -> bool {
        self.only(&[])
    }

    pub(crate) fn add_bool(&mut self, row: u64) {
        self.add(Sort::Bool, row);
    }

    pub(crate) fn add_text(&mut self, row: u64) {
        self.add(Sort::Text, row);
    }

    /// Looks at a number; false if it is none.
    pub(crate) fn add_number(&mut self, text: &str, row: u64) -> bool {
        let is_plain = |byte: u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
        let value = match text.parse::<i64>() {
            Ok(value) => Some(i128::from(value)),
            Err(_) if text.contains(['.', 'e', 'E']) && text.bytes().all(is_plain) => {
                let Ok(value) = text.parse::<f64>() else { return false };
                self.add(if value.is_finite() { Sort::Fraction } else { Sort::HugeFraction }, row);
                return true;
            }
            Err(_) => {
                let Some(literal) = Literal::read(text) else { return false };
                literal.integer()
            }
        };
        if value.is_some_and(|value| value < 0) {
            self.add(Sort::Negative, row);
        }
        self.add(
            match value {
                Some(value) if value.abs() <= EXACT_IN_F64 => Sort::Integer,
                Some(value) if i64::try_from(value).is_ok() => Sort::WideInteger,
                Some(value) if u64::try_from(value).is_ok() => Sort::LargeInteger,
                _ => Sort::HugeInteger,
            },
            row,
        );
        true
    }

    /// Looks at a cell of a table whose text is all that says what it is.
    pub fn add_cell(&mut self, text: &str, row: u64) {
        if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
            return self.add(Sort::Bool, row);
        }
        match text.as_bytes() {
            // Noughts before a number are most often those of a code, which is no number.
            [b'0', b'0'..=b'9', ..] | [b'-', b'0', b'0'..=b'9', ..] => {
                let is_time = self.add_time(text, row);
                if !is_time {
                    self.add_text(row);
                }
            }
            [b'-' | b'.' | b'0'..=b'9', ..] if self.add_number(text, row) => {}
            _ if matches!(text, "NaN" | "nan" | "inf" | "-inf") => self.add(Sort::Fraction, row),
            _ if self.add_time(text, row) => {}
            _ => self.add_text(row),
        }
    }

    fn add_time(&mut self, text: &str, row: u64) -> bool {
        if !begins_with_day(text) {
            return false;
        }
        if text.len() == 10 {
            let is_date = Date32Type::parse(text).is_some();
            if is_date {
                self.add(Sort::Date, row);
            }
            return is_date;
        }
        let Some(says_zone) = has_zone(text).filter(|_| text.len() >= 19) else { return false };
        if has_leap_second(text) {
            return false;
        }
        let fraction = fraction_digits(text);
        if fraction > 9 {
            return false;
        }
        self.add(if says_zone { Sort::ZonedTime } else { Sort::Time }, row);
        if fraction > 6 {
            self.add(Sort::Nanoseconds, row);
        }
        if !text[..4].parse().is_ok_and(|year| YEARS_OF_NANOSECONDS.contains(&year)) {
            self.add(Sort::FarYear, row);
        }
        true
    }

    /// Adds what another column has.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (own, other) in self.first.iter_mut().zip(other.first) {
            *own = own.or(other);
        }
    }

    /// The type that keeps every value; `None` if there is none but text.
    pub(crate) fn data_type(&self) -> Option<DataType> {
        use Sort::*;
        let times = [Date, Time, ZonedTime, Nanoseconds, FarYear];
        Some(match self {
            _ if self.only(&[Text]) => DataType::Utf8,
            _ if self.only(&[Bool]) => DataType::Boolean,
            _ if self.only(&[Integer, WideInteger, Negative]) => DataType::Int64,
            _ if self.only(&[Integer, WideInteger, LargeInteger]) => DataType::UInt64,
            _ if self.only(&[Integer, Negative, Fraction]) => DataType::Float64,
            _ if self.only(&[Date]) => DataType::Date32,
            _ if self.only(&times) => return self.timestamp(),
            _ => return None,
        })
    }

    fn timestamp(&self) -> Option<DataType> {
        let has_naive = self.has(Sort::Time) || self.has(Sort::Date);
        if self.has(Sort::ZonedTime) && has_naive {
            return None;
        }
        let unit = match (self.has(Sort::Nanoseconds), self.has(Sort::FarYear)) {
            (true, true) => return None,
            (true, false) => TimeUnit::Nanosecond,
            (false, _) => TimeUnit::Microsecond,
        };
        let zone = self.has(Sort::ZonedTime).then(|| "UTC".into());
        Some(DataType::Timestamp(unit, zone))
    }

    /// Two sorts of values that have no type in common, and where they are.
    pub(crate) fn conflict(&self) -> String {
        let mut found: Vec<_> = Sort::ALL
            .iter()
            .filter_map(|(sort, name)| Some((self.first[*sort as usize]?, *name)))
            .collect();
        found.sort();
        let parts: Vec<_> =
            found.iter().map(|(row, name)| format!("{name} in row {row}")).collect();
        parts.join(", ")
    }

    /// Whether values of these sorts may become `leaf`. JSON says what is a number and what is text;
    /// `is_typed` is false where only the text says so.
    pub(crate) fn may_become(&self, leaf: &Leaf, mode: CastMode, is_typed: bool) -> bool {
        use Sort::*;
        if mode != CastMode::Refuse || self.is_null() {
            return true;
        }
        let integers = [Integer, WideInteger, LargeInteger, HugeInteger, Negative];
        match leaf {
            Leaf::Number(dtype) if *dtype == tenrow::DType::Bool => self.only(&[Bool]),
            Leaf::Number(dtype) if dtype.is_float() => {
                self.only(&[&integers[..], &[Fraction, HugeFraction]].concat())
            }
            Leaf::Number(_) => self.only(&integers),
            Leaf::Plain(data_type) if data_type.is_decimal() => {
                self.only(&[&integers[..], &[Fraction, HugeFraction]].concat())
            }
            Leaf::Plain(DataType::Utf8) => !is_typed || self.only(&[Text]),
            // No number is a time; whether a text is one, reading it says.
            Leaf::Plain(DataType::Binary | DataType::FixedSizeBinary(_)) => {
                !is_typed || self.only(&[Text])
            }
            Leaf::Plain(_) => self.only(&[Text, Date, Time, ZonedTime, Nanoseconds, FarYear]),
        }
    }
}

fn begins_with_day(text: &str) -> bool {
    let is_digit = |place: usize| text.as_bytes()[place].is_ascii_digit();
    text.is_ascii()
        && text.len() >= 10
        && [0, 1, 2, 3, 5, 6, 8, 9].into_iter().all(is_digit)
        && text.as_bytes()[4] == b'-'
        && text.as_bytes()[7] == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(cells: &[&str]) -> Kind {
        let mut kind = Kind::default();
        (0..).zip(cells).for_each(|(row, cell)| kind.add_cell(cell, row));
        kind
    }

    #[test]
    fn the_type_found_keeps_every_value_as_it_is_written() {
        for (cells, expected) in [
            (&["1", "-2"][..], "i64"),
            (&["1", "2.5", "NaN"], "f64"),
            (&["9007199254740993"], "i64"),
            (&["9007199254740993", "0.5"], "string"),
            (&["18446744073709551615", "0"], "u64"),
            (&["18446744073709551615", "-1"], "string"),
            (&["18446744073709551616"], "string"),
            (&["01234", "99"], "string"),
            (&["0", "0.5", "-0.5"], "f64"),
            (&["1e400"], "string"),
            (&["true", "False"], "bool"),
            (&["2024-01-31"], "date32"),
            (&["2024-01-31", "2024-01-31 10:00:00"], "timestamp(us)"),
            (&["2024-01-31 10:00:00.123456789"], "timestamp(ns)"),
            (&["2024-01-31 10:00:00.123456789", "9999-01-01 00:00:00"], "string"),
            (&["9999-01-01 00:00:00"], "timestamp(us)"),
            (&["2024-01-31T10:00:00Z", "2024-01-31T10:00:00+02:00"], "timestamp(us,UTC)"),
            (&["2024-01-31T10:00:00Z", "2024-01-31T10:00:00"], "string"),
            (&["2024-02-30"], "string"),
            (&["2016-12-31T23:59:60", "2016-12-31T23:59:59"], "string"),
            (&["+5"], "string"),
            (&[], "string"),
        ] {
            let found = kind(cells).data_type().unwrap_or(DataType::Utf8);
            let found = Leaf::of(&found).map(|leaf| match leaf {
                Leaf::Number(dtype) => dtype.to_string(),
                Leaf::Plain(plain) => tenrow::AttributeType::Value(plain).to_string(),
            });
            assert_eq!(found.as_deref(), Some(expected), "{cells:?}");
        }
    }

    #[test]
    fn a_conflict_says_what_is_where() {
        let found = kind(&["1", "x", "2"]).conflict();
        assert_eq!(found, "an integer in row 0, text in row 1");
    }
}
