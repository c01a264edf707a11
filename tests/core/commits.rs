//! A commit is all or nothing, and happens once, whatever fails and whoever else writes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use object_store::memory::InMemory;
use tenrow::storage::{Storage, Upload};
use tenrow::{
    Attribute, Columns, CreateOptions, Dataset, ErrorKind, FileValue, Schema, Snapshot, Version,
    WriteOptions,
};
use tenrow_tests::fault::{FaultyStore, When};
use tenrow_tests::{block_on, block_on_remote, folder, place};

use super::stock::verified;

fn schema() -> Schema {
    let texts = ["x:i64", "name:string?", "photo:file?"];
    Schema::new(texts.map(|text| Attribute::parse(text).unwrap())).unwrap()
}

fn rows(values: std::ops::Range<i64>) -> Columns {
    let names: Vec<String> = values.clone().map(|value| format!("row {value}")).collect();
    let files: Vec<_> = values
        .clone()
        .map(|v| Some(tenrow::FileValue::new("f", vec![v as u8; (v % 40) as usize])))
        .collect();
    let values: Vec<i64> = values.collect();
    Columns::new()
        .scalars("x", &values)
        .strings("name", names.iter().map(|name| Some(name.as_str())))
        .files("photo", &files)
}

async fn append(dataset: &Dataset, values: std::ops::Range<i64>) -> tenrow::Result<Snapshot> {
    let options = WriteOptions::default().with_inline_file_bytes(10);
    let mut writer = dataset.writer_with(options).await?;
    writer.append_columns(rows(values)).await?;
    writer.commit().await
}

async fn values(snapshot: &Snapshot) -> Vec<i64> {
    let all = snapshot.slice(0..snapshot.row_count()).await.unwrap();
    let x = all.column_by_name("x").unwrap().as_primitive::<Int64Type>();
    let names = all.column_by_name("name").unwrap().as_string::<i32>();
    for row in 0..x.len() {
        assert_eq!(names.value(row), format!("row {}", x.value(row)));
    }
    x.values().to_vec()
}

fn versions(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    folder::files_of(&folder.join("_tenrow/versions"))
}

async fn local(folder: &Path) -> Dataset {
    Dataset::create(&place::location(folder), schema()).await.unwrap()
}

/// A dataset of ten rows in memory, and the store that can be told to fail.
async fn faulty() -> (Dataset, Arc<FaultyStore>) {
    let store = Arc::new(FaultyStore::new(Arc::new(InMemory::new())));
    let storage = Storage::from_store(store.clone(), "some/place".into());
    let dataset = Dataset::at(storage);
    dataset.create_here(schema(), &Default::default()).await.unwrap();
    append(&dataset, 0..10).await.unwrap();
    (dataset, store)
}

/// Each version names the one before it, and rows only ever follow those that were there.
async fn assert_linear(dataset: &Dataset) {
    let history = dataset.versions().await.unwrap();
    let newest = history[0].version.0;
    let numbers: Vec<u64> = history.iter().map(|info| info.version.0).collect();
    assert_eq!(numbers, (1..=newest).rev().collect::<Vec<_>>());
    let mut before: Option<(u64, Vec<i64>)> = None;
    for version in 1..=newest {
        let snapshot = dataset.version(Version(version)).await.unwrap();
        let rows = values(&snapshot).await;
        if let Some((checksum, earlier)) = before {
            let parent = snapshot.root().parent.as_ref().unwrap();
            assert_eq!((parent.version.0, parent.checksum), (version - 1, checksum));
            assert!(rows.starts_with(&earlier), "version {version} renumbers rows");
        }
        before = Some((snapshot.root_checksum(), rows));
    }
}

#[test]
fn a_dropped_writer_leaves_the_dataset_as_it_was() {
    block_on(async {
        let folder = place::folder();
        let dataset = local(folder.path()).await;
        append(&dataset, 0..10).await.unwrap();
        let before = versions(folder.path());
        let options = WriteOptions::default().with_row_group_bytes(50).with_partition_bytes(100);

        let mut writer = dataset.writer_with(options).await.unwrap();
        writer.append_columns(rows(10..50)).await.unwrap();
        drop(writer);

        assert_eq!(versions(folder.path()), before);
        let latest = dataset.latest().await.unwrap();
        assert_eq!(latest.version(), Version(2));
        assert_eq!(values(&latest).await, (0..10).collect::<Vec<_>>());
    });
}

