//! `tenrow diff`

use clap::Args;
use serde_json::{Value, json};
use tenrow::Diff;

use crate::answer::Answer;
use crate::command::Command;
use crate::fault::Result;
use crate::progress::Spinner;
use crate::stores::Stores;
use crate::text;

const AFTER: &str = "\
Rows are told apart by their stable ids: a row that was only moved, by a delete before it or by a \
compaction, is neither added nor deleted.

Examples:
  tenrow diff digits 2
  tenrow diff digits 2 before-cleaning --json";

/// Show what one version has that another has not
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct DiffArguments {
    /// The dataset
    dataset: String,
    /// The version that is compared, by its number or a tag
    from: String,
    /// The version that it is compared with; the newest if not given
    to: Option<String>,
}

impl Command for DiffArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let dataset = stores.open(&self.dataset).await?;
        let from = dataset.named(&self.from).await?;
        let to = match &self.to {
            Some(to) => dataset.named(to).await?,
            None => dataset.latest().await?,
        };
        let spinner = Spinner::start("comparing");
        let diff = from.diff(&to).await?;
        drop(spinner);
        Ok(Answer::of(diff, json, text))
    }
}

fn json(diff: &Diff) -> Value {
    json!({
        "from": diff.from.0,
        "to": diff.to.0,
        "rows_added": diff.rows_added,
        "rows_deleted": diff.rows_deleted,
        "schema_changes": diff.schema_changes,
        "files_added": diff.files_added,
        "bytes_added": diff.bytes_added,
        "files_removed": diff.files_removed,
        "bytes_removed": diff.bytes_removed,
    })
}

fn text(diff: &Diff) -> String {
    let mut lines = Vec::new();
    for (what, rows) in [("added", diff.rows_added), ("deleted", diff.rows_deleted)] {
        if rows > 0 {
            lines.push(format!("{} {what}", text::counted(rows, "row", "rows")));
        }
    }
    lines.extend(diff.schema_changes.iter().map(|change| format!("schema: {change}")));
    for (what, files, bytes) in [
        ("added", diff.files_added, diff.bytes_added),
        ("no longer used", diff.files_removed, diff.bytes_removed),
    ] {
        if files > 0 {
            let files = text::counted(files, "Parquet file", "Parquet files");
            lines.push(format!("{files} {what} ({})", text::size(bytes)));
        }
    }
    if lines.is_empty() {
        lines.push("the same rows, attributes and files".into());
    }
    let lines: String = lines.iter().map(|line| format!("  {line}\n")).collect();
    format!("from version {} to version {}\n{lines}", diff.from, diff.to)
}
