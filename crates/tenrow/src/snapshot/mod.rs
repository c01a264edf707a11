//! One version of a dataset, pinned.

mod leaf;
mod open_file;

use std::sync::Arc;

use bytes::Bytes;
use parquet::file::metadata::ParquetMetaData;
use tokio::sync::OnceCell;

use crate::error::{Error, ErrorKind, Result};
use crate::format::limits;
use crate::format::manifest::{Leaf, LeafRef, Root, RowMap, Version};
use crate::format::{Attribute, Schema};
use crate::storage::Storage;

pub(crate) use leaf::{ColumnPlace, LoadedLeaf, LoadedPartition};
pub(crate) use open_file::{CachedColumns, OpenFile, missing_is_damage, slice_map};

/// A reader's handle on one version: it never changes, whatever is committed meanwhile.
///
/// Cheap to clone; clones share what they have read of the manifests.
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
    arrow_schema: arrow_schema::SchemaRef,
    leaves: Vec<OnceCell<Arc<LoadedLeaf>>>,
    columns: CachedColumns,
}

impl Snapshot {
    pub(crate) fn new(storage: Storage, bytes: &Bytes, path: &str) -> Result<Self> {
        let root =
            Root::decode(bytes).map_err(|e| Error::format(format!("{storage}/{path}"), e))?;
        let checksum = crate::format::checksum(bytes);
        let row_map = root.row_map();
        let leaves = root.leaves.iter().map(|_| OnceCell::new()).collect();
        let arrow_schema = root.schema.arrow_schema();
        let columns = CachedColumns::default();
        let inner = Inner { storage, root, checksum, row_map, arrow_schema, leaves, columns };
        Ok(Self { inner: Arc::new(inner) })
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

    /// The attribute called `name`.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), with the names that exist.
    pub fn attribute(&self, name: &str) -> Result<&Attribute> {
        self.schema().attribute(name).ok_or_else(|| {
            let names: Vec<_> =
                self.schema().attributes().iter().map(|a| a.name.as_str()).collect();
            Error::new(
                ErrorKind::NotFound,
                format!("no attribute {name:?}; there are {}", names.join(", ")),
            )
        })
    }

    /// The leaf number `index`, read once.
    pub(crate) async fn leaf(&self, index: usize) -> Result<&Arc<LoadedLeaf>> {
        let leaf = &self.root().leaves[index];
        self.inner.leaves[index].get_or_try_init(|| self.load_leaf(leaf)).await
    }

    async fn load_leaf(&self, leaf: &LeafRef) -> Result<Arc<LoadedLeaf>> {
        let storage = self.storage();
        let bytes = storage.read(&leaf.path, limits::MAX_LEAF_BYTES).await.map_err(|error| {
            // The version names it, so a missing leaf is damage.
            match error.kind() {
                ErrorKind::NotFound => error.with_kind(ErrorKind::Corrupt),
                _ => error,
            }
        })?;
        let decoded = Leaf::decode(bytes, leaf.checksum)
            .map_err(|e| Error::format(format!("{storage}/{}", leaf.path), e))?;
        if decoded.live_rows() != leaf.row_count {
            return Err(Error::corrupt(
                format!("{storage}/{}", leaf.path),
                format!("{} rows, but its root says {}", decoded.live_rows(), leaf.row_count),
            ));
        }
        Ok(Arc::new(LoadedLeaf::new(decoded)))
    }

    /// Every partition, leaf by leaf; for work that goes over the whole dataset.
    pub(crate) async fn partitions(&self) -> Result<Vec<Arc<LoadedPartition>>> {
        let mut partitions = Vec::new();
        for index in 0..self.root().leaves.len() {
            partitions.extend(self.leaf(index).await?.partitions().iter().cloned());
        }
        Ok(partitions)
    }

    /// The partitions of this version, in row order, as its leaves describe them.
    ///
    /// Reads every leaf that is not cached yet.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) or [`Io`](ErrorKind::Io), naming the leaf.
    pub async fn partition_entries(&self) -> Result<Vec<crate::format::manifest::Partition>> {
        Ok(self.partitions().await?.iter().map(|partition| partition.entry().clone()).collect())
    }

    /// The Parquet metadata of one file of one of its partitions.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) or [`Io`](ErrorKind::Io), naming the file.
    pub(crate) async fn footer(&self, file: &OpenFile) -> Result<Arc<ParquetMetaData>> {
        file.footer(self.storage()).await
    }
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
