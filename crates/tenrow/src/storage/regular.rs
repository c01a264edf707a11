//! Opening files that others may have put something else in the place of: a pipe or a device is refused, and nobody waits.

use std::fs::{File, FileType, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a regular file for reading, links followed; anything else is refused, and not waited for.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("x");
/// std::fs::write(&path, "tenrow")?;
/// assert_eq!(std::io::read_to_string(tenrow::storage::open_regular(&path)?)?, "tenrow");
/// assert!(tenrow::storage::open_regular("/dev/zero").is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// [`IsADirectory`](io::ErrorKind::IsADirectory) or [`InvalidInput`](io::ErrorKind::InvalidInput), which say what is
/// there instead; those of opening a file.
pub fn open_regular(path: impl AsRef<Path>) -> io::Result<File> {
    let path = path.as_ref();
    // Before it is opened, for opening is enough to make a device do something.
    check_regular(std::fs::metadata(path)?.file_type())?;
    // And after it, for it may have been replaced: without blocking, a pipe is opened at once.
    let non_blocking = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(non_blocking).open(path)?;
    check_regular(file.metadata()?.file_type())?;
    Ok(file)
}

/// Opens the file of an object: a folder is none.
pub(super) fn open_object(path: &Path) -> io::Result<File> {
    open_regular(path).map_err(|error| match error.kind() {
        io::ErrorKind::IsADirectory => io::Error::new(io::ErrorKind::NotFound, error),
        _ => error,
    })
}

/// Refuses what is no regular file, and says what it is.
fn check_regular(found: FileType) -> io::Result<()> {
    let (kind, what) = match found {
        found if found.is_file() => return Ok(()),
        found if found.is_dir() => (io::ErrorKind::IsADirectory, "a folder"),
        found if found.is_fifo() => (io::ErrorKind::InvalidInput, "a pipe"),
        found if found.is_socket() => (io::ErrorKind::InvalidInput, "a socket"),
        found if found.is_char_device() || found.is_block_device() => {
            (io::ErrorKind::InvalidInput, "a device")
        }
        _ => (io::ErrorKind::InvalidInput, "something else"),
    };
    Err(io::Error::new(kind, format!("{what}, not a file: only regular files are read")))
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType as Kind, Mode, mknodat};

    use super::*;

    #[test]
    fn only_regular_files_are_opened_and_nobody_waits_for_another() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "x").unwrap();
        mknodat(CWD, at("pipe"), Kind::Fifo, Mode::RWXU, 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        std::os::unix::fs::symlink(at("pipe"), at("link")).unwrap();
        open_regular(at("file")).unwrap();
        let others = [
            (at("pipe"), "a pipe"),
            (at("link"), "a pipe"),
            (at("socket"), "a socket"),
            (at(""), "a folder"),
            ("/dev/zero".into(), "a device"),
        ];
        for (path, what) in others {
            let error = open_regular(&path).unwrap_err().to_string();
            assert!(error.starts_with(what), "{}: {error}", path.display());
        }
    }
}
