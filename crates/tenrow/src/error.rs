//! What can go wrong with a dataset, as a caller needs to tell it apart.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use tenrow_format::{FormatError, names_listed};

type Cause = Box<dyn StdError + Send + Sync>;

/// An error of a dataset: its kind, what was being done, and what caused it.
///
/// Displays one line and never its cause: [`Error::chain`] gives both.
///
/// ```
/// use tenrow::{Error, ErrorKind};
/// let cause = std::io::Error::other("no space left on device");
/// let error = Error::io("write /data/digits", cause);
/// assert_eq!(error.kind(), ErrorKind::Io);
/// assert_eq!(error.to_string(), "write /data/digits");
/// assert_eq!(error.chain(), "write /data/digits: no space left on device");
/// ```
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    context: String,
    source: Option<Cause>,
}

/// What a caller can do something about.
///
/// ```
/// # futures::executor::block_on(async {
/// use tenrow::{Dataset, ErrorKind};
/// let error = Dataset::open("memory://docs/nothing").await.unwrap_err();
/// match error.kind() {
///     ErrorKind::NotADataset => {} // create it
///     ErrorKind::Conflict => unreachable!("compute again, and commit"),
///     _ => panic!("{}", error.chain()),
/// }
/// # });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The location holds no tenrow dataset.
    NotADataset,
    /// An object, version, attribute or row that was asked for is not there.
    NotFound,
    /// Something that must be new is already there.
    AlreadyExists,
    /// Written by a newer tenrow.
    TooNew,
    /// Stored bytes are not what they must be.
    Corrupt,
    /// The request breaks a rule; the same request always fails.
    InvalidInput,
    /// Another writer committed a change that cannot be combined with this one.
    Conflict,
    /// Not possible with this store or this version.
    Unsupported,
    /// Not allowed: the store wants other credentials (there are none, they are wrong or expired, or allow less), or the
    /// operating system lets somebody else read or write the file.
    Denied,
    /// The store failed: no space, no connection. Nothing was committed.
    Io,
    /// The store failed at the last step of a commit, and does not tell whether it was made: writing again may
    /// write twice, but under an idempotency key.
    InDoubt,
    /// Whoever was told how far the work is stopped it: see [`Progress`](crate::Progress) for what is left then.
    Stopped,
}

impl From<&std::io::Error> for ErrorKind {
    fn from(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::NotFound,
            std::io::ErrorKind::AlreadyExists => Self::AlreadyExists,
            _ if is_forbidden(error) => Self::Denied,
            _ => Self::Io,
        }
    }
}

impl From<&FormatError> for ErrorKind {
    fn from(error: &FormatError) -> Self {
        match error {
            FormatError::TooNew { .. } => Self::TooNew,
            FormatError::InvalidType { .. }
            | FormatError::InvalidName { .. }
            | FormatError::InvalidShape { .. }
            | FormatError::InvalidSchema { .. }
            | FormatError::InvalidEncoding { .. }
            | FormatError::NameClash { .. }
            | FormatError::WrongType { .. }
            | FormatError::UnexpectedNull { .. } => Self::InvalidInput,
            _ => Self::Corrupt,
        }
    }
}

