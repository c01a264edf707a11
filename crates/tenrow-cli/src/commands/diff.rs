//! `tenrow diff`

use std::io::Write;

use clap::Args;
use serde_json::json;
use tenrow::Diff;

use crate::Output;
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

/// The arguments of `diff`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct DiffArguments {
    /// The dataset
    dataset: String,
    /// The version that is compared, by its number or a tag
    from: String,
    /// The version that it is compared with; the newest if not given
    to: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Compares the versions.
pub(crate) async fn run(arguments: DiffArguments, stores: &Stores, out: &mut Output) -> Result<()> {
    let dataset = stores.open(&arguments.dataset).await?;
    let from = dataset.named(&arguments.from).await?;
    let to = match &arguments.to {
        Some(to) => dataset.named(to).await?,
        None => dataset.latest().await?,
    };
    let spinner = Spinner::start("comparing");
    let diff = from.diff(&to).await?;
    drop(spinner);
    if !arguments.json {
        return print(&diff, out);
    }
    let value = json!({
        "from": diff.from.0,
        "to": diff.to.0,
        "rows_added": diff.rows_added,
        "rows_deleted": diff.rows_deleted,
        "schema_changes": diff.schema_changes,
        "files_added": diff.files_added,
        "bytes_added": diff.bytes_added,
        "files_removed": diff.files_removed,
        "bytes_removed": diff.bytes_removed,
    });
    writeln!(out, "{value:#}")?;
    Ok(())
}

fn print(diff: &Diff, out: &mut Output) -> Result<()> {
    writeln!(out, "from version {} to version {}", diff.from, diff.to)?;
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
    for line in lines {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}
