//! The types of the parameters of a statement, as far as it says them.
//!
//! | the parameter is | its type |
//! |---|---|
//! | compared with something, or computed with it | that of the other |
//! | the new value of a column, in `UPDATE … SET` and in the `VALUES` of an `INSERT` | that of the column |
//! | in `LIMIT` and `OFFSET` | a number |
//! | elsewhere, or in places that do not agree | not known |

use std::collections::HashMap;

use arrow_schema::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr as SqlExpr, Insert, SetExpr, Statement as SqlStatement, Update, Value,
};
use tenrow::Result;

use crate::catalog::Tables;
use crate::error::of_engine;
use crate::session::Session;
use crate::writing;

/// Types by the names of parameters; none of those that do not agree.
#[derive(Debug, Default)]
struct Types(HashMap<String, Option<DataType>>);

impl Types {
    fn note(&mut self, name: &str, data_type: &DataType) {
        let name = name.trim_start_matches('$');
        let known = self.0.entry(name.to_owned()).or_insert_with(|| Some(data_type.clone()));
        let agree =
            |known: &DataType| known == data_type || known.is_numeric() && data_type.is_numeric();
        if !known.as_ref().is_some_and(agree) {
            *known = None;
        }
    }
}

/// The types of the parameters of `statement` by their names, as far as they are known. Nothing was put into it yet; of one
/// that cannot be planned so, few are known.
pub(crate) async fn types(
    session: &Session,
    statement: &Statement,
) -> Result<HashMap<String, DataType>> {
    let mut types = Types::default();
    let inner = match statement {
        Statement::Explain(explain) => &explain.statement,
        other => other,
    };
    if let Statement::Statement(inner) = inner {
        match inner.as_ref() {
            SqlStatement::Update(update) => of_update(session, update, &mut types).await?,
            SqlStatement::Insert(insert) => of_insert(session, insert, &mut types).await?,
            _ => {}
        }
    }
    let query = match writing::explained(inner)? {
        Some(query) => Statement::Statement(Box::new(SqlStatement::Query(Box::new(query)))),
        None => inner.clone(),
    };
    if let Ok((_, plan)) = session.plan(&mut Tables::new(session.roots()), query).await {
        of_plan(&plan, &mut types)?;
    }
    Ok(types.0.into_iter().filter_map(|(name, known)| Some((name, known?))).collect())
}

async fn of_update(session: &Session, update: &Update, types: &mut Types) -> Result<()> {
    let (reference, names) = writing::assigned(update)?;
    let target = Tables::new(session.roots()).target(&reference).await?;
    for (name, assignment) in names.iter().zip(&update.assignments) {
        if let (Some(parameter), Ok(attribute)) =
            (parameter(&assignment.value), target.snapshot.attribute(name))
        {
            types.note(parameter, &attribute.attribute_type.arrow_type());
        }
    }
    Ok(())
}

async fn of_insert(session: &Session, insert: &Insert, types: &mut Types) -> Result<()> {
    let Some(SetExpr::Values(values)) = insert.source.as_deref().map(|query| query.body.as_ref())
    else {
        return Ok(());
    };
    let (reference, names) = writing::inserted(insert)?;
    let target = Tables::new(session.roots()).target(&reference).await?;
    let all = target.snapshot.schema().attributes();
    for row in &values.rows {
        for (place, value) in row.iter().enumerate() {
            let attribute = match names.get(place) {
                Some(name) => target.snapshot.attribute(name).ok(),
                None if names.is_empty() => all.get(place),
                None => None,
            };
            if let (Some(parameter), Some(attribute)) = (parameter(value), attribute) {
                types.note(parameter, &attribute.attribute_type.arrow_type());
            }
        }
    }
    Ok(())
}

/// The name of the parameter that an expression is.
fn parameter(expr: &SqlExpr) -> Option<&str> {
    match expr {
        SqlExpr::Value(value) => match &value.value {
            Value::Placeholder(name) => Some(name),
            _ => None,
        },
        SqlExpr::Nested(inner) => parameter(inner),
        _ => None,
    }
}

fn of_plan(plan: &LogicalPlan, types: &mut Types) -> Result<()> {
    plan.apply_with_subqueries(|step| {
        let counts = matches!(step, LogicalPlan::Limit(_));
        step.apply_expressions(|expression| {
            expression.apply(|part| {
                if let Expr::Placeholder(Placeholder { id, field }) = part {
                    match field {
                        Some(field) => types.note(id, field.data_type()),
                        None if counts => types.note(id, &DataType::Int64),
                        None => {}
                    }
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })
    .map_err(of_engine)?;
    Ok(())
}
