//! Raw chunks: their pages are where the footer has them, and hold what their headers and the leaf say.

use std::ops::Range;

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;

use crate::error::Error;
use crate::format::manifest::{Chunk, ChunkLayout};
use crate::format::{
    Attribute, AttributeType, DType, ListShape, PageHeader, RawChunk, RawPage, RowLength,
    check_identity_dictionary, decode_page, narrow_32_to_16,
};
use crate::snapshot::OpenFile;
use crate::verify::check::Check;
use crate::verify::columns::check_offset_index;

impl Check {
    /// One chunk, that of the attribute's column number `column`. The row of an error counts from the row group's first.
    pub(super) async fn chunk(
        &mut self,
        file: &OpenFile,
        metadata: &ParquetMetaData,
        attribute: &Attribute,
        chunk: &Chunk,
        column: u32,
    ) -> Result<(), (u64, Error)> {
        let group = chunk.row_group as usize;
        let what = format!("row group {group}, column {}", chunk.column);
        let damaged = |row, reason: String| (row, Error::corrupt(what.clone(), reason));
        check_offset_index(chunk, metadata).map_err(|reason| damaged(0, reason))?;
        let rows = file.entry().row_groups.get(group).copied().unwrap_or_default();
        let Some(shape) = RawShape::of(attribute, column) else {
            return match is_raw(chunk) {
                true => Err(damaged(0, format!("raw pages of {}", attribute.type_text()))),
                false => Ok(()),
            };
        };
        // Others put into a dictionary what they like.
        if self.options.full && file.entry().foreign.is_none() {
            let checked = self.dictionary(file, metadata, chunk, shape.dtype).await;
            checked.map_err(|error| (0, error))?;
        }
        let raw = RawChunk::new(&chunk.layout, rows, shape.dtype, shape.fixed);
        let Some(raw) = raw.map_err(|e| damaged(0, e.to_string()))? else { return Ok(()) };
        let pages =
            pages_of(metadata, chunk, &raw).map_err(|(row, reason)| damaged(row, reason))?;
        shape.check_counts(&raw, &pages).map_err(|(row, reason)| damaged(row, reason))?;
        self.report.pages += pages.len() as u64;
        if self.options.full {
            for page in pages {
                let read = file.read(self.snapshot.storage(), page.start..page.end).await;
                let bytes = read.map_err(|e| (page.rows.start, e))?;
                shape
                    .check_page(&bytes, &raw, &page)
                    .map_err(|reason| damaged(page.rows.start, reason))?;
            }
        }
        Ok(())
    }
}

impl Check {
    /// The dictionary of small integers, if the chunk has one: tenrow does not read it, and everybody else does.
    async fn dictionary(
        &self,
        file: &OpenFile,
        metadata: &ParquetMetaData,
        chunk: &Chunk,
        dtype: DType,
    ) -> Result<(), Error> {
        let group = metadata.row_groups().get(chunk.row_group as usize);
        let Some(parquet) = group.and_then(|group| group.columns().get(chunk.column as usize))
        else {
            return Ok(());
        };
        let Some(start) = parquet.dictionary_page_offset() else { return Ok(()) };
        let what = format!("row group {}, column {}", chunk.row_group, chunk.column);
        let range = (u64::try_from(start), u64::try_from(parquet.data_page_offset()));
        let (Ok(start), Ok(end)) = range else {
            return Err(Error::corrupt(what, "a place in its footer is negative"));
        };
        let page = file.read(self.snapshot.storage(), start..end.max(start)).await?;
        let is_compressed = parquet.compression() != Compression::UNCOMPRESSED;
        check_identity_dictionary(&page, dtype, is_compressed)
            .map_err(|error| Error::corrupt(what, error))
    }
}

fn is_raw(chunk: &Chunk) -> bool {
    !matches!(chunk.layout, ChunkLayout::Indexed { .. })
}

/// The pages as the leaf has them, if the offset index has the same.
fn pages_of(
    metadata: &ParquetMetaData,
    chunk: &Chunk,
    raw: &RawChunk<'_>,
) -> Result<Vec<RawPage>, (u64, String)> {
    let (group, column) = (chunk.row_group as usize, chunk.column as usize);
    let index = metadata.offset_index().and_then(|i| i.get(group)?.get(column));
    let listed = index.map(|index| index.page_locations().as_slice()).unwrap_or_default();
    if listed.len() != raw.page_count() {
        let counts = (raw.page_count(), listed.len());
        return Err((0, format!("{} pages, but the offset index has {}", counts.0, counts.1)));
    }
    let mut pages = Vec::with_capacity(listed.len());
    for (number, listed) in listed.iter().enumerate() {
        let page = raw.page(number).map_err(|e| (0, e.to_string()))?;
        let start = u64::try_from(listed.offset).unwrap_or(u64::MAX);
        let end = start.saturating_add(u64::try_from(listed.compressed_page_size).unwrap_or(0));
        let first_row = u64::try_from(listed.first_row_index).ok();
        if (page.start, page.end, Some(page.rows.start)) != (start, end, first_row) {
            let row = page.rows.start;
            let reason = format!(
                "page {number} at {page:?}, but the offset index says {start}..{end} from row {first_row:?} on"
            );
            return Err((row, reason));
        }
        pages.push(page);
    }
    Ok(pages)
}

