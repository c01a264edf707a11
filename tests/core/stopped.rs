//! Long work that is stopped half-way by who is told how far it is: what is left is what its document says.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use tenrow::storage::Storage;
use tenrow::{
    ColumnFill, CompactOptions, Dataset, ErrorKind, ExpireOptions, OnProgress, Progress, Result,
    Snapshot, VacuumOptions, VerifyOptions, WriteOptions,
};
use tenrow_convert::{
    Existing, Format, ImportOptions, OpenOptions, Purpose, export, import, import_in_place, open,
};
use tenrow_tests::{block_on, folder, place, told, zoo};

use super::stock::{add, all, verified, zoo_of};

fn assert_stopped<T: std::fmt::Debug>(result: Result<T>) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped, "{}", error.chain());
}

/// The last that was told, which is that all is done.
fn assert_all_done(told: &told::Told) -> Progress {
    let last = *told.lock().unwrap().last().unwrap();
    assert_eq!(Some(last.done), last.total, "{last:?}");
    last
}

#[test]
fn a_compaction_keeps_the_groups_that_it_has_committed() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 30).await;
        let before = dataset.latest().await.unwrap();
        let rows = all(&before).await;
        // Within the only group: nothing of it is committed.
        let (on_progress, told) = told::until(|progress| progress.bytes > 0);
        let options = CompactOptions { on_progress, ..CompactOptions::default() };
        assert_stopped(dataset.compact(options).await);
        let first = told.lock().unwrap()[0];
        assert_eq!((first.done, first.total), (0, Some(30)));
        let (on_progress, told) = told::until(|progress| progress.done == 29);
        let options = CompactOptions { on_progress, ..CompactOptions::default() };
        let stopped = dataset.compact(options).await.unwrap_err();
        assert_eq!(stopped.to_string(), "compact was stopped by who was told how far it is");
        // Each is done once it is rewritten, and not when it is looked at.
        let bytes: Vec<u64> = told.lock().unwrap().iter().map(|progress| progress.bytes).collect();
        assert!(bytes.len() >= 58 && bytes.is_sorted() && bytes[0] < bytes[57], "{bytes:?}");
        assert_eq!(dataset.latest().await.unwrap().version(), before.version());
        // Groups of a few partitions: those before the stop are.
        let bytes = before.partition_entries().await.unwrap()[0].files[0].size_bytes;
        let write = WriteOptions::default().with_partition_bytes(bytes * 5);
        let (on_progress, _) = told::until(|progress| progress.done == 20);
        assert_stopped(dataset.compact(CompactOptions { write, on_progress }).await);
        let some = dataset.latest().await.unwrap();
        assert!(some.version() > before.version());
        assert!((11..30).contains(&some.partition_count()), "{}", some.partition_count());
        assert_eq!(all(&some).await, rows);
        verified(&dataset).await;
        let (on_progress, told) = told::all();
        let options = CompactOptions { on_progress, ..CompactOptions::default() };
        let done = dataset.compact(options).await.unwrap();
        assert_eq!(done.snapshot.partition_count(), 1);
        let last = assert_all_done(&told);
        assert!(last.bytes > 0 && last.done == some.partition_count(), "{last:?}");
        assert_eq!(all(&done.snapshot).await, rows);
        let (on_progress, told) = told::all();
        let options = CompactOptions { on_progress, ..CompactOptions::default() };
        assert_eq!(dataset.compact(options).await.unwrap().partitions_before, 0);
        assert!(told.lock().unwrap().is_empty(), "nothing is left to do");
    });
}

#[test]
fn a_vacuum_leaves_what_it_has_not_removed_yet() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 10).await;
        dataset.compact(CompactOptions::default()).await.unwrap();
        let keep = ExpireOptions { keep_last: Some(1), ..ExpireOptions::default() };
        dataset.expire(&keep).await.unwrap();
        std::thread::sleep(Duration::from_millis(5));
        let now = |dry_run, on_progress| VacuumOptions {
            older_than: Duration::ZERO,
            dry_run,
            on_progress,
        };
        let free = dataset.vacuum(now(true, OnProgress::default())).await.unwrap().removed.len();
        assert!(free > 2, "{free}");
        // While it looks for them, and after the second that is removed.
        let (looking, _) = told::until(|progress| progress.done == 3);
        assert_stopped(dataset.vacuum(now(false, looking)).await);
        let left = dataset.vacuum(now(true, OnProgress::default())).await.unwrap().removed;
        assert_eq!(left.len(), free);
        let two = left[0].size_bytes + left[1].size_bytes;
        let (removing, _) = told::until(move |progress| progress.bytes >= two);
        assert_stopped(dataset.vacuum(now(false, removing)).await);
        let left = dataset.vacuum(now(true, OnProgress::default())).await.unwrap().removed.len();
        assert_eq!(left, free - 2);
        verified(&dataset).await;
        let (on_progress, told) = told::all();
        assert_eq!(dataset.vacuum(now(false, on_progress)).await.unwrap().removed.len(), left);
        let last = *told.lock().unwrap().last().unwrap();
        assert!(last.total.is_none() && last.bytes > 0);
    });
}

