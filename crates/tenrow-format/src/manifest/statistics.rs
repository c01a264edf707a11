//! What is known of an attribute's values without reading them.

use serde_json::Value;

use super::check;
use crate::error::{FormatError, Result};
use crate::schema::FieldId;

/// Bytes of a text bound; longer ones are cut.
pub const MAX_BOUND_BYTES: usize = 64;

/// Bounds on the values of one attribute.
///
/// ```
/// use tenrow_format::{FieldId, manifest::Statistics};
/// let known = Statistics::new(FieldId(1), 2, Some(4.into()), Some(9.into()));
/// assert!(known.is_exact());
/// assert_eq!((known.null_count, known.max), (2, Some(9.into())));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// The attribute.
    pub field: FieldId,
    /// Rows in which it is null.
    pub null_count: u64,
    /// At most every value that is not null; `None` if unknown or if there is none.
    pub min: Option<Value>,
    /// At least every value that is not null; `None` if unknown or if there is none.
    pub max: Option<Value>,
    /// Whether both bounds occur as values.
    pub exact: bool,
}

impl Statistics {
    /// Keeps `min` and `max`, which occur as values, cutting texts over 64 bytes so that they stay bounds.
    ///
    /// ```
    /// use tenrow_format::{FieldId, manifest::Statistics};
    /// let long = "z".repeat(100);
    /// let cut = Statistics::new(FieldId(1), 0, Some("a".into()), Some(long.clone().into()));
    /// assert!(!cut.exact && cut.max.unwrap().as_str().unwrap() > long.as_str());
    /// ```
    pub fn new(field: FieldId, null_count: u64, min: Option<Value>, max: Option<Value>) -> Self {
        let is_long = |bound: &Option<Value>| {
            bound.as_ref().and_then(Value::as_str).is_some_and(|s| s.len() > MAX_BOUND_BYTES)
        };
        let exact = !is_long(&min) && !is_long(&max) && min.is_some() && max.is_some();
        let max = if is_long(&max) { max.as_ref().and_then(round_up) } else { max };
        let min = if is_long(&min) { min.as_ref().and_then(round_down) } else { min };
        Self { field, null_count, min, max, exact }
    }

    /// Whether both bounds are known to occur as values.
    ///
    /// Texts near the length at which Parquet's writer cuts them are not: files before 0.2 say `exact` of what was cut.
    pub fn is_exact(&self) -> bool {
        let bounds = [&self.min, &self.max].into_iter().flatten();
        let longest = bounds.filter_map(Value::as_str).map(str::len).max();
        self.exact && longest.unwrap_or_default() <= MAX_BOUND_BYTES - char::MAX.len_utf8()
    }

    pub(super) fn check(&self) -> Result<()> {
        check::sum("null count of statistics", [self.null_count])?;
        [&self.min, &self.max].into_iter().flatten().try_for_each(|bound| {
            let scalar = match bound {
                Value::Bool(_) | Value::Number(_) => true,
                Value::String(text) => text.len() <= MAX_BOUND_BYTES,
                Value::Null | Value::Array(_) | Value::Object(_) => false,
            };
            check::ensure(
                scalar,
                || format!("statistics of field {}", self.field.0),
                || "a bound is a boolean, a number or a text of at most 64 bytes".into(),
            )
        })
    }
}

/// Checks a list of statistics: each bound, and that no field has two.
pub(super) fn check_all(list: &[Statistics]) -> Result<()> {
    list.iter().try_for_each(Statistics::check)?;
    match check::repeated(list.iter().map(|s| s.field)) {
        Some(field) => {
            Err(FormatError::malformed("statistics", format!("field {} occurs twice", field.0)))
        }
        None => Ok(()),
    }
}

/// The longest prefix of at most [`MAX_BOUND_BYTES`]: never greater than the text.
fn round_down(text: &Value) -> Option<Value> {
    Some(prefix(text.as_str()?).into())
}

fn prefix(text: &str) -> &str {
    let end = (0..=MAX_BOUND_BYTES).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    &text[..end]
}

/// The prefix with its last character raised: greater than every text that starts with it.
fn round_up(text: &Value) -> Option<Value> {
    let mut raised = prefix(text.as_str()?).to_owned();
    while let Some(last) = raised.pop() {
        let Some(next) = next_char(last) else { continue };
        if raised.len() + next.len_utf8() <= MAX_BOUND_BYTES {
            raised.push(next);
            return Some(raised.into());
        }
    }
    None
}

fn next_char(c: char) -> Option<char> {
    match c {
        '\u{d7ff}' => Some('\u{e000}'), // surrogates are no characters
        c => char::from_u32(u32::from(c) + 1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cut_bounds_still_bound(text in "\\PC{0,90}|[\u{d7ff}\u{10ffff}\u{7f}z]{60,90}") {
            let stats = Statistics::new(FieldId(1), 0, Some(text.clone().into()), Some(text.clone().into()));
            stats.check().unwrap();
            prop_assert!(stats.min.unwrap().as_str().unwrap() <= text.as_str());
            if let Some(max) = stats.max {
                prop_assert!(max.as_str().unwrap() >= text.as_str());
            }
            prop_assert_eq!(stats.exact, text.len() <= 64);
        }
    }

    #[test]
    fn a_text_of_last_characters_has_no_upper_bound() {
        let text: Value = "\u{10ffff}".repeat(20).into();
        assert_eq!(Statistics::new(FieldId(1), 0, None, Some(text)).max, None);
    }

    #[test]
    fn a_text_as_long_as_one_that_was_cut_is_not_taken_for_a_value() {
        for (bytes, expected) in [(0, true), (60, true), (61, false), (64, false), (65, false)] {
            let text: Value = "x".repeat(bytes).into();
            let stats = Statistics::new(FieldId(1), 0, Some("a".into()), Some(text));
            assert_eq!(stats.is_exact(), expected, "{bytes}");
        }
    }

    #[test]
    fn lists_and_nulls_are_no_bounds() {
        for bound in [Value::Null, Value::Array(vec![])] {
            let stats = Statistics {
                field: FieldId(1),
                null_count: 0,
                min: Some(bound),
                max: None,
                exact: false,
            };
            assert!(stats.check().is_err());
        }
    }
}
