//! A session as sqllogictest drives it, and answers as text.

use arrow_array::{Array, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;
use async_trait::async_trait;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType};
use tenrow::Error;
use tenrow_sql::{Answer, Session};

/// What sqllogictest calls a database.
pub(crate) struct Db(pub(crate) Session);

#[async_trait]
impl AsyncDB for Db {
    type Error = Fault;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Fault> {
        if let Some(query) = sql.strip_prefix("EXPLAIN ") {
            return Ok(steps_of(&self.0, query).await?);
        }
        let answer = self.0.sql(sql).await?;
        let types = answer.schema().fields().iter().map(|f| kind_of(f.data_type())).collect();
        Ok(DBOutput::Rows { types, rows: rows_of(answer).await? })
    }

    async fn shutdown(&mut self) {}
}

/// The steps of a plan, each with how deep it is. Files, whose names are chance, are counted.
async fn steps_of(session: &Session, query: &str) -> Result<DBOutput<DefaultColumnType>, Error> {
    let rows = rows_of(session.sql(&format!("EXPLAIN {query}")).await?).await?;
    let physical = rows.iter().filter(|row| row[0] == "physical_plan");
    let lines = physical.flat_map(|row| row[1].lines());
    let step = |line: &str| {
        let text = line.trim_start();
        let depth = (line.len() - text.len()) / 2;
        vec![depth.to_string(), without_files(text)]
    };
    let types = vec![DefaultColumnType::Integer, DefaultColumnType::Text];
    Ok(DBOutput::Rows { types, rows: lines.map(step).collect() })
}

/// `file_groups={2 groups: [[a, b], [c]]}` → `files=3`.
fn without_files(step: &str) -> String {
    let Some((before, after)) = step.split_once("file_groups={") else { return step.to_owned() };
    let (files, after) = after.split_once('}').unwrap_or((after, ""));
    format!("{before}files={}{after}", files.matches(".parquet").count())
}

/// An error that shows its causes too.
#[derive(Debug)]
pub(crate) struct Fault(Error);

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.chain())
    }
}

impl std::error::Error for Fault {}

fn kind_of(data_type: &DataType) -> DefaultColumnType {
    match data_type {
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => DefaultColumnType::Text,
        other if other.is_integer() => DefaultColumnType::Integer,
        other if other.is_floating() => DefaultColumnType::FloatingPoint,
        _ => DefaultColumnType::Any,
    }
}

/// The rows of an answer as text.
pub(crate) async fn rows_of(answer: Answer) -> Result<Vec<Vec<String>>, Error> {
    Ok(answer.collect().await?.iter().flat_map(rows_of_batch).collect())
}

fn rows_of_batch(batch: &RecordBatch) -> Vec<Vec<String>> {
    let options = FormatOptions::default().with_null("NULL");
    let columns: Vec<_> =
        batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
    let text = |column: usize, row: usize| {
        let is_empty = !batch.column(column).is_null(row);
        match columns[column].value(row).to_string() {
            text if text.is_empty() && is_empty => "(empty)".to_owned(),
            text => text,
        }
    };
    (0..batch.num_rows())
        .map(|row| (0..columns.len()).map(|column| text(column, row)).collect())
        .collect()
}

/// The rows that a statement gives, as text.
pub(crate) async fn ask(session: &Session, sql: &str) -> Vec<Vec<String>> {
    let answer = session.sql(sql).await.unwrap_or_else(|e| panic!("{sql}: {}", e.chain()));
    rows_of(answer).await.unwrap_or_else(|e| panic!("{sql}: {}", e.chain()))
}

/// The physical plan of a query, as `EXPLAIN` shows it.
pub(crate) async fn explain(session: &Session, sql: &str) -> String {
    let rows = ask(session, &format!("EXPLAIN {sql}")).await;
    let physical = rows.into_iter().find(|row| row[0] == "physical_plan").unwrap();
    physical[1].clone()
}
