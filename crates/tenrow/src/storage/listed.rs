//! What is stored, and its removal: for upkeep, never for reading.

use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::local_listing::folder_names;
use super::{Place, RemoteLocation, Storage};
use crate::blocking;
use crate::error::{Error, ErrorKind, Result};

/// An object that a listing met.
///
/// ```
/// # futures::executor::block_on(async {
/// use futures::TryStreamExt;
/// use tenrow::storage::{ListedObject, Storage};
/// let storage = Storage::open("memory://docs/listed")?;
/// storage.put_new("data/a", "bytes".into()).await?;
/// let objects: Vec<ListedObject> = storage.list("data").try_collect().await?;
/// assert_eq!((objects[0].path.as_str(), objects[0].size_bytes), ("data/a", 5));
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedObject {
    /// Its path, below the storage.
    pub path: String,
    /// Its size.
    pub size_bytes: u64,
    /// When it was last changed, in milliseconds of Unix time, by the clock of the store.
    pub modified_ms: i64,
}

impl Storage {
    /// The objects below `folder`, in any order; none if there is no such folder.
    ///
    /// # Errors
    /// The stream yields [`Io`](ErrorKind::Io) once, and ends; [`InvalidInput`](ErrorKind::InvalidInput) if `folder` is
    /// no plain relative path; [`Unsupported`](ErrorKind::Unsupported) if the store cannot list.
    pub fn list<'a>(&'a self, folder: &'a str) -> BoxStream<'a, Result<ListedObject>> {
        let prefix = match self.check_lists().and_then(|()| self.folder_location(folder)) {
            Ok(prefix) => prefix,
            Err(error) => return futures::stream::once(async { Err(error) }).boxed(),
        };
        self.note_read(0);
        let below = self.inner.prefix.clone();
        let objects = self.inner.store.list(Some(&prefix));
        let objects = objects.map_err(move |error| {
            self.refused(format!("cannot list {}", self.shown(folder)), error)
        });
        objects
            .try_filter_map(move |object| {
                let path = object.location.prefix_match(&below).map(|parts| {
                    parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/")
                });
                let listed = path.map(|path| ListedObject {
                    path,
                    size_bytes: object.size,
                    modified_ms: object.last_modified.timestamp_millis(),
                });
                futures::future::ok(listed)
            })
            .boxed()
    }

    /// The names of the folders right below `folder`, sorted; none if there is no such folder. Names that no object could
    /// have, which a local folder may hold, are passed over.
    ///
    /// # Errors
    /// [`Io`](ErrorKind::Io); [`InvalidInput`](ErrorKind::InvalidInput) if `folder` is no plain relative path.
    pub async fn list_folders(&self, folder: &str) -> Result<Vec<String>> {
        self.check_lists()?;
        self.note_read(0);
        let prefix = self.folder_location(folder)?;
        if let Place::Folder(root, _) = &self.inner.place {
            let place = root.join(folder);
            let listed = blocking::run(move || folder_names(&place)).await;
            return listed
                .map_err(|error| Error::io(format!("cannot list {}", self.shown(folder)), error));
        }
        let listed =
            self.inner.store.list_with_delimiter(Some(&prefix)).await.map_err(|error| {
                self.refused(format!("cannot list {}", self.shown(folder)), error)
            })?;
        let names = listed.common_prefixes.iter().filter_map(|path| path.filename());
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Where the folder is; the empty one is the whole.
    fn folder_location(&self, folder: &str) -> Result<Path> {
        match folder {
            "" => Ok(self.inner.prefix.clone()),
            folder => self.location(folder),
        }
    }

    /// Removes the object, if it is there: only for what no version can name any more.
    ///
    /// # Errors
    /// [`Io`](ErrorKind::Io).
    pub async fn delete(&self, path: &str) -> Result<()> {
        self.check_writable()?;
        let deleted = self.inner.store.delete(&self.location(path)?).await;
        match deleted.map_err(|error| self.store_error("remove", path, error)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// The objects below `folder` of this storage, as a storage of their own.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if `folder` is no plain relative path.
    pub fn below(&self, folder: &str) -> Result<Storage> {
        let prefix = self.location(folder)?;
        let below = match &self.inner.place {
            Place::Folder(root, _) => Self::local(root.join(folder), crate::ids::Ids::random()),
            Place::Remote(place) => {
                self.beside(RemoteLocation { prefix, ..place.location.clone() })
            }
            Place::Store => Self::from_store(self.inner.store.clone(), prefix),
        };
        Ok(below
            .with_mmap(self.maps_files)
            .with_mapped_reads_counted(self.counts_mapped_reads)
            .with_ordered_listing(self.lists_in_order))
    }
}
