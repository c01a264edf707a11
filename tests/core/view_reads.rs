//! A view is read as its version is, by places instead of rows.

use arrow_array::cast::AsArray;
use arrow_array::types::Float32Type;
use arrow_array::{Array, RecordBatch, UInt64Array};
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;
use futures::TryStreamExt;
use tenrow::{
    CompactOptions, Dataset, ErrorKind, RowNumbers, ScanOptions, Snapshot, View, ViewOptions,
};
use tenrow_tests::{block_on, place};

use super::stock::{all, append, zoo_of};

/// A version with deleted rows in some of its partitions.
async fn holed(folder: &std::path::Path) -> (Dataset, Snapshot) {
    let dataset = zoo_of(folder, 4).await;
    let latest = dataset.latest().await.unwrap();
    let snapshot = dataset.delete(&latest, &[0, 13, 14, 29]).await.unwrap().snapshot;
    (dataset, snapshot)
}

async fn views_of(dataset: &Dataset, snapshot: &Snapshot) -> Vec<View> {
    let list = vec![35, 3, 4, 5, 3, 0, 12, 11, 22];
    let kept = snapshot.rows(list.clone()).unwrap();
    let kept = dataset.create_view("kept", &kept, &ViewOptions::default()).await.unwrap();
    let middle = snapshot.rows(7..31).unwrap();
    vec![
        snapshot.all(),
        snapshot.rows(list).unwrap(),
        snapshot.rows([]).unwrap(),
        snapshot.rows(36..36).unwrap(),
        middle.rows(2..20).await.unwrap(),
        middle.rows([0, 23, 5, 5]).await.unwrap(),
        kept.rows(1..8).await.unwrap(),
        kept.rows([8, 0]).await.unwrap(),
        middle,
        kept,
    ]
}

/// The rows of a view, taken out of all rows of its version.
fn picked(whole: &RecordBatch, rows: &[u64]) -> RecordBatch {
    take_record_batch(whole, &UInt64Array::from(rows.to_vec())).unwrap()
}

#[test]
fn every_way_of_reading_a_view_gives_the_rows_that_it_lists() {
    block_on(async {
        let folder = place::folder();
        let (dataset, snapshot) = holed(folder.path()).await;
        let whole = all(&snapshot).await;
        let mut count = 0;
        for view in views_of(&dataset, &snapshot).await {
            let rows = view.row_numbers().await.unwrap().to_vec();
            assert_eq!(rows.len() as u64, view.row_count());
            let expected = picked(&whole, &rows);
            let (end, places) = (view.row_count(), (0..view.row_count()).collect::<Vec<_>>());
            assert_eq!(view.slice(0..end).await.unwrap(), expected, "{view:?}");
            assert_eq!(view.take(&places).await.unwrap(), expected, "{view:?}");
            for batch_rows in [None, Some(1), Some(4), Some(1000)] {
                let options = ScanOptions { batch_rows, ..ScanOptions::default() };
                let batches: Vec<_> = view.scan_with(&options).try_collect().await.unwrap();
                assert_eq!(concat_batches(whole.schema_ref(), &batches).unwrap(), expected);
                let (last, full) =
                    batches.split_last().map_or((0, &[][..]), |(l, f)| (l.num_rows(), f));
                assert!(batch_rows.is_none_or(|rows| full.iter().all(|b| b.num_rows() == rows)));
                assert!(batch_rows.is_none_or(|rows| last <= rows));
            }
            if end > 3 {
                let some = ScanOptions::default().with_rows(1..end - 1).with_batch_rows(2);
                let batches: Vec<_> = view.scan_with(&some).try_collect().await.unwrap();
                let scanned = concat_batches(whole.schema_ref(), &batches).unwrap();
                assert_eq!(scanned, expected.slice(1, rows.len() - 2));
            }
            columns_agree(&view, &expected).await;
            let again = view.take(&[end]).await.unwrap_err();
            assert_eq!(again.kind(), ErrorKind::InvalidInput, "{again}");
            assert!(view.slice(0..end + 1).await.is_err());
            count += 1;
        }
        assert_eq!(count, 10);
    });
}

/// Tensors and files of a view, as its batch has them.
async fn columns_agree(view: &View, expected: &RecordBatch) {
    let (tensors, files) =
        (view.tensor_column("weights").unwrap(), view.file_column("photo").unwrap());
    let column = expected.column_by_name("weights").unwrap().as_fixed_size_list();
    let floats = |row: usize| column.value(row).as_primitive::<Float32Type>().values().to_vec();
    let sliced = tensors.slice(0..view.row_count()).await.unwrap();
    let places: Vec<u64> = (0..view.row_count()).rev().collect();
    let taken = tensors.take(&places).await.unwrap();
    let mut memory = vec![7; expected.num_rows() * 20];
    tensors.take_into(&places, &mut memory).await.unwrap();
    assert_eq!(taken.tensor.bytes(), &memory);
    let photos = expected.column_by_name("photo").unwrap();
    for row in 0..expected.num_rows() {
        let found = tensors.get(row as u64).await.unwrap();
        assert_eq!(found.is_none(), column.is_null(row));
        if let Some(found) = found {
            let bytes = found.bytes();
            assert_eq!(found.to_vec::<f32>().unwrap().map_bits(), floats(row).map_bits());
            let last = expected.num_rows() - 1 - row;
            assert_eq!(&sliced.tensor.bytes()[row * 20..row * 20 + 20], bytes);
            assert_eq!(&taken.tensor.bytes()[last * 20..last * 20 + 20], bytes);
        }
        let file = files.get(row as u64).await.unwrap();
        assert_eq!(file.is_none(), photos.is_null(row));
        assert_eq!(files.bytes(row as u64).await.unwrap().is_none(), photos.is_null(row));
        if let Some(file) = file {
            let hash = photos.as_struct().column_by_name("blake3").unwrap().as_string::<i32>();
            assert_eq!(file.blake3.as_deref(), hash.is_valid(row).then(|| hash.value(row)));
        }
    }
    let end = view.row_count();
    assert!(tensors.get(end).await.is_err() && files.get(end).await.is_err());
}

