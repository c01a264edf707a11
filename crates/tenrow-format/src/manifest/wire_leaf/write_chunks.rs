//! From chunks to columns: those that a layout does not name are null.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray};

use super::arrays::{group, lists, numbers, small_numbers, texts};
use super::{fields, layout};
use crate::error::Result;
use crate::manifest::chunk::{Chunk, ChunkLayout, PageStart};

use ChunkLayout::{Indexed, Paged, Strided};

pub(super) fn chunks(chunks: &[&Chunk]) -> Result<ArrayRef> {
    let layouts = || chunks.iter().map(|chunk| &chunk.layout);
    let columns = vec![
        small_numbers(chunks.iter().map(|chunk| chunk.field.0))?,
        small_numbers(chunks.iter().map(|chunk| chunk.row_group))?,
        small_numbers(chunks.iter().map(|chunk| chunk.column))?,
        texts(layouts().map(|layout| Some(name(layout))))?,
        small_numbers(layouts().map(item_bits))?,
        numbers(layouts().map(first_page))?,
        numbers(layouts().map(|layout| match layout {
            Strided { page_stride, .. } => Some(*page_stride),
            _ => None,
        }))?,
        numbers(layouts().map(|layout| match layout {
            Strided { page_rows, .. } => Some(*page_rows),
            _ => None,
        }))?,
        small_numbers(layouts().map(|layout| match layout {
            Strided { prefix, .. } => Some(*prefix),
            _ => None,
        }))?,
        small_numbers(layouts().map(|layout| match layout {
            Strided { last_prefix, .. } => Some(*last_prefix),
            _ => None,
        }))?,
        numbers(layouts().map(|layout| match layout {
            Paged { value_count, .. } => Some(*value_count),
            _ => None,
        }))?,
        lists(layouts().map(|layout| pages(layout).map(<[_]>::len)), all_pages(chunks)?)?,
        Arc::new(layouts().map(null_rows).collect::<BinaryArray>()),
        numbers(layouts().map(|layout| match layout {
            Indexed { offset_index } => offset_index.as_ref().map(|range| range.start),
            _ => None,
        }))?,
        numbers(layouts().map(|layout| match layout {
            Indexed { offset_index } => offset_index.as_ref().map(|range| range.end),
            _ => None,
        }))?,
    ];
    group(fields::chunk(), columns, None)
}

fn name(layout: &ChunkLayout) -> &'static str {
    match layout {
        Strided { .. } => layout::STRIDED,
        Paged { .. } => layout::PAGED,
        Indexed { .. } => layout::INDEXED,
    }
}

fn item_bits(layout: &ChunkLayout) -> Option<u32> {
    match layout {
        Strided { item_bits, .. } | Paged { item_bits, .. } => Some(u32::from(*item_bits)),
        Indexed { .. } => None,
    }
}

fn first_page(layout: &ChunkLayout) -> Option<u64> {
    match layout {
        Strided { first_page, .. } | Paged { first_page, .. } => Some(*first_page),
        Indexed { .. } => None,
    }
}

fn pages(layout: &ChunkLayout) -> Option<&[PageStart]> {
    match layout {
        Paged { pages, .. } => Some(pages),
        _ => None,
    }
}

fn all_pages(chunks: &[&Chunk]) -> Result<ArrayRef> {
    let pages = || chunks.iter().filter_map(|chunk| pages(&chunk.layout)).flatten();
    let columns = vec![
        numbers(pages().map(|page| page.first_row))?,
        numbers(pages().map(|page| page.first_value))?,
        numbers(pages().map(|page| page.values_offset))?,
    ];
    group(fields::page(), columns, None)
}

/// Null where no row is.
fn null_rows(layout: &ChunkLayout) -> Option<&[u8]> {
    match layout {
        Paged { null_rows, .. } if !null_rows.is_empty() => Some(null_rows),
        _ => None,
    }
}
