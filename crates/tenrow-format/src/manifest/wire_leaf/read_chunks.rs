//! From columns to chunks: their layout says which columns count.

use std::ops::Range;

use arrow_array::{Array, BinaryArray, StringArray};

use super::column::{Group, Lists, Nullable};
use super::{WHAT, layout};
use crate::error::{FormatError, Result};
use crate::manifest::chunk::{Chunk, ChunkLayout, PageStart};
use crate::schema::FieldId;

pub(super) struct Chunks<'a> {
    field: &'a [u32],
    row_group: &'a [u32],
    column: &'a [u32],
    layout: &'a StringArray,
    item_bits: Nullable<'a, u32>,
    first_page: Nullable<'a, u64>,
    page_stride: Nullable<'a, u64>,
    page_rows: Nullable<'a, u64>,
    prefix: Nullable<'a, u32>,
    last_prefix: Nullable<'a, u32>,
    value_count: Nullable<'a, u64>,
    pages: (Lists<'a>, Pages<'a>),
    null_rows: &'a BinaryArray,
    offset_index_start: Nullable<'a, u64>,
    offset_index_end: Nullable<'a, u64>,
}

impl<'a> Chunks<'a> {
    pub(super) fn of(group: &Group<'a>) -> Result<Self> {
        let number = |name| group.column(name)?.nullable_numbers();
        let small = |name| group.column(name)?.nullable_small_numbers();
        let (pages, of_pages) = group.column("pages")?.nullable_lists_of_groups()?;
        Ok(Self {
            field: group.column("field")?.small_numbers()?,
            row_group: group.column("row_group")?.small_numbers()?,
            column: group.column("column")?.small_numbers()?,
            layout: group.column("layout")?.texts()?,
            item_bits: small("item_bits")?,
            first_page: number("first_page")?,
            page_stride: number("page_stride")?,
            page_rows: number("page_rows")?,
            prefix: small("prefix")?,
            last_prefix: small("last_prefix")?,
            value_count: number("value_count")?,
            pages: (pages, Pages::of(&of_pages)?),
            null_rows: group.column("null_rows")?.nullable_bytes()?,
            offset_index_start: number("offset_index_start")?,
            offset_index_end: number("offset_index_end")?,
        })
    }

    pub(super) fn at(&self, row: usize) -> Result<Chunk> {
        let layout = match self.layout.value(row) {
            layout::STRIDED => self.strided(row)?,
            layout::PAGED => self.paged(row)?,
            layout::INDEXED => ChunkLayout::Indexed { offset_index: self.offset_index(row)? },
            other => {
                let reason = format!("unknown chunk layout {other:?}");
                return Err(FormatError::TooNew { what: WHAT.into(), reason });
            }
        };
        if let Some(column) = self.of_other_layout(row, &layout) {
            let name = self.layout.value(row);
            return Err(malformed(format!("{column} is not null in a chunk that is {name}")));
        }
        Ok(Chunk {
            field: FieldId(self.field[row]),
            row_group: self.row_group[row],
            column: self.column[row],
            layout,
        })
    }

    /// A column that has a value though it says nothing of chunks of this layout.
    fn of_other_layout(&self, row: usize, layout: &ChunkLayout) -> Option<&'static str> {
        let is_strided = matches!(layout, ChunkLayout::Strided { .. });
        let is_paged = matches!(layout, ChunkLayout::Paged { .. });
        let is_raw = is_strided || is_paged;
        let has_pages = self.pages.0.nullable_at(row).is_some();
        let others = [
            (!is_raw && self.item_bits.at(row).is_some(), "item_bits"),
            (!is_raw && self.first_page.at(row).is_some(), "first_page"),
            (!is_strided && self.page_stride.at(row).is_some(), "page_stride"),
            (!is_strided && self.page_rows.at(row).is_some(), "page_rows"),
            (!is_strided && self.prefix.at(row).is_some(), "prefix"),
            (!is_strided && self.last_prefix.at(row).is_some(), "last_prefix"),
            (!is_paged && self.value_count.at(row).is_some(), "value_count"),
            (!is_paged && has_pages, "pages"),
            (!is_paged && self.null_rows.is_valid(row), "null_rows"),
            (is_raw && self.offset_index_start.at(row).is_some(), "offset_index_start"),
            (is_raw && self.offset_index_end.at(row).is_some(), "offset_index_end"),
        ];
        others.into_iter().find(|(is_there, _)| *is_there).map(|(_, column)| column)
    }

    fn strided(&self, row: usize) -> Result<ChunkLayout> {
        Ok(ChunkLayout::Strided {
            item_bits: self.item_bits(row)?,
            first_page: present(self.first_page.at(row), "first_page")?,
            page_stride: present(self.page_stride.at(row), "page_stride")?,
            page_rows: present(self.page_rows.at(row), "page_rows")?,
            prefix: present(self.prefix.at(row), "prefix")?,
            last_prefix: present(self.last_prefix.at(row), "last_prefix")?,
        })
    }

    fn paged(&self, row: usize) -> Result<ChunkLayout> {
        let (pages, of_pages) = &self.pages;
        let pages = present(pages.nullable_at(row), "pages")?;
        let has_nulls = self.null_rows.is_valid(row);
        Ok(ChunkLayout::Paged {
            item_bits: self.item_bits(row)?,
            first_page: present(self.first_page.at(row), "first_page")?,
            value_count: present(self.value_count.at(row), "value_count")?,
            pages: pages.map(|page| of_pages.at(page)).collect(),
            null_rows: if has_nulls { self.null_rows.value(row).to_vec() } else { Vec::new() },
        })
    }

    fn offset_index(&self, row: usize) -> Result<Option<Range<u64>>> {
        match (self.offset_index_start.at(row), self.offset_index_end.at(row)) {
            (None, None) => Ok(None),
            (start, end) => {
                let start = present(start, "offset_index_start")?;
                Ok(Some(start..present(end, "offset_index_end")?))
            }
        }
    }

    fn item_bits(&self, row: usize) -> Result<u8> {
        let bits = present(self.item_bits.at(row), "item_bits")?;
        u8::try_from(bits)
            .map_err(|_| malformed(format!("item_bits is {bits}, expected at most 64")))
    }
}

struct Pages<'a> {
    first_row: &'a [u64],
    first_value: &'a [u64],
    values_offset: &'a [u64],
}

impl<'a> Pages<'a> {
    fn of(group: &Group<'a>) -> Result<Self> {
        Ok(Self {
            first_row: group.column("first_row")?.numbers()?,
            first_value: group.column("first_value")?.numbers()?,
            values_offset: group.column("values_offset")?.numbers()?,
        })
    }

    fn at(&self, row: usize) -> PageStart {
        PageStart {
            first_row: self.first_row[row],
            first_value: self.first_value[row],
            values_offset: self.values_offset[row],
        }
    }
}

fn present<T>(value: Option<T>, column: &str) -> Result<T> {
    value.ok_or_else(|| malformed(format!("{column} is null")))
}

fn malformed(reason: String) -> FormatError {
    FormatError::malformed("chunk of a leaf", reason)
}
