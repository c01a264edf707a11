//! What leaves a dataset stands alone: whatever places its rows name, and whatever became of its schema.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use tenrow::{
    Attribute, Columns, CompactOptions, DType, Dataset, ErrorKind, FileValue, OnProgress, Schema,
    SchemaChange, Snapshot, WriteOptions,
};
use tenrow_convert::{Existing, Format, Purpose, export, export_file};
use tenrow_tests::{block_on, folder, place};

use super::stock::verified;

fn named(format: &str) -> Format {
    Format::named(format, Purpose::Export).unwrap()
}

/// What no row holds itself here.
const LARGE: &[u8] = &[b'z'; 100];

/// A dataset with one large and one small file.
async fn files_at(folder: &Path) -> Dataset {
    let schema = Schema::new([Attribute::parse("photo:file?").unwrap()]).unwrap();
    let dataset = Dataset::create(&place::location(folder), schema).await.unwrap();
    append(&dataset, &[Some(LARGE), Some(b"small"), None]).await;
    dataset
}

async fn append(dataset: &Dataset, files: &[Option<&'static [u8]>]) {
    let value = |bytes: &Option<&'static [u8]>| {
        bytes.map(|bytes| FileValue::new("a.bin", Bytes::from_static(bytes)))
    };
    let files: Vec<_> = files.iter().map(value).collect();
    let options = WriteOptions::default().with_inline_file_bytes(10);
    let mut writer = dataset.writer_with(options).await.unwrap();
    let column = std::sync::Arc::new(FileValue::array(&files));
    writer.append_columns(Columns::new().array("photo", column)).await.unwrap();
    writer.commit().await.unwrap();
}

async fn clone_of(dataset: &Dataset, folder: &Path) -> Dataset {
    let version = dataset.latest().await.unwrap().version();
    dataset.clone_to(&place::location(folder), version).await.unwrap()
}

/// The bytes of `photo` in an exported Parquet file.
async fn exported(snapshot: &Snapshot, folder: &Path) -> Vec<Option<Vec<u8>>> {
    export(&snapshot.all(), folder, Format::PARQUET, Existing::Keep, &OnProgress::default())
        .await
        .unwrap();
    let batch = read_parquet(&folder.join("data.parquet"));
    let files = batch.column(0).as_struct();
    assert_eq!(files.column_by_name("path").unwrap().null_count(), batch.num_rows());
    let bytes = files.column_by_name("bytes").unwrap().as_binary::<i32>();
    bytes.iter().map(|bytes| bytes.map(<[u8]>::to_vec)).collect()
}

fn read_parquet(path: &Path) -> RecordBatch {
    let file = std::fs::File::open(path).unwrap();
    let mut reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    reader.next().unwrap().unwrap()
}

async fn contents(dataset: &Dataset) -> Vec<Option<Vec<u8>>> {
    let snapshot = dataset.latest().await.unwrap();
    let photos = snapshot.file_column("photo").unwrap();
    let mut found = Vec::new();
    for row in 0..snapshot.row_count() {
        found.push(photos.bytes(row).await.unwrap().map(|bytes| bytes.to_vec()));
    }
    found
}

/// Large files of a clone, whose paths lead to another dataset, were exported as null.
#[test]
fn exports_have_their_large_files_wherever_these_are() {
    block_on(async {
        let folder = place::folder();
        let out = tempfile::tempdir().unwrap();
        let a = files_at(&folder.path().join("a")).await;
        let clone = clone_of(&a, &folder.path().join("b")).await;
        let compacted = clone_of(&a, &folder.path().join("c")).await;
        append(&compacted, &[Some(LARGE)]).await;
        compacted.compact(CompactOptions::default()).await.unwrap();
        let twice = clone_of(&compacted, &folder.path().join("d")).await;
        let expected = contents(&a).await;
        assert_eq!(expected[0].as_deref(), Some(LARGE));
        for (name, dataset) in [("a", &a), ("b", &clone), ("c", &compacted), ("d", &twice)] {
            let snapshot = dataset.latest().await.unwrap();
            let found = exported(&snapshot, &out.path().join(name)).await;
            assert_eq!(found[..3], expected[..], "parquet of {name}");
            let lines = out.path().join(format!("{name}.jsonl"));
            export_file(
                &snapshot.rows([0, 1]).unwrap(),
                &[],
                &lines,
                Existing::Keep,
                &OnProgress::default(),
            )
            .await
            .unwrap();
            let lines = std::fs::read_to_string(lines).unwrap();
            assert!(lines.lines().all(|line| line.contains("\"bytes\"")), "{lines}");
        }
    });
}

