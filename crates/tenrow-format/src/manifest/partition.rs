//! A partition: rows that were written together, and the files that hold them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::check::{self, ensure};
use super::chunk::{self, Chunk, check_layout};
use super::row_map::RowMap;
use super::statistics::{self, Statistics};
use super::{
    FEATURE_COLUMN_FILES, FEATURE_DELETION_VECTORS, FEATURE_EXTERNAL_FILES, FEATURE_FOREIGN_FILES,
};
use crate::error::{FormatError, Result};
use crate::limits;
use crate::schema::FieldId;

/// Rows that were written together, one row of a leaf.
///
/// ```
/// use tenrow_format::manifest::{DeletionVector, Partition, RowIdRange};
/// let path = "deletes/a".to_owned();
/// let partition = Partition {
///     row_count: 100,
///     row_ids: vec![RowIdRange { first: 700, count: 100 }],
///     deletes: Some(DeletionVector { path, size_bytes: 40, checksum: 1, row_count: 3 }),
///     ..Partition::default()
/// };
/// assert_eq!((partition.live_rows(), partition.first_row_id()), (97, Some(700)));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Partition {
    /// Rows in its files, deleted ones included.
    pub row_count: u64,
    /// The stable ids of its rows, in order; empty: they follow those of the partition before.
    pub row_ids: Vec<RowIdRange>,
    /// The value that each key has in all its rows.
    pub keys: Vec<KeyValue>,
    /// Its files, all of them with `row_count` rows in the same order. Where several have an
    /// attribute, the highest sequence counts.
    pub files: Vec<DataFile>,
    /// What is known of its values.
    pub statistics: Vec<Statistics>,
    /// Its deleted rows, if it has any.
    pub deletes: Option<DeletionVector>,
    /// Paths of the large files that its rows name.
    pub external_files: Vec<String>,
}

/// Stable row ids that follow each other.
///
/// ```
/// use tenrow_format::manifest::{Partition, RowIdRange};
/// // Two partitions were made one, and rows keep their ids.
/// let row_ids = vec![RowIdRange { first: 0, count: 2 }, RowIdRange { first: 9, count: 1 }];
/// let partition = Partition { row_count: 3, row_ids, ..Partition::default() };
/// assert_eq!(partition.first_row_id(), Some(0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowIdRange {
    /// The first id.
    pub first: u64,
    /// How many there are.
    pub count: u64,
}

/// The value of a key in all rows of a partition.
///
/// ```
/// use tenrow_format::{FieldId, manifest::{KeyValue, Partition}};
/// let keys = vec![KeyValue { field: FieldId(2), value: "train".into() }];
/// let partition = Partition { keys, ..Partition::default() };
/// assert_eq!(partition.keys[0].value, "train");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct KeyValue {
    /// The key.
    pub field: FieldId,
    /// Null, a boolean, an integer or a text.
    pub value: Value,
}

/// An object that says which rows of a partition are deleted.
///
/// ```
/// use tenrow_format::{DeletedRows, checksum, manifest::DeletionVector};
/// let rows: DeletedRows = [3u64, 9].into_iter().collect();
/// let bytes = rows.encode();
/// let vector = DeletionVector {
///     path: "deletes/a".to_owned(),
///     size_bytes: bytes.len() as u64,
///     checksum: checksum(&bytes),
///     row_count: rows.len(),
/// };
/// assert_eq!(vector.row_count, 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletionVector {
    /// Where it is, below the dataset.
    pub path: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its [`crate::checksum`].
    pub checksum: u64,
    /// The number of deleted rows.
    pub row_count: u64,
}

