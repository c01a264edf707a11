//! What can be wrong with stored bytes, or with a request to make some.

/// A fault found while encoding, decoding or validating.
///
/// ```
/// use tenrow_format::{Attribute, FormatError};
/// let error = Attribute::parse("image:u9[28]").unwrap_err();
/// assert!(matches!(error, FormatError::InvalidType { .. }), "{error}");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// A type text does not follow the grammar of `spec/schema.md`.
    #[error("type {text:?}: {reason}")]
    InvalidType {
        /// The text as given.
        text: String,
        /// Which rule it breaks.
        reason: String,
    },
    /// An attribute name breaks a rule.
    #[error("attribute name {name:?}: {rule}")]
    InvalidName {
        /// The name as given.
        name: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// Two attribute names are equal, or differ only in case.
    #[error("{}", clash(first, second))]
    NameClash {
        /// The name that came first.
        first: String,
        /// The name that clashes with it.
        second: String,
    },
    /// A shape whose elements or bytes cannot be counted, or exceed a limit.
    #[error("shape {shape}: {reason}")]
    InvalidShape {
        /// The shape, as `[d, d, …]`.
        shape: String,
        /// Which rule it breaks.
        reason: String,
    },
    /// A schema breaks a rule that concerns more than one name.
    #[error("schema: {reason}")]
    InvalidSchema {
        /// Which rule it breaks.
        reason: String,
    },
    /// An encoding text is unknown, or does not fit the attribute.
    #[error("encoding {text:?}: {reason}")]
    InvalidEncoding {
        /// The text as given.
        text: String,
        /// Which rule it breaks.
        reason: String,
    },
    /// An Arrow column is not what the schema says.
    #[error("attribute {name:?}: found {found}, expected {expected}")]
    WrongType {
        /// The attribute.
        name: String,
        /// What was given.
        found: String,
        /// What the schema says.
        expected: String,
    },
    /// A value that must not be null is.
    #[error("attribute {name:?}: row {row} is null, but the attribute is not nullable")]
    UnexpectedNull {
        /// The attribute.
        name: String,
        /// The row within the batch.
        row: usize,
    },
    /// A stored structure is cut short.
    #[error("{what}: {found} bytes, but at least {expected} are needed")]
    Truncated {
        /// The structure.
        what: String,
        /// The bytes that are there.
        found: u64,
        /// The bytes that it needs.
        expected: u64,
    },
    /// A stored structure contradicts itself or its specification.
    #[error("{what}: {reason}")]
    Malformed {
        /// The structure.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A stored checksum does not match the bytes.
    #[error("{what}: checksum {found:016x}, expected {expected:016x}")]
    Checksum {
        /// The structure.
        what: String,
        /// The checksum of the bytes that are there.
        found: u64,
        /// The checksum that was recorded.
        expected: u64,
    },
    /// A stored number is beyond what this version accepts.
    #[error("{what} is {found}, beyond the limit of {limit}")]
    Limit {
        /// The quantity.
        what: &'static str,
        /// Its value.
        found: u64,
        /// The largest value that is accepted.
        limit: u64,
    },
    /// A document written by a newer tenrow.
    #[error("{what}: needs a newer tenrow ({reason})")]
    TooNew {
        /// The document.
        what: String,
        /// The version or feature that is not known here.
        reason: String,
    },
    /// The Parquet library refused some bytes or a value.
    #[error("{what}: parquet refused it")]
    Parquet {
        /// What was read or written.
        what: String,
        /// Its error.
        source: parquet::errors::ParquetError,
    },
    /// The Arrow library refused a value.
    #[error("{what}: arrow refused it")]
    Arrow {
        /// What was built.
        what: String,
        /// Its error.
        source: arrow_schema::ArrowError,
    },
}

impl FormatError {
    /// A structure that contradicts itself or its specification.
    pub fn malformed(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Malformed { what: what.into(), reason: reason.into() }
    }

    /// An error of the Parquet library, with what was being read or written.
    pub fn parquet(what: impl Into<String>) -> impl FnOnce(parquet::errors::ParquetError) -> Self {
        let what = what.into();
        move |source| Self::Parquet { what, source }
    }

    /// An error of the Arrow library, with what was being built.
    pub fn arrow(what: impl Into<String>) -> impl FnOnce(arrow_schema::ArrowError) -> Self {
        let what = what.into();
        move |source| Self::Arrow { what, source }
    }
}

/// How many names an error lists.
const MAX_NAMES: usize = 20;

/// Names as an error lists them, `a, b, c`: of many only the first, and how many more there are.
///
/// ```
/// let many: Vec<String> = (0..3000).map(|i| format!("a{i}")).collect();
/// let listed = tenrow_format::names_listed(many.iter().map(String::as_str));
/// assert!(listed.starts_with("a0, a1, ") && listed.ends_with(", a19 and 2980 more"));
/// assert_eq!(tenrow_format::names_listed([]), "none");
/// ```
pub fn names_listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let mut listed = names.by_ref().take(MAX_NAMES).collect::<Vec<_>>().join(", ");
    match names.count() {
        0 if listed.is_empty() => listed.push_str("none"),
        0 => {}
        more => listed.push_str(&format!(" and {more} more")),
    }
    listed
}

/// The result of everything in this crate that can fail.
///
/// ```
/// fn dims(text: &str) -> tenrow_format::Result<usize> {
///     Ok(text.parse::<tenrow_format::AttributeType>()?.kind().len())
/// }
/// assert!(dims("u9").is_err());
/// ```
pub type Result<T, E = FormatError> = std::result::Result<T, E>;
fn clash(first: &str, second: &str) -> String {
    match first == second {
        true => format!("two attributes of the name {first:?} clash"),
        false => format!(
            "attribute names {first:?} and {second:?} clash: names must differ in more than case"
        ),
    }
}
