//! Numbers in lists, fixed or not: gathered from Arrow arrays, cut into pages, encoded.

use std::iter::repeat_n;
use std::ops::Range;

use arrow_array::{Array, FixedSizeListArray, ListArray};
use arrow_buffer::NullBuffer;
use bytes::Bytes;
use parquet::basic::{Compression, ZstdLevel};
use parquet::schema::types::ColumnDescPtr;

use crate::column::chunk::{
    ALIGNMENT, ChunkWriter, DataPage, EncodedChunk, PlacedPage, compress_zstd,
};
use crate::column::value_form::ValueForm;
use crate::column::values::Values;
use crate::dtype::DType;
use crate::encoding::{DEFAULT_ZSTD_LEVEL, Encoding};
use crate::error::{FormatError, Result};
use crate::limits;
use crate::manifest::{ChunkLayout, PageStart};
use crate::page::levels::{Definition, RowLength, definition_runs, encode_repetition};

/// Bytes of values in a raw page: large, since single rows are addressed anyway.
const RAW_PAGE_BYTES: u64 = 1 << 20;
/// Bytes of values in a compressed page: small, since one row decodes all of it.
const COMPRESSED_PAGE_BYTES: u64 = 128 << 10;
/// Rows of a page whose rows differ in length.
const MAX_LIST_PAGE_ROWS: usize = 1 << 16;
/// The largest page made only so that pages are equal and aligned.
const MAX_ALIGNED_PAGE_BYTES: u64 = 8 << 20;
/// Bytes that `auto` compresses to decide.
const SAMPLE_BYTES: usize = 512 << 10;

/// The lengths of the rows of a chunk.
#[derive(Debug, Clone)]
enum Rows {
    /// All rows have the same number of elements, and none is null.
    Equal {
        element_count: u64,
        row_count: usize,
    },
    Listed(Vec<RowLength>),
}

impl Rows {
    fn len(&self) -> usize {
        match self {
            Self::Equal { row_count, .. } => *row_count,
            Self::Listed(rows) => rows.len(),
        }
    }

    fn lengths(&self, range: Range<usize>) -> impl Iterator<Item = RowLength> + Clone {
        let (equal, listed) = match self {
            Self::Equal { element_count, .. } => {
                (Some(repeat_n(RowLength::Elements(*element_count), range.len())), None)
            }
            Self::Listed(rows) => (None, Some(rows[range].iter().copied())),
        };
        equal.into_iter().flatten().chain(listed.into_iter().flatten())
    }
}

/// One leaf column of numbers, gathered from any number of arrays.
pub(crate) struct RawColumn<'a> {
    name: &'a str,
    dtype: DType,
    definition: Definition,
    /// Elements of every valid row, if all rows have the same number.
    fixed: Option<u64>,
    rows: Rows,
    values: Values,
}

impl<'a> RawColumn<'a> {
    /// A column of rows of `fixed` elements each, or of any number of elements.
    pub(crate) fn new(
        name: &'a str,
        dtype: DType,
        definition: Definition,
        fixed: Option<u64>,
    ) -> Self {
        let rows = match fixed {
            Some(element_count) => Rows::Equal { element_count, row_count: 0 },
            None => Rows::Listed(Vec::new()),
        };
        Self { name, dtype, definition, fixed, rows, values: Values::new(dtype) }
    }

    /// Adds fixed-size lists; `nulls` are those of the row, which a struct around the list may hold.
    pub(crate) fn push_fixed(
        &mut self,
        list: &FixedSizeListArray,
        nulls: Option<&NullBuffer>,
    ) -> Result<()> {
        let element_count = self.fixed.unwrap_or_default();
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
        let valid = match nulls {
            None => vec![(0, list.len())],
            Some(nulls) => nulls.valid_slices().collect(),
        };
        for (start, end) in valid {
            let from = start * element_count as usize;
            self.push_values(list.values(), from, (end - start) * element_count as usize)?;
        }
        match (nulls, &mut self.rows) {
            (None, Rows::Equal { row_count, .. }) => *row_count += list.len(),
            (nulls, _) => {
                let lengths = (0..list.len()).map(|row| match nulls {
                    Some(nulls) if nulls.is_null(row) => RowLength::Null,
                    _ => RowLength::Elements(element_count),
                });
                self.listed().extend(lengths);
            }
        }
        Ok(())
    }

