//! A data file that readers have met: its map, its footer, and small columns that were decoded.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use arrow_array::{Array, ArrayRef};
use bytes::Bytes;
use parquet::file::metadata::ParquetMetaData;

use crate::error::{Error, Result};
use crate::format::manifest::{DataFile, RowMap};
use crate::format::partition::{columns_beside, columns_of, decode_footer, footer_for_engines};
use crate::format::{Checksum, FieldId, FormatError, OrdinaryFooter};
use crate::shared_work::{Once, without_waiting};
use crate::snapshot::column_place::ColumnPlace;
use crate::storage::{CoalesceOptions, Storage};

/// Bytes that are read at once where a whole file is.
const PIECE_BYTES: u64 = 8 << 20;

/// One file of a partition.
pub(crate) struct OpenFile {
    entry: DataFile,
    row_map: RowMap,
    map: OnceLock<Bytes>,
    footer: Once<Arc<ParquetMetaData>>,
    ordinary_footer: OnceLock<OrdinaryFooter>,
    trusted_footer: Once<Arc<ParquetMetaData>>,
    /// Done once the whole file was found to be what the leaf says.
    checked: Once<()>,
}

impl OpenFile {
    pub(crate) fn new(entry: DataFile) -> Self {
        let row_map = entry.row_map();
        let (footer, trusted_footer, checked) = (Once::default(), Once::default(), Once::default());
        let (map, ordinary_footer) = (OnceLock::new(), OnceLock::new());
        Self { entry, row_map, map, footer, ordinary_footer, trusted_footer, checked }
    }

    pub(crate) fn entry(&self) -> &DataFile {
        &self.entry
    }

    /// Rows to row groups.
    pub(crate) fn row_map(&self) -> &RowMap {
        &self.row_map
    }

    /// The whole file, if it can be mapped.
    pub(crate) fn map(&self, storage: &Storage) -> Result<Option<&Bytes>> {
        if let Some(map) = self.map.get() {
            return Ok(Some(map));
        }
        // Foreign files may change under a map, which would be undefined behaviour.
        if self.entry.foreign.is_some() {
            return Ok(None);
        }
        let mapped = storage.map(&self.entry.path).map_err(storage.missing(&self.entry.path))?;
        let Some(mapped) = mapped else { return Ok(None) };
        if mapped.len() as u64 != self.entry.size_bytes {
            return Err(Error::corrupt(
                self.shown(storage),
                format!("{} bytes, but the manifest says {}", mapped.len(), self.entry.size_bytes),
            ));
        }
        Ok(Some(self.map.get_or_init(|| mapped)))
    }

    /// The Parquet footer and page indexes, read once with one exact read.
    pub(crate) async fn footer(
        self: &Arc<Self>,
        storage: &Storage,
    ) -> Result<Arc<ParquetMetaData>> {
        let load = || {
            let (file, storage) = (Arc::clone(self), storage.clone());
            async move { file.read_footer(&storage).await }
        };
        self.footer.get_or_load(load).await.cloned()
    }

    async fn read_footer(&self, storage: &Storage) -> Result<Arc<ParquetMetaData>> {
        let start = self.entry.size_bytes.saturating_sub(self.entry.footer_bytes);
        let tail = self.read(storage, start..self.entry.size_bytes).await?;
        let metadata = decode_footer(&tail, self.entry.size_bytes).map_err(|e| {
            storage.distrust(&self.entry.path);
            Error::format(self.shown(storage), e)
        })?;
        self.check_footer(storage, &metadata)?;
        Ok(Arc::new(metadata))
    }

    /// The same as decoders of its columns need it, made once however many columns there are.
    pub(crate) fn ordinary_footer(
        &self,
        metadata: &Arc<ParquetMetaData>,
    ) -> Result<&OrdinaryFooter, FormatError> {
        if let Some(known) = self.ordinary_footer.get() {
            return Ok(known);
        }
        let made = OrdinaryFooter::new(metadata)?;
        Ok(self.ordinary_footer.get_or_init(|| made))
    }

