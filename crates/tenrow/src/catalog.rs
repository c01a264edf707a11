//! A folder or bucket that holds many datasets, by name.

use std::collections::VecDeque;

use futures::StreamExt;
use futures::stream;
use serde_json::{Map, Value};

use crate::commit::{newest_version, read_newest};
use crate::dataset::{CreateOptions, Dataset};
use crate::error::{Error, ErrorKind, Result};
use crate::format::Schema;
use crate::format::Version;
use crate::storage::{Storage, StoreOptions};

/// Folders that are looked into at once.
const MAX_CONCURRENCY: usize = 16;
/// Parts of a name: folders are searched no deeper.
const MAX_DEPTH: usize = 8;

/// Datasets below one root: `digits`, `speech/train`.
///
/// ```
/// use tenrow::{Attribute, Catalog, Schema};
/// # futures::executor::block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// # let location = folder.path().display().to_string();
/// let catalog = Catalog::open(&location)?;
/// let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// catalog.create("speech/train", schema, &Default::default()).await?;
/// let entries = catalog.list().await?;
/// assert_eq!(entries[0].name, "speech/train");
/// assert_eq!(entries[0].info.as_ref().unwrap().row_count, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Catalog {
    storage: Storage,
}

/// One dataset of a catalog.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/catalogentry", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// # let catalog = tenrow::Catalog::open("memory://docs")?;
/// let entries = catalog.list().await?;
/// let entry = entries.iter().find(|entry| entry.name == "catalogentry").expect("it was created");
/// assert_eq!(entry.info.as_ref().map(|info| info.row_count).ok(), Some(3));
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct CatalogEntry {
    /// Its name: the path of its folder, below the root.
    pub name: String,
    /// What its newest version says, or why that cannot be read.
    pub info: Result<DatasetInfo>,
}

/// What the newest version of a dataset says.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/datasetinfo", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// # let catalog = tenrow::Catalog::open("memory://docs")?;
/// for entry in catalog.list().await?.into_iter().filter(|entry| entry.name == "datasetinfo") {
///     let info = entry.info?;
///     assert_eq!((info.row_count, info.schema.attributes().len()), (3, 1));
/// }
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DatasetInfo {
    /// Its number.
    pub version: Version,
    /// When it was committed, in milliseconds of Unix time.
    pub created_ms: i64,
    /// Its rows.
    pub row_count: u64,
    /// Its partitions.
    pub partition_count: u64,
    /// Bytes of its Parquet files.
    pub size_bytes: u64,
    /// Its attributes.
    pub schema: Schema,
    /// Its properties.
    pub properties: Map<String, Value>,
}

impl Catalog {
    /// The datasets below `location`. Touches nothing.
    ///
    /// # Errors
    /// As [`Location::parse`](crate::storage::Location::parse).
    pub fn open(location: &str) -> Result<Self> {
        Self::open_with(location, &StoreOptions::default())
    }

    /// [`open`](Self::open) of a store that is reached as `options` say.
    ///
    /// # Errors
    /// As [`Storage::open_with`].
    pub fn open_with(location: &str, options: &StoreOptions) -> Result<Self> {
        Ok(Self { storage: Storage::open_with(location, options)? })
    }

    /// The datasets below the root of a storage.
    pub fn at(storage: Storage) -> Self {
        Self { storage }
    }

    /// The dataset called `name`.
    ///
    /// # Errors
    /// [`NotADataset`](ErrorKind::NotADataset) if there is none; [`InvalidInput`](ErrorKind::InvalidInput) if it is no name.
    pub async fn dataset(&self, name: &str) -> Result<Dataset> {
        let dataset = self.place(name)?;
        dataset.latest().await?;
        Ok(dataset)
    }

    /// Creates an empty dataset.
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if there is one, and as [`place_of`](Self::place_of).
    pub async fn create(
        &self,
        name: &str,
        schema: Schema,
        options: &CreateOptions,
    ) -> Result<Dataset> {
        let dataset = self.place_of(name).await?;
        dataset.create_here(schema, options).await?;
        Ok(dataset)
    }

