//! What the bytes of a tenrow dataset mean.
#![forbid(unsafe_code)]

mod attribute_type;
mod checksum;
mod dtype;
mod encoding;
mod error;
pub mod limits;
pub mod manifest;
mod schema;
mod shape;
mod value_type;

pub use attribute_type::{AttributeType, VariableShape, file_fields};
pub use checksum::{Checksum, checksum};
pub use dtype::DType;
pub use encoding::{DEFAULT_ZSTD_LEVEL, Encoding};
pub use error::{FormatError, Result};
pub use schema::{Attribute, FIELD_ID_KEY, FieldId, Schema, TYPE_KEY};
pub use shape::Shape;
