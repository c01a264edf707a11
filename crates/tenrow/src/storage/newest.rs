//! Which versions there are, and the newest: asked for in one request, however many there are, where a store allows that.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io;
use std::path::Path as FilePath;

use futures::future;
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use object_store::ObjectStoreExt;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;

use super::{RemotePlace, Storage};
use crate::blocking;
use crate::error::{Error, ErrorKind, Result};
use crate::format::Version;
use crate::format::layout::{ObjectKind, latest_note_path, root_path, version_called};

/// A note has a number.
const MAX_NOTE_BYTES: u64 = 64;
/// Names that are asked for to find the newest: something else may lie there.
const PAGE_NAMES: usize = 4;
/// Numbers that are tried one by one to find versions beyond those that have ended.
const NEAR_NUMBERS: u64 = 64;
/// Beyond these, numbers twice as far each time, up to a billion.
const MAX_DISTANCE_LOG2: u32 = 30;
/// Numbers that are tried at once.
const MAX_SEARCHES: usize = 16;

impl Storage {
    /// The newest version; `None` if there is none.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io); those of a remote store that refuses.
    pub async fn newest(&self) -> Result<Option<Version>> {
        match self.remote_place() {
            Some(_) if !self.lists() => self.noted_newest().await,
            Some(RemotePlace { pages: Some(pages), .. }) => self.first_listed(pages.as_ref()).await,
            None if self.lists_in_order => {
                let versions = self.listed_versions();
                futures::pin_mut!(versions);
                versions.try_next().await
            }
            _ => Ok(self.versions_there().await?.into_iter().max()),
        }
    }

    /// All versions, the newest first.
    ///
    /// # Errors
    /// As [`newest`](Self::newest); [`Unsupported`](crate::ErrorKind::Unsupported) if the store cannot list.
    pub async fn list_versions(&self) -> Result<Vec<Version>> {
        let mut versions = self.versions_there().await?;
        versions.sort_unstable_by_key(|version| Reverse(*version));
        Ok(versions)
    }

    async fn versions_there(&self) -> Result<Vec<Version>> {
        let Some(folder) = self.folder() else {
            self.check_lists()?;
            return self.listed_versions().try_collect().await;
        };
        self.inner.counters.note(0);
        let folder = folder.join(ObjectKind::Root.folder());
        let listed = blocking::run(move || local_versions(&folder)).await;
        listed.map_err(|error| Error::io(format!("cannot list the versions of {self}"), error))
    }

    fn versions_folder(&self) -> Path {
        self.inner.prefix.parts().chain(Path::from(ObjectKind::Root.folder()).parts()).collect()
    }