#[test]
fn a_check_that_was_stopped_finds_nothing_right_or_wrong() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 4).await;
        let latest = dataset.latest().await.unwrap();
        dataset.delete(&latest, &[3]).await.unwrap();
        dataset.compact(CompactOptions::default()).await.unwrap();
        for full in [false, true] {
            let (on_progress, told) = told::all();
            let report = dataset.verify(VerifyOptions { full, on_progress }).await.unwrap();
            let last = assert_all_done(&told);
            assert_eq!((report.bytes, report.bytes > 0), (last.bytes, full));
            let count = told.lock().unwrap().len();
            for stop_at in 1..=count {
                let (on_progress, told) = until_told(stop_at);
                assert_stopped(dataset.verify(VerifyOptions { full, on_progress }).await);
                assert_eq!(told.lock().unwrap().len(), stop_at);
            }
        }
    });
}

/// Stops the work when it is told for the `number`th time.
fn until_told(number: usize) -> (OnProgress, told::Told) {
    let seen = AtomicUsize::new(0);
    told::until(move |_| seen.fetch_add(1, Ordering::Relaxed) + 1 == number)
}

#[test]
fn a_copy_is_no_dataset_until_it_is_whole_and_goes_on_from_there() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(&folder.path().join("a"), 3).await;
        let version = dataset.latest().await.unwrap();
        let target = place::location(folder.path().join("b"));
        let half = version.size_bytes() / 2;
        let (on_progress, _) = told::until(move |progress| progress.bytes > half);
        assert_stopped(dataset.copy_to(&target, version.version(), &on_progress).await);
        let missing = Dataset::open(&target).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotADataset);
        let (on_progress, told) = told::all();
        let copy = dataset.copy_to(&target, version.version(), &on_progress).await.unwrap();
        assert!(assert_all_done(&told).bytes >= version.size_bytes());
        assert_eq!(all(&copy.latest().await.unwrap()).await.num_rows(), 30);
        verified(&copy).await;
    });
}

#[test]
fn a_merge_leaves_both_datasets_as_they_were() {
    block_on(async {
        let folder = place::folder();
        let a = zoo_of(&folder.path().join("a"), 2).await;
        let b = zoo_of(&folder.path().join("b"), 3).await;
        let (before, version) = (a.latest().await.unwrap(), b.latest().await.unwrap());
        let (on_progress, _) = told::until(|progress| progress.done == 2);
        assert_stopped(a.merge_with(&b, &version, &on_progress).await);
        assert_eq!(a.latest().await.unwrap().version(), before.version());
        assert_eq!(b.clones().await.unwrap(), []);
        let (on_progress, told) = told::all();
        let merged = a.merge_with(&b, &version, &on_progress).await.unwrap();
        assert_eq!((assert_all_done(&told).done, merged.row_count()), (3, 50));
        verified(&a).await;
    });
}

#[test]
fn a_fill_goes_on_from_what_it_has_committed() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 5).await;
        dataset.change_schema(add("double:i64?")).await.unwrap();
        let (on_progress, _) = told::until(|progress| progress.done == 30);
        let fill = ColumnFill::new("double", ["label"]).with_commit_partitions(2);
        let some = fill.clone().with_on_progress(on_progress);
        assert_stopped(dataset.fill_column(&some, double).await);
        let unfilled = dataset.latest().await.unwrap().unfilled_rows("double").await.unwrap();
        assert_eq!(unfilled, 30, "of the third partition nothing was committed");
        let (on_progress, told) = told::all();
        let filled = dataset.fill_column(&fill.with_on_progress(on_progress), double).await;
        assert_eq!(filled.unwrap().rows, 30);
        assert_eq!(assert_all_done(&told), Progress { done: 30, total: Some(30), bytes: 240 });
        verified(&dataset).await;
    });
}

fn double(batch: &RecordBatch) -> Result<ArrayRef> {
    let labels = batch.column(0).as_primitive::<Int64Type>();
    let doubled: Int64Array = labels.unary(|label| label.wrapping_mul(2));
    Ok(Arc::new(doubled))
}

