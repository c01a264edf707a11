//! A folder to work in, and the program run there.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// The rows of [`people`].
const PEOPLE: &str = "name,age\nAda,36\nAlan,41\nGrace,85\n";

/// A temporary folder in which `tenrow` is run.
pub(crate) struct Desk(TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_tenrow"))
            .current_dir(self.0.path())
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Runs what must succeed, and gives what it printed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {complaint}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs what must succeed, and gives what it said on stderr.
    pub(crate) fn remarks(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// The values of an attribute in all rows.
    pub(crate) fn column(&self, dataset: &str, attribute: &str) -> Vec<Value> {
        self.ok(&["export", dataset, "--folder", "column", "--format", "jsonl", "--force"]);
        let rows = self.text("column/data.jsonl");
        let value = |line| serde_json::from_str::<Value>(line).unwrap()[attribute].clone();
        rows.lines().map(value).collect()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(arguments)).unwrap()
    }

    /// Runs what must fail with exit status 1, and gives its one line.
    pub(crate) fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {complaint}");
        assert!(complaint.starts_with("tenrow: "), "{complaint}");
        assert_eq!(complaint.trim_end().lines().count(), 1, "{complaint}");
        complaint
    }

    /// Runs what must be refused as bad usage, with exit status 2.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {complaint}");
        complaint
    }
}

/// A desk with the dataset `people`: Ada, Alan and Grace in version 2.
pub(crate) fn people() -> Desk {
    let desk = Desk::new();
    desk.ok(&["create", "people", "-a", "name:string?", "-a", "age:i64?"]);
    desk.write("people.csv", PEOPLE).ok(&["import", "people", "people.csv"]);
    desk
}

/// One of the files that the program carries.
pub(crate) fn carried(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name).display().to_string()
}

/// An IDX file of u8.
pub(crate) fn idx(dims: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, dims.len() as u8];
    dims.iter().for_each(|dim| file.extend_from_slice(&dim.to_be_bytes()));
    file.extend_from_slice(bytes);
    file
}

/// The elements of an npy file.
pub(crate) fn npy_body(file: &[u8]) -> &[u8] {
    let len = usize::from(u16::from_le_bytes([file[8], file[9]]));
    &file[10 + len..]
}
