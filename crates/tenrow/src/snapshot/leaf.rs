//! A leaf in memory, arranged for finding rows and columns.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::error::{Error, Result};
use crate::format::manifest::{
    Chunk, DeletionVector, Leaf, LeafRef, Partition, RowIdRange, RowMap, in_origin, origin_of,
};
use crate::format::{Attribute, DeletedRows, FieldId, checksum, limits};
use crate::shared_work::Once;
use crate::snapshot::column_place::{ColumnPlace, place_in, place_of};
use crate::snapshot::open_file::OpenFile;
use crate::snapshot::row_id_map::RowIdMap;
use crate::storage::Storage;

/// A leaf and what is known of its partitions.
pub(crate) struct LoadedLeaf {
    row_map: RowMap,
    row_id_map: RowIdMap,
    partitions: Vec<Arc<LoadedPartition>>,
}

impl LoadedLeaf {
    /// `leaf` with what it inherits from `reference` filled in: row ids, sequences, the origin of its paths.
    pub(crate) fn new(leaf: Leaf, reference: &LeafRef) -> Self {
        let row_map = leaf.row_map();
        let mut next_row_id = reference.first_row_id;
        let complete = |mut entry: Partition| {
            if entry.row_ids.is_empty() && entry.row_count > 0 {
                entry.row_ids = vec![RowIdRange { first: next_row_id, count: entry.row_count }];
                next_row_id = next_row_id.saturating_add(entry.row_count);
            }
            for file in &mut entry.files {
                file.sequence = file.sequence.or(Some(reference.sequence));
            }
            if let Some((origin, _)) = origin_of(&reference.path) {
                name_origin(&mut entry, origin);
            }
            Arc::new(LoadedPartition::new(entry))
        };
        let partitions: Vec<_> = leaf.partitions.into_iter().map(complete).collect();
        let row_id_map = RowIdMap::new(partitions.iter().map(|p| p.entry.first_row_id()));
        Self { row_map, row_id_map, partitions }
    }

    pub(crate) fn row_map(&self) -> &RowMap {
        &self.row_map
    }

    pub(crate) fn partitions(&self) -> &[Arc<LoadedPartition>] {
        &self.partitions
    }

    /// Row ids to partitions.
    pub(crate) fn row_id_map(&self) -> &RowIdMap {
        &self.row_id_map
    }
}

/// Makes the paths of a partition of another dataset lead there.
pub(crate) fn name_origin(entry: &mut Partition, origin: &str) {
    for object in entry.own_objects_mut() {
        *object.path = in_origin(origin, object.path);
    }
}

/// A partition, its files opened on demand.
pub(crate) struct LoadedPartition {
    entry: Partition,
    files: Vec<Arc<OpenFile>>,
    columns: OnceLock<HashMap<FieldId, ColumnPlace>>,
    deletes: Once<Arc<DeletedRows>>,
}

