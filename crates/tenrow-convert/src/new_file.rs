//! Files that are there whole or not at all.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use futures::TryStreamExt;
use tempfile::NamedTempFile;
use tenrow::FileHandle;
use tenrow_values::{ConvertError, Result};

/// What becomes of a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// It stays as it is, and writing one of its name is an error.
    #[default]
    Keep,
    /// It is replaced once the new one is whole.
    Replace,
}

impl Existing {
    /// Says if there is something at `path` that stays.
    ///
    /// # Errors
    /// [`ConvertError::Unsupported`] if so, or if `path` is a location of a store.
    pub fn check(self, path: &Path) -> Result<()> {
        check_here(path)?;
        // A pipe or a terminal has nothing in it that could be lost.
        let is_there = path.symlink_metadata().is_ok() && !is_stream(path);
        if self == Existing::Keep && is_there {
            return Err(taken(path));
        }
        Ok(())
    }
}

/// Files are written on this machine; what is named as in a store would be a folder called `s3:`.
pub(crate) fn check_here(path: &Path) -> Result<()> {
    match path.to_str().and_then(|path| path.split_once("://")) {
        None => Ok(()),
        Some((scheme, _)) => Err(ConvertError::unsupported(
            scheme.as_ref(),
            "files are written on this machine, not into a store: give a path",
        )),
    }
}

fn is_stream(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// A file in `folder` that is gone unless it gets another name, with the permissions of any other.
pub(crate) fn temporary_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tenrow-").suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// A file being written beside the place that it is to have; dropped, it leaves nothing behind.
pub(crate) struct NewFile {
    path: PathBuf,
    existing: Existing,
    target: Target,
}

enum Target {
    Temporary(NamedTempFile),
    /// A pipe or a terminal, which has no name to be given.
    Stream(File),
}

impl NewFile {
    pub(crate) fn create(path: &Path, existing: Existing) -> Result<Self> {
        existing.check(path)?;
        let fault = || ConvertError::io(path, "create");
        if is_stream(path) {
            let file = File::options().write(true).open(path).map_err(fault())?;
            let target = Target::Stream(file);
            return Ok(Self { path: path.to_owned(), existing, target });
        }
        if path.is_dir() {
            return Err(ConvertError::unsupported(path, "a folder: give the name of a file"));
        }
        // A link stays one, and what it leads to is replaced.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let temporary = temporary_in(folder.unwrap_or(Path::new("."))).map_err(fault())?;
        Ok(Self { path, existing, target: Target::Temporary(temporary) })
    }

    /// What writes into it.
    pub(crate) fn output(&self) -> Result<Box<dyn Write + Send>> {
        let file = match &self.target {
            Target::Temporary(file) => file.as_file(),
            Target::Stream(file) => file,
        };
        let output = file.try_clone().map_err(ConvertError::io(&self.path, "write"))?;
        Ok(Box::new(output))
    }

    /// Makes it durable, and gives it its name.
    pub(crate) fn keep(self) -> Result<()> {
        let Target::Temporary(temporary) = self.target else { return Ok(()) };
        temporary.as_file().sync_all().map_err(ConvertError::io(&self.path, "write"))?;
        keep_as(temporary, &self.path, self.existing)
    }
}

/// Gives a temporary file its name.
pub(crate) fn keep_as(temporary: NamedTempFile, path: &Path, existing: Existing) -> Result<()> {
    let kept = match existing {
        Existing::Keep => temporary.persist_noclobber(path),
        Existing::Replace => temporary.persist(path),
    };
    match kept {
        Ok(_) => Ok(()),
        Err(fault) if fault.error.kind() == io::ErrorKind::AlreadyExists => Err(taken(path)),
        Err(fault) => Err(ConvertError::io(path, "create")(fault.error)),
    }
}

fn taken(path: &Path) -> ConvertError {
    ConvertError::Exists { path: path.to_owned() }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.target {
            Target::Temporary(file) => file.write(bytes),
            Target::Stream(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Temporary(file) => file.flush(),
            Target::Stream(file) => file.flush(),
        }
    }
}

impl Seek for NewFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.target {
            Target::Temporary(file) => file.seek(to),
            Target::Stream(file) => file.seek(to),
        }
    }
}

/// Writes a whole file.
///
/// # Errors
/// If it cannot be written, or is there and has to stay.
pub fn write_file(path: &Path, bytes: &[u8], existing: Existing) -> Result<()> {
    let mut file = NewFile::create(path, existing)?;
    file.write_all(bytes).map_err(ConvertError::io(path, "write"))?;
    file.keep()
}

/// Writes the bytes of a stored file, piece by piece.
///
/// # Errors
/// As [`write_file`], and [`tenrow::ErrorKind::Corrupt`] if they are not those that were stored.
pub async fn write_stored_file(path: &Path, stored: &FileHandle, existing: Existing) -> Result<()> {
    let mut file = NewFile::create(path, existing)?;
    let mut pieces = stored.pieces();
    while let Some(piece) = pieces.try_next().await? {
        file.write_all(&piece).map_err(ConvertError::io(path, "write"))?;
    }
    file.keep()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_that_is_not_finished_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let mut file = NewFile::create(&path, Existing::Keep).unwrap();
        file.write_all(b"half").unwrap();
        assert!(!path.exists());
        drop(file);
        assert!(names(dir.path()).is_empty());
        write_file(&path, b"whole", Existing::Keep).unwrap();
        assert_eq!(names(dir.path()), ["x"]);
    }

    #[test]
    fn what_is_there_is_replaced_only_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, b"old").unwrap();
        let error = write_file(&path, b"new", Existing::Keep).unwrap_err().to_string();
        assert!(error.contains("is there already") && error.contains("--force"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        write_file(&path, b"new", Existing::Replace).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        let error = write_file(dir.path(), b"new", Existing::Replace).unwrap_err().to_string();
        assert!(error.contains("a folder"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_links_and_permissions_are_those_of_other_files() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("x"), dir.path().join("link"));
        let other = dir.path().join("other");
        std::fs::write(&path, b"old").unwrap();
        std::fs::write(&other, b"").unwrap();
        symlink(&path, &link).unwrap();
        write_file(&link, b"new", Existing::Replace).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&other));
    }
}
