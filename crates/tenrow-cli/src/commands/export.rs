//! `tenrow export`

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use tenrow::Version;
use tenrow_convert::{Existing, Exported, Format, Purpose, export, export_file};

use crate::answer::Answer;
use crate::command::Command;
use crate::fault::Result;
use crate::progress::Bar;
use crate::stores::Stores;
use crate::text;
use crate::which_rows::WhichRows;

const AFTER: &str = "\
npy writes <attribute>.npy for each tensor or number, png a contact sheet of each attribute of pictures; the formats \
of rows write data.parquet, data.jsonl and so on; images writes the files of file attributes under their \
names, in the folders that they came from. A file has its name once it is whole, and what is there stays unless --force says otherwise. The Parquet \
files of the dataset itself need no export: see `tenrow files`.

Examples:
  tenrow export digits --out digits.csv
  tenrow export digits --folder arrays --format npy
  tenrow export photos --folder originals --format images --version 3
  tenrow export digits --out some.npz --view train";

/// Write all rows, or those of a view, to files of another format
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct ExportArguments {
    /// The dataset
    dataset: String,
    /// The file to write, whose extension says the format
    #[arg(long, short, value_name = "FILE", required_unless_present = "folder")]
    out: Option<PathBuf>,
    /// The folder to write files of --format into; made if it is not there
    #[arg(long, value_name = "FOLDER", requires = "format", conflicts_with = "out")]
    folder: Option<PathBuf>,
    #[arg(long, value_parser = format, help = format!("What to write into the folder: {}", Format::known(Purpose::Export)))]
    format: Option<Format>,
    /// Replace files that are there already
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    rows: WhichRows,
}

/// Where rows go.
enum Target<'a> {
    File(&'a Path),
    Folder(&'a Path, Format),
}

impl Target<'_> {
    fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Folder(path, _) => path,
        }
    }
}

impl ExportArguments {
    fn target(&self) -> Result<Target<'_>> {
        if let (Some(folder), Some(format)) = (&self.folder, self.format) {
            return Ok(Target::Folder(folder, format));
        }
        let out = self.out.as_deref().ok_or("--out is missing: the file to write")?;
        match (self.format, Format::of_path(out, Purpose::Export)) {
            // Folders were given so before there was --folder.
            (Some(format), by_name) if out.is_dir() || by_name.is_err() => {
                Ok(Target::Folder(out, format))
            }
            (None, _) if out.is_dir() => {
                Err(format!("{}: a folder: --folder with --format writes into it", out.display())
                    .into())
            }
            (Some(format), Ok(by_name)) if format != by_name => Err(format!(
                "--format {format}, but {} is the name of a {by_name} file",
                out.display()
            )
            .into()),
            (_, Ok(_)) => Ok(Target::File(out)),
            (_, Err(error)) => Err(format!("{error}; or --folder with --format").into()),
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

impl Command for ExportArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let target = self.target()?;
        let dataset = stores.open(&self.dataset).await?;
        let view = self.rows.of(&dataset).await?;
        let bar = Bar::new("rows");
        let existing = existing(self.force);
        let exported = match &target {
            Target::File(path) => {
                export_file(&view, &[], path, existing, &bar.on_progress()).await?
            }
            Target::Folder(folder, format) => {
                export(&view, folder, *format, existing, &bar.on_progress()).await?
            }
        };
        bar.finish();
        let remarks = remarks(&exported);
        let (version, row_count) = (view.version(), view.row_count());
        // Of formats that give each file a name of its own, only the folder is said.
        let has_own_names = self.format.is_some_and(Format::has_own_names);
        let folder = has_own_names.then(|| target.path().to_owned());
        Ok(Answer::of(
            exported,
            move |exported| json(exported, version, row_count),
            move |exported| text(exported, row_count, folder.as_deref()),
        )
        .with_remarks(remarks))
    }
}

/// What is said of an export besides.
pub(crate) fn remarks(exported: &Exported) -> Vec<String> {
    let left_out = exported.skipped.iter().map(|(_, reason)| format!("left out: {reason}"));
    exported.remarks.iter().cloned().chain(left_out).collect()
}

fn json(exported: &Exported, version: Version, row_count: u64) -> Value {
    let skipped = exported.skipped.iter();
    let skipped = skipped.map(|(name, why)| json!({ "attribute": name, "reason": why }));
    json!({
        "version": version.0,
        "rows": row_count,
        "paths": exported.paths,
        "files": exported.file_count,
        "skipped": skipped.collect::<Value>(),
        "remarks": exported.remarks,
    })
}

fn text(exported: &Exported, row_count: u64, folder: Option<&Path>) -> String {
    let rows = text::counted(row_count, "row", "rows");
    if let Some(folder) = folder {
        let files = text::counted(exported.file_count, "file", "files");
        return format!("wrote {files} of {rows} to {}", folder.display());
    }
    let line = |path: &PathBuf| format!("wrote {rows} to {}\n", path.display());
    exported.paths.iter().map(line).collect()
}
