//! Queries put together from the parts of other statements.

use arrow_array::RecordBatch;
use datafusion::common::TableReference;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, LimitClause, ObjectName, ObjectNamePart, OrderBy, OrderByExpr, OrderByKind, Query,
    SelectItem, SetExpr, Statement as SqlStatement, TableFactor, TableWithJoins,
};
use futures::TryStreamExt;
use tenrow::{Error, Result};

use crate::catalog::Tables;
use crate::columns::ROW;
use crate::error::of_engine;
use crate::rewrite::parse_one;
pub(super) use crate::rewrite::{normal, reference_of};
use crate::session::{Answer, Session};

/// The table that a statement changes, and what its columns are called by.
pub(super) struct Named {
    pub(super) reference: TableReference,
    qualifier: Vec<Ident>,
}

impl Named {
    /// The one table of `FROM t`, `FROM t AS a`.
    pub(super) fn of(what: &str, tables: &[TableWithJoins]) -> Result<Self> {
        let [TableWithJoins { relation: TableFactor::Table { name, alias, .. }, joins }] = tables
        else {
            return Err(Error::invalid(format!("{what} of several tables: name one dataset")));
        };
        if !joins.is_empty() {
            return Err(Error::invalid(format!(
                "{what} of a join: name one dataset, and the others in USING or FROM"
            )));
        }
        let own = name.0.iter().filter_map(|part| part.as_ident().cloned());
        let qualifier = match alias {
            Some(alias) => vec![alias.name.clone()],
            None => own.collect(),
        };
        Ok(Self { reference: reference_of(name)?, qualifier })
    }

    /// `t._row`.
    pub(super) fn row(&self) -> SelectItem {
        let mut parts = self.qualifier.clone();
        parts.push(Ident::new(ROW));
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts))
    }

    /// The name of a column that is assigned to: `a`, `t.a`.
    pub(super) fn column(&self, name: &ObjectName) -> Result<String> {
        let parts: Vec<&Ident> = name.0.iter().filter_map(ObjectNamePart::as_ident).collect();
        let own = self.qualifier.last().map(normal);
        match parts.as_slice() {
            [column] => Ok(normal(column)),
            [.., table, column] if own == Some(normal(table)) => Ok(normal(column)),
            _ => Err(Error::invalid(format!("{name} is not a column of {}", self.reference))),
        }
    }
}

/// `SELECT items FROM tables WHERE selection ORDER BY … LIMIT …`.
pub(super) fn select(
    items: Vec<SelectItem>,
    tables: Vec<TableWithJoins>,
    selection: Option<Expr>,
    order_by: &[OrderByExpr],
    limit: Option<Expr>,
) -> Result<Query> {
    let mut query = empty_select()?;
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.projection = items;
        select.from = tables;
        select.selection = selection;
    }
    if !order_by.is_empty() {
        let kind = OrderByKind::Expressions(order_by.to_vec());
        query.order_by = Some(OrderBy { kind, interpolate: None });
    }
    if limit.is_some() {
        query.limit_clause =
            Some(LimitClause::LimitOffset { limit, offset: None, limit_by: Vec::new() });
    }
    Ok(query)
}

fn empty_select() -> Result<Query> {
    if let Statement::Statement(statement) = parse_one("SELECT 1")?
        && let SqlStatement::Query(query) = *statement
    {
        return Ok(*query);
    }
    Err(Error::invalid("no query"))
}

/// The answer of a query over tables that are pinned already.
pub(super) async fn ask(
    session: &Session,
    tables: &mut Tables<'_>,
    query: Query,
) -> Result<Answer> {
    let (state, plan) = planned(session, tables, query).await?;
    session.run(&state, plan).await
}

/// The plan of a query.
pub(super) async fn planned(
    session: &Session,
    tables: &mut Tables<'_>,
    query: Query,
) -> Result<(SessionState, LogicalPlan)> {
    let statement = Statement::Statement(Box::new(SqlStatement::Query(Box::new(query))));
    session.plan(tables, statement).await
}

/// All batches of an answer, which have to fit into the session's memory.
pub(super) async fn collect(
    session: &Session,
    what: &'static str,
    answer: Answer,
) -> Result<Vec<RecordBatch>> {
    let memory = session.reserve(what);
    let mut batches = Vec::new();
    let mut stream = answer.into_stream();
    while let Some(batch) = stream.try_next().await? {
        memory.try_grow(batch.get_array_memory_size()).map_err(of_engine)?;
        batches.push(batch);
    }
    Ok(batches)
}