    /// Where a dataset called `name` is or may be created.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it is no name, or leads into another dataset.
    pub async fn place_of(&self, name: &str) -> Result<Dataset> {
        let dataset = self.place(name)?;
        for (end, _) in name.match_indices('/') {
            if newest_version(&self.storage.below(&name[..end])?).await?.is_some() {
                return Err(Error::invalid(format!(
                    "{name:?}: {:?} is a dataset, and none lies in another",
                    &name[..end]
                )));
            }
        }
        Ok(dataset)
    }

    /// Every dataset, by name. Whatever else lies there is passed over.
    ///
    /// # Errors
    /// [`Io`](ErrorKind::Io) if the root cannot be listed. A dataset or folder that cannot be read is an entry that says why.
    pub async fn list(&self) -> Result<Vec<CatalogEntry>> {
        let mut entries = Vec::new();
        let mut folders: VecDeque<String> = self.storage.list_folders("").await?.into();
        while !folders.is_empty() {
            let batch: Vec<String> = folders.drain(..folders.len().min(256)).collect();
            let looked_at = stream::iter(batch).map(|name| self.look_at(name));
            let mut looked_at = looked_at.buffer_unordered(MAX_CONCURRENCY);
            while let Some(found) = looked_at.next().await {
                match found? {
                    Found::Dataset(entry) => entries.push(*entry),
                    Found::Folders(names) => folders.extend(names),
                }
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    async fn look_at(&self, name: String) -> Result<Found> {
        if check_name(&name).is_err() {
            return Ok(Found::Folders(Vec::new()));
        }
        let storage = self.storage.below(&name)?;
        let newest = match newest_version(&storage).await {
            Ok(newest) => newest,
            // Whatever it is, the others are listed.
            Err(error) => {
                return Ok(Found::Dataset(Box::new(CatalogEntry { name, info: Err(error) })));
            }
        };
        if newest.is_some() {
            let info = read_newest(&storage, None).await.map(|snapshot| DatasetInfo {
                version: snapshot.version(),
                created_ms: snapshot.root().created_ms,
                row_count: snapshot.row_count(),
                partition_count: snapshot.partition_count(),
                size_bytes: snapshot.size_bytes(),
                schema: snapshot.schema().clone(),
                properties: snapshot.properties().clone(),
            });
            return Ok(Found::Dataset(Box::new(CatalogEntry { name, info })));
        }
        if name.matches('/').count() + 1 >= MAX_DEPTH {
            return Ok(Found::Folders(Vec::new()));
        }
        let folders = match self.storage.list_folders(&name).await {
            Ok(folders) => folders,
            Err(error) => {
                return Ok(Found::Dataset(Box::new(CatalogEntry { name, info: Err(error) })));
            }
        };
        Ok(Found::Folders(folders.into_iter().map(|folder| format!("{name}/{folder}")).collect()))
    }

    fn place(&self, name: &str) -> Result<Dataset> {
        check_name(name)?;
        Ok(Dataset::at(self.storage.below(name)?))
    }
}

enum Found {
    Dataset(Box<CatalogEntry>),
    Folders(Vec<String>),
}

fn check_name(name: &str) -> Result<()> {
    let rule = if name.is_empty() || name.len() > 1024 {
        "a name has 1 to 1,024 bytes"
    } else if name.split('/').count() > MAX_DEPTH {
        "a name has at most 8 parts"
    } else if name.split('/').any(|part| part.is_empty() || part.starts_with(['.', '_'])) {
        "a part of a name is not empty and does not start with `.` or `_`"
    } else if name.contains('\\') || name.chars().any(char::is_control) {
        "a name holds no `\\` and no control characters"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::InvalidInput, format!("dataset name {name:?}: {rule}")))
}
