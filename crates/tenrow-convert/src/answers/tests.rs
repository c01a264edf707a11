//! Batches of all kinds, written and read again.

use std::io::{self, Write};
use std::sync::Mutex;

use arrow_array::builder::{Int32Builder, MapBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int32Type, UInt8Type};
use arrow_array::{
    BinaryArray, DictionaryArray, FixedSizeListArray, Int64Array, ListArray, StringArray,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use tenrow::Attribute;

use arrow_array::ArrayRef;
use arrow_cast::cast;
use arrow_schema::DataType;

use super::*;

/// What was written, for the test to look at.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn named(format: &str) -> Format {
    Format::named(format, Purpose::Answers).unwrap()
}

fn written(format: &str, schema: &SchemaRef, batches: &[RecordBatch]) -> Vec<u8> {
    let out = Written::default();
    let mut writer = RowWriter::new(named(format), schema, Box::new(out.clone())).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    let bytes = out.0.lock().unwrap();
    bytes.clone()
}

fn text(format: &str, batch: &RecordBatch) -> String {
    String::from_utf8(written(format, &batch.schema(), std::slice::from_ref(batch))).unwrap()
}

/// Two rows: a tensor of 2 by 2, and the same that is null.
fn tensors() -> RecordBatch {
    let values = [Some([1, 2, 3, 4].map(Some)), None];
    let column = FixedSizeListArray::from_iter_primitive::<UInt8Type, _, _>(values, 4);
    let attribute = Attribute::parse("image:u8[2,2]?").unwrap();
    let field = attribute.arrow_field();
    let column = cast(&column, field.data_type()).unwrap();
    RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]).unwrap()
}

fn of(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
        .unwrap()
}

#[test]
fn json_is_one_array_with_tensors_nested_and_nulls_written_out() {
    let text = text("json", &tensors());
    assert_eq!(text, "[{\"image\":[[1,2],[3,4]]},\n{\"image\":null}]\n");
}

#[test]
fn an_empty_answer_is_an_empty_array_no_line_or_only_the_names() {
    let schema = tensors().schema();
    assert_eq!(written("json", &schema, &[]), b"[]\n");
    assert_eq!(written("jsonl", &schema, &[]), b"");
    assert_eq!(written("csv", &schema, &[]), b"image\n");
    let file = bytes::Bytes::from(written("parquet", &schema, &[]));
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    assert_eq!(reader.schema().field(0).name(), "image");
}

#[test]
fn several_batches_are_one_output() {
    let batch = of(vec![("n", Arc::new(Int64Array::from(vec![1])))]);
    let schema = batch.schema();
    let twice = [batch.clone(), batch];
    assert_eq!(written("json", &schema, &twice), b"[{\"n\":1},\n{\"n\":1}]\n");
    assert_eq!(written("csv", &schema, &twice), b"n\n1\n1\n");
}

#[test]
fn cells_of_csv_are_quoted_and_hold_json_where_there_is_more_than_one_value() {
    let lists = vec![Some(vec![Some(1), None]), None];
    let batch = of(vec![
        ("text", Arc::new(StringArray::from(vec!["a,\"b\"", "two\nlines"]))),
        ("list", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))),
        ("bytes", Arc::new(BinaryArray::from_vec(vec![b"\x00\xff", b""]))),
    ]);
    let expected = "text,list,bytes\n\"a,\"\"b\"\"\",\"[1,null]\",00ff\n\"two\nlines\",,\"\"\n";
    assert_eq!(text("csv", &batch), expected);
    assert_eq!(text("csv", &tensors()), "image\n\"[[1,2],[3,4]]\"\n\n");
}

#[test]
fn columns_that_json_has_no_form_for_are_text() {
    let mut entries = MapBuilder::new(None, Int32Builder::new(), Int32Builder::new());
    entries.keys().append_value(1);
    entries.values().append_value(2);
    entries.append(true).unwrap();
    let map: ArrayRef = Arc::new(entries.finish());
    let value: Value = serde_json::from_str(&text("jsonl", &of(vec![("m", map)]))).unwrap();
    assert_eq!(value, json!({ "m": "{1: 2}" }));
}

#[test]
fn fixed_size_lists_with_nulls_in_them_are_lists() {
    let rows = [Some(vec![Some(1.5), None])];
    let column = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(rows, 2);
    let batch = of(vec![("v", Arc::new(column))]);
    assert_eq!(text("jsonl", &batch), "{\"v\":[1.5,null]}\n");
}

#[test]
fn two_columns_of_one_name_are_refused_by_all_but_csv() {
    let field = Field::new("a", DataType::Int64, true);
    let schema = Arc::new(Schema::new(vec![field.clone(), field]));
    let others = Format::all().filter(|format| format.serves(Purpose::Answers));
    let others: Vec<_> = others.filter(|format| format.name() != "csv").collect();
    assert!(others.len() >= 4, "{others:?}");
    for format in others {
        let error = RowWriter::new(format, &schema, Box::new(io::sink())).err().unwrap();
        assert!(error.to_string().contains("rename one with AS"), "{error}");
    }
    assert_eq!(written("csv", &schema, &[]), b"a,a\n");
}

#[test]
fn parquet_and_arrow_keep_tensors_and_forget_ids() {
    let batch = tensors();
    let file = written("parquet", &batch.schema(), std::slice::from_ref(&batch));
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(file)).unwrap();
    let metadata = reader.schema().field(0).metadata().clone();
    assert_eq!(metadata["ARROW:extension:name"], "arrow.fixed_shape_tensor");
    assert!(!metadata.contains_key(FIELD_ID_KEY));
    let read = reader.build().unwrap().next().unwrap().unwrap();
    assert_eq!(read.columns(), batch.columns());

    let file = written("arrow", &batch.schema(), std::slice::from_ref(&batch));
    let mut reader = arrow_ipc::reader::FileReader::try_new(io::Cursor::new(file), None).unwrap();
    let metadata = reader.schema().field(0).metadata().clone();
    assert_eq!(metadata["ARROW:extension:metadata"], "{\"shape\":[2,2]}");
    assert_eq!(reader.next().unwrap().unwrap().columns(), batch.columns());
}

#[test]
fn dictionaries_that_differ_from_batch_to_batch_fit_into_one_arrow_file() {
    let batch = |word: &str| {
        let words: DictionaryArray<Int32Type> = vec![word].into_iter().collect();
        of(vec![("word", Arc::new(words))])
    };
    let batches = [batch("a"), batch("b")];
    let file = written("arrow", &batches[0].schema(), &batches);
    let reader = arrow_ipc::reader::FileReader::try_new(io::Cursor::new(file), None).unwrap();
    let read: Vec<_> = reader.map(Result::unwrap).collect();
    let words = read.iter().map(|batch| batch.column(0).as_string::<i32>().value(0).to_owned());
    assert_eq!(words.collect::<Vec<_>>(), ["a", "b"]);
}
