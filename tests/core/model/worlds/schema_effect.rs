//! What changes of the schema make of a version.

use super::effect::{CONFLICT, Effect, INVALID, NOT_FOUND};
use super::operation::Operation;
use super::state::{Column, State, Value};

impl Operation {
    /// The version with another schema, prepared for `base`.
    pub(super) fn schema_effect(&self, base: &State, latest: &State, mut next: State) -> Effect {
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
                let mut column = column.clone();
                column.begin(*fields);
                next.push(column);
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
                column.change(*fields);
            }
            Self::MakeNullable(name) => {
                let column = &mut next[position(name)?];
                if column.nullable {
                    return None;
                }
                column.nullable = true;
                column.change(*fields);
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
