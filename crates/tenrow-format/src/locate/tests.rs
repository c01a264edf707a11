//! What a leaf may say and no type is stored so: leaves do not know types, so it is noticed where chunks are used.

use super::*;

fn strided(item_bits: u8, page_rows: u64) -> ChunkLayout {
    ChunkLayout::Strided {
        item_bits,
        first_page: 4,
        page_stride: 64,
        page_rows,
        prefix: 8,
        last_prefix: 8,
    }
}

fn paged(pages: &[(u64, u64, u64)], value_count: u64) -> ChunkLayout {
    let page = |&(first_row, first_value, values_offset)| PageStart {
        first_row,
        first_value,
        values_offset,
    };
    ChunkLayout::Paged {
        item_bits: 32,
        first_page: 4,
        value_count,
        pages: pages.iter().map(page).collect(),
        null_rows: Vec::new(),
    }
}

#[test]
fn elements_of_another_size_than_their_type_has_are_refused() {
    for dtype in DType::ALL {
        for item_bits in [1, 8, 16, 32, 64] {
            let is_widened = matches!(dtype, DType::I16 | DType::U16) && item_bits == 32;
            let fits = dtype.item_bits() == u64::from(item_bits) || is_widened;
            let layout = strided(item_bits, 8);
            let made = RawChunk::new(&layout, 8, dtype, Some(3));
            assert_eq!(made.is_ok(), fits, "{item_bits} bits an element of {dtype}");
        }
    }
}

#[test]
fn rows_that_differ_in_length_are_never_strided() {
    let error = RawChunk::new(&strided(32, 8), 8, DType::F32, None).unwrap_err();
    assert!(error.to_string().contains("differ in length"), "{error}");
}

#[test]
fn pages_of_no_row_are_refused_but_for_a_chunk_without_rows() {
    let layout = strided(32, 0);
    RawChunk::new(&layout, 8, DType::F32, Some(1)).unwrap_err();
    let empty = RawChunk::new(&layout, 0, DType::F32, Some(1)).unwrap().unwrap();
    assert_eq!(empty.page_count(), 0);
    empty.page(0).unwrap_err();
    empty.locate(0).unwrap_err();
}

/// A leaf is only known to have room for one element a value: with three, the first page runs into the second.
#[test]
fn a_page_that_the_one_before_it_runs_into_is_an_error() {
    let layout = paged(&[(0, 0, 10), (2, 2, 26)], 4);
    let narrow = RawChunk::new(&layout, 4, DType::F32, Some(1)).unwrap().unwrap();
    assert_eq!(narrow.page(1).unwrap().start, 18);
    let wide = RawChunk::new(&layout, 4, DType::F32, Some(3)).unwrap().unwrap();
    assert_eq!(wide.page(0).unwrap().end, 34);
    let error = wide.page(1).unwrap_err();
    assert!(error.to_string().contains("among those of the page before"), "{error}");
}
