//! Pages that have to be taken whole: compressed tensors, and the bytes of files.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::BinaryBuilder;
use arrow_array::{ArrayRef, BinaryArray};
use arrow_buffer::{BooleanBufferBuilder, MutableBuffer, NullBuffer};
use bytes::Bytes;
use parquet::file::metadata::ParquetMetaData;

use crate::error::Result;
use crate::format::{DType, DecodedPage, ListShape, RowLength, decode_bytes_page, decode_page};
use crate::read::arrays;
use crate::read::file_reader::FileReader;

/// A page and the rows of it that are wanted, counted from the page's first.
struct Wanted {
    bytes: Range<u64>,
    row_count: u64,
    rows: Vec<Range<u64>>,
}

/// One column chunk whose pages are found by its offset index.
pub(crate) struct PagedRows<'a> {
    pub(crate) file: FileReader<'a>,
    pub(crate) metadata: Arc<ParquetMetaData>,
    pub(crate) row_group: usize,
    pub(crate) column: usize,
    pub(crate) row_count: u64,
}

impl PagedRows<'_> {
    /// Fixed-shape tensors of the rows of `ranges`.
    pub(crate) async fn read_fixed(
        &self,
        ranges: &[Range<u64>],
        dtype: DType,
        element_count: u64,
        nullable: bool,
    ) -> Result<ArrayRef> {
        let wanted = self.wanted(ranges)?;
        let places: Vec<_> = wanted.iter().map(|page| page.bytes.clone()).collect();
        let pages = self.file.read_many(&places).await?;
        let shape = ListShape { nullable, nullable_elements: true };
        let mut joined = Joined::new(dtype, element_count);
        for (want, page) in wanted.iter().zip(pages) {
            let most = want.row_count * element_count;
            let check = self.file.checks_whole_pages()?;
            let page = self.file.decoding(|| decode_page(&page, dtype, shape, most, check))?;
            self.check_rows(page.rows.len(), want)?;
            joined.add(&page, &want.rows).map_err(|reason| self.file.damaged(reason))?;
        }
        joined.finish()
    }

    /// Byte strings of the rows of `ranges`; `levels` is the definition level of a value.
    pub(crate) async fn read_bytes(
        &self,
        ranges: &[Range<u64>],
        nullable: bool,
    ) -> Result<BinaryArray> {
        let wanted = self.wanted(ranges)?;
        let places: Vec<_> = wanted.iter().map(|page| page.bytes.clone()).collect();
        let pages = self.file.read_many(&places).await?;
        let mut out = BinaryBuilder::new();
        for (want, page) in wanted.iter().zip(pages) {
            let values = self.decode_bytes(&page, nullable)?;
            self.check_rows(values.len(), want)?;
            for row in want.rows.iter().cloned().flatten() {
                out.append_option(values[row as usize].as_ref());
            }
        }
        Ok(out.finish())
    }

    /// The bytes of one row, without a copy if they are not compressed; `None` if it has none.
    pub(crate) async fn read_one(&self, row: u64, nullable: bool) -> Result<Option<Bytes>> {
        let wanted = self.wanted(std::slice::from_ref(&(row..row + 1)))?;
        let Some(want) = wanted.first() else { return Ok(None) };
        let page = self.file.read(want.bytes.clone()).await?;
        let mut values = self.decode_bytes(&page, nullable)?;
        self.check_rows(values.len(), want)?;
        Ok(values.swap_remove(want.rows[0].start as usize))
    }

    fn decode_bytes(&self, page: &Bytes, nullable: bool) -> Result<Vec<Option<Bytes>>> {
        let check = self.file.checks_whole_pages()?;
        self.file.decoding(|| decode_bytes_page(page, nullable, check))
    }

    fn check_rows(&self, found: usize, want: &Wanted) -> Result<()> {
        if found as u64 == want.row_count {
            return Ok(());
        }
        Err(self.file.damaged(format!(
            "a page of {found} rows, but the offset index says {}",
            want.row_count
        )))
    }

    /// The pages that hold the rows of `ranges`, which ascend.
    fn wanted(&self, ranges: &[Range<u64>]) -> Result<Vec<Wanted>> {
        let index =
            self.metadata.offset_index().and_then(|i| i.get(self.row_group)?.get(self.column));
        let Some(index) = index else {
            return Err(self.file.damaged("a chunk has no offset index".into()));
        };
        let pages = index.page_locations();
        let bounds: Vec<u64> =
            pages.iter().map(|page| page.first_row_index.max(0) as u64).collect();
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut last_page = usize::MAX;
        for range in ranges {
            let mut at = range.start;
            while at < range.end {
                let number = bounds.partition_point(|&first| first <= at).wrapping_sub(1);
                let Some(page) = pages.get(number) else {
                    return Err(self.file.damaged("an offset index without a first page".into()));
                };
                let (first, end) =
                    (bounds[number], *bounds.get(number + 1).unwrap_or(&self.row_count));
                if end <= at || page.offset < 0 || page.compressed_page_size < 0 {
                    return Err(self.file.damaged("an offset index out of order".into()));
                }
                let rows = at - first..range.end.min(end) - first;
                at = range.end.min(end);
                if number == last_page {
                    wanted.last_mut().expect("pushed with last_page").rows.push(rows);
                    continue;
                }
                last_page = number;
                let start = page.offset as u64;
                let bytes = start..start + page.compressed_page_size as u64;
                wanted.push(Wanted { bytes, row_count: end - first, rows: vec![rows] });
            }
        }
        Ok(wanted)
    }
}

