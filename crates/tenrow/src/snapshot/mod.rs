//! One version of a dataset, pinned.

mod row_id_map;
mod column_place;
mod open_file;
mod leaf;
mod listed_columns;
mod walk;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use parquet::file::metadata::ParquetMetaData;

use crate::error::{Error, ErrorKind, Result};
use crate::format::Version;
use crate::format::layout::root_path;
use crate::format::limits;
use crate::format::manifest::{Leaf, LeafRef, Root, RowMap, origin_of};
use crate::format::{Attribute, FieldId, Schema};
use crate::shared_work::Once;
use crate::storage::Storage;

pub(crate) use column_place::ColumnPlace;
pub(crate) use leaf::{LoadedLeaf, LoadedPartition, name_origin};
pub(crate) use open_file::{CachedColumns, ColumnKey, OpenFile, slice_map};
pub(crate) use row_id_map::RowIdMap;
pub(crate) use walk::Leaves;

/// A reader's handle on one version: it never changes, whatever is committed meanwhile.
///
/// Cheap to clone; clones share what they have read of the manifests.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/snapshot", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// assert_eq!((snapshot.version().0, snapshot.row_count()), (2, 3));
/// let rows = snapshot.take(&[2, 0, 2]).await?;
/// assert_eq!(rows.num_rows(), 3);
/// // Whatever is committed later, it stays what it is.
/// dataset.delete(&snapshot, &[0, 1, 2]).await?;
/// assert_eq!(snapshot.slice(0..3).await?.num_rows(), 3);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct Snapshot {
    inner: Arc<Inner>,
}

struct Inner {
    storage: Storage,
    root: Root,
    /// The checksum of the root's bytes, which the next root names.
    checksum: u64,
    row_map: RowMap,
    row_id_map: RowIdMap,
    arrow_schema: arrow_schema::SchemaRef,
    /// Attributes as older files hold them, by the id that they had then.
    earlier: HashMap<FieldId, Attribute>,
    leaves: Vec<Once<Arc<LoadedLeaf>>>,
    columns: Arc<CachedColumns>,
}

