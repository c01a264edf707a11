//! What every store must do for datasets: a folder, memory, S3, and Azure where `make test-azure` has started it.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use tenrow::engine::Ids;
use tenrow::engine::layout::root_path;
use tenrow::storage::{CoalesceOptions, Storage};
use tenrow::{Catalog, Columns, CreateOptions, Dataset, ErrorKind, VacuumOptions, Version};
use tenrow_tests::azurite::AZURE_LOCATION;
use tenrow_tests::block_on_remote;
use tenrow_tests::s3::S3Server;

use super::schema;

const MIB: usize = 1 << 20;

/// Lets `test` at an empty place of each store.
fn at_every_store<F: Future<Output = ()>>(name: &str, test: impl Fn(Storage) -> F) {
    let folder = tempfile::tempdir().unwrap();
    let server = S3Server::start();
    let mut stores = vec![
        Storage::local(folder.path().join(name), Ids::random()),
        Storage::open(&format!("memory://conformance/{name}")).unwrap(),
        server.storage(name),
    ];
    match std::env::var(AZURE_LOCATION) {
        Ok(azure) => stores.push(Storage::open(&format!("{azure}/{name}")).unwrap()),
        Err(_) => eprintln!("passed over on Azure: `make test-azure` runs it there"),
    }
    for storage in stores {
        block_on_remote(test(storage));
    }
}

pub(super) async fn all(storage: &Storage, folder: &str) -> Vec<String> {
    let listed: Vec<_> = storage.list(folder).try_collect().await.unwrap();
    let mut paths: Vec<String> = listed.into_iter().map(|object| object.path).collect();
    paths.sort();
    paths
}

#[test]
fn what_is_there_is_not_created_again_but_may_be_overwritten() {
    at_every_store("create", |storage| async move {
        assert!(storage.put_new("a/b", Bytes::from("one")).await.unwrap(), "{storage}");
        assert!(!storage.put_new("a/b", Bytes::from("two")).await.unwrap(), "{storage}");
        assert_eq!(storage.read("a/b", 3).await.unwrap(), "one");
        storage.put("a/b", Bytes::from("three")).await.unwrap();
        assert_eq!(storage.read("a/b", 9).await.unwrap(), "three");
        assert_eq!(storage.size("a/b").await.unwrap(), 5);
    });
}

#[test]
fn of_writers_at_once_exactly_one_creates() {
    at_every_store("race", |storage| async move {
        for round in 0..5 {
            let path = format!("data/{round}");
            let puts = (0..8u8).map(|writer| {
                let (storage, path) = (storage.clone(), path.clone());
                tokio::spawn(async move { storage.put_new(&path, vec![writer; 9].into()).await })
            });
            let made = futures::future::join_all(puts).await;
            let made: Vec<bool> = made.into_iter().map(|put| put.unwrap().unwrap()).collect();
            assert_eq!(made.iter().filter(|made| **made).count(), 1, "{storage}");
            let winner = made.iter().position(|made| *made).unwrap() as u8;
            assert_eq!(storage.read(&path, 9).await.unwrap(), vec![winner; 9]);
        }
    });
}

#[test]
fn an_upload_of_many_parts_is_whole_or_not_there() {
    at_every_store("upload", |storage| async move {
        let pieces: Vec<Bytes> =
            (0..20u8).map(|i| Bytes::from(vec![i; MIB + usize::from(i)])).collect();
        let mut upload = storage.upload("data/x").unwrap();
        for piece in &pieces {
            upload.write(piece.clone()).await.unwrap();
        }
        assert_eq!(all(&storage, "data").await, [""; 0], "{storage}");
        upload.finish().await.unwrap();
        let found = storage.read("data/x", u64::MAX).await.unwrap();
        assert!(found == pieces.concat(), "{storage}: the bytes differ");
        let mut aborted = storage.upload("data/y").unwrap();
        for piece in &pieces {
            aborted.write(piece.clone()).await.unwrap();
        }
        aborted.abort().await.unwrap();
        assert_eq!(all(&storage, "data").await, ["data/x"], "{storage}");
    });
}

#[test]
fn ranges_are_exact_and_a_range_beyond_the_end_is_an_error() {
    at_every_store("ranges", |storage| async move {
        let content: Vec<u8> = (0..=255).collect();
        storage.put_new("x", content.clone().into()).await.unwrap();
        let ranges = [200..210, 0..4, 6..8, 7..7, 2..3, 250..256];
        let options = CoalesceOptions::default().with_max_gap_bytes(2);
        let before = storage.counters();
        let found = storage.read_ranges("x", &ranges, &options).await.unwrap();
        for (range, found) in ranges.iter().zip(&found) {
            assert_eq!(found, &content[range.start as usize..range.end as usize], "{storage}");
        }
        let read = storage.counters().since(&before);
        assert_eq!((read.reads, read.bytes_read), (3, 8 + 10 + 6), "{storage}");
        for range in [250..257, 256..257, 1000..1001] {
            let error = storage.read_range("x", range).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{storage}: {}", error.chain());
            assert!(error.chain().contains("ends at byte 256"), "{}", error.chain());
        }
        let error = storage.read("x", 255).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{storage}: {}", error.chain());
        let missing = storage.read_range("y", 0..1).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound, "{storage}: {}", missing.chain());
        assert_eq!(storage.size("y").await.unwrap_err().kind(), ErrorKind::NotFound);
    });
}

