//! `tenrow export`

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use tenrow::Version;
use tenrow_convert::{Existing, Exported, Format, Progress, Purpose, export, export_file};

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
  tenrow export digits --out arrays --format npy
  tenrow export photos --out originals --format images --version 3
  tenrow export digits --out some --format npy --view train";

/// Write all rows to files of another format
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

impl Command for ExportArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let target = Target::of(&self.out, self.format)?;
        let dataset = stores.open(&self.dataset).await?;
        let view = self.rows.of(&dataset).await?;
        let mut bar = Bar::new("rows");
        let mut show = |progress: Progress| {
            bar.set(progress.rows, progress.total_rows, progress.bytes);
        };
        let existing = existing(self.force);
        let exported = match target {
            Target::File(path) => export_file(&view, &[], path, existing, &mut show).await?,
            Target::Folder(folder, format) => {
                export(&view, folder, format, existing, &mut show).await?
            }
        };
        bar.finish();
        let remarks = remarks(&exported);
        let (version, row_count) = (view.version(), view.row_count());
        // Of formats that give each file a name of its own, only the folder is said.
        let folder = self.format.is_some_and(Format::has_own_names).then_some(self.out);
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
