//! From a text to its statements.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{
    Location, Token, TokenWithSpan, Tokenizer, TokenizerError,
};

use super::parse::MAX_STATEMENT_BYTES;
use tenrow::{Error, Result};

/// The statements of `text`, which `;` separates, each as it stands there and without its `;`.
///
/// A `;` within quotes, dollar quotes or a comment separates nothing. What holds nothing but comments is no
/// statement.
///
/// ```
/// let statements = tenrow_sql::statements("SELECT ';'; -- one; more\n SELECT 2;")?;
/// assert_eq!(statements, ["SELECT ';'", "-- one; more\n SELECT 2"]);
/// # Ok::<(), tenrow::Error>(())
/// ```
///
/// # Errors
/// [`InvalidInput`](tenrow::ErrorKind::InvalidInput) if a quote or comment has no end.
pub fn statements(text: &str) -> Result<Vec<String>> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(Error::invalid(format!(
            "statements of {} bytes; at most {MAX_TEXT_BYTES} are taken at once",
            text.len()
        )));
    }
    let tokens = tokens(text).map_err(|error| Error::invalid(lowercase(&error)))?;
    Ok(split(text, &tokens).filter(|(_, is_empty)| !is_empty).map(|(s, _)| s.to_owned()).collect())
}

/// Whether what was typed so far is whole: a `;` ends it, or it is wrong in a way that no more text mends.
///
/// ```
/// assert!(tenrow_sql::is_complete("SELECT 1;"));
/// assert!(!tenrow_sql::is_complete("SELECT ';"));
/// ```
pub fn is_complete(text: &str) -> bool {
    match tokens(text) {
        Ok(tokens) => split(text, &tokens).last().is_none_or(|(_, is_empty)| is_empty),
        Err(error) => !["Unterminated", "Unexpected EOF", "Expected close delimiter"]
            .iter()
            .any(|start| error.message.starts_with(start)),
    }
}

/// Longest text, in bytes.
const MAX_TEXT_BYTES: usize = 4 * MAX_STATEMENT_BYTES;

fn tokens(text: &str) -> Result<Vec<TokenWithSpan>, TokenizerError> {
    Tokenizer::new(&GenericDialect {}, text).tokenize_with_location()
}

/// What stands between the `;`, trimmed, and whether it is no statement; at least one.
fn split<'a>(
    text: &'a str,
    tokens: &'a [TokenWithSpan],
) -> impl Iterator<Item = (&'a str, bool)> + 'a {
    let mut places = Places { text, byte: 0, line: 1, column: 1 };
    let mut start = 0;
    let parts = tokens.split_inclusive(|token| token.token == Token::SemiColon);
    // After the last `;` there is nothing, and this nothing counts.
    let ends_with_separator = tokens.last().is_none_or(|token| token.token == Token::SemiColon);
    let rest: &[TokenWithSpan] = &[];
    parts.chain(ends_with_separator.then_some(rest)).map(move |part| {
        let end = match part.last() {
            Some(last) if last.token == Token::SemiColon => places.byte_of(last.span.start),
            _ => text.len(),
        };
        let piece = text.get(start..end).unwrap_or_default().trim();
        start = end.saturating_add(1);
        (piece, part.iter().all(|token| is_nothing(&token.token)))
    })
}

/// Comments are whitespace, too.
fn is_nothing(token: &Token) -> bool {
    matches!(token, Token::SemiColon | Token::Whitespace(_))
}

/// Bytes of ascending lines and columns, as the tokenizer counts them.
struct Places<'a> {
    text: &'a str,
    byte: usize,
    line: u64,
    column: u64,
}

impl Places<'_> {
    fn byte_of(&mut self, place: Location) -> usize {
        let rest = self.text.get(self.byte..).unwrap_or_default();
        for c in rest.chars() {
            if (self.line, self.column) >= (place.line, place.column) {
                break;
            }
            self.byte += c.len_utf8();
            (self.line, self.column) = match c {
                '\n' => (self.line + 1, 1),
                _ => (self.line, self.column + 1),
            };
        }
        self.byte
    }
}

fn lowercase(error: &TokenizerError) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_in_quotes_and_comments_separate_nothing() {
        for whole in [
            "SELECT ';'",
            "SELECT 'it''s; so'",
            "SELECT \"a;b\" FROM \"x;y\"",
            "SELECT $$a;b$$",
            "SELECT $tag$a;$$;b$tag$",
            "SELECT 1 -- no; none",
            "SELECT /* ; /* ; */ ; */ 1",
        ] {
            assert_eq!(statements(whole).unwrap(), [whole]);
            assert_eq!(statements(&format!("{whole}\n;")).unwrap(), [whole]);
            assert!(!is_complete(whole), "{whole}");
            assert!(is_complete(&format!("{whole}\n;")), "{whole}");
        }
    }

    #[test]
    fn statements_are_as_they_stand_there_whatever_is_before_them() {
        let text = "SELECT 'äöü\n 漢字';\r\n\tSELECT 2 ;;; -- end\n";
        assert_eq!(statements(text).unwrap(), ["SELECT 'äöü\n 漢字'", "SELECT 2"]);
        assert_eq!(statements(" ; -- nothing\n;").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_has_no_end_is_an_error_and_not_complete() {
        for open in ["SELECT 'a;", "SELECT \"a;", "SELECT $$a;", "SELECT $t$a$$;", "SELECT /* ;"] {
            let error = statements(open).unwrap_err().to_string();
            assert!(error.contains("Line: 1"), "{error}");
            assert!(!is_complete(open), "{open}");
        }
    }

    #[test]
    fn nothing_is_complete() {
        assert!(is_complete("") && is_complete(" \n") && is_complete("SELECT 1; -- and so on"));
        assert!(!is_complete("SELECT 1; SELECT"));
    }
}
