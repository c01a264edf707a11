//! What deletes and updates make of a version.

use std::collections::{BTreeMap, BTreeSet};

use tenrow::ErrorKind;

use super::effect::{CONFLICT, Effect, INVALID, NOT_FOUND};
use super::operation::{Cells, Computed, Reused};
use super::state::{Column, Row, State};

/// The version without these rows.
pub(super) fn deleted(ids: &[u64], latest: &State, mut next: State) -> Effect {
    next.rows.retain(|row| !ids.contains(&row.id));
    match next.rows.len() == latest.rows.len() {
        true => Effect::None,
        false => Effect::Version(Box::new(next)),
    }
}

/// The version with other values, prepared for `base`.
pub(super) fn updated(
    base: &State,
    latest: &State,
    next: State,
    ids: &[u64],
    names: &[String],
    values: &[Cells],
) -> Effect {
    let columns: Option<Vec<&Column>> = names.iter().map(|name| base.column(name)).collect();
    let Some(columns) = columns else { return NOT_FOUND };
    let there = base.ids();
    if ids.iter().any(|id| !there.contains(id)) {
        return NOT_FOUND;
    }
    let touches_key = |row: &Row| {
        ids.contains(&row.id) && columns.iter().any(|column| row.keyed.contains(&column.key))
    };
    if base.rows.iter().any(touches_key) {
        return INVALID;
    }
    if !columns.iter().all(|column| latest.has_form_of(column)) {
        return CONFLICT;
    }
    written(latest, next, ids, &columns, values)
}

/// The values in the rows that are there.
fn written(
    latest: &State,
    mut next: State,
    ids: &[u64],
    columns: &[&Column],
    values: &[Cells],
) -> Effect {
    let live = latest.ids();
    if !ids.iter().any(|id| live.contains(id)) {
        return Effect::None;
    }
    let mut at = 0;
    for &rows in &latest.partitions {
        let partition = &mut next.rows[at..at + rows];
        at += rows;
        let touched: BTreeSet<u64> =
            partition.iter().map(|row| row.id).filter(|id| ids.contains(id)).collect();
        if touched.is_empty() {
            continue;
        }
        for row in partition {
            let own = ids.iter().position(|&id| id == row.id);
            for column in columns {
                match own {
                    Some(own) => {
                        row.cells.insert(column.key, values[own][&column.key].clone());
                    }
                    // The others of its partition get what they would be read as.
                    None => {
                        row.cells.entry(column.key).or_insert_with(|| column.default.clone());
                    }
                }
            }
        }
    }
    Effect::Version(Box::new(next))
}

impl Computed {
    /// Rows that are gone are left out. If one that is there has another value than was read, it conflicts.
    pub(super) fn effect(&self, latest: &State, next: State) -> Effect {
        let (ids, read) = match &self.read {
            Ok(read) => read,
            Err(ErrorKind::NotFound) => return NOT_FOUND,
            Err(_) => return INVALID,
        };
        if self.is_key {
            return INVALID;
        }
        if !latest.has_form_of(&self.column) {
            return CONFLICT;
        }
        let is_other = |row: &Row| {
            let at = ids.iter().position(|&id| id == row.id);
            at.is_some_and(|at| *row.value(&self.column) != read[at])
        };
        match latest.rows.iter().any(is_other) {
            true => CONFLICT,
            false => written(latest, next, ids, &[&self.column], &self.values),
        }
    }
}

impl Reused {
    /// A file that no row of the newest version has may be gone, so it may be refused.
    pub(super) fn effect(&self, base: &State, latest: &State, next: State) -> Effect {
        let Some(column) = base.column(&self.to) else { return NOT_FOUND };
        let cells = BTreeMap::from([(column.key, self.file.value.clone())]);
        let values = vec![cells; self.ids.len()];
        let names = std::slice::from_ref(&self.to);
        let effect = updated(base, latest, next, &self.ids, names, &values);
        let is_named = |state: &State| {
            let of_columns =
                |row: &Row| state.columns.iter().any(|c| *row.value(c) == self.file.value);
            state.rows.iter().any(of_columns)
        };
        if is_named(base) && is_named(latest) {
            return effect;
        }
        match effect {
            Effect::Version(next) => Effect::VersionOr(next, &[ErrorKind::InvalidInput]),
            Effect::None => Effect::NoneOr(&[ErrorKind::InvalidInput]),
            Effect::Refused([ErrorKind::Conflict]) => {
                Effect::Refused(&[ErrorKind::Conflict, ErrorKind::InvalidInput])
            }
            other => other,
        }
    }
}