/// What the pages of a raw column hold.
struct RawShape {
    dtype: DType,
    fixed: Option<u64>,
    list: ListShape,
}

impl RawShape {
    fn of(attribute: &Attribute, column: u32) -> Option<Self> {
        let list =
            |nullable_elements| ListShape { nullable: attribute.nullable, nullable_elements };
        match (&attribute.attribute_type, column) {
            (AttributeType::Tensor { dtype, shape }, _) if shape.element_count() > 0 => {
                Some(Self { dtype: *dtype, fixed: Some(shape.element_count()), list: list(true) })
            }
            (AttributeType::VariableTensor { dtype, .. }, 0) => {
                Some(Self { dtype: *dtype, fixed: None, list: list(true) })
            }
            (AttributeType::VariableTensor { shape, .. }, _) => {
                Some(Self { dtype: DType::I32, fixed: Some(shape.rank() as u64), list: list(true) })
            }
            (AttributeType::Value(arrow_schema::DataType::List(item)), _) => {
                let dtype = DType::from_arrow(item.data_type())?;
                Some(Self { dtype, fixed: None, list: list(item.is_nullable()) })
            }
            _ => None,
        }
    }

    /// Of a fixed shape a value is a valid row: pages begin with as many as there are before them.
    fn check_counts(&self, raw: &RawChunk<'_>, pages: &[RawPage]) -> Result<(), (u64, String)> {
        if self.fixed.is_none() || !raw.has_nulls() && pages.is_empty() {
            return Ok(());
        }
        let mut valid = 0;
        for page in pages {
            let own = page.rows.end - page.rows.start - raw.null_count(page.rows.clone());
            let expected = if raw.is_strided() { page.rows.clone() } else { valid..valid + own };
            if page.values != expected {
                let reason = format!("values {:?} in a page, expected {expected:?}", page.values);
                return Err((page.rows.start, reason));
            }
            valid += own;
        }
        Ok(())
    }

    /// Checksum, levels, row lengths and nulls of one page, and where its values begin.
    fn check_page(&self, page: &Bytes, raw: &RawChunk<'_>, place: &RawPage) -> Result<(), String> {
        let header = PageHeader::decode(page).map_err(|e| e.to_string())?.0;
        if header.crc.is_none() {
            return Err("a raw page without a checksum".into());
        }
        let decoded =
            decode_page(page, self.dtype, self.list, u64::MAX, true).map_err(|e| e.to_string())?;
        let rows = place.rows.clone();
        if decoded.rows.len() as u64 != rows.end - rows.start {
            let expected = rows.end - rows.start;
            return Err(format!("a page of {} rows, expected {expected}", decoded.rows.len()));
        }
        let mut elements = 0;
        for (row, length) in rows.zip(&decoded.rows) {
            elements += length.element_count();
            let as_listed = match (length, self.fixed) {
                (RowLength::Null, Some(_)) => raw.is_null(row),
                (RowLength::Null, None) => true,
                (RowLength::Elements(count), Some(fixed)) => *count == fixed && !raw.is_null(row),
                (RowLength::Elements(_), None) => !raw.is_null(row),
            };
            if !as_listed {
                return Err(format!(
                    "row {row} of its row group is {length:?}, which the manifest contradicts"
                ));
            }
        }
        let expected = place.values.end - place.values.start;
        if self.fixed.is_none() && elements != expected {
            return Err(format!("a page of {elements} elements, but the manifest says {expected}"));
        }
        self.check_values(
            page,
            raw,
            place.values_offset - place.start..page.len() as u64,
            &decoded.values,
        )
    }

    /// Whether the values stand where the leaf has them.
    fn check_values(
        &self,
        page: &Bytes,
        raw: &RawChunk<'_>,
        at: Range<u64>,
        values: &Bytes,
    ) -> Result<(), String> {
        let stored = crate::snapshot::slice_map(page, &at).unwrap_or_default();
        let is_widened = u64::from(raw.item_bits()) != self.dtype.item_bits();
        let stored = if is_widened { narrow_32_to_16(&stored) } else { stored };
        match stored.starts_with(values) {
            true => Ok(()),
            false => Err(format!("its values do not begin {} bytes from its start", at.start)),
        }
    }
}
