//! Files of a dataset, written into a folder under their own names.

use std::collections::HashMap;
use std::fs::create_dir_all;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{ConvertError, Result};
use crate::new_file::temporary_in;

/// Bytes of one part of a path.
const MAX_PART_BYTES: usize = 200;

/// Writes files under a folder; what is there already is never replaced.
///
/// Names may be paths, but never lead out of the folder: `..`, roots and drives are dropped, and
/// characters that some system forbids become `_`. A name that is taken gets a number.
///
/// ```
/// let dir = tempfile::tempdir()?;
/// let mut writer = tenrow_convert::FileWriter::create(dir.path())?;
/// assert_eq!(writer.write(Some("cats/a.png"), b"one")?, dir.path().join("cats/a.png"));
/// assert_eq!(writer.write(Some("cats/a.png"), b"two")?, dir.path().join("cats/a-1.png"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FileWriter {
    folder: PathBuf,
    /// The number to try next for a name that was taken.
    next_number: HashMap<String, u64>,
}

impl FileWriter {
    /// Writes into `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create(folder: &Path) -> Result<Self> {
        create_dir_all(folder).map_err(ConvertError::io(folder, "create"))?;
        Ok(Self { folder: folder.to_owned(), next_number: HashMap::new() })
    }

    /// Writes one file, and returns where: `name` if there is one, else `file`, made safe.
    ///
    /// # Errors
    /// If it cannot be written.
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

    /// Gives the file the first name that is free.
    pub(crate) fn keep(&mut self, part: PartFile) -> Result<PathBuf> {
        let PartFile { name, mut file } = part;
        let (folder, stem, extension) = split(&name);
        let folder = self.folder.join(folder);
        let number = self.next_number.entry(name.clone()).or_default();
        loop {
            let candidate = match *number {
                0 => folder.join(format!("{stem}{extension}")),
                n => folder.join(format!("{stem}-{n}{extension}")),
            };
            *number += 1;
            match file.persist_noclobber(&candidate) {
                Ok(_) => return Ok(candidate),
                Err(taken) if taken.error.kind() == ErrorKind::AlreadyExists => file = taken.file,
                Err(fault) => return Err(ConvertError::io(&candidate, "create")(fault.error)),
            }
        }
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
    fn what_is_there_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.x"), b"old").unwrap();
        let mut writer = FileWriter::create(dir.path()).unwrap();
        assert!(writer.write(Some("a.x"), b"new").unwrap().ends_with("a-1.x"));
        assert!(writer.write(None, b"").unwrap().ends_with("file"));
        assert_eq!(std::fs::read(dir.path().join("a.x")).unwrap(), b"old");
    }
}
