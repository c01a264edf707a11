//! `UPDATE t SET a = x, … [FROM …] [WHERE …]`.

use arrow_select::concat::concat_batches;
use datafusion::common::TableReference;
use datafusion::sql::sqlparser::ast::{
    AssignmentTarget, Ident, Query, SelectItem, Update, UpdateTableFromKind,
};
use tenrow::engine::Premise;
use tenrow::{Error, Result, Schema};

use super::query::{Named, collect, planned, select};
use super::typed::{row_numbers, typed};
use super::{changed, premise, refuse};
use crate::catalog::Tables;
use crate::columns::HIDDEN_COLUMNS;
use crate::session::{Change, Session};

/// The attributes that constants are computed from.
const NOTHING: [&str; 0] = [];

/// The rows to update and their new values, as a query.
pub(super) fn query(update: &Update) -> Result<(Assigned, Query)> {
    refuse(
        "UPDATE",
        &[
            (update.returning.is_some(), "RETURNING"),
            (update.output.is_some(), "OUTPUT"),
            (update.or.is_some(), "OR"),
        ],
    )?;
    let named = Named::of("UPDATE", std::slice::from_ref(&update.table))?;
    let mut items = vec![named.row()];
    let mut names: Vec<String> = Vec::with_capacity(update.assignments.len());
    for assignment in &update.assignments {
        let AssignmentTarget::ColumnName(column) = &assignment.target else {
            return Err(Error::unsupported("UPDATE of several columns at once: SET a = x, b = y"));
        };
        let name = named.column(column)?;
        if HIDDEN_COLUMNS.contains(&name.as_str()) {
            return Err(Error::invalid(format!(
                "UPDATE of {name}: it is where a row is, which no statement sets"
            )));
        }
        if names.contains(&name) {
            return Err(Error::invalid(format!("UPDATE sets {name:?} twice")));
        }
        // Named by position: an attribute may have any name.
        let alias = Ident::new(format!("value_{}", names.len()));
        items.push(SelectItem::ExprWithAlias { expr: assignment.value.clone(), alias });
        names.push(name);
    }
    let mut tables = vec![update.table.clone()];
    if let Some(UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from)) =
        &update.from
    {
        tables.extend(from.iter().cloned());
    }
    let selection = update.selection.clone();
    let query = select(items, tables, selection, &update.order_by, update.limit.clone())?;
    Ok((Assigned { named, names }, query))
}

/// What an update assigns to.
pub(super) struct Assigned {
    named: Named,
    names: Vec<String>,
}

impl Assigned {
    pub(super) fn into_parts(self) -> (TableReference, Vec<String>) {
        (self.named.reference, self.names)
    }
}

pub(super) async fn run(session: &Session, update: &Update) -> Result<Change> {
    let (assigned, query) = query(update)?;
    let reference = &assigned.named.reference;
    premise::again(session, reference, || once(session, reference, &assigned.names, &query)).await
}

async fn once(
    session: &Session,
    reference: &TableReference,
    names: &[String],
    query: &Query,
) -> Result<Change> {
    let mut tables = Tables::new(session.roots());
    let target = tables.target(reference).await?;
    let schema = target.snapshot.schema();
    let attributes = names.iter().map(|name| Ok(target.snapshot.attribute(name)?.clone()));
    let attributes = attributes.collect::<Result<Vec<_>>>()?;
    let assigned = Schema::from_parts(attributes, schema.next_field_id())
        .map_err(|e| Error::invalid("the columns that are set").with_source(e))?;

    let (state, plan) = planned(session, &mut tables, query.clone()).await?;
    let premise = premise::of_choice(&plan, &target.snapshot)?;
    let answer = session.run(&state, plan).await?;
    let answered = answer.schema().clone();
    let batches = collect(session, "UPDATE", answer).await?;
    let rows = row_numbers(&batches)?;
    if rows.is_empty() {
        return Ok(changed(0, &target.snapshot));
    }
    let all = concat_batches(&answered, &batches)
        .map_err(|e| Error::invalid("the new values make no batch").with_source(e))?;
    let columns: Vec<usize> = (1..all.num_columns()).collect();
    let values = all
        .project(&columns)
        .map_err(|e| Error::invalid("the new values make no batch").with_source(e))?;
    let values = typed(&values, &assigned, 0, "UPDATE")?;
    let premise = match premise {
        Some(premise) => premise,
        None => Premise::changed_rows(&target.snapshot, NOTHING)?,
    };
    let snapshot = target.dataset.update_on(&premise, &rows, &values).await?;
    Ok(changed(rows.len() as u64, &snapshot))
}
