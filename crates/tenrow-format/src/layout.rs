//! Which kinds of objects a dataset consists of: where each is, how it is called, and what may become of it. Normative:
//! `spec/layout.md`.
//!
//! ```text
//! data/train/0198….parquet      folder "data", stem "train/0198…", ending ".parquet"
//! ```
//!
//! One table has a line for each kind. Whoever makes a path makes it here, and whoever asks what a path leads to asks here.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::version::Version;

/// The folder of what is no data: where it is, there is a dataset, or was one.
pub const INTERNAL_FOLDER: &str = "_tenrow";

/// A kind of object that a dataset consists of.
///
/// ```
/// use tenrow_format::layout::ObjectKind;
/// let path = ObjectKind::Leaf.path("0123456789abcdef0123456789abcdef");
/// assert_eq!(path, "_tenrow/leaves/0123456789abcdef0123456789abcdef");
/// assert_eq!(ObjectKind::of(&path), Some(ObjectKind::Leaf));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// The root of one version.
    Root,
    /// A leaf.
    Leaf,
    /// A deletion vector.
    Deletes,
    /// The rows of a view.
    ViewRows,
    /// A note of another dataset that refers to files of this one.
    CloneNote,
    /// The advisory note of the newest version.
    LatestNote,
    /// What is being written.
    Temporary,
    /// A Parquet file with all attributes of its rows.
    BaseFile,
    /// A Parquet file with some attributes of its rows.
    ColumnFile,
    /// A large file of a file attribute.
    LargeFile,
}

/// When `vacuum` removes an object of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Never.
    Never,
    /// Once the version has expired that it is of.
    Expired,
    /// Once no version names it.
    Unnamed,
}

/// A line of the table.
struct Rule {
    kind: ObjectKind,
    folder: &'static str,
    stem: Stem,
    ending: &'static str,
    /// Whether no other object ever gets the name of one.
    is_final: bool,
    removal: Removal,
}

/// The part of a name that tells objects of a kind from each other.
#[derive(Clone, Copy)]
enum Stem {
    /// 2^64 − 1 − version, as 20 digits: in a sorted listing the newest comes first.
    Version,
    /// 32 lowercase hexadecimal digits.
    Id,
    /// The same, below any folders.
    KeysAndId,
    /// The BLAKE3 hash of the content and an id, below a folder of the first two digits.
    HashAndId,
    /// Anything without a folder, called so in the specification.
    Any(&'static str),
    /// This alone.
    Only(&'static str),
}

impl Rule {
    /// Objects whose names are used once, and which versions name.
    const fn new(kind: ObjectKind, folder: &'static str, stem: Stem, ending: &'static str) -> Self {
        Self { kind, folder, stem, ending, is_final: true, removal: Removal::Unnamed }
    }

    /// Others.
    const fn passing(self, removal: Removal) -> Self {
        Self { is_final: false, removal, ..self }
    }
}

/// In the order of [`ObjectKind`].
const TABLE: [Rule; 10] = [
    Rule::new(ObjectKind::Root, "_tenrow/versions", Stem::Version, ".json")
        .passing(Removal::Expired),
    Rule::new(ObjectKind::Leaf, "_tenrow/leaves", Stem::Id, ""),
    Rule::new(ObjectKind::Deletes, "_tenrow/deletes", Stem::Id, ""),
    Rule::new(ObjectKind::ViewRows, "_tenrow/views", Stem::Id, ".parquet"),
    Rule::new(ObjectKind::CloneNote, "_tenrow/clones", Stem::Any("<note>"), ".json")
        .passing(Removal::Never),
    Rule::new(ObjectKind::LatestNote, INTERNAL_FOLDER, Stem::Only("latest"), "")
        .passing(Removal::Never),
    Rule::new(ObjectKind::Temporary, "_tenrow/tmp", Stem::Any("<id>"), "")
        .passing(Removal::Unnamed),
    Rule::new(ObjectKind::BaseFile, "data", Stem::KeysAndId, ".parquet"),
    Rule::new(ObjectKind::ColumnFile, "columns", Stem::Id, ".parquet"),
    Rule::new(ObjectKind::LargeFile, "files", Stem::HashAndId, ""),
];

impl ObjectKind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|rule| rule.kind)
    }

    /// The kind of the object at `path`; `None` of whatever no writer of the format calls so.
    pub fn of(path: &str) -> Option<Self> {
        Self::all().find(|kind| kind.stem_in(path).is_some())
    }

    /// The kind in whose folder `path` lies, whatever it is called.
    pub fn in_folder_of(path: &str) -> Option<Self> {
        let is_in = |kind: &Self| {
            path.strip_prefix(kind.folder()).is_some_and(|rest| rest.starts_with('/'))
        };
        // Of a folder and one in it, that one.
        Self::all().filter(is_in).max_by_key(|kind| kind.folder().len())
    }

    /// The folder of all objects of the kind.
    pub fn folder(self) -> &'static str {
        self.rule().folder
    }

    /// The path of the object that `stem` tells from others of its kind: an id, for most.
    ///
    /// See [`root_path`], [`base_file_path`], [`large_file_path`] and [`latest_note_path`] for the others.
    pub fn path(self, stem: &str) -> String {
        let Rule { folder, ending, .. } = self.rule();
        format!("{folder}/{stem}{ending}")
    }

    /// What tells the object at `path` from others of this kind; `None` if it is none of the kind.
    pub fn stem_in(self, path: &str) -> Option<&str> {
        let Rule { folder, stem, ending, .. } = self.rule();
        let found = path.strip_prefix(folder)?.strip_prefix('/')?.strip_suffix(ending)?;
        stem.fits(found).then_some(found)
    }

    /// Whether no other object ever gets the name of one, so that what was read of it may be kept for ever.
    ///
    /// Not of a root: once vacuum has removed it, its number is free.
    pub fn is_final(self) -> bool {
        self.rule().is_final
    }

    /// When vacuum removes one.
    pub fn removal(self) -> Removal {
        self.rule().removal
    }

    /// The names of its objects, as the specification writes them.
    pub fn pattern(self) -> String {
        self.path(match self.rule().stem {
            Stem::Version => "<20 digits>",
            Stem::Id => "<id>",
            Stem::KeysAndId => "[<key value>/…]<id>",
            Stem::HashAndId => "<2 digits>/<blake3>-<id>",
            Stem::Any(called) => called,
            Stem::Only(name) => name,
        })
    }

    fn rule(self) -> &'static Rule {
        &TABLE[self as usize]
    }
}

