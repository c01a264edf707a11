//! The folders whose datasets a session sees: each is a schema, and nothing outside of them is reached.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use datafusion::common::TableReference;
use tenrow::storage::{RemoteLocation, Storage};
use tenrow::{Catalog, Dataset, Error, ErrorKind, Result, View};

use super::name::TableName;
use crate::rewrite::check_no_secrets;

/// One folder of datasets, by the name of its schema.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    pub(crate) name: String,
    pub(crate) catalog: Catalog,
    /// The folder, if it is local: absolute.
    folder: Option<PathBuf>,
    /// The location, if it is remote.
    remote: Option<RemoteLocation>,
}

impl Root {
    pub(crate) fn new(name: Option<String>, storage: Storage) -> Result<Self> {
        let folder = storage.folder().map(Path::to_path_buf);
        let remote = storage.remote_location().cloned();
        let last = match &remote {
            Some(remote) => Some(remote.last_part()),
            None => folder.as_deref().and_then(Path::file_name).and_then(|name| name.to_str()),
        };
        let last = last.filter(|name| !name.is_empty());
        let name = name.or_else(|| last.map(str::to_owned)).unwrap_or_else(|| "root".to_owned());
        if name.is_empty() || name == INFORMATION_SCHEMA {
            return Err(Error::invalid(format!(
                "root {name:?}: the name is taken; give another, as in `name=location`"
            )));
        }
        Ok(Self { name, catalog: Catalog::at(storage), folder, remote })
    }

    /// The name below this root of what is at `location`, if that is below.
    fn name_at(&self, location: &str) -> Option<String> {
        let below = location.strip_prefix(&self.remote.as_ref()?.to_string())?;
        let name = below.strip_prefix('/')?.trim_end_matches('/');
        (!name.is_empty()).then(|| name.to_owned())
    }

    /// The name below this root of what `path` leads to, if it leads below.
    fn name_of(&self, path: &Path) -> Option<String> {
        let below = plain(path)?.strip_prefix(self.folder.as_deref()?).ok()?.to_path_buf();
        Some(below.to_str().filter(|name| !name.is_empty())?.to_owned())
    }
}

/// The schema that describes the others.
pub(crate) const INFORMATION_SCHEMA: &str = "information_schema";

/// A dataset in its root.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// Which root; beyond them are the views that have names of their own.
    pub(crate) root: usize,
    /// Its name there.
    pub(crate) name: String,
}

/// All roots of a session. The first is the default.
#[derive(Debug)]
pub(crate) struct Roots {
    roots: Vec<Root>,
    /// Rows of versions by names of their own.
    views: Vec<(String, View)>,
    /// Datasets that were met: what they have read of manifests is kept.
    known: Mutex<HashMap<Place, Dataset>>,
}

