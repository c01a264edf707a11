//! Other datasets that some paths lead to: `@<source>/<path there>`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Storage;
use crate::error::{Error, Result};
use crate::format::manifest::{SourceRef, source_of};
use crate::ids::Ids;

impl Storage {
    /// The same objects, and those of `sources` under paths that begin with their names. Touches nothing.
    pub(crate) fn with_sources(&self, sources: &BTreeMap<String, SourceRef>) -> Result<Self> {
        let known = sources.iter().all(|(name, _)| self.sources.contains_key(name));
        if known && sources.len() == self.sources.len() {
            return Ok(self.clone());
        }
        let mut opened = BTreeMap::new();
        for (name, source) in sources {
            let storage = match self.sources.get(name) {
                Some(storage) => storage.clone(),
                None => self.open_source(&source.location)?.with_mmap(self.maps_files),
            };
            opened.insert(name.clone(), storage);
        }
        Ok(Self { sources: Arc::new(opened), ..self.clone() })
    }

    /// The other dataset called `name`.
    pub(crate) fn source(&self, name: &str) -> Option<&Storage> {
        self.sources.get(name)
    }

    /// Opens a location that is absolute, or relative to this storage: `../digits`.
    fn open_source(&self, location: &str) -> Result<Self> {
        match (location.strip_prefix("../"), &self.inner.folder) {
            (Some(sibling), Some(folder)) => {
                let parent = folder.parent().unwrap_or(folder);
                Ok(Self::local(parent.join(sibling), Ids::random()))
            }
            _ => Self::open(location),
        }
    }

    /// The storage that `path` leads to and the path there; `None` if that is this one.
    pub(super) fn source_for<'a>(&self, path: &'a str) -> Result<Option<(&Storage, &'a str)>> {
        let Some((name, rest)) = source_of(path) else { return Ok(None) };
        match self.sources.get(name) {
            Some(storage) => Ok(Some((storage, rest))),
            None => Err(Error::corrupt(
                format!("{self}: path {path:?}"),
                format!("its version names no source {name:?}"),
            )),
        }
    }
}
