//! Values for the partitions that lack an attribute, computed from the others: new column files only.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use futures::TryStreamExt;

use crate::change::new_columns::{NewColumns, NewColumnsWriter, check_column};
use crate::commit::{Applied, Change, Committer, Edits, InTheWay, check_conflict, commit, places};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::format::manifest::Root;
use crate::format::{Attribute, AttributeType};
use crate::progress::{OnProgress, Steps};
use crate::read::{ReadOptions, partition_rows};
use crate::snapshot::{LoadedPartition, Snapshot};
use crate::write::{FileStore, WriteOptions, slice_bytes};

/// Which attribute to fill, from what.
///
/// ```
/// use tenrow::ColumnFill;
/// let fill = ColumnFill::new("brightness", ["image"]).with_commit_partitions(16);
/// assert_eq!(fill.inputs, ["image"]);
/// ```
#[derive(Debug, Clone)]
pub struct ColumnFill {
    /// The attribute: declared before, by [`SchemaChange::Add`](crate::SchemaChange::Add).
    pub name: String,
    /// The attributes that its values are computed from.
    pub inputs: Vec<String>,
    /// Partitions after which what was computed is committed: what a kill loses at most. Default: 64.
    pub commit_partitions: usize,
    /// Told the rows that were computed, of those that lacked the attribute. Stopped, a fill keeps what it has committed.
    pub on_progress: OnProgress,
}

impl ColumnFill {
    /// Fills `name` from `inputs`.
    pub fn new(
        name: impl Into<String>,
        inputs: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let inputs = inputs.into_iter().map(Into::into).collect();
        let on_progress = OnProgress::default();
        Self { name: name.into(), inputs, commit_partitions: 64, on_progress }
    }

    /// Sets after how many partitions is committed.
    #[must_use]
    pub fn with_commit_partitions(mut self, partitions: usize) -> Self {
        self.commit_partitions = partitions.max(1);
        self
    }

    /// Sets who is told how far it is.
    #[must_use]
    pub fn with_on_progress(mut self, on_progress: OnProgress) -> Self {
        self.on_progress = on_progress;
        self
    }
}

/// What a fill did.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/fillreport", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// use tenrow::{ColumnFill, SchemaChange};
/// use arrow_array::{Int64Array, cast::AsArray, types::Int64Type};
/// # use std::sync::Arc;
/// dataset.change_schema(SchemaChange::Add(Attribute::parse("double:i64?")?)).await?;
/// let fill = ColumnFill::new("double", ["label"]);
/// let report = dataset
///     .fill_column(&fill, |batch| {
///         let labels = batch["label"].as_primitive::<Int64Type>();
///         Ok(Arc::new(Int64Array::from_iter_values(labels.values().iter().map(|x| x * 2))))
///     })
///     .await?;
/// assert_eq!((report.partitions, report.rows), (1, 3));
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FillReport {
    /// A version in which no partition lacks the attribute.
    pub snapshot: Snapshot,
    /// Partitions that were filled.
    pub partitions: u64,
    /// Rows that were filled, deleted ones of these partitions included.
    pub rows: u64,
}

