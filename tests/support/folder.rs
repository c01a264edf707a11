//! What lies in a folder, so that a test can say that nothing changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Every file below `folder`, by its path in it, with its bytes.
pub fn files_of(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else { continue };
        for path in entries.map(|entry| entry.expect("a readable folder").path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below the folder");
                found.insert(name.display().to_string(), std::fs::read(&path).expect("readable"));
            }
        }
    }
    found
}

/// Copies everything below `from` to `to`.
pub fn copy(from: &Path, to: &Path) {
    for (name, bytes) in files_of(from) {
        write(&to.join(name), &bytes);
    }
}

/// Writes a file and the folders that it is in.
pub fn write(path: &PathBuf, bytes: &[u8]) {
    let folder = path.parent().expect("a file is in a folder");
    std::fs::create_dir_all(folder).expect("a writable folder");
    std::fs::write(path, bytes).expect("a writable folder");
}
