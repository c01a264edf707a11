//! What a fill makes of a version.

use std::collections::BTreeSet;

use super::state::{Kind, State, Value};

/// Gives the values of a fill to the rows that `unfilled` no longer names.
pub(crate) fn fill(
    next: &mut State,
    base: &State,
    column: &str,
    input: &str,
    unfilled: &[BTreeSet<String>],
) {
    // Both may have been renamed meanwhile: their keys stay.
    let (Some(column), Some(input)) = (base.column(column), base.column(input)) else { return };
    let Some(now) = next.columns.iter().find(|now| now.key == column.key) else { return };
    let name = now.name.clone();
    for (row, unfilled) in next.rows.iter_mut().zip(unfilled) {
        if !unfilled.contains(&name) && !row.cells.contains_key(&column.key) {
            let from = match input.kind {
                Kind::File => &Value::Null,
                _ => row.cells.get(&input.key).unwrap_or(&input.default),
            };
            let value = Value::Int(computed(from));
            row.cells.insert(column.key, value);
        }
    }
}

/// The value that a column is filled with where its input has `value`: none that is a default.
pub(crate) fn computed(value: &Value) -> i64 {
    match value {
        Value::Int(value) => 1000 + value.rem_euclid(100),
        Value::Text(text) => 2000 + text.len() as i64,
        _ => 3000,
    }
}
