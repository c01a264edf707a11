//! From `--parameter` to the texts of each statement.

use std::collections::HashSet;

use super::query::Texts;
use crate::fault::Result;

/// What stands for null, in capitals.
const NULL: &str = "NULL";

/// The texts of each of `statements`, whose parameters may be the same: `NAME=VALUE` is that of `$NAME`, if there is one,
/// and the others are those of `$1`, `$2` …
///
/// # Errors
/// If no statement has a parameter for one of them. That one has no value, its statement says when it is run.
pub(crate) fn of_each(statements: &[String], given: &[String]) -> Result<Vec<Texts>> {
    // One that cannot be read says so when it is run.
    let names = |statement: &String| tenrow_sql::parameters(statement).unwrap_or_default();
    let known: HashSet<String> = statements.iter().flat_map(names).collect();
    Ok(tenrow_sql::values_of_each(statements, &named(given, &known)?)?)
}

/// The texts that were given, by the names that they are for.
fn named(given: &[String], known: &HashSet<String>) -> Result<Texts> {
    let mut texts = Texts::new();
    let mut place = 0;
    for text in given {
        let named = text.split_once('=').filter(|(name, _)| !is_number(name));
        let (name, value) = match named.filter(|(name, _)| known.contains(*name)) {
            Some((name, value)) => (name.to_owned(), value),
            None => {
                place += 1;
                (place.to_string(), text.as_str())
            }
        };
        if !known.contains(&name) {
            return Err(format!("--parameter {text}: no statement has ${name} to put it in").into());
        }
        let value = (value != NULL).then(|| value.to_owned());
        if texts.insert(name.clone(), value).is_some() {
            return Err(format!("--parameter {text}: ${name} has a value already").into());
        }
    }
    Ok(texts)
}

fn is_number(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(statements: &[&str], given: &[&str]) -> Result<Vec<Texts>> {
        let owned =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        of_each(&owned(statements), &owned(given))
    }

    fn of(texts: &[(&str, &str)]) -> Texts {
        texts.iter().map(|(name, text)| ((*name).to_owned(), Some((*text).to_owned()))).collect()
    }

    #[test]
    fn statements_get_the_parameters_that_they_have() {
        let statements = ["SELECT $2, $day", "SELECT 1", "SELECT $1, $day"];
        let found = texts(&statements, &["a", "day=b", "c=d"]).unwrap();
        let expected =
            [of(&[("2", "c=d"), ("day", "b")]), of(&[]), of(&[("1", "a"), ("day", "b")])];
        assert_eq!(found, expected);
    }

    #[test]
    fn null_is_in_capitals_and_a_name_is_one_that_a_statement_has() {
        let one = |statement, given| texts(&[statement], &[given]).unwrap().remove(0);
        assert_eq!(one("SELECT $1", "NULL"), Texts::from([("1".to_owned(), None)]));
        assert_eq!(one("SELECT $1", "null"), of(&[("1", "null")]));
        assert_eq!(one("SELECT $1", "1=2"), of(&[("1", "1=2")]));
        assert_eq!(one("SELECT $a", "a="), of(&[("a", "")]));
    }

    #[test]
    fn a_text_for_nothing_is_refused() {
        for (statement, given, expected) in [
            ("SELECT $1", vec!["3", "4"], "no statement has $2"),
            ("SELECT $a", vec!["b=3"], "no statement has $1"),
            ("SELECT $a", vec!["a=3", "a=4"], "$a has a value already"),
            ("SELECT '$1'", vec!["3"], "no statement has $1"),
        ] {
            let error = texts(&[statement], &given).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
