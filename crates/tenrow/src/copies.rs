//! Datasets copied whole: what their versions name in other datasets becomes their own.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray, StructArray, cast::AsArray};

use crate::change::NewColumnsWriter;
use crate::commit::{self, Committer};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::format::manifest::{Partition, Version, origin_of};
use crate::format::{Attribute, AttributeType};
use crate::read::{ReadOptions, partition_rows, unfit};
use crate::snapshot::{LoadedPartition, Snapshot};
use crate::storage::Storage;

/// Bytes copied at a time.
const COPY_BYTES: u64 = 8 << 20;

impl Dataset {
    /// A new dataset at `location` with the rows of `version` and files of its own.
    ///
    /// Foreign files stay where they are. Killed, it leaves no dataset, only files. File attributes of rows that name
    /// large files of a third dataset are written anew, in column files.
    ///
    /// # Errors
    /// As [`clone_to`](Self::clone_to).
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
        for index in 0..snapshot.root().leaves.len() {
            let mut partitions = Vec::new();
            for partition in snapshot.passing_leaf(index).await?.partitions() {
                let mut entry = partition.entry().clone();
                let elsewhere = naming_others(&snapshot, partition);
                for path in own_paths(&mut entry) {
                    if copied.insert(own_path(path).to_owned()) {
                        done += copy_object(snapshot.storage(), copy.storage(), path).await?;
                        on_progress(done, total);
                    }
                    *path = own_path(path).to_owned();
                }
                partitions.push(match elsewhere.is_empty() {
                    true => entry,
                    false => {
                        let (committer, to) = (copy.committer(), copy.storage());
                        let of = Rewriting { snapshot: &snapshot, partition, entry };
                        of.with_own_paths(&committer, to, elsewhere).await?
                    }
                });
            }
            let leaves =
                commit::write_leaves(&copy.committer(), copy.storage(), partitions).await?;
            for leaf in leaves {
                let reference = leaf.placed(&mut root, leaf.reference.first_row_id);
                root.leaves.push(reference);
            }
        }
        commit::create(copy.storage(), &root).await?;
        Ok(copy)
    }
}

/// A path without the name of an origin.
fn own_path(path: &str) -> &str {
    origin_of(path).map_or(path, |(_, path)| path)
}

/// The paths of a partition that lead to objects of a dataset.
fn own_paths(entry: &mut Partition) -> impl Iterator<Item = &mut String> {
    let files = entry.files.iter_mut().filter(|file| file.foreign.is_none());
    files
        .map(|file| &mut file.path)
        .chain(entry.deletes.iter_mut().map(|deletes| &mut deletes.path))
        .chain(&mut entry.external_files)
}

/// The file attributes whose rows may name large files of another dataset than the one that holds the rows.
fn naming_others(snapshot: &Snapshot, partition: &LoadedPartition) -> Vec<Attribute> {
    let origin = |path: &str| origin_of(path).map(|(name, _)| name.to_owned());
    let names_others = |attribute: &&Attribute| {
        let Some(place) = partition.column(attribute) else { return false };
        let file = partition.file(place).entry();
        let home = origin(&file.path);
        let mut large = partition.entry().external_files.iter();
        file.foreign.is_none() && large.any(|path| origin(path) != home)
    };
    let attributes = snapshot.schema().attributes().iter();
    let files = attributes.filter(|a| a.attribute_type == AttributeType::File);
    files.filter(names_others).cloned().collect()
}

/// A partition of a version, and what its copy is so far.
struct Rewriting<'a> {
    snapshot: &'a Snapshot,
    partition: &'a LoadedPartition,
    entry: Partition,
}

impl Rewriting<'_> {
    /// The copy with a column file for these attributes, whose paths lead to objects of its own.
    async fn with_own_paths(
        mut self,
        committer: &Committer,
        storage: &Storage,
        attributes: Vec<Attribute>,
    ) -> Result<Partition> {
        let mut writer = NewColumnsWriter::begin(committer, storage, attributes.clone()).await?;
        let options = ReadOptions::for_rewriting();
        let mut start = 0;
        for &rows in &self.partition.entry().files[0].row_groups {
            let range = start..start + rows;
            let mut columns = Vec::with_capacity(attributes.len());
            for attribute in &attributes {
                let read =
                    partition_rows(self.snapshot, attribute, self.partition, &range, &options);
                columns.push(without_origins(&read.await?)?);
            }
            writer.append(&columns).await?;
            start += rows;
        }
        let columns = writer.finish().await?;
        // They count nowhere else, whatever its sequence.
        let is_new = |id| attributes.iter().any(|attribute| attribute.ids().any(|own| own == id));
        for file in &mut self.entry.files {
            file.field_ids.retain(|&id| !is_new(id));
            file.chunks.retain(|chunk| !is_new(chunk.field));
        }
        Ok(columns.put_into(&self.entry))
    }
}

/// Files whose paths name no origins.
fn without_origins(files: &ArrayRef) -> Result<ArrayRef> {
    let (fields, mut columns, nulls) = files.as_struct().clone().into_parts();
    if let Some((place, _)) = fields.find("path") {
        let paths = columns[place].as_string::<i32>().iter();
        columns[place] =
            Arc::new(StringArray::from_iter(paths.map(|path| path.map(own_path)))) as ArrayRef;
    }
    let files = StructArray::try_new(fields, columns, nulls).map_err(unfit)?;
    Ok(Arc::new(files))
}

/// Copies an object to the same path, without the name of an origin; gives its bytes.
async fn copy_object(from: &Storage, to: &Storage, path: &str) -> Result<u64> {
    let size = from.size(path).await?;
    let mut upload = to.upload(own_path(path))?;
    upload.expect_whole(size);
    let mut at = 0;
    while at < size {
        let end = size.min(at + COPY_BYTES);
        upload.write(from.read_range(path, at..end).await?).await?;
        at = end;
    }
    upload.finish().await?;
    Ok(size)
}
