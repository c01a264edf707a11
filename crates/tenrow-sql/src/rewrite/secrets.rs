//! Names that are locations with what nobody else may see in them: no message repeats them.

use std::ops::ControlFlow;

use datafusion::sql::parser::{CopyToSource, Statement};
use datafusion::sql::sqlparser::ast::{ObjectName, Statement as SqlStatement, VisitorMut};

use super::visit::visit;
use crate::catalog::check_no_secrets;
use crate::error::{Error, Result};

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
