//! Partitions whose leaf lists every column of their files.

use parquet::file::metadata::ParquetMetaData;

use crate::error::Result;
use crate::format::manifest::{Chunk, ChunkLayout, Partition};
use crate::format::{Attribute, FieldId, Schema};
use crate::snapshot::{LoadedPartition, OpenFile};
use crate::storage::Storage;

impl LoadedPartition {
    /// Its entry, with a chunk for each Parquet column of each row group: those that its leaf does not list are found by
    /// the footers, which are read where one may be missing.
    pub(crate) async fn with_all_columns_listed(
        &self,
        storage: &Storage,
        schema: &Schema,
    ) -> Result<Partition> {
        let mut entry = self.entry().clone();
        for (number, (file, entry)) in self.files().iter().zip(&mut entry.files).enumerate() {
            // Attributes that were dropped since are of no use to anyone.
            let stored: Vec<_> =
                entry.field_ids.iter().filter_map(|&id| schema.stored(id)).collect();
            if stored.iter().all(|attribute| self.lists_all(number, attribute)) {
                continue;
            }
            let metadata = file.footer(storage).await?;
            for field in stored.iter().map(|attribute| attribute.id) {
                entry.chunks.extend(self.unlisted(file, number, storage, &metadata, field)?);
            }
            entry.chunks.sort_unstable_by_key(|chunk| (chunk.row_group, chunk.column));
        }
        Ok(entry)
    }

    fn lists_all(&self, file: usize, attribute: &Attribute) -> bool {
        let place = self.place_in(file, attribute.id);
        let row_groups = 0..self.entry().files[file].row_groups.len();
        let is_listed =
            |group| place.listed.clone().all(|c| self.chunk(&place, group, c).is_some());
        place.listed.len() == attribute.column_count() && row_groups.into_iter().all(is_listed)
    }

    fn unlisted(
        &self,
        file: &OpenFile,
        number: usize,
        storage: &Storage,
        metadata: &ParquetMetaData,
        field: FieldId,
    ) -> Result<Vec<Chunk>> {
        let place = self.place_in(number, field);
        let columns = file.columns(storage, metadata, &place)?;
        let mut chunks = Vec::new();
        for (row_group, parquet) in metadata.row_groups().iter().enumerate() {
            for column in columns.clone() {
                if self.chunk(&place, row_group, column).is_some() {
                    continue;
                }
                let parquet = parquet.columns().get(column as usize);
                let index =
                    parquet.and_then(|c| c.offset_index_offset().zip(c.offset_index_length()));
                let index = index.and_then(|(start, len)| {
                    let start = u64::try_from(start).ok()?;
                    Some(start..start.checked_add(u64::try_from(len).ok()?)?)
                });
                let layout = ChunkLayout::Indexed { offset_index: index };
                chunks.push(Chunk { field, row_group: row_group as u32, column, layout });
            }
        }
        Ok(chunks)
    }
}
