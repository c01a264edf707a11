//! Other datasets that some paths lead to: `@<origin>/<path there>`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::path::Path as ObjectPath;

use super::{Place, RemoteLocation, Storage};
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{OriginRef, origin_of};
use crate::ids::Ids;

impl Storage {
    /// The same objects, and those of `origins` under paths that begin with their names. Touches nothing.
    pub(crate) fn with_origins(&self, origins: &BTreeMap<String, OriginRef>) -> Result<Self> {
        let known = origins.iter().all(|(name, _)| self.origins.contains_key(name));
        if known && origins.len() == self.origins.len() {
            return Ok(self.clone());
        }
        let mut opened = BTreeMap::new();
        for (name, origin) in origins {
            let storage = match self.origins.get(name) {
                Some(storage) => storage.clone(),
                None => self.open_origin(&origin.location)?.with_mmap(self.maps_files),
            };
            opened.insert(name.clone(), storage);
        }
        Ok(Self { origins: Arc::new(opened), ..self.clone() })
    }

    /// The other dataset that paths which begin with `@name/` lead to; `None` if the version has no such origin.
    pub fn origin(&self, name: &str) -> Option<&Storage> {
        self.origins.get(name)
    }

    /// What an error of an object means that a manifest names: if it is not there, that is damage, and no wrong question.
    pub(crate) fn missing(&self, path: &str) -> impl FnOnce(Error) -> Error {
        let origin = origin_of(path).and_then(|(name, _)| self.origin(name)).map(Self::to_string);
        move |error| match (error.kind(), origin) {
            (ErrorKind::NotFound, Some(origin)) => Error::corrupt(
                format!(
                    "files of {origin} are needed, of which this is a clone, or which was merged: put that back where it was"
                ),
                error,
            ),
            (ErrorKind::NotFound, None) => error.with_kind(ErrorKind::Corrupt),
            _ => error,
        }
    }

    /// Opens a location that a manifest or a note of this storage gives: absolute, or relative to it, as `../digits` is.
    /// Neighbours of a folder are those of the place that links lead to, or else those of the link.
    ///
    /// # Errors
    /// As [`Storage::open`].
    pub fn open_origin(&self, location: &str) -> Result<Self> {
        match (location.strip_prefix("../"), &self.inner.place) {
            (Some(sibling), Place::Folder(folder, _)) => {
                let beside = |folder: &Path| folder.parent().unwrap_or(folder).join(sibling);
                let (real, named) = (beside(&real_path(folder)), beside(folder));
                let place = if real.exists() || !named.exists() { real } else { named };
                Ok(Self { options: self.options.clone(), ..Self::local(place, Ids::random()) })
            }
            (Some(sibling), Place::Remote(place)) => {
                let wrong = |error| Error::corrupt(format!("{self}: origin {location:?}"), error);
                let sibling = ObjectPath::parse(sibling).map_err(wrong)?;
                let parts: Vec<_> = place.location.prefix.parts().collect();
                let above = parts.len().saturating_sub(1);
                let prefix = parts.into_iter().take(above).chain(sibling.parts()).collect();
                Ok(self.beside(RemoteLocation { prefix, ..place.location.clone() }))
            }
            _ => self.open_other(location),
        }
    }

    /// The folder, if the storage is local, without any link on the way to it.
    pub(crate) fn real_folder(&self) -> Option<PathBuf> {
        self.folder().map(real_path)
    }

    /// Whether both are known to be the same place.
    pub(crate) fn is_same_place(&self, other: &Self) -> bool {
        match (&self.inner.place, &other.inner.place) {
            (Place::Folder(own, _), Place::Folder(other, _)) => {
                own == other || real_path(own) == real_path(other)
            }
            (Place::Remote(own), Place::Remote(other)) => own.location == other.location,
            _ => Arc::ptr_eq(&self.inner, &other.inner),
        }
    }

    /// The storage that `path` leads to and the path there; `None` if that is this one.
    pub(super) fn origin_for<'a>(&self, path: &'a str) -> Result<Option<(&Storage, &'a str)>> {
        let Some((name, rest)) = origin_of(path) else { return Ok(None) };
        match self.origins.get(name) {
            Some(storage) => Ok(Some((storage, rest))),
            None => Err(Error::corrupt(
                format!("{self}: path {path:?}"),
                format!("its version names no origin {name:?}"),
            )),
        }
    }
}

/// The path without links, as far as it is there.
fn real_path(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => real_path(parent).join(name),
        _ => path.to_owned(),
    }
}