#[test]
fn a_refused_batch_leaves_the_writer_usable_and_nothing_of_it_is_committed() {
    block_on(async {
        let folder = place::folder();
        let dataset = local(folder.path()).await;
        let mut writer = dataset.writer().await.unwrap();
        writer.append_columns(rows(0..5)).await.unwrap();

        let refused = [
            Columns::new().scalars("x", [1.5f64]),
            Columns::new().strings("name", [Some("no x")]),
            rows(5..6).scalars("extra", [1i64]),
            Columns::new().scalars("x", [1i64, 2]).strings("name", [Some("one")]),
            Columns::new().tensors("x", ndarray::array![[1i64, 2]]),
        ];
        for columns in refused {
            let error = writer.append_columns(columns).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(!error.chain().contains('\n'));
        }
        writer.append_columns(rows(5..7)).await.unwrap();

        let snapshot = writer.commit().await.unwrap();
        assert_eq!(values(&snapshot).await, (0..7).collect::<Vec<_>>());
    });
}

#[test]
fn a_commit_of_no_rows_makes_no_version() {
    block_on(async {
        let folder = place::folder();
        let dataset = local(folder.path()).await;
        let before = folder::files_of(folder.path());

        let mut writer = dataset.writer().await.unwrap();
        writer.append_columns(rows(0..0)).await.unwrap();
        let snapshot = writer.commit().await.unwrap();

        assert_eq!(snapshot.version(), Version(1));
        assert_eq!(folder::files_of(folder.path()), before);
    });
}

#[test]
fn every_failing_put_leaves_the_dataset_as_it_was_or_commits_once() {
    block_on(async {
        // Data file, external files, leaf, version: more puts than an append makes are not reached.
        for when in [When::Before, When::After] {
            for pass in 0..40 {
                let (dataset, store) = faulty().await;
                store.fail("some/place", pass, when);

                let result = append(&dataset, 10..20).await;

                let reached = store.failed() == 1;
                store.heal();
                let latest = dataset.latest().await.unwrap();
                match &result {
                    Ok(snapshot) => {
                        assert_eq!(latest.version(), snapshot.version());
                        assert_eq!(values(&latest).await, (0..20).collect::<Vec<_>>());
                    }
                    Err(error) => {
                        assert!(reached, "{}", error.chain());
                        // Only of the version itself the writer cannot know what becomes of it.
                        let kinds = [ErrorKind::Io, ErrorKind::InDoubt];
                        let is_version = error.chain().contains("/versions/");
                        assert_eq!(
                            error.kind(),
                            kinds[usize::from(is_version)],
                            "{}",
                            error.chain()
                        );
                        assert_eq!(latest.version(), Version(2));
                        assert_eq!(values(&latest).await, (0..10).collect::<Vec<_>>());
                    }
                }
                append(&dataset, 20..30).await.unwrap();
                assert_linear(&dataset).await;
                if !reached {
                    assert!(pass > 3, "an append makes more puts than {pass}");
                    break;
                }
            }
        }
    });
}

#[test]
fn a_lost_reply_to_the_version_file_commits_exactly_once() {
    block_on(async {
        let (dataset, store) = faulty().await;
        store.fail("_tenrow/versions/", 0, When::After);

        let snapshot = append(&dataset, 10..20).await.unwrap();

        assert_eq!(store.failed(), 1);
        assert_eq!(snapshot.version(), Version(3));
        assert_eq!(values(&dataset.latest().await.unwrap()).await, (0..20).collect::<Vec<_>>());
        assert_linear(&dataset).await;
    });
}

#[test]
fn a_version_file_that_could_not_be_written_is_an_error_and_nothing_is_visible() {
    block_on(async {
        let (dataset, store) = faulty().await;
        store.fail("_tenrow/versions/", 0, When::Before);

        let error = append(&dataset, 10..20).await.unwrap_err();

        assert_eq!(error.kind(), ErrorKind::InDoubt);
        assert!(error.chain().contains("connection reset"), "{}", error.chain());
        assert!(error.chain().contains("version 3 of"), "{}", error.chain());
        let latest = dataset.latest().await.unwrap();
        assert_eq!(values(&latest).await, (0..10).collect::<Vec<_>>());
    });
}

