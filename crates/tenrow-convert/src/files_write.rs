//! Files of a dataset, written into a folder under their own names.

use std::collections::HashMap;
use std::fs::{File, create_dir_all};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::{ConvertError, Result};

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
        let (path, mut file) = self.create_file(name)?;
        file.write_all(bytes).map_err(ConvertError::io(&path, "write"))?;
        Ok(path)
    }

    /// Creates one file, to be written piece by piece, as [`write`](Self::write) does.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn create_file(&mut self, name: Option<&str>) -> Result<(PathBuf, File)> {
        let name = safe_name(name.unwrap_or_default());
        let (folder, stem, extension) = split(&name);
        let folder = self.folder.join(folder);
        create_dir_all(&folder).map_err(ConvertError::io(&folder, "create"))?;
        let number = self.next_number.entry(name.clone()).or_default();
        loop {
            let candidate = match *number {
                0 => folder.join(format!("{stem}{extension}")),
                n => folder.join(format!("{stem}-{n}{extension}")),
            };
            *number += 1;
            match File::create_new(&candidate) {
                Ok(file) => return Ok((candidate, file)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(ConvertError::io(&candidate, "create")(error)),
            }
        }
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
