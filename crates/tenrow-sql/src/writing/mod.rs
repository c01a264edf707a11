//! Statements that change datasets: each plans a query for what is to change, and commits its answer at once.
//!
//! | statement | query | commit |
//! |---|---|---|
//! | `INSERT INTO t …` | its source | rows appended |
//! | `DELETE FROM t … WHERE c` | `SELECT t._row FROM t … WHERE c` | these rows deleted |
//! | `UPDATE t SET a = x … WHERE c` | `SELECT t._row, x FROM t … WHERE c` | values of these rows replaced |
//! | `CREATE TABLE t AS …` | its source | a new dataset |
//! | `CREATE VIEW "t#v" AS …` | its source | these rows kept as a view |
//! | `ALTER TABLE t …` | its default, if there is one | the schema changed |
//!
//! A statement that reads what it changes is evaluated once more, on the newest version, if others have changed meanwhile
//! what it has read: see `premise`.
//!
//! The engine's own hooks for these are not used: they drop a `WHERE` that is constant, a subquery or followed by
//! `LIMIT`, and then mean all rows.

mod alter;
mod column_def;
mod copy;
mod create_table;
mod create_view;
mod delete;
mod insert;
mod premise;
mod query;
mod typed;
mod update;

pub(crate) use create_view::keep as keep_view;

use std::sync::Arc;

use arrow_array::{Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use datafusion::common::TableReference;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Insert, Query, Statement as SqlStatement, Update};

use crate::kind::StatementKind;
use crate::session::{Answer, Change, Session};
use tenrow::{Error, Result, Snapshot};

fn changed(rows: u64, snapshot: &Snapshot) -> Change {
    Change { rows, version: Some(snapshot.version()) }
}

/// What `statement` changes; `None` if it changes nothing.
pub(crate) fn kind(statement: &Statement) -> Option<StatementKind> {
    match statement {
        Statement::CopyTo(_) => Some(StatementKind::File),
        Statement::CreateExternalTable(_) => Some(StatementKind::Tables),
        Statement::Statement(statement) => match statement.as_ref() {
            SqlStatement::Insert(_) | SqlStatement::Delete(_) | SqlStatement::Update(_) => {
                Some(StatementKind::Rows)
            }
            SqlStatement::CreateTable(_)
            | SqlStatement::CreateView(_)
            | SqlStatement::AlterTable(_)
            | SqlStatement::Drop { .. } => Some(StatementKind::Tables),
            _ => None,
        },
        _ => None,
    }
}

/// Carries out a statement of a [`kind`] that changes something.
///
/// # Errors
/// Those of its query, its rows and its commit: nothing is visible then.
pub(crate) async fn run(session: &Session, statement: &Statement) -> Result<Answer> {
    let unsupported = || Error::unsupported(format!("{statement} is not supported"));
    answer(match statement {
        Statement::CopyTo(copy) => copy::run(session, copy).await?,
        Statement::Statement(statement) => match statement.as_ref() {
            SqlStatement::Insert(insert) => insert::run(session, insert).await?,
            SqlStatement::Delete(delete) => delete::run(session, delete).await?,
            SqlStatement::Update(update) => update::run(session, update).await?,
            SqlStatement::CreateTable(create) => create_table::run(session, create).await?,
            SqlStatement::CreateView(create) => create_view::run(session, create).await?,
            SqlStatement::AlterTable(alter) => alter::run(session, alter).await?,
            SqlStatement::Drop { .. } => create_view::drop(session, statement).await?,
            _ => return Err(unsupported()),
        },
        Statement::CreateExternalTable(table) => {
            return Err(Error::unsupported(format!(
                "CREATE EXTERNAL TABLE {} is not supported: only datasets below the roots are tables",
                table.name
            )));
        }
        _ => return Err(unsupported()),
    })
}

/// The columns of what such a statement answers with.
pub(crate) fn schema() -> SchemaRef {
    Arc::new(ArrowSchema::new(vec![
        Field::new("count", DataType::Int64, false),
        Field::new("version", DataType::Int64, true),
    ]))
}

/// The query whose plan explains `statement`, if it is one that changes something.
pub(crate) fn explained(statement: &Statement) -> Result<Option<Query>> {
    let statement = match statement {
        Statement::Statement(statement) => statement,
        Statement::CopyTo(copy) => return copy::query(copy).map(Some),
        _ => return Ok(None),
    };
    Ok(match statement.as_ref() {
        SqlStatement::Insert(insert) => Some(insert::source(insert)?.clone()),
        SqlStatement::Delete(delete) => Some(delete::query(delete)?.1),
        SqlStatement::Update(update) => Some(update::query(update)?.1),
        SqlStatement::CreateTable(create) => create.query.as_deref().cloned(),
        SqlStatement::CreateView(create) => Some(create.query.as_ref().clone()),
        _ => None,
    })
}

/// The dataset that an update changes, and the names of the columns that it sets, in order.
pub(crate) fn assigned(update: &Update) -> Result<(TableReference, Vec<String>)> {
    update::query(update).map(|(assigned, _)| assigned.into_parts())
}

/// The dataset that rows are inserted into, and the names of their columns, in order; none: all of the dataset.
pub(crate) fn inserted(insert: &Insert) -> Result<(TableReference, Vec<String>)> {
    Ok((insert::target(insert)?, insert::names(insert)))
}

/// One row: how many rows, and which version.
fn answer(change: Change) -> Result<Answer> {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let version = change.version.map(|version| number(version.0));
    let schema = schema();
    let counts = Int64Array::from(vec![number(change.rows)]);
    let versions = Int64Array::from(vec![version]);
    let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(counts), Arc::new(versions)])
        .map_err(|error| Error::invalid("the answer makes no batch").with_source(error))?;
    let stream = RecordBatchStreamAdapter::new(schema, futures::stream::iter([Ok(batch)]));
    Ok(Answer::of_change(change, Box::pin(stream)))
}

/// Refuses the parts of a statement that have no meaning here.
fn refuse(what: &str, parts: &[(bool, &str)]) -> Result<()> {
    match parts.iter().find(|(is_there, _)| *is_there) {
        None => Ok(()),
        Some((_, part)) => Err(Error::unsupported(format!("{what} with {part} is not supported"))),
    }
}
