//! Datasets that refer to the files of others, and the record of it that keeps these files.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};

use crate::commit;
use crate::dataset::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{
    FEATURE_SINGLE_WRITER, LeafRef, OriginRef, Root, Version, in_origin,
};
use crate::snapshot::Snapshot;
use crate::storage::Storage;

/// Where a dataset notes who refers to its files.
const CLONES_FOLDER: &str = "_tenrow/clones";
/// The most bytes of one such note.
const MAX_NOTE_BYTES: u64 = 64 << 10;
/// Another dataset that refers to files of this one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloneInfo {
    /// The name by which the other dataset knows this one.
    pub name: String,
    /// Where the other dataset is.
    pub location: String,
    /// The version that it refers to, and that is never expired.
    pub version: Version,
}

#[derive(Serialize, Deserialize)]
struct CloneNote {
    location: String,
    version: u64,
}

impl Dataset {
    /// A new dataset at `location` with the rows of `version`, whose files it refers to: nothing is copied.
    ///
    /// Its history begins with the number of that version. Both go their own way from there; the version is
    /// registered here, so that `expire` and `vacuum` leave it whole.
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if there is a dataset;
    /// [`NotFound`](ErrorKind::NotFound) if there is no such version.
    pub async fn clone_to(&self, location: &str, version: Version) -> Result<Dataset> {
        let snapshot = self.version(version).await?;
        let clone = Dataset::at(self.storage().open_other(location)?);
        clone.check_absent().await?;
        let origin = location_for(self.storage(), clone.storage())?;
        let target = location_for(clone.storage(), self.storage())?;
        let name = self.committer().ids.next();
        self.register_clone(&name, &target, version).await?;
        let mut root = clone.beginning(&snapshot, "clone");
        root.origins = origins_for(&snapshot, clone.storage())?;
        root.origins.insert(name.clone(), OriginRef { location: origin, version });
        root.leaves = snapshot.root().leaves.iter().map(|leaf| referring(leaf, &name)).collect();
        commit::check_store(clone.storage(), &root).await?;
        let (for_readers, _) = root.features();
        root.reader_features.extend(for_readers.iter().map(|&feature| feature.to_owned()));
        root.writer_features.extend(for_readers.iter().map(|&feature| feature.to_owned()));
        match commit::create(clone.storage(), &root).await {
            Ok(_) => Ok(clone),
            Err(error) => {
                // After any other failure the clone may be there all the same, and needs the note.
                if error.kind() == ErrorKind::AlreadyExists {
                    self.storage().delete(&note_path(&name)).await?;
                }
                Err(error)
            }
        }
    }

    /// The datasets that refer to files of this one.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if a note cannot be read: then nothing may be expired.
    pub async fn clones(&self) -> Result<Vec<CloneInfo>> {
        let notes: Vec<_> = self.storage().list(CLONES_FOLDER).try_collect().await?;
        let mut clones = Vec::with_capacity(notes.len());
        for note in notes {
            let name = note.path.rsplit('/').next().unwrap_or_default();
            let Some(name) = name.strip_suffix(".json") else { continue };
            let bytes = self.storage().read(&note.path, MAX_NOTE_BYTES).await?;
            let found: CloneNote = serde_json::from_slice(&bytes)
                .map_err(|e| Error::corrupt(self.storage().shown(&note.path), e))?;
            clones.push(CloneInfo {
                name: name.to_owned(),
                location: found.location,
                version: Version(found.version),
            });
        }
        clones.sort_by(|a, b| (a.version, &a.location).cmp(&(b.version, &b.location)));
        Ok(clones)
    }

    /// Notes that the dataset at `location` refers to `version`, and makes sure that it is still there.
    pub(crate) async fn register_clone(
        &self,
        name: &str,
        location: &str,
        version: Version,
    ) -> Result<()> {
        let note = CloneNote { location: location.to_owned(), version: version.0 };
        let bytes = serde_json::to_vec(&note).map_err(|e| Error::corrupt("a note", e))?;
        self.storage().put_unique(&note_path(name), Bytes::from(bytes)).await?;
        // `expire` commits first, and looks for notes then: either it finds this one, or it is found here.
        let checked = match commit::read_newest(self.storage(), None).await {
            Ok(latest) => commit::check_not_expired(&latest, version),
            Err(error) => Err(error),
        };
        if checked.is_err() {
            self.storage().delete(&note_path(name)).await?;
        }
        checked
    }

