//! From the names in a statement to tables: each dataset in one version, however often it is named.

mod metadata;
mod name;
mod roots;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::catalog::CatalogProviderList;
use datafusion::catalog::information_schema::InformationSchemaProvider;
use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
    SchemaProvider,
};
use datafusion::common::TableReference;
use datafusion::datasource::{MemTable, TableProvider};
use tenrow::{Dataset, Error, ErrorKind, Result, Snapshot, Version, WhichVersion};

use crate::columns::HIDDEN_COLUMNS;
use crate::error::of_engine;
use crate::rewrite::KnownTables;
use crate::table::{DatasetTable, ViewTable};
use name::{Part, TableName};
use roots::{INFORMATION_SCHEMA, did_you_mean};

pub(crate) use roots::{Place, Root, Roots};

/// The catalog that all schemas are in.
pub(crate) const CATALOG: &str = "tenrow";

/// The tables of one statement.
pub(crate) struct Tables<'a> {
    roots: &'a Roots,
    snapshots: HashMap<(Place, WhichVersion), Snapshot>,
    providers: HashMap<TableReference, Arc<dyn TableProvider>>,
    datasets: HashSet<TableReference>,
    /// Of which versions rows are read.
    read: Vec<(Place, Snapshot)>,
}

/// A dataset that a statement changes.
pub(crate) struct Target {
    pub(crate) dataset: Dataset,
    /// The version that the statement sees.
    pub(crate) snapshot: Snapshot,
    /// Whether it sees that version however often it is evaluated.
    pub(crate) is_pinned: bool,
}

/// A view of a dataset, as `"digits#train"` names it.
pub(crate) struct ViewName {
    /// The dataset, as the statement calls it.
    pub(crate) table: TableReference,
    /// The view.
    pub(crate) view: String,
}

impl ViewName {
    pub(crate) fn of(reference: &TableReference) -> Result<Self> {
        let name = TableName::parse(reference.table())?;
        match name {
            TableName { dataset, version: None, part: Some(Part::View(view, None)) } => {
                let table = match reference.schema() {
                    Some(schema) => TableReference::partial(schema.to_owned(), dataset),
                    None => TableReference::bare(dataset),
                };
                Ok(Self { table, view })
            }
            _ => Err(Error::invalid(format!(
                "{reference} names no view: write \"dataset#view\", in double quotes"
            ))),
        }
    }

    /// Where its dataset is.
    pub(crate) async fn place(&self, roots: &Roots) -> Result<(Place, Dataset)> {
        roots.find(self.table.schema(), self.table.table()).await
    }
}

impl<'a> Tables<'a> {
    pub(crate) fn new(roots: &'a Roots) -> Self {
        Self {
            roots,
            snapshots: HashMap::new(),
            providers: HashMap::new(),
            datasets: HashSet::new(),
            read: Vec::new(),
        }
    }

    /// Looks up a table that is named; `hidden`: whether it shows its hidden columns.
    pub(crate) async fn add(&mut self, reference: &TableReference, hidden: bool) -> Result<()> {
        if !self.providers.contains_key(reference) {
            let (provider, is_dataset) = self.find(reference, hidden).await?;
            if is_dataset {
                self.datasets.insert(reference.clone());
            }
            self.providers.insert(reference.clone(), provider);
        }
        Ok(())
    }

    /// The table of that name, if it was looked up.
    pub(crate) fn provider(&self, reference: &TableReference) -> Option<&Arc<dyn TableProvider>> {
        self.providers.get(reference)
    }

    /// The dataset that a statement changes, in the version that the statement sees: the newest.
    pub(crate) async fn target(&mut self, reference: &TableReference) -> Result<Target> {
        let name = TableName::parse(reference.table())?;
        if name.version.is_some() || name.part.is_some() {
            return Err(Error::invalid(format!(
                "{reference}: only the newest version of a dataset can be changed; name {:?}",
                name.dataset
            )));
        }
        let (place, dataset) = self.roots.find(reference.schema(), &name.dataset).await?;
        let snapshot = self.newest(&place, &dataset).await?;
        let view = self.roots.view(&place);
        if view.is_some_and(|view| !view.is_whole()) {
            return Err(Error::invalid(format!(
                "{reference} is a view: name the dataset that is to be changed"
            )));
        }
        let is_pinned = view.is_some();
        Ok(Target { dataset, snapshot, is_pinned })
    }

