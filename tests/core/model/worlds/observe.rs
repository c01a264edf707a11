//! What a version gives, read in every way there is.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::{Array, ArrayRef, RecordBatch, cast::AsArray};
use futures::TryStreamExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tenrow::engine::decode_view_rows;
use tenrow::{Dataset, ErrorKind, OnProgress, ScanOptions, Snapshot};
use tenrow_convert::{Existing, Format, export};
use tenrow_tests::random::Dice;

use super::state::{Column, Kind, State, Value, View};
use super::{bounds, rows};

/// Reads the whole version by `slice`, and checks that all other ways of reading agree with it.
///
/// `columns` are those that it is to have; if it has others, its values are left out.
pub(crate) async fn observe(
    snapshot: &Snapshot,
    columns: &[Column],
    dice: &mut Dice,
) -> (View, Vec<usize>) {
    let root = snapshot.root();
    let attributes = snapshot.schema().attributes();
    let mut view = View {
        columns: attributes
            .iter()
            .map(|a| (a.name.clone(), a.attribute_type.to_string(), a.nullable))
            .collect(),
        next_row_id: root.next_row_id,
        properties: root
            .properties
            .iter()
            .map(|(name, value)| (name.clone(), value.as_i64().unwrap()))
            .collect(),
        tags: root.tags.iter().map(|(name, version)| (name.clone(), version.0)).collect(),
        views: views(snapshot).await,
        sequences: root.sequences.clone(),
        expired_before: root.expired_before.0,
        ..View::default()
    };
    let (unfilled, partitions) = partitions(snapshot).await;
    view.unfilled = unfilled;
    let count = snapshot.row_count();
    let all: Vec<u64> = (0..count).collect();
    view.ids = snapshot.row_ids(&all).await.unwrap();
    let expected = State { columns: columns.to_vec(), ..State::default() }.view();
    if view.columns == expected.columns {
        let batch = snapshot.slice(0..count).await.unwrap();
        assert_eq!(batch.num_rows() as u64, count);
        view.rows = values(snapshot, &batch, columns, &all).await;
        check_ways(snapshot, &batch, &view, columns, dice).await;
        bounds::check(snapshot, &view).await;
    }
    (view, partitions)
}

