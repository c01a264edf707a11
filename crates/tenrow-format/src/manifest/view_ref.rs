//! Views: rows of one version, chosen and ordered by someone, under a name.

use super::check::{self, ensure};
use crate::error::Result;
use crate::limits;
use crate::version::Version;

/// A view, as the root knows it.
///
/// ```
/// use tenrow_format::{Attribute, Schema, Version, manifest::{Root, ViewRef}};
/// let mut root = Root::first(Schema::new([Attribute::parse("label:i64")?])?, "a1b2", 0);
/// let view = ViewRef {
///     path: "_tenrow/views/a.parquet".to_owned(),
///     checksum: 1,
///     size_bytes: 300,
///     row_count: 20,
///     version: Version(1),
///     input_checksum: 7,
///     query: "label = 4".to_owned(),
///     created_ms: 0,
/// };
/// root.views.insert("fours".to_owned(), view);
/// assert_eq!(root.objects().next().map(|object| object.path), Some("_tenrow/views/a.parquet"));
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewRef {
    /// Where its rows are: `_tenrow/views/<id>.parquet`.
    pub path: String,
    /// The [`crate::checksum`] of that file.
    pub checksum: u64,
    /// The size of that file.
    pub size_bytes: u64,
    /// Its rows.
    pub row_count: u64,
    /// The version whose rows they are, which never expires while the view is there.
    pub version: Version,
    /// The [`crate::checksum`] of that version's root: everything that the view was made from.
    pub input_checksum: u64,
    /// What chose the rows, as its user wrote it; informative.
    pub query: String,
    /// When it was made, in milliseconds of unix time; informative.
    pub created_ms: i64,
}

impl ViewRef {
    pub(super) fn check(&self, name: &str, newest: Version) -> Result<()> {
        let what = || format!("view {name:?}");
        ensure(!name.is_empty(), what, || "its name is empty".into())?;
        check::relative_path(&self.path)?;
        check::limit("the rows of a view", self.row_count, limits::MAX_VIEW_ROWS)?;
        check::limit("the bytes of a view", self.size_bytes, limits::MAX_VIEW_BYTES)?;
        let exists = (1..=newest.0).contains(&self.version.0);
        ensure(exists, what, || format!("it is of version {}", self.version))
    }
}
