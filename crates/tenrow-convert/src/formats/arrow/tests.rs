use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Int64Array, NullArray, RecordBatch, StringArray,
    StringViewArray,
};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{DataType, Field, Schema, SchemaRef, UnionFields, UnionMode};
use tempfile::TempDir;
use tenrow::{Attribute, Schema as Attributes};
use tenrow_values::{Result, cast_column, conform};

use super::*;
use crate::{OpenOptions, detect, open as open_any};

struct Place {
    _folder: TempDir,
    path: PathBuf,
}

impl Place {
    fn of(bytes: &[u8]) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("data");
        std::fs::write(&path, bytes).unwrap();
        Self { _folder: folder, path }
    }

    fn read(&self) -> Result<Vec<RecordBatch>> {
        let mut source = TableSource::arrow(&self.path)?;
        std::iter::from_fn(|| source.next_batch().transpose()).collect()
    }
}

fn read(bytes: &[u8]) -> Result<Vec<RecordBatch>> {
    Place::of(bytes).read()
}

/// What is wrong with a file, to its root.
fn fault(bytes: &[u8]) -> String {
    let error = read(bytes).expect_err("it is damaged");
    let mut says = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        says = format!("{says}: {error}");
        source = error.source();
    }
    says
}

fn of(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
        .unwrap()
}

fn file_with(options: IpcWriteOptions, batches: &[RecordBatch]) -> Vec<u8> {
    let schema = batches[0].schema();
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &schema, options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap()
}

fn file(batches: &[RecordBatch]) -> Vec<u8> {
    file_with(IpcWriteOptions::default(), batches)
}

fn stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap()
}

fn sample() -> RecordBatch {
    let words = StringArray::from(vec![Some("a"), None, Some("c")]);
    of(vec![("n", Arc::new(Int64Array::from(vec![1, 2, 3]))), ("word", Arc::new(words))])
}

/// One row of every kind of attribute, and one that is null.
fn every_type() -> (Attributes, RecordBatch) {
    let texts = [
        "flag:bool?",
        "half:bf16?",
        "count:u64?",
        "image:u8[2,1]?",
        "boxes:f32[?,2]?",
        "name:string?",
        "blob:binary?",
        "key:fixed_binary(3)?",
        "when:timestamp(us,UTC)?",
        "day:date32?",
        "price:decimal128(9,2)?",
        "tags:list<string?>?",
        "pair:struct<a:i64?,b:string?>?",
        "file:file?",
    ];
    let attributes = Attributes::new(texts.map(|text| Attribute::parse(text).unwrap())).unwrap();
    let values = [
        "true",
        "1.5",
        "7",
        "[[1],[2]]",
        "[[1.5,2.5]]",
        "\"x\"",
        "\"00ff\"",
        "\"aabbcc\"",
        "\"2020-01-02T03:04:05Z\"",
        "\"2020-01-02\"",
        "1.25",
        "[\"t\",null]",
        "{\"a\":1,\"b\":\"y\"}",
    ];
    let names = attributes.attributes().iter().map(|a| &a.name);
    let members: Vec<_> = names.zip(values).map(|(n, v)| format!("{n:?}:{v}")).collect();
    let json = Place::of(format!("{{{}}}\n{{}}\n", members.join(",")).as_bytes());
    let format = crate::Format::named("jsonl", crate::Purpose::Import).unwrap();
    let mut source =
        open_any(std::slice::from_ref(&json.path), Some(format), &OpenOptions::default()).unwrap();
    let targets = attributes.attributes();
    source.read_as(targets, tenrow_values::CastMode::Safe).unwrap();
    let found = source.next_batch().unwrap().unwrap();
    let content = tenrow::FileValue {
        bytes: Some("text".into()),
        name: Some("a.txt".into()),
        media_type: Some("text/plain".into()),
        ..Default::default()
    };
    let file: ArrayRef = Arc::new(tenrow::FileValue::array(&[Some(content), None]));
    let columns = targets.iter().map(|target| {
        let place = source.attributes().iter().position(|a| a.name == target.name);
        let Some(place) = place else { return file.clone() };
        let (from, mode) = (&source.attributes()[place], tenrow_values::CastMode::Safe);
        cast_column(found.column(place), from, target, mode, 0, "json").unwrap()
    });
    let batch = RecordBatch::try_new(attributes.arrow_schema(), columns.collect()).unwrap();
    (attributes, batch)
}

fn written(
    create: fn(&SchemaRef, tenrow_values::Output) -> Result<Box<dyn tenrow_values::RowSink>>,
    batch: &RecordBatch,
) -> Vec<u8> {
    let place = Place::of(b"");
    let out = Box::new(std::fs::File::create(&place.path).unwrap());
    let mut sink = create(&batch.schema(), out).unwrap();
    sink.write(batch).unwrap();
    sink.finish().unwrap();
    std::fs::read(&place.path).unwrap()
}

