//! Which format a file has, by its content, and the source that reads it.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::concat::{ConcatSource, RenamedSource};
use crate::error::{ConvertError, Result};
use crate::idx::{IdxSource, dtype_of, rank_of};
use crate::images::ImageSource;
use crate::input::{first_bytes, open_reader};
use crate::media_type::media_type;
use crate::npy::NpySource;
use crate::npy_header::MAGIC as NPY_MAGIC;
use crate::npz::NpzSource;
use crate::source::Source;
use crate::table::TableSource;

/// Bytes that are looked at to tell one format from another.
const SNIFFED_BYTES: u64 = 4096;

/// A format that can be imported.
///
/// ```
/// use tenrow_convert::SourceFormat;
/// assert_eq!("jsonl".parse::<SourceFormat>()?, SourceFormat::JsonLines);
/// assert!("xls".parse::<SourceFormat>().is_err());
/// # Ok::<(), tenrow_convert::ConvertError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SourceFormat {
    /// MNIST's IDX files.
    Idx,
    /// One array of numpy.
    Npy,
    /// An archive of arrays of numpy.
    Npz,
    /// A folder of pictures, or of any files.
    Images,
    /// Parquet.
    Parquet,
    /// Values separated by commas, or by tabs.
    Csv,
    /// One JSON object a line.
    JsonLines,
}

impl SourceFormat {
    /// Every format.
    pub const ALL: [SourceFormat; 7] = [
        SourceFormat::Idx,
        SourceFormat::Npy,
        SourceFormat::Npz,
        SourceFormat::Images,
        SourceFormat::Parquet,
        SourceFormat::Csv,
        SourceFormat::JsonLines,
    ];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            SourceFormat::Idx => "idx",
            SourceFormat::Npy => "npy",
            SourceFormat::Npz => "npz",
            SourceFormat::Images => "images",
            SourceFormat::Parquet => "parquet",
            SourceFormat::Csv => "csv",
            SourceFormat::JsonLines => "jsonl",
        }
    }
}

impl fmt::Display for SourceFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SourceFormat {
    type Err = ConvertError;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|format| format.name()).collect();
            let reason = format!("not a format: known are {}", known.join(", "));
            ConvertError::unsupported(Path::new(text), reason)
        })
    }
}

/// How sources are opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// Decode pictures to this height and width. Default: keep the files only.
    pub decode: Option<(u32, u32)>,
    /// Take elements of two opaque bytes (`|V2`) as bf16. Default: refuse them.
    pub bf16: bool,
    /// Attributes to rename, from and to. Default: none.
    pub renames: Vec<(String, String)>,
}

impl OpenOptions {
    /// Sets the height and width that pictures are decoded to.
    #[must_use]
    pub fn with_decode(mut self, height: u32, width: u32) -> Self {
        self.decode = Some((height, width));
        self
    }

    /// Sets whether elements of two opaque bytes are bf16.
    #[must_use]
    pub fn with_bf16(mut self, bf16: bool) -> Self {
        self.bf16 = bf16;
        self
    }

    /// Gives the attribute `from` the name `to`.
    #[must_use]
    pub fn with_rename(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.renames.push((from.into(), to.into()));
        self
    }
}

/// The format of `path`: by content, and by its name only where text could be anything.
///
/// # Errors
/// If it cannot be read, or resembles no format that is known.
pub fn detect(path: &Path) -> Result<SourceFormat> {
    let metadata = std::fs::metadata(path).map_err(ConvertError::io(path, "open"))?;
    if metadata.is_dir() {
        return detect_folder(path);
    }
    let stored = first_bytes(path, 16)?;
    let mut start = Vec::new();
    let read = open_reader(path)?.take(SNIFFED_BYTES).read_to_end(&mut start);
    if start.is_empty() {
        read.map_err(ConvertError::decode(path, "gzip", None))?;
    }
    if let Some(format) = by_content(&start).or_else(|| by_name(path, &start)) {
        return Ok(format);
    }
    let shown = if start.is_empty() { stored } else { start };
    let first_bytes = match shown.as_slice() {
        [] => "nothing: it is empty".to_owned(),
        bytes => bytes.iter().take(8).map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" "),
    };
    Err(ConvertError::UnknownFormat { path: path.to_owned(), first_bytes })
}

fn detect_folder(path: &Path) -> Result<SourceFormat> {
    if path.join("_tenrow").is_dir() {
        let reason = "a tenrow dataset: import the files that `tenrow files` lists";
        return Err(ConvertError::unsupported(path, reason));
    }
    let parquet = parquet_files(path)?;
    Ok(if parquet.is_empty() { SourceFormat::Images } else { SourceFormat::Parquet })
}

fn by_content(start: &[u8]) -> Option<SourceFormat> {
    if start.starts_with(&NPY_MAGIC) {
        return Some(SourceFormat::Npy);
    }
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
        return Some(SourceFormat::Npz);
    }
    if start.starts_with(b"PAR1") {
        return Some(SourceFormat::Parquet);
    }
    if let Some(&[a, b, c, d]) = start.first_chunk::<4>()
        && dtype_of([a, b, c, d]).is_some()
    {
        return Some(SourceFormat::Idx);
    }
    if media_type(start).is_some_and(|media_type| media_type.starts_with("image/")) {
        return Some(SourceFormat::Images);
    }
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    text.starts_with(b"{").then_some(SourceFormat::JsonLines)
}

