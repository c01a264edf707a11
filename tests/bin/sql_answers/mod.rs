//! Answers statements for `tests/interop/test_sql_oracle.py`, which asks DuckDB the same.
//!
//! `sql-answers FOLDER [evolved] [without-statistics]` makes the datasets `items` and `events` in `FOLDER`, and
//! `FOLDER/files.json` with the Parquet files of each: their own, or, if they are `evolved`, what they are to hold. Then it answers each line of its input, a statement, with a line of JSON:
//! `{"columns": […], "rows": [[…], …]}` or `{"error": "…"}`, in the order asked.
//!
//! `sql-answers FOLDER histories` makes nothing first: each line of its input is a list of steps in folders of their own,
//! and is answered with a list; see `histories`.

mod data;
mod evolved;
mod histories;
mod values;

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::PathBuf;

use futures::stream::{self, StreamExt};
use serde_json::{Value, json};
use tenrow_sql::{Session, SessionOptions};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// Statements that are under way at once.
const CONCURRENCY: usize = 4;

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let folder = arguments
        .first()
        .ok_or("usage: sql-answers FOLDER [evolved] [without-statistics] | FOLDER histories")?;
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if has("histories") {
        return runtime.block_on(follow_all(folder.into()));
    }
    runtime.block_on(answer_all(folder.into(), has("evolved"), !has("without-statistics")))
}

async fn answer_all(folder: PathBuf, evolved: bool, statistics: bool) -> Result<()> {
    std::fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    let files = match evolved {
        true => evolved::write(&folder).await?,
        false => data::write(&folder).await?,
    };
    std::fs::write(folder.join("files.json"), serde_json::to_vec_pretty(&files)?)?;
    let root = folder.display().to_string();
    let options =
        SessionOptions::default().with_named_root("data", root).with_statistics(statistics);
    let session = Session::new(&options.with_target_partitions(3))?;
    answer_lines(|_, line| {
        let session = session.clone();
        async move { answer(&session, &line).await }
    })
    .await
}

async fn follow_all(folder: PathBuf) -> Result<()> {
    answer_lines(|number, line| {
        let folder = folder.join(number.to_string());
        async move {
            let followed = histories::follow(folder, &line).await;
            followed.unwrap_or_else(|error| json!({ "error": error.to_string() }))
        }
    })
    .await
}

/// Writes the answer of each line of the input, some of which are under way at once.
async fn answer_lines<F>(answer: impl Fn(usize, String) -> F) -> Result<()>
where
    F: Future<Output = Value> + Send + 'static,
{
    let lines = std::io::stdin().lock().lines().collect::<std::io::Result<Vec<_>>>()?;
    let mut answers = stream::iter(lines.into_iter().enumerate())
        .map(|(number, line)| tokio::spawn(answer(number, line)))
        .buffered(CONCURRENCY);
    let mut out = std::io::stdout().lock();
    while let Some(answer) = answers.next().await {
        // A panic is an answer too: the statement is named where it is compared.
        let answer = answer.unwrap_or_else(|error| json!({ "error": error.to_string() }));
        writeln!(out, "{answer}")?;
    }
    Ok(())
}

async fn answer(session: &Session, sql: &str) -> Value {
    match rows(session, sql).await {
        Ok((columns, rows)) => json!({ "columns": columns, "rows": rows }),
        Err(error) => json!({ "error": error.chain() }),
    }
}

async fn rows(session: &Session, sql: &str) -> tenrow::Result<(Vec<String>, Vec<Value>)> {
    let answer = session.sql(sql).await?;
    let columns = answer.schema().fields().iter().map(|field| field.name().clone()).collect();
    let batches = answer.collect().await?;
    Ok((columns, batches.iter().flat_map(values::rows).collect()))
}
