//! Datasets that are kept for ever read back as they were written: a format never forgets.
//!
//! `cargo test --test core write_golden_datasets -- --ignored` writes those that are not there yet.
//! Golden datasets are added, never rewritten.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, FixedSizeListArray, ListArray, RecordBatch, UInt32Array};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::Field;
use tenrow::engine::{Clock, Ids};
use tenrow::storage::Storage;
use tenrow::{
    Attribute, Columns, CreateOptions, DType, Dataset, Encoding, ErrorKind, PageChecks, Schema,
    Snapshot, VerifyOptions, WriteOptions,
};
use tenrow_tests::{block_on, folder, pattern, zoo};

/// One golden dataset: how it was made, which is also what it must hold.
struct Golden {
    name: &'static str,
    schema: fn() -> Schema,
    options: fn() -> WriteOptions,
    /// The rows of each commit.
    commits: fn() -> Vec<RecordBatch>,
    /// All rows, in the order in which they are read.
    rows: fn() -> RecordBatch,
}

const GOLDEN: [Golden; 3] = [
    Golden {
        name: "zoo",
        schema: zoo::schema,
        options: zoo::small_files,
        commits: || vec![zoo::batch(0..25), zoo::batch(25..40)],
        rows: || zoo::batch(0..40),
    },
    Golden {
        name: "keys",
        schema: keys_schema,
        options: || WriteOptions::default().with_partition_by(["split"]),
        commits: || vec![keys_batch(0..8)],
        rows: || {
            // Null first, then by text; within a key as they came.
            let order = UInt32Array::from(vec![2, 5, 1, 4, 7, 0, 3, 6]);
            arrow_select::take::take_record_batch(&keys_batch(0..8), &order).unwrap()
        },
    },
    Golden {
        name: "pages",
        schema: pages_schema,
        options: WriteOptions::default,
        commits: || vec![pages_batch()],
        rows: pages_batch,
    },
];

fn parse(texts: &[&str]) -> Vec<Attribute> {
    texts.iter().map(|text| Attribute::parse(text).unwrap()).collect()
}

fn keys_schema() -> Schema {
    Schema::new(parse(&["x:i16[2]", "id:i64", "split:string?"])).unwrap()
}

fn keys_batch(rows: std::ops::Range<u64>) -> RecordBatch {
    let split = rows.clone().map(|row| ["train", "test", ""][row as usize % 3]);
    Columns::new()
        .array("x", pattern::tensors(DType::I16, 2, rows.clone(), false))
        .array("id", pattern::ids(rows))
        .strings("split", split.map(|text| (!text.is_empty()).then_some(text)))
        .into_batch()
        .unwrap()
}

const PAGES_ROWS: u64 = 3000;

fn pages_schema() -> Schema {
    let mut attributes = parse(&["sparse:u8[784]?", "tokens:list<u16>", "even:f32[16]"]);
    let even = attributes.remove(2).with_encoding(Encoding::Zstd(3));
    Schema::new(attributes.into_iter().chain([even])).unwrap()
}

/// Several pages a column, in few bytes: most rows are null, empty or all the same.
fn pages_batch() -> RecordBatch {
    let item = |dtype: DType| Arc::new(Field::new("item", dtype.arrow_type(), true));
    let full = pattern::tensors(DType::U8, 784, 0..PAGES_ROWS, false);
    let valid = NullBuffer::from_iter((0..PAGES_ROWS).map(|row| row % 600 == 599));
    let values = full.as_fixed_size_list().values().clone();
    let sparse = FixedSizeListArray::new(item(DType::U8), 784, values, Some(valid));
    let lengths = (0..PAGES_ROWS).map(|row| if row % 100 == 7 { 5 } else { 0 });
    let tokens = pattern::numbers(DType::U16, (0..150).map(|k| pattern::bits(DType::U16, k)));
    let offsets = OffsetBuffer::from_lengths(lengths);
    let token = Arc::new(Field::new("item", DType::U16.arrow_type(), false));
    let tokens = ListArray::new(token, offsets, tokens, None);
    let even = (0..PAGES_ROWS * 16).map(|k| u64::from(((k / 8000) as f32).to_bits()));
    let even = pattern::numbers(DType::F32, even);
    let even = FixedSizeListArray::new(item(DType::F32), 16, even, None);
    let columns: [(&str, ArrayRef); 3] =
        [("sparse", Arc::new(sparse)), ("tokens", Arc::new(tokens)), ("even", Arc::new(even))];
    let columns = columns.into_iter().fold(Columns::new(), |all, (name, c)| all.array(name, c));
    columns.into_batch().unwrap()
}

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/v1").join(name)
}