/// Rows of decoded pages, one after another.
struct Joined {
    dtype: DType,
    element_count: u64,
    bytes: MutableBuffer,
    bits: BooleanBufferBuilder,
    valid: Vec<bool>,
}

impl Joined {
    fn new(dtype: DType, element_count: u64) -> Self {
        let (bytes, bits) = (MutableBuffer::new(0), BooleanBufferBuilder::new(0));
        Self { dtype, element_count, bytes, bits, valid: Vec::new() }
    }

    fn add(&mut self, page: &DecodedPage, wanted: &[Range<u64>]) -> Result<(), String> {
        let n = self.element_count;
        let row_bytes = (n * self.dtype.item_bits() / 8) as usize;
        let mut rank = 0u64;
        let mut next = 0;
        for (row, length) in page.rows.iter().enumerate() {
            if next < wanted.len() && wanted[next].end <= row as u64 {
                next += 1;
            }
            let is_wanted = next < wanted.len() && wanted[next].contains(&(row as u64));
            match length {
                RowLength::Null if is_wanted => {
                    self.valid.push(false);
                    match self.dtype {
                        DType::Bool => self.bits.append_n(n as usize, false),
                        _ => self.bytes.extend_zeros(row_bytes),
                    }
                }
                RowLength::Null => {}
                RowLength::Elements(count) if *count != n => {
                    return Err(format!("a row of {count} elements in a tensor of {n}"));
                }
                RowLength::Elements(_) => {
                    if is_wanted {
                        self.valid.push(true);
                        self.copy(page, rank, row_bytes);
                    }
                    rank += 1;
                }
            }
        }
        Ok(())
    }

    fn copy(&mut self, page: &DecodedPage, rank: u64, row_bytes: usize) {
        if self.dtype == DType::Bool {
            let start = (rank * self.element_count) as usize;
            let end = start + self.element_count as usize;
            self.bits.append_packed_range(start..end, &page.values);
        } else {
            let start = rank as usize * row_bytes;
            self.bytes.extend_from_slice(&page.values[start..start + row_bytes]);
        }
    }

    fn finish(mut self) -> Result<ArrayRef> {
        let elements = self.valid.len() * self.element_count as usize;
        let buffer = match self.dtype {
            DType::Bool => self.bits.finish().into_inner(),
            _ => self.bytes.into(),
        };
        let values = arrays::elements(self.dtype, buffer, elements)?;
        let nulls = self.valid.contains(&false).then(|| NullBuffer::from(self.valid));
        arrays::fixed_lists(self.dtype, self.element_count, values, nulls)
    }
}