/// The result of everything in this crate that can fail.
///
/// ```
/// fn half(rows: u64) -> tenrow::Result<u64> {
///     match rows % 2 {
///         0 => Ok(rows / 2),
///         _ => Err(tenrow::Error::invalid(format!("{rows} rows: expected an even number"))),
///     }
/// }
/// assert!(half(3).is_err());
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind` with nothing behind it.
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), source: None }
    }

    /// Stored bytes that are not what they must be.
    pub fn corrupt(what: impl Into<String>, source: impl Into<Cause>) -> Self {
        Self::new(ErrorKind::Corrupt, what).with_source(source)
    }

    /// `what` was not found; `known` are there.
    pub(crate) fn unknown<'a>(
        what: impl fmt::Display,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self::new(ErrorKind::NotFound, format!("{what}; there are {}", names_listed(known)))
    }

    /// A request that breaks a rule.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, reason)
    }

    /// Something that this store or this version cannot do.
    pub fn unsupported(reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, reason)
    }

    /// A failure of the operating system; a missing, an existing or a forbidden file keeps its kind.
    pub fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::new((&source).into(), what).with_source(source)
    }

    /// A fault found by the format, with where it was met.
    pub fn format(context: impl Into<String>, source: FormatError) -> Self {
        Self::new((&source).into(), context).with_source(source)
    }

    /// A failure of the object store while doing `what`.
    pub fn store(what: impl Into<String>, source: object_store::Error) -> Self {
        use object_store::Error as Store;
        let kind = match &source {
            Store::NotFound { .. } => ErrorKind::NotFound,
            Store::AlreadyExists { .. } => ErrorKind::AlreadyExists,
            Store::PermissionDenied { .. } => ErrorKind::Denied,
            Store::NotSupported { .. } | Store::NotImplemented { .. } => ErrorKind::Unsupported,
            Store::InvalidPath { .. } => ErrorKind::InvalidInput,
            // Of a remote store it may have been the connection, and the request under way.
            Store::Generic { store: "LocalFileSystem" | "DurableLocal", source }
                if is_forbidden(source.as_ref()) =>
            {
                ErrorKind::Denied
            }
            _ => ErrorKind::Io,
        };
        // These wrappers repeat the path, or name a type of the library: only the cause tells.
        let source: Cause = match source {
            Store::Generic { source, .. }
            | Store::NotFound { source, .. }
            | Store::AlreadyExists { source, .. }
            | Store::PermissionDenied { source, .. }
            | Store::NotSupported { source } => source,
            other => other.into(),
        };
        Self::new(kind, what).with_source(source)
    }

    /// What several who waited for the same work are told.
    pub(crate) fn of_several(error: Arc<Self>) -> Self {
        match Arc::try_unwrap(error) {
            Ok(error) => error,
            Err(error) => {
                let (kind, context) = (error.kind, error.context.clone());
                let source = error.source.is_some().then(|| Cause::from(CauseOf(error)));
                Self { kind, context, source }
            }
        }
    }

    /// The same error, of another kind.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// The same error, caused by `source`.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Cause>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What a caller can tell apart.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message and those of all its causes, on one line: `a: b: c`.
    ///
    /// A cause that its parent's message already ends with is not repeated.
    pub fn chain(&self) -> String {
        let mut line = self.context.clone();
        let mut next = self.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if !line.ends_with(&text) {
                line.push_str(": ");
                line.push_str(&text);
            }
            next = cause.source();
        }
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Whether it comes of what the operating system forbids, however deep libraries have wrapped that.
fn is_forbidden(error: &(dyn StdError + 'static)) -> bool {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    let mut next = Some(error);
    while let Some(error) = next {
        let of_system = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        if matches!(of_system, Some(PermissionDenied | ReadOnlyFilesystem)) {
            return true;
        }
        next = error.source();
    }
    false
}

impl From<FormatError> for Error {
    /// A fault of a schema, a name or a type, with what a caller can tell apart.
    fn from(fault: FormatError) -> Self {
        Self::format(fault.to_string(), fault)
    }
}

/// The cause of an error that several were told.
#[derive(Debug)]
struct CauseOf(Arc<Error>);

impl fmt::Display for CauseOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.source.as_ref().map_or(Ok(()), |cause| cause.fmt(f))
    }
}

impl StdError for CauseOf {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().and_then(|cause| cause.source())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing_object() -> object_store::Error {
        let source = std::io::Error::from(std::io::ErrorKind::NotFound).into();
        object_store::Error::NotFound { path: "/x".into(), source }
    }

    #[test]
    fn display_is_the_context_alone_and_the_chain_has_every_cause() {
        let error = Error::corrupt("read /x", FormatError::malformed("root", "no schema"));
        assert_eq!(error.to_string(), "read /x");
        assert_eq!(error.chain(), "read /x: root: no schema");
    }

    #[test]
    fn chain_repeats_no_cause_and_stays_on_one_line() {
        let inner = Error::invalid("rows\nclash");
        let outer = Error::invalid("import: rows\nclash").with_source(inner);
        assert_eq!(outer.chain(), "import: rows clash");
    }

    #[test]
    fn format_faults_keep_what_a_caller_acts_on() {
        let limit = FormatError::Limit { what: "rows", found: 2, limit: 1 };
        let too_new = FormatError::TooNew { what: "root".into(), reason: "version 9".into() };
        let null = FormatError::UnexpectedNull { name: "x".into(), row: 1 };
        assert_eq!(Error::format("x", limit).kind(), ErrorKind::Corrupt);
        assert_eq!(Error::format("x", too_new).kind(), ErrorKind::TooNew);
        assert_eq!(Error::format("x", null).kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn what_the_system_forbids_is_denied() {
        let forbidden = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        assert_eq!(Error::io("read /x", forbidden).kind(), ErrorKind::Denied);
        let source = "forbidden".into();
        let forbidden = object_store::Error::PermissionDenied { path: "/x".into(), source };
        assert_eq!(Error::store("read /x", forbidden).kind(), ErrorKind::Denied);
    }

    /// What the stores of `object_store` wrap once more was a failure of the store, which one tries again.
    #[test]
    fn what_the_system_forbids_is_denied_however_it_is_wrapped() {
        let kind_of = |store, kind: std::io::ErrorKind| {
            let inner = Error::invalid("delete /x").with_source(std::io::Error::from(kind));
            let wrapped = object_store::Error::Generic { store, source: inner.into() };
            Error::store("delete /x", wrapped).kind()
        };
        for kind in [std::io::ErrorKind::PermissionDenied, std::io::ErrorKind::ReadOnlyFilesystem] {
            assert_eq!(kind_of("LocalFileSystem", kind), ErrorKind::Denied, "{kind}");
            assert_eq!(kind_of("S3", kind), ErrorKind::Io, "{kind}");
        }
        assert_eq!(kind_of("LocalFileSystem", std::io::ErrorKind::StorageFull), ErrorKind::Io);
    }

    #[test]
    fn a_missing_object_is_not_found_and_names_its_path_once() {
        let error = Error::store("read /x", missing_object());
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.chain(), "read /x: entity not found");
    }
}
