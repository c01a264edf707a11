//! A leaf in memory, arranged for finding rows and columns.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::format::FieldId;
use crate::format::manifest::{Chunk, Leaf, Partition, RowMap};
use crate::snapshot::open_file::OpenFile;

/// A leaf and what is known of its partitions.
pub(crate) struct LoadedLeaf {
    row_map: RowMap,
    partitions: Vec<Arc<LoadedPartition>>,
}

impl LoadedLeaf {
    pub(crate) fn new(leaf: Leaf) -> Self {
        let row_map = leaf.row_map();
        let partitions = leaf
            .partitions
            .into_iter()
            .map(|entry| Arc::new(LoadedPartition::new(entry)))
            .collect();
        Self { row_map, partitions }
    }

    pub(crate) fn row_map(&self) -> &RowMap {
        &self.row_map
    }

    pub(crate) fn partitions(&self) -> &[Arc<LoadedPartition>] {
        &self.partitions
    }
}

/// A partition, its files opened on demand.
pub(crate) struct LoadedPartition {
    entry: Partition,
    files: Vec<Arc<OpenFile>>,
    columns: OnceLock<HashMap<FieldId, ColumnPlace>>,
}

/// Where one attribute of one partition is stored.
#[derive(Debug, Clone)]
pub(crate) struct ColumnPlace {
    /// The file: of those that have the attribute, the one with the highest sequence, the later on a tie.
    pub(crate) file: usize,
    /// Its Parquet leaf columns in that file.
    pub(crate) columns: Range<u32>,
    /// Indices into the file's chunks: for each row group its columns in order.
    chunks: Vec<usize>,
}

impl LoadedPartition {
    fn new(entry: Partition) -> Self {
        let files = entry.files.iter().map(|file| Arc::new(OpenFile::new(file.clone()))).collect();
        Self { entry, files, columns: OnceLock::new() }
    }

    pub(crate) fn entry(&self) -> &Partition {
        &self.entry
    }

    pub(crate) fn files(&self) -> &[Arc<OpenFile>] {
        &self.files
    }

    pub(crate) fn file(&self, place: &ColumnPlace) -> &Arc<OpenFile> {
        &self.files[place.file]
    }

    /// Where the attribute is; `None` if no file of the partition has it.
    pub(crate) fn column(&self, field: FieldId) -> Option<&ColumnPlace> {
        self.columns.get_or_init(|| self.places()).get(&field)
    }

    fn places(&self) -> HashMap<FieldId, ColumnPlace> {
        let mut places: HashMap<FieldId, ColumnPlace> = HashMap::new();
        for (number, file) in self.entry.files.iter().enumerate() {
            for &field in &file.field_ids {
                let newest = places.get(&field).map(|place| self.entry.files[place.file].sequence);
                // A file without a sequence has that of the commit: at least as old as any that has one.
                if newest.is_none_or(|newest| newest <= file.sequence) {
                    places.insert(field, place_in(number, &file.chunks, field));
                }
            }
        }
        places
    }

    /// The chunk of a column in a row group; `column` counts from the attribute's first.
    pub(crate) fn chunk(
        &self,
        place: &ColumnPlace,
        row_group: usize,
        column: usize,
    ) -> Option<&Chunk> {
        let width = (place.columns.end - place.columns.start) as usize;
        let index = *place.chunks.get(row_group * width + column)?;
        self.entry.files[place.file].chunks.get(index)
    }
}

fn place_in(file: usize, chunks: &[Chunk], field: FieldId) -> ColumnPlace {
    let mut own: Vec<usize> = (0..chunks.len()).filter(|&i| chunks[i].field == field).collect();
    own.sort_by_key(|&i| (chunks[i].row_group, chunks[i].column));
    let first = own.first().map_or(0, |&i| chunks[i].column);
    let end = own.iter().map(|&i| chunks[i].column + 1).max().unwrap_or(first);
    ColumnPlace { file, columns: first..end, chunks: own }
}
