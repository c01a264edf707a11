//! What may be done to values on their way into attributes of other types.

use std::str::FromStr;

use crate::error::{ConvertError, Result};

/// What may be done to a value whose attribute has another type.
///
/// Text has no type of its own: the cells of CSV and the numbers of JSON are read as the type that the
/// attribute has, which is no cast. What is read is exact, but for a decimal fraction into a float, which is the
/// nearest one, as everywhere that such text is read: `0.1` into f32 is `0.1f32`. A fraction into an integer, a
/// string of JSON into a number or a number into a string are casts.
///
/// ```
/// use tenrow_values::CastMode;
/// assert_eq!("safe".parse::<CastMode>()?, CastMode::Safe);
/// # Ok::<(), tenrow_values::ConvertError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CastMode {
    /// Nothing: the types are equal.
    #[default]
    Refuse,
    /// Only what keeps the value: 3 into i8, 2.0 into i64, 0.5 into f16. All else is an error
    /// that names the row: 300 into i8, 1.5 or NaN into i64, 0.1 into f32.
    Safe,
    /// As `Safe`, but what becomes a float is rounded to the nearest: 0.1 into f32. 1e300 into f32 is an error.
    Round,
    /// The nearest thing to it: integers saturate; floats lose their fraction and then saturate,
    /// NaN becomes 0; floats become narrower by rounding to nearest, too large ones infinite; all
    /// but 0 is true. Text that is no number stays an error.
    Lossy,
}

impl FromStr for CastMode {
    type Err = ConvertError;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "refuse" => Ok(CastMode::Refuse),
            "safe" => Ok(CastMode::Safe),
            "round" => Ok(CastMode::Round),
            "lossy" => Ok(CastMode::Lossy),
            _ => {
                Err(ConvertError::column(text, "not a cast: known are refuse, safe, round, lossy"))
            }
        }
    }
}
