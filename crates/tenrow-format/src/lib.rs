//! What the bytes of a tenrow dataset mean: pure, synchronous, without any I/O.
//!
//! From the bottom up: a [`DType`] and a [`Shape`] make an [`AttributeType`]; named and numbered, an
//! [`Attribute`] of a [`Schema`]. The [`partition`] module turns Arrow arrays of these attributes
//! into Parquet files whose pages hold raw elements, and [`RawChunk`] says where each row lies in
//! them. [`manifest`] describes which files make up a version of a dataset.
//!
//! ```
//! use tenrow_format::{Attribute, DType, Schema, manifest::Root};
//!
//! let image = Attribute::parse("image:u8[28,28]")?;
//! assert_eq!(image.attribute_type.dtype(), Some(DType::U8));
//!
//! // A schema goes into the root of every version, which has a checksum of its own.
//! let root = Root::first(Schema::new([image, Attribute::parse("label:i64")?])?, "a1b2", 0);
//! let mut bytes = root.encode();
//! assert_eq!(Root::decode(&bytes)?.schema.attributes().len(), 2);
//! bytes[40] ^= 1;
//! assert!(Root::decode(&bytes).is_err());
//! # Ok::<(), tenrow_format::FormatError>(())
//! ```
//!
//! Stored bytes are taken to be hostile: nothing here panics on them, and no length that they claim
//! is allocated before it is compared with [`limits`]. The documents in `spec/` are normative.
#![forbid(unsafe_code)]

mod error;
pub mod limits;
mod version;
pub mod layout;
mod guard;
mod footer_check;
mod checksum;
mod dtype;
mod shape;
mod value_type;
mod attribute_type;
mod encoding;
mod widen;
mod default_value;
mod schema;
mod schema_change;
mod page;
mod level_check;
mod deleted_rows;
mod view_rows;
pub mod manifest;
mod column;
mod locate;
pub mod partition;

pub use attribute_type::{AttributeType, VariableShape, file_fields};
pub use checksum::{Checksum, checksum};
pub use column::{
    DecodeStep, DecodedPage, ListShape, OrdinaryDecoder, OrdinaryFooter, as_declared, bytes_of,
    check_columns, check_identity_dictionary, decode_bytes_page, decode_page, decode_row_lengths,
    narrow_32_to_16,
};
pub use deleted_rows::DeletedRows;
pub use dtype::DType;
pub use encoding::{DEFAULT_ZSTD_LEVEL, Encoding};
pub use error::{FormatError, Result, names_listed};
pub use footer_check::check_footer;
pub use guard::{caught, is_guarding};
pub use level_check::check_levels;
pub use locate::{BitRange, RawChunk, RawPage};
pub use page::{PageHeader, PageKind, RowLength};
pub use schema::{Attribute, EarlierForm, FIELD_ID_KEY, FieldId, Schema, TYPE_KEY};
pub use shape::Shape;
pub use version::Version;
pub use view_rows::{decode_view_rows, encode_view_rows};
pub use widen::widen;
