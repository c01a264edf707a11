//! Datasets that refer to the files of others, and the record of it that keeps these files.

mod location;
mod needed;
mod notes;
mod registration;

use std::collections::BTreeMap;

use crate::commit;
use crate::dataset::Dataset;
use crate::error::{ErrorKind, Result};
use crate::format::Version;
use crate::format::manifest::{
    FEATURE_EXPIRED_VERSIONS, FEATURE_ORIGINS, FEATURE_SINGLE_WRITER, FEATURE_VIEWS, LeafRef, Root,
    in_origin,
};
use crate::snapshot::Snapshot;

pub(crate) use needed::NeededOrigins;
pub use notes::CloneInfo;
pub(crate) use notes::{dataset_of, note_of};
pub(crate) use registration::{Registration, is_registered};

impl Dataset {
    /// A new dataset at `location` with the rows of `version`, whose files it refers to: nothing is copied.
    ///
    /// Its history begins with the number of that version. Both go their own way from there; the version is
    /// registered here, and with every dataset that it refers to itself, so that `expire` and `vacuum` leave all of it
    /// whole. It keeps how far each idempotent job has come, and neither tags nor views.
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if there is a dataset;
    /// [`NotFound`](ErrorKind::NotFound) if there is no such version;
    /// [`Unsupported`](ErrorKind::Unsupported) or [`Denied`](ErrorKind::Denied) if this dataset, or one that it refers to,
    /// cannot be written to: copy it then.
    pub async fn clone_to(&self, location: &str, version: Version) -> Result<Dataset> {
        let snapshot = self.version(version).await?;
        let clone = Dataset::at(self.storage().open_other(location)?);
        clone.check_absent().await?;
        let mut root = clone.beginning(&snapshot, "clone");
        commit::check_store(clone.storage(), &root).await?;
        let registration = Registration::make(&clone, self, &snapshot, &BTreeMap::new()).await?;
        root.origins.clone_from(&registration.origins);
        let refer = |leaf| referring(leaf, &registration.name);
        root.leaves = snapshot.root().leaves.iter().map(refer).collect();
        root.reader_features.insert(FEATURE_ORIGINS.to_owned());
        root.writer_features.insert(FEATURE_ORIGINS.to_owned());
        match commit::create(clone.storage(), &root).await {
            Ok(_) => Ok(clone),
            Err(error) => {
                registration.withdraw_after(&error).await;
                Err(error)
            }
        }
    }

    pub(crate) async fn check_absent(&self) -> Result<()> {
        match self.latest().await {
            Err(error) if error.kind() == ErrorKind::NotADataset => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Err(commit::exists_already(self.storage())),
        }
    }

    /// The first root of a dataset that goes on from `snapshot`, still without leaves and origins.
    ///
    /// It keeps the number, above which all sequences of files are to come, the schema, the properties, and how far each
    /// idempotent job has come: the rows of these commits are there.
    pub(crate) fn beginning(&self, snapshot: &Snapshot, operation: &str) -> Root {
        let committer = self.committer();
        let mut root = Root {
            parent: None,
            write_id: committer.ids.next(),
            created_ms: committer.clock.now_ms(),
            times_from: Version(1),
            operation: operation.into(),
            leaves: Vec::new(),
            tags: Default::default(),
            expired_before: Version(1),
            views: Default::default(),
            origins: BTreeMap::new(),
            // That was said of another store.
            single_writer: false,
            ..snapshot.root().clone()
        };
        let of_others =
            [FEATURE_SINGLE_WRITER, FEATURE_VIEWS, FEATURE_EXPIRED_VERSIONS, FEATURE_ORIGINS];
        root.reader_features.retain(|feature| !of_others.contains(&feature.as_str()));
        root.writer_features.retain(|feature| !of_others.contains(&feature.as_str()));
        root
    }
}

fn referring(leaf: &LeafRef, origin: &str) -> LeafRef {
    LeafRef { path: in_origin(origin, &leaf.path), ..leaf.clone() }
}
