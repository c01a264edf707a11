//! A dataset: where versions come from and go to.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::commit::{
    self, Committer, MAX_LOOKS, NamedFiles, never_still, read_newest, read_version,
};
use crate::error::{Error, ErrorKind, Result};
use crate::format::Schema;
use crate::format::Version;
use crate::format::manifest::{FEATURE_SINGLE_WRITER, Root};
use crate::ids::Ids;
use crate::snapshot::Snapshot;
use crate::storage::{Storage, StoreOptions};
use crate::write::{DatasetWriter, WriteOptions};

/// A collection of rows with one schema, in versions.
///
/// ```
/// use tenrow::{Attribute, Columns, Dataset, Schema};
/// # futures::executor::block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// # let location = folder.path().join("points").display().to_string();
/// let schema = Schema::new([Attribute::parse("point:f32[2]")?, Attribute::parse("label:i64")?])?;
/// let dataset = Dataset::create(&location, schema).await?;
/// let mut writer = dataset.writer().await?;
/// let points = ndarray::array![[0.0f32, 1.0], [2.0, 3.0]];
/// writer.append_columns(Columns::new().tensors("point", &points).scalars("label", [4i64, 5])).await?;
/// let snapshot = writer.commit().await?;
///
/// let tensor = snapshot.tensor_column("point")?.get(1).await?.expect("not null");
/// assert_eq!(tensor.as_slice::<f32>()?, [2.0, 3.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Dataset {
    storage: Storage,
    ids: Ids,
    clock: Clock,
    /// The newest version that was met: what it has read of leaves is shared with those to come.
    recent: Arc<Mutex<Option<Snapshot>>>,
}

/// One line of a dataset's history.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/versioninfo", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// let versions = dataset.versions().await?;
/// let seen: Vec<_> = versions.iter().map(|v| (v.version.0, v.operation.as_str(), v.row_count)).collect();
/// assert_eq!(seen, [(2, "append", 3), (1, "create", 0)]);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VersionInfo {
    /// The version.
    pub version: Version,
    /// When it was committed, in milliseconds of Unix time, by the clock of its writer.
    pub created_ms: i64,
    /// What made it: `create`, `append`, …
    pub operation: String,
    /// Its rows.
    pub row_count: u64,
    /// Its partitions.
    pub partition_count: u64,
    /// Bytes of its Parquet files.
    pub size_bytes: u64,
}

impl VersionInfo {
    fn of(snapshot: &Snapshot) -> Self {
        Self {
            version: snapshot.version(),
            created_ms: snapshot.root().created_ms,
            operation: snapshot.root().operation.clone(),
            row_count: snapshot.row_count(),
            partition_count: snapshot.partition_count(),
            size_bytes: snapshot.size_bytes(),
        }
    }
}

/// What a new dataset starts with besides its schema.
///
/// ```
/// # futures::executor::block_on(async {
/// use tenrow::{Attribute, CreateOptions, Dataset, Schema, StoreOptions};
/// let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// let options = CreateOptions::default().with_property("licence", "CC0-1.0");
/// let dataset =
///     Dataset::create_with("memory://docs/createoptions", schema, &StoreOptions::default(), &options).await?;
/// assert_eq!(dataset.latest().await?.properties()["licence"], "CC0-1.0");
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct CreateOptions {
    /// The dataset's properties: any JSON. Secrets do not belong here. Default: none.
    pub properties: Map<String, Value>,
    /// Promises that one writer at a time commits, for a store that cannot tell two apart and is refused without
    /// this; the dataset records it. Default: false.
    pub single_writer: bool,
    /// If another program creates a dataset of the same schema here before a [writer of a new one](Dataset::writer_of_new)
    /// commits, its rows are appended to that one. Default: false, it is an error.
    pub or_append: bool,
}

impl CreateOptions {
    /// Sets [`or_append`](Self::or_append).
    #[must_use]
    pub fn with_or_append(mut self, or_append: bool) -> Self {
        self.or_append = or_append;
        self
    }

