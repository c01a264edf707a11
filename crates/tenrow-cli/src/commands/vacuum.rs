//! `tenrow vacuum`

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tenrow::storage::ListedObject;
use tenrow::{Dataset, VacuumOptions, VacuumReport};

use crate::Output;
use crate::fault::Result;
use crate::progress::Bar;
use crate::stores::Stores;
use crate::text;

const AFTER: &str = "\
Files that no version names belong to versions that were expired, or to writers that were killed, or \
to a writer that is still at work and about to name them: keep --older-than above the time that your \
longest write takes.

Examples:
  tenrow vacuum digits --dry-run
  tenrow vacuum digits
  tenrow vacuum digits --older-than 0s";

/// The arguments of `vacuum`.
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
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Removes what no version names.
pub(crate) async fn run(
    arguments: VacuumArguments,
    stores: &Stores,
    out: &mut Output,
) -> Result<()> {
    let dataset = stores.open(&arguments.dataset).await?;
    let report = vacuum(&dataset, arguments.older_than, arguments.dry_run).await?;
    if arguments.json {
        let value = json!({
            "dry_run": arguments.dry_run,
            "removed": objects_json(&report.removed),
            "removed_bytes": report.removed_bytes,
            "too_young": report.too_young,
            "named": report.named,
        });
        writeln!(out, "{value:#}")?;
        return Ok(());
    }
    if arguments.dry_run {
        print_objects(&report.removed, out)?;
    }
    let verb = if arguments.dry_run { "would remove" } else { "removed" };
    let files = text::counted(report.removed.len() as u64, "file", "files");
    writeln!(out, "{verb} {files} ({})", text::size(report.removed_bytes))?;
    if report.too_young > 0 {
        let young = text::counted(report.too_young, "file is", "files are");
        let age = humantime::format_duration(arguments.older_than);
        writeln!(out, "{young} younger than {age} and stay, though no version names them")?;
    }
    Ok(())
}

/// Runs a vacuum behind a progress bar; for `repair` too.
pub(crate) async fn vacuum(
    dataset: &Dataset,
    older_than: Duration,
    dry_run: bool,
) -> Result<VacuumReport> {
    let bar = Arc::new(Mutex::new(Bar::new("files")));
    let shown = bar.clone();
    let on_progress = move |seen| {
        if let Ok(mut bar) = shown.lock() {
            bar.set(seen, None, 0);
        }
        true
    };
    let options = VacuumOptions { older_than, dry_run, on_progress: Some(Box::new(on_progress)) };
    let report = dataset.vacuum(options).await?;
    if let Ok(bar) = bar.lock() {
        bar.finish();
    }
    Ok(report)
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
pub(crate) fn print_objects(objects: &[ListedObject], out: &mut Output) -> Result<()> {
    let row = |object: &ListedObject| {
        let size = text::size(object.size_bytes);
        vec![object.path.clone(), size, text::time(object.modified_ms)]
    };
    write!(out, "{}", text::table(&objects.iter().map(row).collect::<Vec<_>>()))?;
    Ok(())
}
