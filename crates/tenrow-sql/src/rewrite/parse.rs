//! From text to one parsed statement.

use std::borrow::Cow;
use std::convert::Infallible;
use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    ObjectNamePart, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::{Dialect, GenericDialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace};

use super::visit::visit;
use crate::error::of_engine;
use tenrow::{Error, Result};

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
    let parsed = for_parser(text);
    let parser = DFParserBuilder::new(parsed.as_ref()).with_dialect(&GenericDialect {}).build();
    let mut statements =
        parser.and_then(|mut parser| parser.parse_statements()).map_err(of_engine)?;
    match (statements.pop_front(), statements.len()) {
        (Some(mut statement), 0) => {
            if matches!(parsed, Cow::Owned(_)) {
                let ControlFlow::Continue(()) = visit(&mut statement, &mut Tests);
            }
            Ok(statement)
        }
        (None, _) => Err(Error::invalid("no statement")),
        (Some(_), more) => {
            Err(Error::invalid(format!("{} statements: give them one at a time", more + 1)))
        }
    }
}

/// The text with what the parser (0.62) takes otherwise in words that it takes rightly.
fn for_parser(text: &str) -> Cow<'_, str> {
    let dialect = GenericDialect {};
    let Ok(mut tokens) = Tokenizer::new(&dialect, text).tokenize_with_location() else {
        return text.into();
    };
    let is_query = with_select(&mut tokens);
    match with_operators(&mut tokens) || is_query {
        true => tokens.iter().map(|token| token.token.to_string()).collect::<String>().into(),
        false => text.into(),
    }
}

/// Makes `SELECT * FROM t` of the statement `TABLE t`, which the parser knows within others alone.
fn with_select(tokens: &mut Vec<TokenWithSpan>) -> bool {
    let is_nothing =
        |token: &TokenWithSpan| matches!(token.token, Token::Whitespace(_) | Token::SemiColon);
    let first = tokens.iter().position(|token| !is_nothing(token));
    let is_table =
        |token: &Token| matches!(token, Token::Word(word) if word.keyword == Keyword::TABLE);
    let Some(first) = first.filter(|&first| is_table(&tokens[first].token)) else { return false };
    let space = || Token::Whitespace(Whitespace::Space);
    let word = |text| Token::make_word(text, None);
    let select = [word("SELECT"), space(), Token::Mul, space(), word("FROM")];
    tokens.splice(first..=first, select.map(TokenWithSpan::wrap));
    true
}

/// Puts `a <=> "is distinct from"(b)` in the place of `a IS DISTINCT FROM b`, for the parser to see where `b` ends.
///
/// It takes all that follows, so that `a IS DISTINCT FROM b AND c` was about `b AND c`. It binds less than a comparison,
/// and more than `AND`.
fn with_operators(tokens: &mut Vec<TokenWithSpan>) -> bool {
    let mut found = false;
    // The last first, so that those within its operand are operators already.
    for start in (0..tokens.len()).rev() {
        let Some((function, operand)) = distinct_from(tokens, start) else { continue };
        if let Some(length) = operand_length(&tokens[operand..]) {
            let end = operand + length;
            tokens.insert(end, TokenWithSpan::wrap(Token::RParen));
            let operator = [
                Token::Spaceship,
                Token::make_word(function, Some('"')),
                Token::LParen,
                Token::Whitespace(Whitespace::Space),
            ];
            tokens.splice(start..operand, operator.map(TokenWithSpan::wrap));
            found = true;
        }
    }
    found
}

/// Tokens that most operands do not have.
const FEW_TOKENS: usize = 1 << 10;

/// How many tokens the first operand has.
fn operand_length(tokens: &[TokenWithSpan]) -> Option<usize> {
    let dialect = GenericDialect {};
    let length = |tokens: &[TokenWithSpan]| {
        let mut parser = Parser::new(&dialect).with_tokens_with_locations(tokens.to_vec());
        let operand = parser.parse_subexpr(dialect.prec_value(Precedence::Is));
        operand.ok().map(|_| parser.index())
    };
    let few = length(&tokens[..tokens.len().min(FEW_TOKENS)]);
    // It ended by itself, not with the tokens.
    let found = few.filter(|&found| found < FEW_TOKENS / 2);
    found.or_else(|| length(tokens))
}

const DISTINCT_FROM: &str = "is distinct from";
const NOT_DISTINCT_FROM: &str = "is not distinct from";

