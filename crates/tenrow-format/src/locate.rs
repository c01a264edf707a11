//! Where the rows of a raw column chunk are: pure arithmetic over its [`ChunkLayout`].

use std::ops::Range;

use crate::error::{FormatError, Result};
use crate::manifest::{ChunkLayout, PageStart};

/// Bits in a file: `start` counts from the file's first bit, so that booleans have addresses too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BitRange {
    /// The first bit, counted from the front of the file.
    pub start: u64,
    /// How many bits.
    pub len: u64,
}

impl BitRange {
    /// The smallest range of whole bytes around it.
    pub fn bytes(self) -> Range<u64> {
        self.start / 8..self.start.saturating_add(self.len).div_ceil(8)
    }
}

/// One page of a raw chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawPage {
    /// The rows of the chunk that it holds.
    pub rows: Range<u64>,
    /// The values of the chunk that it holds: valid rows of a fixed shape, elements of lists.
    pub values: Range<u64>,
    /// File offset of its header.
    pub start: u64,
    /// File offset of its values.
    pub values_offset: u64,
    /// File offset of its end, pad included.
    pub end: u64,
}

/// A raw column chunk: addresses of rows without reading anything.
///
/// A *value* is what `value_bits` measures: a whole row for fixed shapes, an element for lists.
#[derive(Debug, Clone, Copy)]
pub struct RawChunk<'a> {
    layout: &'a ChunkLayout,
    row_count: u64,
    /// The number of the last page, if pages lie at strides.
    last_page: u64,
    value_bits: u64,
    /// Elements of a value: values are padded to multiples of eight elements where this is `Some`.
    padded_elements: Option<u64>,
}

impl<'a> RawChunk<'a> {
    /// The chunk of `row_count` rows whose values are `elements` elements each; `integers` says
    /// whether its dtype is an integer type. `None` if the chunk is not raw.
    pub fn new(
        layout: &'a ChunkLayout,
        row_count: u64,
        elements: u64,
        integers: bool,
    ) -> Option<Self> {
        let item_bits = match layout {
            ChunkLayout::Strided { item_bits, .. } | ChunkLayout::Paged { item_bits, .. } => {
                *item_bits
            }
            ChunkLayout::Indexed { .. } => return None,
        };
        let last_page = match layout {
            ChunkLayout::Strided { page_rows, .. } => {
                row_count.saturating_sub(1).checked_div(*page_rows).unwrap_or(0)
            }
            _ => 0,
        };
        let in_dictionary = integers && matches!(item_bits, 8 | 16);
        Some(Self {
            layout,
            row_count,
            last_page,
            value_bits: elements * u64::from(item_bits),
            padded_elements: in_dictionary.then_some(elements),
        })
    }

    /// Stored bits of one element.
    pub fn item_bits(&self) -> u8 {
        match self.layout {
            ChunkLayout::Strided { item_bits, .. } | ChunkLayout::Paged { item_bits, .. } => {
                *item_bits
            }
            ChunkLayout::Indexed { .. } => 0,
        }
    }

    /// Bits of one value.
    pub fn value_bits(&self) -> u64 {
        self.value_bits
    }

    /// Values of the chunk.
    pub fn value_count(&self) -> u64 {
        match self.layout {
            ChunkLayout::Paged { value_count, .. } => *value_count,
            _ => self.row_count,
        }
    }

    /// True if rows may be null.
    pub fn has_nulls(&self) -> bool {
        matches!(self.layout, ChunkLayout::Paged { null_rows, .. } if !null_rows.is_empty())
    }

    /// True if `row` is null.
    pub fn is_null(&self, row: u64) -> bool {
        match self.layout {
            ChunkLayout::Paged { null_rows, .. } => {
                null_rows.get((row / 8) as usize).is_some_and(|byte| byte >> (row % 8) & 1 == 1)
            }
            _ => false,
        }
    }

    /// Where `row` of a fixed shape is; `None` if it is null.
    ///
    /// # Errors
    /// [`FormatError::Malformed`] if the row is not in the chunk.
    #[inline]
    pub fn locate(&self, row: u64) -> Result<Option<BitRange>> {
        if row >= self.row_count {
            return Err(outside(row, self.row_count));
        }
        let len = self.value_bits;
        if let ChunkLayout::Strided {
            first_page,
            page_stride,
            page_rows,
            prefix,
            last_prefix,
            ..
        } = self.layout
        {
            let page = row / page_rows;
            let prefix = if page == self.last_page { *last_prefix } else { *prefix };
            let values = first_page + page * page_stride + u64::from(prefix);
            return Ok(Some(bits_at(values, row - page * page_rows, len)));
        }
        if self.is_null(row) {
            return Ok(None);
        }
        let page = self.page(self.page_of_row(row)?)?;
        let rank = row - page.rows.start - self.null_count(page.rows.start..row);
        Ok(Some(bits_at(page.values_offset, rank, len)))
    }

