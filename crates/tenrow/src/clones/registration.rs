//! What a dataset does before it names files of others: each of these is told, however it came to know of them.

use std::collections::BTreeMap;

use crate::clones::NeededOrigins;
use crate::clones::location::location_for;
use crate::clones::notes::{dataset_of, note_of};
use crate::dataset::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::format::Version;
use crate::format::limits;
use crate::format::manifest::OriginRef;
use crate::snapshot::Snapshot;

/// References that are registered where they lead to, and are in no root yet.
///
/// ```text
/// d is made from b, which refers to a:   d ─► b ─► a
///                                        └─────────►      so d has a note in b and one in a
/// ```
#[derive(Debug)]
pub(crate) struct Registration {
    /// The name of the dataset itself, beside those that it refers to.
    pub(crate) name: String,
    /// What the root is to name.
    pub(crate) origins: BTreeMap<String, OriginRef>,
    /// Of these the ones that the dataset named before: a root may only name them while that before does.
    pub(crate) known: Vec<String>,
    /// Origins of the version that are the dataset itself: what leads there is its own again.
    pub(crate) own: Vec<String>,
    /// Notes that were made: where, and how they are called.
    notes: Vec<(Dataset, String)>,
    /// Notes in the dataset itself, which keep what is to be its own until the version is there that names it.
    passing: Vec<(Dataset, String)>,
}

impl Registration {
    /// Registers `own`, which is to refer to `version` of `origin`, with it and with all that it refers to.
    ///
    /// `known` are the origins that `own` names already.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if a version that is referred to has expired; those of a store that cannot be
    /// written to: nobody can promise then that the files stay.
    pub(crate) async fn make(
        own: &Dataset,
        origin: &Dataset,
        version: &Snapshot,
        known: &BTreeMap<String, OriginRef>,
    ) -> Result<Self> {
        let name = own.committer().ids.next();
        let mut made = Self {
            name,
            origins: BTreeMap::new(),
            known: Vec::new(),
            own: Vec::new(),
            notes: Vec::new(),
            passing: Vec::new(),
        };
        match made.fill(own, origin, version, known).await {
            Ok(()) => Ok(made),
            Err(error) => {
                made.withdraw().await;
                Err(error)
            }
        }
    }

    async fn fill(
        &mut self,
        own: &Dataset,
        origin: &Dataset,
        version: &Snapshot,
        known: &BTreeMap<String, OriginRef>,
    ) -> Result<()> {
        let named = version.version();
        if let Some((name, found)) = self.known_as(own, origin, named, known).await? {
            self.name.clone_from(&name);
            self.add_known(name, found);
        } else {
            let name = self.name.clone();
            let origin_ref = OriginRef {
                location: location_for(origin.storage(), own.storage())?,
                version: named,
                note: None,
            };
            self.register(own, origin, &name, &origin_ref, None).await.map_err(|error| {
                if !matches!(error.kind(), ErrorKind::Io | ErrorKind::Denied | ErrorKind::Unsupported)
                {
                    return error;
                }
                let what = format!(
                    "{} cannot be told that {} refers to its files, so it would not keep them: copy it instead (--copy)",
                    origin.storage(),
                    own.storage()
                );
                Error::new(error.kind(), what).with_source(error)
            })?;
            self.origins.insert(name, origin_ref);
        }
        // Read after the version was registered: it stays, and what it needs is registered while the newest names it.
        let newest = origin.latest().await?;
        for (name, theirs) in &version.root().origins {
            if !newest.root().origins.contains_key(name) {
                continue;
            }
            let further = dataset_of(version.storage(), name, theirs)?;
            if further.storage().is_same_place(own.storage()) {
                self.keep_own(own, name, theirs).await?;
                continue;
            }
            if let Some(ours) = known.get(name)
                && is_registered(own, &further, name, ours).await?
            {
                self.add_known(name.clone(), ours.clone());
                continue;
            }
            let origin_ref = OriginRef {
                location: location_for(further.storage(), own.storage())?,
                version: theirs.version,
                note: Some(own.committer().ids.next()),
            };
            let note = note_of(name, &origin_ref);
            let through = Some(note_of(name, theirs));
            let registered = self.register(own, &further, note, &origin_ref, through).await;
            if registered.is_err() && !NeededOrigins::of(version).await?.contains(name) {
                // One in the middle of a chain may be gone.
                continue;
            }
            registered.map_err(|error| {
                let what = format!(
                    "version {named} of {} refers to files of {}, which cannot be told that {} does too: copy it instead of cloning or merging it",
                    origin.storage(),
                    further.storage(),
                    own.storage()
                );
                Error::new(error.kind(), what).with_source(error)
            })?;
            self.origins.insert(name.clone(), origin_ref);
        }
        self.check_count(own, known)
    }

