//! Other formats into and out of tenrow datasets.
//!
//! [`open`] recognises files by their content and gives a [`Source`]: attributes, and a stream of
//! record batches in bounded memory. [`cast_batch`] brings them to the attributes of a dataset
//! that exists already. The writers turn batches back into files of other formats.
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
//! | format | in | out |
//! |---|---|---|
//! | MNIST's IDX, plain or gzipped | [`IdxSource`] | |
//! | numpy's `.npy` and `.npz` | [`NpySource`], [`NpzSource`] | [`NpyWriter`], [`NpzWriter`] |
//! | folders of pictures and other files | [`ImageSource`] | [`FileWriter`] |
//! | CSV, JSON Lines | [`TextSource`] | [`JsonLinesWriter`] |
//! | Parquet | [`TableSource`] | [`ParquetWriter`] |
//!
//! [`RowWriter`] writes batches of any other schema, such as the answers of queries: CSV, JSON, JSON Lines,
//! Parquet, Arrow.
//!
//! [`import`] and [`export`] do all of that at once, for a whole dataset, in one commit.
//!
//! Writers replace the file that they are given once the new one is whole, except [`FileWriter`], which
//! replaces nothing. A file that was not finished is not there.
#![forbid(unsafe_code)]

mod error;

mod cast_mode;
mod charset;
mod source_format;

mod folders;

mod source;

mod column;
mod input;
mod json_values;
mod media_type;
mod new_file;

mod from_arrow;

mod cast_numbers;

mod text_number;

mod text_values;

mod cast_lists;
mod cast_values;

mod cast;
mod concat;

mod text_kind;

mod text_shape;

mod csv_guard;

mod files_write;
mod idx;
mod jsonl_write;
mod npy_header;
mod row_format;
mod table;
mod tiff_image;

mod row_cells;

mod csv_write;

mod text_reader;

mod text_source;

mod csv;
mod images;
mod jsonl;
mod npy;
mod npy_write;
mod parquet_embedded;
mod parquet_footer;
mod parquet_legacy;

mod parquet;
mod row_writer;

mod npz;

mod hive;

mod detect;

mod import;

mod tensor_at;

mod picture;

mod whole_files;

mod export;

pub use cast::{cast_batch, cast_column};
pub use cast_mode::CastMode;
pub use charset::Charset;
pub use csv::CsvOptions;
pub use detect::{OpenOptions, detect, open};
pub use error::{ConvertError, Result};
pub use export::{ExportFormat, Exported, export, export_file};
pub use files_write::FileWriter;
pub use from_arrow::{attribute_of, conform, of_new_dataset};
pub use idx::IdxSource;
pub use images::ImageSource;
pub use import::{ImportOptions, Imported, Progress, import, import_in_place};
pub use json_values::NotFinite;
pub use jsonl_write::{JsonLinesWriter, json_rows};
pub use media_type::media_type;
pub use new_file::{Existing, write_file, write_stored_file};
pub use npy::NpySource;
pub use npy_write::{NpyWriter, npy_row_type, write_npy};
pub use npz::{NpzSource, NpzWriter};
pub use parquet::ParquetWriter;
pub use picture::{Ink, Picture};
pub use row_format::RowFormat;
pub use row_writer::RowWriter;
pub use source::Source;
pub use source_format::SourceFormat;
pub use table::TableSource;
pub use tensor_at::{numbers, tensor_at};
pub use text_source::TextSource;
