//! A file that does not exist until it is whole and durable: `spec/layout.md`, "Durability".

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::file_error::FileError;
use super::syncing::Syncing;
use crate::format::layout::ObjectKind;
use crate::ids::Ids;

/// Buffers that one vectored write takes.
const MAX_BUFFERS: usize = 1024;

/// The folders of one dataset, made durably and only when something is written.
#[derive(Debug)]
pub(crate) struct Folders {
    root: PathBuf,
    ids: Ids,
    syncing: Syncing,
    /// Folders whose names are known to be on disk, up to the root.
    durable: Mutex<HashSet<PathBuf>>,
    /// Whether nobody else creates files here.
    has_single_writer: AtomicBool,
}

impl Folders {
    pub(crate) fn new(root: PathBuf, ids: Ids, syncing: Syncing) -> Self {
        let (durable, has_single_writer) = (Mutex::default(), AtomicBool::new(false));
        Self { root, ids, syncing, durable, has_single_writer }
    }

    /// What syncs them.
    pub(crate) fn syncing(&self) -> &Syncing {
        &self.syncing
    }

    /// From now on names are given without the help of the file system, if it has none to give.
    pub(crate) fn allow_single_writer(&self) {
        self.has_single_writer.store(true, Ordering::Relaxed);
    }

    /// Makes `folder`, which is in the root, and every folder above it that is missing.
    ///
    /// When this returns, a crash of the machine loses none of them, whoever made them.
    pub(crate) fn prepare(&self, folder: &Path) -> Result<(), FileError> {
        if self.is_durable(folder) && folder.is_dir() {
            return Ok(());
        }
        if folder == self.root {
            make_with_parents(folder)?;
            // Each of them may have been made just now by another writer, who did not get to sync it.
            self.syncing.names_above(folder)?;
        } else if let Some(parent) = folder.parent() {
            self.prepare(parent)?;
            make(folder)?;
            self.syncing.folder(parent)?;
        }
        self.durable().insert(folder.to_owned());
        Ok(())
    }

    /// Makes a file durable that has its name already: its content, and its name.
    ///
    /// Whoever gave it the name may have failed to sync it.
    pub(crate) fn secure(&self, name: &Path) -> Result<(), FileError> {
        let folder = name.parent().unwrap_or(&self.root);
        self.prepare(folder)?;
        let file = File::open(name).map_err(FileError::new("open", name))?;
        self.syncing.file(&file, name)?;
        self.syncing.folder(folder)
    }

    /// A new empty file that nobody looks for.
    pub(crate) fn new_temp(&self) -> Result<TempFile, FileError> {
        let folder = self.root.join(ObjectKind::Temporary.folder());
        self.prepare(&folder)?;
        loop {
            let path = folder.join(self.ids.next());
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                // Two writers that were given one seed: the next name is free.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                created => {
                    let file = Arc::new(created.map_err(FileError::new("create", &path))?);
                    return Ok(TempFile { path, file, exists: true });
                }
            }
        }
    }

    fn is_durable(&self, folder: &Path) -> bool {
        self.durable().contains(folder)
    }

    fn durable(&self) -> std::sync::MutexGuard<'_, HashSet<PathBuf>> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file under a temporary name, removed when dropped unpublished.
#[derive(Debug)]
pub(crate) struct TempFile {
    path: PathBuf,
    file: Arc<File>,
    exists: bool,
}

impl TempFile {
    /// The open file, for writers that may outlive its name.
    pub(crate) fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Gives the file its final name, unless something has that name; durable on return.
    pub(crate) fn publish_new(self, folders: &Folders, name: &Path) -> Result<(), FileError> {
        let is_alone = folders.has_single_writer.load(Ordering::Relaxed);
        self.publish(folders, name, |temp, name| {
            create_with(temp, name, is_alone, |a, b| std::fs::hard_link(a, b), rename_new)
        })
    }

    /// Gives the file its final name, replacing what had it; durable on return.
    pub(crate) fn publish_over(self, folders: &Folders, name: &Path) -> Result<(), FileError> {
        self.publish(folders, name, |temp, name| std::fs::rename(temp, name))
    }

    fn publish(
        mut self,
        folders: &Folders,
        name: &Path,
        give: impl FnOnce(&Path, &Path) -> io::Result<()>,
    ) -> Result<(), FileError> {
        let folder = name.parent().unwrap_or(&folders.root);
        folders.prepare(folder)?;
        // The content first: a name must never be on disk before what it names.
        folders.syncing.file(&self.file, &self.path)?;
        give(&self.path, name).map_err(FileError::new("create", name))?;
        self.remove();
        folders.syncing.folder(folder)
    }

