//! `FROM 'path/to/ds'`: a path in single quotes is a table, called by the last part of the path.

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Ident, ObjectNamePart, TableAlias, TableFactor, VisitorMut};

use super::visit::visit;

/// Makes paths in single quotes table names.
pub(crate) fn name_paths(statement: &mut Statement) {
    let ControlFlow::Continue(()) = visit(statement, &mut Paths);
}

struct Paths;

impl VisitorMut for Paths {
    type Break = std::convert::Infallible;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Self::Break> {
        let TableFactor::Table { name, alias, .. } = factor else {
            return ControlFlow::Continue(());
        };
        let [ObjectNamePart::Identifier(ident)] = name.0.as_mut_slice() else {
            return ControlFlow::Continue(());
        };
        if ident.quote_style == Some('\'') {
            ident.quote_style = Some('"');
            if alias.is_none() {
                *alias = Some(alias_of(&ident.value));
            }
        }
        ControlFlow::Continue(())
    }
}

/// The last part of a path, without what is said of its version.
fn alias_of(path: &str) -> TableAlias {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
    let name = last.split(['@', '$', '#']).next().filter(|name| !name.is_empty()).unwrap_or(last);
    TableAlias { explicit: true, name: Ident::with_quote('"', name), columns: Vec::new(), at: None }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::parse_one;

    use super::*;

    #[test]
    fn a_path_is_called_by_its_last_part() {
        let mut statement =
            parse_one("SELECT * FROM 'speech/train@3' JOIN 'x' AS y ON 'a' = 'b'").unwrap();
        name_paths(&mut statement);
        let expected = r#"SELECT * FROM "speech/train@3" AS "train" JOIN "x" AS y ON 'a' = 'b'"#;
        assert_eq!(statement.to_string(), expected);
    }
}
