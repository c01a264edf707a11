//! Files and folders for their owner alone.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Does what needs `folder`, which is made if it is not there.
pub(super) fn within<T>(folder: &Path, work: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match work() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_private(folder)?;
            work()
        }
        done => done,
    }
}

/// A new file, for its owner alone whatever the umask: what is read with someone's credentials is theirs.
pub(super) fn new_private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Makes the folder and those above it that are missing, for their owner alone; what is there stays as it is.
fn make_private(folder: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => fs::set_permissions(folder, Permissions::from_mode(0o700)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match folder.is_dir() {
            true => Ok(()),
            false => Err(io::ErrorKind::NotADirectory.into()),
        },
        Err(error) => match folder.parent() {
            Some(parent) if error.kind() == io::ErrorKind::NotFound => {
                make_private(parent)?;
                make_private(folder)
            }
            _ => Err(error),
        },
    }
}
