//! Roots: what one version of a dataset is.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{self, ensure};
use super::row_map::RowMap;
use super::statistics::{self, Statistics};
use super::view_ref::ViewRef;
use super::{
    FEATURE_DEFAULT_VALUES, FEATURE_EARLIER_FORMS, FEATURE_EXPIRED_VERSIONS, FEATURE_ORIGINS,
    FEATURE_SINGLE_WRITER, FEATURE_VIEWS, KNOWN_FEATURES,
};
use crate::error::{FormatError, Result};
use crate::limits;
use crate::schema::Schema;
use crate::version::Version;

/// The statistics that a root may keep of one leaf.
pub const MAX_LEAF_REF_STATISTICS: usize = 8;

/// The version that a root was made from.
///
/// ```
/// use tenrow_format::{Attribute, Schema, Version, manifest::{Parent, Root}};
/// let mut root = Root::first(Schema::new([Attribute::parse("label:i64")?])?, "a1b2", 0);
/// assert_eq!(root.parent, None);
/// root.version = Version(2);
/// root.parent = Some(Parent { version: Version(1), checksum: 7 });
/// assert_eq!(Root::decode(&root.encode())?.parent, root.parent);
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    /// Its number.
    pub version: Version,
    /// The [`crate::checksum`] of all bytes of its root.
    pub checksum: u64,
}

/// One version of a dataset.
///
/// ```
/// use tenrow_format::{Attribute, Schema, manifest::Root};
/// let root = Root::first(Schema::new([Attribute::parse("label:i64")?])?, "a1b2", 0);
/// assert_eq!(Root::decode(&root.encode())?, root);
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Root {
    /// Features that a reader must know.
    pub reader_features: BTreeSet<String>,
    /// Features that a writer must know.
    pub writer_features: BTreeSet<String>,
    /// The number of this version.
    pub version: Version,
    /// The version that it was made from; a dataset's first has none.
    pub parent: Option<Parent>,
    /// Random text that tells this commit from all others.
    pub write_id: String,
    /// When it was committed, in milliseconds of unix time; informative.
    pub created_ms: i64,
    /// The version from which on times never fall: 1, unless one of a clock far ahead was not followed.
    pub times_from: Version,
    /// What was done: `create`, `append`, …; informative.
    pub operation: String,
    /// The attributes.
    pub schema: Schema,
    /// What the user keeps with the dataset.
    pub properties: serde_json::Map<String, serde_json::Value>,
    /// The leaves, in row order.
    pub leaves: Vec<LeafRef>,
    /// The stable id that the next row to be added will have.
    pub next_row_id: u64,
    /// The last sequence of each idempotency key.
    pub sequences: BTreeMap<String, u64>,
    /// Names of versions.
    pub tags: BTreeMap<String, Version>,
    /// Versions below this one are expired, but for those that have a tag or a view; 1 if none is.
    pub expired_before: Version,
    /// Stored selections of rows, by name.
    pub views: BTreeMap<String, ViewRef>,
    /// Other datasets whose files belong to this one too, by the names that paths begin with.
    pub origins: BTreeMap<String, OriginRef>,
    /// Set if the store cannot create an object only where none is, so that two writers at once
    /// would lose a commit.
    pub single_writer: bool,
}

/// Another dataset, as the root of one that refers to its files knows it.
///
/// ```
/// use tenrow_format::{Attribute, Schema, Version, manifest::{OriginRef, Root}};
/// let mut root = Root::first(Schema::new([Attribute::parse("label:i64")?])?, "a1b2", 0);
/// let origin = OriginRef { location: "/data/digits".to_owned(), version: Version(3), note: None };
/// root.origins.insert("a1".to_owned(), origin);
/// // A path `@a1/…` is in that dataset.
/// assert_eq!(tenrow_format::manifest::origin_of("@a1/data/x.parquet"), Some(("a1", "data/x.parquet")));
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginRef {
    /// Where it is: an absolute path or URL.
    pub location: String,
    /// The version whose files are referred to: as long as it is there, so are they.
    pub version: Version,
    /// The name of the note there that keeps it, if that is not the name of the origin.
    pub note: Option<String>,
}

