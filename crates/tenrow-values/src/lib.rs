//! Values of other places as values of tenrow attributes, and back.
//!
//! What an Arrow column of anyone is as an attribute ([`attribute_of`], [`conform`]); what a value of one type is as
//! one of another ([`cast_column`]); what text means ([`text`]); what a column looks like as JSON or in a cell of CSV
//! ([`cells`]); single tensors ([`tensor_at`]). Everything through which values come in or go out stands on it: files
//! of other formats, SQL, Python. It reads and writes no files, and brings no codec of any.
//!
//! ```
//! use arrow_schema::{DataType, Field};
//! let attribute = tenrow_values::attribute_of(&Field::new("age", DataType::Int64, true))?;
//! assert_eq!(attribute.type_text(), "i64?");
//! # Ok::<(), tenrow_values::ConvertError>(())
//! ```
#![forbid(unsafe_code)]

mod error;

mod batch;
mod cast_mode;
pub mod column;
mod json_values;
mod media_type;

mod file_array;
mod from_arrow;
mod nested;
mod rows;
mod tensor_at;

mod cast_numbers;

pub mod text;

mod cast;
pub mod cells;

pub use batch::{batch_of, places};
pub use cast::{cast_batch, cast_column, cast_to, check_types};
pub use cast_mode::CastMode;
pub use error::{ConvertError, Result};
pub use file_array::FileArray;
pub use from_arrow::{attribute_of, conform, of_new_dataset};
pub use json_values::NotFinite;
pub use media_type::{looks_like_text, media_type};
pub use rows::{BUFFER_BYTES, CreateSink, Output, RowFormats, RowSink, check_names, under_schema};
pub use tensor_at::{numbers, tensor_at};
