//! The operations, and what each makes of a version: a pure function, with none of the code under test.

use std::collections::{BTreeMap, BTreeSet};

use tenrow::ErrorKind;

use super::state::{Column, State, Value, begin_forms};

/// Values of one row by the keys of columns.
pub(crate) type Cells = BTreeMap<u32, Value>;

#[derive(Debug, Clone)]
pub(crate) enum Operation {
    /// Rows, and the job and number of their commit, if it has any.
    Append(Vec<Cells>, Option<(String, u64)>),
    /// Rows, and their schema, if it is a new one.
    Overwrite(Vec<Cells>, Option<Vec<Column>>),
    Add(Column),
    Drop(String),
    Rename(String, String),
    Widen(String, &'static str),
    MakeNullable(String),
    Reorder(Vec<String>),
    /// The column to fill, and the one that its values follow from.
    Fill(String, String),
    Delete(Vec<u64>),
    /// Rows of a version, by number; and their ids, or why they have none.
    DeleteRows(u64, Vec<u64>, Result<Vec<u64>, ErrorKind>),
    Update(Vec<u64>, Vec<String>, Vec<Cells>),
    Compact,
    Restore(u64),
    Tag(String, u64),
    Untag(String),
    SetProperties(String, Option<i64>),
    Expire(u64),
    Vacuum,
}

/// What becomes of the newest version.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// It stays the newest.
    None,
    /// One version follows.
    Version(Box<State>),
    /// An error of one of these kinds, and no version.
    Refused(&'static [ErrorKind]),
    /// Any number of versions, each of which is checked for itself.
    Versions,
    /// Objects that none names go.
    Vacuum,
}

/// Where an operation finds what it refers to.
pub(crate) struct History<'a> {
    pub(crate) states: &'a BTreeMap<u64, State>,
}

impl History<'_> {
    /// The oldest version that stays if `keep` of those do that did not only end others.
    fn oldest_kept(&self, keep: u64) -> u64 {
        let mut counted = self.states.iter().rev().filter(|(_, state)| !state.only_expires);
        // If fewer are left, all of them stay.
        counted.nth(keep as usize - 1).map_or(1, |(version, _)| *version)
    }
}

/// The generation of a version with leaves or a schema of its own.
pub(crate) const FRESH: u64 = u64::MAX;

const CONFLICT: Effect = Effect::Refused(&[ErrorKind::Conflict]);
const INVALID: Effect = Effect::Refused(&[ErrorKind::InvalidInput]);
const NOT_FOUND: Effect = Effect::Refused(&[ErrorKind::NotFound]);