impl Roots {
    pub(crate) fn new(roots: Vec<Root>, views: &[(String, View)]) -> Result<Self> {
        for (index, root) in roots.iter().enumerate() {
            if roots[..index].iter().any(|other| other.name == root.name) {
                return Err(Error::invalid(format!(
                    "two roots are called {:?}: give one another name, as in `name=location`",
                    root.name
                )));
            }
        }
        for (index, (name, _)) in views.iter().enumerate() {
            if views[..index].iter().any(|(other, _)| other == name) {
                return Err(Error::invalid(format!("two views are called {name:?}")));
            }
        }
        Ok(Self { roots, views: views.to_vec(), known: Mutex::default() })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Root> {
        self.roots.iter()
    }

    /// The name of the default schema.
    pub(crate) fn default_name(&self) -> &str {
        self.roots.first().map_or("root", |root| root.name.as_str())
    }

    /// The rows that a place is about, if it is about those of one version alone.
    pub(crate) fn view(&self, place: &Place) -> Option<&View> {
        let index = place.root.checked_sub(self.roots.len())?;
        self.views.get(index).map(|(_, view)| view)
    }

    /// The dataset called `name` in the root called `schema`, or, if that is `None`, that of the view of this name,
    /// or in the first root that has it: by its name, or by a path that leads there.
    pub(crate) async fn find(&self, schema: Option<&str>, name: &str) -> Result<(Place, Dataset)> {
        let named = self.views.iter().position(|(known, _)| schema.is_none() && known == name);
        if let Some(index) = named {
            let place = Place { root: self.roots.len() + index, name: name.to_owned() };
            return Ok((place, Dataset::at(self.views[index].1.snapshot().storage().clone())));
        }
        check_no_secrets(name)?;
        let candidates = match schema {
            Some(schema) => vec![Place { root: self.root_called(schema)?, name: name.to_owned() }],
            None => self.candidates(name),
        };
        for place in candidates {
            match self.open(&place).await {
                Ok(dataset) => return Ok((place, dataset)),
                Err(error) if error.kind() == ErrorKind::NotADataset => {}
                // What is no name is no dataset either, and is said better below.
                Err(error) if error.kind() == ErrorKind::InvalidInput => {}
                Err(error) => return Err(error),
            }
        }
        Err(self.not_found(schema, name).await)
    }

    /// Where a dataset of that name is, or may be created: in the root that is named, else in the first.
    pub(crate) async fn place_of_new(&self, reference: &TableReference) -> Result<Dataset> {
        let name = TableName::parse(reference.table())?;
        if name.version.is_some() || name.part.is_some() {
            return Err(Error::invalid(format!(
                "{reference}: the name of a dataset holds no `@`, `$` and `#`"
            )));
        }
        let place = match reference.schema() {
            Some(schema) => Place { root: self.root_called(schema)?, name: name.dataset },
            None => self.candidates(&name.dataset).into_iter().next().ok_or_else(|| {
                Error::new(
                    ErrorKind::NotFound,
                    format!("{reference} lies outside of the roots, where nothing can be reached"),
                )
            })?,
        };
        let root = self.roots.get(place.root).ok_or_else(|| {
            Error::invalid(format!("{reference}: the session has no root to create it in"))
        })?;
        root.catalog.place_of(&place.name).await
    }

    /// The dataset at `place`, which was looked at.
    async fn open(&self, place: &Place) -> Result<Dataset> {
        if let Some(known) = self.known().get(place) {
            return Ok(known.clone());
        }
        let dataset = self.roots[place.root].catalog.dataset(&place.name).await?;
        if !self.is_inside(dataset.storage()) {
            let reason = format!("{} leads out of the roots", place.name);
            return Err(Error::new(ErrorKind::NotADataset, reason));
        }
        self.known().insert(place.clone(), dataset.clone());
        Ok(dataset)
    }

    /// Whether a folder is below a root even where names on the way are links.
    fn is_inside(&self, storage: &Storage) -> bool {
        let Some(folder) = storage.folder() else { return true };
        let Ok(real) = folder.canonicalize() else { return false };
        let mut roots = self.roots.iter().filter_map(|root| root.folder.as_ref());
        roots.any(|root| root.canonicalize().is_ok_and(|root| real.starts_with(root)))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<Place, Dataset>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn root_called(&self, schema: &str) -> Result<usize> {
        self.roots.iter().position(|root| root.name == schema).ok_or_else(|| {
            let names = self.roots.iter().map(|root| root.name.as_str());
            let mean = did_you_mean(schema, names.clone());
            let names = names.collect::<Vec<_>>().join(", ");
            Error::new(ErrorKind::NotFound, format!("no root {schema:?}; there are {names}{mean}"))
        })
    }

    /// Where `name` may be: in a root by its name, else where a path leads.
    fn candidates(&self, name: &str) -> Vec<Place> {
        let place = |(root, name): (usize, String)| Place { root, name };
        if name.contains("://") && !name.starts_with("file://") {
            let below = |(index, root): (usize, &Root)| Some((index, root.name_at(name)?));
            return self.roots.iter().enumerate().filter_map(below).map(place).collect();
        }
        let path = Path::new(name.strip_prefix("file://").unwrap_or(name));
        if path.is_absolute() {
            let below = |(index, root): (usize, &Root)| Some((index, root.name_of(path)?));
            return self.roots.iter().enumerate().filter_map(below).map(place).collect();
        }
        let relative = path.strip_prefix(".").unwrap_or(path);
        let text = relative.to_str().unwrap_or(name).trim_end_matches('/');
        if self.roots.is_empty() {
            return Vec::new();
        }
        let mut found = vec![Place { root: 0, name: text.to_owned() }];
        if let Some((root, rest)) = text.split_once('/') {
            // A path may begin with the name of its root, or with the folder that the program runs in.
            found.extend((1..self.roots.len()).map(|root| Place { root, name: text.to_owned() }));
            let named = self.roots.iter().position(|other| other.name == root);
            found.extend(named.map(|root| Place { root, name: rest.to_owned() }));
            let here = std::env::current_dir().map(|here| here.join(relative)).ok();
            let below =
                |(index, root): (usize, &Root)| Some((index, root.name_of(here.as_ref()?)?));
            found.extend(self.roots.iter().enumerate().filter_map(below).map(place));
        }
        found
    }

    async fn not_found(&self, schema: Option<&str>, name: &str) -> Error {
        if self.roots.is_empty() {
            let names = self.views.iter().map(|(name, _)| name.as_str());
            let mean = did_you_mean(name, names);
            let reason = format!("no dataset {name:?}: the session has no roots{mean}");
            return Error::new(ErrorKind::NotFound, reason);
        }
        let mut known = Vec::new();
        for root in &self.roots {
            if schema.is_none_or(|schema| schema == root.name)
                && let Ok(entries) = root.catalog.list().await
            {
                known.extend(entries.into_iter().map(|entry| entry.name));
            }
        }
        let searched = match schema {
            Some(schema) => format!("root {schema}"),
            None => {
                let names: Vec<_> = self.roots.iter().map(|root| root.name.as_str()).collect();
                format!("roots {}", names.join(", "))
            }
        };
        let mean = did_you_mean(name, known.iter().map(String::as_str));
        Error::new(
            ErrorKind::NotFound,
            format!(
                "no dataset {name:?} in {searched}{mean}; nothing outside of the roots can be reached, and --root adds one"
            ),
        )
    }
}

/// The path without `.`, and none if it has `..`: what is above is nobody's business.
fn plain(path: &Path) -> Option<PathBuf> {
    let is_above = path.components().any(|part| part == Component::ParentDir);
    (!is_above).then(|| path.components().filter(|part| *part != Component::CurDir).collect())
}

/// `. Did you mean 'x'?`, if one of the names is near.
pub(crate) fn did_you_mean<'a>(asked: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let distance =
        |name: &str| datafusion::common::utils::datafusion_strsim::levenshtein(asked, name);
    let nearest = names.into_iter().map(|name| (distance(name), name)).min();
    match nearest.filter(|(distance, name)| *distance * 2 <= asked.len().max(name.len())) {
        Some((_, name)) => format!("; did you mean '{name}'?"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_parents_lead_nowhere() {
        assert_eq!(plain(Path::new("/a/../b")), None);
        assert_eq!(plain(Path::new("/a/./b")), Some("/a/b".into()));
    }

    #[test]
    fn only_near_names_are_suggested() {
        assert_eq!(did_you_mean("mnst", ["mnist", "cifar"]), "; did you mean 'mnist'?");
        assert_eq!(did_you_mean("x", ["mnist"]), "");
    }
}
