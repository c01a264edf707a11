//! Which format a file has, by its content, and the source that reads it.

use std::io::Read;
use std::path::{Path, PathBuf};

use tenrow::format::layout::INTERNAL_FOLDER;

use crate::charset::Charset;
use crate::concat::{ChosenSource, ConcatSource, RemarkedSource, RenamedSource};
use crate::csv::CsvOptions;
use crate::error::{ConvertError, Result};
use crate::folders::{TableFile, format_of_folder, table_files, table_format};
use crate::hive::KeyedSource;
use crate::idx::{IdxSource, dtype_of, rank_of};
use crate::images::ImageSource;
use crate::input::{first_bytes, open_reader};
use crate::media_type::{looks_like_text, media_type};
use crate::npy::NpySource;
use crate::npy_header::MAGIC as NPY_MAGIC;
use crate::npz::NpzSource;
use crate::source::Source;
use crate::source_format::SourceFormat;
use crate::table::TableSource;
use crate::text_source::TextSource;

/// How Parquet files begin whose footer is encrypted too.
const ENCRYPTED_PARQUET: &[u8] = b"PARE";

/// Bytes that are looked at to tell one format from another.
const SNIFFED_BYTES: u64 = 4096;

/// How sources are opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// Decode pictures to this height and width. Default: keep the files only.
    pub decode: Option<(u32, u32)>,
    /// Take elements of two opaque bytes (`|V2`) as bf16. Default: refuse them.
    pub bf16: bool,
    /// How CSV files are divided. Default: by commas or tabs, with a line of names.
    pub csv: CsvOptions,
    /// The encoding of text files without a byte order mark. Default: UTF-8.
    pub charset: Option<Charset>,
    /// The attributes to take, by the names that they have in the files. Default: all.
    pub only: Vec<String>,
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
    if let Some(format) = by_content(path, &start) {
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
    if path.join(INTERNAL_FOLDER).is_dir() {
        let reason = "a tenrow dataset: import the files that `tenrow files` lists";
        return Err(ConvertError::unsupported(path, reason));
    }
    format_of_folder(path)
}

/// What begins with letters is text and goes by its name first: a table may begin with any word, also with
/// one that stands for another format.
fn by_content(path: &Path, start: &[u8]) -> Option<SourceFormat> {
    if looks_like_text(start) || has_wide_mark(start) {
        return json_object(start).or_else(|| by_name(path)).or_else(|| by_text(start));
    }
    if start.starts_with(&NPY_MAGIC) {
        return Some(SourceFormat::Npy);
    }
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
        return Some(SourceFormat::Npz);
    }
    if start.starts_with(b"PAR1") || start.starts_with(ENCRYPTED_PARQUET) {
        return Some(SourceFormat::Parquet);
    }
    if let Some(&[a, b, c, d]) = start.first_chunk::<4>()
        && dtype_of([a, b, c, d]).is_some()
    {
        return Some(SourceFormat::Idx);
    }
    let is_picture = media_type(start).is_some_and(|found| found.starts_with("image/"));
    is_picture.then_some(SourceFormat::Images)
}

/// A brace and a name in quotes begin an object, and no table.
fn json_object(start: &[u8]) -> Option<SourceFormat> {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let first = text.strip_prefix(b"{")?.trim_ascii_start().first();
    matches!(first, Some(b'"' | b'}')).then_some(SourceFormat::JsonLines)
}

fn by_text(start: &[u8]) -> Option<SourceFormat> {
    let is_picture = media_type(start).is_some_and(|found| found.starts_with("image/"));
    is_picture.then_some(SourceFormat::Images)
}

fn by_name(path: &Path) -> Option<SourceFormat> {
    table_format(&path.file_name()?.to_string_lossy()).filter(|format| format.is_text())
}

/// Text of two bytes a letter, which begins by saying so.
fn has_wide_mark(start: &[u8]) -> bool {
    start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff")
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
    let asked = format;
    let format = match asked {
        Some(format) => format,
        None => common_format(first, paths, options)?,
    };
    check_options(first, format, options)?;
    let source: Box<dyn Source> = match format {
        SourceFormat::Images => {
            let is_asked = asked.is_some();
            let open = |path: &PathBuf| {
                let images = ImageSource::open_folder(path, options.decode, is_asked)?;
                Ok((path.display().to_string(), Box::new(images) as Box<dyn Source>))
            };
            ConcatSource::join(paths.iter().map(open).collect::<Result<_>>()?)?
        }
        _ => {
            let (files, left_out) = table_files(paths, format)?;
            RemarkedSource::with(open_tables(&files, format, options)?, left_out)
        }
    };
    let source = ChosenSource::choose(source, &options.only)?;
    RenamedSource::rename(source, &options.renames)
}

/// Refuses options that say nothing of files of this format.
fn check_options(path: &Path, format: SourceFormat, options: &OpenOptions) -> Result<()> {
    use SourceFormat::{Csv, Images, JsonLines, Npy, Npz};
    let csv = &options.csv;
    for (option, is_given, formats) in [
        ("--decode", options.decode.is_some(), &[Images][..]),
        ("--bf16", options.bf16, &[Npy, Npz]),
        ("--delimiter", csv.delimiter.is_some(), &[Csv]),
        ("--no-header", csv.no_header, &[Csv]),
        ("--charset", options.charset.is_some(), &[Csv, JsonLines]),
    ] {
        if is_given && !formats.contains(&format) {
            let names: Vec<_> = formats.iter().map(|format| format.name()).collect();
            let reason = format!(
                "it is taken for {format}, and {option} is for {}: leave it out, or say with --format what it is",
                names.join(" and ")
            );
            return Err(ConvertError::unsupported(path, reason));
        }
    }
    Ok(())
}

fn open_tables(
    files: &[TableFile],
    format: SourceFormat,
    options: &OpenOptions,
) -> Result<Box<dyn Source>> {
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let keyed = match format {
        SourceFormat::Idx => return open_idx(&paths),
        SourceFormat::Npy => return boxed(NpySource::open(&paths, options.bf16)),
        SourceFormat::Csv | SourceFormat::JsonLines => {
            let texts = paths.iter().map(|path| open_text(path, format, options));
            let mut texts = texts.collect::<Result<Vec<_>>>()?;
            TextSource::unify(&mut texts);
            let mut texts = texts.into_iter();
            KeyedSource::of_files(files, |path| {
                let missing = || ConvertError::unsupported(path, "it was not opened");
                boxed(texts.next().ok_or_else(missing))
            })?
        }
        SourceFormat::Npz => KeyedSource::of_files(files, |path| {
            boxed(NpzSource::open_only(path, options.bf16, &options.only))
        })?,
        _ => KeyedSource::of_files(files, |path| boxed(TableSource::parquet(path)))?,
    };
    ConcatSource::join(keyed)
}

fn open_text(path: &Path, format: SourceFormat, options: &OpenOptions) -> Result<TextSource> {
    match format {
        SourceFormat::Csv => TextSource::csv(path, &options.csv, options.charset),
        _ => TextSource::json_lines(path, options.charset),
    }
}

fn boxed<S: Source + 'static>(source: Result<S>) -> Result<Box<dyn Source>> {
    source.map(|source| Box::new(source) as Box<dyn Source>)
}

fn common_format(first: &Path, paths: &[PathBuf], options: &OpenOptions) -> Result<SourceFormat> {
    // What is said to be in an encoding is text, however its bytes look.
    let found = |path: &Path| match options.charset.and_then(|_| by_name(path)) {
        Some(format) => Ok(format),
        None => detect(path),
    };
    let format = found(first)?;
    for path in paths {
        let other = found(path)?;
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
