//! The formats that can be imported.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::error::{ConvertError, Result};

/// A format that can be imported.
///
/// ```
/// use tenrow_convert::SourceFormat;
/// assert_eq!("jsonl".parse::<SourceFormat>()?, SourceFormat::JsonLines);
/// assert!("xls".parse::<SourceFormat>().is_err());
/// # Ok::<(), tenrow_convert::ConvertError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SourceFormat {
    /// MNIST's IDX files.
    Idx,
    /// One array of numpy.
    Npy,
    /// An archive of arrays of numpy.
    Npz,
    /// A folder of pictures, or of any files.
    Images,
    /// Parquet.
    Parquet,
    /// Values separated by commas, or by tabs.
    Csv,
    /// One JSON object a line.
    JsonLines,
}

impl SourceFormat {
    /// Every format.
    pub const ALL: [SourceFormat; 7] = [
        SourceFormat::Idx,
        SourceFormat::Npy,
        SourceFormat::Npz,
        SourceFormat::Images,
        SourceFormat::Parquet,
        SourceFormat::Csv,
        SourceFormat::JsonLines,
    ];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            SourceFormat::Idx => "idx",
            SourceFormat::Npy => "npy",
            SourceFormat::Npz => "npz",
            SourceFormat::Images => "images",
            SourceFormat::Parquet => "parquet",
            SourceFormat::Csv => "csv",
            SourceFormat::JsonLines => "jsonl",
        }
    }
}

impl SourceFormat {
    /// True if its files are text.
    pub(crate) const fn is_text(self) -> bool {
        matches!(self, SourceFormat::Csv | SourceFormat::JsonLines)
    }
}

impl fmt::Display for SourceFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SourceFormat {
    type Err = ConvertError;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|format| format.name()).collect();
            let reason = format!("not a format: known are {}", known.join(", "));
            ConvertError::unsupported(Path::new(text), reason)
        })
    }
}
