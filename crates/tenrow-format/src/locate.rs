//! Where the rows of a raw column chunk are: pure arithmetic over its [`ChunkLayout`].

use std::ops::Range;

use crate::dtype::DType;
use crate::error::{FormatError, Result};
use crate::manifest::{ChunkLayout, PageStart};

/// Bits in a file: `start` counts from the file's first bit, so that booleans have addresses too.
///
/// ```
/// use tenrow_format::BitRange;
/// assert_eq!(BitRange { start: 20, len: 3 }.bytes(), 2..3);
/// assert_eq!(BitRange { start: 64, len: 128 }.bytes(), 8..24);
/// ```
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
///
/// ```
/// use tenrow_format::{DType, RawChunk, manifest::ChunkLayout};
/// let layout = ChunkLayout::Strided {
///     item_bits: 8,
///     first_page: 64,
///     page_stride: 1064,
///     page_rows: 100,
///     prefix: 36,
///     last_prefix: 36,
/// };
/// let chunk = RawChunk::new(&layout, 150, DType::U8, Some(10))?.expect("it is raw");
/// let page = chunk.page(1)?;
/// assert_eq!((page.rows, page.values_offset), (100..150, 1164));
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
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
///
/// ```
/// use tenrow_format::{DType, RawChunk, manifest::ChunkLayout};
/// let layout = ChunkLayout::Strided {
///     item_bits: 8,
///     first_page: 64,
///     page_stride: 1064,
///     page_rows: 100,
///     prefix: 36,
///     last_prefix: 36,
/// };
/// let chunk = RawChunk::new(&layout, 150, DType::U8, Some(10))?.expect("it is raw");
/// assert_eq!(chunk.locate(0)?.map(|bits| bits.bytes()), Some(100..110));
/// assert!(chunk.locate(150).is_err());
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
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
    /// The chunk of `row_count` rows of `elements` elements of `dtype` each, or of lists if `None`. `None` if it is not raw.
    ///
    /// # Errors
    /// [`FormatError::Malformed`] if values of this kind are never stored in such a chunk: what a leaf says of them can
    /// only be compared here, since it does not know their type.
    pub fn new(
        layout: &'a ChunkLayout,
        row_count: u64,
        dtype: DType,
        elements: Option<u64>,
    ) -> Result<Option<Self>> {
        let (item_bits, last_page) = match layout {
            ChunkLayout::Strided { item_bits, page_rows, .. } => {
                if elements.is_none() {
                    return Err(misfit("strided pages of rows that differ in length".into()));
                }
                if row_count > 0 && *page_rows == 0 {
                    return Err(misfit("pages of 0 rows".into()));
                }
                let last_page = row_count.saturating_sub(1).checked_div(*page_rows);
                (u64::from(*item_bits), last_page.unwrap_or(0))
            }
            ChunkLayout::Paged { item_bits, .. } => (u64::from(*item_bits), 0),
            ChunkLayout::Indexed { .. } => return Ok(None),
        };
        let is_integer = !dtype.is_float() && dtype != DType::Bool;
        let is_widened = is_integer && dtype.item_bits() == 16 && item_bits == 32;
        if item_bits != dtype.item_bits() && !is_widened {
            let (name, bits) = (dtype.name(), dtype.item_bits());
            return Err(misfit(format!("{item_bits} bits an element of {name}, expected {bits}")));
        }
        let elements = elements.unwrap_or(1);
        let value_bits = elements.checked_mul(item_bits);
        Ok(Some(Self {
            layout,
            row_count,
            last_page,
            value_bits: value_bits.ok_or_else(|| misfit(format!("{elements} elements a row")))?,
            padded_elements: (is_integer && matches!(item_bits, 8 | 16)).then_some(elements),
        }))
    }

    /// Whether its pages lie at strides; else they are listed.
    pub fn is_strided(&self) -> bool {
        matches!(self.layout, ChunkLayout::Strided { .. })
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
            // An empty row group may say anything of its pages.
            ChunkLayout::Strided { .. } if self.row_count == 0 => 0,
            ChunkLayout::Strided { .. } => self.last_page as usize + 1,
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
    /// [`FormatError::Malformed`] if there is no such page, or if the one before it runs into it: how long its values
    /// are is not known before the type is.
    pub fn page(&self, page: usize) -> Result<RawPage> {
        let found = self.page_as_listed(page)?;
        if found.start <= found.values_offset && found.values_offset <= found.end {
            return Ok(found);
        }
        Err(misfit(format!(
            "page {page} from {} on has its values at {}, among those of the page before",
            found.start, found.values_offset
        )))
    }

    fn page_as_listed(&self, page: usize) -> Result<RawPage> {
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

fn misfit(reason: String) -> FormatError {
    FormatError::malformed("a column chunk", reason)
}

fn outside(index: u64, count: u64) -> FormatError {
    FormatError::malformed("a column chunk", format!("{index} is outside of its {count} entries"))
}

#[cfg(test)]
mod tests;