#[test]
fn a_lost_reply_to_the_advisory_note_does_not_matter() {
    block_on(async {
        for when in [When::Before, When::After] {
            let (dataset, store) = faulty().await;
            store.fail("_tenrow/latest", 0, when);
            append(&dataset, 10..20).await.unwrap();
            assert_eq!(store.failed(), 1);
            assert_eq!(values(&dataset.latest().await.unwrap()).await.len(), 20);
        }
    });
}

#[test]
fn writers_that_race_all_commit_each_row_once() {
    const WRITERS: i64 = 4;
    const COMMITS: i64 = 8;
    let folder = place::folder();
    let place = place::location(folder.path());
    block_on(local(folder.path()));
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let place = &place;
            scope.spawn(move || {
                block_on(async {
                    let dataset = Dataset::open(place).await.unwrap();
                    for commit in 0..COMMITS {
                        let first = (writer * COMMITS + commit) * 3;
                        append(&dataset, first..first + 3).await.unwrap();
                    }
                });
            });
        }
    });

    block_on(async {
        let dataset = Dataset::open(&place).await.unwrap();
        let latest = dataset.latest().await.unwrap();
        assert_eq!(latest.version(), Version(1 + (WRITERS * COMMITS) as u64));
        let mut found = values(&latest).await;
        found.sort_unstable();
        assert_eq!(found, (0..WRITERS * COMMITS * 3).collect::<Vec<_>>());
        assert_linear(&dataset).await;
    });
}

#[test]
fn a_writer_that_lost_its_race_lands_behind_the_winner() {
    block_on(async {
        let folder = place::folder();
        let dataset = local(folder.path()).await;
        let mut slow = dataset.writer().await.unwrap();
        slow.append_columns(rows(10..20)).await.unwrap();
        append(&dataset, 0..10).await.unwrap();

        let snapshot = slow.commit().await.unwrap();

        assert_eq!(snapshot.version(), Version(3));
        assert_eq!(values(&snapshot).await, (0..20).collect::<Vec<_>>());
    });
}