    /// Forgets the clone at `location`, which is gone, so that its version can expire; gives its note.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), with the clones that there are;
    /// [`InvalidInput`](ErrorKind::InvalidInput) if there still is a dataset at the location that refers to this one.
    pub async fn forget_clone(&self, location: &str) -> Result<CloneInfo> {
        let wanted = self.storage().open_other(location)?;
        let mut known = Vec::new();
        let mut found = None;
        for clone in self.clones().await? {
            let place = self.storage().open_origin(&clone.location)?.to_string();
            if place == wanted.to_string() {
                found = Some(clone);
            } else {
                known.push(place);
            }
        }
        let Some(clone) = found else {
            let what = format!("{wanted} is no clone of {}", self.storage());
            return Err(Error::unknown(what, known.iter().map(String::as_str)));
        };
        match Dataset::at(wanted).latest().await {
            Ok(found) if found.root().origins.contains_key(&clone.name) => {
                return Err(Error::invalid(format!(
                    "{} still refers to {}: remove it first",
                    found.storage(),
                    self.storage()
                )));
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotADataset => {}
            Err(error) => return Err(error),
        }
        self.storage().delete(&note_path(&clone.name)).await?;
        Ok(clone)
    }

    pub(crate) async fn check_absent(&self) -> Result<()> {
        match self.latest().await {
            Err(error) if error.kind() == ErrorKind::NotADataset => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Err(commit::exists_already(self.storage())),
        }
    }

    /// The first root of a dataset that goes on from `snapshot`, still without leaves.
    ///
    /// It keeps the number, above which all sequences of files are to come.
    pub(crate) fn beginning(&self, snapshot: &Snapshot, operation: &str) -> Root {
        let committer = self.committer();
        let mut writer_features = snapshot.root().writer_features.clone();
        // That was said of another store.
        writer_features.remove(FEATURE_SINGLE_WRITER);
        Root {
            writer_features,
            parent: None,
            write_id: committer.ids.next(),
            created_ms: committer.clock.now_ms(),
            operation: operation.into(),
            leaves: Vec::new(),
            sequences: Default::default(),
            tags: Default::default(),
            expired_before: Version(1),
            views: Default::default(),
            ..snapshot.root().clone()
        }
    }
}

/// How the dataset at `other` names the place of `storage`: as its neighbour, so that both can be moved together,
/// else by the whole path.
pub(crate) fn location_for(storage: &Storage, other: &Storage) -> Result<String> {
    if let (Some(own), Some(other)) = (storage.remote_location(), other.remote_location()) {
        return Ok(match own.name_beside(other) {
            Some(name) => format!("../{name}"),
            None => own.to_string(),
        });
    }
    if let Some(own) = storage.remote_location() {
        return Ok(own.to_string());
    }
    let Some(folder) = storage.folder() else {
        return Err(Error::unsupported(format!(
            "{storage} has no location that another dataset could name"
        )));
    };
    let parent = other.folder().and_then(|other| other.parent());
    let neighbour = folder.file_name().filter(|_| parent.is_some() && folder.parent() == parent);
    Ok(match neighbour {
        Some(name) => format!("../{}", name.display()),
        None => folder.display().to_string(),
    })
}

/// The datasets that `snapshot` refers to, as the one at `other` names them.
pub(crate) fn origins_for(
    snapshot: &Snapshot,
    other: &Storage,
) -> Result<BTreeMap<String, OriginRef>> {
    let mut origins = snapshot.root().origins.clone();
    for (name, origin) in &mut origins {
        if let Some(storage) = snapshot.storage().origin(name) {
            origin.location = location_for(storage, other)?;
        }
    }
    Ok(origins)
}

fn note_path(name: &str) -> String {
    format!("{CLONES_FOLDER}/{name}.json")
}

fn referring(leaf: &LeafRef, origin: &str) -> LeafRef {
    LeafRef { path: in_origin(origin, &leaf.path), ..leaf.clone() }
}
