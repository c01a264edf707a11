//! `tenrow restore`

use std::io::Write;

use clap::Args;
use serde_json::json;

use crate::Output;
use crate::fault::Result;
use crate::stores::Stores;
use crate::text;

const AFTER: &str = "\
The rows, attributes and properties of the old version become those of a new one. Nothing is lost: \
what was committed since stays in the history, and so do the tags.

Examples:
  tenrow restore digits 2
  tenrow restore digits trained-on";

/// The arguments of `restore`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct RestoreArguments {
    /// The dataset
    dataset: String,
    /// The version to come back, by its number or a tag
    version: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Restores the version.
pub(crate) async fn run(
    arguments: RestoreArguments,
    stores: &Stores,
    out: &mut Output,
) -> Result<()> {
    let dataset = stores.open(&arguments.dataset).await?;
    let old = dataset.named(&arguments.version).await?.version();
    let newest = dataset.restore(old).await?;
    if arguments.json {
        let value = json!({
            "version": newest.version().0,
            "restored_version": old.0,
            "rows": newest.row_count(),
        });
        writeln!(out, "{value:#}")?;
        return Ok(());
    }
    let rows = text::counted(newest.row_count(), "row", "rows");
    writeln!(out, "version {} is what version {old} was: {rows}", newest.version())?;
    Ok(())
}
