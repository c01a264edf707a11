//! The formats: a folder each, and the table of all that there are.

mod arrow;
mod csv;
mod idx;
mod images;
mod json;
mod jsonl;
mod npy;
mod npz;
mod parquet;
mod png;

use std::path::Path;

use tenrow_values::{ConvertError, Result};

use crate::format::{Entry, Format, Purpose};

pub use idx::IdxSource;
pub use images::{FileWriter, ImageSource};
pub use npy::{NpySource, NpyWriter, write_npy};
pub use npz::{NpzSource, NpzWriter};

pub(crate) use parquet::check_in_place;

/// Every format. Of several that recognise a file, the first counts: text goes by its name before it is thought a picture.
static TABLE: &[&Entry] = &[
    &parquet::PARQUET,
    &arrow::ARROW,
    &arrow::ARROW_STREAM,
    &jsonl::JSONL,
    &csv::CSV,
    &json::JSON,
    &npy::NPY,
    &npz::NPZ,
    &idx::IDX,
    &images::IMAGES,
    &png::PNG,
];

impl Format {
    /// Parquet, whose files can be imported where they are.
    pub const PARQUET: Self = Self(&parquet::PARQUET);

    /// What the files of a folder are that is no table: each a row.
    pub(crate) const FILES: Self = Self(&images::IMAGES);

    /// Every format, in the order in which they recognise files.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|entry| Self(entry))
    }

    /// The names of the formats that serve `purpose`, with commas between.
    pub fn known(purpose: Purpose) -> String {
        let names = Self::all().filter(|format| format.serves(purpose)).map(Self::name);
        names.collect::<Vec<_>>().join(", ")
    }

    /// The format of this name, if it serves `purpose`.
    ///
    /// # Errors
    /// If there is none, or it does not; the error names those that do.
    pub fn named(name: &str, purpose: Purpose) -> Result<Self> {
        let found = Self::all().find(|format| format.name() == name);
        let reason = match found {
            Some(format) if format.serves(purpose) => return Ok(format),
            Some(format) => lacks(format, purpose),
            None => "not a format",
        };
        let reason = format!("{reason}: known are {}", Self::known(purpose));
        Err(ConvertError::unsupported(Path::new(name), reason))
    }

    /// The format that the extension of `path` stands for, if it serves `purpose`.
    ///
    /// # Errors
    /// If there is none, or it does not; the error names the extensions of those that do.
    pub fn of_path(path: &Path, purpose: Purpose) -> Result<Self> {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        let is_of = |format: &Format| {
            let written = format.0.extensions.iter();
            let read = format.0.also_read.iter().filter(|_| purpose == Purpose::Import);
            written.chain(read).any(|known| known.eq_ignore_ascii_case(extension))
        };
        let found = Self::all().find(is_of);
        let reason = match found {
            Some(format) if format.serves(purpose) => return Ok(format),
            Some(format) => lacks(format, purpose),
            None => "unknown extension",
        };
        let serving = Self::all().filter(|format| format.serves(purpose));
        let known = serving.flat_map(|format| format.0.extensions).map(|known| format!(".{known}"));
        let known = known.collect::<Vec<_>>().join(", ");
        Err(ConvertError::unsupported(path, format!("{reason}: known are {known}")))
    }
}

/// What is in the way of a format that does not serve `purpose`.
fn lacks(format: Format, purpose: Purpose) -> &'static str {
    match (purpose, format.serves(Purpose::Export)) {
        (Purpose::Import, _) => "it can only be written",
        (_, false) => "it can only be imported",
        (_, true) => "it is written from datasets, and not from the answers of queries",
    }
}

#[cfg(test)]
mod tests;
