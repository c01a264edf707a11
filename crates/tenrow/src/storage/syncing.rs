//! What makes files and the names in folders durable; tests let it fail.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustix::io::Errno;

use super::file_error::FileError;

#[cfg(test)]
mod schedules;
#[cfg(test)]
mod tests;

type Sync = dyn Fn(&File, &Path) -> io::Result<()> + Send + std::marker::Sync;

/// Syncs files and folders, by `fsync` unless a test says otherwise.
#[derive(Clone)]
pub(crate) struct Syncing(Arc<Sync>);

impl Default for Syncing {
    fn default() -> Self {
        Self(Arc::new(|file, _| file.sync_all()))
    }
}

impl fmt::Debug for Syncing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Syncing")
    }
}

impl Syncing {
    /// Writes the content of `file`, which is called `path`, to disk.
    pub(crate) fn file(&self, file: &File, path: &Path) -> Result<(), FileError> {
        (self.0)(file, path).map_err(FileError::new("sync", path))
    }

    /// Writes the names in `folder` to disk.
    pub(crate) fn folder(&self, folder: &Path) -> Result<(), FileError> {
        let synced = File::open(folder).and_then(|file| (self.0)(&file, folder));
        match synced.as_ref().err().and_then(Errno::from_io_error) {
            // Some network file systems refuse to sync a folder because its names are always on disk.
            Some(Errno::INVAL | Errno::OPNOTSUPP) => Ok(()),
            _ => synced.map_err(FileError::new("sync folder", folder)),
        }
    }

    /// Writes the name of `folder` to disk, and those of all folders above it, whoever made them.
    ///
    /// Whoever may not read a folder did not make anything in it.
    pub(crate) fn names_above(&self, folder: &Path) -> Result<(), FileError> {
        for parent in folder.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()) {
            match self.folder(parent) {
                Err(error) if error.source.kind() == io::ErrorKind::PermissionDenied => {}
                synced => synced?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
impl Syncing {
    /// Does this instead, with the path that is to be synced.
    pub(crate) fn instead(
        sync: impl Fn(&Path) -> io::Result<()> + Send + std::marker::Sync + 'static,
    ) -> Self {
        Self(Arc::new(move |_, path| sync(path)))
    }

    /// Fails where `fails` says so of the path that is to be synced.
    pub(crate) fn failing(
        fails: impl Fn(&Path) -> bool + Send + std::marker::Sync + 'static,
    ) -> Self {
        Self(Arc::new(move |file, path| match fails(path) {
            true => Err(Errno::IO.into()),
            false => file.sync_all(),
        }))
    }
}
