//! What a statement means here, before the engine plans it.
//!
//! The engine knows no hidden columns and no `FROM 'path'`. So names in single quotes become table names, and
//! where a statement mentions a hidden column, `*` and `t.*` of datasets become everything but these.

mod chains;
mod clauses;
mod literal;
mod names;
mod numbers;
mod parameters;
mod parse;
mod secrets;
mod split;
mod visit;
mod wildcards;

pub(crate) use chains::balance_chains;
pub(crate) use clauses::check_clauses;
pub(crate) use names::name_paths;
pub(crate) use numbers::keep_digits;
pub use parameters::{parameters, values_of_each};
pub(crate) use parameters::{put_texts, put_values};
pub(crate) use parse::parse_one;
pub(crate) use secrets::{check_names, check_no_secrets};
pub use split::{is_complete, statements};
pub(crate) use wildcards::{KnownTables, hide_columns, normal, reference_of};

use datafusion::sql::parser::Statement;

use crate::columns::HIDDEN_COLUMNS;

/// Whether the statement may mean a hidden column: else tables need not show theirs.
///
/// True too often does no harm.
pub(crate) fn mentions_hidden(statement: &Statement) -> bool {
    let text = statement.to_string().to_lowercase();
    HIDDEN_COLUMNS.iter().any(|name| text.contains(name))
}