/// A leaf, as its root knows it.
///
/// ```
/// use tenrow_format::{Attribute, Schema, Version, manifest::{LeafRef, Root}};
/// let mut root = Root::first(Schema::new([Attribute::parse("label:i64")?])?, "a1b2", 0);
/// root.leaves.push(LeafRef {
///     path: "_tenrow/leaves/a".to_owned(),
///     checksum: 1,
///     size_bytes: 900,
///     partition_count: 4,
///     row_count: 70,
///     size_of_files_bytes: 1 << 20,
///     first_row_id: 0,
///     sequence: 0,
///     statistics: Vec::new(),
/// });
/// assert_eq!(root.row_map().total(), 70);
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LeafRef {
    /// Where it is: `_tenrow/leaves/<id>`.
    pub path: String,
    /// Its [`crate::checksum`].
    pub checksum: u64,
    /// Its size.
    pub size_bytes: u64,
    /// Its partitions.
    pub partition_count: u64,
    /// Its rows that are not deleted.
    pub row_count: u64,
    /// The sizes of its data files, added up.
    pub size_of_files_bytes: u64,
    /// The stable id of the first row in its partitions that name none.
    pub first_row_id: u64,
    /// The sequence of its files that name none.
    pub sequence: u64,
    /// What is known of keys, and of attributes by which the partitions are sorted; at most 8.
    pub statistics: Vec<Statistics>,
}

impl Root {
    /// The first version of an empty dataset.
    pub fn first(schema: Schema, write_id: impl Into<String>, created_ms: i64) -> Self {
        Self {
            reader_features: BTreeSet::new(),
            writer_features: BTreeSet::new(),
            version: Version(1),
            parent: None,
            write_id: write_id.into(),
            created_ms,
            times_from: Version(1),
            operation: "create".into(),
            schema,
            properties: serde_json::Map::new(),
            leaves: Vec::new(),
            next_row_id: 0,
            sequences: BTreeMap::new(),
            tags: BTreeMap::new(),
            expired_before: Version(1),
            views: BTreeMap::new(),
            origins: BTreeMap::new(),
            single_writer: false,
        }
    }

