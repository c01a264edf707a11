//! Which format a file has, by its content, and the source that reads it.

use std::io::Read;
use std::path::Path;

use tenrow::engine::layout::INTERNAL_FOLDER;
use tenrow_values::{ConvertError, Result};

use crate::folders::{format_of_folder, table_files, table_format};
use crate::format::{Format, Group, Inputs, Purpose, Start};
use crate::input::{first_bytes, open_reader};
use crate::joined::{ChosenSource, RemarkedSource, RenamedSource};
use crate::open_options::OpenOptions;
use crate::source::Source;
use crate::source_file::SourceFile;
use crate::table_file::TableFile;

/// Bytes that are looked at to tell one format from another.
const SNIFFED_BYTES: u64 = 4096;

/// The format of `path`: by content, and by its name only where text could be anything.
///
/// # Errors
/// If it cannot be read, or resembles no format that is known.
pub fn detect(path: impl Into<SourceFile>) -> Result<Format> {
    format_of(&path.into())
}

fn format_of(path: &SourceFile) -> Result<Format> {
    if path.is_folder() {
        return detect_folder(path);
    }
    if path.is_listed() {
        // As in a folder of this machine, names say which files are tables, and else each is a row.
        return Ok(table_format(&path.name()).unwrap_or(Format::FILES));
    }
    let stored = first_bytes(path, 16)?;
    let mut start = Vec::new();
    let read = open_reader(path)?.take(SNIFFED_BYTES).read_to_end(&mut start);
    if start.is_empty() {
        read.map_err(ConvertError::decode(path, "gzip", None))?;
    }
    let known = Start::new(path, &start);
    if let Some(format) = Format::all().find(|format| (format.0.recognises)(&known)) {
        return Ok(format);
    }
    let shown = if start.is_empty() { stored } else { start };
    let first_bytes = match shown.as_slice() {
        [] => "nothing: it is empty".to_owned(),
        bytes => bytes.iter().take(8).map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" "),
    };
    let known = Format::known(Purpose::Import);
    Err(ConvertError::UnknownFormat { path: path.to_path_buf(), first_bytes, known })
}

fn detect_folder(path: &Path) -> Result<Format> {
    if path.join(INTERNAL_FOLDER).is_dir() {
        let reason = "a tenrow dataset: import the files that `tenrow files` lists";
        return Err(ConvertError::unsupported(path, reason));
    }
    format_of_folder(path)
}

/// Opens `paths` as one source, in `format` or in the one that their content shows.
///
/// IDX files of images and of labels go together in the order given, and `.npy` files become one
/// attribute each; all else is read one after the other. Names are checked after renaming.
///
/// # Errors
/// What is wrong with a file; files of different formats or attributes; a name against the rules.
pub fn open<F: Clone + Into<SourceFile>>(
    paths: &[F],
    format: Option<Format>,
    options: &OpenOptions,
) -> Result<Box<dyn Source>> {
    let paths: Vec<SourceFile> = paths.iter().cloned().map(Into::into).collect();
    open_files(&paths, format, options)
}

fn open_files(
    paths: &[SourceFile],
    format: Option<Format>,
    options: &OpenOptions,
) -> Result<Box<dyn Source>> {
    let Some(first) = paths.first() else {
        return Err(ConvertError::unsupported(Path::new("import"), "no files were given"));
    };
    let is_asked = format.is_some();
    let format = match format {
        Some(format) => format,
        None => common_format(first, paths, options)?,
    };
    check_options(first, format, options)?;
    let (files, left_out) = match format.0.group {
        Group::Files => (paths.iter().cloned().map(TableFile::new).collect(), Vec::new()),
        Group::Tables => table_files(paths, format)?,
    };
    let source = (format.open()?)(&Inputs { files: &files, options, is_asked })?;
    let source = RemarkedSource::with(source, left_out);
    let source = ChosenSource::choose(source, &options.only)?;
    RenamedSource::rename(source, &options.renames)
}

/// Refuses options that say nothing of files of this format.
fn check_options(path: &Path, format: Format, options: &OpenOptions) -> Result<()> {
    let given = options.of_some_formats();
    let Some(option) = given.iter().find(|option| !format.0.options.contains(option)) else {
        return Ok(());
    };
    let names = Format::all().filter(|format| format.0.options.contains(option)).map(Format::name);
    let reason = format!(
        "it is taken for {format}, and {option} is for {}: leave it out, or say with --format what it is",
        names.collect::<Vec<_>>().join(" and ")
    );
    Err(ConvertError::unsupported(path, reason))
}

fn common_format(
    first: &SourceFile,
    paths: &[SourceFile],
    options: &OpenOptions,
) -> Result<Format> {
    // What is said to be in an encoding is text, however its bytes look.
    let found = |path: &SourceFile| match options.charset.and_then(|_| text_by_name(path)) {
        Some(format) => Ok(format),
        None => format_of(path),
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

fn text_by_name(path: &SourceFile) -> Option<Format> {
    table_format(&path.name()).filter(|format| format.is_text())
}

#[cfg(test)]
mod tests;
