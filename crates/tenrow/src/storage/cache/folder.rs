//! The folder of the cache: blocks, and what makes room.
//!
//! ```text
//! <folder>/blocks/<hh>/<object>.<index>   a block; complete from the moment that it has its name
//! <folder>/claims/<object>.<index>        somebody fetches that block
//! <folder>/tmp/<id>                       a block that is being written
//! <folder>/written                        a byte for each 64 KiB written since room was last looked for
//! ```
//!
//! Any of it may be removed at any time, by anyone. Its owner alone can read what is made here.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use super::block::{BlockFile, BlockKey, footer};
use super::fetches::Fetches;
use super::private::{new_private, within};
use crate::ids::Ids;

/// Blocks that were used within this time count as used now.
const FRESH: Duration = Duration::from_secs(30);
/// Unfinished blocks that are older belong to nobody.
const ABANDONED: Duration = Duration::from_secs(3600);
/// Of the limit, what is written before room is looked for: a part of so many.
const SWEEP_PART: u64 = 64;
/// Of the limit, what is kept when room is made, in hundredths.
const KEPT_PERCENT: u64 = 90;
/// Bytes that a byte of the tally stands for.
const TALLY_BYTES: u64 = 64 << 10;
/// Bytes that a file takes on disk are a multiple of this.
const DISK_BYTES: u64 = 4096;

/// Blocks on disk, at most so many bytes of them, shared with other processes.
pub(super) struct BlockFolder {
    folder: PathBuf,
    max_bytes: u64,
    ids: Ids,
    /// What is under way in this process.
    pub(super) fetches: Mutex<Fetches>,
}

/// What a cache holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Held {
    pub(super) blocks: u64,
    pub(super) bytes: u64,
}

struct Entry {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl Entry {
    /// Bytes that it takes.
    fn disk_bytes(&self) -> u64 {
        self.bytes.next_multiple_of(DISK_BYTES)
    }
}

impl BlockFolder {
    pub(super) fn new(folder: PathBuf, max_bytes: u64) -> Self {
        Self { folder, max_bytes, ids: Ids::random(), fetches: Mutex::default() }
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

    /// Keeps a block, and makes room if there is too much.
    ///
    /// # Errors
    /// The cache cannot be written, or the disk is full.
    pub(super) fn keep(&self, key: &BlockKey, block: &[u8], object_bytes: u64) -> io::Result<()> {
        let (unfinished, path) = (self.unfinished(), self.path(key));
        // Before it is written: what a killed process leaves counts too.
        let needs_room = self.count(block.len() as u64)?;
        let temp = unfinished.join(self.ids.next());
        let written = within(&unfinished, || {
            let mut file = new_private(&temp)?;
            file.write_all(block)?;
            file.write_all(&footer(key, block, object_bytes))
        });
        let folder = path.parent().unwrap_or(&self.folder);
        let named = written.and_then(|()| within(folder, || fs::rename(&temp, &path)));
        if named.is_err() {
            let _ = fs::remove_file(&temp);
            return named;
        }
        if needs_room { self.sweep() } else { Ok(()) }
    }

    /// Counts bytes for all processes together; whether so many were written that room has to be looked for.
    fn count(&self, bytes: u64) -> io::Result<bool> {
        let path = self.tally();
        let open = || OpenOptions::new().append(true).open(&path);
        let mut tally = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match within(&self.folder, || new_private(&path)) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(error);
                    }
                    _ => open()?,
                }
            }
            opened => opened?,
        };
        tally.write_all(&vec![b'.'; bytes.div_ceil(TALLY_BYTES).max(1) as usize])?;
        let written = tally.metadata()?.len().saturating_mul(TALLY_BYTES);
        Ok(written > self.max_bytes / SWEEP_PART)
    }

    /// Removes what was not used for longest, until there is room. Two who do it at once remove the same.
    pub(super) fn sweep(&self) -> io::Result<()> {
        // It is counted anew from here on. Where that fails, room is looked for once more.
        let _ = OpenOptions::new().write(true).truncate(true).open(self.tally());
        remove_abandoned(&self.claims());
        let mut bytes = remove_abandoned(&self.unfinished());
        let mut entries = self.entries()?;
        bytes += entries.iter().map(Entry::disk_bytes).sum::<u64>();
        if bytes <= self.max_bytes {
            return Ok(());
        }
        entries.sort_unstable_by_key(|entry| entry.used);
        let goal = self.max_bytes / 100 * KEPT_PERCENT;
        for entry in entries {
            if bytes <= goal {
                break;
            }
            match fs::remove_file(&entry.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {}
                _ => bytes = bytes.saturating_sub(entry.disk_bytes()),
            }
        }
        Ok(())
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

    pub(super) fn claims(&self) -> PathBuf {
        self.folder.join("claims")
    }

    fn unfinished(&self) -> PathBuf {
        self.folder.join("tmp")
    }

    fn tally(&self) -> PathBuf {
        self.folder.join("written")
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

impl std::fmt::Debug for BlockFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let max_bytes = self.max_bytes;
        f.debug_struct("BlockFolder")
            .field("folder", &self.folder)
            .field("max_bytes", &max_bytes)
            .finish()
    }
}