impl Stem {
    fn fits(self, stem: &str) -> bool {
        match self {
            Self::Version => version_of_stem(stem).is_some(),
            Self::Id => is_hex(stem, 32),
            Self::KeysAndId => stem.rsplit('/').next().is_some_and(|id| is_hex(id, 32)),
            Self::HashAndId => stem.split_once('/').is_some_and(|(folder, name)| {
                let hash = name.split_once('-').filter(|(_, id)| is_hex(id, 32));
                hash.is_some_and(|(hash, _)| is_hex(hash, 64) && hash.get(..2) == Some(folder))
            }),
            Self::Any(_) => !stem.is_empty() && !stem.contains('/'),
            Self::Only(name) => stem == name,
        }
    }
}

/// The folders right in a dataset that hold its objects.
pub fn top_folders() -> BTreeSet<&'static str> {
    TABLE.iter().filter_map(|rule| rule.folder.split('/').next()).collect()
}

/// The path of the root of a version.
///
/// ```
/// use tenrow_format::layout::root_path;
/// use tenrow_format::Version;
/// assert_eq!(root_path(Version(1)), "_tenrow/versions/18446744073709551614.json");
/// ```
pub fn root_path(version: Version) -> String {
    ObjectKind::Root.path(&format!("{:020}", u64::MAX - version.0))
}

/// The version whose root is at `path`, if one may be.
pub fn version_at(path: &str) -> Option<Version> {
    version_of_stem(ObjectKind::Root.stem_in(path)?)
}

/// The version whose root is called `name` in the folder of roots, if one may be.
pub fn version_called(name: &str) -> Option<Version> {
    version_of_stem(name.strip_suffix(ObjectKind::Root.rule().ending)?)
}

fn version_of_stem(stem: &str) -> Option<Version> {
    if stem.len() != 20 || !stem.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let version = u64::MAX - stem.parse::<u64>().ok()?;
    (version > 0).then_some(Version(version))
}

/// The path of the note of the newest version.
pub fn latest_note_path() -> String {
    ObjectKind::LatestNote.pattern()
}

/// The path of a base file; `folders` are named by the keys of its rows, each with a `/` behind it.
pub fn base_file_path(folders: &str, id: &str) -> String {
    ObjectKind::BaseFile.path(&format!("{folders}{id}"))
}

/// The path of a large file, whose content has the BLAKE3 hash `hash`, in hexadecimal digits.
pub fn large_file_path(hash: &str, id: &str) -> String {
    ObjectKind::LargeFile.path(&format!("{}/{hash}-{id}", hash.get(..2).unwrap_or(hash)))
}

/// The BLAKE3 hash that the name of a large file begins with.
pub fn hash_in(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.split_once('-').map_or(name, |(hash, _)| hash)
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
