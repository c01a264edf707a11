//! Where tests keep their datasets: in folders, or in the bucket of the S3 server that the whole run is given.
//!
//! Objects of that server are files as well: a test has a folder in either case, and may look at what lies there, and
//! damage it.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tenrow::storage::Storage;

use crate::s3::BUCKET;

/// The variable that names the folder of the S3 server that all tests are to use.
pub const S3_FOLDER: &str = "TENROW_TEST_S3_FOLDER";

/// A folder of its own for datasets, gone when it is dropped.
pub fn folder() -> TempDir {
    let folder = match bucket() {
        Some(bucket) => tempfile::Builder::new().prefix("t").tempdir_in(bucket),
        None => tempfile::tempdir(),
    };
    folder.expect("a temporary folder")
}

/// The location of a folder: on the server, if it lies in its bucket.
pub fn location(folder: impl AsRef<Path>) -> String {
    let folder = folder.as_ref();
    match bucket().and_then(|bucket| folder.strip_prefix(bucket).ok().map(Path::to_path_buf)) {
        Some(prefix) => format!("s3://{BUCKET}/{}", prefix.display()),
        None => folder.display().to_string(),
    }
}

/// The folder of a location that [`location`] gave.
pub fn path(location: &str) -> PathBuf {
    match (location.strip_prefix("s3://").and_then(|rest| rest.split_once('/')), bucket()) {
        (Some((_, prefix)), Some(bucket)) => bucket.join(prefix),
        _ => PathBuf::from(location),
    }
}

/// The objects of a folder.
pub fn storage(folder: impl AsRef<Path>) -> Storage {
    Storage::open(&location(folder)).expect("a location")
}

/// The objects of a folder, each of whose reads counts.
pub fn counted(folder: impl AsRef<Path>) -> Storage {
    storage(folder).with_mmap(false).with_mapped_reads_counted(true)
}

fn bucket() -> Option<PathBuf> {
    std::env::var_os(S3_FOLDER).map(|folder| Path::new(&folder).join(BUCKET))
}

/// Whether datasets are on a server: then tests of what only folders have say nothing.
pub fn is_remote() -> bool {
    bucket().is_some()
}

/// Says that a test is passed over, if datasets are on a server.
pub fn needs_folders(why: &str) -> bool {
    if is_remote() {
        eprintln!("passed over on a server: {why}");
    }
    !is_remote()
}