/// Removes files that are old; gives the bytes of the others.
fn remove_abandoned(folder: &Path) -> u64 {
    let Ok(files) = fs::read_dir(folder) else { return 0 };
    let mut bytes = 0;
    for file in files.flatten() {
        let Ok(metadata) = file.metadata() else { continue };
        let age = metadata.modified().ok().and_then(|at| at.elapsed().ok());
        let is_old = age.is_some_and(|age| age > ABANDONED);
        if !is_old || fs::remove_file(file.path()).is_err() {
            bytes += metadata.len().next_multiple_of(DISK_BYTES);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::super::claims::claimed;
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

    /// The bytes were counted for each opened dataset, so that many that read a little each never made room.
    #[test]
    fn many_who_write_a_little_each_keep_to_the_limit_together() {
        let folder = tempfile::tempdir().unwrap();
        const MAX_BYTES: u64 = 16 << 20;
        for index in 0..200 {
            let opened = BlockFolder::new(folder.path().join("cache"), MAX_BYTES);
            opened.keep(&key(index), &[7; 200_000], 1 << 20).unwrap();
            let held = opened.held().unwrap();
            assert!(held.bytes <= MAX_BYTES + MAX_BYTES / SWEEP_PART + 200_000, "{held:?}");
        }
    }

    #[test]
    fn small_blocks_count_as_the_disk_counts_them() {
        let folder = tempfile::tempdir().unwrap();
        let cache = BlockFolder::new(folder.path().join("cache"), 100 * DISK_BYTES);
        for index in 0..300 {
            cache.keep(&key(index), &[7; 10], 10).unwrap();
        }
        assert!(cache.held().unwrap().blocks <= 100, "{:?}", cache.held());
    }

    #[test]
    fn two_who_make_room_at_once_remove_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let cache = BlockFolder::new(folder.path().join("cache"), 10 << 20);
        for index in 0..60 {
            cache.keep(&key(index), &[7; 200_000], 1 << 20).unwrap();
        }
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| cache.sweep().unwrap());
            }
        });
        let held = cache.held().unwrap();
        assert!(held.bytes <= 10 << 20 && held.bytes >= 8 << 20, "{held:?}");
    }

    #[test]
    fn what_is_made_can_be_read_by_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let shown = folder.path().join("open");
        fs::create_dir(&shown).unwrap();
        fs::set_permissions(&shown, Permissions::from_mode(0o777)).unwrap();
        let cache = BlockFolder::new(shown.clone(), 1 << 20);
        cache.keep(&key(0), &[7; 10], 10).unwrap();
        let _claim = claimed(&cache.claims(), &key(1), false).unwrap();
        let (mut folders, mut files) = (vec![shown], 0);
        while let Some(folder) = folders.pop() {
            for path in listed(&folder).unwrap() {
                let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
                assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
                if path.is_dir() { folders.push(path) } else { files += 1 }
            }
        }
        // The block, the claim, the tally.
        assert_eq!(files, 3);
    }
}