/// A Parquet file with some attributes of all rows of a partition.
///
/// ```
/// use tenrow_format::{FieldId, manifest::{DataFile, Partition}};
/// let file = DataFile {
///     path: "data/a.parquet".to_owned(),
///     foreign: None,
///     size_bytes: 4096,
///     checksum: 1,
///     footer_bytes: 500,
///     sequence: None,
///     field_ids: vec![FieldId(1)],
///     row_groups: vec![100, 20],
///     chunks: Vec::new(),
/// };
/// let partition = Partition { row_count: 120, files: vec![file], ..Partition::default() };
/// assert_eq!(partition.objects().next().map(|object| object.path), Some("data/a.parquet"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// Where it is, below the dataset, or anywhere if `foreign` is set.
    pub path: String,
    /// Set if the file is not the dataset's own.
    pub foreign: Option<ForeignFile>,
    /// Its size.
    pub size_bytes: u64,
    /// Its [`crate::checksum`].
    pub checksum: u64,
    /// Bytes at its end that hold the footer, the footer's length and the closing magic.
    pub footer_bytes: u64,
    /// Decides between files with the same attribute; `None`: that of the leaf in the root.
    pub sequence: Option<u64>,
    /// The attributes that it holds.
    pub field_ids: Vec<FieldId>,
    /// The rows of each row group.
    pub row_groups: Vec<u64>,
    /// Where its values are, and which of its columns are which attributes.
    pub chunks: Vec<Chunk>,
}

/// A file that something else wrote and may change.
///
/// ```
/// use tenrow_format::{FieldId, manifest::{DataFile, ForeignFile, Partition}};
/// let file = DataFile {
///     path: "data/a.parquet".to_owned(),
///     foreign: Some(ForeignFile { modified_ns: 0 }),
///     size_bytes: 4096,
///     checksum: 1,
///     footer_bytes: 500,
///     sequence: None,
///     field_ids: vec![FieldId(1)],
///     row_groups: vec![100, 20],
///     chunks: Vec::new(),
/// };
/// let partition = Partition { row_count: 120, files: vec![file], ..Partition::default() };
/// // It is not the dataset's own: nothing copies or removes it.
/// assert_eq!(partition.own_objects().count(), 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForeignFile {
    /// When it was last modified, in nanoseconds of unix time, as it was indexed.
    pub modified_ns: i64,
}

impl Partition {
    /// Rows that are not deleted.
    pub fn live_rows(&self) -> u64 {
        self.row_count.saturating_sub(self.deletes.as_ref().map_or(0, |d| d.row_count))
    }

    /// The stable id of its first row, deleted or not, by which it is known: no other partition of a version has one.
    ///
    /// `None` of one without rows, and of one that does not name the ids that it inherits.
    pub fn first_row_id(&self) -> Option<u64> {
        self.row_ids.first().map(|range| range.first)
    }

    /// Adds the features that a reader of this partition needs.
    pub(super) fn add_features(&self, features: &mut BTreeSet<&'static str>) {
        let needed = [
            (FEATURE_DELETION_VECTORS, self.deletes.is_some()),
            (FEATURE_COLUMN_FILES, self.files.len() > 1),
            (FEATURE_FOREIGN_FILES, self.files.iter().any(|f| f.foreign.is_some())),
            (FEATURE_EXTERNAL_FILES, !self.external_files.is_empty()),
        ];
        features.extend(needed.into_iter().filter_map(|(name, used)| used.then_some(name)));
    }

    pub(super) fn check(&self) -> Result<()> {
        self.check_row_ids()?;
        self.check_keys()?;
        statistics::check_all(&self.statistics)?;
        let most = self.statistics.iter().map(|own| own.null_count).max().unwrap_or_default();
        ensure(
            most <= self.row_count,
            || "statistics".into(),
            || format!("{most} nulls in {} rows", self.row_count),
        )?;
        self.objects().try_for_each(|object| match object.is_foreign {
            true => check::any_path(object.path),
            false => check::relative_path(object.path),
        })?;
        if let Some(deletes) = &self.deletes {
            deletes.check(self.row_count)?;
        }
        self.check_files()
    }

    fn check_row_ids(&self) -> Result<()> {
        let what = || "row ids".to_owned();
        let mut ranges = self.row_ids.clone();
        ranges.sort_unstable_by_key(|range| range.first);
        let mut free_from = 0;
        for range in &ranges {
            ensure(range.count > 0 && range.first >= free_from, what, || {
                format!("the range of {} from {} is empty or overlaps", range.count, range.first)
            })?;
            free_from = check::sum("row ids", [range.first, range.count])?;
        }
        let count = check::sum("row ids", ranges.iter().map(|range| range.count))?;
        ensure(ranges.is_empty() || count == self.row_count, what, || {
            format!("{count} ids for {} rows", self.row_count)
        })
    }