#[test]
fn every_type_comes_back_as_it_was_from_files_and_streams() {
    let (attributes, batch) = every_type();
    for (create, name) in
        [(writer::create_file as fn(&_, _) -> _, "arrow"), (writer::create_stream, "arrow-stream")]
    {
        let place = Place::of(&written(create, &batch));
        assert_eq!(detect(&place.path).unwrap().name(), name);
        let source = TableSource::arrow(&place.path).unwrap();
        let types = |all: &[Attribute]| all.iter().map(Attribute::type_text).collect::<Vec<_>>();
        assert_eq!(types(source.attributes()), types(attributes.attributes()), "{name}");
        let read = place.read().unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].columns(), batch.columns(), "{name}");
    }
}

#[test]
fn what_others_write_is_read_whatever_it_is_compressed_by() {
    let batch = sample();
    let mut kinds =
        vec![file(&[batch.clone(), batch.clone()]), stream(&[batch.clone(), batch.clone()])];
    for compression in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
        let options = IpcWriteOptions::default().try_with_compression(Some(compression)).unwrap();
        kinds.push(file_with(options, &[batch.clone(), batch.clone()]));
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&kinds[0]).unwrap();
    kinds.push(gzip.finish().unwrap());
    for bytes in kinds {
        let read = read(&bytes).unwrap();
        assert_eq!(read.iter().map(RecordBatch::num_rows).sum::<usize>(), 6);
        assert_eq!(read[1].columns(), batch.columns());
    }
}

#[test]
fn dictionaries_and_views_are_the_values_that_they_stand_for() {
    let words: DictionaryArray<Int8Type> = vec!["a", "b", "a"].into_iter().collect();
    let views = StringViewArray::from(vec!["x", "a text that is longer than a view", "z"]);
    let batch = of(vec![("word", Arc::new(words)), ("view", Arc::new(views))]);
    for bytes in [file(std::slice::from_ref(&batch)), stream(std::slice::from_ref(&batch))] {
        let read = read(&bytes).unwrap().remove(0);
        let texts = |place: usize| read.column(place).as_string::<i32>().iter().flatten();
        assert_eq!(texts(0).collect::<Vec<_>>(), ["a", "b", "a"]);
        assert!(texts(1).any(|text| text.len() > 30));
    }
}

#[test]
fn a_large_batch_comes_in_pieces() {
    let long = "x".repeat(1 << 20);
    let words = DictionaryArray::<Int32Type>::try_new(
        vec![0; 40].into(),
        Arc::new(StringArray::from(vec![long])),
    );
    let batch = of(vec![("word", Arc::new(words.unwrap()))]);
    let rows: Vec<_> = read(&file(&[batch])).unwrap().iter().map(RecordBatch::num_rows).collect();
    assert!(rows.len() >= 5 && rows.iter().sum::<usize>() == 40, "{rows:?}");
}

#[test]
fn a_file_cut_at_any_byte_is_an_error_and_a_stream_but_between_messages() {
    let batch = sample();
    let whole = file(&[batch.clone(), batch.clone()]);
    for n in 0..whole.len() {
        read(&whole[..n]).expect_err("a cut file");
    }
    let whole = stream(&[batch.clone(), batch]);
    let mut whole_batches = Vec::new();
    for n in 0..whole.len() {
        if let Ok(batches) = read(&whole[..n]) {
            whole_batches.push(batches.len());
        }
    }
    // Without an end, or in the middle of it, it has the batches that were sent before.
    whole_batches.dedup();
    assert_eq!(whole_batches, [0, 1, 2]);
}

#[test]
fn no_flipped_bit_ends_the_program() {
    let batch = sample();
    let options = IpcWriteOptions::default();
    let zstd = options.try_with_compression(Some(CompressionType::ZSTD)).unwrap();
    let words: DictionaryArray<Int8Type> = vec!["a", "b", "a"].into_iter().collect();
    let words = of(vec![("word", Arc::new(words))]);
    let mut damaged = 0;
    for mut bytes in [file_with(zstd, std::slice::from_ref(&batch)), stream(&[words])] {
        for place in 0..bytes.len() {
            for bit in [0, 3, 7] {
                bytes[place] ^= 1 << bit;
                damaged += usize::from(read(&bytes).is_err());
                bytes[place] ^= 1 << bit;
            }
        }
    }
    assert!(damaged > 1000, "{damaged} were found");
}

/// Where the flatbuffer of the first record batch has this number.
fn place_of(bytes: &[u8], number: i64) -> Vec<usize> {
    let found = bytes.windows(8).enumerate().filter(|(_, window)| *window == number.to_le_bytes());
    found.map(|(place, _)| place).collect()
}

