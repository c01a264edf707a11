//! Column files given to partitions: what filling and updating have in common.

use std::collections::BTreeSet;

use arrow_array::{Array, ArrayRef};

use crate::commit::Committer;
use crate::error::{Error, Result};
use crate::format::manifest::{DataFile, Partition, Statistics};
use crate::format::{Attribute, AttributeType, FieldId, limits};
use crate::storage::Storage;
use crate::write::{ColumnFileWriter, objects_named, slice_bytes};

/// Bytes of values in a row group of a column file.
const ROW_GROUP_BYTES: u64 = 64 << 20;

/// A column file that is stored and in no version yet.
#[derive(Debug, Clone)]
pub(crate) struct NewColumns {
    file: DataFile,
    /// The ids of all forms of its attributes: what a partition has under them counts no more.
    replaced: Vec<FieldId>,
    statistics: Vec<Statistics>,
    /// Large files that its values name.
    external_files: BTreeSet<String>,
}

impl NewColumns {
    /// The partition with this file, whose values count above all others of the same attributes.
    pub(crate) fn put_into(&self, partition: &Partition) -> Partition {
        let mut partition = partition.clone();
        let ids = &self.replaced;
        partition.statistics.retain(|statistics| !ids.contains(&statistics.field));
        partition.statistics.extend(self.statistics.iter().cloned());
        partition.external_files.extend(self.external_files.iter().cloned());
        partition.external_files.sort_unstable();
        partition.external_files.dedup();
        // A column file of which every value is hidden is of no use; the base file stays, whole.
        let hidden = |file: &DataFile| file.field_ids.iter().all(|id| ids.contains(id));
        let mut number = 0;
        partition.files.retain(|file| {
            number += 1;
            number == 1 || !hidden(file)
        });
        partition.files.push(self.file.clone());
        partition
    }
}

/// Writes a column file from arrays of any length, in row groups by bytes.
pub(crate) struct NewColumnsWriter {
    file: ColumnFileWriter,
    replaced: Vec<FieldId>,
    buffered: Vec<Vec<ArrayRef>>,
    rows: u64,
    bytes: u64,
    /// Which of the attributes are files.
    are_files: Vec<bool>,
    external_files: BTreeSet<String>,
}

impl NewColumnsWriter {
    pub(crate) async fn begin(
        committer: &Committer,
        storage: &Storage,
        attributes: Vec<Attribute>,
    ) -> Result<Self> {
        let buffered = attributes.iter().map(|_| Vec::new()).collect();
        let replaced = attributes.iter().flat_map(Attribute::ids).collect();
        let are_files =
            attributes.iter().map(|a| a.attribute_type == AttributeType::File).collect();
        let file = ColumnFileWriter::begin(storage, &committer.ids, attributes).await?;
        let external_files = BTreeSet::new();
        Ok(Self { file, replaced, buffered, rows: 0, bytes: 0, are_files, external_files })
    }

    /// Appends rows of all attributes, in their order; at most a row group at a time.
    pub(crate) async fn append(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let rows = columns.first().map_or(0, |column| column.len()) as u64;
        if self.rows + rows > limits::MAX_ROW_GROUP_ROWS {
            self.flush().await?;
        }
        self.rows += rows;
        self.bytes += slice_bytes(columns);
        let files = columns.iter().zip(&self.are_files).filter(|(_, is_file)| **is_file);
        self.external_files.extend(files.flat_map(|(column, _)| objects_named(column)));
        for (buffered, column) in self.buffered.iter_mut().zip(columns) {
            buffered.push(column.clone());
        }
        if self.bytes >= ROW_GROUP_BYTES { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let columns = self.buffered.iter_mut().map(std::mem::take).collect();
        self.bytes = 0;
        self.file.push(std::mem::take(&mut self.rows), columns).await
    }

    pub(crate) async fn finish(mut self) -> Result<NewColumns> {
        self.flush().await?;
        let (file, statistics) = self.file.finish().await?;
        let (replaced, external_files) = (self.replaced, self.external_files);
        Ok(NewColumns { file, replaced, statistics, external_files })
    }
}

/// Refuses values that are not those of the attribute.
pub(crate) fn check_column(
    attribute: &Attribute,
    column: &ArrayRef,
    expected_rows: u64,
) -> Result<()> {
    let expected = attribute.attribute_type.arrow_type();
    if *column.data_type() != expected {
        return Err(Error::invalid(format!(
            "attribute {:?}: found {}, expected {expected} ({})",
            attribute.name,
            column.data_type(),
            attribute.type_text()
        )));
    }
    if column.len() as u64 != expected_rows {
        return Err(Error::invalid(format!(
            "attribute {:?}: found {} rows, expected {expected_rows}",
            attribute.name,
            column.len()
        )));
    }
    if !attribute.nullable && column.logical_null_count() > 0 {
        return Err(Error::invalid(format!(
            "attribute {:?} is not nullable, and {} values are null",
            attribute.name,
            column.logical_null_count()
        )));
    }
    Ok(())
}