    /// Sets [`single_writer`](Self::single_writer).
    #[must_use]
    pub fn with_single_writer(mut self, single_writer: bool) -> Self {
        self.single_writer = single_writer;
        self
    }

    /// Sets a property.
    #[must_use]
    pub fn with_property(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.properties.insert(name.into(), value.into());
        self
    }
}

impl Dataset {
    /// Creates an empty dataset, durably, as version 1.
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if there is one; [`Io`](ErrorKind::Io).
    pub async fn create(location: &str, schema: Schema) -> Result<Self> {
        Self::create_with(location, schema, &StoreOptions::default(), &CreateOptions::default())
            .await
    }

    /// [`create`](Self::create) in a store that is reached as `stores` say, as for [`open_with`](Self::open_with).
    ///
    /// # Errors
    /// As [`create`](Self::create) and [`Storage::open_with`].
    pub async fn create_with(
        location: &str,
        schema: Schema,
        stores: &StoreOptions,
        options: &CreateOptions,
    ) -> Result<Self> {
        let dataset = Self::at(Storage::open_with(location, stores)?);
        dataset.create_here(schema, options).await?;
        Ok(dataset)
    }

    /// Creates the first version of a dataset made by [`at`](Self::at).
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub async fn create_here(&self, schema: Schema, options: &CreateOptions) -> Result<Snapshot> {
        let root = self.first_root(schema, options);
        commit::check_store(&self.storage, &root).await?;
        commit::create(&self.storage, &root).await
    }

    fn first_root(&self, schema: Schema, options: &CreateOptions) -> Root {
        let mut root = Root::first(schema, self.ids.next(), self.clock.now_ms());
        root.properties = options.properties.clone();
        if options.single_writer {
            root.writer_features.insert(FEATURE_SINGLE_WRITER.to_owned());
        }
        root
    }

    /// Opens an existing dataset. Creates and deletes nothing.
    ///
    /// # Errors
    /// [`NotADataset`](ErrorKind::NotADataset); [`TooNew`](ErrorKind::TooNew);
    /// [`Corrupt`](ErrorKind::Corrupt) if its newest manifest cannot be read, with the cause.
    pub async fn open(location: &str) -> Result<Self> {
        Self::open_with(location, &StoreOptions::default()).await
    }

    /// [`open`](Self::open) of a store that is reached as `options` say.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`Storage::open_with`].
    pub async fn open_with(location: &str, options: &StoreOptions) -> Result<Self> {
        let dataset = Self::at(Storage::open_with(location, options)?);
        dataset.latest().await?;
        Ok(dataset)
    }

    /// A dataset over these objects, which are not looked at yet.
    pub fn at(storage: Storage) -> Self {
        Self { storage, ids: Ids::random(), clock: Clock::system(), recent: Arc::default() }
    }

    /// Takes new names from `ids`, for tests that replay.
    #[must_use]
    pub fn with_ids(mut self, ids: Ids) -> Self {
        self.ids = ids;
        self
    }

