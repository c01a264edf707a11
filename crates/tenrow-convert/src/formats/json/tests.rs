use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::types::Int32Type;
use arrow_schema::{DataType, Field};
use tenrow::{Attribute, Schema as Attributes};
use tenrow_values::column::column_of_bytes;

use super::*;

/// The lines of a batch.
fn written(attributes: &Attributes, batch: &RecordBatch) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    let out = Box::new(file.reopen().unwrap());
    let mut sink = lines(&attributes.arrow_schema(), out).unwrap();
    sink.write(batch).unwrap();
    sink.finish().unwrap();
    std::fs::read_to_string(file.path()).unwrap()
}

fn sample() -> (Attributes, RecordBatch) {
    let attributes = ["image:i32[2,1]", "half:bf16[2]?", "empty:f32[2,0]", "one:u8[]", "label:i64"]
        .map(|text| Attribute::parse(text).unwrap());
    let attributes = Attributes::new(attributes).unwrap();
    let of = |index: usize, bytes: Vec<u8>| {
        let attribute_type = attributes.attributes()[index].attribute_type.clone();
        let dtype = attribute_type.dtype().unwrap();
        column_of_bytes(&attribute_type, dtype, 1, bytes).unwrap()
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
    let (attributes, batch) = sample();
    let expected =
        "{\"image\":[[1],[2]],\"half\":[1.0,0.0],\"empty\":[[],[]],\"one\":9,\"label\":5}\n";
    assert_eq!(written(&attributes, &batch), expected);
}

#[test]
fn variable_tensors_are_nested_arrays_in_json_lines() {
    use arrow_array::{FixedSizeListArray, Int32Array, ListArray, StructArray};
    let attributes = Attributes::new([Attribute::parse("b:i32[?,2]?").unwrap()]).unwrap();
    let data = ListArray::from_iter_primitive::<Int32Type, _, _>([
        Some(vec![Some(1), Some(2), Some(3), Some(4)]),
        Some(vec![]),
        Some(vec![]),
    ]);
    let item = Arc::new(Field::new("item", DataType::Int32, false));
    let sizes = Arc::new(Int32Array::from(vec![2, 2, 0, 2, 7, 7]));
    let shapes = FixedSizeListArray::new(item, 2, sizes, None);
    let DataType::Struct(fields) = attributes.attributes()[0].attribute_type.arrow_type() else {
        panic!("a struct");
    };
    let tensors = StructArray::new(
        fields,
        vec![Arc::new(data), Arc::new(shapes)],
        Some(vec![true, true, false].into()),
    );
    let batch = RecordBatch::try_new(attributes.arrow_schema(), vec![Arc::new(tensors)]).unwrap();
    let expected = "{\"b\":[[1,2],[3,4]]}\n{\"b\":[]}\n{\"b\":null}\n";
    assert_eq!(written(&attributes, &batch), expected);
}
