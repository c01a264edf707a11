//! Where the values of one column chunk are.

use std::ops::Range;

use super::check;
use crate::error::{FormatError, Result};
use crate::limits;
use crate::schema::FieldId;

/// One Parquet column of one row group.
///
/// ```
/// use tenrow_format::{FieldId, manifest::{Chunk, ChunkLayout}};
/// let layout = ChunkLayout::Indexed { offset_index: None };
/// let chunk = Chunk { field: FieldId(1), row_group: 0, column: 2, layout };
/// assert_eq!((chunk.row_group, chunk.column), (0, 2));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The attribute that the column belongs to.
    pub field: FieldId,
    /// The row group, from 0.
    pub row_group: u32,
    /// The ordinal of the Parquet leaf column in the file, from 0.
    pub column: u32,
    /// How its values are found.
    pub layout: ChunkLayout,
}

/// How the values of a chunk are found.
///
/// `item_bits` is the number of bits that one element takes in the file: 1, 8, 16, 32 or 64.
///
/// ```
/// use tenrow_format::{DType, RawChunk, manifest::ChunkLayout};
/// // Rows of ten bytes, a hundred a page: where row 101 is follows from five integers.
/// let layout = ChunkLayout::Strided {
///     item_bits: 8,
///     first_page: 64,
///     page_stride: 1064,
///     page_rows: 100,
///     prefix: 36,
///     last_prefix: 36,
/// };
/// let chunk = RawChunk::new(&layout, 150, DType::U8, Some(10))?.expect("it is raw");
/// assert_eq!(chunk.locate(101)?.map(|bits| bits.bytes()), Some(1174..1184));
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChunkLayout {
    /// Raw rows of one size, none null: five integers give every address.
    ///
    /// Page `k` starts at `first_page + k * page_stride` and holds `page_rows` rows, the last page
    /// those that remain.
    Strided {
        /// Bits of one element.
        item_bits: u8,
        /// File offset of the first data page.
        first_page: u64,
        /// Bytes from the start of a page to that of the next.
        page_stride: u64,
        /// Rows of every page but the last.
        page_rows: u64,
        /// Bytes from the start of a page to its first value.
        prefix: u32,
        /// The same, for the last page.
        last_prefix: u32,
    },
    /// Raw values in pages listed here: chunks with null rows (a value is a valid row), and
    /// variable-length lists (a value is an element).
    Paged {
        /// Bits of one element.
        item_bits: u8,
        /// File offset of the first data page.
        first_page: u64,
        /// Values of the chunk.
        value_count: u64,
        /// The pages, ascending; empty only if the row group is.
        pages: Vec<PageStart>,
        /// The null rows of the row group: bit `r % 8` of byte `r / 8` is 1 if row `r` is null.
        /// Empty if none is.
        null_rows: Vec<u8>,
    },
    /// Anything else: pages are found by the chunk's OffsetIndex, which is read when needed.
    Indexed {
        /// Where in the file it is; `None` if the file has none.
        offset_index: Option<Range<u64>>,
    },
}

/// Where a page of a [`ChunkLayout::Paged`] chunk begins.
///
/// ```
/// use tenrow_format::{DType, RawChunk, manifest::{ChunkLayout, PageStart}};
/// // Row 1 of 3 is null, and has no value.
/// let layout = ChunkLayout::Paged {
///     item_bits: 64,
///     first_page: 4,
///     value_count: 2,
///     pages: vec![PageStart { first_row: 0, first_value: 0, values_offset: 64 }],
///     null_rows: vec![0b010],
/// };
/// let chunk = RawChunk::new(&layout, 3, DType::I64, Some(1))?.expect("it is raw");
/// assert_eq!(chunk.locate(1)?, None);
/// assert_eq!(chunk.locate(2)?.map(|bits| bits.bytes()), Some(72..80));
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageStart {
    /// Its first row, within the row group.
    pub first_row: u64,
    /// Its first value, within the chunk.
    pub first_value: u64,
    /// File offset of its first value.
    pub values_offset: u64,
}

/// Why something is refused.
type Checked = std::result::Result<(), String>;

