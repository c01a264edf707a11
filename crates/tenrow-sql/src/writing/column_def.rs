//! Columns as `CREATE TABLE` and `ALTER TABLE` describe them.

use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, ColumnDef, ColumnOption, DataType as SqlType, Expr, Ident, SelectItem,
};
use serde_json::Value;
use tenrow::{Attribute, AttributeType, Error, Result, Schema};
use tenrow_values::attribute_of;
use tenrow_values::cells::json_rows;

use super::query::{ask, collect, normal, select};
use super::typed::typed;
use crate::catalog::Tables;
use crate::session::Session;

/// The attribute that a column definition is: nullable unless it says `NOT NULL`.
pub(super) async fn attribute(session: &Session, column: &ColumnDef) -> Result<Attribute> {
    let name = normal(&column.name);
    let mut nullable = true;
    let mut default = None;
    for option in &column.options {
        match &option.option {
            ColumnOption::Null => nullable = true,
            ColumnOption::NotNull => nullable = false,
            ColumnOption::Default(value) => default = Some(value.clone()),
            other => {
                return Err(Error::unsupported(format!(
                    "column {name:?}: {other} is not supported"
                )));
            }
        }
    }
    let attribute_type = attribute_type(session, &column.data_type)?;
    let attribute = Attribute::new(&name, attribute_type).with_nullable(nullable);
    match default {
        None => Ok(attribute),
        Some(value) => {
            let value = constant(session, &attribute, value).await?;
            Ok(attribute.with_default(value))
        }
    }
}

/// The type that is meant by one of SQL (`BIGINT`, `FLOAT[768]`) or by tenrow's own text (`f16`, `"u8[28,28]"`).
pub(super) fn attribute_type(session: &Session, data_type: &SqlType) -> Result<AttributeType> {
    if let Some(own) = own_type(data_type) {
        return Ok(own);
    }
    let column =
        ColumnDef { name: Ident::new("column"), data_type: data_type.clone(), options: Vec::new() };
    let schema = session.column_types(vec![column])?;
    Ok(attribute_of(schema.field(0))?.attribute_type)
}

/// `f16`, `"u8[28,28]"`, `f32[3][4]` (4 times 3, as the engine reads `FLOAT[3][4]`).
fn own_type(data_type: &SqlType) -> Option<AttributeType> {
    match data_type {
        SqlType::Custom(name, arguments) if arguments.is_empty() => {
            let [part] = name.0.as_slice() else { return None };
            part.as_ident()?.value.parse().ok()
        }
        SqlType::Array(ArrayElemTypeDef::SquareBracket(inner, Some(size))) => {
            match own_type(inner)? {
                AttributeType::Scalar(dtype) => AttributeType::tensor(dtype, [*size]).ok(),
                AttributeType::Tensor { dtype, shape } => {
                    let dims = std::iter::once(*size).chain(shape.dims().iter().copied());
                    AttributeType::tensor(dtype, dims.collect::<Vec<_>>()).ok()
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// The value of a constant expression, as one of the attribute.
async fn constant(session: &Session, attribute: &Attribute, value: Expr) -> Result<Value> {
    let alias = Ident::new("value");
    let query = select(
        vec![SelectItem::ExprWithAlias { expr: value, alias }],
        Vec::new(),
        None,
        &[],
        None,
    )?;
    let answer = ask(session, &mut Tables::new(session.roots()), query).await?;
    let batches = collect(session, "DEFAULT", answer).await?;
    // All elements of a tensor have its default.
    let value_type = match &attribute.attribute_type {
        AttributeType::Tensor { dtype, .. } => AttributeType::Scalar(*dtype),
        other => other.clone(),
    };
    let schema = Schema::new([Attribute::new(&attribute.name, value_type).with_nullable(true)])
        .map_err(|e| Error::invalid("the default").with_source(e))?;
    let what = format!("the default of {:?}", attribute.name);
    for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
        let batch = typed(batch, &schema, 0, &what)?;
        let rows = json_rows(schema.attributes(), &batch)?;
        if let Some(value) = rows.into_iter().next().and_then(|mut row| row.remove(&attribute.name))
        {
            return Ok(value);
        }
    }
    Err(Error::invalid(format!("{what} has no value")))
}
