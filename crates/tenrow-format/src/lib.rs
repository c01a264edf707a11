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
pub mod manifest;
mod page;
mod column;
mod locate;
pub mod partition;
mod shape;
mod value_type;

pub use attribute_type::{AttributeType, VariableShape, file_fields};
pub use checksum::{Checksum, checksum};
pub use dtype::DType;
pub use encoding::{DEFAULT_ZSTD_LEVEL, Encoding};
pub use error::{FormatError, Result};
pub use column::{DecodedPage, ListShape, decode_page, decode_row_lengths, narrow_32_to_16};
pub use locate::{BitRange, RawChunk, RawPage};
pub use page::{PageHeader, PageKind, RowLength};
pub use schema::{Attribute, FIELD_ID_KEY, FieldId, Schema, TYPE_KEY};
pub use shape::Shape;
