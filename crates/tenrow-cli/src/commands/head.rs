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
  tenrow head digits --view test@latest
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
    /// The rows of this view, in its order; in another version than its own: VIEW@latest, VIEW@7, VIEW@TAG
    #[arg(long, value_name = "VIEW", conflicts_with_all = ["version", "at"])]
    view: Option<String>,
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
    let dataset = stores.place(&arguments.dataset)?;
    let view = match &arguments.view {
        Some(name) => dataset.view_named(name).await?,
        None => arguments.version.of(&dataset).await?.all(),
    };
    let (snapshot, row_count) = (view.snapshot(), view.row_count());
    let first = view.rows(0..arguments.row_count.min(row_count)).await?;
    let rows = first.row_numbers().await?.to_vec();
    let attributes = snapshot.schema().attributes();
    if arguments.json {
        let rows = show::rows_json(snapshot, rows, attributes).await?;
        writeln!(out, "{:#}", Value::from(rows))?;
        return Ok(());
    }
    let drawing = if arguments.draw { Drawing::always() } else { Drawing::on_terminals() };
    let style = Style { drawing, is_whole: false };
    if row_count == 0 && view.name().is_some() {
        writeln!(out, "the view has no rows")?;
    } else if row_count == 0 {
        writeln!(out, "no rows yet: fill it with `tenrow import`")?;
    }
    for row in rows {
        write!(out, "{}", show::rows(snapshot, [row], attributes, style).await?)?;
    }
    Ok(())
}
