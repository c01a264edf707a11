//! Datasets of every kind of attribute for tests to change, and what holds of them whatever was changed.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_select::take::take_record_batch;
use futures::TryStreamExt;
use tenrow::{Attribute, Dataset, SchemaChange, Snapshot, VerifyOptions, WriteOptions};
use tenrow_tests::place;
use tenrow_tests::zoo;
/// A dataset with `partitions` partitions of ten rows of every kind of attribute.
pub(crate) async fn zoo_of(place: &std::path::Path, partitions: u64) -> Dataset {
    let dataset = Dataset::create(&place::location(place), zoo::schema()).await.unwrap();
    for number in 0..partitions {
        append(&dataset, number * 10..(number + 1) * 10).await;
    }
    dataset
}

pub(crate) async fn append(dataset: &Dataset, rows: std::ops::Range<u64>) {
    let options = WriteOptions::default().with_inline_file_bytes(zoo::INLINE_FILE_BYTES);
    let mut writer = dataset.writer_with(options).await.unwrap();
    writer.append(&zoo::batch(rows)).await.unwrap();
    writer.commit().await.unwrap();
}

/// All rows, which `slice`, `scan`, `take` in another order, and lookups by id agree upon.
pub(crate) async fn all(snapshot: &Snapshot) -> RecordBatch {
    let count = snapshot.row_count();
    let sliced = snapshot.slice(0..count).await.unwrap();
    let scanned: Vec<RecordBatch> = snapshot.scan().try_collect().await.unwrap();
    let scanned = arrow_select::concat::concat_batches(&sliced.schema(), &scanned).unwrap();
    assert_eq!(scanned, sliced, "scan and slice");
    let order: Vec<u64> = (0..count).map(|row| (row * 7 + 3) % count.max(1)).collect();
    let taken = snapshot.take(&order).await.unwrap();
    let indices = arrow_array::UInt64Array::from(order.clone());
    assert_eq!(taken, take_record_batch(&sliced, &indices).unwrap(), "take and slice");
    let ids = snapshot.row_ids(&order).await.unwrap();
    let found = snapshot.rows_of_ids(&ids).await.unwrap();
    assert_eq!(found, order.into_iter().map(Some).collect::<Vec<_>>(), "ids");
    sliced
}

/// The rows without the paths of large files, which lead elsewhere from another dataset.
pub(crate) fn without_paths(batch: &RecordBatch) -> RecordBatch {
    let index = batch.schema().index_of("photo").unwrap();
    let (fields, mut columns, nulls) = batch.column(index).as_struct().clone().into_parts();
    columns[1] = arrow_array::new_null_array(columns[1].data_type(), batch.num_rows());
    let photos = arrow_array::StructArray::new(fields, columns, nulls);
    let mut all = batch.columns().to_vec();
    all[index] = Arc::new(photos);
    RecordBatch::try_new(batch.schema(), all).unwrap()
}

pub(crate) fn without_rows(batch: &RecordBatch, gone: &[u64]) -> RecordBatch {
    let kept = (0..batch.num_rows() as u64).filter(|row| !gone.contains(row));
    take_record_batch(batch, &arrow_array::UInt64Array::from_iter_values(kept)).unwrap()
}

/// The columns of `expected`, in whatever rows and with whatever other columns `found` has them.
pub(crate) fn assert_same_columns(found: &RecordBatch, expected: &RecordBatch) {
    assert_eq!(found.num_rows(), expected.num_rows());
    for (field, column) in expected.schema().fields().iter().zip(expected.columns()) {
        assert_eq!(found.column_by_name(field.name()), Some(column), "{}", field.name());
    }
}

pub(crate) async fn verified(dataset: &Dataset) {
    let full = VerifyOptions { full: true, ..VerifyOptions::default() };
    let report = dataset.verify(full).await.unwrap();
    assert_eq!(report.faults, [], "{:?}", report.faults);
}

pub(crate) fn add(text: &str) -> SchemaChange {
    SchemaChange::Add(Attribute::parse(text).unwrap())
}
