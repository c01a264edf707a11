//! Parquet files of others, which schedules index where they are: written once, for all schedules.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::LazyLock;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::Schema;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use tempfile::TempDir;
use tenrow::engine::checksum;
use tenrow::engine::manifest::{DataFile, ForeignFile, Partition};

use super::operation::Cells;
use super::rows;
use super::state::{Column, Kind, Value};

/// Rows of each file. Empty ones are files too.
const ROW_COUNTS: [usize; 4] = [3, 2, 0, 5];
/// Columns of each kind: one holds the values of one attribute.
const COPIES: usize = 3;
/// What the files have columns of; of files only the dataset itself makes columns.
const KINDS: [Kind; 11] = [
    Kind::Int("i8"),
    Kind::Int("i16"),
    Kind::Int("i32"),
    Kind::Int("i64"),
    Kind::Float("f32"),
    Kind::Float("f64"),
    Kind::Bool,
    Kind::Pair("f16"),
    Kind::Pair("f32"),
    Kind::Pair("f64"),
    Kind::Text,
];

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    for (number, &count) in ROW_COUNTS.iter().enumerate() {
        write(&folder.path().join(name(number)), number, count);
    }
    folder
});

/// How many files there are.
pub(crate) fn count() -> u64 {
    ROW_COUNTS.len() as u64
}

pub(crate) fn path(file: usize) -> PathBuf {
    FOLDER.path().join(name(file))
}

/// Whether the files have values for these columns.
pub(crate) fn fit(columns: &[Column]) -> bool {
    let of_kind = |kind| columns.iter().filter(|column| column.kind == kind).count();
    columns.iter().all(|column| KINDS.contains(&column.kind) && of_kind(column.kind) <= COPIES)
}

/// Where the values of these columns are in the files.
pub(crate) fn mapping(columns: &[Column]) -> HashMap<String, String> {
    let before = |at: usize| columns[..at].iter().filter(|c| c.kind == columns[at].kind).count();
    let place = |(at, column): (usize, &Column)| {
        (column.name.clone(), column_name(column.kind, before(at)))
    };
    columns.iter().enumerate().map(place).collect()
}

fn column_name(kind: Kind, copy: usize) -> String {
    format!("{} {copy}", kind.type_text())
}

/// The rows of files, in these columns.
pub(crate) fn rows(columns: &[Column], files: &[usize]) -> Vec<Cells> {
    let cells = |file: usize, row: usize| -> BTreeMap<u32, Value> {
        columns.iter().map(|column| (column.key, value(column.kind, file, row))).collect()
    };
    files.iter().flat_map(|&file| (0..ROW_COUNTS[file]).map(move |row| cells(file, row))).collect()
}

/// A partition without rows, as programs write it that index an empty file: no attribute has a value there.
pub(crate) fn empty_partition() -> Partition {
    let file = path(ROW_COUNTS.iter().position(|&rows| rows == 0).unwrap());
    let bytes = std::fs::read(&file).unwrap();
    let metadata = file.metadata().unwrap();
    let footer = u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap());
    let entry = DataFile {
        path: file.display().to_string(),
        foreign: Some(ForeignFile {
            modified_ns: metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec(),
        }),
        size_bytes: bytes.len() as u64,
        checksum: checksum(&bytes),
        footer_bytes: u64::from(footer) + 8,
        sequence: None,
        field_ids: Vec::new(),
        row_groups: Vec::new(),
        chunks: Vec::new(),
    };
    Partition { files: vec![entry], ..Partition::default() }
}

fn name(file: usize) -> String {
    format!("{file}.parquet")
}

fn value(kind: Kind, file: usize, row: usize) -> Value {
    let number = (10 * file + row) as i64;
    match kind {
        Kind::Int(_) => Value::Int(number),
        Kind::Float(_) => Value::float(number as f64 / 2.0),
        Kind::Bool => Value::Bool(row % 2 == 1),
        Kind::Pair(_) => Value::Pair([number as f64, 0.5]),
        Kind::Text => Value::Text(format!("foreign {number}")),
        Kind::File => Value::Null,
    }
}

fn write(path: &std::path::Path, file: usize, count: usize) {
    let column = |(kind, copy)| -> (String, ArrayRef) {
        let values: Vec<Value> = (0..count).map(|row| value(kind, file, row)).collect();
        (column_name(kind, copy), rows::array(kind, &values.iter().collect::<Vec<_>>()))
    };
    let names = KINDS.into_iter().flat_map(|kind| (0..COPIES).map(move |copy| (kind, copy)));
    let columns = names.map(column);
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let schema: Schema = batch.schema().as_ref().clone();
    // Several row groups, and statistics that are cut.
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(2)).build();
    let out = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(out, schema.into(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}