    /// Checks every rule of `spec/manifest.md` that concerns the root alone.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn check(&self) -> Result<()> {
        let what = || "root".to_owned();
        ensure(self.version.0 > 0, what, || "versions are counted from 1".into())?;
        if let Some(Parent { version, .. }) = self.parent {
            let earlier = (1..self.version.0).contains(&version.0);
            ensure(earlier, what, || format!("version {} from {version}", self.version))?;
        }
        ensure(!self.write_id.is_empty(), what, || "the write id is empty".into())?;
        for (name, version) in &self.tags {
            let exists = (1..=self.version.0).contains(&version.0);
            ensure(exists, what, || format!("tag {name:?} names version {version}"))?;
            let is_name = !name.is_empty() && name != "latest" && !name.contains(char::is_control);
            ensure(is_name, what, || {
                format!(
                    "tag {name:?} is empty, the word for the newest version, or has a control character"
                )
            })?;
        }
        let expired_before = self.expired_before;
        ensure((1..=self.version.0).contains(&expired_before.0), what, || {
            format!("versions before {expired_before} are expired")
        })?;
        let times_from = self.times_from;
        ensure((1..=self.version.0).contains(&times_from.0), what, || {
            format!("times are in order from version {times_from}")
        })?;
        self.views.iter().try_for_each(|(name, view)| view.check(name, self.version))?;
        self.check_origins()?;
        self.check_leaves()
    }

    fn check_origins(&self) -> Result<()> {
        check::limit("the number of origins", self.origins.len() as u64, limits::MAX_ORIGINS)?;
        for (name, origin) in &self.origins {
            let what = || format!("origin {name:?}");
            let is_name =
                |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric());
            let are_names = is_name(name) && origin.note.as_deref().is_none_or(is_name);
            ensure(are_names, what, || "a name has ASCII letters and digits only".into())?;
            ensure(origin.version.0 > 0, what, || "versions are counted from 1".into())?;
            check::any_path(&origin.location)?;
        }
        Ok(())
    }

    /// The features that the root itself uses: those for readers, and those for writers alone.
    pub fn features(&self) -> (BTreeSet<&'static str>, BTreeSet<&'static str>) {
        let attributes = self.schema.attributes();
        let for_readers = [
            (FEATURE_DEFAULT_VALUES, attributes.iter().any(|a| a.default.is_some())),
            (FEATURE_EARLIER_FORMS, attributes.iter().any(|a| !a.earlier.is_empty())),
            (FEATURE_ORIGINS, !self.origins.is_empty()),
        ];
        let for_writers = [
            (FEATURE_VIEWS, !self.views.is_empty()),
            (FEATURE_EXPIRED_VERSIONS, self.expired_before > Version(1)),
        ];
        let used = |features: &[(&'static str, bool)]| {
            features.iter().filter(|(_, used)| *used).map(|(name, _)| *name).collect()
        };
        (used(&for_readers), used(&for_writers))
    }

    fn check_leaves(&self) -> Result<()> {
        let repeated = check::repeated(self.leaves.iter().map(|leaf| leaf.path.as_str()));
        ensure(repeated.is_none(), || "root".into(), || "a leaf occurs twice".into())?;
        check::sum("rows of a root", self.leaves.iter().map(|leaf| leaf.row_count))?;
        check::sum(
            "sizes of files of a root",
            self.leaves.iter().map(|leaf| leaf.size_of_files_bytes),
        )?;
        check::sum("next row id", [self.next_row_id])?;
        self.leaves.iter().try_for_each(|leaf| leaf.check(self.next_row_id))
    }

    /// Whether `version` may go at any moment: nothing new may refer to it.
    pub fn has_expired(&self, version: Version) -> bool {
        let mut kept = self.kept_versions();
        version < self.expired_before && !kept.any(|kept| kept == version)
    }

    /// The versions that tags and views keep, in no order, some more than once.
    pub fn kept_versions(&self) -> impl Iterator<Item = Version> + '_ {
        self.tags.values().copied().chain(self.views.values().map(|view| view.version))
    }

    /// Whether only one writer at a time may commit, because the store cannot tell two apart.
    pub fn has_single_writer(&self) -> bool {
        self.writer_features.contains(FEATURE_SINGLE_WRITER)
    }

    /// Writer features that this crate does not know: with any, the dataset is read only.
    pub fn unknown_writer_features(&self) -> Vec<&str> {
        unknown(&self.writer_features).collect()
    }

    /// Its rows that are not deleted.
    pub fn row_count(&self) -> u64 {
        self.row_map().total()
    }

    /// From a row to its leaf; build it once to locate many rows.
    pub fn row_map(&self) -> RowMap {
        RowMap::new(self.leaves.iter().map(|leaf| leaf.row_count))
    }

    /// The leaf that holds `row`, and the row's number within it.
    ///
    /// Adds up the leaves each time: for many rows, keep [`Root::row_map`].
    pub fn locate(&self, row: u64) -> Option<(usize, u64)> {
        self.row_map().locate(row)
    }
}

/// The features of `names` that this crate does not know.
pub(super) fn unknown(names: &BTreeSet<String>) -> impl Iterator<Item = &str> {
    names.iter().map(String::as_str).filter(|name| !KNOWN_FEATURES.contains(name))
}

impl LeafRef {
    fn check(&self, next_row_id: u64) -> Result<()> {
        check::relative_path(&self.path)?;
        check::limit("the bytes of a leaf", self.size_bytes, limits::MAX_LEAF_BYTES)?;
        let partitions = self.partition_count;
        check::limit(
            "the number of partitions of a leaf",
            partitions,
            limits::MAX_LEAF_PARTITIONS,
        )?;
        let what = || format!("leaf {:?}", self.path);
        ensure(self.partition_count > 0 || self.row_count == 0, what, || {
            format!("{} rows in no partition", self.row_count)
        })?;
        ensure(self.first_row_id <= next_row_id, what, || {
            format!("its first row id {} is beyond the next, {next_row_id}", self.first_row_id)
        })?;
        if self.statistics.len() > MAX_LEAF_REF_STATISTICS {
            return Err(FormatError::Limit {
                what: "the number of statistics of a leaf",
                found: self.statistics.len() as u64,
                limit: MAX_LEAF_REF_STATISTICS as u64,
            });
        }
        statistics::check_all(&self.statistics)
    }
}
