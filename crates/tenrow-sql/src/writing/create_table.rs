//! `CREATE TABLE t AS SELECT …`, `CREATE TABLE t (a BIGINT, v FLOAT[768])`: a dataset.

use arrow_schema::DataType;
use datafusion::sql::sqlparser::ast::CreateTable;
use tenrow::{
    Attribute, CreateOptions, Dataset, DatasetWriter, Error, ErrorKind, Result, Schema,
    WriteOptions,
};
use tenrow_values::attribute_of;

use super::insert::{Columns, append};
use super::query::{planned, reference_of};
use super::{changed, column_def, premise, refuse};
use crate::catalog::Tables;
use crate::session::{Answer, Change, Session};

pub(super) async fn run(session: &Session, create: &CreateTable) -> Result<Change> {
    refuse(
        "CREATE TABLE",
        &[
            (create.temporary || create.global.is_some(), "TEMPORARY"),
            (create.external, "EXTERNAL"),
            (!create.constraints.is_empty(), "constraints"),
            (create.like.is_some(), "LIKE"),
            (create.clone.is_some(), "CLONE"),
            (create.location.is_some(), "LOCATION"),
            (create.query.is_some() && !create.columns.is_empty(), "columns and AS at once"),
        ],
    )?;
    let reference = reference_of(&create.name)?;
    let dataset = session.roots().place_of_new(&reference).await?;
    let existing = match dataset.latest().await {
        Ok(existing) => Some(existing),
        Err(error) if error.kind() == ErrorKind::NotADataset => None,
        Err(error) => return Err(error),
    };
    if let Some(existing) = existing.as_ref().filter(|_| create.if_not_exists) {
        return Ok(changed(0, existing));
    }
    if existing.is_some() && !create.or_replace {
        return Err(Error::new(
            ErrorKind::AlreadyExists,
            format!(
                "{reference} exists already: INSERT INTO appends to it, CREATE OR REPLACE TABLE puts a new version over it, which keeps the old ones"
            ),
        ));
    }
    let replaces = existing.is_some();
    match create.query.as_deref() {
        Some(query) => {
            let mut tables = Tables::new(session.roots());
            // What is replaced may be read too: in the version that is found here.
            let target = match replaces {
                true => Some(tables.target(&reference).await?),
                false => None,
            };
            let (state, plan) = planned(session, &mut tables, query.clone()).await?;
            let premise = match &target {
                Some(target) => premise::of_rows(&plan, &target.snapshot)?,
                None => None,
            };
            let answer = session.run(&state, plan).await?;
            let schema = schema_of(&answer)?;
            let mut writer = writer(&dataset, schema.clone(), replaces).await?;
            if let Some(premise) = premise {
                writer = writer.with_premise(premise);
            }
            let rows = append(&mut writer, &Columns::all(&schema), answer, "CREATE TABLE").await?;
            Ok(changed(rows, &writer.commit().await?))
        }
        None => {
            let mut attributes = Vec::with_capacity(create.columns.len());
            for column in &create.columns {
                attributes.push(column_def::attribute(session, column).await?);
            }
            let schema = checked(attributes)?;
            match replaces {
                true => {
                    let writer = writer(&dataset, schema, replaces).await?;
                    Ok(changed(0, &writer.commit().await?))
                }
                false => {
                    let options = CreateOptions::default();
                    Ok(changed(0, &dataset.create_here(schema, &options).await?))
                }
            }
        }
    }
}

async fn writer(dataset: &Dataset, schema: Schema, replaces: bool) -> Result<DatasetWriter> {
    let options = WriteOptions::default();
    Ok(match replaces {
        true => dataset.overwriter(Some(schema), options).await?,
        false => dataset.writer_of_new(schema, &CreateOptions::default(), options).await?,
    })
}

/// The attributes that the columns of an answer become; fixed-size lists of numbers are tensors.
fn schema_of(answer: &Answer) -> Result<Schema> {
    let attributes = answer.schema().fields().iter().map(|field| match field.data_type() {
        DataType::Null => Err(Error::invalid(format!(
            "column {:?} is NULL and has no type: write CAST(NULL AS …)",
            field.name()
        ))),
        _ => attribute_of(field).map_err(Error::from),
    });
    checked(attributes.collect::<Result<_>>()?)
}

fn checked(attributes: Vec<Attribute>) -> Result<Schema> {
    Schema::new(attributes).map_err(|error| {
        Error::invalid(format!("the columns of the new dataset: {error}: name them with AS"))
    })
}