    /// Null rows among `rows`.
    pub fn null_count(&self, rows: Range<u64>) -> u64 {
        let ChunkLayout::Paged { null_rows, .. } = self.layout else { return 0 };
        if null_rows.is_empty() {
            return 0;
        }
        let ones_below = |end: u64| -> u64 {
            let (first, last) = ((rows.start / 8) as usize, (end / 8) as usize);
            let whole: u64 = null_rows
                .get(first..last)
                .unwrap_or_default()
                .iter()
                .map(|b| u64::from(b.count_ones()))
                .sum();
            let rest =
                null_rows.get(last).copied().unwrap_or_default() & ((1u16 << (end % 8)) - 1) as u8;
            whole + u64::from(rest.count_ones())
        };
        let before = {
            let byte = null_rows.get((rows.start / 8) as usize).copied().unwrap_or_default();
            u64::from((byte & ((1u16 << (rows.start % 8)) - 1) as u8).count_ones())
        };
        ones_below(rows.end) - before
    }

    /// Pages of the chunk.
    pub fn page_count(&self) -> usize {
        match self.layout {
            ChunkLayout::Strided { page_rows, .. } => self.row_count.div_ceil(*page_rows) as usize,
            ChunkLayout::Paged { pages, .. } => pages.len(),
            ChunkLayout::Indexed { .. } => 0,
        }
    }

    /// The page that holds `row`.
    ///
    /// # Errors
    /// [`FormatError::Malformed`] if the row is not in the chunk.
    pub fn page_of_row(&self, row: u64) -> Result<usize> {
        if row >= self.row_count {
            return Err(outside(row, self.row_count));
        }
        Ok(match self.layout {
            ChunkLayout::Strided { page_rows, .. } => (row / page_rows) as usize,
            ChunkLayout::Paged { pages, .. } => pages.partition_point(|p| p.first_row <= row) - 1,
            ChunkLayout::Indexed { .. } => 0,
        })
    }

    /// The page that holds `value`, an element of the flat stream of a list column.
    ///
    /// # Errors
    /// [`FormatError::Malformed`] if the value is not in the chunk.
    pub fn page_of_value(&self, value: u64) -> Result<usize> {
        if value >= self.value_count() {
            return Err(outside(value, self.value_count()));
        }
        Ok(match self.layout {
            ChunkLayout::Strided { page_rows, .. } => (value / page_rows) as usize,
            ChunkLayout::Paged { pages, .. } => {
                pages.partition_point(|p| p.first_value <= value) - 1
            }
            ChunkLayout::Indexed { .. } => 0,
        })
    }

    /// Page number `page`.
    ///
    /// # Errors
    /// [`FormatError::Malformed`] if there is no such page.
    pub fn page(&self, page: usize) -> Result<RawPage> {
        match self.layout {
            ChunkLayout::Strided {
                first_page,
                page_stride,
                page_rows,
                prefix,
                last_prefix,
                ..
            } if page < self.page_count() => {
                let rows =
                    page as u64 * page_rows..((page as u64 + 1) * page_rows).min(self.row_count);
                let is_last = page + 1 == self.page_count();
                let start = first_page + page as u64 * page_stride;
                let values_offset = start + u64::from(if is_last { *last_prefix } else { *prefix });
                let end = values_offset.saturating_add(self.values_len(rows.end - rows.start));
                Ok(RawPage { values: rows.clone(), rows, start, values_offset, end })
            }
            ChunkLayout::Paged { first_page, pages, value_count, .. } if page < pages.len() => {
                let bounds = |i: usize| match pages.get(i) {
                    Some(PageStart { first_row, first_value, .. }) => (*first_row, *first_value),
                    None => (self.row_count, *value_count),
                };
                let ((row, value), (row_end, value_end)) = (bounds(page), bounds(page + 1));
                let ends_at = |i: usize| {
                    let (from, to) = (bounds(i).1, bounds(i + 1).1);
                    pages[i].values_offset.saturating_add(self.values_len(to - from))
                };
                let start = if page == 0 { *first_page } else { ends_at(page - 1) };
                Ok(RawPage {
                    rows: row..row_end,
                    values: value..value_end,
                    start,
                    values_offset: pages[page].values_offset,
                    end: ends_at(page),
                })
            }
            _ => Err(outside(page as u64, self.page_count() as u64)),
        }
    }

    /// Where `count` values of a page are, from its value number `first` on.
    pub fn values_of(&self, page: &RawPage, first: u64, count: u64) -> BitRange {
        let start = bits_at(page.values_offset, first, self.value_bits).start;
        BitRange { start, len: count.saturating_mul(self.value_bits) }
    }

    /// Bytes of `values` values in one page, pad included.
    fn values_len(&self, values: u64) -> u64 {
        match self.padded_elements {
            Some(elements) if elements > 0 => {
                let stored = values.saturating_mul(elements).div_ceil(8);
                stored.saturating_mul(self.value_bits / elements)
            }
            _ => values.saturating_mul(self.value_bits).div_ceil(8),
        }
    }
}

/// Value number `index` after `offset`. Saturates: an address that no file reaches is refused when
/// it is read.
#[inline]
fn bits_at(offset: u64, index: u64, len: u64) -> BitRange {
    BitRange { start: offset.saturating_mul(8).saturating_add(index.saturating_mul(len)), len }
}

fn outside(index: u64, count: u64) -> FormatError {
    FormatError::malformed("a column chunk", format!("{index} is outside of its {count} entries"))
}
