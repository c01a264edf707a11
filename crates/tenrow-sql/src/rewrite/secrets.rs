//! Names that are locations with what nobody else may see in them: no message repeats them.

use std::ops::ControlFlow;

use datafusion::sql::parser::{CopyToSource, Statement};
use datafusion::sql::sqlparser::ast::{ObjectName, Statement as SqlStatement, VisitorMut};

use super::visit::visit;
use tenrow::{Error, Result};

/// Refuses a statement that names a location with credentials in it.
pub(crate) fn check_names(statement: &mut Statement) -> Result<()> {
    match &*statement {
        Statement::CopyTo(copy) => {
            check_no_secrets(&copy.target)?;
            if let CopyToSource::Relation(name) = &copy.source {
                check_name(name)?;
            }
        }
        Statement::Statement(inner) => match inner.as_ref() {
            // Their names are no relations to a visitor.
            SqlStatement::CreateView(view) => check_name(&view.name)?,
            SqlStatement::Drop { names, .. } => names.iter().try_for_each(check_name)?,
            _ => {}
        },
        _ => {}
    }
    match visit(statement, &mut Names) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

fn check_name(name: &ObjectName) -> Result<()> {
    let mut parts = name.0.iter().filter_map(|part| part.as_ident());
    parts.try_for_each(|ident| check_no_secrets(&ident.value))
}

/// Refuses a location with a user and a password, or a question, which no message may repeat.
pub(crate) fn check_no_secrets(name: &str) -> Result<()> {
    match may_hold_secrets(name) {
        true => Err(Error::invalid(
            "a table or file name that is a location has no credentials and no `?` in it: give them as options",
        )),
        false => Ok(()),
    }
}

fn may_hold_secrets(name: &str) -> bool {
    let Some((scheme, rest)) = name.split_once(":/") else { return false };
    if rest.contains('?') {
        return true;
    }
    let Some((before, _)) = rest.rsplit_once('@') else { return false };
    // A user without a password stands where the host does.
    if !before.trim_start_matches('/').contains('/') && scheme != "memory" && scheme != "file" {
        return true;
    }
    // What follows the first colon is a port, or a password.
    before.split_once(':').is_some_and(|(_, after)| {
        let port = after.split_once('/').map_or("", |(port, _)| port);
        port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit())
    })
}

struct Names;

impl VisitorMut for Names {
    type Break = Error;

    fn pre_visit_relation(&mut self, name: &mut ObjectName) -> ControlFlow<Self::Break> {
        match check_name(name) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::parse_one;

    use super::*;

    #[test]
    fn credentials_in_a_name_are_refused_and_not_repeated() {
        for name in [
            "http://user:marker@127.0.0.1:1/q",
            "https://user:marker@host/d@3",
            "s3://key:mar/marker@bucket/d",
            "https://marker@host/d",
            "https:/user:marker@host/d",
            "https://host/d?sig=marker",
            "s3://bucket/d?X-Amz-Signature=marker",
        ] {
            let error = check_no_secrets(name).unwrap_err().to_string();
            assert!(error.contains("credentials") && !error.contains("mar"), "{error}");
        }
        for name in
            ["http://host:8080/d@3", "s3://bucket/d@best", "s3://bucket/d", "memory://d@3", "a?b"]
        {
            check_no_secrets(name).unwrap();
        }
    }

    #[test]
    fn a_name_with_a_secret_is_refused_wherever_it_stands_and_not_repeated() {
        for text in [
            "SELECT * FROM 'https://h/a?sig=marker'",
            "SELECT 1 WHERE 1 IN (SELECT x FROM 's3://b/a?sig=marker')",
            "SELECT * FROM \"https://u:marker@h/a\".\"b\"",
            "CREATE TABLE 'https://h/a?sig=marker' AS SELECT 1",
            "CREATE TABLE 'https://h/a?sig=marker' (x INT)",
            "INSERT INTO 'https://u:marker@h/a' VALUES (1)",
            "DELETE FROM 'https://u:marker@h/a'",
            "UPDATE 'https://u:marker@h/a' SET x = 1",
            "ALTER TABLE 'https://u:marker@h/a' DROP COLUMN x",
            "CREATE VIEW 'https://u:marker@h/a#v' AS SELECT 1",
            "DROP TABLE 'https://u:marker@h/a'",
            "COPY (SELECT 1) TO 's3://k:marker@b/x.parquet'",
            "COPY 's3://k:marker@b/x' TO 'x.parquet'",
            "EXPLAIN SELECT * FROM 'https://h/a?sig=marker'",
        ] {
            let mut statement = parse_one(text).unwrap();
            let error = check_names(&mut statement).expect_err(text).to_string();
            assert!(!error.contains("marker"), "{text}: {error}");
        }
        check_names(&mut parse_one("SELECT * FROM 's3://bucket/d@best'").unwrap()).unwrap();
    }
}
