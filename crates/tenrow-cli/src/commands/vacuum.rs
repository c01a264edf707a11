//! `tenrow vacuum`

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tenrow::storage::ListedObject;
use tenrow::{Dataset, VacuumOptions, VacuumReport};

use crate::answer::Answer;
use crate::command::Command;
use crate::fault::Result;
use crate::progress::Bar;
use crate::stores::Stores;
use crate::table;
use crate::text;

const AFTER: &str = "\
Files that no version names belong to versions that were expired, or to writers that were killed, or \
to a writer that is still at work and about to name them: keep --older-than above the time that your \
longest write takes.

Examples:
  tenrow vacuum digits --dry-run
  tenrow vacuum digits
  tenrow vacuum digits --older-than 0s";

/// Remove files that no version needs any more
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct VacuumArguments {
    /// The dataset
    dataset: String,
    /// Keep files that are younger: 7d, 12h, 0s
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    #[arg(default_value = "7d")]
    older_than: Duration,
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
}

impl Command for VacuumArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let dataset = stores.open(&self.dataset).await?;
        let report = vacuum(&dataset, self.older_than, self.dry_run).await?;
        let (is_dry, older_than) = (self.dry_run, self.older_than);
        Ok(Answer::of(
            report,
            move |report| json(report, is_dry),
            move |report| text(report, is_dry, older_than),
        ))
    }
}

fn json(report: &VacuumReport, is_dry: bool) -> Value {
    json!({
        "dry_run": is_dry,
        "removed": objects_json(&report.removed),
        "removed_bytes": report.removed_bytes,
        "too_young": report.too_young,
        "named": report.named,
    })
}

fn text(report: &VacuumReport, is_dry: bool, older_than: Duration) -> String {
    let mut text = if is_dry { objects_text(&report.removed) } else { String::new() };
    let verb = if is_dry { "would remove" } else { "removed" };
    let files = text::counted(report.removed.len() as u64, "file", "files");
    text.push_str(&format!("{verb} {files} ({})\n", text::size(report.removed_bytes)));
    if report.too_young > 0 {
        let young = text::counted(report.too_young, "file is", "files are");
        let age = humantime::format_duration(older_than);
        text.push_str(&format!(
            "{young} younger than {age} and stay, though no version names them\n"
        ));
    }
    text
}

/// Runs a vacuum behind a progress bar; for `orphans` too.
pub(crate) async fn vacuum(
    dataset: &Dataset,
    older_than: Duration,
    dry_run: bool,
) -> Result<VacuumReport> {
    let bar = Bar::new("files");
    let options = VacuumOptions { older_than, dry_run, on_progress: bar.on_progress() };
    Ok(dataset.vacuum(options).await?)
}

/// Files with their sizes and ages.
pub(crate) fn objects_json(objects: &[ListedObject]) -> Value {
    let object = |object: &ListedObject| {
        json!({
            "path": object.path,
            "bytes": object.size_bytes,
            "modified": text::time(object.modified_ms),
            "modified_ms": object.modified_ms,
        })
    };
    objects.iter().map(object).collect()
}

/// Files, a line each.
pub(crate) fn objects_text(objects: &[ListedObject]) -> String {
    let row = |object: &ListedObject| {
        let size = text::size(object.size_bytes);
        vec![object.path.clone(), size, text::time(object.modified_ms)]
    };
    table::list(&objects.iter().map(row).collect::<Vec<_>>())
}
