//! What can be wrong with a file from elsewhere, or with writing one.

use std::path::{Path, PathBuf};

use tenrow::{ErrorKind, FormatError};

/// A fault found while importing or exporting.
///
/// `Display` is one line and never prints its source. It becomes a [`tenrow::Error`] of its [`kind`](Self::kind), so that whoever
/// has no use for a file's offset handles one error only.
///
/// ```
/// use arrow_schema::{DataType, Field, IntervalUnit};
/// use tenrow_values::{ConvertError, attribute_of};
/// let field = Field::new("span", DataType::Interval(IntervalUnit::MonthDayNano), false);
/// let error: ConvertError = attribute_of(&field).unwrap_err();
/// assert!(error.to_string().contains("span"), "{error}");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// The operating system refused to read or write.
    #[error("{}: cannot {action}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: `open`, `read`, `write`, …
        action: &'static str,
        /// Its error.
        source: std::io::Error,
    },
    /// A file ends before its header says it does.
    #[error(
        "{}: truncated at byte {found}: {what} needs {expected} bytes in all",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// What was being read.
        what: &'static str,
        /// Where the file ends (decompressed, if it is compressed).
        found: u64,
        /// How long it would have to be, at least.
        expected: u64,
    },
    /// Bytes that contradict themselves or their format.
    #[error("{}: byte {offset}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where, in bytes (decompressed, if it is compressed).
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// A row that cannot be taken as it is.
    #[error("{}: row {row}: attribute {attribute:?}: {reason}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The row, from 0.
        row: u64,
        /// The attribute.
        attribute: String,
        /// What is wrong with its value.
        reason: String,
    },
    /// A file that is to be written is there already.
    #[error("{}: is there already: give another name, or --force to replace it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file that is whole but that tenrow cannot take.
    #[error("{}: {reason}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Why, and what to do about it.
        reason: String,
    },
    /// Files, or arrays of one file, that must have equally many rows and do not.
    #[error("{first} has {first_rows} rows, but {second} has {second_rows}")]
    RowCounts {
        /// The first file or array.
        first: String,
        /// Its rows.
        first_rows: u64,
        /// The one that differs.
        second: String,
        /// Its rows.
        second_rows: u64,
    },
    /// A file whose format none of the known ones resembles.
    #[error(
        "{}: unknown format (it begins with {first_bytes}); known are {known}: say which with --format",
        path.display()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// Its first bytes, in hexadecimal.
        first_bytes: String,
        /// The names of the formats that can be imported.
        known: String,
    },
    /// A column that has no place in a dataset under its name or type.
    #[error("column {name:?}: {reason}")]
    Column {
        /// The column.
        name: String,
        /// Why, and what to do about it.
        reason: String,
    },
    /// A value that does not fit the attribute that it is cast to.
    #[error("{origin}: row {row}: attribute {attribute:?}: {reason}")]
    Value {
        /// The source that it came from.
        origin: String,
        /// Its row in the source, from 0.
        row: u64,
        /// The attribute.
        attribute: String,
        /// The value, and why it does not fit.
        reason: String,
    },
    /// A batch whose attributes are not those of the dataset.
    #[error("{origin}: attribute {attribute:?}: {reason}")]
    Mismatch {
        /// The source that it came from.
        origin: String,
        /// The attribute.
        attribute: String,
        /// What was found and what was expected.
        reason: String,
    },
    /// A column of another type than its attribute, which the cast that was asked for does not convert.
    #[error("{origin}: attribute {attribute:?}: {reason}")]
    Type {
        /// The source that it came from.
        origin: String,
        /// The attribute.
        attribute: String,
        /// What was found and what was expected.
        reason: String,
    },
    /// The library that knows a format refused a file.
    #[error("{}: not valid {format}{}", path.display(), row.map_or(String::new(), |row| format!(" after row {row}")))]
    Decode {
        /// The file.
        path: PathBuf,
        /// The format.
        format: &'static str,
        /// How many rows were read before, where that is known.
        row: Option<u64>,
        /// Its error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The library that knows a format refused to write something.
    #[error("{}: cannot be written as {format}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// The format.
        format: &'static str,
        /// Its error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Rows that a format has no place for, or whose output failed.
    #[error("rows cannot be written as {format}")]
    Rows {
        /// The format.
        format: &'static str,
        /// What is in the way.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Arrow refused a column.
    #[error("column {name:?}: arrow refused it as {expected}")]
    Arrow {
        /// The column.
        name: String,
        /// What it was to become.
        expected: String,
        /// Its error.
        source: arrow_schema::ArrowError,
    },
    /// A file declares a type or shape that breaks a rule of the format.
    #[error("{}: a declared type or shape breaks a rule", path.display())]
    Declared {
        /// The file.
        path: PathBuf,
        /// The rule.
        source: FormatError,
    },
    /// The dataset could not be read or written.
    #[error(transparent)]
    Dataset(#[from] tenrow::Error),
    /// A rule of the format is broken.
    #[error(transparent)]
    Format(#[from] FormatError),
}

impl ConvertError {
    /// What a caller can tell apart.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { source, .. } => source.into(),
            Self::Truncated { .. } | Self::Malformed { .. } | Self::Decode { .. } => {
                ErrorKind::Corrupt
            }
            Self::Exists { .. } => ErrorKind::AlreadyExists,
            Self::Unsupported { .. } | Self::UnknownFormat { .. } => ErrorKind::Unsupported,
            Self::Encode { source, .. } | Self::Rows { source, .. } => {
                let output = source.downcast_ref::<std::io::Error>();
                output.map_or(ErrorKind::InvalidInput, ErrorKind::from)
            }
            Self::Row { .. }
            | Self::RowCounts { .. }
            | Self::Column { .. }
            | Self::Value { .. }
            | Self::Mismatch { .. }
            | Self::Type { .. }
            | Self::Arrow { .. } => ErrorKind::InvalidInput,
            Self::Declared { source, .. } | Self::Format(source) => source.into(),
            Self::Dataset(error) => error.kind(),
        }
    }

    /// A maker of the fault that the operating system refused `action`.
    pub fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, action, source }
    }

    /// Bytes at `offset` that contradict themselves or their format.
    pub fn malformed(path: &Path, offset: u64, reason: impl Into<String>) -> Self {
        Self::Malformed { path: path.to_owned(), offset, reason: reason.into() }
    }

    /// A file that tenrow cannot take, and why.
    pub fn unsupported(path: &Path, reason: impl Into<String>) -> Self {
        Self::Unsupported { path: path.to_owned(), reason: reason.into() }
    }

    /// A column that has no place, and why.
    pub fn column(name: &str, reason: impl Into<String>) -> Self {
        Self::Column { name: name.to_owned(), reason: reason.into() }
    }

    /// A maker of the fault that a declared type or shape breaks a rule.
    pub fn declared(path: &Path) -> impl FnOnce(FormatError) -> Self {
        let path = path.to_owned();
        move |source| Self::Declared { path, source }
    }

    /// A maker of the fault that `path` is not valid `format`.
    pub fn decode<E>(path: &Path, format: &'static str, row: Option<u64>) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = path.to_owned();
        move |source| Self::Decode { path, format, row, source: source.into() }
    }

    /// A maker of the fault that rows cannot be written as `format`.
    pub fn rows<E>(format: &'static str) -> impl Fn(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |source| Self::Rows { format, source: source.into() }
    }

    /// A maker of the fault that `path` cannot be written as `format`.
    pub fn encode<E>(path: &Path, format: &'static str) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = path.to_owned();
        move |source| Self::Encode { path, format, source: source.into() }
    }
}

