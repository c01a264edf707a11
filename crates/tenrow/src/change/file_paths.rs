//! File attributes of a partition written anew, where what their rows name is to have other paths.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray, StructArray, cast::AsArray};

use crate::change::new_columns::NewColumnsWriter;
use crate::commit::Committer;
use crate::error::Result;
use crate::format::manifest::Partition;
use crate::format::{Attribute, AttributeType};
use crate::read::{ReadOptions, partition_rows, unfit};
use crate::snapshot::{LoadedPartition, Snapshot};
use crate::storage::Storage;

/// The file attributes that a partition has rows of.
pub(crate) fn file_attributes<'a>(
    snapshot: &'a Snapshot,
    partition: &'a LoadedPartition,
) -> impl Iterator<Item = &'a Attribute> {
    let files = snapshot.schema().attributes().iter();
    files.filter(|a| a.attribute_type == AttributeType::File && partition.column(a).is_some())
}

/// A partition of a version, and what is to come of it.
pub(crate) struct FilePaths<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) partition: &'a LoadedPartition,
    /// The attributes, and what each is called where it is written.
    pub(crate) attributes: Vec<(Attribute, Attribute)>,
    /// What a path, as the version has it, is where it is written.
    pub(crate) rename: &'a (dyn Fn(&str) -> String + Sync),
}

impl FilePaths<'_> {
    /// `entry` with a column file of these attributes.
    pub(crate) async fn written_into(
        &self,
        mut entry: Partition,
        committer: &Committer,
        storage: &Storage,
    ) -> Result<Partition> {
        let written: Vec<Attribute> =
            self.attributes.iter().map(|(_, written)| written.clone()).collect();
        let mut writer = NewColumnsWriter::begin(committer, storage, written.clone()).await?;
        let options = ReadOptions::for_rewriting();
        let mut start = 0;
        for &rows in &self.partition.entry().files[0].row_groups {
            let range = start..start + rows;
            let mut columns = Vec::with_capacity(written.len());
            for (read, _) in &self.attributes {
                let rows = partition_rows(self.snapshot, read, self.partition, &range, &options);
                columns.push(self.renamed(&rows.await?)?);
            }
            writer.append(&columns).await?;
            start += rows;
        }
        let columns = writer.finish().await?;
        // They count nowhere else, whatever its sequence.
        let is_new = |id| written.iter().any(|attribute| attribute.ids().any(|own| own == id));
        for file in &mut entry.files {
            file.field_ids.retain(|&id| !is_new(id));
            file.chunks.retain(|chunk| !is_new(chunk.field));
        }
        Ok(columns.put_into(&entry))
    }

    fn renamed(&self, files: &ArrayRef) -> Result<ArrayRef> {
        let (fields, mut columns, nulls) = files.as_struct().clone().into_parts();
        if let Some((place, _)) = fields.find("path") {
            let paths = columns[place].as_string::<i32>().iter();
            let renamed = paths.map(|path| path.map(self.rename));
            columns[place] = Arc::new(StringArray::from_iter(renamed)) as ArrayRef;
        }
        let files = StructArray::try_new(fields, columns, nulls).map_err(unfit)?;
        Ok(Arc::new(files))
    }
}
