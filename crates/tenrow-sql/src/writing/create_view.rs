//! `CREATE VIEW "t#v" AS SELECT _row FROM t …`, `DROP VIEW "t#v"`: rows kept under a name.

use datafusion::sql::sqlparser::ast::{CreateView, ObjectType, Query, Statement as SqlStatement};
use tenrow::{Error, Result, Snapshot, View, ViewOptions};

use super::query::{ask, collect, reference_of};
use super::typed::row_numbers;
use super::{changed, refuse};
use crate::catalog::{Tables, ViewName};
use crate::columns::ROW;
use crate::session::{Change, Session};

pub(super) async fn run(session: &Session, create: &CreateView) -> Result<Change> {
    refuse(
        "CREATE VIEW",
        &[
            (create.materialized || create.temporary, "MATERIALIZED or TEMPORARY"),
            (!create.columns.is_empty(), "columns"),
            (create.if_not_exists, "IF NOT EXISTS"),
        ],
    )?;
    let name = ViewName::of(&reference_of(&create.name)?)?;
    let text = create.query.to_string();
    let options = ViewOptions::default().with_query(text).with_replace(create.or_replace);
    let view = keep(session, &name, &create.query, &options).await?;
    let (_, dataset) = name.place(session.roots()).await?;
    Ok(changed(view.row_count(), &dataset.latest().await?))
}

/// Keeps the rows that a query gives: in its order if it has one, else ascending.
pub(crate) async fn keep(
    session: &Session,
    name: &ViewName,
    query: &Query,
    options: &ViewOptions,
) -> Result<View> {
    let (place, dataset) = name.place(session.roots()).await?;
    let is_ordered = query.order_by.is_some();
    let mut tables = Tables::new(session.roots());
    let answer = ask(session, &mut tables, query.clone()).await?;
    match answer.schema().fields().as_ref() {
        [only] if only.name() == ROW => {}
        fields => {
            let names = fields.iter().map(|field| field.name().as_str());
            return Err(Error::invalid(format!(
                "a view is made of the one column _row, found {}: write SELECT _row FROM …",
                tenrow::engine::names_listed(names)
            )));
        }
    }
    let snapshot = one_version(tables.versions_read(&place), name)?;
    let mut rows = row_numbers(&collect(session, "a view", answer).await?)?;
    if !is_ordered {
        rows.sort_unstable();
    }
    dataset.create_view(&name.view, &snapshot.rows(rows)?, options).await
}

/// The version that the numbers of rows are of.
fn one_version(mut found: Vec<Snapshot>, name: &ViewName) -> Result<Snapshot> {
    found.sort_by_key(Snapshot::version);
    found.dedup_by_key(|snapshot| snapshot.version());
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Error::invalid(format!(
            "the query does not read {}, of whose rows the view is to be",
            name.table
        ))),
        _ => Err(Error::invalid(format!(
            "the query reads several versions of {}: of which the view is to be is unclear",
            name.table
        ))),
    }
}

pub(super) async fn drop(session: &Session, statement: &SqlStatement) -> Result<Change> {
    let SqlStatement::Drop { object_type, if_exists, names, .. } = statement else {
        return Err(Error::unsupported(format!("{statement} is not supported")));
    };
    let ([name], ObjectType::View) = (names.as_slice(), object_type) else {
        return Err(Error::unsupported(format!(
            "DROP {object_type} is not supported: only views are dropped by SQL, one at a time; to remove a dataset, remove its folder"
        )));
    };
    let name = ViewName::of(&reference_of(name)?)?;
    let (_, dataset) = name.place(session.roots()).await?;
    let latest = dataset.latest().await?;
    if *if_exists && !latest.root().views.contains_key(&name.view) {
        return Ok(changed(0, &latest));
    }
    Ok(changed(0, &dataset.drop_view(&name.view).await?))
}
