//! From text to one parsed statement.

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::dialect::GenericDialect;

use crate::error::{Error, Result};

/// Longest statement, in bytes: what is parsed is several times as large.
pub(crate) const MAX_STATEMENT_BYTES: usize = 16 << 20;

/// The statement that `text` is; a `;` may end it.
///
/// # Errors
/// [`InvalidInput`](tenrow::ErrorKind::InvalidInput) if it is none, or several.
pub(crate) fn parse_one(text: &str) -> Result<Statement> {
    if text.len() > MAX_STATEMENT_BYTES {
        return Err(Error::invalid(format!(
            "a statement of {} bytes; the longest may have {MAX_STATEMENT_BYTES}",
            text.len()
        )));
    }
    let parser = DFParserBuilder::new(text).with_dialect(&GenericDialect {}).build();
    let mut statements = parser.and_then(|mut parser| parser.parse_statements())?;
    match (statements.pop_front(), statements.len()) {
        (Some(statement), 0) => Ok(statement),
        (None, _) => Err(Error::invalid("no statement")),
        (Some(_), more) => {
            Err(Error::invalid(format!("{} statements: give them one at a time", more + 1)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_is_one_with_or_without_its_semicolon() {
        for text in ["SELECT 1", "SELECT 1;", " select 1 ; "] {
            parse_one(text).unwrap();
        }
    }

    #[test]
    fn none_several_and_broken_ones_are_refused() {
        assert_eq!(parse_one("").unwrap_err().to_string(), "no statement");
        let several = parse_one("SELECT 1; SELECT 2").unwrap_err();
        assert_eq!(several.to_string(), "2 statements: give them one at a time");
        parse_one("SELEKT 1").unwrap_err();
    }
}