    fn listed_versions(&self) -> impl Stream<Item = Result<Version>> + Send + '_ {
        self.inner.counters.note(0);
        let objects = self.inner.store.list(Some(&self.versions_folder()));
        objects.try_filter_map(|object| future::ok(version_of(&object.location))).map_err(
            move |error| self.refused(format!("cannot list the versions of {self}"), error),
        )
    }

    /// Names come in order, and the newest version has the first one.
    async fn first_listed(&self, pages: &dyn PaginatedListStore) -> Result<Option<Version>> {
        let prefix = format!("{}/", self.versions_folder());
        let mut page_token = None;
        loop {
            self.inner.counters.note(0);
            let options = PaginatedListOptions {
                max_keys: Some(PAGE_NAMES),
                page_token,
                ..PaginatedListOptions::default()
            };
            let page = pages.list_paginated(Some(&prefix), options).await.map_err(|error| {
                self.refused(format!("cannot list the versions of {self}"), error)
            })?;
            let objects = page.result.objects.iter();
            let first = objects.filter_map(|object| version_of(&object.location)).max();
            page_token = page.page_token;
            if first.is_some() || page_token.is_none() {
                return Ok(first);
            }
        }
    }

    /// The newest version of a store that cannot list: what the note says, and those after it.
    ///
    /// The note is advice, and may be old, missing or anything: versions follow each other without a gap, until they
    /// end. Whether the one that is noted is there shows when it is read; if not, it is [searched](Self::search_newest).
    /// The version that is noted as the newest, if one is.
    pub(crate) async fn noted(&self) -> Option<Version> {
        let note = self.read(&latest_note_path(), MAX_NOTE_BYTES).await.ok()?;
        number_of(&note).map(Version)
    }

    async fn noted_newest(&self) -> Result<Option<Version>> {
        let note = self.read(&latest_note_path(), MAX_NOTE_BYTES).await;
        let noted = note.as_ref().ok().and_then(|note| number_of(note));
        if let Some(noted) = noted {
            return Ok(Some(Version(self.climb(noted).await?)));
        }
        match (self.search_newest(Version(0)).await?, note) {
            (Some(found), _) => Ok(Some(found)),
            // A store that hides what is missing hides whether this is a dataset, too.
            (None, Err(error)) if error.kind() == ErrorKind::Denied => Err(error),
            (None, _) => Ok(None),
        }
    }

    /// The newest version of a store that cannot list, and whose note is wrong: near `noted`, which is not there, or
    /// near the first; `None` too for stores that list.
    ///
    /// Versions that have ended leave gaps. The nearest numbers are tried, and then every one that is twice as far.
    ///
    /// # Errors
    /// As [`newest`](Self::newest).
    pub(crate) async fn search_newest(&self, noted: Version) -> Result<Option<Version>> {
        if self.lists() {
            return Ok(None);
        }
        let mut there = 0;
        loop {
            there = self.climb(there).await?;
            let near = [there, noted.0].into_iter().flat_map(numbers_after);
            let near: BTreeSet<u64> = near.filter(|number| *number > there).collect();
            let is_there = |number| async move {
                Ok::<_, Error>(self.has_version(number).await?.then_some(number))
            };
            let asked: Vec<_> = near.into_iter().map(is_there).collect();
            let found: Vec<Option<u64>> =
                stream::iter(asked).buffered(MAX_SEARCHES).try_collect::<Vec<_>>().await?;
            match found.into_iter().flatten().max() {
                Some(next) => there = next,
                None => return Ok((there > 0).then_some(Version(there))),
            }
        }
    }

    /// The last of the versions that follow `there` without a gap, in about twice as many requests as it has digits.
    async fn climb(&self, mut there: u64) -> Result<u64> {
        let mut step = 1;
        // The least that is not there.
        let mut gone = loop {
            let Some(next) = there.checked_add(step) else { break u64::MAX };
            if !self.has_version(next).await? {
                break next;
            }
            there = next;
            step = step.saturating_mul(2);
        };
        while gone - there > 1 {
            let middle = there + (gone - there) / 2;
            match self.has_version(middle).await? {
                true => there = middle,
                false => gone = middle,
            }
        }
        Ok(there)
    }

    /// Whether the version is there, as far as the store tells.
    async fn has_version(&self, version: u64) -> Result<bool> {
        let path = root_path(Version(version));
        self.note_read(0);
        match self.inner.store.head(&self.location(&path)?).await {
            Ok(_) => Ok(true),
            // Buckets that may be read and not listed answer that they refuse what is not there.
            Err(
                object_store::Error::NotFound { .. } | object_store::Error::PermissionDenied { .. },
            ) => Ok(false),
            Err(error) => Err(self.store_error("read", &path, error)),
        }
    }

    /// Whether the store can list what it has.
    pub fn lists(&self) -> bool {
        !self.remote_location().is_some_and(|location| location.provider.is_read_only())
    }

    /// Refuses to list a store that cannot.
    pub(super) fn check_lists(&self) -> Result<()> {
        if self.lists() {
            return Ok(());
        }
        Err(Error::unsupported(format!(
            "{self} cannot be listed: a server of files gives those that are named"
        )))
    }
}

/// The version that a note names.
fn number_of(note: &[u8]) -> Option<u64> {
    let number = std::str::from_utf8(note).ok()?.trim().parse().ok()?;
    (number > 0).then_some(number)
}

/// Numbers above `number` at which versions are looked for: the nearest, and those twice as far each time.
fn numbers_after(number: u64) -> impl Iterator<Item = u64> {
    let near = 1..=NEAR_NUMBERS;
    let far = (NEAR_NUMBERS.ilog2() + 1..=MAX_DISTANCE_LOG2).map(|log2| 1 << log2);
    near.chain(far).filter_map(move |distance: u64| number.checked_add(distance))
}

fn local_versions(folder: &FilePath) -> io::Result<Vec<Version>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        // A folder without versions, or a file: no dataset, which the caller can say better.
        Err(error) if is_missing(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let versions = entries.map(|entry| Ok(entry?.file_name().to_str().and_then(version_called)));
    versions.filter_map(Result::transpose).collect()
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The version whose root this object is, if it is one.
fn version_of(listed: &Path) -> Option<Version> {
    listed.filename().and_then(version_called)
}
