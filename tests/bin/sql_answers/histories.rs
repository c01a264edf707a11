//! Histories: datasets that come about step by step, and are asked between the steps.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tenrow::CompactOptions;
use tenrow_sql::{Session, SessionOptions};

use super::{Result, answer};

/// Follows a history, a list of steps, in a folder of its own; gives a list with the answer of each.
///
/// A step is a statement, or what there is none for: `["merge", "into", "from"]`, `["clone", "from", "to"]`,
/// `["compact", "name"]`, `["tag", "name", "tag"]`, `["restore", "name", "tag"]`. Some queries are asked without statistics too; if the
/// two answers differ, that is an error.
pub(crate) async fn follow(folder: PathBuf, line: &str) -> Result<Value> {
    let steps: Vec<Value> = serde_json::from_str(line)?;
    std::fs::create_dir_all(&folder)?;
    let session = |statistics| {
        let options = SessionOptions::default()
            .with_named_root("data", folder.display().to_string())
            .with_statistics(statistics);
        Session::new(&options.with_target_partitions(3))
    };
    let (session, plain) = (session(true)?, session(false)?);
    let mut answers = Vec::with_capacity(steps.len());
    for step in &steps {
        answers.push(match step.as_str() {
            Some(sql) if sql.starts_with("SELECT") && sql.len().is_multiple_of(4) => {
                ask_both(&session, &plain, sql).await
            }
            Some(sql) => answer(&session, sql).await,
            None => match change(&session, &folder, step).await {
                Ok(()) => json!({ "columns": [], "rows": [] }),
                Err(error) => json!({ "error": error.to_string() }),
            },
        });
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(Value::Array(answers))
}

async fn ask_both(session: &Session, plain: &Session, sql: &str) -> Value {
    let (own, other) = (answer(session, sql).await, answer(plain, sql).await);
    // Rows without an order may come in another one, and an error may be of another row.
    let sorted = |answer: &Value| {
        let mut rows: Vec<String> =
            answer["rows"].as_array().into_iter().flatten().map(Value::to_string).collect();
        rows.sort_unstable();
        (answer["error"].is_null(), rows)
    };
    match sorted(&own) == sorted(&other) {
        true => own,
        false => json!({ "error": format!("{own} with statistics, {other} without") }),
    }
}

async fn change(session: &Session, folder: &Path, step: &Value) -> Result<()> {
    let word = |place: usize| step[place].as_str().ok_or(format!("{step} is no step"));
    let dataset = session.dataset(word(1)?).await?;
    match word(0)? {
        "merge" => {
            let from = session.dataset(word(2)?).await?;
            dataset.merge(&from, &from.latest().await?).await?;
        }
        "clone" => {
            let place = folder.join(word(2)?).display().to_string();
            dataset.clone_to(&place, dataset.latest().await?.version()).await?;
        }
        "compact" => {
            dataset.compact(CompactOptions::default()).await?;
        }
        "tag" => {
            dataset.tag(word(2)?, dataset.latest().await?.version()).await?;
        }
        "restore" => {
            dataset.restore(dataset.tagged(word(2)?).await?.version()).await?;
        }
        other => return Err(format!("{other} is no step").into()),
    }
    Ok(())
}
