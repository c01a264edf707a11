//! Fixed-shape rows from raw pages: exact ranges, no copy where the rows are one piece of memory.

use std::ops::Range;

use arrow_array::ArrayRef;
use arrow_buffer::{BooleanBufferBuilder, Buffer, MutableBuffer, NullBuffer};
use bytes::Bytes;

use crate::error::Result;
use crate::format::{BitRange, DType, ListShape, RawChunk, decode_page, narrow_32_to_16};
use crate::read::arrays;
use crate::read::file_reader::FileReader;
use crate::read::options::PageChecks;
use crate::snapshot::slice_map;

/// Rows of one page that are to be read.
struct Segment {
    rows: Range<u64>,
    /// Where the values of its valid rows are, one after another.
    bits: BitRange,
    /// The whole page, if it is to be checked.
    check: Option<Range<u64>>,
}

/// A raw column of fixed-shape rows in one row group.
pub(crate) struct FixedRows<'a> {
    pub(crate) file: FileReader<'a>,
    pub(crate) chunk: RawChunk<'a>,
    pub(crate) dtype: DType,
    pub(crate) element_count: u64,
    pub(crate) nullable: bool,
}

impl FixedRows<'_> {
    /// The rows of `ranges`, one after another, as an Arrow array.
    pub(crate) async fn read(&self, ranges: &[Range<u64>]) -> Result<ArrayRef> {
        let segments = self.segments(ranges)?;
        let wanted: Vec<Range<u64>> = segments.iter().map(|s| s.fetched_range()).collect();
        let mut fetched = self.file.read_many(&wanted).await?;
        for (segment, bytes) in segments.iter().zip(&mut fetched) {
            if let Some(page) = &segment.check {
                self.check(bytes)?;
                let inside = segment.bits.bytes();
                let within =
                    inside.start.checked_sub(page.start).zip(inside.end.checked_sub(page.start));
                let within = within.and_then(|(start, end)| slice_map(bytes, &(start..end)));
                *bytes = within.ok_or_else(|| {
                    self.file.damaged(format!("values at {inside:?} of a page at {page:?}"))
                })?;
            }
        }
        let nulls = self.nulls(ranges);
        let row_count: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        let elements = (row_count * self.element_count) as usize;
        let values = match (self.dtype, nulls.is_none() && segments.len() == 1) {
            (DType::Bool, true) => {
                let offset = (segments[0].bits.start % 8) as usize;
                let bits = Buffer::from(fetched.remove(0));
                arrays::elements_at(self.dtype, bits, offset, elements)?
            }
            (DType::Bool, false) => self.assemble_bits(&segments, &fetched, elements)?,
            (_, true) => {
                let bytes = self.narrowed(fetched.remove(0));
                arrays::elements(self.dtype, Buffer::from(bytes), elements)?
            }
            (_, false) => self.assemble(&segments, fetched, elements)?,
        };
        arrays::fixed_lists(self.dtype, self.element_count, values, nulls)
    }

    /// Cuts the ranges at page boundaries.
    fn segments(&self, ranges: &[Range<u64>]) -> Result<Vec<Segment>> {
        let mut segments = Vec::with_capacity(ranges.len());
        for range in ranges {
            let mut at = range.start;
            while at < range.end {
                let page = self.chunk.page_of_row(at).and_then(|number| self.chunk.page(number));
                let page = page.map_err(|e| self.file.corrupt(e))?;
                let rows = at..range.end.min(page.rows.end);
                let rank = at - page.rows.start - self.chunk.null_count(page.rows.start..at);
                let valid = rows.end - rows.start - self.chunk.null_count(rows.clone());
                let bits = self.chunk.values_of(&page, rank, valid);
                let check = match self.file.page_checks()? {
                    PageChecks::Always => true,
                    PageChecks::Fetched => rows == page.rows,
                    PageChecks::Never => false,
                };
                at = rows.end;
                segments.push(Segment { rows, bits, check: check.then_some(page.start..page.end) });
            }
        }
        Ok(segments)
    }

    fn check(&self, page: &Bytes) -> Result<()> {
        let shape = ListShape { nullable: self.nullable, nullable_elements: true };
        self.file.decoding(|| decode_page(page, self.dtype, shape, u64::MAX, true)).map(drop)
    }

    /// Null rows among `ranges`, if there are any.
    fn nulls(&self, ranges: &[Range<u64>]) -> Option<NullBuffer> {
        if !self.chunk.has_nulls() {
            return None;
        }
        let rows = ranges.iter().cloned().flatten();
        let nulls: NullBuffer = rows.map(|row| !self.chunk.is_null(row)).collect();
        (nulls.null_count() > 0).then_some(nulls)
    }

    /// 16-bit integers that are stored in 32 bits become 16-bit again.
    fn narrowed(&self, stored: Bytes) -> Bytes {
        if self.chunk.item_bits() == 32 && self.dtype.item_bits() == 16 {
            narrow_32_to_16(&stored)
        } else {
            stored
        }
    }

    /// Joins segments, with zeros for null rows.
    fn assemble(
        &self,
        segments: &[Segment],
        fetched: Vec<Bytes>,
        elements: usize,
    ) -> Result<ArrayRef> {
        let row_bytes = (self.element_count * self.dtype.item_bits() / 8) as usize;
        let mut out =
            MutableBuffer::with_capacity(elements * (self.dtype.item_bits() / 8) as usize);
        for (segment, bytes) in segments.iter().zip(fetched) {
            let bytes = self.narrowed(bytes);
            let mut at = 0;
            for (run, is_null) in self.runs(segment.rows.clone()) {
                let len = (run.end - run.start) as usize * row_bytes;
                if is_null {
                    out.extend_zeros(len);
                } else {
                    out.extend_from_slice(&bytes[at..at + len]);
                    at += len;
                }
            }
        }
        arrays::elements(self.dtype, out.into(), elements)
    }

    fn assemble_bits(
        &self,
        segments: &[Segment],
        fetched: &[Bytes],
        elements: usize,
    ) -> Result<ArrayRef> {
        let mut out = BooleanBufferBuilder::new(elements);
        for (segment, bytes) in segments.iter().zip(fetched) {
            let mut at = (segment.bits.start % 8) as usize;
            for (run, is_null) in self.runs(segment.rows.clone()) {
                let len = ((run.end - run.start) * self.element_count) as usize;
                if is_null {
                    out.append_n(len, false);
                } else {
                    out.append_packed_range(at..at + len, bytes);
                    at += len;
                }
            }
        }
        arrays::elements(self.dtype, out.finish().into_inner(), elements)
    }

    /// Consecutive rows that are all null or all valid.
    fn runs(&self, rows: Range<u64>) -> Vec<(Range<u64>, bool)> {
        if !self.chunk.has_nulls() {
            return vec![(rows, false)];
        }
        let mut runs: Vec<(Range<u64>, bool)> = Vec::new();
        for row in rows {
            let is_null = self.chunk.is_null(row);
            match runs.last_mut() {
                Some((run, last)) if *last == is_null => run.end = row + 1,
                _ => runs.push((row..row + 1, is_null)),
            }
        }
        runs
    }
}

impl Segment {
    fn fetched_range(&self) -> Range<u64> {
        self.check.clone().unwrap_or_else(|| self.bits.bytes())
    }
}
