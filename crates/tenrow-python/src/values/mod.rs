//! Values of attributes as Python has them, both ways.
//!
//! | attribute | one row | many rows |
//! |---|---|---|
//! | tensor, number | numpy array, numpy scalar | one numpy array, rows first; masked where rows are null |
//! | tensor of variable shape | numpy array | list of arrays |
//! | string, binary | `str`, `bytes` | list |
//! | file | `tenrow.File` | list |
//! | time, date, duration | `numpy.datetime64`, `timedelta64` | one numpy array, `NaT` where null |
//! | time of day | `datetime.time`; in nanoseconds `numpy.timedelta64` since midnight | list; array, `NaT` where null |
//! | list, struct, map, decimal | list, dict, list of pairs, `decimal.Decimal` | list |

mod arrays;
mod files;
mod from_python;
mod nested;
mod numbers;
mod texts;
mod times;
mod to_python;

pub(crate) use from_python::{array_of, batch_of, refused};
#[cfg(feature = "sql")]
pub(crate) use to_python::of_answer;
pub(crate) use to_python::{column, masked, of_tensors, value};
