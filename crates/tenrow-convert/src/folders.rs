//! What a folder is: the files of one table, or files that are each a row.

use std::path::{Path, PathBuf};

use tenrow_values::{ConvertError, Result};

use crate::documents::{is_document, relative, remark};
use crate::format::{Format, Group, Purpose};
use crate::source_file::SourceFile;
use crate::table_file::TableFile;

/// The format of a table whose files have this name.
pub(crate) fn table_format(name: &str) -> Option<Format> {
    let name = name.to_lowercase();
    let is_of = |format: &Format| {
        let is_table = format.0.group == Group::Tables && format.serves(Purpose::Import);
        is_table && format.0.has_name(&name)
    };
    Format::all().find(is_of)
}

/// Everything in a folder: rows, documents and what is hidden, and other files.
#[derive(Debug, Default)]
struct Listing {
    tables: Vec<(Format, PathBuf)>,
    documents: Vec<PathBuf>,
    others: Vec<PathBuf>,
}

impl Listing {
    fn of(folder: &Path) -> Result<Self> {
        let mut listing = Self::default();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).map_err(ConvertError::io(&folder, "list"))? {
                let entry = entry.map_err(ConvertError::io(&folder, "list"))?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let path = entry.path();
                let is_folder =
                    entry.file_type().map_err(ConvertError::io(&path, "read"))?.is_dir();
                match table_format(&name) {
                    _ if name.starts_with('.') => listing.documents.push(path),
                    _ if is_folder && !name.starts_with('_') => folders.push(path),
                    // Spark and others keep their marks beside the data under such names.
                    Some(_) | None if name.starts_with('_') => listing.documents.push(path),
                    Some(format) => listing.tables.push((format, path)),
                    None if is_document(&name) => listing.documents.push(path),
                    None => listing.others.push(path),
                }
            }
        }
        listing.tables.sort_by(|(_, a), (_, b)| a.cmp(b));
        listing.documents.sort();
        listing.others.sort();
        Ok(listing)
    }
}

/// What a folder is: a table, if its files are those of one and perhaps documents; else files, each a row.
///
/// # Errors
/// If there are tables of several formats, or tables beside other files: either would be a guess.
pub(crate) fn format_of_folder(folder: &Path) -> Result<Format> {
    let listing = Listing::of(folder)?;
    let Some((format, _)) = listing.tables.first() else { return Ok(Format::FILES) };
    let alien = listing.tables.iter().find(|(other, _)| other != format).map(|(_, path)| path);
    match alien.or(listing.others.first()) {
        None => Ok(*format),
        Some(alien) => {
            let reason = format!(
                "the folder holds {format} files, {} among them, beside {}: say with --format which rows there are: {format}, or images for a row of each file",
                relative(folder, &listing.tables[0].1),
                relative(folder, alien),
            );
            Err(ConvertError::unsupported(folder, reason))
        }
    }
}

/// The files of `format` among `paths` and in the folders among them, and remarks on what is left out.
///
/// # Errors
/// If a folder holds none.
pub(crate) fn table_files(
    paths: &[SourceFile],
    format: Format,
) -> Result<(Vec<TableFile>, Vec<String>)> {
    let (mut files, mut remarks) = (Vec::new(), Vec::new());
    for path in paths {
        if path.is_listed() && table_format(&path.name()) != Some(format) {
            remarks.push(format!("left out: {}", path.display()));
            continue;
        }
        if !path.is_folder() {
            files.push(TableFile::new(path.clone()));
            continue;
        }
        let listing = Listing::of(path)?;
        let count = files.len();
        let mut left_out: Vec<_> = listing.documents.into_iter().chain(listing.others).collect();
        for (found, file) in listing.tables {
            if found == format {
                files.push(TableFile::new(file));
            } else {
                left_out.push(file);
            }
        }
        if files.len() == count {
            let reason =
                format!("the folder holds no {format} files, whose names end with .{format}");
            return Err(ConvertError::unsupported(path, reason));
        }
        remarks.extend(remark(path, &left_out));
    }
    match (files.is_empty(), paths.first()) {
        (true, Some(first)) => {
            let reason = format!("no {format} files lie beside it, whose names end with .{format}");
            Err(ConvertError::unsupported(first, reason))
        }
        _ => Ok((files, remarks)),
    }
}
