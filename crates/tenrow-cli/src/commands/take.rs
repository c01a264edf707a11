//! `tenrow take`

use std::io::{Write, stderr};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tenrow_convert::export_file;

use crate::Output;
use crate::commands::export::existing;
use crate::fault::Result;
use crate::progress::Bar;
use crate::row_list::rows_of;
use crate::stores::Stores;
use crate::text;
use crate::which_version::WhichVersion;

const AFTER: &str = "\
Rows come in the order asked, and as often as asked. A .png is a contact sheet: the pictures of the rows, side by side.

Examples:
  tenrow take digits --rows 5,9,5 --attribute image --out three.npy
  tenrow take digits --rows 0..1000,59999 --out some.parquet
  tenrow take digits --view train --rows 0..100 --out first.npz
  tenrow take digits --view wrong@latest --attribute image --out wrong.png";

/// The arguments of `take`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct TakeArguments {
    /// The dataset
    dataset: String,
    /// Row numbers, and ranges whose end is not taken: 5,9,5 or 10..20; of a view, places in it
    #[arg(long, allow_hyphen_values = true, required_unless_present = "view")]
    rows: Option<String>,
    /// The rows of this view, in its order; in another version than its own: VIEW@latest, VIEW@7, VIEW@TAG
    #[arg(long, value_name = "VIEW", conflicts_with_all = ["version", "at"])]
    view: Option<String>,
    /// Only these attributes
    #[arg(long = "attribute", short, value_name = "ATTRIBUTE")]
    attributes: Vec<String>,
    /// The file to write, whose extension says the format: one that `tenrow export` has; .npy and .png are of one attribute
    #[arg(long, short)]
    out: PathBuf,
    /// Replace the file if it is there already
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    version: WhichVersion,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Writes the rows.
pub(crate) async fn run(arguments: TakeArguments, stores: &Stores, out: &mut Output) -> Result<()> {
    let dataset = stores.open(&arguments.dataset).await?;
    let view = match &arguments.view {
        Some(name) => dataset.view_named(name).await?,
        None => arguments.version.of(&dataset).await?.all(),
    };
    let view = match &arguments.rows {
        Some(text) => view.rows(rows_of(&view, text)?).await?,
        None => view,
    };
    let bar = Bar::new("rows");
    let (attributes, path) = (&arguments.attributes, &arguments.out);
    let existing = existing(arguments.force);
    let exported = export_file(&view, attributes, path, existing, &bar.on_progress()).await?;
    bar.finish();
    for remark in &exported.remarks {
        writeln!(stderr(), "tenrow: {remark}")?;
    }
    for (_, reason) in &exported.skipped {
        writeln!(stderr(), "tenrow: left out: {reason}")?;
    }
    if arguments.json {
        let value = json!({
            "version": view.version().0,
            "rows": view.row_count(),
            "path": arguments.out,
        });
        writeln!(out, "{value:#}")?;
        return Ok(());
    }
    let count = text::counted(view.row_count(), "row", "rows");
    writeln!(out, "wrote {count} to {}", arguments.out.display())?;
    Ok(())
}