/// NaNs are what they are.
trait Bits {
    fn map_bits(self) -> Vec<u32>;
}

impl Bits for Vec<f32> {
    fn map_bits(self) -> Vec<u32> {
        self.into_iter().map(f32::to_bits).collect()
    }
}

/// Once there was no flat stream while rows were deleted.
#[test]
fn the_elements_of_a_view_are_those_of_its_rows_in_its_order() {
    block_on(async {
        let folder = place::folder();
        let (dataset, snapshot) = holed(folder.path()).await;
        let whole = all(&snapshot).await;
        let mut windows = 0;
        for view in views_of(&dataset, &snapshot).await {
            let rows = view.row_numbers().await.unwrap().to_vec();
            let lists = picked(&whole, &rows);
            let lists = lists.column_by_name("tokens").unwrap().as_list::<i32>();
            let expected: Vec<u16> = (0..lists.len())
                .flat_map(|row| {
                    let list = lists.value(row);
                    list.as_primitive::<arrow_array::types::UInt16Type>().values().to_vec()
                })
                .collect();
            let stream = view.elements("tokens").await.unwrap();
            assert_eq!(stream.element_count(), expected.len() as u64, "{view:?}");
            let step = expected.len() / 7 + 1;
            for start in (0..expected.len()).step_by(step) {
                let end = expected.len().min(start + 2 * step);
                let window = stream.window(start as u64..end as u64).await.unwrap();
                assert_eq!(window.as_slice::<u16>().unwrap(), &expected[start..end]);
                windows += 1;
            }
        }
        assert!(windows > 30, "{windows}");
    });
}

#[test]
fn a_place_that_is_not_there_is_named() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 1).await;
        let snapshot = dataset.latest().await.unwrap();
        let error = snapshot.rows([3, 10]).unwrap_err();
        assert!(error.to_string().starts_with("row 10 is out of range: version 2"), "{error}");
        let error = snapshot.rows(8..11).unwrap_err();
        assert!(error.to_string().starts_with("row 10 is out of range: version 2"), "{error}");
        let backwards = std::ops::Range { start: 3, end: 1 };
        assert!(snapshot.rows(backwards.clone()).is_err());
        let view = snapshot.rows([3, 9]).unwrap();
        let expected = "place 2 of 2 rows of version 2";
        for error in [
            view.get(2).await.map(drop).unwrap_err(),
            view.tensor_column("label").unwrap().get(2).await.map(drop).unwrap_err(),
            view.file_column("photo").unwrap().bytes(2).await.map(drop).unwrap_err(),
            view.rows([2]).await.map(drop).unwrap_err(),
            view.slice(1..3).await.map(drop).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().starts_with(expected), "{error}");
        }
        assert!(view.rows(backwards).await.is_err());
        assert!(snapshot.all().rows(0..11).await.is_err());
        let none = ScanOptions::default();
        let missing = none.clone().with_read(tenrow::ReadOptions::default().with_attributes(["x"]));
        let mut failed = view.scan_with(&missing);
        assert!(failed.try_next().await.is_err());
        assert!(failed.try_next().await.unwrap().is_none());
    });
}

/// Once a list of rows of any dataset could be kept: the view was there, and could not be opened.
#[test]
fn rows_of_another_dataset_are_no_view() {
    block_on(async {
        let (folder, other) = (place::folder(), place::folder());
        let dataset = zoo_of(folder.path(), 2).await;
        let stranger = zoo_of(other.path(), 2).await.latest().await.unwrap();
        let view = stranger.rows(0..3).unwrap();
        let made = dataset.create_view("some", &view, &ViewOptions::default()).await;
        let error = made.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains("a view is of a version of its own dataset"), "{error}");
        assert!(dataset.latest().await.unwrap().root().views.is_empty());
        // The same dataset, opened in another way.
        let again = Dataset::open(&place::location(folder.path().join("."))).await.unwrap();
        let view = again.latest().await.unwrap().rows([1]).unwrap();
        dataset.create_view("some", &view, &ViewOptions::default()).await.unwrap();
    });
}

#[test]
fn a_view_follows_its_rows_into_a_later_version() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 3).await;
        let first = dataset.latest().await.unwrap();
        let view = first.rows([25, 3, 25, 11]).unwrap();
        dataset.delete(&first, &[0, 11]).await.unwrap();
        append(&dataset, 30..40).await;
        dataset.compact(CompactOptions::default()).await.unwrap();
        let latest = dataset.latest().await.unwrap();
        let error = view.at(&latest).await.map(drop).unwrap_err();
        assert!(
            error.to_string().contains("1 of 4 rows of the view are not in version"),
            "{error}"
        );
        let there = view.present_at(&latest).await.unwrap();
        assert_eq!(there.row_numbers().await.unwrap(), &RowNumbers::from([23, 2, 23]));
        let names = ["label", "image"];
        let read = tenrow::ReadOptions::default().with_attributes(names);
        let old = view.take_with(&[0, 1, 2], &read).await.unwrap();
        assert_eq!(there.take_with(&[0, 1, 2], &read).await.unwrap(), old);
    });
}
