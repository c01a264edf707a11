//! `tenrow take`

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tenrow_convert::{Progress, export_rows};

use crate::Output;
use crate::fault::Result;
use crate::progress::Bar;
use crate::row_list::rows_of;
use crate::text;
use crate::which_version::WhichVersion;

const AFTER: &str = "\
Rows come in the order asked, and as often as asked.

Examples:
  tenrow take digits --rows 5,9,5 --attribute image --out three.npy
  tenrow take digits --rows 0..1000,59999 --out some.parquet";

/// The arguments of `take`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct TakeArguments {
    /// The dataset
    dataset: String,
    /// Row numbers, and ranges whose end is not taken: 5,9,5 or 10..20
    #[arg(long, allow_hyphen_values = true)]
    rows: String,
    /// Only these attributes
    #[arg(long = "attribute", short, value_name = "ATTRIBUTE")]
    attributes: Vec<String>,
    /// The file to write: .npy (one attribute), .npz, .parquet or .jsonl
    #[arg(long, short)]
    out: PathBuf,
    #[command(flatten)]
    version: WhichVersion,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Writes the rows.
pub(crate) async fn run(arguments: TakeArguments, out: &mut Output) -> Result<()> {
    let snapshot = arguments.version.open(&arguments.dataset).await?;
    let rows = rows_of(&snapshot, &arguments.rows)?;
    let mut bar = Bar::new("rows");
    let mut show = |progress: Progress| {
        bar.set(progress.rows, progress.total_rows, progress.bytes);
    };
    export_rows(&snapshot, &rows, &arguments.attributes, &arguments.out, &mut show).await?;
    bar.finish();
    if arguments.json {
        let value = json!({
            "version": snapshot.version().0,
            "rows": rows.len(),
            "path": arguments.out,
        });
        writeln!(out, "{value:#}")?;
        return Ok(());
    }
    let count = text::counted(rows.len() as u64, "row", "rows");
    writeln!(out, "wrote {count} to {}", arguments.out.display())?;
    Ok(())
}
