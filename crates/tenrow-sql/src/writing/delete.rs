//! `DELETE FROM t [USING …] [WHERE …] [ORDER BY …] [LIMIT …]`.

use datafusion::sql::sqlparser::ast::{Delete, FromTable, Query};

use super::query::{Named, collect, planned, select};
use super::typed::row_numbers;
use super::{changed, premise, refuse};
use tenrow::Result;

use crate::catalog::Tables;
use crate::session::{Change, Session};

/// The rows to delete, as a query.
pub(super) fn query(delete: &Delete) -> Result<(Named, Query)> {
    refuse(
        "DELETE",
        &[
            (!delete.tables.is_empty(), "tables before FROM"),
            (delete.returning.is_some(), "RETURNING"),
            (delete.output.is_some(), "OUTPUT"),
        ],
    )?;
    let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
    let named = Named::of("DELETE", from)?;
    let mut tables = from.clone();
    tables.extend(delete.using.iter().flatten().cloned());
    let selection = delete.selection.clone();
    let query =
        select(vec![named.row()], tables, selection, &delete.order_by, delete.limit.clone())?;
    Ok((named, query))
}

pub(super) async fn run(session: &Session, delete: &Delete) -> Result<Change> {
    let (named, query) = query(delete)?;
    premise::again(session, &named.reference, || once(session, &named, &query)).await
}

async fn once(session: &Session, named: &Named, query: &Query) -> Result<Change> {
    let mut tables = Tables::new(session.roots());
    let target = tables.target(&named.reference).await?;
    let (state, plan) = planned(session, &mut tables, query.clone()).await?;
    let premise = premise::of_choice(&plan, &target.snapshot)?;
    let answer = session.run(&state, plan).await?;
    let rows = row_numbers(&collect(session, "DELETE", answer).await?)?;
    let report = match premise {
        Some(premise) => target.dataset.delete_on(&premise, &rows).await?,
        None => target.dataset.delete(&target.snapshot, &rows).await?,
    };
    Ok(changed(report.deleted_rows, &report.snapshot))
}
