//! Files of the dataset, mapped into memory: the only `unsafe` of this crate.
#![expect(unsafe_code, reason = "mapping a file is unsafe: see the SAFETY comment")]

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use memmap2::Mmap;

use super::regular::open_object;

/// Maps that one storage holds at most: a quarter of what Linux gives a process by default.
pub(crate) const MAX_LIVE_MAPS: usize = 16_384;

/// The mapped files of one storage, each mapped once.
#[derive(Debug)]
pub(crate) struct Maps {
    maps: RwLock<HashMap<String, Entry>>,
    /// Maps that are cached here or held by a reader.
    live: Arc<AtomicUsize>,
    uses: AtomicU64,
    max_live: usize,
}

#[derive(Debug)]
struct Entry {
    bytes: Bytes,
    last_use: AtomicU64,
}

impl Maps {
    pub(crate) fn new(max_live: usize) -> Self {
        let live = Arc::default();
        Self { maps: RwLock::default(), live, uses: AtomicU64::new(0), max_live }
    }

    /// The file that was mapped as `name`, without touching the disk.
    pub(crate) fn cached(&self, name: &str) -> Option<Bytes> {
        let maps = self.maps.read().unwrap_or_else(PoisonError::into_inner);
        let entry = maps.get(name)?;
        entry.last_use.store(self.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        Some(entry.bytes.clone())
    }

    /// Maps the whole of `file` and caches it as `name`; `None` if readers hold too many maps.
    ///
    /// The bytes stay readable when the file is unlinked, and start on a page boundary.
    pub(crate) fn open(&self, name: &str, file: &Path) -> io::Result<Option<Bytes>> {
        if self.live.load(Ordering::Relaxed) >= self.max_live {
            evict_least_recent(&mut self.maps.write().unwrap_or_else(PoisonError::into_inner));
        }
        // Readers may still hold what was evicted.
        if self.live.load(Ordering::Relaxed) >= self.max_live {
            return Ok(None);
        }
        // Nobody waits for the lock meanwhile: the file may be on a disk of another machine.
        let bytes = map(file, &self.live)?;
        let last_use = AtomicU64::new(self.uses.fetch_add(1, Ordering::Relaxed));
        let mut maps = self.maps.write().unwrap_or_else(PoisonError::into_inner);
        let kept = maps.entry(name.to_owned()).or_insert(Entry { bytes, last_use });
        Ok(Some(kept.bytes.clone()))
    }
}

/// Drops the quarter of `maps` that was used longest ago, so that the scan is paid rarely.
fn evict_least_recent(maps: &mut HashMap<String, Entry>) {
    let mut uses: Vec<u64> = maps.values().map(|m| m.last_use.load(Ordering::Relaxed)).collect();
    uses.sort_unstable();
    if let Some(&newest_to_go) = uses.get(uses.len() / 4) {
        maps.retain(|_, map| map.last_use.load(Ordering::Relaxed) > newest_to_go);
    }
}

fn map(path: &Path, live: &Arc<AtomicUsize>) -> io::Result<Bytes> {
    let file = open_object(path)?;
    let metadata = file.metadata()?;
    if metadata.len() == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: a map is sound while nobody changes or truncates its file. Only files that tenrow
    // wrote are mapped, and those are never changed once they have their final name: they are
    // written elsewhere, linked whole, and later only unlinked, which a map outlives. Files of
    // others that are indexed in place are never mapped.
    let mmap = unsafe { Mmap::map(&file)? };
    live.fetch_add(1, Ordering::Relaxed);
    Ok(Bytes::from_owner(LiveMap { mmap, live: Arc::clone(live) }))
}

struct LiveMap {
    mmap: Mmap,
    live: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for LiveMap {
    fn as_ref(&self) -> &[u8] {
        &self.mmap
    }
}

impl Drop for LiveMap {
    fn drop(&mut self) {
        self.live.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn folder_of(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            std::fs::write(folder.path().join(name), name.as_bytes()).unwrap();
        }
        folder
    }

    #[test]
    fn a_map_outlives_its_file_and_starts_on_a_page() {
        let folder = folder_of(&["a"]);
        let file = folder.path().join("a");
        let bytes = Maps::new(4).open("a", &file).unwrap().unwrap();
        std::fs::remove_file(&file).unwrap();
        assert_eq!(&bytes[..], b"a");
        assert_eq!(bytes.as_ptr() as usize % 4096, 0);
    }

    #[test]
    fn a_file_is_mapped_once() {
        let folder = folder_of(&["a"]);
        let maps = Maps::new(4);
        let first = maps.open("a", &folder.path().join("a")).unwrap().unwrap();
        let again = maps.open("a", &folder.path().join("a")).unwrap().unwrap();
        assert_eq!(first.as_ptr(), again.as_ptr());
    }

    #[test]
    fn an_empty_file_is_no_bytes_and_a_folder_or_nothing_is_not_found() {
        let folder = folder_of(&[]);
        std::fs::write(folder.path().join("empty"), b"").unwrap();
        let maps = Maps::new(4);
        assert!(maps.open("empty", &folder.path().join("empty")).unwrap().unwrap().is_empty());
        for name in ["", "gone"] {
            let error = maps.open(name, &folder.path().join(name)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
        }
    }

    /// Opening it waited for somebody who writes, with a lock that all other readers of the dataset needed.
    #[test]
    fn a_pipe_in_place_of_a_file_is_not_waited_for() {
        let folder = folder_of(&["a"]);
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let (sender, answer) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let maps = Maps::new(4);
            let kind = maps.open("pipe", &pipe).map_err(|error| error.kind());
            let other = maps.open("a", &folder.path().join("a")).unwrap().unwrap();
            sender.send((kind.map(drop), other)).unwrap();
        });
        let (pipe, other) = answer.recv_timeout(Duration::from_secs(60)).expect("no waiting");
        assert_eq!((pipe, &other[..]), (Err(io::ErrorKind::InvalidInput), &b"a"[..]));
    }

    #[test]
    fn beyond_the_limit_the_least_recent_goes_and_held_maps_count() {
        let folder = folder_of(&["a", "b", "c"]);
        let maps = Maps::new(2);
        let open = |name: &str| maps.open(name, &folder.path().join(name)).unwrap();
        drop(open("a"));
        let b = open("b");
        let c = open("c");
        assert!(c.is_some(), "a, which nobody holds, made room");
        assert!(open("a").is_none(), "b and c are held");
        drop((b, c));
        assert_eq!(&open("a").unwrap()[..], b"a");
    }
}
