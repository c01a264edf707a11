//! What there is to complete: tables, their columns, functions.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_cast::cast;
use arrow_schema::DataType;
use tenrow_sql::Session;

const COLUMNS: &str = "\
SELECT table_schema, table_name, column_name FROM information_schema.columns \
WHERE table_schema <> 'information_schema'";
const FUNCTIONS: &str = "SELECT DISTINCT routine_name FROM information_schema.routines";

/// The names that the session knows, as they are written in statements.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The columns of each table.
    pub(crate) tables: BTreeMap<String, Vec<String>>,
    pub(crate) functions: BTreeSet<String>,
}

impl Names {
    /// The names of `session`. What cannot be found out is left out: completion is a courtesy.
    pub(crate) async fn of(session: &Session) -> Self {
        let mut names = Self::default();
        let rows = rows(session, COLUMNS).await;
        let roots: BTreeSet<_> = rows.iter().filter_map(|row| row.first().cloned()).collect();
        for row in rows {
            if let [root, table, column] = row.as_slice() {
                let table = match roots.len() {
                    1 => quoted(table),
                    _ => format!("{}.{}", quoted(root), quoted(table)),
                };
                names.tables.entry(table).or_default().push(quoted(column));
            }
        }
        let functions = self::rows(session, FUNCTIONS).await.into_iter().flatten();
        names.functions = functions.collect();
        names
    }

    /// The columns of all tables.
    pub(crate) fn columns(&self) -> BTreeSet<&str> {
        self.tables.values().flatten().map(String::as_str).collect()
    }
}

async fn rows(session: &Session, statement: &str) -> Vec<Vec<String>> {
    let Ok(answer) = session.sql(statement).await else { return Vec::new() };
    let batches = answer.collect().await.unwrap_or_default();
    batches.iter().flat_map(texts).collect()
}

fn texts(batch: &RecordBatch) -> Vec<Vec<String>> {
    let columns: Option<Vec<_>> =
        batch.columns().iter().map(|column| cast(column, &DataType::Utf8).ok()).collect();
    let columns = columns.unwrap_or_default();
    let cell = |column: &arrow_array::ArrayRef, row: usize| {
        let texts = column.as_string::<i32>();
        if texts.is_null(row) { String::new() } else { texts.value(row).to_owned() }
    };
    (0..batch.num_rows()).map(|row| columns.iter().map(|c| cell(c, row)).collect()).collect()
}

/// The name in quotes, if it needs them.
fn quoted(name: &str) -> String {
    let mut chars = name.chars();
    let is_plain = chars.next().is_some_and(|c| c.is_ascii_lowercase() || c == '_')
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_in_small_letters_go_without_quotes() {
        assert_eq!([quoted("digits_2"), quoted("_row")], ["digits_2", "_row"]);
        assert_eq!(
            [quoted("a/b"), quoted("Label"), quoted("2x")],
            ["\"a/b\"", "\"Label\"", "\"2x\""]
        );
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }
}