/// Checks every number of a layout against the file that the chunk is in, and says what is wrong.
pub(super) fn check_layout(
    layout: &ChunkLayout,
    rows: u64,
    data_end: u64,
    file_end: u64,
) -> Checked {
    match layout {
        ChunkLayout::Strided { item_bits, .. } | ChunkLayout::Paged { item_bits, .. }
            if !matches!(item_bits, 1 | 8 | 16 | 32 | 64) =>
        {
            Err(format!("{item_bits} bits an element, expected 1, 8, 16, 32 or 64"))
        }
        ChunkLayout::Strided { .. } => check_strided(layout, rows, data_end),
        ChunkLayout::Paged { item_bits, first_page, value_count, pages, null_rows } => {
            check_null_rows(null_rows, rows)?;
            check_pages(*item_bits, *first_page, *value_count, pages, rows, data_end)
        }
        ChunkLayout::Indexed { offset_index: None } => Ok(()),
        ChunkLayout::Indexed { offset_index: Some(Range { start, end }) } => {
            // The tail that `footer_bytes` counts begins with the page indexes.
            let whole = start < end && *end <= file_end;
            if !whole || end - start > limits::MAX_FOOTER_BYTES {
                return Err(format!("offset index {start}..{end} is not within 0..{file_end}"));
            }
            Ok(())
        }
    }
}

fn check_strided(layout: &ChunkLayout, rows: u64, data_end: u64) -> Checked {
    let &ChunkLayout::Strided { first_page, page_stride, page_rows, prefix, last_prefix, .. } =
        layout
    else {
        return Ok(());
    };
    if rows == 0 {
        return Ok(());
    }
    if page_rows == 0 {
        return Err("pages of 0 rows".into());
    }
    let last_page = (rows - 1) / page_rows;
    if last_page > 0 && page_stride < u64::from(prefix).max(1) {
        return Err(format!("page stride {page_stride} is less than the prefix {prefix}"));
    }
    let last_values = last_page
        .checked_mul(page_stride)
        .and_then(|offset| offset.checked_add(first_page))
        .and_then(|offset| offset.checked_add(u64::from(last_prefix)));
    match last_values {
        Some(offset) if offset <= data_end => Ok(()),
        _ => Err(format!("the last of {} pages is not within 0..{data_end}", last_page + 1)),
    }
}

fn check_null_rows(null_rows: &[u8], rows: u64) -> Checked {
    if null_rows.is_empty() {
        return Ok(());
    }
    let expected = rows.div_ceil(8);
    if null_rows.len() as u64 != expected {
        return Err(format!("{} bytes of null rows, expected {expected}", null_rows.len()));
    }
    let used_bits = rows % 8;
    let unused =
        null_rows.last().map_or(0, |last| if used_bits == 0 { 0 } else { last >> used_bits });
    if unused != 0 { Err("null rows beyond the last row".into()) } else { Ok(()) }
}

/// Checks that pages ascend, and that the values of each end before the next begins.
fn check_pages(
    item_bits: u8,
    first_page: u64,
    value_count: u64,
    pages: &[PageStart],
    rows: u64,
    data_end: u64,
) -> Checked {
    let Some(first) = pages.first() else {
        return if rows == 0 && value_count == 0 { Ok(()) } else { Err("no pages".into()) };
    };
    if (first.first_row, first.first_value) != (0, 0) || first.values_offset < first_page {
        return Err("the first page is not at the start of the chunk".into());
    }
    let end = PageStart { first_row: rows, first_value: value_count, values_offset: data_end };
    let nexts = pages.iter().skip(1).chain([&end]);
    for (number, (page, next)) in pages.iter().zip(nexts).enumerate() {
        // A value takes at least one element: exact for lists, a lower bound for tensors.
        let values_end = next
            .first_value
            .checked_sub(page.first_value)
            .and_then(|count| count.checked_mul(u64::from(item_bits)))
            .and_then(|bits| page.values_offset.checked_add(bits.div_ceil(8)));
        let ascends = page.first_row < next.first_row
            && values_end.is_some_and(|values_end| values_end <= next.values_offset);
        if !ascends {
            return Err(format!(
                "page {number} (row {}, value {}, offset {}) runs into what follows it (row {}, \
                 value {}, offset {})",
                page.first_row,
                page.first_value,
                page.values_offset,
                next.first_row,
                next.first_value,
                next.values_offset
            ));
        }
    }
    Ok(())
}

/// Checks that no two chunks are of the same row group and column.
pub(super) fn check_distinct(chunks: &[Chunk]) -> Result<()> {
    match check::repeated(chunks.iter().map(|c| (c.row_group, c.column))) {
        Some((row_group, column)) => Err(FormatError::malformed(
            "chunks",
            format!("row group {row_group}, column {column} occurs twice"),
        )),
        None => Ok(()),
    }
}
