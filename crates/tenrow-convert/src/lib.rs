//! Other formats into and out of tenrow datasets.
//!
//! [`open`] recognises files by their content and gives a [`Source`]: attributes, and a stream of
//! record batches in bounded memory. [`import`] makes them rows of a dataset, [`export`] does the reverse, each in one go.
//! [`RowWriter`] writes batches of any schema, such as the answers of queries.
//!
//! ```
//! use tenrow_convert::{OpenOptions, open};
//!
//! let dir = tempfile::tempdir()?;
//! let path = dir.path().join("people.csv");
//! std::fs::write(&path, "name,age\nAda,36\nAlan,41\n")?;
//! let mut source = open(&[path], None, &OpenOptions::default())?;
//! assert_eq!(source.attributes()[1].type_text(), "i64?");
//! assert_eq!(source.next_batch()?.expect("two rows").num_rows(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Format`] is a folder beneath `formats`, with its reader, its writer and how it is recognised, and a line in the
//! table there; everything that names formats asks that table. `docs/formats.md` shows it.
//!
//! Writers replace the file that they are given once the new one is whole, except [`FileWriter`], which
//! replaces nothing. A file that was not finished is not there.
#![forbid(unsafe_code)]

mod batch_bytes;
mod documents;
mod new_file;
mod source;
mod source_file;

mod input;
mod picture;
mod table;
mod table_file;

mod text;

mod joined;
mod open_options;
mod outgoing;

mod format;

mod formats;

mod answers;
mod folders;

mod detect;
mod export;

mod import;

#[cfg(test)]
mod conversions;

pub use answers::{RowWriter, answer_formats};
pub use detect::{detect, open};
pub use export::{Exported, export, export_file};
pub use format::{Format, Purpose};
pub use formats::{
    FileWriter, IdxSource, ImageSource, NpySource, NpyWriter, NpzSource, NpzWriter, write_npy,
};
pub use import::{ImportOptions, Imported, import, import_in_place};
pub use new_file::{Existing, write_file, write_stored_file};
pub use open_options::{CsvOptions, OpenOptions};
pub use picture::{Ink, Picture};
pub use source::Source;
pub use source_file::SourceFile;
pub use table::TableSource;
pub use tenrow_values::{CastMode, ConvertError, Result};
pub use text::{Charset, TextSource};
