//! `tenrow export`

use std::io::{Write, stderr};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use tenrow_convert::{Existing, Format, Purpose, export, export_file};

use crate::Output;
use crate::fault::Result;
use crate::progress::Bar;
use crate::stores::Stores;
use crate::text;
use crate::which_version::WhichVersion;

const AFTER: &str = "\
npy writes <attribute>.npy for each tensor or number, png a contact sheet of each attribute of pictures; the formats \
of rows write data.parquet, data.jsonl and so on; images writes the files of file attributes under their \
names, in the folders that they came from. A file has its name once it is whole, and what is there stays unless --force says otherwise. The Parquet \
files of the dataset itself need no export: see `tenrow files`.

Examples:
  tenrow export digits --out digits.csv
  tenrow export digits --out arrays --format npy
  tenrow export photos --out originals --format images --version 3
  tenrow export digits --out some --format npy --view train";

/// The arguments of `export`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct ExportArguments {
    /// The dataset
    dataset: String,
    /// The file to write, whose extension says the format, or the folder to write into; made if it is not there
    #[arg(long, short, value_name = "FILE|DIR")]
    out: PathBuf,
    #[arg(long, value_parser = format, help = format!("What to write into a folder: {}", Format::known(Purpose::Export)))]
    format: Option<Format>,
    /// Only the rows of this view, in its order; in another version than its own: VIEW@latest, VIEW@7, VIEW@TAG
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

/// Where rows go.
enum Target<'a> {
    File(&'a Path),
    Folder(&'a Path, Format),
}

impl<'a> Target<'a> {
    fn of(out: &'a Path, format: Option<Format>) -> Result<Self> {
        if out.is_dir() {
            let format = format.ok_or("--format is missing: say what to write into the folder")?;
            return Ok(Self::Folder(out, format));
        }
        let by_name = Format::of_path(out, Purpose::Export);
        match (format, by_name) {
            (None, by_name) => by_name
                .map(|_| Self::File(out))
                .map_err(|error| format!("{error}; or a folder, with --format").into()),
            (Some(format), Ok(by_name)) if format != by_name => Err(format!(
                "--format {format}, but {} is the name of a {by_name} file",
                out.display()
            )
            .into()),
            (Some(_), Ok(_)) => Ok(Self::File(out)),
            (Some(format), Err(_)) => Ok(Self::Folder(out, format)),
        }
    }
}

fn format(name: &str) -> Result<Format> {
    Ok(Format::named(name, Purpose::Export)?)
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
    let target = Target::of(&arguments.out, arguments.format)?;
    let dataset = stores.open(&arguments.dataset).await?;
    let view = match &arguments.view {
        Some(name) => dataset.view_named(name).await?,
        None => arguments.version.of(&dataset).await?.all(),
    };
    let (snapshot, row_count) = (view.snapshot(), view.row_count());
    let bar = Bar::new("rows");
    let on_progress = bar.on_progress();
    let existing = existing(arguments.force);
    let exported = match target {
        Target::File(path) => export_file(&view, &[], path, existing, &on_progress).await?,
        Target::Folder(folder, format) => {
            export(&view, folder, format, existing, &on_progress).await?
        }
    };
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
        _ if arguments.format.is_some_and(Format::has_own_names) => {
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