#[test]
fn what_a_batch_claims_is_held_against_its_bytes() {
    // Rows of nothing but nulls need no bytes, and would each be a text of no bytes, but an offset.
    let mut bytes = stream(&[of(vec![("none", Arc::new(NullArray::new(77_777)))])]);
    assert_eq!(read(&bytes).unwrap()[0].num_rows(), 77_777);
    for place in place_of(&bytes, 77_777) {
        bytes[place..place + 8].copy_from_slice(&(1i64 << 50).to_le_bytes());
    }
    assert!(fault(&bytes).contains("more than its bytes hold"), "{}", fault(&bytes));

    let text: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(4321)]));
    let options = IpcWriteOptions::default();
    let zstd = options.try_with_compression(Some(CompressionType::ZSTD)).unwrap();
    let mut bytes = file_with(zstd, &[of(vec![("text", text)])]);
    let places = place_of(&bytes, 4321);
    assert!(!places.is_empty(), "the size that the buffer decompresses to");
    for place in places {
        bytes[place..place + 8].copy_from_slice(&(1i64 << 45).to_le_bytes());
    }
    assert!(fault(&bytes).contains("decompressed"), "{}", fault(&bytes));
}

#[test]
fn bodies_and_metadata_that_are_not_there_take_no_memory() {
    let mut bytes = stream(&[sample()]);
    bytes[4..8].copy_from_slice(&i32::MAX.to_le_bytes());
    assert!(fault(&bytes).contains("cut short"), "{}", fault(&bytes));
    bytes[4..8].copy_from_slice(&(-8i32).to_le_bytes());
    assert!(fault(&bytes).contains("negative length"), "{}", fault(&bytes));
}

#[test]
fn what_follows_a_stream_is_not_lost_in_silence() {
    let mut bytes = stream(&[sample()]);
    bytes.extend_from_slice(&stream(&[sample()]));
    assert!(fault(&bytes).contains("bytes after the end of the stream"), "{}", fault(&bytes));
}

#[test]
fn other_files_are_not_taken_for_streams() {
    let is_stream = |bytes: &[u8]| super::is_stream(&Start::new("x".as_ref(), bytes));
    let whole = stream(&[sample()]);
    assert!(is_stream(&whole));
    assert!(is_stream(&whole[..whole.len().min(64)]));
    for other in [&[0xff; 4096][..], &[0xff; 4], &[], b"\xff\xff\xff\xff\x10\0\0\0\x10\0\0\0"] {
        assert!(!is_stream(other));
    }
    // What begins with a batch has lost its schema.
    let second = whole.windows(4).skip(4).position(|window| window == CONTINUATION).unwrap() + 4;
    assert!(!is_stream(&whole[second..]));
}

#[test]
fn types_that_tenrow_has_not_are_named_with_their_column() {
    let members = UnionFields::from_fields([Field::new("a", DataType::Int64, true)]);
    let field = Field::new("odd", DataType::Union(members, UnionMode::Sparse), false);
    let schema = Arc::new(Schema::new(vec![field]));
    let bytes = stream(&[RecordBatch::new_empty(schema)]);
    assert!(fault(&bytes).contains("\"odd\""), "{}", fault(&bytes));
}

#[test]
fn a_tensor_of_others_is_a_tensor() {
    let attribute = Attribute::parse("image:u8[2,1]").unwrap();
    let (_, batch) = every_type();
    let column = batch.column_by_name("image").unwrap().slice(0, 1);
    let metadata = [
        ("ARROW:extension:name", "arrow.fixed_shape_tensor"),
        ("ARROW:extension:metadata", "{\"shape\":[2,1]}"),
    ];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let field = Field::new("image", column.data_type().clone(), false).with_metadata(metadata);
    let schema = Arc::new(Schema::new(vec![field]));
    let batch = RecordBatch::try_new(schema, vec![column.clone()]).unwrap();
    let place = Place::of(&stream(&[batch]));
    let source = TableSource::arrow(&place.path).unwrap();
    assert_eq!(source.attributes()[0].attribute_type, attribute.attribute_type);
    let read = place.read().unwrap();
    assert_eq!(read[0].column(0), &conform(&column, &attribute).unwrap());
    assert_eq!(read[0].column(0).len(), 1);
}

/// Once whatever was there of a gzip file came in, and nothing said that it was cut.
#[test]
fn a_gzipped_file_cut_at_any_byte_is_an_error() {
    let batches = [sample(), sample(), sample()];
    for whole in [file(&batches), stream(&batches)] {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&whole).unwrap();
        let gzip = gzip.finish().unwrap();
        let rows: usize = read(&gzip).unwrap().iter().map(RecordBatch::num_rows).sum();
        assert_eq!(rows, 9);
        for end in 2..gzip.len() {
            assert!(read(&gzip[..end]).is_err(), "{end} of {}", gzip.len());
        }
    }
}