impl Dataset {
    /// Computes an attribute for every partition that lacks it, until none does.
    ///
    /// A partition lacks it if its rows were written in a schema without it: before it was added, or since then by a
    /// writer that was begun before. A writer that was begun later writes a value for each row: of a batch without the
    /// attribute its default, or null, and such rows are not filled.
    ///
    /// `compute` is given the inputs of consecutive rows and gives as many values. Killed and run again, it
    /// goes on where the last commit was. Memory: one row group of the inputs.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such attribute;
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the values are not of its type;
    /// [`Conflict`](crate::ErrorKind::Conflict) if it, or an input, is dropped or gets another type meanwhile; those
    /// of `compute`.
    pub async fn fill_column(
        &self,
        fill: &ColumnFill,
        mut compute: impl FnMut(&RecordBatch) -> Result<ArrayRef> + Send,
    ) -> Result<FillReport> {
        let (mut partitions, mut rows) = (0, 0);
        let mut steps = Steps::of("fill column", None, &fill.on_progress);
        let first = FillJob::new(&self.latest().await?, fill)?;
        loop {
            let snapshot = self.latest().await?;
            let job = first.on(&snapshot).await?;
            if steps.are_told() {
                steps.left(job.lacking_rows().await?);
            }
            let mut newest = snapshot.clone();
            let mut computed = 0;
            // What the values of one commit name is no matter of the next.
            let mut committer = self.committer();
            let mut change = Fill::of(&job);
            let mut all = job.snapshot.partitions();
            while let Some(partition) = all.try_next().await? {
                let Some(row_id) = partition.entry().first_row_id() else { continue };
                if partition.column(&job.attribute).is_none() {
                    let filled = job.fill(&committer, row_id, &partition, &mut compute, &mut steps);
                    let filled = filled.await?;
                    change.filled.push(filled);
                    computed += 1;
                }
                if change.filled.len() >= fill.commit_partitions {
                    newest = commit(&committer, &newest, &mut change).await?;
                    (partitions, rows) = (partitions + change.partitions, rows + change.rows);
                    change = Fill::of(&job);
                    committer = self.committer();
                }
            }
            if computed == 0 {
                return Ok(FillReport { snapshot, partitions, rows });
            }
            commit(&committer, &newest, &mut change).await?;
            (partitions, rows) = (partitions + change.partitions, rows + change.rows);
        }
    }
}

/// The attribute in a version, if it is there in that form.
fn form_of<'a>(version: &'a Snapshot, attribute: &Attribute) -> Option<&'a Attribute> {
    version.schema().attributes().iter().find(|other| other.id == attribute.id)
}

struct FillJob {
    snapshot: Snapshot,
    attribute: Attribute,
    inputs: Vec<Attribute>,
    schema: SchemaRef,
}

/// A partition, and the file that completes it.
struct Filled {
    row_id: u64,
    base: String,
    /// Where the inputs were.
    inputs: Vec<String>,
    columns: NewColumns,
}

impl FillJob {
    fn new(snapshot: &Snapshot, fill: &ColumnFill) -> Result<Self> {
        let attribute = snapshot.attribute(&fill.name)?.clone();
        let inputs = fill.inputs.iter().map(|name| snapshot.attribute(name).cloned());
        let inputs: Vec<Attribute> = inputs.collect::<Result<_>>()?;
        if inputs.iter().any(|input| input.id == attribute.id) {
            return Err(Error::invalid(format!("attribute {:?} from itself", fill.name)));
        }
        let fields: Vec<_> = inputs.iter().map(Attribute::arrow_field).collect();
        let schema = Arc::new(arrow_schema::Schema::new(fields));
        Ok(Self { snapshot: snapshot.clone(), attribute, inputs, schema })
    }

    /// The same on a newer version, where the attributes may have other names: `compute` is given the old ones.
    async fn on(&self, latest: &Snapshot) -> Result<Self> {
        check_conflict(&Fill::of(self), latest).await?;
        let today = |own: &Attribute| form_of(latest, own).unwrap_or(own).clone();
        Ok(Self {
            snapshot: latest.clone(),
            attribute: today(&self.attribute),
            inputs: self.inputs.iter().map(today).collect(),
            schema: self.schema.clone(),
        })
    }

    /// Rows of the partitions that lack the attribute.
    async fn lacking_rows(&self) -> Result<u64> {
        let mut rows = 0;
        let mut partitions = self.snapshot.partitions();
        while let Some(partition) = partitions.try_next().await? {
            if partition.column(&self.attribute).is_none() {
                rows += partition.entry().row_count;
            }
        }
        Ok(rows)
    }

    async fn fill(
        &self,
        committer: &Committer,
        row_id: u64,
        partition: &Arc<LoadedPartition>,
        compute: &mut (impl FnMut(&RecordBatch) -> Result<ArrayRef> + Send),
        steps: &mut Steps,
    ) -> Result<Filled> {
        let attributes = vec![self.attribute.clone()];
        let storage = self.snapshot.storage();
        let mut writer = NewColumnsWriter::begin(committer, storage, attributes).await?;
        let options = ReadOptions::for_rewriting();
        let mut start = 0;
        for &rows in &partition.entry().files[0].row_groups {
            let range = start..start + rows;
            let mut columns = Vec::with_capacity(self.inputs.len());
            for input in &self.inputs {
                let read = partition_rows(&self.snapshot, input, partition, &range, &options);
                columns.push(read.await?);
            }
            let count = RecordBatchOptions::new().with_row_count(Some(rows as usize));
            let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &count)
                .map_err(|e| Error::corrupt("the inputs of a column", e))?;
            let values = compute(&batch)?;
            check_column(&self.attribute, &values, rows)?;
            let bytes = slice_bytes(std::slice::from_ref(&values));
            writer.append(&[self.stored(committer, values).await?]).await?;
            start += rows;
            steps.advance(rows, bytes)?;
        }
        let entry = partition.entry();
        Ok(Filled {
            row_id,
            base: entry.files[0].path.clone(),
            inputs: places(partition, &self.inputs),
            columns: writer.finish().await?,
        })
    }
}