impl LoadedPartition {
    pub(crate) fn new(entry: Partition) -> Self {
        let files = entry.files.iter().map(|file| Arc::new(OpenFile::new(file.clone()))).collect();
        Self { entry, files, columns: OnceLock::new(), deletes: Once::default() }
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

    /// Where the attribute is, in whichever of its forms was written last; `None` if no file has it.
    pub(crate) fn column(&self, attribute: &Attribute) -> Option<&ColumnPlace> {
        let places = self.columns.get_or_init(|| self.places());
        let own = places.get(&attribute.id);
        if attribute.earlier.is_empty() {
            return own;
        }
        let forms = attribute.ids().filter_map(|id| places.get(&id));
        // Of equal sequences the newest form, which `ids` gives first, counts.
        forms.reduce(|best, place| {
            let sequence = |place: &ColumnPlace| self.entry.files[place.file].sequence;
            if sequence(place) > sequence(best) { place } else { best }
        })
    }

    fn places(&self) -> HashMap<FieldId, ColumnPlace> {
        let mut places: HashMap<FieldId, ColumnPlace> = HashMap::new();
        for (number, file) in self.entry.files.iter().enumerate() {
            // Looked through once, for all fields together.
            let mut own = HashMap::<FieldId, Vec<usize>>::new();
            for (index, chunk) in file.chunks.iter().enumerate() {
                own.entry(chunk.field).or_default().push(index);
            }
            for &field in &file.field_ids {
                let newest = places.get(&field).map(|place| self.entry.files[place.file].sequence);
                if newest.is_none_or(|newest| newest <= file.sequence) {
                    let own = own.get(&field).cloned().unwrap_or_default();
                    places.insert(field, place_of(number, &file.chunks, field, own));
                }
            }
        }
        places
    }

    /// The chunk of a Parquet column in a row group, if the leaf lists it.
    pub(crate) fn chunk(
        &self,
        place: &ColumnPlace,
        row_group: usize,
        column: u32,
    ) -> Option<&Chunk> {
        let chunks = &self.entry.files.get(place.file)?.chunks;
        let wanted = (u32::try_from(row_group).ok()?, column);
        let at = |&index: &usize| (chunks[index].row_group, chunks[index].column);
        let found = place.chunks.binary_search_by_key(&wanted, at).ok()?;
        chunks.get(place.chunks[found])
    }

    /// Where file number `file` has what it holds under the id `field`, whether it counts or not.
    pub(crate) fn place_in(&self, file: usize, field: FieldId) -> ColumnPlace {
        place_in(file, &self.entry.files[file].chunks, field)
    }

    /// Which of its rows are deleted, read once; `None` if none is.
    pub(crate) async fn deletes(&self, storage: &Storage) -> Result<Option<&Arc<DeletedRows>>> {
        let Some(entry) = &self.entry.deletes else { return Ok(None) };
        let load = || read_deletes(storage.clone(), entry.clone(), self.entry.row_count);
        self.deletes.get_or_load(load).await.map(Some)
    }

    /// The stable id of a row of the files.
    pub(crate) fn row_id(&self, row: u64) -> Option<u64> {
        let mut before = 0;
        for range in &self.entry.row_ids {
            if row - before < range.count {
                return Some(range.first + (row - before));
            }
            before += range.count;
        }
        None
    }

    /// The stable ids of rows of the files: from, and up to but without.
    pub(crate) fn id_ranges(&self, rows: Range<u64>) -> Vec<(u64, u64)> {
        let mut found = Vec::new();
        let mut start = 0;
        for range in &self.entry.row_ids {
            let (from, to) = (rows.start.max(start), rows.end.min(start + range.count));
            if from < to {
                found.push((range.first + (from - start), range.first + (to - start)));
            }
            start += range.count;
        }
        found
    }

    /// The row of the files that has this stable id.
    pub(crate) fn row_of_id(&self, row_id: u64) -> Option<u64> {
        let mut before = 0;
        for range in &self.entry.row_ids {
            if row_id >= range.first && row_id - range.first < range.count {
                return Some(before + (row_id - range.first));
            }
            before += range.count;
        }
        None
    }
}

/// The deletion vector of a partition of that many rows.
async fn read_deletes(
    storage: Storage,
    entry: DeletionVector,
    partition_rows: u64,
) -> Result<Arc<DeletedRows>> {
    let read = storage.read(&entry.path, limits::MAX_DELETION_VECTOR_BYTES).await;
    let bytes = read.map_err(storage.missing(&entry.path))?;
    let damaged = |reason| Error::corrupt(format!("{storage}/{}", entry.path), reason);
    let (found, size) = (checksum(&bytes), bytes.len() as u64);
    let reason = if size != entry.size_bytes {
        Some(format!("{size} bytes, but its leaf says {}", entry.size_bytes))
    } else if found != entry.checksum {
        Some(format!("checksum {found:016x}, expected {:016x}", entry.checksum))
    } else {
        None
    };
    if let Some(reason) = reason {
        storage.distrust(&entry.path);
        return Err(damaged(reason));
    }
    let deletes = DeletedRows::decode(&bytes, partition_rows)
        .map_err(|e| Error::format(format!("{storage}/{}", entry.path), e))?;
    if deletes.len() != entry.row_count {
        let reason = format!("{} rows, but its leaf says {}", deletes.len(), entry.row_count);
        return Err(damaged(reason));
    }
    Ok(Arc::new(deletes))
}
