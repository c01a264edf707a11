//! `tenrow repair`

use std::io::Write;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::Output;
use crate::commands::vacuum::{objects_json, print_objects, vacuum};
use crate::fault::Result;
use crate::stores::Stores;
use crate::text;

const AFTER: &str = "\
Nothing is removed. Files that a writer at work is about to name are listed too. What is damaged, \
`tenrow verify` finds; `tenrow restore` goes back to a version before the damage.

Example:
  tenrow repair digits";

/// The arguments of `repair`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct RepairArguments {
    /// The dataset
    dataset: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Lists what no version names.
pub(crate) async fn run(
    arguments: RepairArguments,
    stores: &Stores,
    out: &mut Output,
) -> Result<()> {
    let dataset = stores.open(&arguments.dataset).await?;
    let report = vacuum(&dataset, Duration::ZERO, true).await?;
    let orphans = &report.removed;
    if arguments.json {
        let value = json!({
            "orphans": objects_json(orphans),
            "orphan_bytes": report.removed_bytes,
            "named": report.named,
        });
        writeln!(out, "{value:#}")?;
        return Ok(());
    }
    print_objects(orphans, out)?;
    match orphans.len() as u64 {
        0 => writeln!(out, "no orphans: every file belongs to a version")?,
        count => writeln!(
            out,
            "{} ({}) that no version names; `tenrow vacuum` removes those older than 7 days",
            text::counted(count, "file", "files"),
            text::size(report.removed_bytes),
        )?,
    }
    Ok(())
}
