//! Numbers as people write them, digit by digit: nothing is rounded by being looked at.

use half::{bf16, f16};
use tenrow::DType;

use crate::cast_mode::CastMode;
use crate::cast_numbers::Number;

/// Digits that a literal may have, its exponent applied.
const MAX_DIGITS: usize = 400;

/// A decimal number: `digits`, the last `scale` of them after the point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Literal {
    is_negative: bool,
    /// Without leading zeros before the point; at least one digit.
    digits: String,
    scale: usize,
}

impl Literal {
    /// Reads `-12`, `1.50`, `.5`, `5.`, `1e-3`; `None` for all else, and for numbers of thousands of digits.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (is_negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (number, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i64>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_long = whole.len() + fraction.len() > MAX_DIGITS || exponent.unsigned_abs() > 400;
        if (whole.is_empty() && fraction.is_empty()) || is_long {
            return None;
        }
        if !are_digits(whole) || !are_digits(fraction) {
            return None;
        }
        let mut digits = format!("{whole}{fraction}");
        let mut scale = fraction.len() as i64 - exponent;
        if scale < 0 {
            digits.push_str(&"0".repeat(scale.unsigned_abs() as usize));
            scale = 0;
        }
        let scale = scale as usize;
        // At least one digit stands before the point.
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let spare = digits[..digits.len() - scale - 1].bytes().take_while(|&b| b == b'0').count();
        Some(Self { is_negative, digits: digits[spare..].to_owned(), scale })
    }

    fn whole_digits(&self) -> &str {
        &self.digits[..self.digits.len() - self.scale]
    }

    fn fraction_digits(&self) -> &str {
        self.digits[self.digits.len() - self.scale..].trim_end_matches('0')
    }

    /// The integer that it is, however it is written; `None` with a fraction, or beyond 128 bits.
    pub(crate) fn integer(&self) -> Option<i128> {
        if !self.fraction_digits().is_empty() {
            return None;
        }
        let sign = if self.is_negative { "-" } else { "" };
        format!("{sign}{}", self.whole_digits()).parse().ok()
    }

    /// With the point moved by `places` digits to the right, and what then is a fraction cut off.
    pub(crate) fn truncated(&self, places: usize) -> Option<i128> {
        let fraction = &self.digits[self.digits.len() - self.scale..];
        let kept = &fraction[..places.min(fraction.len())];
        format!("{}{kept:0<places$}", self.whole_digits()).parse().ok()
    }

    /// Rounded to `scale` digits after the point, halves away from nought.
    pub(crate) fn rounded(&self, scale: i8) -> Option<Self> {
        let scale = usize::try_from(scale).ok()?;
        let Some(dropped) = self.scale.checked_sub(scale) else { return Some(self.clone()) };
        let (kept, rest) = self.digits.split_at(self.digits.len() - dropped);
        let mut digits = format!("0{kept}").into_bytes();
        if rest.as_bytes().first() >= Some(&b'5') {
            let nines = digits.iter().rev().take_while(|&&digit| digit == b'9').count();
            let last = digits.len() - nines;
            digits[last..].fill(b'0');
            // The nought before them is no nine.
            digits[last - 1] += 1;
        }
        let digits = String::from_utf8(digits).ok()?;
        Some(Self { digits, scale, ..self.clone() })
    }

    /// As a decimal of `scale` digits after the point and `precision` in all; `None` if it is none.
    pub(crate) fn decimal(&self, precision: u8, scale: i8) -> Option<String> {
        let (whole, fraction) = (self.whole_digits(), self.fraction_digits());
        let scale = usize::try_from(scale).ok()?;
        let room = usize::from(precision).checked_sub(scale)?;
        let fits = whole.trim_start_matches('0').len() <= room && fraction.len() <= scale;
        let sign = if self.is_negative { "-" } else { "" };
        fits.then(|| format!("{sign}{whole}.{fraction:0<scale$}").trim_end_matches('.').to_owned())
    }
}

/// The number of `text` for an attribute of `to`.
///
/// An integer is exact, and has to fit. A fraction is the nearest float of that width, as everywhere that
/// decimal text is read; one that is too large for it is none.
pub(crate) fn number_of(text: &str, to: DType, mode: CastMode) -> Option<Number> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => return Some(Number::Int(1)),
        _ if text.eq_ignore_ascii_case("false") => return Some(Number::Int(0)),
        _ => {}
    }
    // Most are short: the digits need not be looked at one by one.
    let integer = text.parse::<i64>().ok().map(i128::from);
    let is_fraction = to.is_float() && text.contains(['.', 'e', 'E']);
    let integer = match integer {
        None if !is_fraction => Literal::read(text).and_then(|literal| literal.integer()),
        found => found,
    };
    if let Some(integer) = integer {
        // Minus nought is a float of its own.
        let is_minus_zero = integer == 0 && to.is_float() && text.starts_with('-');
        return Some(if is_minus_zero { Number::Float(-0.0) } else { Number::Int(integer) });
    }
    let wide: f64 = text.parse().ok()?;
    let value = match to {
        DType::F32 => f64::from(text.parse::<f32>().ok()?),
        DType::F16 => f16::from_f64(wide).to_f64(),
        DType::Bf16 => bf16::from_f64(wide).to_f64(),
        _ => wide,
    };
    let overflows = value.is_infinite() && text.contains(|c: char| c.is_ascii_digit());
    (!overflows || mode == CastMode::Lossy).then_some(Number::Float(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_keep_every_digit() {
        for (text, integer, decimal) in [
            ("01234", Some(1234), Some("1234.00")),
            ("1.50", None, Some("1.50")),
            ("-0.5", None, Some("-0.50")),
            (".25", None, Some("0.25")),
            ("5.", Some(5), Some("5.00")),
            ("1e3", Some(1000), Some("1000.00")),
            ("1250e-3", None, Some("1.25")),
            ("12.345", None, None),
            ("18446744073709551617", Some(18446744073709551617), None),
            ("123456789012", Some(123456789012), None),
        ] {
            let literal = Literal::read(text).expect(text);
            assert_eq!(literal.integer(), integer, "{text}");
            assert_eq!(literal.decimal(10, 2).as_deref(), decimal, "{text}");
        }
        for text in ["", "-", ".", "e5", "1e", "1.2.3", "0x10", "NaN", " 1", "1_000", "1e99999"] {
            assert_eq!(Literal::read(text), None, "{text}");
        }
    }

    #[test]
    fn integers_are_exact_and_fractions_the_nearest_float() {
        let read = |text, to| number_of(text, to, CastMode::Safe);
        assert_eq!(read("9007199254740993", DType::I64), Some(Number::Int(9007199254740993)));
        assert_eq!(read("9007199254740993", DType::F64), Some(Number::Int(9007199254740993)));
        assert_eq!(read("2.0", DType::I8), Some(Number::Int(2)));
        assert_eq!(read("0.1", DType::F32), Some(Number::Float(f64::from(0.1f32))));
        assert_eq!(read("1e39", DType::F32), None);
        assert_eq!(read("-inf", DType::F32), Some(Number::Float(f64::NEG_INFINITY)));
        assert_eq!(read("seven", DType::F64), None);
        assert!(matches!(read("-0", DType::F64), Some(Number::Float(z)) if z.is_sign_negative()));
    }
}