/// Rows that a clone wrote anew name large files of its origin by a name that the copy does not know.
#[test]
fn copies_have_their_large_files_whoever_wrote_the_rows() {
    block_on(async {
        let folder = place::folder();
        let at = |name: &str| folder.path().join(name);
        let a = files_at(&at("a")).await;
        let b = clone_of(&a, &at("b")).await;
        append(&b, &[Some(LARGE)]).await;
        b.compact(CompactOptions::default()).await.unwrap();
        let c = clone_of(&b, &at("c")).await;
        let expected = contents(&c).await;
        assert_eq!(expected.len(), 4);
        for (from, name) in [(&b, "copy of b"), (&c, "copy of c")] {
            let version = from.latest().await.unwrap().version();
            from.copy_to(&place::location(at(name)), version, &OnProgress::default())
                .await
                .unwrap();
        }
        for name in ["a", "b", "c"] {
            std::fs::remove_dir_all(at(name)).unwrap();
        }
        for name in ["copy of b", "copy of c"] {
            let copy = Dataset::open(&place::location(at(name))).await.unwrap();
            assert_eq!(contents(&copy).await, expected, "{name}");
            assert!(copy.latest().await.unwrap().root().origins.is_empty());
            copy.compact(CompactOptions::default()).await.unwrap();
            assert_eq!(contents(&copy).await, expected, "{name}, compacted");
            verified(&copy).await;
        }
    });
}

/// The schema of an export took the ids of earlier forms along, which are those of other attributes there.
#[test]
fn exports_of_widened_attributes_are_written() {
    block_on(async {
        let folder = place::folder();
        let out = tempfile::tempdir().unwrap();
        let schema = ["x:i16", "y:i16"].map(|text| Attribute::parse(text).unwrap());
        let location = place::location(folder.path());
        let dataset = Dataset::create(&location, Schema::new(schema).unwrap()).await.unwrap();
        let mut writer = dataset.writer().await.unwrap();
        let columns = Columns::new().scalars("x", [1i16, 2]);
        writer.append_columns(columns.scalars("y", [3i16, 4])).await.unwrap();
        writer.commit().await.unwrap();
        for change in [
            SchemaChange::Widen { name: "x".into(), dtype: DType::I64 },
            SchemaChange::MakeNullable("y".into()),
            SchemaChange::Rename { from: "y".into(), to: "z".into() },
            SchemaChange::Reorder(vec!["z".into(), "x".into()]),
        ] {
            dataset.change_schema(change).await.unwrap();
        }
        let snapshot = dataset.latest().await.unwrap();
        export(
            &snapshot.all(),
            out.path(),
            Format::PARQUET,
            Existing::Keep,
            &OnProgress::default(),
        )
        .await
        .unwrap();
        let rows = read_parquet(&out.path().join("data.parquet"));
        assert_eq!(rows.column(1).as_primitive::<Int64Type>().values()[..], [1, 2]);
        let lines = out.path().join("some.jsonl");
        export_file(
            &snapshot.rows([1]).unwrap(),
            &["x".into()],
            &lines,
            Existing::Keep,
            &OnProgress::default(),
        )
        .await
        .unwrap();
        assert_eq!(std::fs::read_to_string(lines).unwrap(), "{\"x\":2}\n");
        // What is written of it is read in again.
        let schema = Schema::new(snapshot.schema().attributes().iter().cloned()).unwrap();
        let again = place::location(folder.path().join("again"));
        assert!(Dataset::create(&again, schema).await.is_ok());
    });
}

/// Flips a bit where `text` stands.
fn flip_a_bit(file: &Path, text: &[u8]) {
    let mut bytes = std::fs::read(file).unwrap();
    let at = bytes.windows(text.len()).position(|window| window == text).unwrap();
    bytes[at] ^= 1;
    std::fs::remove_file(file).unwrap();
    std::fs::write(file, bytes).unwrap();
}

/// The only file below a folder of a dataset.
fn only_file(folder: &Path) -> std::path::PathBuf {
    let found = folder::files_of(folder);
    let (path, _) = found.first_key_value().unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    folder.join(path)
}

