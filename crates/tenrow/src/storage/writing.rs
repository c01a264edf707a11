//! Writing: objects that are created, and never replaced but where nothing relies on them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};

use super::unique::put_unique;
use super::upload::Upload;
use super::{Place, Storage};
use crate::blocking;
use crate::error::{Error, ErrorKind, Result};
use crate::format::layout::{ObjectKind, top_folders};

/// Removes a folder, if below it there are folders only. What cannot be removed stays.
fn remove_empty(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        // A link is not followed: it is somebody's.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_empty(&entry.path());
        }
    }
    let _ = std::fs::remove_dir(folder);
}

impl Storage {
    /// Creates the object, durably; false if there is one by that path already.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io): the object may exist all the same, if its confirmation was lost.
    pub async fn put_new(&self, path: &str, bytes: Bytes) -> Result<bool> {
        self.check_writable()?;
        if self.inner.has_single_writer.load(Ordering::Relaxed) {
            return self.put_new_alone(path, bytes).await;
        }
        self.put_if_absent(path, bytes).await
    }

    /// Creates an object under a name that nobody else can have, durably.
    ///
    /// An answer of a remote store that is lost does no harm: what is there with the same bytes is ours. In a folder
    /// a name that is taken is an error, for whoever took it may have failed to make it durable.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if there is another; [`Io`](crate::ErrorKind::Io).
    pub(crate) async fn put_unique(&self, path: &str, bytes: Bytes) -> Result<()> {
        let is_alone = self.inner.has_single_writer.load(Ordering::Relaxed);
        if self.remote_place().is_some() && !is_alone {
            self.check_writable()?;
            let location = self.location(path)?;
            let put = put_unique(self.inner.store.as_ref(), &location, bytes.into());
            return put.await.map_err(|error| self.store_error("write", path, error));
        }
        match self.put_new(path, bytes).await? {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("{} exists already", self.shown(path)),
            )),
        }
    }

    async fn put_if_absent(&self, path: &str, bytes: Bytes) -> Result<bool> {
        let location = self.location(path)?;
        let mode = PutMode::Create.into();
        match self.inner.store.put_opts(&location, bytes.into(), mode).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(self.store_error("write", path, error)),
        }
    }

    /// Creates the object where nobody else writes; false if there is one by that path already.
    async fn put_new_alone(&self, path: &str, bytes: Bytes) -> Result<bool> {
        match self.size(path).await {
            Ok(_) => Ok(false),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.put(path, bytes).await.map(|()| true)
            }
            Err(error) => Err(error),
        }
    }

    /// Removes the folders that tenrow makes and that hold nothing, `whole` the folder of the dataset, too.
    pub(crate) async fn remove_empty_folders(&self, whole: bool) {
        let Place::Folder(folder, _) = &self.inner.place else { return };
        let folder = folder.clone();
        blocking::run(move || {
            for name in top_folders() {
                remove_empty(&folder.join(name));
            }
            if whole {
                // Of one that holds something the system removes nothing, and that is right.
                let _ = std::fs::remove_dir(&folder);
            }
        })
        .await;
    }

    /// From now on creating is to look first and then put: there is only one writer at a time.
    pub(crate) fn allow_single_writer(&self) {
        self.inner.has_single_writer.store(true, Ordering::Relaxed);
        if let Place::Folder(_, store) = &self.inner.place {
            store.allow_single_writer();
        }
    }

    /// Whether the store creates an object only where there is none, which is tried with one that is called `id`.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if it says itself that it does not; those of any put.
    pub(crate) async fn creates_once(&self, id: &str) -> Result<bool> {
        let path = ObjectKind::Temporary.path(&format!("probe-{id}"));
        let probe = Bytes::from_static(b"tenrow\n");
        // Its answer may have been lost: the second counts.
        self.put_if_absent(&path, probe.clone()).await?;
        let again = self.put_if_absent(&path, probe).await;
        // What stays behind is removed by `vacuum`.
        if let Err(error) = self.delete(&path).await {
            tracing::debug!(%error, "a probe of the store stays behind");
        }
        Ok(!again?)
    }

    /// Makes an object durable that is there already: whoever wrote it may have failed to.
    ///
    /// What a remote store shows is durable.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io): it may be there, and be gone after a crash of the machine.
    pub(crate) async fn secure(&self, path: &str) -> Result<()> {
        let Place::Folder(_, store) = &self.inner.place else { return Ok(()) };
        let secured = store.secure(&self.location(path)?).await;
        secured.map_err(|error| self.store_error("make durable", path, error))
    }

    /// Writes the object, replacing what was there: only for objects that nothing relies on.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io).
    pub async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        self.check_writable()?;
        let put = self.inner.store.put(&self.location(path)?, bytes.into()).await;
        put.map(drop).map_err(|error| self.store_error("write", path, error))
    }

    /// Begins an object that is written piece by piece.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if `path` is no path;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if the store can only be read.
    pub fn upload(&self, path: &str) -> Result<Upload> {
        self.check_writable()?;
        let store = Arc::clone(&self.inner.store);
        let secrets = self.remote_place().map(|place| Arc::clone(&place.secrets));
        let keeps_parts = self.folder().is_none();
        let (place, shown) = (self.location(path)?, self.shown(path));
        Ok(Upload::new(store, place, shown, secrets, keeps_parts, self.part_bytes))
    }
}