impl FillJob {
    /// Values as files hold them: large files are stored beside their rows.
    async fn stored(&self, committer: &Committer, values: ArrayRef) -> Result<ArrayRef> {
        if self.attribute.attribute_type != AttributeType::File {
            return Ok(values);
        }
        let files = FileStore {
            storage: self.snapshot.storage(),
            ids: &committer.ids,
            named: &committer.files,
            inline_bytes: WriteOptions::default().inline_file_bytes,
        };
        files.store(&values, &self.attribute.name).await
    }
}

struct Fill<'a> {
    job: &'a FillJob,
    filled: Vec<Filled>,
    partitions: u64,
    rows: u64,
}

impl<'a> Fill<'a> {
    fn of(job: &'a FillJob) -> Self {
        Self { job, filled: Vec::new(), partitions: 0, rows: 0 }
    }
}

impl Change for Fill<'_> {
    fn operation(&self) -> &'static str {
        "fill column"
    }

    async fn in_the_way(&self, version: &Snapshot) -> Result<Option<InTheWay>> {
        let job = self.job;
        let mut needed = job.inputs.iter().chain([&job.attribute]);
        Ok(InTheWay::unless(
            needed.all(|attribute| form_of(version, attribute).is_some()),
            &job.snapshot,
            "dropped the attribute that is filled, or one that it is computed from, or changed its type: look at it, and fill again",
        ))
    }

    /// What was computed for partitions that are gone or have changed is left: the next round sees them.
    async fn apply(
        &mut self,
        committer: &Committer,
        latest: &Snapshot,
        root: &mut Root,
    ) -> Result<Applied> {
        let mut edits = Edits::default();
        (self.partitions, self.rows) = (0, 0);
        for filled in &self.filled {
            let found = latest.partition_of(filled.row_id, &filled.base).await?;
            let Some(partition) = found else { continue };
            let lacks_it = partition.column(&self.job.attribute).is_none();
            if lacks_it && places(&partition, &self.job.inputs) == filled.inputs {
                let entry = partition.entry();
                edits.replace(entry, vec![filled.columns.put_into(entry)]);
                self.partitions += 1;
                self.rows += entry.row_count;
            }
        }
        if edits.is_empty() {
            return Ok(Applied::AlreadySo);
        }
        edits.apply(committer, latest, root).await?;
        Ok(Applied::Changed)
    }
}

impl Snapshot {
    /// Rows of partitions that have no values of an attribute: its default or null is read for them. Reads leaves only.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such attribute;
    /// [`Corrupt`](crate::ErrorKind::Corrupt) or [`Io`](crate::ErrorKind::Io), naming the file.
    pub async fn unfilled_rows(&self, name: &str) -> Result<u64> {
        let attribute = self.attribute(name)?;
        let mut partitions = self.partitions();
        let mut rows = 0;
        while let Some(partition) = partitions.try_next().await? {
            if partition.column(attribute).is_none() {
                rows += partition.entry().live_rows();
            }
        }
        Ok(rows)
    }

    /// The partition whose first row has, or had, this id, if its first file still is `base`.
    pub(crate) async fn partition_of(
        &self,
        row_id: u64,
        base: &str,
    ) -> Result<Option<Arc<LoadedPartition>>> {
        let Some((leaf, number)) = self.place_of_row_id(row_id).await? else { return Ok(None) };
        let found = &self.leaf(leaf).await?.partitions()[number];
        let entry = found.entry();
        let is_it = entry.first_row_id() == Some(row_id) && entry.files[0].path == base;
        Ok(is_it.then(|| found.clone()))
    }
}