#[test]
fn an_import_that_was_stopped_adds_nothing_and_leaves_no_file() {
    if !place::needs_folders("files are listed") {
        return;
    }
    block_on(async {
        let sources = tempfile::tempdir().unwrap();
        let lines: String = (0..200_000).map(|row| format!("{row}\n")).collect();
        let source = sources.path().join("n.csv");
        std::fs::write(&source, format!("n\n{lines}")).unwrap();
        let folder = place::folder();
        let dataset = Dataset::at(Storage::open(&place::location(folder.path())).unwrap());
        let imported = |on_progress: OnProgress| {
            let source =
                open(std::slice::from_ref(&source), None, &OpenOptions::default()).unwrap();
            let dataset = dataset.clone();
            async move {
                let options = ImportOptions::default();
                import(&dataset, source, "n.csv", &options, &on_progress).await
            }
        };
        let (on_progress, told) = told::until(|progress| progress.done > 0);
        let error = tenrow::Error::from(imported(on_progress).await.unwrap_err());
        assert_eq!(error.kind(), ErrorKind::Stopped, "{}", error.chain());
        assert!(told.lock().unwrap()[0].done < 200_000);
        assert_eq!(dataset.latest().await.unwrap_err().kind(), ErrorKind::NotADataset);
        assert_eq!(folder::files_of(folder.path()).len(), 0);
        let (on_progress, told) = told::all();
        let whole = imported(on_progress).await.unwrap().snapshot;
        assert_eq!(told.lock().unwrap().last().unwrap().done, 200_000);
        let before = folder::files_of(folder.path());
        let (on_progress, _) = told::until(|progress| progress.done > 0);
        imported(on_progress).await.unwrap_err();
        assert_eq!(folder::files_of(folder.path()), before);
        stops_exports(&whole, sources.path()).await;
        stops_imports_in_place(&whole, folder.path()).await;
    });
}

/// Nothing of a format is left; of files in place none is indexed.
async fn stops_exports(whole: &Snapshot, folder: &Path) {
    for name in ["npy", "npz", "parquet", "csv", "arrow"] {
        let format = Format::named(name, Purpose::Export).unwrap();
        let out = folder.join(name);
        let (on_progress, told) = told::until(|progress| progress.done > 0);
        let stopped = export(&whole.all(), &out, format, Existing::Keep, &on_progress).await;
        let error = tenrow::Error::from(stopped.unwrap_err());
        assert_eq!(error.kind(), ErrorKind::Stopped, "{name}: {}", error.chain());
        assert_eq!(told.lock().unwrap().len(), 1, "{name}");
        assert_eq!(folder::files_of(&out).len(), 0, "{name}");
    }
}

async fn stops_imports_in_place(whole: &Snapshot, folder: &Path) {
    let files = whole.partition_entries().await.unwrap();
    let file = folder.join(&files[0].files[0].path);
    let other = place::folder();
    let dataset = Dataset::at(Storage::open(&place::location(other.path())).unwrap());
    let copy = other.path().join("mine.parquet");
    std::fs::copy(file, &copy).unwrap();
    let (on_progress, told) = told::until(|_| true);
    let stopped = import_in_place(&dataset, &[copy], &[], &on_progress).await;
    let error = tenrow::Error::from(stopped.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Stopped, "{}", error.chain());
    assert_eq!(told.lock().unwrap().len(), 1);
    assert_eq!(dataset.latest().await.unwrap_err().kind(), ErrorKind::NotADataset);
}

#[test]
fn rows_appended_while_a_column_is_filled_are_counted_when_they_are_met() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 2).await;
        // Begun before there was the attribute, it has no values for it.
        let mut writer = dataset.writer().await.unwrap();
        writer.append(&zoo::batch(20..30)).await.unwrap();
        dataset.change_schema(add("double:i64?")).await.unwrap();
        let (on_progress, told) = told::all();
        let fill = ColumnFill::new("double", ["label"]).with_on_progress(on_progress);
        let mut writer = Some(writer);
        let compute = |batch: &RecordBatch| {
            if let Some(writer) = writer.take() {
                // No future is waited for within another.
                let commit = || block_on(writer.commit()).map(drop);
                std::thread::scope(|scope| scope.spawn(commit).join()).unwrap()?;
            }
            double(batch)
        };
        dataset.fill_column(&fill, compute).await.unwrap();
        assert_eq!(assert_all_done(&told).done, 30);
        assert_eq!(told.lock().unwrap()[0].total, Some(20));
    });
}
