//! The notes in a dataset that say who refers to its files: while one is there, its version stays.

use bytes::Bytes;
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};

use crate::commit;
use crate::dataset::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::format::Version;
use crate::format::layout::ObjectKind;
use crate::format::manifest::OriginRef;
use crate::snapshot::Snapshot;
use crate::storage::Storage;

/// The most bytes of one such note.
const MAX_NOTE_BYTES: u64 = 64 << 10;

/// Another dataset that refers to files of this one.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let folder = tempfile::tempdir().expect("a folder");
/// # let place = |name: &str| folder.path().join(name).display().to_string();
/// # let dataset = Dataset::create(&place("digits"), Schema::new([Attribute::parse("label:i64")?])?).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64])).await?;
/// # let snapshot = writer.commit().await?;
/// dataset.clone_to(&place("more"), snapshot.version()).await?;
/// let clones = dataset.clones().await?;
/// assert_eq!((clones.len(), clones[0].version), (1, snapshot.version()));
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloneInfo {
    /// The name of the note; mostly also that by which the other dataset knows this one.
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
    /// The datasets that refer to files of this one.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if a note cannot be read: then nothing may be expired.
    pub async fn clones(&self) -> Result<Vec<CloneInfo>> {
        let kind = ObjectKind::CloneNote;
        let notes: Vec<_> = self.storage().list(kind.folder()).try_collect().await?;
        let mut clones = Vec::with_capacity(notes.len());
        for note in notes {
            let Some(name) = kind.stem_in(&note.path) else { continue };
            clones.extend(self.note(name).await?);
        }
        clones.sort_by(|a, b| (a.version, &a.location).cmp(&(b.version, &b.location)));
        Ok(clones)
    }

    /// The note of that name; `None` if there is none, or none any more.
    pub(crate) async fn note(&self, name: &str) -> Result<Option<CloneInfo>> {
        let path = ObjectKind::CloneNote.path(name);
        let bytes = match self.storage().read(&path, MAX_NOTE_BYTES).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let found: CloneNote = serde_json::from_slice(&bytes)
            .map_err(|e| Error::corrupt(self.storage().shown(&path), e))?;
        let (location, version) = (found.location, Version(found.version));
        Ok(Some(CloneInfo { name: name.to_owned(), location, version }))
    }

    /// Notes that the dataset at `location` refers to `version`, and makes sure that it is still there; gives the
    /// newest version, by which it is.
    ///
    /// `other` is the note of the dataset through which the version came, if it came through one: while that is there,
    /// the version stays, even if it has expired.
    pub(crate) async fn register(
        &self,
        name: &str,
        location: &str,
        version: Version,
        other: Option<&str>,
    ) -> Result<Snapshot> {
        // Where it would be refused anyway, nothing is written.
        self.check_stays(version, other).await?;
        commit::read_version(self.storage(), version, None).await?;
        let note = CloneNote { location: location.to_owned(), version: version.0 };
        let bytes = serde_json::to_vec(&note).map_err(|e| Error::corrupt("a note", e))?;
        self.storage().put_unique(&ObjectKind::CloneNote.path(name), Bytes::from(bytes)).await?;
        // What removes versions says first that they have expired, and looks for notes then: either it finds this one,
        // or it is found here.
        let checked = self.check_stays(version, other).await;
        if checked.is_err() {
            self.remove_note(name).await?;
        }
        checked
    }

    /// Makes sure that a version has not expired, or that the note `other` keeps it.
    async fn check_stays(&self, version: Version, other: Option<&str>) -> Result<Snapshot> {
        let latest = commit::read_newest(self.storage(), None).await?;
        let expired = commit::check_not_expired(&latest, version);
        if let (Err(_), Some(other)) = (&expired, other)
            && self.note(other).await?.is_some_and(|note| note.version == version)
        {
            return Ok(latest);
        }
        expired.map(|()| latest)
    }

    pub(crate) async fn remove_note(&self, name: &str) -> Result<()> {
        match self.storage().delete(&ObjectKind::CloneNote.path(name)).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Forgets the clone at `location`, which is gone or refers to this dataset no more, so that versions that only it
    /// kept can go; gives its notes.
    ///
    /// Not beside a merge or a clone that is being made there: until that is committed, nothing tells of it but its note.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), with the clones that there are;
    /// [`InvalidInput`](ErrorKind::InvalidInput) if there still is a dataset at the location that refers to this one.
    pub async fn forget_clone(&self, location: &str) -> Result<Vec<CloneInfo>> {
        let wanted = self.storage().open_other(location)?;
        let (mut notes, mut others) = (Vec::new(), Vec::new());
        for note in self.clones().await? {
            match self.storage().open_origin(&note.location) {
                Ok(place) if place.is_same_place(&wanted) => notes.push(note),
                Ok(place) => others.push(place.to_string()),
                // It may want credentials that are not here, and is another one.
                Err(_) => others.push(note.location),
            }
        }
        if notes.is_empty() {
            others.sort();
            others.dedup();
            let what = format!("{wanted} is no clone of {}", self.storage());
            return Err(Error::unknown(what, others.iter().map(String::as_str)));
        }
        match Dataset::at(wanted).latest().await {
            // Whatever any of its versions needs, the newest one names as an origin.
            Ok(found) => {
                let all = notes.len();
                notes.retain(|note| !self.is_needed(&found, note));
                if notes.is_empty() && all > 0 {
                    return Err(Error::invalid(format!(
                        "{} still refers to {}: remove it first",
                        found.storage(),
                        self.storage()
                    )));
                }
            }
            Err(error) if error.kind() == ErrorKind::NotADataset => {}
            Err(error) => return Err(error),
        }
        for note in &notes {
            self.remove_note(&note.name).await?;
        }
        Ok(notes)
    }

    /// Whether `clone` names, by its origins, what `note` keeps.
    fn is_needed(&self, clone: &Snapshot, note: &CloneInfo) -> bool {
        clone.root().origins.iter().any(|(name, origin)| {
            let is_here = || {
                let place = clone.storage().origin(name);
                place.is_some_and(|place| place.is_same_place(self.storage()))
            };
            note_of(name, origin) == note.name || (origin.version == note.version && is_here())
        })
    }
}

/// The name of the note that keeps what `origin`, which a root calls `name`, stands for.
pub(crate) fn note_of<'a>(name: &'a str, origin: &'a OriginRef) -> &'a str {
    origin.note.as_deref().unwrap_or(name)
}

/// The dataset that an origin is.
pub(crate) fn dataset_of(storage: &Storage, name: &str, origin: &OriginRef) -> Result<Dataset> {
    match storage.origin(name) {
        Some(opened) => Ok(Dataset::at(opened.clone())),
        None => Ok(Dataset::at(storage.open_origin(&origin.location)?)),
    }
}
