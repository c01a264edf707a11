//! A page: the first byte chooses how it is read, the rest is header and body.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tenrow_format::{
    DType, ListShape, PageHeader, decode_bytes_page, decode_page, decode_row_lengths,
};

const DTYPES: [DType; 6] =
    [DType::Bool, DType::U8, DType::I16, DType::F16, DType::F32, DType::I64];

/// Elements that a reader would expect of such a page at most.
const MAX_ELEMENTS: u64 = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let [choice, page @ ..] = data else { return };
    let dtype = DTYPES[usize::from(choice >> 3) % DTYPES.len()];
    let shape =
        ListShape { nullable: choice & 1 != 0, nullable_elements: choice & 2 != 0 };
    let check = choice & 4 != 0;
    let page = Bytes::copy_from_slice(page);
    let _ = PageHeader::decode(&page);
    let _ = decode_row_lengths(&page, shape);
    let _ = decode_bytes_page(&page, shape.nullable, check);
    if let Ok(decoded) = decode_page(&page, dtype, shape, MAX_ELEMENTS, check) {
        let elements: u64 = decoded.rows.iter().map(|row| row.element_count()).sum();
        assert!(elements <= MAX_ELEMENTS);
        let bits = decoded.values.len() as u64 * 8;
        assert!(bits >= elements * dtype.item_bits(), "{elements} elements in {bits} bits");
    }
});
