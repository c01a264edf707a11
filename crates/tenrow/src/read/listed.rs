//! Lists of numbers from raw pages: row lengths from the levels, elements by exact ranges.

use std::ops::Range;

use arrow_array::{ArrayRef, ListArray};
use arrow_buffer::{BooleanBufferBuilder, Buffer, MutableBuffer, NullBuffer};
use bytes::Bytes;

use crate::error::Result;
use crate::format::{
    BitRange, DType, ListShape, RawChunk, RawPage, RowLength, decode_page, decode_row_lengths,
    narrow_32_to_16,
};
use crate::read::arrays;
use crate::read::options::Verify;
use crate::read::source::Source;

/// A raw column of lists in one row group.
pub(crate) struct ListedRows<'a> {
    pub(crate) source: Source<'a>,
    pub(crate) chunk: RawChunk<'a>,
    pub(crate) dtype: DType,
    pub(crate) shape: ListShape,
}

impl ListedRows<'_> {
    /// The rows of `ranges`, one after another.
    pub(crate) async fn read(&self, ranges: &[Range<u64>]) -> Result<ListArray> {
        let mut lengths: Vec<RowLength> = Vec::new();
        let mut wanted: Vec<BitRange> = Vec::new();
        let mut page_rows: Option<(usize, Vec<RowLength>)> = None;
        for range in ranges {
            let mut at = range.start;
            while at < range.end {
                let number = self.chunk.page_of_row(at).map_err(|e| self.source.corrupt(e))?;
                let page = self.chunk.page(number).map_err(|e| self.source.corrupt(e))?;
                if page_rows.as_ref().is_none_or(|(known, _)| *known != number) {
                    page_rows = Some((number, self.row_lengths(&page).await?));
                }
                let all = page_rows.as_ref().map_or(&[][..], |(_, rows)| rows);
                let end = range.end.min(page.rows.end);
                let first = (at - page.rows.start) as usize;
                let rows = &all[first..first + (end - at) as usize];
                let before: u64 = all[..first].iter().map(|row| row.element_count()).sum();
                let elements: u64 = rows.iter().map(|row| row.element_count()).sum();
                wanted.push(self.chunk.values_of(&page, before, elements));
                lengths.extend_from_slice(rows);
                at = end;
            }
        }
        let values = self.elements(&wanted).await?;
        let has_nulls = lengths.contains(&RowLength::Null);
        let nulls = has_nulls
            .then(|| lengths.iter().map(|&row| row != RowLength::Null).collect::<NullBuffer>());
        let lengths = lengths.into_iter().map(|row| row.element_count() as usize);
        arrays::lists(self.dtype, self.shape.nullable_elements, lengths, values, nulls)
    }

    /// Elements `window` of the flat stream of all rows' elements of the row group.
    pub(crate) async fn window(&self, window: Range<u64>) -> Result<ArrayRef> {
        let mut wanted = Vec::new();
        let mut at = window.start;
        while at < window.end {
            let number = self.chunk.page_of_value(at);
            let page = number.and_then(|number| self.chunk.page(number));
            let page = page.map_err(|e| self.source.corrupt(e))?;
            let end = window.end.min(page.values.end);
            wanted.push(self.chunk.values_of(&page, at - page.values.start, end - at));
            at = end;
        }
        self.elements(&wanted).await
    }

    async fn row_lengths(&self, page: &RawPage) -> Result<Vec<RowLength>> {
        let rows = if self.source.verify()? == Verify::Always {
            let whole = self.source.read(page.start..page.end).await?;
            let (dtype, shape) = (self.dtype, self.shape);
            self.source.decoding(|| decode_page(&whole, dtype, shape, u64::MAX, true))?.rows
        } else {
            let prefix = self.source.read(page.start..page.values_offset).await?;
            self.source.decoding(|| decode_row_lengths(&prefix, self.shape))?
        };
        let elements: u64 = rows.iter().map(|row| row.element_count()).sum();
        let as_listed = rows.len() as u64 == page.rows.end - page.rows.start
            && elements == page.values.end - page.values.start;
        if !as_listed {
            return Err(self.source.damaged(format!(
                "a page of {} rows and {elements} elements, but the manifest says {:?} and {:?}",
                rows.len(),
                page.rows,
                page.values
            )));
        }
        Ok(rows)
    }

    /// The elements of these places, one after another; not copied if they are one piece.
    async fn elements(&self, wanted: &[BitRange]) -> Result<ArrayRef> {
        let item_bits = u64::from(self.chunk.item_bits());
        let count = (wanted.iter().map(|bits| bits.len).sum::<u64>() / item_bits.max(1)) as usize;
        let ranges: Vec<Range<u64>> = wanted.iter().map(|bits| bits.bytes()).collect();
        let mut fetched = self.source.read_many(&ranges).await?;
        if self.dtype == DType::Bool {
            let mut out = BooleanBufferBuilder::new(count);
            for (bits, bytes) in wanted.iter().zip(&fetched) {
                let start = (bits.start % 8) as usize;
                out.append_packed_range(start..start + bits.len as usize, bytes);
            }
            return arrays::elements(self.dtype, out.finish().into_inner(), count);
        }
        let narrow = item_bits == 32 && self.dtype.item_bits() == 16;
        let narrowed = |bytes: Bytes| if narrow { narrow_32_to_16(&bytes) } else { bytes };
        let values = match fetched.len() {
            1 => Buffer::from(narrowed(fetched.remove(0))),
            _ => {
                let mut out = MutableBuffer::new(0);
                fetched.into_iter().for_each(|bytes| out.extend_from_slice(&narrowed(bytes)));
                out.into()
            }
        };
        arrays::elements(self.dtype, values, count)
    }
}
