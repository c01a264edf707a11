//! `tenrow import`

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tenrow::storage::Location;
use tenrow::{CreateOptions, Dataset, Encoding, OnProgress, WriteOptions};
use tenrow_convert::{
    Charset, CsvOptions, Format, ImportOptions, Imported, OpenOptions, Purpose, SourceFile, import,
    import_in_place, open,
};
use tenrow_values::CastMode;

use crate::answer::Answer;
use crate::command::Command;
use crate::commands::create::encoding;
use crate::fault::Result;
use crate::progress::Bar;
use crate::stores::Stores;
use crate::text;

const AFTER: &str = "\
What a source is, its content says. The first axis of an array is the row. IDX files of images and of \
labels, given together, become the attributes `image` and `label`. Of a folder of images, every file \
becomes a row: path, label (the name of the folder that it is in), file, width, height. A folder of Parquet, \
CSV, JSON Lines or numpy files is one table; folders in it such as year=2020 are the values of a column. A \
README or licence beside the data is left out, and said.

The values of CSV and JSON Lines files are read as the types that the dataset has. If it is new, types are \
found by reading all rows, and keep what is there: 01234 stays text, and fractions alone are rounded, to floats. \
For decimals create the dataset before.

The dataset is created if it is not there; else the rows are appended, in one commit.

Examples:
  tenrow import digits train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz
  tenrow import cats photos/ --decode 224,224
  tenrow import table sales.csv --cast safe --rename Amount=amount --partition-by region
  tenrow import german umsatz.csv --delimiter ';' --charset windows-1252
  tenrow import frame index.csv --rename =row
  tenrow import big *.parquet --in-place";

/// Import Parquet, Arrow, CSV, JSON Lines, numpy, IDX, image folders
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct ImportArguments {
    /// The dataset; created if it is not there
    dataset: String,
    /// Files or folders, of this machine or of a store (s3://bucket/x.parquet)
    #[arg(value_name = "SOURCE", required = true)]
    sources: Vec<PathBuf>,
    #[arg(long, value_parser = format, help = format!("Take the sources for this: {}", Format::known(Purpose::Import)))]
    format: Option<Format>,
    /// Convert values to the dataset's types: safe, where nothing is lost; round, floats also to the nearest of a
    /// narrower type; lossy, also by cutting and by the nearest end of a range
    #[arg(long)]
    cast: Option<Cast>,
    /// Give an attribute another name; FROM may be empty or hold an `=`, TO may not
    #[arg(long = "rename", value_name = "FROM=TO", value_parser = rename, allow_hyphen_values = true)]
    renames: Vec<(String, String)>,
    /// How an attribute of a new dataset is stored: raw, zstd:3, byte_stream_split+zstd:3 or auto
    #[arg(long = "encoding", value_name = "NAME=ENCODING", value_parser = encoding)]
    encodings: Vec<(String, Encoding)>,
    /// Put rows with different values of this attribute into different files and folders
    #[arg(long = "partition-by", value_name = "KEY")]
    partition_by: Vec<String>,
    /// Take only this attribute, by its name in the files; may be given several times
    #[arg(long = "only", value_name = "NAME")]
    only: Vec<String>,
    /// What stands between the values of CSV files: a character, or tab
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// Take the first line of CSV files for a row; the columns are then column_1, column_2, …
    #[arg(long)]
    no_header: bool,
    /// The encoding of CSV and JSON Lines files that are not UTF-8, such as windows-1252 or utf-16le
    #[arg(long, value_name = "NAME")]
    charset: Option<Charset>,
    /// Decode images to this size too, as `u8[H,W,3]`
    #[arg(long, value_name = "H,W", value_parser = size)]
    decode: Option<(u32, u32)>,
    /// Take numpy elements of two opaque bytes for bf16
    #[arg(long)]
    bf16: bool,
    /// Index Parquet files where they are instead of copying them; they must not change then
    #[arg(long, conflicts_with_all = ["cast", "encodings", "partition_by", "decode", "bf16", "delimiter", "no_header", "charset", "only"])]
    in_place: bool,
    /// Promise that one program at a time writes, for a store that cannot tell two writers apart
    #[arg(long)]
    single_writer: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Cast {
    Safe,
    Round,
    Lossy,
}

impl Command for ImportArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let started = Instant::now();
        let bar = Bar::new("rows");
        check(&self)?;
        let dataset = stores.place(&self.dataset)?;
        let imported = if self.in_place {
            let (sources, renames) = (&self.sources, &self.renames);
            import_in_place(&dataset, sources, renames, &bar.on_progress()).await?
        } else {
            copied(&self, &dataset, stores, &bar.on_progress()).await?
        };
        bar.finish();
        let (remarks, took) = (imported.remarks.clone(), started.elapsed());
        Ok(Answer::of(imported, json, move |imported| text(imported, took)).with_remarks(remarks))
    }
}

fn check(arguments: &ImportArguments) -> Result<()> {
    for source in &arguments.sources {
        if source.as_os_str() == "-" {
            return Err("-: sources are files and folders; write standard input to a file".into());
        }
        match is_stored(source) {
            true if arguments.in_place => {
                return Err("--in-place: files of a store cannot stay where they are".into());
            }
            true => {}
            false => check_apart(&arguments.dataset, source)?,
        }
    }
    if arguments.in_place && arguments.format.is_some_and(|f| f != Format::PARQUET) {
        return Err("--in-place: only Parquet files can stay where they are".into());
    }
    Ok(())
}

