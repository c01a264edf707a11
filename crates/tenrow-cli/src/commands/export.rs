//! `tenrow export`

use std::io::{Write, stderr};
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use tenrow_convert::{Existing, ExportFormat, Progress, export};

use crate::Output;
use crate::fault::Result;
use crate::progress::Bar;
use crate::stores::Stores;
use crate::text;
use crate::which_version::WhichVersion;

const AFTER: &str = "\
npy writes <attribute>.npy for each tensor or number; npz, parquet and jsonl write data.npz, \
data.parquet or data.jsonl; images writes the files of file attributes under their names. A file has its \
name once it is whole, and what is there stays unless --force says otherwise. The Parquet \
files of the dataset itself need no export: see `tenrow files`.

Examples:
  tenrow export digits --out arrays --format npy
  tenrow export photos --out originals --format images --version 3
  tenrow export digits --out some --format npy --view train";

/// The arguments of `export`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct ExportArguments {
    /// The dataset
    dataset: String,
    /// The folder to write into; made if it is not there
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,
    /// npy, npz, parquet, jsonl or images
    #[arg(long)]
    format: ExportFormat,
    /// Only the rows of this view, in its order
    #[arg(long, value_name = "VIEW", conflicts_with_all = ["version", "at"])]
    view: Option<String>,
    /// Replace files that are there already
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    version: WhichVersion,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One rule for every command that writes files.
pub(crate) fn existing(force: bool) -> Existing {
    if force { Existing::Replace } else { Existing::Keep }
}

/// Exports all rows, or those of a view.
pub(crate) async fn run(
    arguments: ExportArguments,
    stores: &Stores,
    out: &mut Output,
) -> Result<()> {
    let dataset = stores.open(&arguments.dataset).await?;
    let view = match &arguments.view {
        Some(name) => Some(dataset.view(name).await?),
        None => None,
    };
    let (snapshot, rows) = match &view {
        Some(view) => (view.snapshot().clone(), Some(view.rows().await?)),
        None => (arguments.version.of(&dataset).await?, None),
    };
    let row_count = rows.map_or(snapshot.row_count(), |rows| rows.len() as u64);
    let mut bar = Bar::new("rows");
    let mut show = |progress: Progress| {
        bar.set(progress.rows, progress.total_rows, progress.bytes);
    };
    let (folder, format) = (&arguments.out, arguments.format);
    let existing = existing(arguments.force);
    let exported = export(&snapshot, rows, folder, format, existing, &mut show).await?;
    bar.finish();
    if arguments.json {
        let skipped = exported.skipped.iter();
        let skipped = skipped.map(|(name, why)| json!({ "attribute": name, "reason": why }));
        let value = json!({
            "version": snapshot.version().0,
            "rows": row_count,
            "paths": exported.paths,
            "files": exported.file_count,
            "skipped": skipped.collect::<Value>(),
            "remarks": exported.remarks,
        });
        writeln!(out, "{value:#}")?;
        return Ok(());
    }
    for remark in &exported.remarks {
        writeln!(stderr(), "tenrow: {remark}")?;
    }
    for (_, reason) in &exported.skipped {
        writeln!(stderr(), "tenrow: left out: {reason}")?;
    }
    let rows = text::counted(row_count, "row", "rows");
    match exported.paths.as_slice() {
        _ if arguments.format == ExportFormat::Images => {
            let files = text::counted(exported.file_count, "file", "files");
            writeln!(out, "wrote {files} of {rows} to {}", arguments.out.display())?;
        }
        paths => {
            for path in paths {
                writeln!(out, "wrote {rows} to {}", path.display())?;
            }
        }
    }
    Ok(())
}
