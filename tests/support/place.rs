//! Where a test keeps its datasets: a temporary folder, or a part of the bucket that the whole run is given.

use std::path::{Path, PathBuf};

use crate::s3::BUCKET;

/// The variable that names the folder of the S3 server that all tests are to use.
pub const S3_FOLDER: &str = "TENROW_TEST_S3_FOLDER";

/// A place of its own, gone when it is dropped.
///
/// On a server the objects are files too, in [`path`](Self::path): a test may look at them, and damage them.
#[derive(Debug)]
pub struct Place {
    folder: tempfile::TempDir,
    is_remote: bool,
}

impl Place {
    /// A new place.
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        let folder = match server_folder() {
            Some(server) => tempfile::Builder::new().prefix("t").tempdir_in(server.join(BUCKET)),
            None => tempfile::tempdir(),
        };
        Self { folder: folder.expect("a temporary folder"), is_remote: is_remote() }
    }

    /// The folder in which the objects are files.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The location of the place.
    pub fn location(&self) -> String {
        self.location_of(self.path())
    }

    /// The location of what is called `name` in the place.
    pub fn at(&self, name: &str) -> String {
        self.location_of(&self.path().join(name))
    }

    fn location_of(&self, path: &Path) -> String {
        if !self.is_remote {
            return path.display().to_string();
        }
        let name = self.path().file_name().and_then(|name| name.to_str()).expect("a name");
        let rest = path.strip_prefix(self.path()).expect("in the place");
        format!("s3://{BUCKET}/{}", Path::new(name).join(rest).display())
    }
}

fn server_folder() -> Option<PathBuf> {
    std::env::var_os(S3_FOLDER).map(PathBuf::from)
}

/// Whether datasets are on a server, and not in folders: then tests of what only folders have say nothing.
pub fn is_remote() -> bool {
    server_folder().is_some()
}