    /// The same as a query engine may trust it, made once.
    pub(crate) async fn footer_for_engines(
        self: &Arc<Self>,
        storage: &Storage,
    ) -> Result<Arc<ParquetMetaData>> {
        let load = || {
            let (file, storage) = (Arc::clone(self), storage.clone());
            async move {
                let footer = file.footer(&storage).await?;
                let trusted = footer_for_engines(&footer, &file.entry);
                trusted.map(Arc::new).map_err(|e| Error::format(file.shown(&storage), e))
            }
        };
        self.trusted_footer.get_or_load(load).await.cloned()
    }

    fn check_footer(&self, storage: &Storage, metadata: &ParquetMetaData) -> Result<()> {
        let rows: Vec<u64> = metadata.row_groups().iter().map(|g| g.num_rows() as u64).collect();
        if rows == self.entry.row_groups {
            return Ok(());
        }
        Err(Error::corrupt(
            self.shown(storage),
            format!(
                "row groups of {rows:?} rows, but the manifest says {:?}",
                self.entry.row_groups
            ),
        ))
    }

    /// All Parquet leaf columns of a field: those of the column that its leaf lists for it, else of that with its id.
    ///
    /// What is listed counts above ids: files of others have none, and those that came from another dataset have its ids.
    pub(crate) fn columns(
        &self,
        storage: &Storage,
        metadata: &ParquetMetaData,
        place: &ColumnPlace,
    ) -> Result<Range<u32>> {
        let (field, listed) = (place.field.0, &place.listed);
        let descriptor = metadata.file_metadata().schema_descr();
        let found = match listed.is_empty() {
            true => columns_of(descriptor, place.field),
            false => columns_beside(descriptor, listed.start as usize),
        };
        let has_all = |found: &Range<u32>| found.start <= listed.start && listed.end <= found.end;
        found.filter(|found| listed.is_empty() || has_all(found)).ok_or_else(|| {
            let reason = match listed.is_empty() {
                true => format!("its leaf says that it has field {field}, but no column has this id"),
                false => format!(
                    "its leaf has field {field} in columns {listed:?} of {}, which are not those of one field",
                    descriptor.num_columns()
                ),
            };
            Error::corrupt(self.shown(storage), reason)
        })
    }

    /// Exactly those bytes of the file.
    pub(crate) async fn read(&self, storage: &Storage, range: Range<u64>) -> Result<Bytes> {
        if let Some(map) = self.map(storage)? {
            storage.note_mapped_read(range.end.saturating_sub(range.start));
            return slice_map(map, &range).ok_or_else(|| {
                let reason = format!("bytes {range:?} are needed of {}", map.len());
                Error::corrupt(self.shown(storage), reason)
            });
        }
        let only = std::slice::from_ref(&range);
        let mut read = self.read_ranges(storage, only, &CoalesceOptions::default()).await?;
        Ok(read.pop().unwrap_or_default())
    }

    /// The bytes of each range, not from a map.
    pub(crate) async fn read_ranges(
        &self,
        storage: &Storage,
        ranges: &[Range<u64>],
        coalesce: &CoalesceOptions,
    ) -> Result<Vec<Bytes>> {
        match self.entry.foreign {
            Some(_) => storage.read_foreign(&self.entry, ranges).await,
            None => storage
                .read_ranges(&self.entry.path, ranges, coalesce)
                .await
                .map_err(storage.missing(&self.entry.path)),
        }
    }

    /// Compares the checksum of a file of others, once: its pages may have none of their own.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if it differs; those of reading.
    pub(crate) async fn check_whole(self: &Arc<Self>, storage: &Storage) -> Result<()> {
        let load = || {
            let (file, storage) = (Arc::clone(self), storage.clone());
            async move { file.compare_checksum(&storage).await }
        };
        self.checked.get_or_load(load).await.copied()
    }