    /// Adds lists of any length; `nulls` are those of the row.
    pub(crate) fn push_lists(
        &mut self,
        list: &ListArray,
        nulls: Option<&NullBuffer>,
    ) -> Result<()> {
        let offsets = list.value_offsets();
        let valid = match nulls {
            None => vec![(0, list.len())],
            Some(nulls) => nulls.valid_slices().collect(),
        };
        for (start, end) in valid {
            let (from, to) = (offsets[start] as usize, offsets[end] as usize);
            self.push_values(list.values(), from, to - from)?;
        }
        for (row, pair) in offsets.windows(2).enumerate() {
            let length = match nulls {
                Some(nulls) if nulls.is_null(row) => RowLength::Null,
                _ => RowLength::Elements((pair[1] - pair[0]) as u64),
            };
            let bytes = length.element_count() * self.dtype.item_bits() / 8;
            if bytes > limits::MAX_ROW_BYTES {
                return Err(FormatError::Limit {
                    what: "the size of a row",
                    found: bytes,
                    limit: limits::MAX_ROW_BYTES,
                });
            }
            self.listed().push(length);
        }
        Ok(())
    }

    fn push_values(&mut self, values: &dyn Array, start: usize, count: usize) -> Result<()> {
        if values.null_count() > 0 && values.slice(start, count).null_count() > 0 {
            return Err(FormatError::WrongType {
                name: self.name.to_owned(),
                found: "a tensor with null elements".into(),
                expected: "tensors whose elements are all there (whole rows may be null)".into(),
            });
        }
        self.values.push(values, start, count);
        Ok(())
    }

    fn listed(&mut self) -> &mut Vec<RowLength> {
        if let Rows::Equal { .. } = self.rows {
            let lengths = self.rows.lengths(0..self.rows.len()).collect();
            self.rows = Rows::Listed(lengths);
        }
        match &mut self.rows {
            Rows::Listed(rows) => rows,
            Rows::Equal { .. } => unreachable!("replaced just above"),
        }
    }

    /// Encodes the chunk as asked.
    pub(crate) fn encode(self, descriptor: ColumnDescPtr, asked: Encoding) -> Result<EncodedChunk> {
        let asked = match asked {
            Encoding::Auto => choose(&self.values, self.dtype)?,
            asked => asked,
        };
        let (form, values) = ValueForm::choose(self.dtype, self.values, asked);
        let mut chunk = Pages {
            definition: self.definition,
            fixed: self.fixed,
            rows: self.rows,
            values,
            writer: ChunkWriter::new(form.encoding),
            form,
        };
        match asked {
            Encoding::Zstd(level) | Encoding::ByteStreamSplitZstd(level) => {
                chunk.encode_compressed(descriptor, level)
            }
            Encoding::Raw | Encoding::Auto => chunk.encode_raw(descriptor),
        }
    }
}

/// Compresses a sample: whatever shrinks it most, if that is by a fifth or more.
fn choose(values: &Values, dtype: DType) -> Result<Encoding> {
    let sample = values.sample(SAMPLE_BYTES);
    let mut best = (sample.len() - sample.len() / 5, Encoding::Raw);
    let plain = compress_zstd(&sample, DEFAULT_ZSTD_LEVEL)?.len();
    if plain < best.0 {
        best = (plain, Encoding::Zstd(DEFAULT_ZSTD_LEVEL));
    }
    if dtype.splits_into_bytes() {
        let item_bytes = (dtype.item_bits() / 8) as usize;
        let split =
            compress_zstd(&byte_stream_split(&sample, item_bytes), DEFAULT_ZSTD_LEVEL)?.len();
        if split < best.0 {
            best = (split, Encoding::ByteStreamSplitZstd(DEFAULT_ZSTD_LEVEL));
        }
    }
    Ok(best.1)
}

/// Byte `j` of every element, for `j` in turn.
fn byte_stream_split(plain: &[u8], item_bytes: usize) -> Vec<u8> {
    (0..item_bytes).flat_map(|j| plain.iter().copied().skip(j).step_by(item_bytes)).collect()
}

/// The pages of one chunk being written.
struct Pages {
    definition: Definition,
    fixed: Option<u64>,
    rows: Rows,
    values: Values,
    writer: ChunkWriter,
    form: ValueForm,
}