/// A flipped bit got a new checksum in the copy, and nobody could have told any more.
#[test]
fn what_is_damaged_is_neither_copied_nor_exported() {
    if !place::needs_folders("files are damaged and removed") {
        return;
    }
    block_on(async {
        let folder = place::folder();
        let out = tempfile::tempdir().unwrap();
        for (number, (damaged, text)) in
            [("files", LARGE), ("data", b"small")].into_iter().enumerate()
        {
            let a = files_at(&folder.path().join(format!("a{number}"))).await;
            let file = only_file(&folder.path().join(format!("a{number}/{damaged}")));
            flip_a_bit(&file, text);
            let a = Dataset::open(&a.storage().to_string()).await.unwrap();
            let snapshot = a.latest().await.unwrap();
            let target = folder.path().join(format!("copy{number}"));
            let to = place::location(&target);
            let error =
                a.copy_to(&to, snapshot.version(), &OnProgress::default()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", error.chain());
            assert!(error.chain().contains(&file.display().to_string()), "{}", error.chain());
            assert!(Dataset::open(&to).await.is_err());
            assert!(!folder::files_of(&target).keys().any(|path| path.starts_with(damaged)));
            for format in [Format::PARQUET, named("jsonl"), named("images")] {
                let to = out.path().join(format!("{number}{format}"));
                let error =
                    export(&snapshot.all(), &to, format, Existing::Keep, &OnProgress::default())
                        .await
                        .unwrap_err();
                let error = tenrow::Error::from(error);
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{format}: {}", error.chain());
                // Of images, those before the damaged one are there.
                let before = if format == named("images") { number } else { 0 };
                assert_eq!(folder::files_of(&to).len(), before, "{format}");
            }
        }
    });
}

/// A copy that was killed left files that were in the way of the next one.
#[test]
fn a_copy_that_was_interrupted_is_gone_on_with() {
    if !place::needs_folders("files are damaged and removed") {
        return;
    }
    block_on(async {
        let folder = place::folder();
        let a = files_at(&folder.path().join("a")).await;
        let version = a.latest().await.unwrap().version();
        let target = folder.path().join("b");
        let to = place::location(&target);
        a.copy_to(&to, version, &OnProgress::default()).await.unwrap();
        let expected = contents(&a).await;
        std::fs::remove_dir_all(target.join("_tenrow")).unwrap();
        std::fs::remove_dir_all(target.join("files")).unwrap();

        let b = a.copy_to(&to, version, &OnProgress::default()).await.unwrap();

        assert_eq!(contents(&b).await, expected);
        verified(&b).await;
        // What is there and is something else stays, and is said.
        std::fs::remove_dir_all(target.join("_tenrow")).unwrap();
        let file = only_file(&target.join("files"));
        flip_a_bit(&file, LARGE);
        let error = a.copy_to(&to, version, &OnProgress::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{}", error.chain());
        assert!(error.chain().contains(&file.display().to_string()), "{}", error.chain());
    });
}

/// Most programs write no checksums of pages: what rotted in such a file came out as values like others.
#[test]
fn a_damaged_file_in_place_is_not_exported() {
    if !place::needs_folders("files in place are local") {
        return;
    }
    block_on(async {
        let folder = place::folder();
        let file = folder.path().join("x.parquet");
        let column: ArrayRef = Arc::new(Int64Array::from(vec![1, 0x0102_0304_0506_0708, 3]));
        let batch = RecordBatch::try_from_iter([("n", column)]).unwrap();
        let plain = WriterProperties::builder().set_dictionary_enabled(false).build();
        let mut writer =
            ArrowWriter::try_new(File::create(&file).unwrap(), batch.schema(), Some(plain))
                .unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let schema = Schema::new([Attribute::parse("n:i64").unwrap()]).unwrap();
        let at = place::location(folder.path().join("d"));
        let dataset = Dataset::create(&at, schema).await.unwrap();
        let mut writer = dataset.writer().await.unwrap();
        writer.append_in_place(&file, &HashMap::new()).await.unwrap();
        let snapshot = writer.commit().await.unwrap();
        let out = folder.path().join("out");
        let format = named("jsonl");
        export(&snapshot.all(), &out, format, Existing::Keep, &OnProgress::default())
            .await
            .unwrap();

        let time = file.metadata().unwrap().modified().unwrap();
        flip_a_bit(&file, &0x0102_0304_0506_0708i64.to_le_bytes());
        File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
        let snapshot = Dataset::open(&at).await.unwrap().latest().await.unwrap();
        let error =
            export(&snapshot.all(), &out, format, Existing::Replace, &OnProgress::default()).await;
        let error = format!("{:?}", error.unwrap_err());
        assert!(error.contains("x.parquet") && error.contains("the dataset recorded"), "{error}");
    });
}
