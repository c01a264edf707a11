//! What the fuzz targets do with their input: errors are fine, panics and hangs are not.

#[path = "mutate.rs"]
pub mod mutate;

use std::io::Write;
use std::path::Path;

use bytes::Bytes;
use tenrow_convert::{IdxSource, NpySource, NpzSource, Result, Source, TableSource};
use tenrow_format::manifest::{Leaf, Root};
use tenrow_format::{
    DType, ListShape, PageHeader, RawChunk, checksum, decode_bytes_page, decode_page,
    decode_row_lengths, limits,
};

use mutate::{FromBytes, mutate};

const DTYPES: [DType; 6] = [DType::Bool, DType::U8, DType::I16, DType::F16, DType::F32, DType::I64];

/// Elements that a reader would expect of a page at most.
const MAX_ELEMENTS: u64 = 1 << 20;

/// Batches after which a source has shown enough: what it declares may be far longer.
const MAX_BATCHES: usize = 4;

/// A root manifest: as it stands, and as the document in a frame whose checksum is right.
pub fn root(data: &[u8]) {
    let _ = Root::decode(data);
    if let Ok(root) = Root::decode(&framed(data)) {
        let again = Root::decode(&root.encode()).expect("what was read can be written and read");
        assert_eq!(again, root);
    }
}

/// A document as a root's file has it.
fn framed(document: &[u8]) -> Vec<u8> {
    let head = format!("{{\"checksum\":\"{:016x}\",\"root\":", checksum(document));
    [head.as_bytes(), document, b"}\n"].concat()
}

/// A leaf, whose checksum is taken to be right.
pub fn leaf(data: &[u8]) {
    if let Ok(leaf) = Leaf::decode(Bytes::copy_from_slice(data), checksum(data)) {
        let bytes = Bytes::from(leaf.encode().expect("what was read can be written"));
        let sum = checksum(&bytes);
        assert_eq!(Leaf::decode(bytes, sum).expect("what was written can be read"), leaf);
    }
}

/// The newest of some small versions that a writer made, and its leaves.
const DOCUMENT: &[u8] = include_bytes!("seeds/root/version_2");
const LEAVES: [&[u8]; 2] =
    [include_bytes!("seeds/leaf/leaf_0"), include_bytes!("seeds/leaf/leaf_1")];
/// Changes of one input, and pages of a chunk that are looked at.
const MAX_CHANGES: usize = 4;
const MAX_PAGES: usize = 64;

/// Manifests that look valid and are not so: the input says what is changed. What can be stored is read as it was stored,
/// and where it says that values are can be worked out.
pub fn manifests(data: &[u8]) {
    let mut choices = FromBytes(data);
    let mut root = Root::decode(&framed(DOCUMENT)).expect("a root");
    let read = |bytes: &'static [u8]| Leaf::decode(Bytes::from_static(bytes), checksum(bytes));
    let mut leaves = LEAVES.map(|bytes| read(bytes).expect("a leaf"));
    for _ in 0..MAX_CHANGES {
        if choices.0.is_empty() {
            break;
        }
        mutate(&mut root, &mut leaves, &mut choices);
    }
    if let Ok(again) = Root::decode(&root.encode()) {
        assert_eq!(again, root);
    }
    for leaf in &leaves {
        let Ok(bytes) = leaf.encode().map(Bytes::from) else { continue };
        let sum = checksum(&bytes);
        assert_eq!(Leaf::decode(bytes, sum).expect("what was written can be read"), *leaf);
        locate_all(leaf);
    }
}

/// Every chunk taken for one of every type.
fn locate_all(leaf: &Leaf) {
    let files = leaf.partitions.iter().flat_map(|partition| &partition.files);
    for (file, chunk) in files.flat_map(|file| file.chunks.iter().map(move |chunk| (file, chunk))) {
        let rows = file.row_groups[chunk.row_group as usize];
        for dtype in DTYPES {
            for elements in [None, Some(1), Some(6), Some(limits::MAX_ROW_ELEMENTS)] {
                if let Ok(Some(raw)) = RawChunk::new(&chunk.layout, rows, dtype, elements) {
                    locate(&raw, rows);
                }
            }
        }
    }
}

fn locate(raw: &RawChunk<'_>, rows: u64) {
    for page in (0..raw.page_count().min(MAX_PAGES)).filter_map(|page| raw.page(page).ok()) {
        assert!(page.start <= page.values_offset && page.values_offset <= page.end);
        let count = page.values.end - page.values.start;
        let _ = raw.values_of(&page, 0, count);
    }
    for row in [0, rows / 2, rows.saturating_sub(1), rows] {
        let _ = (raw.locate(row), raw.is_null(row), raw.page_of_row(row), raw.page_of_value(row));
    }
    assert!(raw.null_count(0..rows) <= rows);
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
    drain(data, |path| IdxSource::open(&[path]));
}

/// A `.npy` file; the first byte chooses whether opaque elements are bf16.
pub fn npy(data: &[u8]) {
    let [choice, file @ ..] = data else { return };
    drain(file, |path| NpySource::open(&[path], choice & 1 != 0));
}

/// A `.npz` archive; the first byte chooses whether opaque elements are bf16.
pub fn npz(data: &[u8]) {
    let [choice, file @ ..] = data else { return };
    drain(file, |path| NpzSource::open(path, choice & 1 != 0));
}

/// A file or a stream of Arrow, plain or gzipped.
pub fn arrow(data: &[u8]) {
    drain(data, |path| TableSource::arrow(path));
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