/// Makes tests of the operators again.
struct Tests;

impl VisitorMut for Tests {
    type Break = Infallible;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        let Expr::BinaryOp { left, op: BinaryOperator::Spaceship, right } = expr else {
            return ControlFlow::Continue(());
        };
        let Expr::Function(Function { name, args: FunctionArguments::List(list), .. }) =
            right.as_ref()
        else {
            return ControlFlow::Continue(());
        };
        let ([ObjectNamePart::Identifier(name)], [FunctionArg::Unnamed(FunctionArgExpr::Expr(of))]) =
            (name.0.as_slice(), list.args.as_slice())
        else {
            return ControlFlow::Continue(());
        };
        let (left, right) = (left.clone(), Box::new(of.clone()));
        match name.value.as_str() {
            DISTINCT_FROM => *expr = Expr::IsDistinctFrom(left, right),
            NOT_DISTINCT_FROM => *expr = Expr::IsNotDistinctFrom(left, right),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Which of the two tests begins at `start`, and the place behind it.
fn distinct_from(tokens: &[TokenWithSpan], start: usize) -> Option<(&'static str, usize)> {
    let keyword = |index: usize| match &tokens.get(index)?.token {
        Token::Word(word) => Some(word.keyword),
        _ => None,
    };
    let is_blank = |index: &usize| matches!(tokens[*index].token, Token::Whitespace(_));
    let next = |index: usize| (index + 1..tokens.len()).find(|index| !is_blank(index));
    let is = |index: usize, expected| keyword(index) == Some(expected);
    if !is(start, Keyword::IS) {
        return None;
    }
    let second = next(start)?;
    let (function, distinct) = match is(second, Keyword::NOT) {
        true => (NOT_DISTINCT_FROM, next(second)?),
        false => (DISTINCT_FROM, second),
    };
    let from = next(distinct)?;
    let is_test = is(distinct, Keyword::DISTINCT) && is(from, Keyword::FROM);
    is_test.then_some((function, from + 1))
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
    fn what_is_distinct_ends_before_and_and_or() {
        for (text, expected) in [
            ("a IS DISTINCT FROM b AND c", "(a IS DISTINCT FROM b) AND c"),
            ("a IS NOT DISTINCT FROM b OR c", "(a IS NOT DISTINCT FROM b) OR c"),
            ("NOT a is distinct /* x */ from b AND c", "(NOT a IS DISTINCT FROM b) AND c"),
            (
                "x AND a IS DISTINCT FROM b OR c IS NOT DISTINCT FROM -1 + 2 AND d",
                "(x AND (a IS DISTINCT FROM b)) OR ((c IS NOT DISTINCT FROM (-1 + 2)) AND d)",
            ),
            ("(a IS DISTINCT FROM (b AND c))", "(a IS DISTINCT FROM (b AND c))"),
            ("'IS DISTINCT FROM b AND c' = a", "'IS DISTINCT FROM b AND c' = a"),
        ] {
            let plain = |text: &str| {
                let text = format!("SELECT {text}");
                let mut statement = parse_one(&text).unwrap();
                let _ = visit(&mut statement, &mut Unnested);
                statement.to_string()
            };
            assert_eq!(plain(text), plain(expected), "{text}");
        }
        assert_eq!(
            parse_one("SELECT DISTINCT FROM t").unwrap().to_string(),
            "SELECT DISTINCT FROM t"
        );
        parse_one("SELECT a IS DISTINCT FROM").unwrap_err();
    }

    /// Marks every operator by brackets of its own, and takes others away.
    struct Unnested;

    impl VisitorMut for Unnested {
        type Break = ();

        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if let Expr::Nested(inner) = expr {
                *expr = *inner.clone();
            } else if !matches!(expr, Expr::Identifier(_) | Expr::Value(_)) {
                *expr = Expr::Tuple(vec![expr.clone()]);
            }
            ControlFlow::Continue(())
        }
    }

    #[test]
    fn a_table_is_all_of_its_rows() {
        for (text, expected) in [
            ("TABLE t", "SELECT * FROM t"),
            (
                "; -- all\n table a.\"b@3\" ORDER BY x LIMIT 3;",
                "SELECT * FROM a.\"b@3\" ORDER BY x LIMIT 3",
            ),
            ("\"table\" t", ""),
        ] {
            let found = parse_one(text).map(|statement| statement.to_string());
            assert_eq!(found.unwrap_or_default(), expected, "{text}");
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