    /// Keeps a version of `own`, which names what is merged back into it.
    async fn keep_own(&mut self, own: &Dataset, name: &str, theirs: &OriginRef) -> Result<()> {
        let note = own.committer().ids.next();
        let location = location_for(own.storage(), own.storage())?;
        own.register(&note, &location, theirs.version, Some(note_of(name, theirs))).await?;
        self.passing.push((own.clone(), note));
        self.own.push(name.to_owned());
        Ok(())
    }

    async fn register(
        &mut self,
        own: &Dataset,
        at: &Dataset,
        note: &str,
        origin: &OriginRef,
        through: Option<&str>,
    ) -> Result<()> {
        let location = location_for(own.storage(), at.storage())?;
        at.register(note, &location, origin.version, through).await?;
        self.notes.push((at.clone(), note.to_owned()));
        Ok(())
    }

    /// The name by which `own` refers to that version already.
    async fn known_as(
        &self,
        own: &Dataset,
        origin: &Dataset,
        version: Version,
        known: &BTreeMap<String, OriginRef>,
    ) -> Result<Option<(String, OriginRef)>> {
        for (name, found) in known.iter().filter(|(_, found)| found.version == version) {
            let there = Dataset::at(own.storage().open_origin(&found.location)?);
            if there.storage().is_same_place(origin.storage())
                && is_registered(own, origin, name, found).await?
            {
                return Ok(Some((name.clone(), found.clone())));
            }
        }
        Ok(None)
    }

    fn add_known(&mut self, name: String, origin: OriginRef) {
        self.known.push(name.clone());
        self.origins.insert(name, origin);
    }

    fn check_count(&self, own: &Dataset, known: &BTreeMap<String, OriginRef>) -> Result<()> {
        let new = self.origins.keys().filter(|name| !known.contains_key(*name)).count();
        let count = (known.len() + new) as u64;
        if count <= limits::MAX_ORIGINS {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "{} would refer to {count} versions of other datasets, and {} is the most: compact it and expire the versions before",
                own.storage(),
                limits::MAX_ORIGINS
            ),
        ))
    }

    /// Takes all notes back: nothing refers to what they keep.
    pub(crate) async fn withdraw(self) {
        take_back(self.notes).await;
        take_back(self.passing).await;
    }

    /// Takes back what was only needed until the commit.
    pub(crate) async fn committed(self) {
        take_back(self.passing).await;
    }

    /// Takes the notes back after a commit that failed, unless it may be there all the same.
    pub(crate) async fn withdraw_after(self, error: &Error) {
        if error.kind() != ErrorKind::InDoubt {
            self.withdraw().await;
        }
    }
}

/// A note that stays is harmless, and goes as clones are forgotten.
async fn take_back(notes: Vec<(Dataset, String)>) {
    for (dataset, note) in notes {
        if let Err(error) = dataset.remove_note(&note).await {
            tracing::debug!(%error, dataset = %dataset.storage(), note, "a note stays behind");
        }
    }
}

/// Whether the note of an origin that `own` names is there, and is its own: datasets of older programs have the notes of
/// those that they were cloned from.
pub(crate) async fn is_registered(
    own: &Dataset,
    at: &Dataset,
    name: &str,
    origin: &OriginRef,
) -> Result<bool> {
    let Some(note) = at.note(note_of(name, origin)).await? else { return Ok(false) };
    let place = at.storage().open_origin(&note.location)?;
    Ok(note.version == origin.version && place.is_same_place(own.storage()))
}
