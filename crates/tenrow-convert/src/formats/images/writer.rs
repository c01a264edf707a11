//! Files of a dataset, written into a folder under their own names.

use std::collections::{HashMap, HashSet};
use std::fs::create_dir_all;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use tenrow_values::{ConvertError, Result};

use crate::new_file::{Existing, keep_as, temporary_in};

/// Bytes of one part of a path.
const MAX_PART_BYTES: usize = 200;

/// Writes files under a folder.
///
/// Names may be paths, but never lead out of the folder: `..`, roots and drives are dropped, and
/// characters that some system forbids become `_`. The second file of a name gets a number; names that differ in case
/// only count as one.
///
/// ```
/// use tenrow_convert::{Existing, FileWriter};
/// let dir = tempfile::tempdir()?;
/// let mut writer = FileWriter::create(dir.path(), Existing::Keep)?;
/// assert_eq!(writer.write(Some("cats/a.png"), b"one")?, dir.path().join("cats/a.png"));
/// assert_eq!(writer.write(Some("cats/a.png"), b"two")?, dir.path().join("cats/a-1.png"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FileWriter {
    folder: PathBuf,
    existing: Existing,
    /// The number to try next for a name that was taken, in lower case.
    next_number: HashMap<String, u64>,
    /// The names that it gave, in lower case.
    given: HashSet<String>,
}

impl FileWriter {
    /// Writes into `folder`, which is made if it is not there; `existing` says what becomes of files that are in it.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create(folder: &Path, existing: Existing) -> Result<Self> {
        create_dir_all(folder).map_err(ConvertError::io(folder, "create"))?;
        Ok(Self {
            folder: folder.to_owned(),
            existing,
            next_number: HashMap::new(),
            given: HashSet::new(),
        })
    }

    /// Writes one file, and returns where: `name` if there is one, else `file`, made safe.
    ///
    /// # Errors
    /// If it cannot be written, or a file of its name was there before and has to stay.
    pub fn write(&mut self, name: Option<&str>, bytes: &[u8]) -> Result<PathBuf> {
        let mut file = self.begin(name)?;
        file.write_piece(bytes)?;
        self.keep(file)
    }

    /// Begins one file, to be written piece by piece; it has its name once it is [kept](Self::keep).
    pub(crate) fn begin(&self, name: Option<&str>) -> Result<PartFile> {
        let name = safe_name(name.unwrap_or_default());
        let (folder, _, _) = split(&name);
        let folder = self.folder.join(folder);
        create_dir_all(&folder).map_err(ConvertError::io(&folder, "create"))?;
        let file = temporary_in(&folder).map_err(ConvertError::io(&folder, "create"))?;
        Ok(PartFile { name, file })
    }

    /// Gives the file the first name that this writer did not give yet.
    pub(crate) fn keep(&mut self, part: PartFile) -> Result<PathBuf> {
        let PartFile { name, file } = part;
        let (folder, stem, extension) = split(&name);
        let number = self.next_number.entry(name.to_lowercase()).or_default();
        let name = loop {
            let candidate = match *number {
                0 => format!("{stem}{extension}"),
                n => format!("{stem}-{n}{extension}"),
            };
            *number += 1;
            let candidate =
                if folder.is_empty() { candidate } else { format!("{folder}/{candidate}") };
            if self.given.insert(candidate.to_lowercase()) {
                break candidate;
            }
        };
        let path = self.folder.join(name);
        keep_as(file, &path, self.existing)?;
        Ok(path)
    }
}

/// A file on its way to its name; dropped, it leaves nothing behind.
pub(crate) struct PartFile {
    name: String,
    file: NamedTempFile,
}

impl PartFile {
    pub(crate) fn write_piece(&mut self, bytes: &[u8]) -> Result<()> {
        let path = self.file.path().to_owned();
        self.file.write_all(bytes).map_err(ConvertError::io(&path, "write"))
    }
}

/// Folder, name and extension with its dot.
fn split(name: &str) -> (&str, &str, &str) {
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    match file.rfind('.') {
        Some(dot) if dot > 0 => (folder, &file[..dot], &file[dot..]),
        _ => (folder, file, ""),
    }
}

/// A relative path of plain parts, divided by `/`.
fn safe_name(name: &str) -> String {
    let parts: Vec<String> =
        name.split(['/', '\\']).map(safe_part).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "file".into() } else { parts.join("/") }
}

fn safe_part(part: &str) -> String {
    let part = part.trim().trim_end_matches('.');
    let forbidden =
        |c: char| c.is_control() || matches!(c, ':' | '*' | '?' | '"' | '<' | '>' | '|');
    let mut safe = part.replace(forbidden, "_");
    if safe.len() > MAX_PART_BYTES {
        // The end is kept, for the extension.
        let cut = (safe.len() - MAX_PART_BYTES..).find(|&i| safe.is_char_boundary(i));
        safe = safe.split_off(cut.unwrap_or(safe.len()));
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_never_lead_out_of_the_folder() {
        for (name, expected) in [
            ("a.png", "a.png"),
            ("/etc/passwd", "etc/passwd"),
            ("../../a", "a"),
            ("a/../../b", "a/b"),
            ("C:\\x\\y.txt", "C_/x/y.txt"),
            ("..", "file"),
            ("", "file"),
            ("a\0b\n", "a_b"),
            (" . / .. /x", "x"),
        ] {
            assert_eq!(safe_name(name), expected, "{name:?}");
        }
        assert_eq!(safe_name(&format!("{}.png", "é".repeat(300))).len(), MAX_PART_BYTES);
    }

    #[test]
    fn what_is_there_is_replaced_only_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.x"), b"old").unwrap();
        let mut writer = FileWriter::create(dir.path(), Existing::Keep).unwrap();
        let error = writer.write(Some("a.x"), b"new").unwrap_err().to_string();
        assert!(error.contains("a.x") && error.contains("--force"), "{error}");
        assert!(writer.write(None, b"").unwrap().ends_with("file"));
        assert_eq!(std::fs::read(dir.path().join("a.x")).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);

        let mut writer = FileWriter::create(dir.path(), Existing::Replace).unwrap();
        assert!(writer.write(Some("a.x"), b"new").unwrap().ends_with("a.x"));
        // Its own it never replaces, nor what is one name with it where case does not count.
        assert!(writer.write(Some("a.x"), b"second").unwrap().ends_with("a-1.x"));
        assert!(writer.write(Some("A.x"), b"third").unwrap().ends_with("A-2.x"));
        assert!(writer.write(Some("a-1.x"), b"fourth").unwrap().ends_with("a-1-1.x"));
        assert_eq!(std::fs::read(dir.path().join("a.x")).unwrap(), b"new");
    }
}
