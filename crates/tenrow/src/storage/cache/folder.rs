//! The folder of the cache: blocks, locks, and what makes room.
//!
//! ```text
//! <folder>/blocks/<hh>/<object>.<index>   a block; complete from the moment that it has its name
//! <folder>/locks/<hhh>                    held by whoever fetches a block that it stands for; never removed
//! <folder>/tmp/<id>                       a block that is being written
//! ```
//!
//! Any of it may be removed at any time, by anyone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use super::block::{BlockFile, BlockKey, footer};
use crate::ids::Ids;

/// Locks, of which each block has one.
const LOCKS: u64 = 4096;
/// Blocks that were used within this time count as used now.
const FRESH: Duration = Duration::from_secs(30);
/// Unfinished blocks that are older belong to nobody.
const ABANDONED: Duration = Duration::from_secs(3600);
/// Of the limit, what is written before room is looked for: a part of so many.
const SWEEP_PART: u64 = 64;
/// Of the limit, what is kept when room is made, in hundredths.
const KEPT_PERCENT: u64 = 90;

/// Blocks on disk, at most so many bytes of them, shared with other processes.
#[derive(Debug)]
pub(super) struct BlockFolder {
    folder: PathBuf,
    max_bytes: u64,
    ids: Ids,
    /// Bytes written since room was last looked for.
    written: AtomicU64,
}

/// What a cache holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Held {
    pub(super) blocks: u64,
    pub(super) bytes: u64,
}

/// A lock, until it is dropped or its process ends.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "closing it unlocks")] File);

struct Entry {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl BlockFolder {
    pub(super) fn new(folder: PathBuf, max_bytes: u64) -> Self {
        Self { folder, max_bytes, ids: Ids::random(), written: AtomicU64::new(0) }
    }

    /// The block, if it is here and whole; noted as used.
    pub(super) fn open(&self, key: &BlockKey) -> Option<BlockFile> {
        let file = File::open(self.path(key)).ok()?;
        let block = BlockFile::new(file, key)?;
        let now = SystemTime::now();
        let used = block.file().metadata().and_then(|metadata| metadata.modified());
        if used.is_ok_and(|used| now.duration_since(used).is_ok_and(|age| age > FRESH)) {
            // Another user's block cannot be noted; it is swept a little early.
            let _ = block.file().set_modified(now);
        }
        Some(block)
    }

    /// The lock of the block; `None` if someone has it.
    ///
    /// # Errors
    /// The cache cannot be written.
    pub(super) fn try_lock(&self, stripe: u64) -> io::Result<Option<Lock>> {
        let folder = self.folder.join("locks");
        let open = || {
            let name = folder.join(format!("{stripe:03x}"));
            OpenOptions::new().create(true).append(true).open(name)
        };
        let file = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_private(&self.folder)?;
                fs::create_dir_all(&folder)?;
                open()?
            }
            opened => opened?,
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// Which lock is that of the block.
    pub(super) fn stripe(key: &BlockKey) -> u64 {
        let [a, b, ..] = key.object;
        (u64::from(u16::from_le_bytes([a, b])).wrapping_add(key.index)) % LOCKS
    }