/// Whether it is a location of a store, and no path that looks like one.
fn is_stored(source: &Path) -> bool {
    source.to_str().is_some_and(|text| text.contains("://")) && !source.exists()
}

/// The files that a source is: itself on this machine, else what there is in its store. A location may hold what no message
/// repeats, and is shown as it was understood.
async fn files_of(
    source: &Path,
    stores: &Stores,
    left_out: &mut Vec<PathBuf>,
) -> Result<Vec<SourceFile>> {
    let Some(text) = source.to_str().filter(|_| is_stored(source)) else {
        return Ok(vec![source.into()]);
    };
    let location = Location::parse(text)?;
    let (Some(name), Some(above), Location::Remote(_)) =
        (location.file_name(), location.parent(), &location)
    else {
        return match location {
            Location::Local(path) => Ok(vec![path.into()]),
            location => Err(format!("{location}: name an object or a folder in it").into()),
        };
    };
    let (files, others) = SourceFile::in_store(&stores.storage(&above.to_string())?, &name).await?;
    left_out.extend(others);
    Ok(files)
}

/// A dataset within the folder that it is made from would be taken for a source the next time.
fn check_apart(dataset: &str, source: &Path) -> Result<()> {
    let Location::Local(dataset) = Location::parse(dataset)? else { return Ok(()) };
    let folder = source.canonicalize().unwrap_or_else(|_| source.to_owned());
    let dataset = dataset.canonicalize().unwrap_or(dataset);
    if source.is_dir() && dataset.starts_with(folder) {
        return Err(format!(
            "{}: the dataset {} would lie in the folder that is imported: choose another place for it",
            source.display(),
            dataset.display()
        )
        .into());
    }
    Ok(())
}

async fn copied(
    arguments: &ImportArguments,
    dataset: &Dataset,
    stores: &Stores,
    on_progress: &OnProgress,
) -> Result<Imported> {
    let open_options = OpenOptions {
        decode: arguments.decode,
        bf16: arguments.bf16,
        csv: CsvOptions { delimiter: arguments.delimiter, no_header: arguments.no_header },
        charset: arguments.charset,
        only: arguments.only.clone(),
        renames: arguments.renames.clone(),
    };
    let (mut files, mut left_out) = (Vec::new(), Vec::new());
    for source in &arguments.sources {
        files.extend(files_of(source, stores, &mut left_out).await?);
    }
    let format = arguments.format;
    // Opening reads, and waits for what a store sends: not on a thread that sends it.
    let opened = tokio::task::spawn_blocking(move || open(&files, format, &open_options));
    let source = opened.await??;
    let options = ImportOptions {
        cast: match arguments.cast {
            None => CastMode::Refuse,
            Some(Cast::Safe) => CastMode::Safe,
            Some(Cast::Round) => CastMode::Round,
            Some(Cast::Lossy) => CastMode::Lossy,
        },
        encodings: arguments.encodings.clone(),
        create: CreateOptions::default().with_single_writer(arguments.single_writer),
        write: WriteOptions::default().with_partition_by(&arguments.partition_by),
    };
    let names: Vec<_> = arguments.sources.iter().map(|s| s.display().to_string()).collect();
    let mut imported = import(dataset, source, &names.join(", "), &options, on_progress).await?;
    let left_out = left_out.iter().map(|path| format!("left out: {}", path.display()));
    imported.remarks.extend(left_out);
    Ok(imported)
}

fn json(imported: &Imported) -> Value {
    json!({
        "location": imported.snapshot.storage().to_string(),
        "created": imported.created,
        "version": imported.snapshot.version().0,
        "rows": imported.snapshot.row_count(),
        "imported_rows": imported.row_count,
        "imported_bytes": imported.size_bytes,
        "remarks": imported.remarks,
    })
}

fn text(imported: &Imported, took: Duration) -> String {
    let snapshot = &imported.snapshot;
    format!(
        "{} {}: {} ({}) in {:.1} s; version {} has {}",
        if imported.created { "created" } else { "appended to" },
        snapshot.storage(),
        text::counted(imported.row_count, "row", "rows"),
        text::size(imported.size_bytes),
        took.as_secs_f64(),
        snapshot.version(),
        text::counted(snapshot.row_count(), "row", "rows"),
    )
}

fn format(name: &str) -> Result<Format> {
    Ok(Format::named(name, Purpose::Import)?)
}

/// Parses `FROM=TO`. Names in files may be empty or hold an `=`: the last one counts.
fn rename(text: &str) -> Result<(String, String)> {
    match text.rsplit_once('=') {
        Some((from, to)) if !to.is_empty() => Ok((from.to_owned(), to.to_owned())),
        _ => Err("expected FROM=TO".into()),
    }
}

fn delimiter(text: &str) -> Result<u8> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
        _ => Err("expected one character, such as ; or |, or tab".into()),
    }
}

fn size(text: &str) -> Result<(u32, u32)> {
    let sides = text.split_once(',').and_then(|(height, width)| {
        Some((height.trim().parse().ok()?, width.trim().parse().ok()?))
    });
    match sides {
        Some((height, width)) if height > 0 && width > 0 => Ok((height, width)),
        _ => Err("expected height and width, such as 224,224".into()),
    }
}