#[test]
fn a_snapshot_reads_the_same_after_later_commits() {
    block_on(async {
        let folder = place::folder();
        let dataset = local(folder.path()).await;
        append(&dataset, 0..10).await.unwrap();
        let pinned = dataset.latest().await.unwrap();
        let unread = dataset.latest().await.unwrap();
        let before = pinned.slice(0..10).await.unwrap();

        for part in 1..4 {
            append(&dataset, part * 10..part * 10 + 10).await.unwrap();
        }

        for snapshot in [&pinned, &unread, &dataset.version(Version(2)).await.unwrap()] {
            assert_eq!(snapshot.row_count(), 10);
            assert_eq!(snapshot.slice(0..10).await.unwrap(), before);
            assert_eq!(snapshot.get(10).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        assert_eq!(dataset.latest().await.unwrap().row_count(), 40);
    });
}

#[test]
fn opening_what_is_no_dataset_creates_nothing() {
    block_on(async {
        let folder = place::folder();
        std::fs::write(folder.path().join("a.txt"), "not a dataset").unwrap();
        let missing = folder.path().join("missing");
        for place in [folder.path(), &missing] {
            let error = Dataset::open(&place::location(place)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotADataset, "{error}");
            assert!(error.to_string().contains("is not a tenrow dataset"), "{error}");
        }
        assert!(!missing.exists());
        assert_eq!(folder::files_of(folder.path()).len(), 1);
    });
}

#[test]
fn creating_where_a_dataset_is_leaves_it_alone() {
    block_on(async {
        let folder = place::folder();
        let dataset = local(folder.path()).await;
        append(&dataset, 0..10).await.unwrap();
        let before = folder::files_of(folder.path());

        let place = place::location(folder.path());
        let error = Dataset::create(&place, schema()).await.unwrap_err();

        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(folder::files_of(folder.path()), before);
    });
}

/// A writer's futures borrowed an upload, which cannot be shared between threads, so that no runtime of
/// several threads took them.
#[test]
fn the_futures_of_writing_can_be_spawned() {
    fn can_be_spawned<T: Send + 'static>(future: T) {
        drop(future);
    }
    let dataset = Dataset::at(Storage::from_store(Arc::new(InMemory::new()), "x".into()));
    can_be_spawned(async move {
        let mut writer = dataset.writer().await?;
        writer.append_columns(rows(0..1)).await?;
        writer.commit().await?;
        dataset.compact(Default::default()).await
    });
}

/// The dataset was created first and got its rows then: killed in between, an empty one was left.
#[test]
fn a_dataset_is_created_with_its_rows_or_not_at_all() {
    block_on(async {
        let folder = place::folder();
        let location = place::location(folder.path().join("d"));
        let dataset = Dataset::at(Storage::open(&location).unwrap());
        let schema = || Schema::new([Attribute::parse("x:i64").unwrap()]).unwrap();
        let begin = async |or_append, schema| {
            let create = CreateOptions::default().with_or_append(or_append);
            dataset.writer_of_new(schema, &create, WriteOptions::default()).await.unwrap()
        };
        let mut writers = Vec::new();
        for (value, or_append) in [(1i64, false), (2, true), (3, false), (4, true)] {
            let mut writer = begin(or_append, schema()).await;
            writer.append_columns(Columns::new().scalars("x", [value])).await.unwrap();
            writers.push(writer);
        }
        let other = Schema::new([Attribute::parse("y:i64").unwrap()]).unwrap();
        let mut with_other_schema = begin(true, other).await;
        let columns = Columns::new().scalars("y", [5i64]);
        with_other_schema.append_columns(columns).await.unwrap();
        assert_eq!(dataset.latest().await.unwrap_err().kind(), ErrorKind::NotADataset);

        let mut made = Vec::new();
        for writer in writers {
            made.push(writer.commit().await);
        }

        let first = made[0].as_ref().unwrap();
        assert_eq!((first.version(), first.row_count()), (Version(1), 1));
        assert_eq!((&*first.root().operation, &first.root().parent), ("create", &None));
        assert_eq!(made[1].as_ref().unwrap().row_count(), 2);
        let error = made[2].as_ref().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{}", error.chain());
        let error = with_other_schema.commit().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{}", error.chain());
        let newest = dataset.latest().await.unwrap();
        assert_eq!((newest.version(), newest.row_count()), (Version(3), 3));
        verified(&dataset).await;
    });
}

/// A first import that failed left half a gigabyte in a folder that was no dataset, which nothing could find any more.
#[test]
fn a_writer_that_is_given_up_leaves_nothing() {
    block_on_remote(async {
        for (name, ends_by) in [("dropped", "drop"), ("aborted", "abort"), ("refused", "commit")] {
            let folder = place::folder();
            let own = folder.path().join(name);
            let dataset = Dataset::at(Storage::open(&place::location(&own)).unwrap());
            let schema = || Schema::new([Attribute::parse("photo:file").unwrap()]).unwrap();
            let small = WriteOptions::default()
                .with_inline_file_bytes(1)
                .with_row_group_bytes(1)
                .with_partition_bytes(1);
            let create = CreateOptions::default();
            let mut writer = dataset.writer_of_new(schema(), &create, small.clone()).await.unwrap();
            for number in 0..5u8 {
                let file = FileValue::new("x", vec![number; 100]);
                writer.append_columns(Columns::new().files("photo", [Some(file)])).await.unwrap();
            }
            match ends_by {
                "drop" => drop(writer),
                "abort" => writer.abort().await.unwrap(),
                _ => {
                    let elsewhere = Dataset::at(Storage::open(&place::location(&own)).unwrap());
                    elsewhere.create_here(schema(), &create).await.unwrap();
                    writer.commit().await.unwrap_err();
                }
            }
            Upload::aborted().await;
            let files = folder::files_of(folder.path());
            let expected = if ends_by == "commit" { 2 } else { 0 };
            if !place::is_remote() {
                assert_eq!(files.len(), expected, "{name}: {files:?}");
                assert_eq!(own.exists(), ends_by == "commit", "{name}");
            }
            // Of a dataset that is there, nothing but what was written goes.
            let dataset = match dataset.latest().await {
                Ok(_) => dataset,
                Err(_) => Dataset::create(&place::location(&own), schema()).await.unwrap(),
            };
            let before = folder::files_of(folder.path());
            let mut writer = dataset.writer_with(small).await.unwrap();
            let file = FileValue::new("x", vec![9; 100]);
            writer.append_columns(Columns::new().files("photo", [Some(file)])).await.unwrap();
            drop(writer);
            Upload::aborted().await;
            assert_eq!(folder::files_of(folder.path()), before, "{name}");
            verified(&dataset).await;
        }
    });
}