async fn assert_holds(snapshot: &Snapshot, expected: &RecordBatch) {
    let count = expected.num_rows() as u64;
    assert_eq!(snapshot.row_count(), count);
    let always = tenrow::ReadOptions::default().with_page_checks(PageChecks::Always);
    let sliced = snapshot.slice_with(0..count, &always).await.unwrap();
    for (i, attribute) in snapshot.schema().attributes().iter().enumerate() {
        let (name, expected) = (&attribute.name, expected.column(i));
        if attribute.attribute_type == tenrow::AttributeType::File {
            let files = snapshot.file_column(name).unwrap();
            for row in 0..count {
                let given = expected.as_struct().column(0).as_binary::<i32>();
                let given = expected.is_valid(row as usize).then(|| given.value(row as usize));
                let found = files.bytes(row).await.unwrap();
                assert_eq!(found.as_deref(), given, "{name} of row {row}");
            }
        } else {
            let found = sliced.column(i);
            assert!(found.to_data() == expected.to_data(), "{name}: {found:?}, not {expected:?}");
        }
    }
}

#[test]
fn every_golden_dataset_reads_back_as_it_was_written() {
    for golden in GOLDEN {
        block_on(async {
            let place = place(golden.name).display().to_string();
            let dataset = Dataset::open(&place).await.unwrap();
            let snapshot = dataset.latest().await.unwrap();
            assert_eq!(snapshot.schema(), &(golden.schema)(), "{}", golden.name);
            assert_eq!(snapshot.properties()["golden"], golden.name);
            assert_holds(&snapshot, &(golden.rows)()).await;
            assert_eq!(dataset.versions().await.unwrap()[0].created_ms, CREATED_MS);
            let full = VerifyOptions { full: true, ..VerifyOptions::default() };
            let report = dataset.verify(full).await.unwrap();
            assert!(report.faults.is_empty(), "{}: {:?}", golden.name, report.faults);
        });
    }
}

/// What is wrong with each broken dataset, and what is said of it.
const BROKEN: [(&str, ErrorKind, &str); 7] = [
    ("newer_format_version", ErrorKind::TooNew, "format version 2; 1 is known here"),
    ("unknown_reader_feature", ErrorKind::TooNew, "unknown reader features: time_travel"),
    ("unknown_writer_feature", ErrorKind::TooNew, "can only be read: it uses time_travel"),
    ("bad_checksum", ErrorKind::Corrupt, "leaf: checksum"),
    ("missing_leaf", ErrorKind::Corrupt, "_tenrow/leaves/"),
    ("truncated_data_file", ErrorKind::Corrupt, "but the manifest says"),
    ("not_a_dataset", ErrorKind::NotADataset, "is not a tenrow dataset"),
];

/// Opens, reads all rows, and appends to a copy; the first thing that fails.
async fn use_it(place: &Path) -> tenrow::Result<()> {
    let dataset = Dataset::open(&place.display().to_string()).await?;
    let snapshot = dataset.latest().await?;
    snapshot.slice(0..snapshot.row_count()).await?;
    dataset.writer().await.map(drop)
}

#[test]
fn every_broken_dataset_is_refused_with_its_cause() {
    for (name, kind, text) in BROKEN {
        let place = place("broken").join(name);
        assert!(place.is_dir(), "{name}");
        let before = folder::files_of(&place);
        let error = block_on(use_it(&place)).expect_err(name);
        assert_eq!(error.kind(), kind, "{name}: {}", error.chain());
        assert!(error.chain().contains(text), "{name}: {}", error.chain());
        assert_eq!(folder::files_of(&place), before, "{name} was changed by opening it");
    }
}