    /// The versions of the dataset at `place` whose rows the statement reads.
    pub(crate) fn versions_read(&self, place: &Place) -> Vec<Snapshot> {
        let of = self.read.iter().filter(|(read, _)| read == place);
        of.map(|(_, snapshot)| snapshot.clone()).collect()
    }

    async fn find(
        &mut self,
        reference: &TableReference,
        hidden: bool,
    ) -> Result<(Arc<dyn TableProvider>, bool)> {
        if let Some(catalog) = reference.catalog().filter(|catalog| *catalog != CATALOG) {
            let reason = format!("no catalog {catalog:?}; the only one is {CATALOG:?}");
            return Err(Error::new(ErrorKind::NotFound, reason));
        }
        if reference.schema() == Some(INFORMATION_SCHEMA) {
            return Ok((self.information(reference.table()).await?, false));
        }
        let name = TableName::parse(reference.table())?;
        let (place, dataset) = self.roots.find(reference.schema(), &name.dataset).await?;
        let snapshot = self.pin(&place, &dataset, name.version.as_ref()).await?;
        match &name.part {
            None => {
                let chosen = self.roots.view(&place).filter(|_| name.version.is_none());
                if let Some(view) = chosen.filter(|view| !view.is_whole()) {
                    let (view, shown) = (view.clone(), place.name.clone());
                    self.read.push((place, snapshot));
                    return Ok((Arc::new(ViewTable::new(view, shown, hidden)), true));
                }
                let shown = format!("{}@{}", place.name, snapshot.version());
                self.read.push((place, snapshot.clone()));
                Ok((Arc::new(DatasetTable::new(snapshot, shown, hidden)), true))
            }
            Some(Part::Metadata(table)) => {
                let batch = metadata::table(table, &dataset, &snapshot).await?;
                let table =
                    MemTable::try_new(batch.schema(), vec![vec![batch]]).map_err(of_engine)?;
                Ok((Arc::new(table), false))
            }
            Some(Part::View(name, version)) => {
                if !snapshot.root().views.contains_key(name) {
                    return Err(no_view(&snapshot, &place, name));
                }
                let mut view = dataset.view_of(&snapshot, name).await?;
                if let Some(version) = version {
                    let other = self.pin(&place, &dataset, Some(version)).await?;
                    view =
                        view.at(&other).await.map_err(|e| not_there(e, &place, name, version))?;
                }
                let shown = format!("{}#{name}@{}", place.name, view.version());
                self.read.push((place, view.snapshot().clone()));
                Ok((Arc::new(ViewTable::new(view, shown, hidden)), true))
            }
        }
    }

