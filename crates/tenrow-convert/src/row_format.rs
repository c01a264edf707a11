//! The formats that rows of any kind can be written in.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::error::{ConvertError, Result};

/// A format for the rows of an answer, whatever its columns are.
///
/// ```
/// use tenrow_convert::RowFormat;
/// assert_eq!("jsonl".parse::<RowFormat>()?, RowFormat::JsonLines);
/// assert_eq!(RowFormat::of_path("rows.feather".as_ref())?, RowFormat::Arrow);
/// # Ok::<(), tenrow_convert::ConvertError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RowFormat {
    /// A line for each row, and one for the names.
    Csv,
    /// One array of objects.
    Json,
    /// One object a line.
    JsonLines,
    /// One Parquet file.
    Parquet,
    /// Arrow's file format, also called Feather.
    Arrow,
}

impl RowFormat {
    /// Every format.
    pub const ALL: [RowFormat; 5] = [
        RowFormat::Csv,
        RowFormat::Json,
        RowFormat::JsonLines,
        RowFormat::Parquet,
        RowFormat::Arrow,
    ];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        self.extensions()[0]
    }

    /// The extensions that its files have, without the dot; the first is its name.
    const fn extensions(self) -> &'static [&'static str] {
        match self {
            RowFormat::Csv => &["csv"],
            RowFormat::Json => &["json"],
            RowFormat::JsonLines => &["jsonl", "ndjson"],
            RowFormat::Parquet => &["parquet"],
            RowFormat::Arrow => &["arrow", "feather", "ipc"],
        }
    }

    /// True if it is text that a terminal can show.
    pub const fn is_text(self) -> bool {
        matches!(self, RowFormat::Csv | RowFormat::Json | RowFormat::JsonLines)
    }

    /// The format that the extension of `path` stands for.
    ///
    /// # Errors
    /// If it stands for none of them.
    pub fn of_path(path: &Path) -> Result<Self> {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        let known = Self::ALL.into_iter().find(|format| {
            format.extensions().iter().any(|known| known.eq_ignore_ascii_case(extension))
        });
        known.ok_or_else(|| {
            let known = Self::ALL.iter().flat_map(|format| format.extensions());
            let known: Vec<_> = known.map(|extension| format!(".{extension}")).collect();
            let reason = format!("unknown extension: known are {}", known.join(", "));
            ConvertError::unsupported(path, reason)
        })
    }
}

impl fmt::Display for RowFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for RowFormat {
    type Err = ConvertError;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            ConvertError::column(text, format!("not a format: known are {names}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_and_extension_is_its_format() {
        for format in RowFormat::ALL {
            assert_eq!(format.to_string().parse::<RowFormat>().unwrap(), format);
            for extension in format.extensions() {
                let path = format!("rows.{}", extension.to_uppercase());
                assert_eq!(RowFormat::of_path(path.as_ref()).unwrap(), format);
            }
        }
    }

    #[test]
    fn what_is_no_format_is_told_which_there_are() {
        let error = RowFormat::of_path("rows.xlsx".as_ref()).unwrap_err().to_string();
        assert!(error.starts_with("rows.xlsx: unknown extension: known are .csv"), "{error}");
        assert!("table".parse::<RowFormat>().unwrap_err().to_string().ends_with("parquet, arrow"));
    }
}