impl Operation {
    /// What history calls it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Append(..) => "append",
            Self::Overwrite(..) => "overwrite",
            Self::Add(_) => "add column",
            Self::Drop(_) => "drop column",
            Self::Rename(..) => "rename column",
            Self::Widen(..) => "widen column",
            Self::MakeNullable(_) => "make nullable",
            Self::Reorder(_) => "reorder columns",
            Self::Fill(..) => "fill column",
            Self::Delete(_) | Self::DeleteRows(..) => "delete",
            Self::Update(..) => "update",
            Self::Compact => "compact",
            Self::Restore(_) => "restore",
            Self::Tag(..) => "tag",
            Self::Untag(_) => "untag",
            Self::SetProperties(..) => "set properties",
            Self::Expire(_) => "expire",
            Self::Vacuum => "",
        }
    }

    /// What it does to `latest`, prepared for `base`, and if it `is_said` to have been done.
    pub(crate) fn effect(
        &self,
        base: &State,
        latest: &State,
        history: &History<'_>,
        is_said: bool,
    ) -> Effect {
        // What was undone again, by a delete of what was appended, may count as change or not.
        let is_unchanged =
            base.is_unchanged(latest) || is_said && base.has_rows_and_columns_of(latest);
        let mut next = latest.clone();
        next.generation = FRESH;
        next.only_expires = false;
        match self {
            Self::Append(rows, job) => {
                if let Some((job, sequence)) = job {
                    if latest.sequences.get(job).is_some_and(|last| last >= sequence) {
                        return Effect::None;
                    }
                    next.sequences.insert(job.clone(), *sequence);
                }
                if !takes_rows_of(latest, base) {
                    return CONFLICT;
                }
                next.append(rows);
            }
            Self::Overwrite(rows, columns) => {
                if !is_unchanged {
                    return CONFLICT;
                }
                next.rows.clear();
                next.columns = base.columns.clone();
                if let Some(columns) = columns {
                    next.columns.clone_from(columns);
                    begin_forms(&mut next.columns, &mut next.fields);
                }
                next.append(rows);
            }
            Self::Add(_)
            | Self::Drop(_)
            | Self::Rename(..)
            | Self::Widen(..)
            | Self::MakeNullable(_)
            | Self::Reorder(_) => return self.schema_effect(base, latest, next),
            Self::Fill(column, input) => {
                return match (base.column(column), base.column(input)) {
                    (Some(_), Some(_)) if column == input => INVALID,
                    (Some(_), Some(_)) => Effect::Versions,
                    _ => NOT_FOUND,
                };
            }
            Self::Delete(ids) => return deleted(ids, latest, next),
            Self::DeleteRows(_, _, ids) => {
                return match ids {
                    Ok(ids) => deleted(ids, latest, next),
                    Err(ErrorKind::NotFound) => NOT_FOUND,
                    Err(_) => INVALID,
                };
            }
            Self::Update(ids, names, values) => {
                return updated(base, latest, next, ids, names, values);
            }
            Self::Compact => return Effect::Versions,
            Self::Restore(version) => {
                let Some(old) = history.states.get(version) else { return NOT_FOUND };
                if !is_unchanged {
                    return CONFLICT;
                }
                if latest.has_expired(*version) {
                    return NOT_FOUND;
                }
                next.columns = old.columns.clone();
                next.rows = old.rows.clone();
                next.properties = old.properties.clone();
                next.generation = old.generation;
            }
            Self::Tag(name, version) => {
                next.generation = latest.generation;
                if !history.states.contains_key(version) || latest.has_expired(*version) {
                    return NOT_FOUND;
                }
                match next.tags.insert(name.clone(), *version) {
                    Some(other) if other != *version => {
                        return Effect::Refused(&[ErrorKind::AlreadyExists]);
                    }
                    Some(_) => return Effect::None,
                    None => {}
                }
            }
            Self::Untag(name) => {
                next.generation = latest.generation;
                if !base.tags.contains_key(name) {
                    return NOT_FOUND;
                }
                if next.tags.remove(name).is_none() {
                    return Effect::None;
                }
            }
            Self::SetProperties(name, value) => {
                next.generation = latest.generation;
                match value {
                    Some(value) => drop(next.properties.insert(name.clone(), *value)),
                    None => drop(next.properties.remove(name)),
                }
                if next.properties == latest.properties {
                    return Effect::None;
                }
            }
            Self::Expire(keep) => {
                next.generation = latest.generation;
                next.expired_before = history.oldest_kept(*keep).max(latest.expired_before);
                if next.expired_before == latest.expired_before {
                    return Effect::None;
                }
                next.only_expires = true;
            }
            Self::Vacuum => return Effect::Vacuum,
        }
        Effect::Version(Box::new(next))
    }

    fn schema_effect(&self, base: &State, latest: &State, mut next: State) -> Effect {
        let subjects: Vec<&String> = match self {
            Self::Drop(name)
            | Self::Widen(name, _)
            | Self::MakeNullable(name)
            | Self::Rename(name, _) => vec![name],
            Self::Reorder(names) => names.iter().collect(),
            _ => Vec::new(),
        };
        if subjects.iter().any(|name| base.column(name).is_none()) {
            return NOT_FOUND;
        }
        if self.columns(base).is_none() {
            return INVALID;
        }
        if subjects.iter().any(|name| base.column(name) != latest.column(name)) {
            return CONFLICT;
        }
        let Some(columns) = self.columns(latest) else { return CONFLICT };
        if columns == latest.columns {
            return Effect::None;
        }
        next.columns = columns;
        let gives_id = matches!(self, Self::Add(_) | Self::Widen(..) | Self::MakeNullable(_));
        next.fields += usize::from(gives_id);
        Effect::Version(Box::new(next))
    }

    /// The columns after a change, if it is allowed.
    fn columns(&self, State { columns, fields, .. }: &State) -> Option<Vec<Column>> {
        let mut next = columns.to_vec();
        let position = |name: &str| columns.iter().position(|column| column.name == name);
        match self {
            Self::Add(column) => {
                let has_value = column.nullable || column.default != Value::Null;
                if position(&column.name).is_some() || !has_value {
                    return None;
                }
                next.push(Column { forms: vec![*fields], ..column.clone() });
            }
            Self::Drop(name) => {
                next.remove(position(name)?);
                if next.is_empty() {
                    return None;
                }
            }
            Self::Rename(from, to) => {
                let at = position(from)?;
                if position(to).is_some_and(|other| other != at) {
                    return None;
                }
                next[at].name.clone_from(to);
            }
            Self::Widen(name, dtype) => {
                let column = &mut next[position(name)?];
                column.kind = column.kind.widened(dtype)?;
                column.forms.push(*fields);
            }
            Self::MakeNullable(name) => {
                let column = &mut next[position(name)?];
                if column.nullable {
                    return None;
                }
                column.nullable = true;
                column.forms.push(*fields);
            }
            Self::Reorder(names) => {
                let first: Vec<usize> =
                    names.iter().map(|name| position(name)).collect::<Option<_>>()?;
                let rest = (0..columns.len()).filter(|at| !first.contains(at));
                next = first.iter().copied().chain(rest).map(|at| columns[at].clone()).collect();
            }
            _ => {}
        }
        Some(next)
    }
}

/// Whether rows written for `older` have a value for every column, and lose none to another of its name.
fn takes_rows_of(latest: &State, older: &State) -> bool {
    let has = |column: &Column| older.columns.iter().any(|old| column.takes(old));
    let is_left = |old: &Column| latest.columns.iter().any(|column| column.takes(old));
    let fits = |column: &Column| {
        has(column)
            || ((column.nullable || column.default != Value::Null)
                && older.column(&column.name).is_none_or(is_left))
    };
    latest.columns.iter().all(fits) && latest.columns.iter().any(has)
}

fn deleted(ids: &[u64], latest: &State, mut next: State) -> Effect {
    next.rows.retain(|row| !ids.contains(&row.id));
    match next.rows.len() == latest.rows.len() {
        true => Effect::None,
        false => Effect::Version(Box::new(next)),
    }
}

fn updated(
    base: &State,
    latest: &State,
    mut next: State,
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
    let is_same =
        |column: &&Column| latest.columns.iter().any(|now| now.forms.last() == column.forms.last());
    if !columns.iter().all(is_same) {
        return CONFLICT;
    }
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
            for column in &columns {
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

/// The value that a column is filled with where its input has `value`: none that is a default.
pub(crate) fn computed(value: &Value) -> i64 {
    match value {
        Value::Int(value) => 1000 + value.rem_euclid(100),
        Value::Text(text) => 2000 + text.len() as i64,
        _ => 3000,
    }
}
