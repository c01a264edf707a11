//! A file that is there whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::fault::{Fault, Result};

/// A file being written under another name, beside the place that it is to have.
pub(crate) struct NewFile {
    path: PathBuf,
    temporary: PathBuf,
    file: File,
    replaces: bool,
}

/// Says if there is a file at `path` already, unless it may be replaced.
pub(crate) fn check_place(path: &Path, replaces: bool) -> Result<()> {
    if !replaces && path.symlink_metadata().is_ok() {
        return Err(taken(path));
    }
    Ok(())
}

fn taken(path: &Path) -> Fault {
    format!("{}: is there already: give another name, or --force to replace it", path.display())
        .into()
}

impl NewFile {
    /// Begins a file that is to be at `path`.
    pub(crate) fn create(path: &Path, replaces: bool) -> Result<Self> {
        check_place(path, replaces)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).open(&temporary);
        let file = file.map_err(|error| fault(path, "create", &error))?;
        Ok(Self { path: path.to_owned(), temporary, file, replaces })
    }

    /// Another handle on it, to write through.
    pub(crate) fn writer(&self) -> Result<File> {
        self.file.try_clone().map_err(|error| fault(&self.path, "write", &error))
    }

    /// Makes it durable, and gives it its name.
    pub(crate) fn keep(self) -> Result<()> {
        let (from, to) = (&self.temporary, &self.path);
        self.file.sync_all().map_err(|error| fault(to, "write", &error))?;
        // A second name, unlike a new one, is never given to what is there already.
        let named = match self.replaces {
            true => fs::rename(from, to),
            false => fs::hard_link(from, to),
        };
        match named {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(taken(to)),
            // Some file systems know no second names.
            Err(_) if !self.replaces => {
                check_place(to, false)?;
                fs::rename(from, to).map_err(|error| fault(to, "create", &error))
            }
            named => named.map_err(|error| fault(to, "create", &error)),
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // It may have its name by now, and no other.
        let _ = fs::remove_file(&self.temporary);
    }
}

fn fault(path: &Path, action: &str, error: &io::Error) -> Fault {
    format!("{}: cannot {action}: {error}", path.display()).into()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_that_is_not_kept_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = NewFile::create(&folder.path().join("a.csv"), false).unwrap();
        file.writer().unwrap().write_all(b"half").unwrap();
        drop(file);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn what_is_there_is_replaced_only_if_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let early = NewFile::create(&path, false).unwrap();
        fs::write(&path, "old").unwrap();
        assert!(early.keep().unwrap_err().to_string().contains("is there already"));
        assert!(NewFile::create(&path, false).is_err());

        let file = NewFile::create(&path, true).unwrap();
        file.writer().unwrap().write_all(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        file.keep().unwrap();
        assert_eq!((fs::read(&path).unwrap(), names(folder.path()).len()), (b"new".to_vec(), 1));
    }
}
