//! Errors of the engine, as those of `tenrow`.

use std::error::Error as StdError;

use arrow_schema::ArrowError;
use datafusion::error::DataFusionError;
use tenrow::{Error, ErrorKind};

/// What the engine failed with. Errors of a dataset keep their kind through it; those of a plan are wrong statements.
pub(crate) fn of_engine(error: impl Into<DataFusionError>) -> Error {
    let error = error.into();
    if let Some(own) = own_error(&error) {
        return own;
    }
    if let Some(text) = overflow(&error).or_else(|| within_filter(&error)) {
        return Error::invalid(text);
    }
    let root = error.find_root();
    let shown = match root {
        DataFusionError::SQL(parser, _) => parser.to_string(),
        DataFusionError::ResourcesExhausted(text) => out_of_memory(text),
        _ => error.strip_backtrace(),
    };
    let shown = without_report(&shown);
    Error::new(kind_of(root), lowercase_first(&with_fewer_names(without_prefixes(&shown))))
}

/// The text without what the engine puts before it, of which nothing helps the one who wrote the statement.
fn without_prefixes(mut text: &str) -> &str {
    const PREFIXES: [&str; 12] = [
        "Internal error: ",
        "Error during planning: ",
        "Schema error: ",
        "SQL error: ",
        "sql parser error: ",
        "Execution error: ",
        "External error: ",
        "Arrow error: ",
        "Parquet argument error: ",
        "Parquet error: ",
        "Optimizer rule ",
        "This feature is not implemented: ",
    ];
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        text = rest;
    }
    text
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
    format!("{before}{START}{}.", tenrow::engine::names_listed(names.split(", ")))
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

/// The error of `tenrow` that the engine passed on.
fn own_error(error: &DataFusionError) -> Option<Error> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(cause) = next {
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

/// What is wrong with a row, which a filter within a file calls an error of the file and writes as Rust would.
fn within_filter(error: &DataFusionError) -> Option<String> {
    let text = error.to_string();
    let (_, debug) = text.split_once("Error evaluating filter predicate: ")?;
    if debug.contains("DivideByZero") {
        return Some("divide by zero error".to_owned());
    }
    let (before, quoted) = debug.split_once('"')?;
    let what = if before.ends_with("CastError(") { "cast error: " } else { "" };
    Some(lowercase_first(&format!("{what}{}", unquoted(quoted))))
}

/// What Rust has written up to the next quote.
fn unquoted(text: &str) -> String {
    let mut said = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next().filter(|&c| c != '"') {
        match c {
            '\\' => said.extend(chars.next().map(|c| if c == 'n' { ' ' } else { c })),
            c => said.push(c),
        }
    }
    said
}

fn kind_of(root: &DataFusionError) -> ErrorKind {
    match root {
        DataFusionError::NotImplemented(_) => ErrorKind::Unsupported,
        DataFusionError::IoError(_) | DataFusionError::ObjectStore(_) => ErrorKind::Io,
        DataFusionError::ResourcesExhausted(_) => ErrorKind::Unsupported,
        DataFusionError::ParquetError(_) => ErrorKind::Corrupt,
        DataFusionError::ArrowError(error, _)
            if matches!(error.as_ref(), ArrowError::ParquetError(_)) =>
        {
            ErrorKind::Corrupt
        }
        _ => ErrorKind::InvalidInput,
    }
}

/// An error on its way through the engine.
pub(crate) fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
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
    use datafusion::parquet::errors::ParquetError;

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
        let error = of_engine(wrapped);
        assert_eq!((error.kind(), error.chain().as_str()), (ErrorKind::Corrupt, "page 3"));
    }

    #[test]
    fn too_little_memory_is_told_in_one_line() {
        let text = "Additional allocation failed for Join with top memory consumers (across reservations) as:\n  Join#1\n\
            Error: Failed to allocate additional 1.5 KB for Join with 0.0 B already allocated for this \
            reservation - 1.0 KB remain available for the total memory pool: greedy(used: 1.0 MB, pool_size: 2.0 MB)";
        let error = of_engine(DataFusionError::ResourcesExhausted(text.into()));
        let expected = "memory limit of 2.0 MB reached: Join asks for 1.5 KB more, which cannot be kept on disk; \
            allow more memory or ask for less";
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let other = of_engine(DataFusionError::ResourcesExhausted("the disk is full".into()));
        assert_eq!(other.to_string(), "out of memory or disk: the disk is full");
    }

    /// A filter that failed was said to be a damaged file, in the words of Rust.
    #[test]
    fn a_filter_that_fails_within_a_file_is_no_fault_of_the_file() {
        let of_file = |debug: &str| {
            let text = format!("Error evaluating filter predicate: {debug}");
            let error = ParquetError::External(Box::new(ArrowError::ComputeError(text)));
            of_engine(DataFusionError::ParquetError(Box::new(error)))
        };
        for (debug, expected) in [
            (
                r#"ArrowError(CastError("Cannot cast 'a \"b\"'"), Some(""))"#,
                r#"cast error: Cannot cast 'a "b"'"#,
            ),
            (r#"ArrowError(DivideByZero, Some(""))"#, "divide by zero error"),
            (
                r#"External(Error { kind: InvalidInput, context: "too long", source: None })"#,
                "too long",
            ),
        ] {
            let error = of_file(debug);
            assert_eq!(
                (error.kind(), error.to_string().as_str()),
                (ErrorKind::InvalidInput, expected)
            );
        }
    }

    #[test]
    fn a_page_that_is_damaged_is_corrupt_wherever_it_is_read() {
        let error = ParquetError::General("Page CRC checksum mismatch".into());
        let error = of_engine(ArrowError::from(error));
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::Corrupt, "page CRC checksum mismatch")
        );
    }

    #[test]
    fn errors_of_plans_are_one_line_that_starts_small() {
        let error = of_engine(DataFusionError::Plan("Invalid\nfunction 'x'.".into()));
        assert_eq!(error.to_string(), "invalid function 'x'");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}