#[test]
fn a_dataset_with_an_unknown_writer_feature_can_be_read() {
    block_on(async {
        let place = place("broken/unknown_writer_feature").display().to_string();
        let snapshot = Dataset::open(&place).await.unwrap().latest().await.unwrap();
        assert_holds(&snapshot, &(GOLDEN[1].rows)()).await;
    });
}

const CREATED_MS: i64 = 1_790_000_000_000;

async fn write(golden: &Golden, place: &Path) {
    let seed = golden.name.bytes().fold(1, |seed, byte| seed * 31 + u64::from(byte));
    let storage = Storage::local(place, Ids::seeded(seed + 1));
    let dataset =
        Dataset::at(storage).with_ids(Ids::seeded(seed)).with_clock(Clock::fixed(CREATED_MS));
    let options = CreateOptions::default().with_property("golden", golden.name);
    dataset.create_here((golden.schema)(), &options).await.unwrap();
    for batch in (golden.commits)() {
        let mut writer = dataset.writer_with((golden.options)()).await.unwrap();
        writer.append(&batch).await.unwrap();
        writer.commit().await.unwrap();
    }
}

/// The document of a root in its frame: see `spec/manifest.md`.
fn edit_root(place: &Path, edit: impl Fn(String) -> String) {
    let versions = place.join("_tenrow/versions");
    let newest = folder::files_of(&versions).into_iter().next().unwrap();
    let text = String::from_utf8(newest.1).unwrap();
    let at = text.find("\"root\":").unwrap() + 7;
    let document = edit(text[at..text.len() - 2].to_owned());
    assert_ne!(document, text[at..text.len() - 2]);
    let checksum = tenrow::engine::checksum(document.as_bytes());
    let framed = format!("{{\"checksum\":\"{checksum:016x}\",\"root\":{document}}}\n");
    folder::write(&versions.join(newest.0), framed.as_bytes());
}

fn first_file(place: &Path, below: &str) -> PathBuf {
    let files = folder::files_of(place).into_keys();
    place.join(files.into_iter().find(|name| name.starts_with(below)).unwrap())
}

fn break_it(name: &str, place: &Path) {
    if name == "not_a_dataset" {
        return folder::write(&place.join("README.txt"), b"Not a dataset.\n");
    }
    block_on(write(&GOLDEN[1], place));
    let features = |kind: &str| {
        let (from, to) = (format!("\"{kind}\":["), format!("\"{kind}\":[\"time_travel\""));
        edit_root(place, |root| {
            let root = root.replace(&from, &format!("{to},"));
            root.replace("\"time_travel\",]", "\"time_travel\"]")
        });
    };
    match name {
        "newer_format_version" => {
            edit_root(place, |root| root.replace("\"format_version\":1", "\"format_version\":2"))
        }
        "unknown_reader_feature" => features("reader_features"),
        "unknown_writer_feature" => features("writer_features"),
        "bad_checksum" => {
            let leaf = first_file(place, "_tenrow/leaves/");
            let mut bytes = std::fs::read(&leaf).unwrap();
            bytes[100] ^= 1;
            std::fs::write(&leaf, bytes).unwrap();
        }
        "missing_leaf" => std::fs::remove_file(first_file(place, "_tenrow/leaves/")).unwrap(),
        "truncated_data_file" => {
            let file = first_file(place, "data/");
            let bytes = std::fs::read(&file).unwrap();
            std::fs::write(&file, &bytes[..bytes.len() - 100]).unwrap();
        }
        other => panic!("nobody knows how to break {other}"),
    }
}

#[test]
#[ignore = "writes into the repository; run it to add a golden dataset"]
fn write_golden_datasets() {
    for golden in GOLDEN {
        let place = place(golden.name);
        if !place.exists() {
            block_on(write(&golden, &place));
        }
    }
    for (name, _, _) in BROKEN {
        let place = place("broken").join(name);
        if !place.exists() {
            break_it(name, &place);
        }
    }
}