#[test]
fn listings_are_the_same_everywhere() {
    at_every_store("listing", |storage| async move {
        let names = ["top", "a b/%41", "a/1", "a/2", "a/b/3", "ab/4", "ü/5 #x"];
        for name in names {
            storage.put_new(name, Bytes::from(name)).await.unwrap();
        }
        let table: [(&str, &[&str]); 7] = [
            ("a", &["a/1", "a/2", "a/b/3"]),
            ("a/b", &["a/b/3"]),
            ("ab", &["ab/4"]),
            ("a b", &["a b/%41"]),
            ("ü", &["ü/5 #x"]),
            ("nothing", &[]),
            ("a/1", &[]),
        ];
        for (folder, expected) in table {
            assert_eq!(all(&storage, folder).await, expected, "{storage}: {folder}");
        }
        let mut folders = storage.list_folders("").await.unwrap();
        // Where a local folder keeps what is not finished.
        folders.retain(|name| name != "_tenrow");
        assert_eq!(folders, ["a", "a b", "ab", "ü"], "{storage}");
        assert_eq!(storage.list_folders("a").await.unwrap(), ["b"], "{storage}");
        for name in names {
            assert_eq!(storage.read(name, 99).await.unwrap(), name);
            storage.delete(name).await.unwrap();
            storage.delete(name).await.unwrap();
        }
        assert!(storage.list("a").next().await.is_none(), "{storage}");
    });
}

#[test]
fn the_newest_version_is_found() {
    at_every_store("newest", |storage| async move {
        assert_eq!(storage.newest().await.unwrap(), None, "{storage}");
        for version in 1..=12 {
            let path = root_path(Version(version));
            storage.put_new(&path, Bytes::from("{}")).await.unwrap();
            assert_eq!(storage.newest().await.unwrap(), Some(Version(version)), "{storage}");
        }
        assert_eq!(storage.list_versions().await.unwrap().len(), 12, "{storage}");
    });
}

async fn append(dataset: &Dataset, rows: std::ops::Range<i64>) {
    let n: Vec<i64> = rows.collect();
    let x = ndarray::Array2::from_shape_fn((n.len(), 8), |(row, _)| n[row] as f32);
    let mut writer = dataset.writer().await.unwrap();
    let columns = Columns::new().tensors("x", &x).scalars("n", &n);
    writer.append_columns(columns).await.unwrap();
    writer.commit().await.unwrap();
}

#[test]
fn a_dataset_lives_at_every_store() {
    at_every_store("life", |storage| async move {
        let catalog = Catalog::at(storage.clone());
        for name in ["one", "group/two"] {
            let (schema, options) = (schema(&["x:f32[8]", "n:i64"]), CreateOptions::default());
            let dataset = catalog.create(name, schema.clone(), &options).await.unwrap();
            append(&dataset, 0..100).await;
            append(&dataset, 100..150).await;
            let taken = dataset.create_here(schema, &options).await;
            assert_eq!(taken.unwrap_err().kind(), ErrorKind::AlreadyExists, "{storage}");
        }
        let listed = catalog.list().await.unwrap();
        let names: Vec<&str> = listed.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["group/two", "one"], "{storage}");
        let dataset = catalog.dataset("group/two").await.unwrap();
        // Four writers at once lose nothing.
        let writers = (0..4i64).map(|writer| {
            let dataset = dataset.clone();
            tokio::spawn(async move { append(&dataset, writer * 5 + 150..writer * 5 + 155).await })
        });
        futures::future::join_all(writers).await.into_iter().for_each(|writer| writer.unwrap());
        let snapshot = dataset.latest().await.unwrap();
        assert_eq!((snapshot.version(), snapshot.row_count()), (Version(7), 170), "{storage}");
        let column = snapshot.tensor_column("x").unwrap();
        assert_eq!(column.get(120).await.unwrap().unwrap().as_slice::<f32>().unwrap(), [120.0; 8]);
        let earlier = dataset.version(Version(2)).await.unwrap();
        assert_eq!(earlier.row_count(), 100);
        let all = snapshot.slice(0..170).await.unwrap();
        let n = all.column_by_name("n").unwrap();
        let n = arrow_array::cast::AsArray::as_primitive::<arrow_array::types::Int64Type>(n);
        assert_eq!(n.values().iter().sum::<i64>(), (0..170).sum::<i64>(), "{storage}");
        let report = dataset.vacuum(VacuumOptions::default()).await.unwrap();
        assert_eq!(report.removed.len(), 0, "{storage}");
    });
}
