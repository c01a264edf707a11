//! Writing rows: checked, split by key, buffered, encoded, uploaded, committed.
//!
//! ```text
//! RecordBatch ─► check_batch ─► FileStore ─► Keys::split ─► PartitionWriter ─► Upload ─► commit
//! ```

mod options;
mod check;
mod statistics;
mod nullable;
mod files;
mod split;
mod encoding;
mod column_file;
mod partition_writer;
mod finishing;
mod columns;
mod foreign;
mod foreign_pages;
mod written;

use std::collections::BTreeMap;
use std::path::Path;

use arrow_array::RecordBatch;
use futures::future;

use crate::clock::Clock;
use crate::commit::{
    Append, Committer, NamedFiles, Overwrite, Premise, WrittenLeaf, check_writable, commit,
    create_with, read_newest, write_leaves,
};
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{Partition, Root};
use crate::format::{AttributeType, Schema};
use crate::ids::Ids;
use crate::snapshot::Snapshot;
pub(crate) use partition_writer::{PartitionWriter, slice_bytes};
pub(crate) use split::folders_of;
use split::{KeyTuple, Keys};
use written::Written;

pub(crate) use check::check_batch;
pub(crate) use column_file::ColumnFileWriter;
pub use columns::{Columns, Plain};
pub use files::FileValue;
pub(crate) use files::{FileStore, objects_named};
pub(crate) use finishing::Finishing;
pub use nullable::Nullable;
pub use options::WriteOptions;

/// Values of the partition keys that a writer has files open for at once.
const MAX_OPEN_KEYS: usize = 256;

/// Appends rows to a dataset; nothing is visible before [`commit`](Self::commit) returns.
///
/// Dropped or failed, it leaves the dataset exactly as it was, and no parts of unfinished files in an object store
/// (see [`Upload`](crate::storage::Upload)). Memory is bounded by about twice [`WriteOptions::row_group_bytes`] and 64 MiB of
/// files that are being finished, whatever is appended.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/datasetwriter", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// let mut writer = dataset.writer().await?;
/// writer.append_columns(Columns::new().scalars("label", [7i64, 8])).await?;
/// assert_eq!(dataset.latest().await?.row_count(), 3);
/// let snapshot = writer.commit().await?;
/// assert_eq!(snapshot.row_count(), 5);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
pub struct DatasetWriter {
    base: Snapshot,
    /// The schema of the rows: that of `base`, unless they replace all of it.
    schema: Schema,
    /// The root of `base`, if the commit is to create the dataset.
    creates: Option<Root>,
    /// Whether the rows are appended if another program has created it meanwhile.
    or_appends: bool,
    /// Whether the folder of the dataset is not there yet.
    makes_folder: bool,
    /// Whether the rows come in place of all that are there.
    overwrites: bool,
    /// What the rows were computed from.
    premise: Option<Premise>,
    options: WriteOptions,
    ids: Ids,
    clock: Clock,
    keys: Keys,
    open: BTreeMap<KeyTuple, PartitionWriter>,
    /// Partitions that are written, and durable once `finishing` is done.
    closed: Vec<(KeyTuple, Partition)>,
    finishing: Finishing,
    row_count: u64,
    /// Large files that its rows name.
    files: NamedFiles,
    failed: bool,
    /// Whether a version may name what was written.
    is_named: bool,
}

impl DatasetWriter {
    pub(crate) fn new(
        base: Snapshot,
        options: WriteOptions,
        ids: Ids,
        clock: Clock,
    ) -> Result<Self> {
        let schema = base.schema().clone();
        Self::with_schema(base, schema, options, ids, clock)
    }

    /// A writer of rows of `schema` in place of all rows of `base`.
    pub(crate) fn overwriting(
        base: Snapshot,
        schema: Schema,
        options: WriteOptions,
        ids: Ids,
        clock: Clock,
    ) -> Result<Self> {
        let mut writer = Self::with_schema(base, schema, options, ids, clock)?;
        writer.overwrites = true;
        Ok(writer)
    }

    fn with_schema(
        base: Snapshot,
        schema: Schema,
        options: WriteOptions,
        ids: Ids,
        clock: Clock,
    ) -> Result<Self> {
        check_writable(&base)?;
        let keys = Keys::new(&schema, &options.partition_by)?;
        Ok(Self {
            base,
            schema,
            creates: None,
            or_appends: false,
            makes_folder: false,
            overwrites: false,
            premise: None,
            options,
            ids,
            clock,
            keys,
            open: BTreeMap::new(),
            closed: Vec::new(),
            finishing: Finishing::default(),
            row_count: 0,
            files: NamedFiles::default(),
            failed: false,
            is_named: false,
        })
    }

