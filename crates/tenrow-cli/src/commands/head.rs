//! `tenrow head`

use std::io::Write;

use clap::Args;
use serde_json::Value;

use crate::Output;
use crate::fault::Result;
use crate::show::{self, Style};
use crate::stores::Stores;
use crate::terminal::Drawing;
use crate::which_version::WhichVersion;

const AFTER: &str = "\
Examples:
  tenrow head digits
  tenrow head digits -n 2 --draw | less -R
  tenrow head digits --json | jq '.[]._row_id'";

/// The arguments of `head`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct HeadArguments {
    /// The dataset
    dataset: String,
    /// How many rows
    #[arg(short = 'n', value_name = "ROWS", default_value_t = 5)]
    row_count: u64,
    #[command(flatten)]
    version: WhichVersion,
    /// Draw pictures even where the output is not a terminal
    #[arg(long, conflicts_with = "json")]
    draw: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints the first rows.
pub(crate) async fn run(arguments: HeadArguments, stores: &Stores, out: &mut Output) -> Result<()> {
    let snapshot = arguments.version.open(stores, &arguments.dataset).await?;
    let attributes = snapshot.schema().attributes();
    let rows = 0..arguments.row_count.min(snapshot.row_count());
    if arguments.json {
        let rows = show::rows_json(&snapshot, rows, attributes).await?;
        writeln!(out, "{:#}", Value::from(rows))?;
        return Ok(());
    }
    let drawing = if arguments.draw { Drawing::always() } else { Drawing::on_terminals() };
    let style = Style { drawing, is_whole: false };
    if snapshot.row_count() == 0 {
        writeln!(out, "no rows yet: fill it with `tenrow import`")?;
    }
    for row in rows {
        write!(out, "{}", show::rows(&snapshot, row..row + 1, attributes, style).await?)?;
    }
    Ok(())
}