    fn check_keys(&self) -> Result<()> {
        for key in &self.keys {
            let fits = match &key.value {
                Value::Null | Value::Bool(_) | Value::String(_) => true,
                Value::Number(number) => number.is_i64() || number.is_u64(),
                Value::Array(_) | Value::Object(_) => false,
            };
            let what = || format!("key of field {}", key.field.0);
            ensure(fits, what, || "a key is null, a boolean, an integer or a text".into())?;
        }
        let repeated = check::repeated(self.keys.iter().map(|key| key.field));
        ensure(repeated.is_none(), || "keys".into(), || "a field occurs twice".into())
    }

    fn check_files(&self) -> Result<()> {
        ensure(!self.files.is_empty(), || "files".into(), || "a partition has a file".into())?;
        let repeated = check::repeated(self.files.iter().map(|file| file.path.as_str()));
        ensure(repeated.is_none(), || "files".into(), || "a path occurs twice".into())?;
        self.files.iter().try_for_each(|file| file.check(self.row_count))
    }
}

impl DeletionVector {
    fn check(&self, row_count: u64) -> Result<()> {
        let fits = (1..=row_count).contains(&self.row_count);
        ensure(
            fits,
            || format!("deletion vector {:?}", self.path),
            || format!("{} deleted of {row_count} rows", self.row_count),
        )
    }
}

impl DataFile {
    /// From a row of the file to its row group.
    pub fn row_map(&self) -> RowMap {
        RowMap::new(self.row_groups.iter().copied())
    }

    fn check(&self, row_count: u64) -> Result<()> {
        let what = || format!("file {:?}", self.path);
        let rows = check::sum("rows of row groups", self.row_groups.iter().copied())?;
        ensure(rows == row_count, what, || format!("{rows} rows, expected {row_count}"))?;
        self.check_row_groups()?;
        let footer = self.footer_bytes;
        ensure((8..=self.size_bytes).contains(&footer), what, || {
            format!("a footer of {footer} bytes in {} bytes", self.size_bytes)
        })?;
        check::limit("the bytes of a footer", footer, limits::MAX_FOOTER_BYTES)?;
        let mut fields = self.field_ids.clone();
        fields.sort_unstable();
        let distinct = fields.is_sorted_by(|one, next| one < next);
        ensure(distinct, what, || "a field id occurs twice".into())?;
        chunk::check_distinct(&self.chunks)?;
        self.chunks.iter().try_for_each(|chunk| self.check_chunk(chunk, &fields))
    }

    /// Checks every number of a chunk; `fields` are sorted.
    fn check_chunk(&self, chunk: &Chunk, fields: &[FieldId]) -> Result<()> {
        let what = || {
            format!(
                "file {:?}: chunk of row group {} and column {}",
                self.path, chunk.row_group, chunk.column
            )
        };
        if fields.binary_search(&chunk.field).is_err() {
            let reason = format!("the file has no field {}", chunk.field.0);
            return Err(FormatError::malformed(what(), reason));
        }
        let Some(&rows) = self.row_groups.get(chunk.row_group as usize) else {
            let reason = format!("the file has {} row groups", self.row_groups.len());
            return Err(FormatError::malformed(what(), reason));
        };
        // Saturating: a footer larger than the file was refused before.
        let data_end = self.size_bytes.saturating_sub(self.footer_bytes);
        check_layout(&chunk.layout, rows, data_end, self.size_bytes)
            .map_err(|reason| FormatError::malformed(what(), reason))
    }

    /// A file of others may have row groups of any size.
    fn check_row_groups(&self) -> Result<()> {
        let most = self.row_groups.iter().copied().max().unwrap_or_default();
        let (rows, groups) = (limits::MAX_ROW_GROUP_ROWS, limits::MAX_ROW_GROUPS);
        if self.foreign.is_none() {
            check::limit("the rows of a row group", most, rows)?;
            check::limit("the number of row groups", self.row_groups.len() as u64, groups)?;
        }
        Ok(())
    }
}