impl From<ConvertError> for tenrow::Error {
    fn from(error: ConvertError) -> Self {
        match error {
            ConvertError::Dataset(error) => error,
            error => Self::new(error.kind(), error.to_string()).with_source(error),
        }
    }
}

/// The result of everything in this crate that can fail.
///
/// ```
/// fn text_of(name: &str) -> tenrow_values::Result<String> {
///     let field = arrow_schema::Field::new(name, arrow_schema::DataType::Utf8, true);
///     Ok(tenrow_values::attribute_of(&field)?.type_text())
/// }
/// assert_eq!(text_of("name").ok().as_deref(), Some("string?"));
/// ```
pub type Result<T, E = ConvertError> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ConvertError {
        ConvertError::Rows { format: "csv", source: source.into() }
    }

    #[test]
    fn a_fault_is_an_error_of_its_kind_that_says_the_same() {
        let path = Path::new("/x.npy");
        let denied = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        for (fault, kind) in [
            (ConvertError::io(path, "open")(denied()), ErrorKind::Denied),
            (ConvertError::malformed(path, 7, "no header"), ErrorKind::Corrupt),
            (ConvertError::unsupported(path, "objects"), ErrorKind::Unsupported),
            (ConvertError::Exists { path: path.to_owned() }, ErrorKind::AlreadyExists),
            (ConvertError::column("x", "no such type"), ErrorKind::InvalidInput),
            (rows(std::io::Error::other("disk full")), ErrorKind::Io),
            (rows("a map has no place"), ErrorKind::InvalidInput),
            (FormatError::malformed("root", "no schema").into(), ErrorKind::Corrupt),
        ] {
            let said = fault.to_string();
            let error = tenrow::Error::from(fault);
            assert_eq!((error.kind(), error.to_string()), (kind, said));
        }
    }

    #[test]
    fn causes_follow_once_and_an_error_of_a_dataset_stays_what_it_is() {
        let error = tenrow::Error::from(rows(std::io::Error::other("disk full")));
        assert_eq!(error.chain(), "rows cannot be written as csv: disk full");
        let gone = tenrow::Error::new(ErrorKind::NotFound, "no version 9");
        let error = tenrow::Error::from(ConvertError::from(gone));
        assert_eq!((error.kind(), error.chain().as_str()), (ErrorKind::NotFound, "no version 9"));
        assert!(std::error::Error::source(&error).is_none());
    }
}
