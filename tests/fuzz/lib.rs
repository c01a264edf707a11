//! What the fuzz targets do with their input: errors are fine, panics and hangs are not.

use std::io::Write;
use std::path::Path;

use bytes::Bytes;
use tenrow_convert::{IdxSource, NpySource, NpzSource, Result, Source};
use tenrow_format::manifest::{Leaf, Root};
use tenrow_format::{
    DType, ListShape, PageHeader, checksum, decode_bytes_page, decode_page, decode_row_lengths,
};

const DTYPES: [DType; 6] = [DType::Bool, DType::U8, DType::I16, DType::F16, DType::F32, DType::I64];

/// Elements that a reader would expect of a page at most.
const MAX_ELEMENTS: u64 = 1 << 20;

/// Batches after which a source has shown enough: what it declares may be far longer.
const MAX_BATCHES: usize = 4;

/// A root manifest: as it stands, and as the document in a frame whose checksum is right.
pub fn root(data: &[u8]) {
    let _ = Root::decode(data);
    let head = format!("{{\"checksum\":\"{:016x}\",\"root\":", checksum(data));
    let framed = [head.as_bytes(), data, b"}\n"].concat();
    if let Ok(root) = Root::decode(&framed) {
        let again = Root::decode(&root.encode()).expect("what was read can be written and read");
        assert_eq!(again, root);
    }
}

/// A leaf, whose checksum is taken to be right.
pub fn leaf(data: &[u8]) {
    if let Ok(leaf) = Leaf::decode(Bytes::copy_from_slice(data), checksum(data)) {
        let bytes = Bytes::from(leaf.encode().expect("what was read can be written"));
        let sum = checksum(&bytes);
        assert_eq!(Leaf::decode(bytes, sum).expect("what was written can be read"), leaf);
    }
}

/// A page: the first byte chooses how it is read, the rest is header and body.
pub fn page(data: &[u8]) {
    let [choice, page @ ..] = data else { return };
    let dtype = DTYPES[usize::from(choice >> 3) % DTYPES.len()];
    let shape = ListShape { nullable: choice & 1 != 0, nullable_elements: choice & 2 != 0 };
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
}

/// An IDX file, plain or gzipped.
pub fn idx(data: &[u8]) {
    drain(data, |path| IdxSource::open(&[path.into()]));
}

/// A `.npy` file; the first byte chooses whether opaque elements are bf16.
pub fn npy(data: &[u8]) {
    let [choice, file @ ..] = data else { return };
    drain(file, |path| NpySource::open(&[path.into()], choice & 1 != 0));
}

/// A `.npz` archive; the first byte chooses whether opaque elements are bf16.
pub fn npz(data: &[u8]) {
    let [choice, file @ ..] = data else { return };
    drain(file, |path| NpzSource::open(path, choice & 1 != 0));
}

/// Opens `data` as a file with `open` and reads its first batches.
fn drain<S: Source>(data: &[u8], open: impl FnOnce(&Path) -> Result<S>) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(data).expect("a write to a temporary file");
    let Ok(mut source) = open(file.path()) else { return };
    let columns = source.attributes().len();
    for _ in 0..MAX_BATCHES {
        match source.next_batch() {
            Ok(Some(batch)) => {
                assert!(batch.num_rows() > 0, "a batch without rows");
                assert_eq!(batch.num_columns(), columns);
            }
            Ok(None) | Err(_) => return,
        }
    }
}
