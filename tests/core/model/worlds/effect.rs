//! What each operation makes of a version: a pure function, with none of the code under test.

use std::collections::BTreeMap;

use tenrow::ErrorKind;

use super::foreign;
use super::operation::Operation;
use super::state::{Column, State, Value, begin_forms};
use super::updates::{deleted, updated};

/// What becomes of the newest version.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// It stays the newest.
    None,
    /// The same, or an error of one of these kinds.
    NoneOr(&'static [ErrorKind]),
    /// One version follows.
    Version(Box<State>),
    /// One version follows, or an error of one of these kinds: either is right.
    VersionOr(Box<State>, &'static [ErrorKind]),
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
    /// The newest version that it knows of.
    pub(crate) newest: u64,
}

impl History<'_> {
    /// The oldest version that stays if `keep` of those do that did not only end others.
    fn oldest_kept(&self, keep: u64) -> u64 {
        let known = self.states.range(..=self.newest);
        let mut counted = known.rev().filter(|(_, state)| !state.only_expires);
        let oldest = self.states.keys().next();
        // If no more are left, all of them stay.
        let kept = counted.nth(keep as usize - 1).map(|(version, _)| version);
        kept.filter(|kept| Some(*kept) != oldest).map_or(1, |version| *version)
    }
}

/// The generation of a version with leaves or a schema of its own.
pub(crate) const FRESH: u64 = u64::MAX;

pub(crate) const CONFLICT: Effect = Effect::Refused(&[ErrorKind::Conflict]);
pub(crate) const INVALID: Effect = Effect::Refused(&[ErrorKind::InvalidInput]);
pub(crate) const NOT_FOUND: Effect = Effect::Refused(&[ErrorKind::NotFound]);

impl Operation {
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
            Self::Append(rows, job, keys) => {
                if let Some((job, sequence)) = job {
                    if latest.sequences.get(job).is_some_and(|last| last >= sequence) {
                        return Effect::None;
                    }
                    next.sequences.insert(job.clone(), *sequence);
                }
                if !takes_rows_of(latest, base) {
                    return CONFLICT;
                }
                let keys = keys.iter().filter_map(|name| base.column(name)).map(|key| key.key);
                next.append(rows, &keys.collect::<Vec<_>>());
            }
            Self::Index(files) if foreign::rows(&base.columns, files).is_empty() => {
                return Effect::None;
            }
            Self::Index(files) => {
                if !takes_rows_of(latest, base) {
                    return CONFLICT;
                }
                next.append(&foreign::rows(&base.columns, files), &[]);
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
                next.append(rows, &[]);
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
            Self::Compute(computed) => return computed.effect(latest, next),
            Self::Reuse(reused) => return reused.effect(base, latest, next),
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
            Self::View(name, version, rows) => {
                next.generation = latest.generation;
                if !history.states.contains_key(version) || latest.has_expired(*version) {
                    return NOT_FOUND;
                }
                if base.views.contains_key(name) || latest.views.contains_key(name) {
                    return Effect::Refused(&[ErrorKind::AlreadyExists]);
                }
                next.views.insert(name.clone(), (*version, rows.clone()));
            }
            Self::DropView(name) => {
                next.generation = latest.generation;
                if !base.views.contains_key(name) {
                    return NOT_FOUND;
                }
                if next.views.remove(name).is_none() {
                    return Effect::None;
                }
            }
            Self::Relist(_) => {
                // It looks for no winner.
                if latest.partitions.is_empty() {
                    return Effect::NoneOr(&[ErrorKind::Conflict]);
                }
                return Effect::VersionOr(Box::new(next), &[ErrorKind::Conflict]);
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
