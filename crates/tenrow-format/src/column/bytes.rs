//! The bytes of files: `PLAIN`, uncompressed, a page of its own for each from 16 KiB up, so that a
//! random file is one exact read.

use arrow_array::{Array, BinaryArray};
use arrow_buffer::NullBuffer;
use bytes::Bytes;
use parquet::basic::{Compression, ZstdLevel};
use parquet::schema::types::ColumnDescPtr;

use crate::column::chunk::{ChunkWriter, DataPage, EncodedChunk, compress_zstd};
use crate::column::values::bytes_of;
use crate::error::{FormatError, Result};
use crate::limits;
use crate::manifest::ChunkLayout;
use crate::page::header::encoding;
use crate::page::levels::{Definition, RowLength, definition_runs};

/// From this size a value has a page of its own.
const OWN_PAGE_BYTES: u64 = 16 << 10;
/// Bytes of a page of smaller values.
const SHARED_PAGE_BYTES: u64 = 64 << 10;

/// Byte strings gathered from any number of arrays.
pub(crate) struct BytesColumn {
    definition: Definition,
    rows: Vec<(RowLength, Bytes)>,
}

impl BytesColumn {
    pub(crate) fn new(definition: Definition) -> Self {
        Self { definition, rows: Vec::new() }
    }

    /// Adds the values of `array`; rows that are null in `struct_nulls` are null as a whole.
    pub(crate) fn push(
        &mut self,
        array: &BinaryArray,
        struct_nulls: Option<&NullBuffer>,
    ) -> Result<()> {
        let all = bytes_of(array.values().clone());
        for row in 0..array.len() {
            let is_null = struct_nulls.is_some_and(|nulls| nulls.is_null(row));
            self.rows.push(match (is_null, array.is_null(row)) {
                (true, _) => (RowLength::Null, Bytes::new()),
                (false, true) => (RowLength::Elements(0), Bytes::new()),
                (false, false) => {
                    let offsets = array.value_offsets();
                    let range = offsets[row] as usize..offsets[row + 1] as usize;
                    check_size(range.len() as u64)?;
                    (RowLength::Elements(1), all.slice(range))
                }
            });
        }
        Ok(())
    }

    /// Encodes the chunk, compressed with zstd if a level is given.
    pub(crate) fn encode(
        &self,
        descriptor: ColumnDescPtr,
        level: Option<i32>,
    ) -> Result<EncodedChunk> {
        let mut writer = ChunkWriter::new(encoding::PLAIN);
        let mut start = 0;
        while start < self.rows.len() {
            let end = self.page_end(start);
            writer.push_page(self.page(start, end, level)?)?;
            start = end;
        }
        let compression = match level {
            None => Compression::UNCOMPRESSED,
            Some(level) => Compression::ZSTD(
                ZstdLevel::try_new(level).map_err(FormatError::parquet("a zstd level"))?,
            ),
        };
        writer.finish(descriptor, compression, ChunkLayout::Indexed { offset_index: None })
    }

    /// Where the page that begins with row `start` ends.
    fn page_end(&self, start: usize) -> usize {
        let mut bytes = 0;
        for (row, (_, value)) in self.rows.iter().enumerate().skip(start) {
            let len = value.len() as u64;
            if row > start && (len >= OWN_PAGE_BYTES || bytes + len > SHARED_PAGE_BYTES) {
                return row;
            }
            bytes += len;
            if len >= OWN_PAGE_BYTES {
                return row + 1;
            }
        }
        self.rows.len()
    }

    fn page(&self, start: usize, end: usize, level: Option<i32>) -> Result<DataPage> {
        let rows = &self.rows[start..end];
        let mut values = Vec::with_capacity(2 * rows.len());
        for (_, value) in rows.iter().filter(|(length, _)| length.element_count() == 1) {
            values.push(Bytes::copy_from_slice(&(value.len() as u32).to_le_bytes()));
            values.push(value.clone());
        }
        let uncompressed_values = values.iter().map(|piece| piece.len() as u64).sum();
        if let Some(level) = level {
            values = vec![compress_zstd(&values.concat(), level)?.into()];
        }
        let lengths = rows.iter().map(|(length, _)| *length);
        Ok(DataPage {
            row_count: rows.len() as u64,
            value_count: lengths.clone().map(RowLength::element_count).sum(),
            repetition: Vec::new(),
            definitions: definition_runs(self.definition, lengths),
            value_head: Vec::new(),
            values,
            uncompressed_values,
            is_compressed: level.is_some(),
        })
    }
}

fn check_size(bytes: u64) -> Result<()> {
    if bytes > limits::MAX_ROW_BYTES {
        return Err(FormatError::Limit {
            what: "the size of a file kept in its row",
            found: bytes,
            limit: limits::MAX_ROW_BYTES,
        });
    }
    Ok(())
}
