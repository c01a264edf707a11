//! How the values of an attribute are laid out in its pages.

use std::fmt;
use std::str::FromStr;

use crate::error::{FormatError, Result};

/// The encoding asked for an attribute. What was asked for is what is in the file.
///
/// ```
/// use tenrow_format::Encoding;
/// assert_eq!("zstd".parse::<Encoding>()?, Encoding::Zstd(3));
/// assert_eq!(Encoding::ByteStreamSplitZstd(3).to_string(), "byte_stream_split+zstd:3");
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Values as they are in memory: one row is one exact read.
    Raw,
    /// Pages of about 128 KiB, each compressed with zstd at this level.
    Zstd(i32),
    /// The bytes of each element transposed, then zstd: for floating-point values.
    ByteStreamSplitZstd(i32),
    /// Per row group: zstd where the first pages shrink by a fifth or more, else raw.
    Auto,
}

/// The zstd level where none is given.
pub const DEFAULT_ZSTD_LEVEL: i32 = 3;

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw => f.write_str("raw"),
            Self::Zstd(level) => write!(f, "zstd:{level}"),
            Self::ByteStreamSplitZstd(level) => write!(f, "byte_stream_split+zstd:{level}"),
            Self::Auto => f.write_str("auto"),
        }
    }
}

impl FromStr for Encoding {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = |reason: &str| FormatError::InvalidEncoding {
            text: text.to_owned(),
            reason: reason.to_owned(),
        };
        let (name, level) = match text.split_once(':') {
            Some((name, level)) => {
                let level = level.parse().ok().filter(|l| (1..=22).contains(l));
                (name, Some(level.ok_or_else(|| invalid("a zstd level is 1 to 22"))?))
            }
            None => (text, None),
        };
        match (name, level) {
            ("raw", None) => Ok(Self::Raw),
            ("auto", None) => Ok(Self::Auto),
            ("zstd", level) => Ok(Self::Zstd(level.unwrap_or(DEFAULT_ZSTD_LEVEL))),
            ("byte_stream_split+zstd", level) => {
                Ok(Self::ByteStreamSplitZstd(level.unwrap_or(DEFAULT_ZSTD_LEVEL)))
            }
            _ => Err(invalid("known are raw, zstd[:level], byte_stream_split+zstd[:level], auto")),
        }
    }
}
