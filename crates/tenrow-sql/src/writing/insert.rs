//! `INSERT INTO t [(a, b)] SELECT … | VALUES …`.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::Schema as ArrowSchema;
use datafusion::common::TableReference;
use datafusion::sql::sqlparser::ast::{Insert, ObjectName, Query, TableObject};
use tenrow::{Attribute, DatasetWriter, Error, Result, Schema, Snapshot};

use super::query::{normal, planned, reference_of};
use super::typed::typed;
use super::{changed, premise, refuse};
use crate::catalog::Tables;
use crate::columns::HIDDEN_COLUMNS;
use crate::session::{Answer, Change, Session};

/// What is inserted.
pub(super) fn source(insert: &Insert) -> Result<&Query> {
    refuse(
        "INSERT",
        &[
            (insert.overwrite || insert.replace_into, "OVERWRITE or REPLACE"),
            (insert.or.is_some() || insert.on.is_some(), "ON CONFLICT"),
            (insert.returning.is_some() || insert.output.is_some(), "RETURNING"),
            (insert.partitioned.is_some(), "PARTITION"),
            (!insert.assignments.is_empty(), "SET"),
        ],
    )?;
    let source = insert.source.as_deref();
    source.ok_or_else(|| Error::invalid("INSERT of nothing: add VALUES (…) or a SELECT"))
}

/// The dataset that rows are inserted into.
pub(super) fn target(insert: &Insert) -> Result<TableReference> {
    match &insert.table {
        TableObject::TableName(name) => reference_of(name),
        _ => Err(Error::unsupported("INSERT into anything but a dataset is not supported")),
    }
}

/// The columns that are named before the source; none: all.
pub(super) fn names(insert: &Insert) -> Vec<String> {
    let name = |column: &ObjectName| {
        let ident = column.0.last().and_then(|part| part.as_ident());
        ident.map(normal).unwrap_or_else(|| column.to_string())
    };
    insert.columns.iter().map(name).collect()
}

pub(super) async fn run(session: &Session, insert: &Insert) -> Result<Change> {
    let source = source(insert)?;
    let reference = target(insert)?;
    premise::again(session, &reference, || once(session, insert, &reference, source)).await
}

async fn once(
    session: &Session,
    insert: &Insert,
    reference: &TableReference,
    source: &Query,
) -> Result<Change> {
    let mut tables = Tables::new(session.roots());
    let target = tables.target(reference).await?;
    let (state, plan) = planned(session, &mut tables, source.clone()).await?;
    let premise = premise::of_rows(&plan, &target.snapshot)?;
    let answer = session.run(&state, plan).await?;
    let columns = Columns::new(&target.snapshot, names(insert), &answer)?;
    let mut writer = target.dataset.writer().await?;
    if let Some(premise) = premise {
        writer = writer.with_premise(premise);
    }
    let rows = append(&mut writer, &columns, answer, "INSERT").await?;
    Ok(changed(rows, &writer.commit().await?))
}

/// Appends all rows of an answer.
pub(super) async fn append(
    writer: &mut DatasetWriter,
    columns: &Columns,
    mut answer: Answer,
    what: &str,
) -> Result<u64> {
    while let Some(batch) = answer.next().await? {
        let batch = typed(&batch, &columns.given, writer.row_count(), what)?;
        writer.append(&columns.complete(&batch)?).await?;
    }
    Ok(writer.row_count())
}

/// Where the columns of an answer go.
pub(super) struct Columns {
    /// The attributes that the answer has, in its order.
    given: Schema,
    /// Those that it lacks: their rows are their default, else null.
    missing: Vec<Attribute>,
}

impl Columns {
    /// All attributes of a schema, in their order.
    pub(super) fn all(schema: &Schema) -> Self {
        Self { given: schema.clone(), missing: Vec::new() }
    }

    /// The attributes called `names`; none: all.
    fn new(snapshot: &Snapshot, names: Vec<String>, answer: &Answer) -> Result<Self> {
        let schema = snapshot.schema();
        if let Some(hidden) = names.iter().find(|name| HIDDEN_COLUMNS.contains(&name.as_str())) {
            let reason =
                format!("INSERT into {hidden}: it is where a row is, which no statement sets");
            return Err(Error::invalid(reason));
        }
        if let Some(twice) = (1..names.len()).find(|&i| names[..i].contains(&names[i])) {
            return Err(Error::invalid(format!("INSERT names {:?} twice", names[twice])));
        }
        let given: Vec<Attribute> = match names.is_empty() {
            true => schema.attributes().to_vec(),
            false => {
                let given = names.iter().map(|name| Ok(snapshot.attribute(name)?.clone()));
                given.collect::<Result<_>>()?
            }
        };
        let found = answer.schema().fields().len();
        if found != given.len() {
            let names = given.iter().map(|a| a.name.as_str());
            return Err(Error::invalid(format!(
                "INSERT of {found} values into {} columns: {}",
                given.len(),
                tenrow::engine::names_listed(names)
            )));
        }
        let is_missing = |a: &&Attribute| given.iter().all(|other| other.id != a.id);
        let missing: Vec<Attribute> =
            schema.attributes().iter().filter(is_missing).cloned().collect();
        if let Some(lacking) = missing.iter().find(|a| !a.nullable && a.default.is_none()) {
            return Err(Error::invalid(format!(
                "INSERT without {:?}, which is {} and has no default: name it too",
                lacking.name,
                lacking.type_text()
            )));
        }
        let given = Schema::from_parts(given, schema.next_field_id())
            .map_err(|e| Error::invalid("the columns of INSERT").with_source(e))?;
        Ok(Self { given, missing })
    }

    /// The batch, with the attributes that it lacks.
    fn complete(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        if self.missing.is_empty() {
            return Ok(batch.clone());
        }
        let mut fields = batch.schema().fields().to_vec();
        let mut columns = batch.columns().to_vec();
        for attribute in &self.missing {
            let rows = attribute.default_rows(batch.num_rows());
            columns.push(rows.map_err(|e| Error::invalid("a default").with_source(e))?);
            fields.push(Arc::new(attribute.arrow_field()));
        }
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::new(ArrowSchema::new(fields)), columns, &rows)
            .map_err(|e| Error::invalid("the rows make no batch").with_source(e))
    }
}