impl Pages {
    fn encode_raw(&mut self, descriptor: ColumnDescPtr) -> Result<EncodedChunk> {
        if let Some(dictionary) = &self.form.dictionary {
            self.writer.push_dictionary(dictionary, None)?;
        }
        let ranges = self.cut(RAW_PAGE_BYTES, true);
        let mut placed = Vec::with_capacity(ranges.len());
        for range in &ranges {
            let (page, elements) = self.page(range.clone());
            let mut values = self.values.take(elements);
            let pad = self.form.pad(elements);
            if pad > 0 {
                values.push(Bytes::from(vec![0; pad]));
            }
            let uncompressed_values = sum_len(&values) + page.value_head.len() as u64;
            placed.push(self.writer.push_page(DataPage { values, uncompressed_values, ..page })?);
        }
        let layout = match &self.rows {
            Rows::Equal { .. } => strided(self.form.item_bits, &ranges, &placed),
            Rows::Listed(_) => None,
        };
        let layout = layout.unwrap_or_else(|| self.paged(&ranges, &placed));
        self.take_writer().finish(descriptor, Compression::UNCOMPRESSED, layout)
    }

    fn encode_compressed(&mut self, descriptor: ColumnDescPtr, level: i32) -> Result<EncodedChunk> {
        if let Some(dictionary) = &self.form.dictionary {
            self.writer.push_dictionary(dictionary, Some(level))?;
        }
        for range in self.cut(COMPRESSED_PAGE_BYTES, false) {
            let (mut page, elements) = self.page(range);
            let mut plain = std::mem::take(&mut page.value_head);
            self.values.take(elements).iter().for_each(|piece| plain.extend_from_slice(piece));
            plain.resize(plain.len() + self.form.pad(elements), 0);
            if self.form.split {
                plain = byte_stream_split(&plain, usize::from(self.form.item_bits / 8));
            }
            let values = vec![Bytes::from(compress_zstd(&plain, level)?)];
            let uncompressed_values = plain.len() as u64;
            self.writer.push_page(DataPage {
                values,
                uncompressed_values,
                is_compressed: true,
                ..page
            })?;
        }
        let level = ZstdLevel::try_new(level).map_err(FormatError::parquet("a zstd level"))?;
        let layout = ChunkLayout::Indexed { offset_index: None };
        self.take_writer().finish(descriptor, Compression::ZSTD(level), layout)
    }

    fn take_writer(&mut self) -> ChunkWriter {
        std::mem::replace(&mut self.writer, ChunkWriter::new(0))
    }

    /// The page of these rows but for its values, and how many elements those are.
    fn page(&self, range: Range<usize>) -> (DataPage, u64) {
        let row_count = range.len() as u64;
        let lengths = self.rows.lengths(range);
        let elements = lengths.clone().map(RowLength::element_count).sum();
        let page = DataPage {
            row_count,
            value_count: elements,
            repetition: encode_repetition(lengths.clone()),
            definitions: definition_runs(self.definition, lengths),
            value_head: self.form.head(elements),
            values: Vec::new(),
            uncompressed_values: 0,
            is_compressed: false,
        };
        (page, elements)
    }

    /// Cuts the rows into pages of about `target` bytes of values.
    fn cut(&self, target: u64, equal_pages: bool) -> Vec<Range<usize>> {
        let item_bits = u64::from(self.form.item_bits);
        match &self.rows {
            Rows::Equal { element_count, row_count } => {
                let row_bits = (element_count * item_bits).max(1);
                let rows = rows_per_page(row_bits, target, equal_pages);
                (0..*row_count).step_by(rows).map(|at| at..(at + rows).min(*row_count)).collect()
            }
            Rows::Listed(rows) => {
                let mut ranges = Vec::new();
                let (mut start, mut bits) = (0, 0);
                for (row, length) in rows.iter().enumerate() {
                    bits += length.element_count() * item_bits;
                    if bits >= target * 8 || row + 1 - start == MAX_LIST_PAGE_ROWS {
                        ranges.push(start..row + 1);
                        (start, bits) = (row + 1, 0);
                    }
                }
                if start < rows.len() {
                    ranges.push(start..rows.len());
                }
                ranges
            }
        }
    }

    fn paged(&self, ranges: &[Range<usize>], placed: &[PlacedPage]) -> ChunkLayout {
        // A value is a valid row of a fixed shape, but an element of a list.
        let values_in = |range: Range<usize>| -> u64 {
            let lengths = self.rows.lengths(range);
            match self.fixed {
                Some(_) => lengths.filter(|&length| length != RowLength::Null).count() as u64,
                None => lengths.map(RowLength::element_count).sum(),
            }
        };
        let mut value_count = 0;
        let mut pages = Vec::with_capacity(ranges.len());
        for (range, page) in ranges.iter().zip(placed) {
            pages.push(PageStart {
                first_row: range.start as u64,
                first_value: value_count,
                values_offset: page.values,
            });
            value_count += values_in(range.clone());
        }
        let null_rows = match &self.rows {
            Rows::Listed(rows) if rows.contains(&RowLength::Null) => null_bitmap(rows),
            _ => Vec::new(),
        };
        ChunkLayout::Paged {
            item_bits: self.form.item_bits,
            first_page: placed.first().map_or(0, |page| page.start),
            value_count,
            pages,
            null_rows,
        }
    }
}