    /// Takes the time of commits from `clock`, for tests that replay.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Where its objects are.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// The newest version: two reads, however many versions and partitions there are.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn latest(&self) -> Result<Snapshot> {
        let recent = self.recent();
        let newest = read_newest(&self.storage, recent.as_ref()).await?;
        self.met(&newest);
        Ok(newest)
    }

    /// Notes the newest version that was met.
    pub(crate) fn met(&self, newest: &Snapshot) {
        *self.recent.lock().unwrap_or_else(PoisonError::into_inner) = Some(newest.clone());
    }

    fn recent(&self) -> Option<Snapshot> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One version.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), with those that exist.
    pub async fn version(&self, version: Version) -> Result<Snapshot> {
        let recent = match self.recent() {
            Some(recent) => recent,
            None => self.latest().await?,
        };
        let is_there = !recent.root().has_expired(version) || self.is_cloned(version).await?;
        if is_there {
            match read_version(&self.storage, version, Some(&recent)).await {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => return other,
            }
        }
        let latest = self.latest().await?;
        let known = match self.storage.lists() {
            true => {
                let history = self.history(&latest).await?;
                if history.contains(&version) {
                    // It came meanwhile.
                    return read_version(&self.storage, version, Some(&latest)).await;
                }
                format!("there are {}", shown(history.into_iter()))
            }
            false => format!("the newest is {}", latest.version()),
        };
        Err(Error::new(
            ErrorKind::NotFound,
            format!("no version {version} of {}; {known}", self.storage),
        ))
    }

    /// The versions that are there, newest first.
    ///
    /// Not those that have expired, whose roots may still be there, or there again: a put that comes late finds
    /// its number free.
    pub(crate) async fn history(&self, latest: &Snapshot) -> Result<Vec<Version>> {
        let mut versions = self.storage.list_versions().await?;
        if versions.iter().any(|version| latest.root().has_expired(*version)) {
            let cloned: Vec<Version> =
                self.clones().await?.iter().map(|clone| clone.version).collect();
            versions.retain(|v| !latest.root().has_expired(*v) || cloned.contains(v));
        }
        Ok(versions)
    }

    /// A version that was listed; `None` if it has ended since, and its root is gone.
    pub(crate) async fn read_listed(
        &self,
        version: Version,
        known: Option<&Snapshot>,
    ) -> Result<Option<Snapshot>> {
        match read_version(&self.storage, version, known).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let has_ended = self.latest().await?.root().has_expired(version)
                    && !self.is_cloned(version).await?;
                if has_ended { Ok(None) } else { Err(error) }
            }
            found => found.map(Some),
        }
    }

    /// Whether a clone keeps it, as far as the store can tell.
    async fn is_cloned(&self, version: Version) -> Result<bool> {
        if !self.storage.lists() {
            return Ok(false);
        }
        Ok(self.clones().await?.iter().any(|clone| clone.version == version))
    }

    /// The history, newest first.
    ///
    /// # Errors
    /// As [`open`](Self::open), naming the version that cannot be read.
    pub async fn versions(&self) -> Result<Vec<VersionInfo>> {
        for _ in 0..MAX_LOOKS {
            let mut versions = Vec::new();
            for version in self.history(&self.latest().await?).await? {
                match self.read_listed(version, None).await? {
                    Some(snapshot) => versions.push(VersionInfo::of(&snapshot)),
                    // What was the newest has ended: there are others.
                    None if versions.is_empty() => break,
                    None => {}
                }
            }
            if !versions.is_empty() {
                return Ok(versions);
            }
        }
        Err(never_still(&self.storage))
    }

    /// The newest version whose time, in milliseconds of Unix time, is not after `time_ms`.
    ///
    /// A binary search: times never fall with versions, but for where a clock was found to be a day ahead.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the dataset, or what is left of its history, is younger; or if those that
    /// followed the version that was found have expired, since one of them may have been the newest then.
    pub async fn version_at(&self, time_ms: i64) -> Result<Snapshot> {
        let latest = self.latest().await?;
        let mut versions = self.history(&latest).await?;
        versions.sort_unstable();
        let Some((place, found)) = self.place_at(&latest, &versions, time_ms).await? else {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("{} has no version that old", self.storage),
            ));
        };
        let (version, next) = (found.version(), versions.get(place + 1));
        match next.map(|next| version.0 + 1..next.0).filter(|expired| !expired.is_empty()) {
            Some(expired) if time_ms > found.root().created_ms => Err(Error::new(
                ErrorKind::NotFound,
                format!(
                    "{}: which version was the newest at that time is not known: version {version} was committed before, \
                     and after it {} that expired; name one that is left by its number, {version} or {}",
                    self.storage,
                    match expired.end - expired.start {
                        1 => format!("version {}", expired.start),
                        _ => format!("versions {} to {}", expired.start, expired.end - 1),
                    },
                    expired.end
                ),
            )),
            _ => Ok(found),
        }
    }

    /// The last of `versions`, which ascend, whose time is not after `time_ms`, and its place among them.
    pub(crate) async fn place_at(
        &self,
        latest: &Snapshot,
        versions: &[Version],
        time_ms: i64,
    ) -> Result<Option<(usize, Snapshot)>> {
        let mut end = versions.len();
        let mut times_from = latest.root().times_from;
        while end > 0 {
            let start = versions[..end].partition_point(|version| *version < times_from);
            let (mut low, mut high, mut found) = (start, end, None);
            while low < high {
                let middle = low + (high - low) / 2;
                let snapshot = self.version(versions[middle]).await?;
                match snapshot.root().created_ms <= time_ms {
                    true => (low, found) = (middle + 1, Some((middle, snapshot))),
                    false => high = middle,
                }
            }
            if found.is_some() {
                return Ok(found);
            }
            end = start;
            // Before a clock was set right times are in an order of their own.
            if let Some(last) = versions[..end].last() {
                times_from = self.version(*last).await?.root().times_from;
            }
        }
        Ok(None)
    }

    /// A writer that appends to the newest version.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn writer(&self) -> Result<DatasetWriter> {
        self.writer_with(WriteOptions::default()).await
    }

    /// [`writer`](Self::writer) with options.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`InvalidInput`](ErrorKind::InvalidInput) if the options do not fit the
    /// schema.
    pub async fn writer_with(&self, options: WriteOptions) -> Result<DatasetWriter> {
        let base = self.latest().await?;
        DatasetWriter::new(base, options, self.ids.clone(), self.clock.clone())
    }

    /// A writer whose rows come in place of all rows, in `schema` if one is given.
    ///
    /// Older versions keep theirs. The commit conflicts with any other since now. Without any rows it empties the dataset.
    ///
    /// # Errors
    /// As [`writer_with`](Self::writer_with).
    pub async fn overwriter(
        &self,
        schema: Option<Schema>,
        options: WriteOptions,
    ) -> Result<DatasetWriter> {
        let base = self.latest().await?;
        let schema = match schema {
            None => base.schema().clone(),
            Some(new) => {
                base.schema().replaced_by(&new).map_err(|e| Error::format("the new schema", e))?
            }
        };
        let (ids, clock) = (self.ids.clone(), self.clock.clone());
        DatasetWriter::overwriting(base, schema, options, ids, clock)
    }

    /// Waits a random time, longer after each conflict, before something is computed again: so programs that are in each
    /// other's way part.
    pub async fn pause_after_conflict(&self, conflicts: usize) {
        self.committer().pause(conflicts).await;
    }

    /// How this handle commits.
    pub(crate) fn committer(&self) -> Committer {
        let (ids, clock) = (self.ids.clone(), self.clock.clone());
        let max_retries = WriteOptions::default().max_commit_retries;
        Committer { ids, clock, max_retries, files: NamedFiles::default() }
    }

    /// A writer of a dataset that is not there yet: its commit creates it, with the rows in its first version.
    ///
    /// Without any rows the commit creates it empty. A writer that is dropped, killed, or fails, leaves no dataset.
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if there is one;
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the options do not fit the schema.
    pub async fn writer_of_new(
        &self,
        schema: Schema,
        create: &CreateOptions,
        options: WriteOptions,
    ) -> Result<DatasetWriter> {
        match self.latest().await {
            Err(error) if error.kind() == ErrorKind::NotADataset => {}
            Err(error) => return Err(error),
            Ok(_) => return Err(commit::exists_already(&self.storage)),
        }
        let root = self.first_root(schema, create);
        commit::check_store(&self.storage, &root).await?;
        let base = commit::uncommitted(&self.storage, &root)?;
        let writer = DatasetWriter::new(base, options, self.ids.clone(), self.clock.clone())?;
        Ok(writer.creating(root, create.or_append))
    }
}

/// Versions, the newest first, as a person reads them: `1 to 3, 7`.
fn shown(versions: impl Iterator<Item = Version>) -> String {
    let mut versions: Vec<u64> = versions.map(|version| version.0).collect();
    versions.sort_unstable();
    let runs = versions.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
        [first, .., last] => format!("{first} to {last}"),
        run => run.first().map_or(String::new(), u64::to_string),
    });
    runs.collect::<Vec<_>>().join(", ")
}
