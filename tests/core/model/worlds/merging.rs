//! What a merge makes of two datasets, by plain Rust.

use std::collections::BTreeMap;

use super::effect::{CONFLICT, Effect, FRESH, INVALID};
use super::state::{Column, Row, State, Value};

/// All rows of `other` after those of `latest`, if they fit: attributes are matched by name, and every form that
/// the other ever had is to be one of the receiver's.
pub(crate) fn merged(base: &State, latest: &State, other: &State) -> Effect {
    let pairs: Option<Vec<_>> = base.columns.iter().map(|own| pair(own, other)).collect();
    let Some(pairs) = pairs else { return INVALID };
    if other.partitions.iter().all(|rows| *rows == 0) {
        return Effect::None;
    }
    // Rows are fitted to the schema that was looked at.
    if (latest.fields, &latest.columns) != (base.fields, &base.columns) {
        return CONFLICT;
    }
    let mut next = latest.clone();
    next.generation = FRESH;
    next.only_expires = false;
    next.rows.extend(other.rows.iter().map(|row| with_keys_of(row, &pairs)));
    Effect::Version(Box::new(next))
}

/// A column of the receiver and the one that its values come from, if there is one.
type Pair<'a> = (&'a Column, Option<&'a Column>);

/// `None` if they do not fit.
fn pair<'a>(own: &'a Column, other: &'a State) -> Option<Pair<'a>> {
    let Some(found) = other.column(&own.name) else {
        return (own.nullable || own.default != Value::Null).then_some((own, None));
    };
    let fits = found.shapes.iter().all(|shape| own.shapes.contains(shape));
    fits.then_some((own, Some(found)))
}

/// The row as the receiver has it. Which values files have is seen by whoever looks: all are given here.
fn with_keys_of(row: &Row, pairs: &[Pair<'_>]) -> Row {
    let value = |(own, other): &Pair<'_>| {
        let value = other.map_or(&own.default, |other| row.value(other));
        (own.key, value.clone())
    };
    let is_key = |(_, other): &&Pair<'_>| other.is_some_and(|other| row.keyed.contains(&other.key));
    let keyed = pairs.iter().filter(is_key).map(|(own, _)| own.key).collect();
    let cells: BTreeMap<u32, Value> = pairs.iter().map(value).collect();
    Row { id: row.id, cells, keyed }
}