/// Rows that fill a page of about `target` bytes; a number that keeps equal pages aligned if it can.
fn rows_per_page(row_bits: u64, target: u64, equal_pages: bool) -> usize {
    let rows = (target * 8 / row_bits).max(1);
    // The smallest number of rows that ends on an aligned byte.
    let unit = ALIGNMENT * 8 / gcd(row_bits, ALIGNMENT * 8);
    let aligned = rows.div_ceil(unit) * unit;
    let fits = equal_pages && aligned * row_bits <= MAX_ALIGNED_PAGE_BYTES.max(target) * 8;
    usize::try_from(if fits { aligned } else { rows }).unwrap_or(usize::MAX)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Five integers, if the pages are as regular as that.
fn strided(item_bits: u8, ranges: &[Range<usize>], placed: &[PlacedPage]) -> Option<ChunkLayout> {
    let (first, last) = (placed.first()?, placed.last()?);
    let prefix = first.values - first.start;
    let page_stride = first.end - first.start;
    let regular = placed.iter().enumerate().all(|(i, page)| {
        page.start == first.start + i as u64 * page_stride
            && (i + 1 == placed.len() || page.values - page.start == prefix)
    });
    regular.then(|| ChunkLayout::Strided {
        item_bits,
        first_page: first.start,
        page_stride,
        page_rows: ranges[0].len() as u64,
        prefix: prefix as u32,
        last_prefix: (last.values - last.start) as u32,
    })
}

/// One bit a row, the least significant first; 1 is null.
fn null_bitmap(rows: &[RowLength]) -> Vec<u8> {
    let mut bitmap = vec![0u8; rows.len().div_ceil(8)];
    for (row, _) in rows.iter().enumerate().filter(|(_, length)| **length == RowLength::Null) {
        bitmap[row / 8] |= 1 << (row % 8);
    }
    bitmap
}

fn sum_len(pieces: &[Bytes]) -> u64 {
    pieces.iter().map(|piece| piece.len() as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_pages_end_aligned() {
        for row_bits in [8, 8 * 37, 32 * 784, 8 * 150_528, 1, 3, 64] {
            let rows = rows_per_page(row_bits, RAW_PAGE_BYTES, true) as u64;
            assert_eq!(rows * row_bits % (ALIGNMENT * 8), 0, "{row_bits}");
        }
    }

    #[test]
    fn a_row_that_cannot_be_aligned_in_time_has_its_own_page() {
        assert_eq!(rows_per_page(8 * 10_000_001, RAW_PAGE_BYTES, true), 1);
    }

    #[test]
    fn byte_streams_are_split() {
        assert_eq!(byte_stream_split(&[1, 2, 3, 4], 2), [1, 3, 2, 4]);
    }

    /// Seven bits of chance in each byte shrink by an eighth, six by a quarter.
    #[test]
    fn auto_compresses_what_shrinks_by_a_fifth_and_nothing_else() {
        let of = |mask: u8| {
            let mut state = 1u64;
            let bytes: Vec<u8> = (0..100_000)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 40) as u8 & mask
                })
                .collect();
            let mut values = Values::new(DType::U8);
            values.push(&arrow_array::UInt8Array::from(bytes), 0, 100_000);
            choose(&values, DType::U8).unwrap()
        };
        assert_eq!(of(0x7f), Encoding::Raw);
        assert_eq!(of(0x3f), Encoding::Zstd(DEFAULT_ZSTD_LEVEL));
    }

    /// Rows that are aligned only many together would make a page of them all.
    #[test]
    fn pages_grow_to_be_aligned_as_far_as_that_is_allowed() {
        let odd = 8 * 99_999;
        let rows = rows_per_page(odd, RAW_PAGE_BYTES, true) as u64;
        assert_eq!(rows * odd % (ALIGNMENT * 8), 0);
        assert!((RAW_PAGE_BYTES..=MAX_ALIGNED_PAGE_BYTES).contains(&(rows * odd / 8)), "{rows}");
    }
}