/// Text without a mark of its own goes by its name.
fn by_name(path: &Path, start: &[u8]) -> Option<SourceFormat> {
    if start.contains(&0) {
        return None;
    }
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    match name.rsplit_once('.')?.1 {
        "csv" | "tsv" => Some(SourceFormat::Csv),
        "jsonl" | "ndjson" => Some(SourceFormat::JsonLines),
        _ => None,
    }
}

/// The Parquet files of a folder and those within it, if it holds nothing else.
fn parquet_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(ConvertError::io(&folder, "list"))? {
            let entry = entry.map_err(ConvertError::io(&folder, "list"))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // Spark and others keep their marks beside the data under such names.
            if name.starts_with(['.', '_']) {
                continue;
            }
            let path = entry.path();
            if entry.file_type().map_err(ConvertError::io(&path, "read"))?.is_dir() {
                folders.push(path);
            } else if name.ends_with(".parquet") {
                files.push(path);
            } else {
                return Ok(Vec::new());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Opens `paths` as one source, in `format` or in the one that their content shows.
///
/// IDX files of images and of labels go together in the order given, and `.npy` files become one
/// attribute each; all else is read one after the other. Names are checked after renaming.
///
/// # Errors
/// What is wrong with a file; files of different formats or attributes; a name against the rules.
pub fn open(
    paths: &[PathBuf],
    format: Option<SourceFormat>,
    options: &OpenOptions,
) -> Result<Box<dyn Source>> {
    let Some(first) = paths.first() else {
        return Err(ConvertError::unsupported(Path::new("import"), "no files were given"));
    };
    let format = match format {
        Some(format) => format,
        None => common_format(first, paths)?,
    };
    let each = |open: &dyn Fn(&Path) -> Result<Box<dyn Source>>, paths: &[PathBuf]| {
        let sources = paths
            .iter()
            .map(|path| Ok((path.display().to_string(), open(path)?)))
            .collect::<Result<Vec<_>>>()?;
        ConcatSource::join(sources)
    };
    let source: Box<dyn Source> = match format {
        SourceFormat::Idx => open_idx(paths)?,
        SourceFormat::Npy => Box::new(NpySource::open(paths, options.bf16)?),
        SourceFormat::Npz => each(&|path| boxed(NpzSource::open(path, options.bf16)), paths)?,
        SourceFormat::Images => {
            each(&|path| boxed(ImageSource::open(path, options.decode)), paths)?
        }
        SourceFormat::Csv => each(&|path| boxed(TableSource::csv(path)), paths)?,
        SourceFormat::JsonLines => each(&|path| boxed(TableSource::json_lines(path)), paths)?,
        SourceFormat::Parquet => {
            each(&|path| boxed(TableSource::parquet(path)), &parquet_paths(paths)?)?
        }
    };
    RenamedSource::rename(source, &options.renames)
}

/// The Parquet files among `paths` and in the folders among them.
pub(crate) fn parquet_paths(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() { files.extend(parquet_files(path)?) } else { files.push(path.clone()) }
    }
    match (files.is_empty(), paths.first()) {
        (true, Some(first)) => {
            Err(ConvertError::unsupported(first, "the folder holds no parquet files"))
        }
        _ => Ok(files),
    }
}

fn boxed<S: Source + 'static>(source: Result<S>) -> Result<Box<dyn Source>> {
    source.map(|source| Box::new(source) as Box<dyn Source>)
}

fn common_format(first: &Path, paths: &[PathBuf]) -> Result<SourceFormat> {
    let format = detect(first)?;
    for path in paths {
        let other = detect(path)?;
        if other != format {
            let reason = format!(
                "found {other}, but {} is {format}: import each format by itself",
                first.display()
            );
            return Err(ConvertError::unsupported(path, reason));
        }
    }
    Ok(format)
}

/// Images with their labels, pair after pair; only one of the two, file after file.
fn open_idx(paths: &[PathBuf]) -> Result<Box<dyn Source>> {
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for path in paths {
        if rank_of(path)? == 1 { labels.push(path.clone()) } else { images.push(path.clone()) }
    }
    let groups: Vec<Vec<PathBuf>> = match (images.len(), labels.len()) {
        (i, l) if i == l => images.into_iter().zip(labels).map(|(i, l)| vec![i, l]).collect(),
        (_, 0) => images.into_iter().map(|image| vec![image]).collect(),
        (0, _) => labels.into_iter().map(|label| vec![label]).collect(),
        (i, l) => {
            let reason =
                format!("one of {i} idx files of images and {l} of labels: give them in pairs");
            return Err(ConvertError::unsupported(&paths[0], reason));
        }
    };
    let sources = groups
        .into_iter()
        .map(|group| Ok((group[0].display().to_string(), boxed(IdxSource::open(&group))?)))
        .collect::<Result<Vec<_>>>()?;
    ConcatSource::join(sources)
}

#[cfg(test)]
mod tests;
