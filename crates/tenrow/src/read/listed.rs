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
use crate::read::file_reader::FileReader;
use crate::read::options::PageChecks;

/// A raw column of lists in one row group.
pub(crate) struct ListedRows<'a> {
    pub(crate) file: FileReader<'a>,
    pub(crate) chunk: RawChunk<'a>,
    pub(crate) dtype: DType,
    pub(crate) shape: ListShape,
}

/// Rows, and where their elements lie.
#[derive(Default)]
struct Located {
    lengths: Vec<RowLength>,
    pieces: Vec<Piece>,
}

/// Some elements of a page: `count` of them from its element `first`.
struct Piece {
    page: RawPage,
    first: u64,
    count: u64,
}

impl ListedRows<'_> {
    /// The rows of `ranges`, one after another.
    pub(crate) async fn read(&self, ranges: &[Range<u64>]) -> Result<ListArray> {
        let found = self.locate(ranges).await?;
        let wanted: Vec<BitRange> = found.pieces.iter().map(|piece| self.bits(piece)).collect();
        let values = self.elements(&wanted).await?;
        let lengths = found.lengths;
        let has_nulls = lengths.contains(&RowLength::Null);
        let nulls = has_nulls
            .then(|| lengths.iter().map(|&row| row != RowLength::Null).collect::<NullBuffer>());
        let lengths = lengths.into_iter().map(|row| row.element_count() as usize);
        arrays::lists(self.dtype, self.shape.nullable_elements, lengths, values, nulls)
    }

    /// Which elements of the row group the rows of `ranges` have: one range for each of these, divided where a page ends.
    pub(crate) async fn element_ranges(&self, ranges: &[Range<u64>]) -> Result<Vec<Range<u64>>> {
        let found = self.locate(ranges).await?;
        let range = |piece: &Piece| {
            let start = piece.page.values.start + piece.first;
            start..start + piece.count
        };
        Ok(found.pieces.iter().map(range).collect())
    }

    /// Where the rows of `ranges` lie, by the levels of their pages; each page is looked at once if they ascend.
    async fn locate(&self, ranges: &[Range<u64>]) -> Result<Located> {
        let mut found = Located::default();
        let mut page_rows: Option<(usize, Vec<RowLength>)> = None;
        for range in ranges {
            let mut at = range.start;
            while at < range.end {
                let number = self.chunk.page_of_row(at).map_err(|e| self.file.corrupt(e))?;
                let page = self.chunk.page(number).map_err(|e| self.file.corrupt(e))?;
                if page_rows.as_ref().is_none_or(|(known, _)| *known != number) {
                    page_rows = Some((number, self.row_lengths(&page).await?));
                }
                let all = page_rows.as_ref().map_or(&[][..], |(_, rows)| rows);
                let end = range.end.min(page.rows.end);
                let start = (at - page.rows.start) as usize;
                let rows = &all[start..start + (end - at) as usize];
                let first = all[..start].iter().map(|row| row.element_count()).sum();
                let count = rows.iter().map(|row| row.element_count()).sum();
                found.pieces.push(Piece { page, first, count });
                found.lengths.extend_from_slice(rows);
                at = end;
            }
        }
        Ok(found)
    }

    fn bits(&self, piece: &Piece) -> BitRange {
        self.chunk.values_of(&piece.page, piece.first, piece.count)
    }

    /// Elements `window` of the flat stream of all rows' elements of the row group.
    pub(crate) async fn window(&self, window: Range<u64>) -> Result<ArrayRef> {
        let mut wanted = Vec::new();
        let mut at = window.start;
        while at < window.end {
            let number = self.chunk.page_of_value(at);
            let page = number.and_then(|number| self.chunk.page(number));
            let page = page.map_err(|e| self.file.corrupt(e))?;
            let end = window.end.min(page.values.end);
            wanted.push(self.chunk.values_of(&page, at - page.values.start, end - at));
            at = end;
        }
        self.elements(&wanted).await
    }

    async fn row_lengths(&self, page: &RawPage) -> Result<Vec<RowLength>> {
        let rows = if self.file.page_checks()? == PageChecks::Always {
            let whole = self.file.read(page.start..page.end).await?;
            let (dtype, shape) = (self.dtype, self.shape);
            self.file.decoding(|| decode_page(&whole, dtype, shape, u64::MAX, true))?.rows
        } else {
            let prefix = self.file.read(page.start..page.values_offset).await?;
            self.file.decoding(|| decode_row_lengths(&prefix, self.shape))?
        };
        let elements: u64 = rows.iter().map(|row| row.element_count()).sum();
        let as_listed = rows.len() as u64 == page.rows.end - page.rows.start
            && elements == page.values.end - page.values.start;
        if !as_listed {
            return Err(self.file.damaged(format!(
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
        let mut fetched = self.file.read_many(&ranges).await?;
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
