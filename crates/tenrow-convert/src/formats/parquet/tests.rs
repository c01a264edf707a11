use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use tempfile::TempDir;
use tenrow::{Attribute, Schema as Attributes};

use super::*;
use crate::Source;

fn put(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (dir, path)
}

fn rows(source: &mut TableSource) -> Vec<RecordBatch> {
    std::iter::from_fn(|| source.next_batch().transpose()).map(Result::unwrap).collect()
}

fn types(source: &TableSource) -> Vec<String> {
    source.attributes().iter().map(|a| format!("{}:{}", a.name, a.type_text())).collect()
}

fn sample() -> (Attributes, RecordBatch) {
    let attributes = ["image:i32[2,1]", "half:bf16[2]?", "empty:f32[2,0]", "one:u8[]", "label:i64"]
        .map(|text| Attribute::parse(text).unwrap());
    let attributes = Attributes::new(attributes).unwrap();
    let of = |index: usize, bytes: Vec<u8>| {
        let attribute_type = attributes.attributes()[index].attribute_type.clone();
        let dtype = attribute_type.dtype().unwrap();
        tenrow_values::column::column_of_bytes(&attribute_type, dtype, 1, bytes).unwrap()
    };
    let columns = vec![
        of(0, vec![1, 0, 0, 0, 2, 0, 0, 0]),
        of(1, vec![0x80, 0x3f, 0, 0]),
        of(2, vec![]),
        of(3, vec![9]),
        of(4, vec![5, 0, 0, 0, 0, 0, 0, 0]),
    ];
    let batch = RecordBatch::try_new(attributes.arrow_schema(), columns).unwrap();
    (attributes, batch)
}

fn write(path: &Path, attributes: &Attributes, batch: &RecordBatch) {
    let out = std::fs::File::create(path).unwrap();
    let mut sink = writer::create(&attributes.arrow_schema(), Box::new(out)).unwrap();
    sink.write(batch).unwrap();
    sink.finish().unwrap();
}

#[test]
fn parquet_is_read_back_as_written() {
    let (_dir, path) = put("t.parquet", b"");
    let (attributes, batch) = sample();
    write(&path, &attributes, &batch);
    let mut source = TableSource::parquet(&path).unwrap();
    let expected = ["image:i32[2,1]", "half:bf16[2]?", "empty:f32[2,0]", "one:u8[]", "label:i64"];
    assert_eq!(types(&source), expected);
    let read = rows(&mut source).remove(0);
    assert_eq!(read.columns(), batch.columns());
}

#[test]
fn a_parquet_file_cut_at_any_byte_is_an_error() {
    let (_dir, path) = put("t.parquet", b"");
    let (attributes, batch) = sample();
    write(&path, &attributes, &batch);
    let whole = std::fs::read(&path).unwrap();
    for n in (0..whole.len()).step_by(7) {
        std::fs::write(&path, &whole[..n]).unwrap();
        TableSource::parquet(&path).err().expect("a cut file");
    }
}