    /// Keeps a block, and makes room if there is too much.
    ///
    /// # Errors
    /// The cache cannot be written, or the disk is full.
    pub(super) fn keep(&self, key: &BlockKey, block: &[u8], object_bytes: u64) -> io::Result<()> {
        let path = self.path(key);
        let temp = self.folder.join("tmp").join(self.ids.next());
        let write = || {
            let mut file = OpenOptions::new().write(true).create_new(true).open(&temp)?;
            file.write_all(block)?;
            file.write_all(&footer(key, block, object_bytes))
        };
        let written = match write() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_private(&self.folder)?;
                fs::create_dir_all(self.folder.join("tmp"))?;
                write()
            }
            written => written,
        };
        let named = written.and_then(|()| match fs::rename(&temp, &path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(path.parent().unwrap_or(&self.folder))?;
                fs::rename(&temp, &path)
            }
            renamed => renamed,
        });
        if named.is_err() {
            let _ = fs::remove_file(&temp);
            return named;
        }
        let written = self.written.fetch_add(block.len() as u64, Ordering::Relaxed);
        if written + block.len() as u64 > self.max_bytes / SWEEP_PART {
            self.written.store(0, Ordering::Relaxed);
            self.sweep()?;
        }
        Ok(())
    }

    /// Removes what was not used for longest, until there is room; one process at a time.
    pub(super) fn sweep(&self) -> io::Result<()> {
        // One past the locks of blocks.
        let Some(_lock) = self.try_lock(LOCKS)? else { return Ok(()) };
        self.remove_abandoned();
        let mut entries = self.entries()?;
        let mut bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
        if bytes <= self.max_bytes {
            return Ok(());
        }
        entries.sort_unstable_by_key(|entry| entry.used);
        let goal = self.max_bytes / 100 * KEPT_PERCENT;
        for entry in entries {
            if bytes <= goal {
                break;
            }
            if fs::remove_file(&entry.path).is_ok() {
                bytes = bytes.saturating_sub(entry.bytes);
            }
        }
        Ok(())
    }

    fn remove_abandoned(&self) {
        let Ok(unfinished) = fs::read_dir(self.folder.join("tmp")) else { return };
        let now = SystemTime::now();
        for entry in unfinished.flatten() {
            let age = entry.metadata().and_then(|m| m.modified()).map(|at| now.duration_since(at));
            if matches!(age, Ok(Ok(age)) if age > ABANDONED) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// What is held.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(super) fn held(&self) -> io::Result<Held> {
        let entries = self.entries()?;
        let bytes = entries.iter().map(|entry| entry.bytes).sum();
        Ok(Held { blocks: entries.len() as u64, bytes })
    }

    /// Removes every block, and tells what they were.
    ///
    /// # Errors
    /// The folder cannot be read, or a block not be removed.
    pub(super) fn clear(&self) -> io::Result<Held> {
        let mut removed = Held::default();
        for entry in self.entries()? {
            match fs::remove_file(&entry.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                done => done?,
            }
            removed.blocks += 1;
            removed.bytes += entry.bytes;
        }
        Ok(removed)
    }

    /// Removes the blocks of an object.
    pub(super) fn forget(&self, object: [u8; 16]) {
        let name = BlockKey { object, index: 0 }.file_name();
        let Some(object) = name.strip_suffix('0') else { return };
        for path in listed(&self.folder.join("blocks").join(&name[..2])).unwrap_or_default() {
            let is_of = path.file_name().and_then(|name| name.to_str());
            if is_of.is_some_and(|name| name.starts_with(object)) {
                // What cannot be removed is found damaged again.
                let _ = fs::remove_file(path);
            }
        }
    }

    fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for folder in listed(&self.folder.join("blocks"))? {
            for path in listed(&folder)? {
                // It may be gone by now.
                let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
                if metadata.is_file() {
                    let used = metadata.modified()?;
                    entries.push(Entry { path, bytes: metadata.len(), used });
                }
            }
        }
        Ok(entries)
    }

    fn path(&self, key: &BlockKey) -> PathBuf {
        let name = key.file_name();
        self.folder.join("blocks").join(&name[..2]).join(name)
    }
}

fn listed(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Makes the folder, for its owner alone: what is read with someone's credentials is theirs.
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(index: u64) -> BlockKey {
        BlockKey { object: [1; 16], index }
    }

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let cache = BlockFolder::new(folder.path().join("cache"), 100_000);
        let old = SystemTime::now() - Duration::from_secs(1000);
        for index in 0..8 {
            cache.keep(&key(index), &[index as u8; 10_000], 1 << 20).unwrap();
            let file = File::open(cache.path(&key(index))).unwrap();
            file.set_modified(old + Duration::from_secs(index)).unwrap();
        }
        // Used now, so it stays.
        assert_eq!(cache.open(&key(0)).unwrap().read(0..3).unwrap(), [0; 3].as_slice());
        for index in 8..16 {
            cache.keep(&key(index), &[index as u8; 10_000], 1 << 20).unwrap();
        }
        let held = cache.held().unwrap();
        assert!(held.bytes <= 100_000 && held.blocks >= 8, "{held:?}");
        assert!(cache.open(&key(0)).is_some() && cache.open(&key(15)).is_some());
        assert!(cache.open(&key(1)).is_none() && cache.open(&key(2)).is_none());
        assert_eq!(cache.clear().unwrap(), held);
        assert_eq!(cache.held().unwrap(), Held::default());
    }

    #[test]
    fn a_lock_is_held_by_one_and_free_when_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let cache = BlockFolder::new(folder.path().join("cache"), 100_000);
        let held = cache.try_lock(5).unwrap().unwrap();
        assert!(cache.try_lock(5).unwrap().is_none());
        assert!(cache.try_lock(6).unwrap().is_some());
        drop(held);
        assert!(cache.try_lock(5).unwrap().is_some());
    }
}
