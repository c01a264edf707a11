//! Datasets whose manifests were changed by hand, with right checksums: what only damage or malice makes.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tenrow::Dataset;
use tenrow::engine::Ids;
use tenrow::engine::checksum;
use tenrow::engine::layout::root_path;
use tenrow::engine::manifest::{Leaf, Root};
use tenrow::storage::Storage;

/// A dataset in a store of its own.
#[derive(Clone)]
pub struct Edited {
    /// Where its objects are.
    pub store: Arc<dyn ObjectStore>,
}

/// The newest root and its leaves, decoded.
pub struct Manifests {
    /// The root.
    pub root: Root,
    /// The leaves that it names, in order.
    pub leaves: Vec<Leaf>,
}

impl Edited {
    /// A new, empty place in memory.
    pub fn new() -> Self {
        Self { store: Arc::new(InMemory::new()) }
    }

    /// The dataset, opened anew: nothing is known of it.
    pub fn dataset(&self) -> Dataset {
        Dataset::at(Storage::from_store(self.store.clone(), Path::default()))
    }

    /// The same objects in another place.
    pub async fn copy(&self) -> Self {
        let copy = Self::new();
        for name in self.names("").await {
            copy.put(&name, self.get(&name).await).await;
        }
        copy
    }

    /// The same objects as files, opened as a local dataset: they are mapped.
    pub async fn in_folder(&self, folder: &std::path::Path) -> Dataset {
        for name in self.names("").await {
            let path = folder.join(&name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, self.get(&name).await).expect("a file");
        }
        Dataset::at(Storage::local(folder, Ids::random()))
    }

    /// The objects of a folder.
    pub async fn names(&self, folder: &str) -> Vec<String> {
        let listed: Vec<_> = self.store.list(None).try_collect().await.expect("a listing");
        let mut names: Vec<_> =
            listed.into_iter().map(|object| object.location.to_string()).collect();
        names.retain(|name| name.starts_with(folder));
        names.sort();
        names
    }

    /// The bytes of an object.
    pub async fn get(&self, name: &str) -> Bytes {
        let got = self.store.get(&Path::from(name)).await.expect("an object");
        got.bytes().await.expect("its bytes")
    }

    /// Gives an object these bytes, whether it is there or not.
    pub async fn put(&self, name: &str, bytes: impl Into<Bytes>) {
        self.store.put(&Path::from(name), bytes.into().into()).await.expect("a put");
    }

    /// Removes an object.
    pub async fn delete(&self, name: &str) {
        self.store.delete(&Path::from(name)).await.expect("a delete");
    }

    /// The newest version as its manifests say it.
    pub async fn manifests(&self) -> Manifests {
        let root = self.root().await;
        let mut leaves = Vec::new();
        for leaf in &root.leaves {
            let bytes = self.get(&leaf.path).await;
            leaves.push(Leaf::decode(bytes, leaf.checksum).expect("a leaf"));
        }
        Manifests { root, leaves }
    }

    /// The newest root.
    pub async fn root(&self) -> Root {
        let newest = self.names("_tenrow/versions/").await.remove(0);
        Root::decode(&self.get(&newest).await).expect("a root")
    }

    /// Writes leaves and root over those that are there, and makes their checksums and sizes right; what else the root
    /// says of its leaves stays. `false` if no reader would take such a leaf.
    pub async fn write(&self, manifests: &Manifests) -> bool {
        let mut root = manifests.root.clone();
        for (reference, leaf) in root.leaves.iter_mut().zip(&manifests.leaves) {
            let Ok(bytes) = leaf.encode() else { return false };
            reference.checksum = checksum(&bytes);
            reference.size_bytes = bytes.len() as u64;
            self.put(&reference.path, bytes).await;
        }
        self.put(&root_path(root.version), root.encode()).await;
        true
    }
}

impl Default for Edited {
    fn default() -> Self {
        Self::new()
    }
}

impl Manifests {
    /// Makes what the root says of its leaves true of them.
    pub fn count(&mut self) {
        for (reference, leaf) in self.root.leaves.iter_mut().zip(&self.leaves) {
            let files = leaf.partitions.iter().flat_map(|partition| &partition.files);
            reference.partition_count = leaf.partitions.len() as u64;
            reference.row_count = leaf.live_rows();
            reference.size_of_files_bytes = files.map(|file| file.size_bytes).sum();
            self.root.reader_features.extend(leaf.features().into_iter().map(str::to_owned));
            self.root.writer_features.extend(leaf.features().into_iter().map(str::to_owned));
        }
    }
}
