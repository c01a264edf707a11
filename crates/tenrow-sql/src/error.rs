//! What can go wrong with a statement.

use std::error::Error as StdError;
use std::fmt;

use datafusion::error::DataFusionError;
use tenrow::ErrorKind;

type Source = Box<dyn StdError + Send + Sync>;

/// An error of a statement: its kind, what is wrong, and what caused it.
///
/// Displays one line and never its cause: [`Error::chain`] gives both.
///
/// ```
/// use tenrow::ErrorKind;
/// use tenrow_sql::Error;
/// let error = Error::invalid("no statement");
/// assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::InvalidInput, "no statement"));
/// ```
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    context: String,
    source: Option<Source>,
}

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind` with nothing behind it.
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: one_line(&context.into()), source: None }
    }

    /// A statement that breaks a rule.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, reason)
    }

    /// Something that cannot be done here.
    pub fn unsupported(reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, reason)
    }

    /// The same error, caused by `source`.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
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
            let text = one_line(&cause.to_string());
            if !line.ends_with(&text) {
                line.push_str(": ");
                line.push_str(&text);
            }
            next = cause.source();
        }
        line
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

impl From<tenrow::Error> for Error {
    fn from(error: tenrow::Error) -> Self {
        Self::new(error.kind(), error.chain())
    }
}

/// Errors of a dataset keep their kind through the engine; those of a plan are wrong statements.
impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        if let Some(own) = own_error(&error) {
            return own;
        }
        if let Some(text) = overflow(&error) {
            return Self::new(ErrorKind::InvalidInput, text);
        }
        let root = error.find_root();
        let kind = kind_of(root);
        let shown = match root {
            DataFusionError::SQL(parser, _) => parser.to_string(),
            DataFusionError::ResourcesExhausted(text) => out_of_memory(text),
            _ => error.strip_backtrace(),
        };
        let shown = without_report(&shown);
        let mut text = shown.as_str();
        // Of the engine's own prefixes none helps the one who wrote the statement.
        const PREFIXES: [&str; 10] = [
            "Internal error: ",
            "Error during planning: ",
            "Schema error: ",
            "SQL error: ",
            "sql parser error: ",
            "Execution error: ",
            "External error: ",
            "Arrow error: ",
            "Optimizer rule ",
            "This feature is not implemented: ",
        ];
        while let Some(rest) = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) {
            text = rest;
        }
        Self::new(kind, lowercase_first(&with_fewer_names(text)))
    }
}

/// What the engine holds to be a fault of its own, without what it asks of the one who wrote the statement: most often it
/// only has no such function of these types, which it says last.
fn without_report(text: &str) -> String {
    const REPORT: &str = "This issue was likely caused by a bug";
    const NO_FUNCTION: &str = "No function matches the given name and argument types";
    let Some((before, after)) = text.split_once(REPORT) else { return text.to_owned() };
    match after.find(NO_FUNCTION).map(|at| &after[at..]) {
        Some(says) if says.contains("List(") => format!(
            "{says}; of tensors there are functions of their own, such as tensor_mean: SHOW FUNCTIONS LIKE 'tensor%'"
        ),
        Some(says) => says.to_owned(),
        None => before.trim_end_matches(['.', '\n', ' ']).to_owned(),
    }
}

/// A dataset may have thousands of columns, all of which the engine lists where one is not known.
fn with_fewer_names(text: &str) -> String {
    const START: &str = "Valid fields are ";
    let Some((before, names)) = text.split_once(START) else { return text.to_owned() };
    let names = names.trim_end().trim_end_matches('.');
    format!("{before}{START}{}.", tenrow::names_listed(names.split(", ")))
}

/// What of the engine's account of its memory says which step wanted how much of what.
fn out_of_memory(text: &str) -> String {
    let after = |start: &str| text.split_once(start).map(|(_, rest)| rest);
    let wanted = || {
        let (more, rest) = after("Failed to allocate additional ")?.split_once(" for ")?;
        let (step, _) = rest.split_once(" with ")?;
        let (limit, _) = after("pool_size: ")?.split_once(')')?;
        Some((more, step, limit))
    };
    match wanted() {
        Some((more, step, limit)) => format!(
            "memory limit of {limit} reached: {step} asks for {more} more, which cannot be kept on disk; \
             allow more memory or ask for less"
        ),
        None => format!("out of memory or disk: {text}"),
    }
}

/// The error of this crate or of `tenrow` that the engine passed on.
fn own_error(error: &DataFusionError) -> Option<Error> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(own) = cause.downcast_ref::<tenrow::Error>() {
            return Some(Error::new(own.kind(), own.chain()));
        }
        if let Some(own) = cause.downcast_ref::<Error>() {
            return Some(Error::new(own.kind(), own.chain()));
        }
        next = cause.source();
    }
    None
}

/// What is too large, which a filter within a file calls an error of the file.
fn overflow(error: &DataFusionError) -> Option<String> {
    let text = error.to_string();
    let (_, after) = text.split_once("Overflow happened on: ")?;
    let end = after.find(['"', '\n']).unwrap_or(after.len());
    Some(format!("arithmetic overflow: {} does not fit into 64 bits", &after[..end]))
}

fn kind_of(root: &DataFusionError) -> ErrorKind {
    match root {
        DataFusionError::NotImplemented(_) => ErrorKind::Unsupported,
        DataFusionError::IoError(_) | DataFusionError::ObjectStore(_) => ErrorKind::Io,
        DataFusionError::ResourcesExhausted(_) => ErrorKind::Unsupported,
        DataFusionError::ParquetError(_) => ErrorKind::Corrupt,
        _ => ErrorKind::InvalidInput,
    }
}

/// An error of this crate on its way through the engine.
pub(crate) fn external(error: impl Into<Error>) -> DataFusionError {
    DataFusionError::External(Box::new(error.into()))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn lowercase_first(text: &str) -> String {
    let text = one_line(text);
    let text = text.strip_suffix('.').unwrap_or(&text);
    let mut chars = text.chars();
    // `SQL …` and other capitals in a row are names.
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Once the error of a misspelt name was 20 KB long where there were 3,000.
    #[test]
    fn of_thousands_of_columns_few_are_listed() {
        let names = (0..3000).map(|i| format!("ds.a{i}")).collect::<Vec<_>>().join(", ");
        let text = format!("No field named nope.\nValid fields are {names}.");
        let shown = with_fewer_names(&text);
        assert!(
            shown.len() < 300 && shown.contains("ds.a0, ") && shown.ends_with("2980 more."),
            "{shown}"
        );
        assert_eq!(with_fewer_names("Valid fields are a, b."), "Valid fields are a, b.");
    }

    #[test]
    fn errors_of_datasets_keep_their_kind_through_the_engine() {
        let own = tenrow::Error::new(ErrorKind::Corrupt, "page 3");
        let wrapped = DataFusionError::Context("scan".into(), Box::new(external(own)));
        let error = Error::from(wrapped);
        assert_eq!((error.kind(), error.chain().as_str()), (ErrorKind::Corrupt, "page 3"));
    }

    #[test]
    fn too_little_memory_is_told_in_one_line() {
        let text = "Additional allocation failed for Join with top memory consumers (across reservations) as:\n  Join#1\n\
            Error: Failed to allocate additional 1.5 KB for Join with 0.0 B already allocated for this \
            reservation - 1.0 KB remain available for the total memory pool: greedy(used: 1.0 MB, pool_size: 2.0 MB)";
        let error = Error::from(DataFusionError::ResourcesExhausted(text.into()));
        let expected = "memory limit of 2.0 MB reached: Join asks for 1.5 KB more, which cannot be kept on disk; \
            allow more memory or ask for less";
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let other = Error::from(DataFusionError::ResourcesExhausted("the disk is full".into()));
        assert_eq!(other.to_string(), "out of memory or disk: the disk is full");
    }

    #[test]
    fn errors_of_plans_are_one_line_that_starts_small() {
        let error = Error::from(DataFusionError::Plan("Invalid\nfunction 'x'.".into()));
        assert_eq!(error.to_string(), "invalid function 'x'");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}
