//! Partitions in their place, for those who read the files themselves: query engines.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::file::metadata::ParquetMetaData;

use crate::error::{Error, Result};
use crate::format::manifest::Partition;
use crate::format::{Attribute, DeletedRows, FieldId};
use crate::read::file_reader::FileReader;
use crate::read::options::ReadOptions;
use crate::snapshot::{LoadedPartition, Snapshot};

/// A partition of a snapshot, and where its rows are among all.
///
/// Cheap to clone. Files are named by their place in [`Partition::files`].
///
/// ```
/// use tenrow::{Attribute, Columns, Dataset, Schema};
/// # futures::executor::block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// # let location = folder.path().join("labels").display().to_string();
/// let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// let dataset = Dataset::create(&location, schema).await?;
/// let mut writer = dataset.writer().await?;
/// writer.append_columns(Columns::new().scalars("label", [4i64, 5])).await?;
/// let snapshot = writer.commit().await?;
/// let partitions = snapshot.partitions_of_leaf(0).await?;
/// assert_eq!((partitions[0].number(), partitions[0].rows()), (0, 0..2));
/// let label = snapshot.attribute("label")?;
/// assert_eq!(partitions[0].file_of(label), Some((0, label.id)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct PlacedPartition {
    snapshot: Snapshot,
    partition: Arc<LoadedPartition>,
    number: u64,
    rows: Range<u64>,
}

impl Snapshot {
    /// The rows of leaf number `leaf` of the root.
    pub fn rows_of_leaf(&self, leaf: usize) -> Range<u64> {
        self.row_map().start(leaf)..self.row_map().start(leaf + 1)
    }

    /// The partitions of leaf number `leaf` of the root, in row order. Reads the leaf if it is not cached.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if there is no such leaf;
    /// [`Corrupt`](crate::ErrorKind::Corrupt) or [`Io`](crate::ErrorKind::Io), naming it.
    pub async fn partitions_of_leaf(&self, leaf: usize) -> Result<Vec<PlacedPartition>> {
        let leaves = &self.root().leaves;
        if leaf >= leaves.len() {
            return Err(Error::invalid(format!("leaf {leaf} of {}", leaves.len())));
        }
        let before: u64 = leaves[..leaf].iter().map(|leaf| leaf.partition_count).sum();
        let loaded = self.leaf(leaf).await?;
        let first_row = self.row_map().start(leaf);
        let placed = loaded.partitions().iter().enumerate().map(|(index, partition)| {
            let start = first_row + loaded.row_map().start(index);
            PlacedPartition {
                snapshot: self.clone(),
                partition: partition.clone(),
                number: before + index as u64,
                rows: start..start + partition.entry().live_rows(),
            }
        });
        Ok(placed.collect())
    }

    /// The partition that holds `row`. Reads its leaf if it is not cached.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if there is no such row;
    /// [`Corrupt`](crate::ErrorKind::Corrupt) or [`Io`](crate::ErrorKind::Io), naming its leaf.
    pub async fn partition_of_row(&self, row: u64) -> Result<PlacedPartition> {
        let Some((leaf, in_leaf)) = self.row_map().locate(row) else {
            return Err(self.out_of_range(row));
        };
        let loaded = self.leaf(leaf).await?;
        let Some((index, _)) = loaded.row_map().locate(in_leaf) else {
            return Err(self.out_of_range(row));
        };
        let before: u64 = self.root().leaves[..leaf].iter().map(|leaf| leaf.partition_count).sum();
        let start = self.row_map().start(leaf) + loaded.row_map().start(index);
        let partition = loaded.partitions()[index].clone();
        let rows = start..start + partition.entry().live_rows();
        Ok(PlacedPartition {
            snapshot: self.clone(),
            partition,
            number: before + index as u64,
            rows,
        })
    }
}

impl PlacedPartition {
    /// Which partition of the version it is, from 0.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The rows of the version that it holds.
    pub fn rows(&self) -> Range<u64> {
        self.rows.clone()
    }

    /// What its leaf says of it, with inherited row ids and sequences filled in.
    pub fn entry(&self) -> &Partition {
        self.partition.entry()
    }

    /// The version that it is of.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The file whose values of `attribute` count, and the id under which that file has it: an earlier
    /// form's, if it was written in that. `None` if the attribute was added later and not filled.
    pub fn file_of(&self, attribute: &Attribute) -> Option<(usize, FieldId)> {
        self.partition.column(attribute).map(|place| (place.file, place.field))
    }

    /// The deleted rows of its files, read once; `None` if none is.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) or [`Io`](crate::ErrorKind::Io), naming the object.
    pub async fn deleted_rows(&self) -> Result<Option<Arc<DeletedRows>>> {
        Ok(self.partition.deletes(self.snapshot.storage()).await?.cloned())
    }

    /// The stable id of a row of its files.
    pub fn row_id(&self, file_row: u64) -> Option<u64> {
        self.partition.row_id(file_row)
    }

    /// The Parquet metadata of a file, page indexes included, read once.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if there is no such file;
    /// [`Corrupt`](crate::ErrorKind::Corrupt) or [`Io`](crate::ErrorKind::Io), naming it.
    pub async fn footer(&self, file: usize) -> Result<Arc<ParquetMetaData>> {
        self.snapshot.footer(self.file(file)?).await
    }

    /// The same as a query engine may trust it: see [`footer_for_engines`](crate::format::partition::footer_for_engines).
    ///
    /// # Errors
    /// As [`footer`](Self::footer).
    pub async fn footer_for_engines(&self, file: usize) -> Result<Arc<ParquetMetaData>> {
        self.file(file)?.footer_for_engines(self.snapshot.storage()).await
    }

    /// Bytes of a file, of each range; from its map if it is mapped, else near ranges are read together.
    ///
    /// # Errors
    /// As [`footer`](Self::footer).
    pub async fn read(
        &self,
        file: usize,
        ranges: &[Range<u64>],
        options: &ReadOptions,
    ) -> Result<Vec<Bytes>> {
        FileReader::new(self.snapshot.storage(), self.file(file)?, options).read_many(ranges).await
    }

    fn file(&self, file: usize) -> Result<&Arc<crate::snapshot::OpenFile>> {
        let files = self.partition.files();
        files.get(file).ok_or_else(|| {
            Error::invalid(format!("file {file} of a partition of {} files", files.len()))
        })
    }
}

impl std::fmt::Debug for PlacedPartition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlacedPartition")
            .field("number", &self.number)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}