impl Snapshot {
    /// The version whose root is `bytes`: `known`, if it is that of the dataset; else what it has read of leaves that both
    /// have is shared.
    pub(crate) fn new(
        storage: &Storage,
        bytes: &Bytes,
        path: &str,
        known: Option<&Snapshot>,
    ) -> Result<Self> {
        let checksum = crate::format::checksum(bytes);
        if let Some(known) = known.filter(|known| known.inner.checksum == checksum) {
            return Ok(known.clone());
        }
        let root =
            Root::decode(bytes).map_err(|e| Error::format(format!("{storage}/{path}"), e))?;
        let storage = storage.with_origins(&root.origins)?;
        if root.has_single_writer() {
            storage.allow_single_writer();
        }
        let row_map = root.row_map();
        let row_id_map = row_ids_of(&root);
        let known_leaves = known.map(Snapshot::loaded_leaves).unwrap_or_default();
        let share = |leaf: &LeafRef| match known_leaves.get(leaf.path.as_str()) {
            Some((reference, loaded)) if *reference == leaf => Once::from(Arc::clone(loaded)),
            _ => Once::default(),
        };
        let leaves = root.leaves.iter().map(share).collect();
        let arrow_schema = root.schema.arrow_schema();
        let earlier = earlier_forms(&root.schema);
        // A full one may hold files that no longer count.
        let columns = known.map(|known| known.inner.columns.clone());
        let columns = columns.filter(|columns| !columns.is_full()).unwrap_or_default();
        let inner = Inner {
            storage,
            root,
            checksum,
            row_map,
            row_id_map,
            arrow_schema,
            earlier,
            leaves,
            columns,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The leaves that were read, by their paths.
    fn loaded_leaves(&self) -> HashMap<&str, (&LeafRef, &Arc<LoadedLeaf>)> {
        let read = self.root().leaves.iter().zip(&self.inner.leaves);
        read.filter_map(|(leaf, cell)| Some((leaf.path.as_str(), (leaf, cell.get()?)))).collect()
    }

    /// The number of the version.
    pub fn version(&self) -> Version {
        self.inner.root.version
    }

    /// The attributes of every row.
    pub fn schema(&self) -> &Schema {
        &self.inner.root.schema
    }

    /// The Arrow schema of whole rows.
    pub fn arrow_schema(&self) -> &arrow_schema::SchemaRef {
        &self.inner.arrow_schema
    }

    /// Rows of this version.
    pub fn row_count(&self) -> u64 {
        self.inner.row_map.total()
    }

    /// Partitions of this version.
    pub fn partition_count(&self) -> u64 {
        self.root().leaves.iter().map(|leaf| leaf.partition_count).sum()
    }

    /// Bytes of the Parquet files of this version.
    pub fn size_bytes(&self) -> u64 {
        self.root().leaves.iter().map(|leaf| leaf.size_of_files_bytes).sum()
    }

    /// The dataset's properties.
    pub fn properties(&self) -> &serde_json::Map<String, serde_json::Value> {
        &self.inner.root.properties
    }

    /// The manifest behind it all.
    pub fn root(&self) -> &Root {
        &self.inner.root
    }

    /// The checksum of the root manifest's bytes.
    pub fn root_checksum(&self) -> u64 {
        self.inner.checksum
    }

    /// Where its objects are.
    pub fn storage(&self) -> &Storage {
        &self.inner.storage
    }

    pub(crate) fn row_map(&self) -> &RowMap {
        &self.inner.row_map
    }

    pub(crate) fn cached_columns(&self) -> &CachedColumns {
        &self.inner.columns
    }

    /// The attribute as files hold it that have it under the id `field`.
    pub(crate) fn stored_form(&self, field: FieldId) -> Option<&Attribute> {
        self.inner.earlier.get(&field)
    }

    /// Whether both versions have the same rows in the same schema: only tags and the like may differ.
    pub(crate) fn has_rows_and_schema_of(&self, other: &Snapshot) -> bool {
        let (a, b) = (self.root(), other.root());
        a.leaves == b.leaves && a.schema == b.schema
    }

    /// Where the partition is that may hold the row of this stable id, deleted or not: its leaf, and its number in it.
    ///
    /// An error if the ids of this version do not ascend with its rows: whoever relied on them would meet other rows.
    pub(crate) async fn place_of_row_id(&self, row_id: u64) -> Result<Option<(usize, usize)>> {
        let unordered = |what: String| {
            let reason = "its row ids do not ascend with its rows, so rows cannot be found by them: `tenrow verify` tells more, and reading by row number still works";
            Error::corrupt(what, reason)
        };
        let version = || format!("version {} of {}", self.version(), self.storage());
        let leaf = self.inner.row_id_map.locate(row_id);
        let leaf = leaf.map_err(|leaf| unordered(format!("leaf {leaf} of {}", version())))?;
        let Some(leaf) = leaf else { return Ok(None) };
        let partition = self.leaf(leaf).await?.row_id_map().locate(row_id);
        let partition = partition.map_err(|partition| {
            unordered(format!("partition {partition} of leaf {leaf} of {}", version()))
        })?;
        Ok(partition.map(|partition| (leaf, partition)))
    }

    pub(crate) fn out_of_range(&self, row: u64) -> Error {
        Error::invalid(format!(
            "row {row} is out of range: version {} of {} has {} rows",
            self.version(),
            self.storage(),
            self.row_count()
        ))
    }

    /// The attribute called `name`.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), with the names that exist.
    pub fn attribute(&self, name: &str) -> Result<&Attribute> {
        self.schema().attribute(name).ok_or_else(|| {
            let names = self.schema().attributes().iter().map(|a| a.name.as_str());
            Error::unknown(format!("no attribute {name:?}"), names)
        })
    }

    /// What a read gave, with what an error of it means: files that are missing are damage, but not those of a version
    /// that has expired, which `vacuum` has freed along with its root.
    pub(crate) async fn explained<T>(&self, read: Result<T>) -> Result<T> {
        let Err(error) = read else { return read };
        if error.kind() != ErrorKind::Corrupt {
            return Err(error);
        }
        let root = self.storage().size(&root_path(self.version())).await;
        match root {
            Err(gone) if gone.kind() == ErrorKind::NotFound => {
                let (version, storage) = (self.version(), self.storage());
                let reason = format!(
                    "version {version} of {storage} has expired and its files are freed: open a newer one"
                );
                Err(Error::new(ErrorKind::NotFound, reason).with_source(error))
            }
            _ => Err(error),
        }
    }

    /// The leaf number `index`, read once.
    pub(crate) async fn leaf(&self, index: usize) -> Result<&Arc<LoadedLeaf>> {
        let load = || {
            let snapshot = self.clone();
            async move { snapshot.load_leaf(index).await }
        };
        self.inner.leaves[index].get_or_load(load).await
    }

    /// The leaf number `index`, not kept: for work that passes over all of them, however many there are.
    async fn passing_leaf(&self, index: usize) -> Result<Arc<LoadedLeaf>> {
        match self.inner.leaves[index].get() {
            Some(leaf) => Ok(leaf.clone()),
            None => self.load_leaf(index).await,
        }
    }

    async fn load_leaf(&self, index: usize) -> Result<Arc<LoadedLeaf>> {
        let (storage, leaf) = (self.storage(), &self.root().leaves[index]);
        let bytes = storage.read(&leaf.path, limits::MAX_LEAF_BYTES).await.map_err(|error| {
            let origin = origin_of(&leaf.path).and_then(|(name, _)| storage.origin(name));
            // The version names it, so a missing leaf is damage.
            match error.kind() {
                ErrorKind::NotFound if origin.is_some() => Error::corrupt(
                    format!(
                        "version {} needs files of {}, of which it is a clone, or which was merged: put that back where it was",
                        self.version(),
                        origin.map_or_else(String::new, ToString::to_string)
                    ),
                    error,
                ),
                ErrorKind::NotFound => Error::corrupt(
                    format!(
                        "version {} needs leaf {} with checksum {:016x}: open another version",
                        self.version(),
                        leaf.path,
                        leaf.checksum
                    ),
                    error,
                ),
                _ => error,
            }
        })?;
        let decoded = Leaf::decode(bytes, leaf.checksum).map_err(|e| {
            storage.distrust(&leaf.path);
            Error::format(format!("{storage}/{}", leaf.path), e)
        })?;
        let found = (decoded.live_rows(), decoded.partitions.len() as u64);
        if found != (leaf.row_count, leaf.partition_count) {
            let expected = (leaf.row_count, leaf.partition_count);
            return Err(Error::corrupt(
                format!("{storage}/{}", leaf.path),
                format!(
                    "{} rows in {} partitions, but its root says {} in {}",
                    found.0, found.1, expected.0, expected.1
                ),
            ));
        }
        Ok(Arc::new(LoadedLeaf::new(decoded, leaf)))
    }

    /// The partitions of this version, in row order, as its leaves describe them.
    ///
    /// Reads every leaf that is not cached yet.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) or [`Io`](ErrorKind::Io), naming the leaf.
    pub async fn partition_entries(&self) -> Result<Vec<crate::format::manifest::Partition>> {
        let partitions = self.partitions_of(self.leaf_numbers(|_| true), Leaves::Kept);
        partitions.map_ok(|partition| partition.entry().clone()).try_collect().await
    }

    /// The Parquet metadata of one file of one of its partitions.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) or [`Io`](ErrorKind::Io), naming the file.
    pub(crate) async fn footer(&self, file: &Arc<OpenFile>) -> Result<Arc<ParquetMetaData>> {
        file.footer(self.storage()).await
    }
}

/// Row ids to the leaves of a root.
pub(crate) fn row_ids_of(root: &Root) -> RowIdMap {
    // Of a leaf whose every partition is without rows, nothing is searched.
    let first = |leaf: &LeafRef| (leaf.row_count > 0).then_some(leaf.first_row_id);
    RowIdMap::new(root.leaves.iter().map(first))
}

/// Every earlier form of every attribute, by its id.
fn earlier_forms(schema: &Schema) -> HashMap<FieldId, Attribute> {
    let forms = schema.attributes().iter().flat_map(|attribute| {
        attribute.earlier.iter().filter_map(|form| Some((form.id, attribute.as_stored(form.id)?)))
    });
    forms.collect()
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("storage", self.storage())
            .field("version", &self.version())
            .field("row_count", &self.row_count())
            .finish_non_exhaustive()
    }
}
