//! Which tables a statement reads.

use datafusion::sql::resolve::resolve_table_references;

use super::{name_paths, parse_one};
use crate::error::Result;

/// The tables that a statement names, each once: datasets, their versions and views, paths; not what it defines
/// itself in a `WITH`.
///
/// ```
/// let names = tenrow_sql::table_names("WITH x AS (SELECT 1) SELECT _row FROM x, \"digits@3\", 'a/b'")?;
/// assert_eq!(names, ["a/b", "digits@3"]);
/// # Ok::<(), tenrow_sql::Error>(())
/// ```
///
/// # Errors
/// [`InvalidInput`](tenrow::ErrorKind::InvalidInput) if it is no statement.
pub fn table_names(statement: &str) -> Result<Vec<String>> {
    let mut statement = parse_one(statement)?;
    name_paths(&mut statement);
    let (tables, _) = resolve_table_references(&statement, true)?;
    let mut names: Vec<_> = tables.iter().map(|table| table.table().to_owned()).collect();
    names.sort();
    names.dedup();
    Ok(names)
}