    /// Makes the commit create the dataset, rows and all; `root` is that of the base.
    pub(crate) fn creating(mut self, root: Root, or_appends: bool) -> Self {
        (self.creates, self.or_appends) = (Some(root), or_appends);
        self.makes_folder = self.base.storage().folder().is_some_and(|folder| !folder.exists());
        self
    }

    /// Says what the rows were computed from: the commit is a conflict if it is not so any more.
    #[must_use]
    pub fn with_premise(mut self, premise: Premise) -> Self {
        self.premise = Some(premise);
        self
    }

    /// Rows appended so far.
    pub fn row_count(&self) -> u64 {
        self.row_count
    }

    /// The schema that batches must have.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Appends the rows of `batch`, whose columns are found by name.
    ///
    /// The batch's memory is shared, not copied, until its row group is written.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if an attribute is missing, unknown, of another
    /// type or shape, or null where it may not be, or if a file has neither bytes nor the path of an object that is
    /// there: the batch is refused whole and the writer goes on.
    /// [`Io`](crate::ErrorKind::Io) if it could not be written: the writer is then of no more use.
    pub async fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        self.check_usable()?;
        let mut columns = check::check_batch(batch, &self.schema)?;
        let mut found = Vec::new();
        for (number, attribute) in self.schema.attributes().iter().enumerate() {
            if attribute.attribute_type == AttributeType::File {
                let files = self.file_store().look_up(&columns[number], &attribute.name).await?;
                found.push((number, files));
            }
        }
        // From here on something of the batch may be stored.
        self.failed = true;
        for (number, files) in found {
            let (column, name) = (&columns[number], &self.schema.attributes()[number].name);
            columns[number] = self.file_store().store_the_rest(column, name, files).await?;
        }
        for (key, columns) in self.keys.split(&columns)? {
            self.append_to(key, &columns).await?;
        }
        self.row_count += batch.num_rows() as u64;
        self.failed = false;
        Ok(())
    }

    /// Appends typed columns: see [`Columns`].
    ///
    /// # Errors
    /// As [`append`](Self::append), and if the columns differ in length.
    pub async fn append_columns(&mut self, columns: Columns) -> Result<()> {
        let batch = columns.into_batch()?;
        self.append(&batch).await
    }

    /// Stores a file of the caller's, which is only read, and gives the value for its row.
    ///
    /// Files over [`WriteOptions::inline_file_bytes`] are streamed to an object of their own.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) or [`Io`](crate::ErrorKind::Io), naming the file.
    pub async fn put_file(&mut self, path: impl AsRef<Path>) -> Result<FileValue> {
        self.check_usable()?;
        self.file_store().put(path.as_ref()).await
    }

    fn file_store(&self) -> files::FileStore<'_> {
        files::FileStore {
            storage: self.base.storage(),
            ids: &self.ids,
            named: &self.files,
            inline_bytes: self.options.inline_file_bytes,
        }
    }

    fn check_usable(&self) -> Result<()> {
        match self.failed {
            true => Err(Error::invalid("the writer failed before: begin a new one")),
            false => Ok(()),
        }
    }

    async fn append_to(&mut self, key: KeyTuple, columns: &[arrow_array::ArrayRef]) -> Result<()> {
        if !self.open.contains_key(&key) && self.open.len() >= MAX_OPEN_KEYS {
            self.close_largest().await?;
        }
        let writer = self.open.entry(key.clone()).or_insert_with(|| {
            PartitionWriter::new(
                self.base.storage().clone(),
                self.ids.clone(),
                self.schema.attributes().to_vec(),
                self.keys.values(&key),
                key.folders(),
            )
        });
        for closed in writer.append(columns, &self.options).await? {
            self.closed.push((key.clone(), self.finishing.begin(closed).await?));
        }
        self.bound_memory().await
    }

    /// With many keys, writes out the largest buffer once all together exceed a row group.
    async fn bound_memory(&mut self) -> Result<()> {
        let total: u64 = self.open.values().map(PartitionWriter::buffered_bytes).sum();
        if self.open.len() < 2 || total <= self.options.row_group_bytes {
            return Ok(());
        }
        let largest = self.open.iter_mut().max_by_key(|(_, writer)| writer.buffered_bytes());
        if let Some((key, writer)) = largest
            && let Some(closed) = writer.flush(&self.options).await?
        {
            self.closed.push((key.clone(), self.finishing.begin(closed).await?));
        }
        Ok(())
    }

    /// Closes the partition with the most buffered rows, to make room for another key.
    async fn close_largest(&mut self) -> Result<()> {
        let largest = self.open.iter().max_by_key(|(_, writer)| writer.buffered_bytes());
        if let Some(key) = largest.map(|(key, _)| key.clone())
            && let Some(writer) = self.open.remove(&key)
        {
            self.close(key, writer).await?;
        }
        Ok(())
    }

    async fn close(&mut self, key: KeyTuple, mut writer: PartitionWriter) -> Result<()> {
        let flushed = writer.flush(&self.options).await?;
        let last = writer.close().await?;
        for closed in flushed.into_iter().chain(last) {
            self.closed.push((key.clone(), self.finishing.begin(closed).await?));
        }
        Ok(())
    }

    /// Makes all appended rows durable, then visible as one new version, and gives that version.
    ///
    /// Rows are numbered in the order of their keys, and within a key as they were appended. A
    /// race with other writers is lost and run again by itself.
    ///
    /// Without any rows a writer that appends commits nothing, and gives the newest version that there is. That of
    /// [`overwriter`](crate::Dataset::overwriter) commits the dataset without rows, and that of
    /// [`writer_of_new`](crate::Dataset::writer_of_new) creates it without rows.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) if the schema was changed meanwhile, or too many races
    /// were lost; [`Io`](crate::ErrorKind::Io). Nothing is visible then. [`InDoubt`](crate::ErrorKind::InDoubt) if the
    /// store failed at the last step and does not tell what became of it: then it may be visible, now or later.
    pub async fn commit(mut self) -> Result<Snapshot> {
        self.close_all().await?;
        let partitions = self.closed.iter().map(|(_, partition)| partition.clone()).collect();
        let committer = Committer {
            ids: self.ids.clone(),
            clock: self.clock.clone(),
            max_retries: self.options.max_commit_retries,
            files: self.files.clone(),
        };
        let leaves = write_leaves(&committer, self.base.storage(), partitions);
        let ((), leaves) = future::try_join(self.finishing.all(), leaves).await?;
        // From here on a version may name it, whatever is known of that here.
        self.is_named = true;
        let committed = self.commit_leaves(&committer, leaves).await;
        // After any other failure there is none, and there never will be.
        self.is_named = match &committed {
            Ok(_) => true,
            Err(error) => error.kind() == ErrorKind::InDoubt,
        };
        committed
    }

    async fn commit_leaves(
        &mut self,
        committer: &Committer,
        leaves: Vec<WrittenLeaf>,
    ) -> Result<Snapshot> {
        let base = self.base.clone();
        if self.overwrites {
            let mut change = Overwrite::new(base, self.schema.clone(), leaves);
            change.premise = self.premise.take();
            return commit(committer, &self.base, &mut change).await;
        }
        let mut change = Append::new(base, leaves, "append");
        change.idempotency = self.options.idempotency_key.clone();
        change.premise = self.premise.take();
        if let Some(root) = self.creates.take() {
            match create_with(committer, &self.base, root, &mut change).await {
                Err(error) if self.or_appends && error.kind() == ErrorKind::AlreadyExists => {
                    self.base = read_newest(self.base.storage(), None).await?;
                    if *self.base.schema() != self.schema {
                        return Err(error);
                    }
                    change.needs_same_schema = true;
                }
                created => return created,
            }
        }
        commit(committer, &self.base, &mut change).await
    }

    /// Gives the rows up: what was written for them is removed. Of a dataset that was to be created nothing stays.
    ///
    /// A writer that is dropped does the same in the background, where there is a tokio runtime.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io) or [`Denied`](crate::ErrorKind::Denied) if some of it could not be removed.
    pub async fn abort(mut self) -> Result<()> {
        match self.take_written() {
            Some(written) => written.remove().await,
            None => Ok(()),
        }
    }

    /// What was written so far, which the writer forgets; `None` if a commit may have named it.
    fn take_written(&mut self) -> Option<Written> {
        if std::mem::replace(&mut self.is_named, true) {
            return None;
        }
        drop(std::mem::take(&mut self.open));
        Some(Written {
            storage: self.base.storage().clone(),
            partitions: std::mem::take(&mut self.closed).into_iter().map(|(_, p)| p).collect(),
            finishing: std::mem::take(&mut self.finishing),
            files: self.files.clone(),
            creates: self.creates.is_some(),
            makes_folder: self.makes_folder,
        })
    }

    /// Writes the rest of all rows, and puts their partitions into the order of their rows.
    async fn close_all(&mut self) -> Result<()> {
        self.check_usable()?;
        for (key, writer) in std::mem::take(&mut self.open) {
            self.close(key, writer).await?;
        }
        // Stable: the partitions of a key stay in the order they were written.
        self.closed.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(())
    }
}

impl Drop for DatasetWriter {
    fn drop(&mut self) {
        if let Some(written) = self.take_written() {
            written.remove_alongside();
        }
    }
}

impl std::fmt::Debug for DatasetWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatasetWriter")
            .field("storage", self.base.storage())
            .field("row_count", &self.row_count)
            .finish_non_exhaustive()
    }
}
