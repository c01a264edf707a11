//! The files of a folder that are rows of one table, and what lies beside them.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use crate::error::{ConvertError, Result};
use crate::source_format::SourceFormat;

/// What Hive calls a folder whose key is null.
const NULL_KEY: &str = "__HIVE_DEFAULT_PARTITION__";
/// Names that errors and remarks show.
const SHOWN: usize = 3;

/// One file of a table, and the keys that its folders have in their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableFile {
    pub(crate) path: PathBuf,
    pub(crate) keys: Vec<(String, Option<String>)>,
}

impl TableFile {
    fn new(path: PathBuf) -> Self {
        let folders = path.parent().into_iter().flat_map(Path::components);
        let keys = folders.filter_map(|folder| key_of(&folder.as_os_str().to_string_lossy()));
        let keys = keys.collect();
        Self { path, keys }
    }
}

/// The key in the name of a folder such as `year=2020`.
fn key_of(folder: &str) -> Option<(String, Option<String>)> {
    let (name, value) = folder.split_once('=')?;
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let value = (value != NULL_KEY).then(|| plain(value));
    (!name.is_empty()).then(|| (plain(name), value))
}

/// The format of a table whose files have this name.
pub(crate) fn table_format(name: &str) -> Option<SourceFormat> {
    let name = name.to_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    Some(match plain.rsplit_once('.')?.1 {
        "csv" | "tsv" => SourceFormat::Csv,
        "jsonl" | "ndjson" => SourceFormat::JsonLines,
        "npy" => SourceFormat::Npy,
        "npz" => SourceFormat::Npz,
        "parquet" => SourceFormat::Parquet,
        _ => return None,
    })
}

/// True for what people put beside data to tell others about it.
pub(crate) fn is_document(name: &str) -> bool {
    const STEMS: [&str; 9] = [
        "readme",
        "license",
        "licence",
        "copying",
        "notice",
        "citation",
        "changelog",
        "authors",
        "datasheet",
    ];
    const EXTENSIONS: [&str; 6] = ["", "md", "txt", "rst", "cff", "html"];
    let name = name.to_lowercase();
    let (stem, extension) = name.split_once('.').unwrap_or((&name, ""));
    STEMS.contains(&stem) && EXTENSIONS.contains(&extension)
}

/// Everything in a folder: rows, documents and what is hidden, and other files.
#[derive(Debug, Default)]
struct Listing {
    tables: Vec<(SourceFormat, PathBuf)>,
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
pub(crate) fn format_of_folder(folder: &Path) -> Result<SourceFormat> {
    let listing = Listing::of(folder)?;
    let Some((format, _)) = listing.tables.first() else { return Ok(SourceFormat::Images) };
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
    paths: &[PathBuf],
    format: SourceFormat,
) -> Result<(Vec<TableFile>, Vec<String>)> {
    let (mut files, mut remarks) = (Vec::new(), Vec::new());
    for path in paths {
        if !path.is_dir() {
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
    Ok((files, remarks))
}

/// Says which files of `folder` are left out, if there are any.
pub(crate) fn remark(folder: &Path, left_out: &[PathBuf]) -> Option<String> {
    let names: Vec<_> = left_out.iter().take(SHOWN).map(|path| relative(folder, path)).collect();
    let more = match left_out.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let folder = folder.display();
    (!names.is_empty()).then(|| format!("left out of {folder}: {}{more}", names.join(", ")))
}

fn relative(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_with_an_equals_sign_have_a_key() {
        let keys = |path: &str| TableFile::new(path.into()).keys;
        let key = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
        assert_eq!(
            keys("lake/year=2020/city=S%C3%A3o%20Paulo/part-0.parquet"),
            [key("year", Some("2020")), key("city", Some("São Paulo"))]
        );
        assert_eq!(keys("x/k=__HIVE_DEFAULT_PARTITION__/a"), [key("k", None)]);
        assert_eq!(keys("x/k=a=b/a"), [key("k", Some("a=b"))]);
        assert!(keys("x/=1/a=b.parquet").is_empty());
    }

    #[test]
    fn documents_are_known_by_their_names() {
        for name in ["README.md", "readme", "LICENSE.txt", "CITATION.cff"] {
            assert!(is_document(name), "{name}");
        }
        for name in ["readme.png", "a.md", "licenses.csv", "notes.txt"] {
            assert!(!is_document(name), "{name}");
        }
    }
}