    /// The version that the statement sees.
    async fn pin(
        &mut self,
        place: &Place,
        dataset: &Dataset,
        version: Option<&WhichVersion>,
    ) -> Result<Snapshot> {
        let number = match version {
            None | Some(WhichVersion::Newest) => return self.newest(place, dataset).await,
            Some(WhichVersion::Number(number)) => *number,
            Some(WhichVersion::Tag(tag)) => {
                tagged(&self.newest(place, dataset).await?, place, tag)?
            }
            Some(at @ WhichVersion::At(_)) => return self.of_time(place, dataset, at).await,
        };
        let key = (place.clone(), WhichVersion::Number(number));
        if let Some(known) = self.snapshots.get(&key) {
            return Ok(known.clone());
        }
        let snapshot = match dataset.version(number).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let near = nearest_version(dataset, number).await;
                return Err(no_version(error, place, near));
            }
            found => found?,
        };
        self.snapshots.insert(key, snapshot.clone());
        Ok(snapshot)
    }

    /// The newest version of a time, but none that was committed since the statement began.
    async fn of_time(
        &mut self,
        place: &Place,
        dataset: &Dataset,
        at: &WhichVersion,
    ) -> Result<Snapshot> {
        let key = (place.clone(), at.clone());
        if let Some(known) = self.snapshots.get(&key) {
            return Ok(known.clone());
        }
        let newest = self.newest(place, dataset).await?;
        let found = dataset.which(at).await?;
        let is_later = self.roots.view(place).is_none() && found.version() > newest.version();
        let snapshot = if is_later { newest } else { found };
        self.snapshots.insert(key, snapshot.clone());
        Ok(snapshot)
    }

    async fn newest(&mut self, place: &Place, dataset: &Dataset) -> Result<Snapshot> {
        let key = (place.clone(), WhichVersion::Newest);
        if let Some(known) = self.snapshots.get(&key) {
            return Ok(known.clone());
        }
        let snapshot = match self.roots.view(place) {
            Some(view) => view.snapshot().clone(),
            None => dataset.latest().await?,
        };
        self.snapshots.insert(key, snapshot.clone());
        Ok(snapshot)
    }

    /// A table of `information_schema`, over all datasets of all roots.
    async fn information(&self, table: &str) -> Result<Arc<dyn TableProvider>> {
        let catalog = Arc::new(MemoryCatalogProvider::new());
        for root in self.roots.iter() {
            let schema = Arc::new(MemorySchemaProvider::new());
            for entry in root.catalog.list().await? {
                // One that cannot be read is said so when it is asked for.
                if entry.info.is_err() {
                    continue;
                }
                let (_, dataset) = match self.roots.find(Some(&root.name), &entry.name).await {
                    Ok(found) => found,
                    // A link that leads out of the roots is followed to no dataset.
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                };
                let provider =
                    DatasetTable::new(dataset.latest().await?, entry.name.clone(), false);
                schema.register_table(entry.name, Arc::new(provider)).map_err(of_engine)?;
            }
            catalog.register_schema(&root.name, schema).map_err(of_engine)?;
        }
        let list = Arc::new(MemoryCatalogProviderList::new());
        list.register_catalog(CATALOG.to_owned(), catalog);
        let information = InformationSchemaProvider::new(list);
        information.table(table).await.map_err(of_engine)?.ok_or_else(|| {
            let names = information.table_names();
            let mean = did_you_mean(table, names.iter().map(String::as_str));
            Error::new(ErrorKind::NotFound, format!("no table information_schema.{table}{mean}"))
        })
    }
}

/// Of the versions that are there the nearest; the newer one if two are as near.
async fn nearest_version(dataset: &Dataset, asked: Version) -> Option<Version> {
    let known = dataset.versions().await.ok()?.into_iter().map(|info| info.version);
    known.min_by_key(|version| (version.0.abs_diff(asked.0), u64::MAX - version.0))
}

fn no_version(error: tenrow::Error, place: &Place, near: Option<Version>) -> Error {
    let name = &place.name;
    let mean = near.map(|near| format!("; did you mean \"{name}@{near}\"?")).unwrap_or_default();
    Error::new(error.kind(), format!("{}{mean}", error.chain()))
}

fn tagged(newest: &Snapshot, place: &Place, tag: &str) -> Result<Version> {
    let tags = &newest.root().tags;
    tags.get(tag).copied().ok_or_else(|| {
        let mean = did_you_mean(tag, tags.keys().map(String::as_str));
        let known = match tags.is_empty() {
            true => "it has none".to_owned(),
            false => format!("there are {}", tags.keys().cloned().collect::<Vec<_>>().join(", ")),
        };
        let name = &place.name;
        Error::new(
            ErrorKind::NotFound,
            format!("no tag {tag:?} of dataset {name:?}; {known}{mean}"),
        )
    })
}

/// How to read those rows of a view that are there.
fn not_there(error: tenrow::Error, place: &Place, view: &str, version: &WhichVersion) -> Error {
    let name = &place.name;
    let advice = match error.kind() {
        ErrorKind::NotFound => format!(
            "; those that are: SELECT * FROM \"{name}@{version}\" WHERE _row_id IN (SELECT _row_id FROM \"{name}#{view}\")"
        ),
        _ => String::new(),
    };
    Error::new(error.kind(), format!("{}{advice}", error.chain()))
}

fn no_view(snapshot: &Snapshot, place: &Place, view: &str) -> Error {
    let views = &snapshot.root().views;
    let mean = did_you_mean(view, views.keys().map(String::as_str));
    let name = &place.name;
    Error::new(ErrorKind::NotFound, format!("no view {view:?} of dataset {name:?}{mean}"))
}

impl KnownTables for Tables<'_> {
    fn columns(&self, table: &TableReference) -> Option<Vec<String>> {
        if !self.datasets.contains(table) {
            return None;
        }
        let schema = self.provider(table)?.schema();
        let names = schema.fields().iter().map(|field| field.name().clone());
        Some(names.filter(|name| !HIDDEN_COLUMNS.contains(&name.as_str())).collect())
    }
}
