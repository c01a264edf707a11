//! `tenrow take`

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use tenrow::Snapshot;
use tenrow_convert::{Progress, export_rows};

use crate::Output;
use crate::commands::get::row_number;
use crate::commands::snapshot;
use crate::fault::Result;
use crate::progress::Bar;
use crate::text;

const AFTER: &str = "\
Rows come in the order asked, and as often as asked.

Examples:
  tenrow take digits --rows 5,9,5 --attribute image --out three.npy
  tenrow take digits --rows 0..1000,59999 --out some.parquet";

/// The most rows that may be asked for: each takes 8 bytes of memory.
const MAX_ROWS: u64 = 1 << 28;

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
    /// The version; the newest if not given
    #[arg(long)]
    version: Option<u64>,
}

/// Writes the rows.
pub(crate) async fn run(arguments: TakeArguments, out: &mut Output) -> Result<()> {
    let snapshot = snapshot(&arguments.dataset, arguments.version).await?;
    let rows = rows(&snapshot, &arguments.rows)?;
    let mut bar = Bar::new("rows");
    let mut show = |progress: Progress| {
        bar.set(progress.rows, progress.total_rows, progress.bytes);
    };
    export_rows(&snapshot, &rows, &arguments.attributes, &arguments.out, &mut show).await?;
    bar.finish();
    let count = text::counted(rows.len() as u64, "row", "rows");
    writeln!(out, "wrote {count} to {}", arguments.out.display())?;
    Ok(())
}

/// Reads `5,9,5` and `10..20`.
fn rows(snapshot: &Snapshot, text: &str) -> Result<Vec<u64>> {
    let mut rows = Vec::new();
    for part in text.split(',') {
        let range = match part.split_once("..") {
            None => {
                let row = row_number(snapshot, part)?;
                row..row + 1
            }
            Some((start, end)) => range(snapshot, part, start, end)?,
        };
        if range.end - range.start > MAX_ROWS - rows.len() as u64 {
            return Err(format!("--rows: more than {MAX_ROWS} rows: export the dataset").into());
        }
        rows.extend(range);
    }
    Ok(rows)
}

/// A range of rows; an end that is not given is that of the dataset.
fn range(snapshot: &Snapshot, part: &str, start: &str, end: &str) -> Result<std::ops::Range<u64>> {
    let start = if start.trim().is_empty() { 0 } else { row_number(snapshot, start)? };
    let end = match end.trim() {
        "" => snapshot.row_count(),
        // An end is not itself a row: it may be one past the last.
        end if end == snapshot.row_count().to_string() => snapshot.row_count(),
        end => row_number(snapshot, end)?,
    };
    if start > end {
        return Err(format!("rows {part}: the range ends before it begins").into());
    }
    Ok(start..end)
}