/// The rows that someone chose. If no newer version has the view, its version may be gone; its rows are not.
async fn views(snapshot: &Snapshot) -> BTreeMap<String, (u64, Vec<u64>)> {
    let dataset = Dataset::at(snapshot.storage().clone());
    let mut views = BTreeMap::new();
    for (name, entry) in &snapshot.root().views {
        let bytes = snapshot.storage().read(&entry.path, entry.size_bytes).await.unwrap();
        let rows = decode_view_rows(&bytes, entry.row_count, u64::MAX).unwrap();
        match dataset.view_of(snapshot, name).await {
            Ok(view) => {
                assert_eq!(view.row_numbers().await.unwrap().to_vec(), rows, "view {name:?}")
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{}", error.chain()),
        }
        views.insert(name.clone(), (entry.version.0, rows));
    }
    views
}

/// Of each row the columns that its partition lacks, and the rows of each partition.
async fn partitions(snapshot: &Snapshot) -> (Vec<BTreeSet<String>>, Vec<usize>) {
    let (mut unfilled, mut partitions) = (Vec::new(), Vec::new());
    for partition in snapshot.partition_entries().await.unwrap() {
        let has = |attribute: &tenrow::Attribute| {
            let mut fields = partition.files.iter().flat_map(|file| &file.field_ids);
            fields.any(|field| attribute.ids().any(|id| id == *field))
        };
        let lacks = snapshot.schema().attributes().iter().filter(|attribute| !has(attribute));
        let lacks: BTreeSet<String> = lacks.map(|attribute| attribute.name.clone()).collect();
        let rows = partition.live_rows() as usize;
        unfilled.extend(vec![lacks; rows]);
        partitions.push(rows);
    }
    (unfilled, partitions)
}

async fn values(
    snapshot: &Snapshot,
    batch: &RecordBatch,
    columns: &[Column],
    rows: &[u64],
) -> Vec<Vec<Value>> {
    let mut by_column: Vec<Vec<Value>> = Vec::new();
    for (column, array) in columns.iter().zip(batch.columns()) {
        by_column.push(match column.kind {
            Kind::File => files(snapshot, &column.name, rows).await,
            kind => rows::values(kind, array),
        });
    }
    let row = |row: usize| by_column.iter().map(|column| column[row].clone()).collect();
    (0..rows.len()).map(row).collect()
}

async fn files(snapshot: &Snapshot, name: &str, rows: &[u64]) -> Vec<Value> {
    let files = snapshot.file_column(name).unwrap();
    let mut values = Vec::new();
    for &row in rows {
        let bytes = files.bytes(row).await.unwrap();
        values.push(bytes.map_or(Value::Null, |bytes| Value::Bytes(bytes.to_vec())));
    }
    values
}

/// `take`, `scan`, `rows_of_ids`.
async fn check_ways(
    snapshot: &Snapshot,
    all: &RecordBatch,
    view: &View,
    columns: &[Column],
    dice: &mut Dice,
) {
    let count = snapshot.row_count();
    if count > 0 {
        let rows: Vec<u64> = (0..count + 2).map(|_| dice.below(count)).collect();
        let taken = snapshot.take(&rows).await.unwrap();
        let taken = values(snapshot, &taken, columns, &rows).await;
        let expected: Vec<_> = rows.iter().map(|&row| view.rows[row as usize].clone()).collect();
        assert_eq!(taken, expected, "take {rows:?}");
        let start = dice.below(count);
        let part = start..start + 1 + dice.below(count - start);
        let slice = snapshot.slice(part.clone()).await.unwrap();
        let expected = all.slice(part.start as usize, (part.end - part.start) as usize);
        assert_eq!(slice, expected, "slice {part:?}");
    }
    let options = ScanOptions::default().with_batch_rows(1 + dice.below(5) as usize);
    let batches: Vec<RecordBatch> = snapshot.scan_with(&options).try_collect().await.unwrap();
    let scanned = arrow_select::concat::concat_batches(&all.schema(), &batches).unwrap();
    assert_eq!(&scanned, all, "scan");

    if dice.once_in(16) {
        check_export(snapshot, view, columns).await;
    }

    let places: BTreeMap<u64, u64> = view.ids.iter().copied().zip(0..).collect();
    let ids: Vec<u64> = (0..view.next_row_id + 2).collect();
    let found = snapshot.rows_of_ids(&ids).await.unwrap();
    let expected: Vec<Option<u64>> = ids.iter().map(|id| places.get(id).copied()).collect();
    assert_eq!(found, expected, "rows of ids");
}

/// What leaves the dataset, as stock readers read it.
async fn check_export(snapshot: &Snapshot, view: &View, columns: &[Column]) {
    let folder = tempfile::tempdir().unwrap();
    let exported = export(
        &snapshot.all(),
        folder.path(),
        Format::PARQUET,
        Existing::Keep,
        &OnProgress::default(),
    )
    .await
    .unwrap();
    let file = std::fs::File::open(&exported.paths[0]).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let mut found: Vec<Vec<Value>> = Vec::new();
    for batch in reader.build().unwrap() {
        let batch = batch.unwrap();
        let by_column: Vec<Vec<Value>> = columns
            .iter()
            .zip(batch.columns())
            .map(|(column, array)| match column.kind {
                Kind::File => exported_files(array),
                kind => rows::values(kind, array),
            })
            .collect();
        let row = |row: usize| by_column.iter().map(|column| column[row].clone()).collect();
        found.extend((0..batch.num_rows()).map(row));
    }
    assert_eq!(found, view.rows, "export");
}

fn exported_files(array: &ArrayRef) -> Vec<Value> {
    let files = array.as_struct();
    let bytes = files.column_by_name("bytes").unwrap().as_binary::<i32>();
    let value = |row| match files.is_valid(row) {
        true => Value::Bytes(bytes.value(row).to_vec()),
        false => Value::Null,
    };
    (0..files.len()).map(value).collect()
}
