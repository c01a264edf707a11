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
use crate::format::layout::ObjectKind;
use crate::format::manifest::{NamedObject, Partition, origin_of, own_path};
use crate::progress::{OnProgress, Steps};
use crate::snapshot::{Leaves, LoadedPartition, Snapshot};
use crate::storage::{Storage, Upload};

impl Dataset {
    /// A new dataset at `location` with the rows of `version` and files of its own.
    ///
    /// Foreign files stay where they are, and have to be there. Killed or stopped, it leaves no dataset, only files: done once
    /// more, it goes on from there.
    /// File attributes of rows that name large files of a third dataset are written anew, in column files.
    ///
    /// # Errors
    /// As [`clone_to`](Self::clone_to), and [`Corrupt`](crate::ErrorKind::Corrupt) if a file is not what its manifest says:
    /// what is damaged is not copied.
    pub async fn copy_to(
        &self,
        location: &str,
        version: Version,
        on_progress: &OnProgress,
    ) -> Result<Dataset> {
        let snapshot = self.version(version).await?;
        let copy = Dataset::at(self.storage().open_other(location)?);
        copy.check_absent().await?;
        let mut root = copy.beginning(&snapshot, "copy");
        commit::check_store(copy.storage(), &root).await?;
        let steps = Steps::of("copy", Some(snapshot.size_bytes()), on_progress);
        let copied = HashSet::new();
        let mut copying = Copying { snapshot: &snapshot, to: copy.storage(), copied, steps };
        let mut leaves = snapshot.leaves(snapshot.leaf_numbers(|_| true), Leaves::Passing);
        while let Some((_, leaf)) = leaves.try_next().await? {
            let mut partitions = Vec::new();
            for partition in leaf.partitions() {
                let entry = copying.partition(partition).await?;
                let elsewhere = naming_others(&snapshot, partition);
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

/// Objects on their way from a version to another dataset.
struct Copying<'a> {
    snapshot: &'a Snapshot,
    to: &'a Storage,
    /// Paths of what was copied. Two origins may name one object: a clone that was merged back where it came from.
    copied: HashSet<String>,
    steps: Steps,
}

impl Copying<'_> {
    /// Copies the objects of a partition; gives its entry with their new paths.
    async fn partition(&mut self, partition: &LoadedPartition) -> Result<Partition> {
        let (storage, mut entry) = (self.snapshot.storage(), partition.entry().clone());
        for file in entry.files.iter().filter(|file| file.foreign.is_some()) {
            // It is read there, too: that it is there, and as it was, is found out now.
            let looked_at = storage.read_foreign(file, &[]).await;
            looked_at.map_err(storage.missing(&file.path))?;
            self.steps.advance(file.size_bytes, 0)?;
        }
        for NamedObject { kind, path, stated, .. } in entry.own_objects_mut() {
            if self.copied.insert(own_path(path).to_owned()) {
                self.object(path, ContentCheck::of_object(stated, path)).await?;
            }
            if matches!(kind, ObjectKind::BaseFile | ObjectKind::ColumnFile) {
                self.steps.advance(stated.map_or(0, |stated| stated.size_bytes), 0)?;
            }
            *path = own_path(path).to_owned();
        }
        Ok(entry)
    }

    /// Copies an object to the same path, without the name of an origin.
    ///
    /// One that is there already, of the same content, was copied before.
    async fn object(&mut self, path: &str, content: ContentCheck) -> Result<()> {
        let (from, to, target) = (self.snapshot.storage(), self.to, own_path(path));
        let size = from.size(path).await.map_err(from.missing(path))?;
        match to.size(target).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            found => return self.check_same(target, found? == size, size, content).await,
        }
        let mut upload = to.upload(target)?;
        upload.expect_whole(size);
        match self.read_whole(from, path, size, content, Some(&mut upload)).await {
            Ok(()) => upload.finish().await.map(drop),
            Err(error) => {
                upload.abort().await?;
                Err(error)
            }
        }
    }

    /// Refuses what is there already, and is not what was to be copied.
    async fn check_same(
        &mut self,
        target: &str,
        has_size: bool,
        size: u64,
        content: ContentCheck,
    ) -> Result<()> {
        let read = match has_size {
            true => self.read_whole(self.to, target, size, content, None).await,
            false => Err(Error::corrupt(target, "another size")),
        };
        match read {
            Err(error) if error.kind() == ErrorKind::Stopped => Err(error),
            Err(_) => Err(Error::new(
                ErrorKind::AlreadyExists,
                format!(
                    "{} is there already, and is not what was to be copied: remove it first",
                    self.to.shown(target)
                ),
            )),
            Ok(()) => Ok(()),
        }
    }

    /// Reads an object whole, into `upload` too if there is one; an error if it has another content.
    async fn read_whole(
        &mut self,
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
            self.steps.advance(0, end - at)?;
            at = end;
        }
        content.finish(&storage.shown(path))
    }
}