    async fn compare_checksum(&self, storage: &Storage) -> Result<()> {
        let (mut checksum, mut at) = (Checksum::new(), 0);
        while at < self.entry.size_bytes {
            let end = self.entry.size_bytes.min(at + PIECE_BYTES);
            let piece = at..end;
            let piece = std::slice::from_ref(&piece);
            let read = self.read_ranges(storage, piece, &CoalesceOptions::default()).await?;
            read.iter().for_each(|piece| checksum.write(piece));
            at = end;
        }
        let (found, expected) = (checksum.finish(), self.entry.checksum);
        match found == expected {
            true => Ok(()),
            false => Err(Error::corrupt(
                self.shown(storage),
                format!(
                    "checksum {found:016x}, the dataset recorded {expected:016x}: put back the file as it was, or delete its rows and import it again"
                ),
            )),
        }
    }

    /// What a person calls the file.
    pub(crate) fn shown(&self, storage: &Storage) -> String {
        match self.entry.foreign {
            Some(_) => self.entry.path.clone(),
            None => storage.shown(&self.entry.path),
        }
    }
}

/// The range of a map, if it is inside.
pub(crate) fn slice_map(map: &Bytes, range: &Range<u64>) -> Option<Bytes> {
    let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
    (start <= end && end <= map.len()).then(|| map.slice(start..end))
}

/// Bytes of decoded columns that one snapshot keeps: the first that are wanted, for rows at random want all alike.
const CACHE_BYTES: usize = 64 << 20;

/// What was decoded of small columns.
///
/// Nobody waits for its lock, which a process may have been forked with: what is in use is not there, or full.
#[derive(Default)]
pub(crate) struct CachedColumns(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    bytes: usize,
    arrays: HashMap<ColumnKey, ArrayRef>,
}

/// What tells one decoded column of a row group from all others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ColumnKey {
    path: String,
    /// A foreign file may be another one by now, and be indexed once more under the same path.
    checksum: u64,
    row_group: usize,
    /// Two attributes may be of one column, in types of their own.
    field: FieldId,
    first_column: u32,
}

impl ColumnKey {
    /// The attribute `field` of `file`, from its Parquet column `first_column` on.
    pub(crate) fn new(
        file: &DataFile,
        row_group: usize,
        field: FieldId,
        first_column: u32,
    ) -> Self {
        let (path, checksum) = (file.path.clone(), file.checksum);
        Self { path, checksum, row_group, field, first_column }
    }
}

impl CachedColumns {
    pub(crate) fn get(&self, key: &ColumnKey) -> Option<ArrayRef> {
        self.kept()?.arrays.get(key).cloned()
    }

    /// Whether there is room for about so many bytes.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.kept().is_some_and(|kept| kept.bytes.saturating_add(bytes) <= CACHE_BYTES)
    }

    fn kept(&self) -> Option<MutexGuard<'_, Kept>> {
        without_waiting(&self.0)
    }

    /// Whether a small column may find no room.
    pub(crate) fn is_full(&self) -> bool {
        !self.has_room(CACHE_BYTES / 16)
    }

    /// Keeps `array`.
    pub(crate) fn put(&self, key: ColumnKey, array: &ArrayRef) {
        let Some(mut kept) = self.kept() else { return };
        let before = kept.arrays.insert(key, array.clone());
        kept.bytes += array.get_array_memory_size();
        kept.bytes -= before.map_or(0, |before| before.get_array_memory_size());
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::Int64Array;

    use super::*;

    /// As a process sees it that was forked while a thread, which it has not, was looking.
    #[test]
    fn nobody_waits_for_columns_that_are_kept() {
        let columns = CachedColumns::default();
        let array: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let key = |path: &str| {
            let (path, field) = (path.to_owned(), FieldId(1));
            ColumnKey { path, checksum: 7, row_group: 0, field, first_column: 0 }
        };
        columns.put(key("a"), &array);
        let held = columns.0.lock().unwrap();
        assert!(columns.get(&key("a")).is_none() && !columns.has_room(0) && columns.is_full());
        columns.put(key("b"), &array);
        drop(held);
        assert!(columns.get(&key("a")).is_some() && columns.get(&key("b")).is_none());
        assert!(columns.has_room(1) && !columns.is_full());
    }
}
