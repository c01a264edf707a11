//! Datasets copied whole: what their versions name in other datasets becomes their own.

use std::collections::HashSet;

use futures::TryStreamExt;

use crate::blocking;
use crate::change::{FilePaths, file_attributes};
use crate::commit;
use crate::content::{ContentCheck, PIECE_BYTES};
use crate::dataset::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::format::Attribute;
use crate::format::Version;
use crate::format::manifest::{NamedObject, origin_of, own_path};
use crate::snapshot::{Leaves, LoadedPartition, Snapshot};
use crate::storage::{Storage, Upload};

impl Dataset {
    /// A new dataset at `location` with the rows of `version` and files of its own.
    ///
    /// Foreign files stay where they are, and have to be there. Killed, it leaves no dataset, only files: done once more, it goes on from there.
    /// File attributes of rows that name large files of a third dataset are written anew, in column files.
    ///
    /// # Errors
    /// As [`clone_to`](Self::clone_to), and [`Corrupt`](crate::ErrorKind::Corrupt) if a file is not what its manifest says:
    /// what is damaged is not copied.
    pub async fn copy_to(
        &self,
        location: &str,
        version: Version,
        mut on_progress: impl FnMut(u64, u64) + Send,
    ) -> Result<Dataset> {
        let snapshot = self.version(version).await?;
        let copy = Dataset::at(self.storage().open_other(location)?);
        copy.check_absent().await?;
        let total = snapshot.size_bytes();
        let mut done = 0;
        let mut root = copy.beginning(&snapshot, "copy");
        commit::check_store(copy.storage(), &root).await?;
        // Two origins may name one object: a clone that was merged back where it came from.
        let mut copied = HashSet::new();
        let mut leaves = snapshot.leaves(snapshot.leaf_numbers(|_| true), Leaves::Passing);
        while let Some((_, leaf)) = leaves.try_next().await? {
            let mut partitions = Vec::new();
            for partition in leaf.partitions() {
                let mut entry = partition.entry().clone();
                for file in entry.files.iter().filter(|file| file.foreign.is_some()) {
                    // It is read there, too: that it is there, and as it was, is found out now.
                    let looked_at = snapshot.storage().read_foreign(file, &[]).await;
                    looked_at.map_err(snapshot.storage().missing(&file.path))?;
                }
                let elsewhere = naming_others(&snapshot, partition);
                for NamedObject { path, stated, .. } in entry.own_objects_mut() {
                    if copied.insert(own_path(path).to_owned()) {
                        let (from, to) = (snapshot.storage(), copy.storage());
                        let content = ContentCheck::of_object(stated, path);
                        done += copy_object(from, to, path, content).await?;
                        on_progress(done, total);
                    }
                    *path = own_path(path).to_owned();
                }
                partitions.push(match elsewhere.is_empty() {
                    true => entry,
                    false => {
                        let paths = FilePaths {
                            snapshot: &snapshot,
                            partition,
                            attributes: elsewhere,
                            rename: &|path| own_path(path).to_owned(),
                        };
                        paths.written_into(entry, &copy.committer(), copy.storage()).await?
                    }
                });
            }
            let written =
                commit::write_leaves(&copy.committer(), copy.storage(), partitions).await?;
            for leaf in written {
                let reference = leaf.placed(&mut root, leaf.reference.first_row_id);
                root.leaves.push(reference);
            }
        }
        commit::create(copy.storage(), &root).await?;
        Ok(copy)
    }
}

/// The file attributes whose rows may name large files of another dataset than the one that holds the rows.
fn naming_others(snapshot: &Snapshot, partition: &LoadedPartition) -> Vec<(Attribute, Attribute)> {
    let origin = |path: &str| origin_of(path).map(|(name, _)| name.to_owned());
    let names_others = |attribute: &&Attribute| {
        let Some(place) = partition.column(attribute) else { return false };
        let file = partition.file(place).entry();
        let home = origin(&file.path);
        let mut large = partition.entry().external_files.iter();
        file.foreign.is_none() && large.any(|path| origin(path) != home)
    };
    let attributes = file_attributes(snapshot, partition).filter(names_others);
    attributes.map(|attribute| (attribute.clone(), attribute.clone())).collect()
}

/// Copies an object to the same path, without the name of an origin; gives its bytes.
///
/// One that is there already, of the same content, was copied before.
async fn copy_object(
    from: &Storage,
    to: &Storage,
    path: &str,
    content: ContentCheck,
) -> Result<u64> {
    let size = from.size(path).await.map_err(from.missing(path))?;
    let target = own_path(path);
    match to.size(target).await {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        found => {
            let found = found?;
            let is_same =
                found == size && read_whole(to, target, size, content, None).await.is_ok();
            return match is_same {
                true => Ok(size),
                false => Err(Error::new(
                    ErrorKind::AlreadyExists,
                    format!(
                        "{} is there already, and is not what was to be copied: remove it first",
                        to.shown(target)
                    ),
                )),
            };
        }
    }
    let mut upload = to.upload(target)?;
    upload.expect_whole(size);
    match read_whole(from, path, size, content, Some(&mut upload)).await {
        Ok(()) => upload.finish().await.map(|_| size),
        Err(error) => {
            upload.abort().await?;
            Err(error)
        }
    }
}

/// Reads an object whole, into `upload` too if there is one; an error if it has another content.
async fn read_whole(
    storage: &Storage,
    path: &str,
    size: u64,
    mut content: ContentCheck,
    mut upload: Option<&mut Upload>,
) -> Result<()> {
    let mut at = 0;
    while at < size {
        let end = size.min(at + PIECE_BYTES);
        let piece = storage.read_range(path, at..end).await?;
        let (checked, piece) = blocking::run(move || {
            content.write(&piece);
            (content, piece)
        })
        .await;
        content = checked;
        if let Some(upload) = &mut upload {
            upload.write(piece).await?;
        }
        at = end;
    }
    content.finish(&storage.shown(path))
}
