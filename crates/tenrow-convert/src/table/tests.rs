use arrow_array::types::Int32Type;
use arrow_schema::Field;
use tempfile::TempDir;
use tenrow::format::Schema as Attributes;

use super::*;
use crate::{JsonLinesWriter, ParquetWriter};

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
        crate::column::column_of_bytes(&attribute_type, dtype, 1, bytes).unwrap()
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

#[test]
fn tensors_are_nested_arrays_in_json_lines() {
    let (dir, path) = put("t.jsonl", b"");
    let (attributes, batch) = sample();
    let mut writer = JsonLinesWriter::create(&path, &attributes).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    let expected =
        "{\"image\":[[1],[2]],\"half\":[1.0,0.0],\"empty\":[[],[]],\"one\":9,\"label\":5}\n";
    assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    drop(dir);
}

#[test]
fn variable_tensors_are_nested_arrays_in_json_lines() {
    use arrow_array::{FixedSizeListArray, Int32Array, ListArray, StructArray};
    let (_dir, path) = put("t.jsonl", b"");
    let attributes = Attributes::new([Attribute::parse("b:i32[?,2]?").unwrap()]).unwrap();
    let data = ListArray::from_iter_primitive::<Int32Type, _, _>([
        Some(vec![Some(1), Some(2), Some(3), Some(4)]),
        Some(vec![]),
        Some(vec![]),
    ]);
    let item = std::sync::Arc::new(Field::new("item", arrow_schema::DataType::Int32, false));
    let sizes = std::sync::Arc::new(Int32Array::from(vec![2, 2, 0, 2, 7, 7]));
    let shapes = FixedSizeListArray::new(item, 2, sizes, None);
    let arrow_schema::DataType::Struct(fields) =
        attributes.attributes()[0].attribute_type.arrow_type()
    else {
        panic!("a struct");
    };
    let tensors = StructArray::new(
        fields,
        vec![std::sync::Arc::new(data), std::sync::Arc::new(shapes)],
        Some(vec![true, true, false].into()),
    );
    let batch = RecordBatch::try_new(attributes.arrow_schema(), vec![std::sync::Arc::new(tensors)])
        .unwrap();
    let mut writer = JsonLinesWriter::create(&path, &attributes).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    let expected = "{\"b\":[[1,2],[3,4]]}\n{\"b\":[]}\n{\"b\":null}\n";
    assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
}

#[test]
fn parquet_is_read_back_as_written() {
    let (_dir, path) = put("t.parquet", b"");
    let (attributes, batch) = sample();
    let mut writer = ParquetWriter::create(&path, &attributes).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
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
    let mut writer = ParquetWriter::create(&path, &attributes).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    let whole = std::fs::read(&path).unwrap();
    for n in (0..whole.len()).step_by(7) {
        std::fs::write(&path, &whole[..n]).unwrap();
        TableSource::parquet(&path).err().expect("a cut file");
    }
}