    /// Removes the temporary name; a rename may have done so already.
    fn remove(&mut self) {
        if std::mem::take(&mut self.exists) {
            // What stays behind has no effect, and the next cleaning finds it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        self.remove();
    }
}

fn rename_new(temp: &Path, name: &Path) -> Result<(), Errno> {
    renameat_with(CWD, temp, CWD, name, RenameFlags::NOREPLACE)
}

/// Links `temp` as `name`, or renames it where there are no hard links; never replaces.
///
/// Where the file system has neither, whoever is alone looks first.
fn create_with(
    temp: &Path,
    name: &Path,
    is_alone: bool,
    link: impl FnOnce(&Path, &Path) -> io::Result<()>,
    rename: impl FnOnce(&Path, &Path) -> Result<(), Errno>,
) -> io::Result<()> {
    let Err(error) = link(temp, name) else { return Ok(()) };
    match Errno::from_io_error(&error) {
        // A network file system may link, lose its reply and try again.
        Some(Errno::EXIST) if is_same_file(temp, name) => Ok(()),
        Some(Errno::PERM | Errno::NOSYS | Errno::OPNOTSUPP | Errno::MLINK) => {
            match rename(temp, name) {
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) if is_alone => {
                    match std::fs::symlink_metadata(name) {
                        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
                        Err(_) => std::fs::rename(temp, name),
                    }
                }
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    "this file system has neither hard links nor rename without replacing, so \
                     two writers could lose each other's commits: use another, or promise that \
                     only one writer at a time commits (--single-writer)",
                )),
                renamed => Ok(renamed?),
            }
        }
        Some(Errno::XDEV) => Err(io::Error::new(
            io::ErrorKind::CrossesDevices,
            "the folders of a dataset must be on one file system",
        )),
        _ => Err(error),
    }
}

fn is_same_file(a: &Path, b: &Path) -> bool {
    match (std::fs::symlink_metadata(a), std::fs::symlink_metadata(b)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

fn make(folder: &Path) -> Result<(), FileError> {
    let made = match std::fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match folder.is_dir() {
            true => Ok(()),
            // Not `AlreadyExists`, which is kept for the object itself.
            false => Err(io::ErrorKind::NotADirectory.into()),
        },
        made => made,
    };
    made.map_err(FileError::new("create folder", folder))
}

/// Makes the dataset's folder and those above it.
fn make_with_parents(folder: &Path) -> Result<(), FileError> {
    match folder.parent() {
        Some(parent) if !folder.is_dir() => {
            make_with_parents(parent)?;
            make(folder)
        }
        _ => Ok(()),
    }
}

/// Writes all of `pieces`, one after another, from `offset` on.
pub(crate) fn write_at(file: &File, pieces: &[Bytes], mut offset: u64) -> io::Result<()> {
    for pieces in pieces.chunks(MAX_BUFFERS) {
        let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut rest = &mut slices[..];
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            let written = match rustix::io::pwritev(file, rest, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => written,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            offset += written as u64;
            IoSlice::advance_slices(&mut rest, written);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_files() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (temp, name) = (folder.path().join("temp"), folder.path().join("name"));
        std::fs::write(&temp, "new").unwrap();
        (folder, temp, name)
    }

    #[test]
    fn without_hard_links_a_file_is_renamed_and_never_replaces() {
        for errno in [Errno::PERM, Errno::NOSYS, Errno::OPNOTSUPP] {
            let (_folder, temp, name) = two_files();
            create_with(&temp, &name, false, |_, _| Err(errno.into()), rename_new).unwrap();
            assert_eq!(std::fs::read(&name).unwrap(), b"new");
            assert!(!temp.exists());

            std::fs::write(&temp, "newer").unwrap();
            let error =
                create_with(&temp, &name, false, |_, _| Err(errno.into()), rename_new).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(std::fs::read(&name).unwrap(), b"new");
        }
    }

    #[test]
    fn a_file_system_that_cannot_create_is_used_only_by_one_who_is_alone() {
        let create = |temp: &Path, name: &Path, is_alone| {
            let no_link = |_: &Path, _: &Path| Err(Errno::OPNOTSUPP.into());
            create_with(temp, name, is_alone, no_link, |_, _| Err(Errno::INVAL))
        };
        let (_folder, temp, name) = two_files();
        std::fs::remove_file(&name).unwrap_or_default();
        let refused = create(&temp, &name, false).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::Unsupported);
        assert!(refused.to_string().contains("--single-writer"));
        create(&temp, &name, true).unwrap();
        std::fs::write(&temp, "newer").unwrap();
        let taken = create(&temp, &name, true).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_link_that_was_made_but_reported_as_existing_counts_as_made() {
        let (_folder, temp, name) = two_files();
        std::fs::hard_link(&temp, &name).unwrap();
        create_with(&temp, &name, false, |a, b| std::fs::hard_link(a, b), rename_new).unwrap();
    }

    #[test]
    fn a_vectored_write_takes_any_number_of_pieces_and_empty_ones() {
        let (_folder, temp, _) = two_files();
        let pieces: Vec<Bytes> =
            (0..3000u32).map(|i| Bytes::from(vec![i as u8; i as usize % 3])).collect();
        let file = OpenOptions::new().write(true).open(&temp).unwrap();
        write_at(&file, &pieces, 2).unwrap();
        let expected = [&b"ne"[..], &pieces.concat()].concat();
        assert_eq!(std::fs::read(&temp).unwrap(), expected);
    }
}
