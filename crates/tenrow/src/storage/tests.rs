use std::path::Path as FilePath;
use std::sync::Barrier;

use bytes::Bytes;
use futures::FutureExt;
use object_store::memory::InMemory;

use super::*;
use crate::error::ErrorKind;
use crate::format::Version;

/// Without a runtime every local operation is ready at its first poll.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("a local operation completes without suspending")
}

fn local() -> (tempfile::TempDir, Storage) {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::local(folder.path().join("new/dataset"), Ids::seeded(1));
    (folder, storage)
}

fn in_memory() -> Storage {
    Storage::from_store(Arc::new(InMemory::new()), Path::from("some/prefix"))
}

/// A local storage and one in memory.
fn both() -> (tempfile::TempDir, [Storage; 2]) {
    let (folder, storage) = local();
    (folder, [storage, in_memory()])
}

/// Every file below `folder`, as relative paths.
fn files(folder: &FilePath) -> Vec<String> {
    fn walk(root: &FilePath, folder: &FilePath, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => walk(root, &path, found),
                false => found.push(path.strip_prefix(root).unwrap().display().to_string()),
            }
        }
    }
    let mut found = Vec::new();
    if folder.exists() {
        walk(folder, folder, &mut found);
    }
    found.sort();
    found
}

fn dataset_files(storage: &Storage) -> Vec<String> {
    files(storage.folder().unwrap())
}

const MIB: usize = 1 << 20;

/// Distinct content in pieces of 3 MiB and a bit.
fn pieces(count: u8) -> Vec<Bytes> {
    (0..count).map(|i| Bytes::from(vec![i; 3 * MIB + usize::from(i)])).collect()
}

#[test]
fn opening_and_reading_create_nothing() {
    let (folder, storage) = local();
    assert_eq!(now(storage.newest()).unwrap(), None);
    assert_eq!(now(storage.read("a", 9)).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(now(storage.read_range("a", 0..1)).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(storage.map("a").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_created_object_is_read_back_and_not_replaced() {
    let (_folder, storages) = both();
    for storage in storages {
        assert!(now(storage.put_new("a/b", Bytes::from("one"))).unwrap());
        assert!(!now(storage.put_new("a/b", Bytes::from("two"))).unwrap());
        assert_eq!(now(storage.read("a/b", 3)).unwrap(), "one");
    }
}

#[test]
fn of_writers_racing_for_a_name_exactly_one_creates_it() {
    let (_folder, storage) = local();
    let barrier = Barrier::new(8);
    for round in 0..20 {
        let path = format!("data/{round}");
        let put = |writer: usize| {
            barrier.wait();
            now(storage.put_new(&path, Bytes::from(vec![writer as u8; 9]))).unwrap()
        };
        let created: Vec<bool> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..8).map(|w| scope.spawn(move || put(w))).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        let winner = created.iter().position(|created| *created).unwrap();
        assert_eq!(created.iter().filter(|created| **created).count(), 1);
        assert_eq!(now(storage.read(&path, 9)).unwrap(), vec![winner as u8; 9]);
    }
    assert_eq!(dataset_files(&storage).len(), 20, "no temporary file is left");
}

#[test]
fn an_overwritten_object_is_the_new_one() {
    let (_folder, storages) = both();
    for storage in storages {
        now(storage.put("_tenrow/latest", Bytes::from("1"))).unwrap();
        now(storage.put("_tenrow/latest", Bytes::from("22"))).unwrap();
        assert_eq!(now(storage.read("_tenrow/latest", 9)).unwrap(), "22");
    }
}

#[tokio::test]
async fn an_upload_keeps_the_order_of_many_parts() {
    let (_folder, storages) = both();
    for storage in storages {
        let mut upload = storage.upload("data/x.parquet").unwrap();
        for piece in pieces(40) {
            upload.write(piece).await.unwrap();
        }
        let expected = pieces(40).concat();
        let uploaded = upload.finish().await.unwrap();
        assert_eq!(uploaded.bytes, expected.len() as u64);
        assert_eq!(uploaded.xxh3, twox_hash::XxHash3_64::oneshot(&expected));
        let found = storage.read("data/x.parquet", u64::MAX).await.unwrap();
        assert!(found == expected, "the bytes differ");
    }
}

#[test]
fn an_upload_works_without_a_runtime_small_large_and_empty() {
    let (_folder, storage) = local();
    for (name, count) in [("empty", 0), ("small", 1), ("large", 9)] {
        let mut upload = storage.upload(name).unwrap();
        pieces(count).into_iter().for_each(|piece| now(upload.write(piece)).unwrap());
        now(upload.finish()).unwrap();
        assert!(now(storage.read(name, u64::MAX)).unwrap() == pieces(count).concat());
    }
    assert_eq!(dataset_files(&storage), ["empty", "large", "small"]);
}

#[tokio::test]
async fn a_dropped_or_aborted_upload_leaves_nothing() {
    let (_folder, storage) = local();
    for count in [0, 1, 20] {
        let mut dropped = storage.upload("x").unwrap();
        let mut aborted = storage.upload("x").unwrap();
        for piece in pieces(count) {
            dropped.write(piece.clone()).await.unwrap();
            aborted.write(piece).await.unwrap();
        }
        drop(dropped);
        aborted.abort().await.unwrap();
    }
    assert!(dataset_files(&storage).is_empty());
    assert_eq!(storage.read("x", 9).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_may_move_between_threads() {
    let (_folder, storage) = local();
    let mut upload = storage.upload("x").unwrap();
    let task = tokio::spawn(async move {
        for piece in pieces(9) {
            upload.write(piece).await.unwrap();
        }
        upload.finish().await.unwrap()
    });
    assert_eq!(task.await.unwrap().bytes, pieces(9).concat().len() as u64);
}

#[test]
fn two_writers_with_one_seed_still_create_both_objects() {
    let (_folder, storage) = local();
    let twin = Storage::local(storage.folder().unwrap(), Ids::seeded(1));
    let begun = |storage: &Storage, name: &str| {
        let mut upload = storage.upload(name).unwrap();
        pieces(3).into_iter().for_each(|piece| now(upload.write(piece)).unwrap());
        upload
    };
    let (a, b) = (begun(&storage, "a"), begun(&twin, "b"));
    now(a.finish()).unwrap();
    now(b.finish()).unwrap();
    assert_eq!(dataset_files(&storage), ["a", "b"]);
}

#[test]
fn an_upload_does_not_replace_an_object() {
    let (_folder, storage) = local();
    now(storage.put_new("x", Bytes::from("first"))).unwrap();
    for count in [1, 9] {
        let mut upload = storage.upload("x").unwrap();
        pieces(count).into_iter().for_each(|piece| now(upload.write(piece)).unwrap());
        assert_eq!(now(upload.finish()).unwrap_err().kind(), ErrorKind::AlreadyExists);
    }
    assert_eq!(now(storage.read("x", 5)).unwrap(), "first");
    assert_eq!(dataset_files(&storage), ["x"]);
}

#[test]
fn what_a_crash_leaves_is_no_object_and_not_parquet() {
    let (_folder, storage) = local();
    let mut upload = storage.upload("data/x.parquet").unwrap();
    pieces(9).into_iter().for_each(|piece| now(upload.write(piece)).unwrap());
    std::mem::forget(upload);
    let left = dataset_files(&storage);
    assert_eq!(left.len(), 1);
    assert!(left[0].starts_with("_tenrow/tmp/") && !left[0].ends_with(".parquet"), "{left:?}");
    assert_eq!(now(storage.read("data/x.parquet", 9)).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(now(storage.newest()).unwrap(), None);
}

#[test]
fn a_folder_that_cannot_be_made_names_the_path_and_the_cause() {
    let (_folder, storage) = local();
    let folder = storage.folder().unwrap();
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("_tenrow"), "a file").unwrap();
    let error = now(storage.put_new("x", Bytes::from("x"))).unwrap_err();
    let folder = folder.display();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(
        error.chain(),
        format!("cannot write {folder}/x: create folder {folder}/_tenrow: not a directory")
    );
}

#[test]
fn without_permission_the_error_names_the_path_and_the_cause() {
    let (_folder, storage) = local();
    now(storage.put_new("x", Bytes::from("x"))).unwrap();
    let folder = storage.folder().unwrap().join("_tenrow/tmp");
    let mode = |bits| std::os::unix::fs::PermissionsExt::from_mode(bits);
    std::fs::set_permissions(&folder, mode(0o555)).unwrap();
    if std::fs::write(folder.join("probe"), "").is_ok() {
        return; // The superuser may write everywhere.
    }
    let errors = [
        now(storage.put_new("y", Bytes::from("y"))).unwrap_err(),
        now(storage.put("x", Bytes::from("y"))).unwrap_err(),
    ];
    std::fs::set_permissions(&folder, mode(0o755)).unwrap();
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Io);
        let chain = error.chain();
        assert!(chain.contains(&format!("create {}", folder.display())), "{chain}");
        assert!(chain.ends_with("Permission denied (os error 13)"), "{chain}");
    }
    assert_eq!(now(storage.read("x", 1)).unwrap(), "x");
}

#[test]
fn an_object_over_the_limit_is_refused() {
    let (_folder, storages) = both();
    for storage in storages {
        now(storage.put_new("x", Bytes::from("12345"))).unwrap();
        let error = now(storage.read("x", 4)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.chain().ends_with("x: 5 bytes, beyond the limit of 4"), "{}", error.chain());
        assert_eq!(storage.counters().bytes_read, 0);
    }
}

#[test]
fn a_range_beyond_the_end_is_truncation_not_a_short_answer() {
    let (_folder, storages) = both();
    for storage in storages {
        now(storage.put_new("x", Bytes::from("12345"))).unwrap();
        for range in [4..6, 5..6, 9..10, 0..u64::MAX >> 20] {
            let error = now(storage.read_range("x", range.clone())).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{range:?} {}", error.chain());
            assert!(error.chain().contains("truncated: ends at byte 5"), "{}", error.chain());
            let ranges = [0..1, range];
            let options = CoalesceOptions::default().with_max_gap_bytes(0);
            let error = now(storage.read_ranges("x", &ranges, &options)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
    }
}

#[test]
fn ranges_come_back_in_the_order_asked_with_joined_reads() {
    let content: Vec<u8> = (0..=255).collect();
    let (_folder, storages) = both();
    for storage in storages {
        now(storage.put_new("x", content.clone().into())).unwrap();
        let ranges = [200..210, 0..4, 6..8, 7..7, 2..3, 250..256];
        let options = CoalesceOptions::default().with_max_gap_bytes(2).with_max_concurrency(0);
        let found = now(storage.read_ranges("x", &ranges, &options)).unwrap();
        for (range, found) in ranges.iter().zip(&found) {
            assert_eq!(found, &content[range.start as usize..range.end as usize]);
        }
        assert_eq!(
            storage.counters(),
            Counters { reads: 3, bytes_read: 8 + 10 + 6, ..Counters::default() }
        );
    }
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "a reversed range is what is tested")]
fn bad_ranges_and_paths_are_invalid_and_an_empty_range_reads_nothing() {
    let (_folder, storage) = local();
    let kind = |error: Error| error.kind();
    assert_eq!(now(storage.read_range("x", 2..1)).map_err(kind), Err(ErrorKind::InvalidInput));
    for path in ["", "/x", "x/", "../x", "a/../x", "a//x", "./x"] {
        assert_eq!(
            now(storage.read(path, 1)).map_err(kind),
            Err(ErrorKind::InvalidInput),
            "{path}"
        );
        assert_eq!(storage.map(path).map_err(kind), Err(ErrorKind::InvalidInput), "{path}");
    }
    assert_eq!(now(storage.read_range("x", 7..7)).unwrap(), "");
    assert_eq!(storage.counters(), Counters::default());
}

#[test]
fn names_with_spaces_percents_and_letters_of_the_world_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::local(folder.path().join("a b#1%20ü"), Ids::random());
    now(storage.put_new("data/ü %41#x/y", Bytes::from("x"))).unwrap();
    assert_eq!(now(storage.read("data/ü %41#x/y", 1)).unwrap(), "x");
    assert_eq!(storage.map("data/ü %41#x/y").unwrap().unwrap(), "x");
    assert_eq!(files(folder.path()), ["a b#1%20ü/data/ü %41#x/y"]);
}

#[test]
fn a_mapped_object_is_the_object_and_mapping_can_be_turned_off() {
    let (_folder, storage) = local();
    now(storage.put_new("x", Bytes::from("12345"))).unwrap();
    let mapped = storage.map("x").unwrap().unwrap();
    std::fs::remove_file(storage.folder().unwrap().join("x")).unwrap();
    assert_eq!(mapped, "12345");
    assert!(storage.clone().with_mmap(false).map("x").unwrap().is_none());
    assert!(in_memory().map("x").unwrap().is_none());
}

#[test]
fn every_read_and_listing_is_counted_and_mapped_reads_on_demand() {
    let (_folder, storage) = local();
    now(storage.put_new("x", Bytes::from("12345"))).unwrap();
    assert_eq!(storage.counters(), Counters::default());
    now(storage.read("x", 9)).unwrap();
    now(storage.read_range("x", 1..3)).unwrap();
    now(storage.newest()).unwrap();
    now(storage.list_versions()).unwrap();
    storage.note_mapped_read(100);
    assert_eq!(storage.counters(), Counters { reads: 4, bytes_read: 7, ..Counters::default() });
    storage.clone().with_mapped_reads_counted(true).note_mapped_read(100);
    assert_eq!(storage.counters(), Counters { reads: 5, bytes_read: 107, ..Counters::default() });
}

#[test]
fn the_newest_version_is_the_first_valid_name() {
    let ordered = in_memory().with_ordered_listing(true);
    let (_folder, [local, memory]) = both();
    for storage in [local, memory, ordered] {
        assert_eq!(now(storage.newest()).unwrap(), None);
        let names = [
            "18446744073709551614.json",
            "18446744073709551615.json",
            "00000000000000000007.json#1",
            "00000000000000000001.json.tmp",
            "0000000000000000001.json",
            "99999999999999999999.json",
            "+0000000000000000001.json",
            "deeper.json",
            "18446744073709551613.json",
        ];
        for name in names {
            now(storage.put(&format!("_tenrow/versions/{name}"), Bytes::from("{}"))).unwrap();
        }
        assert_eq!(now(storage.newest()).unwrap(), Some(Version(2)));
        assert_eq!(now(storage.list_versions()).unwrap(), [Version(2), Version(1)]);
    }
}

#[test]
fn a_file_where_the_dataset_should_be_has_no_versions() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "x").unwrap();
    let storage = Storage::local(folder.path().join("file"), Ids::random());
    assert_eq!(now(storage.newest()).unwrap(), None);
    assert!(now(storage.read("x", 1)).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_of_many_tasks_share_one_storage() {
    let (_folder, storage) = local();
    let put = |i: usize| {
        let storage = storage.clone();
        tokio::spawn(async move {
            let path = format!("data/{}/{i}", i % 4);
            storage.put_new(&path, Bytes::from(vec![i as u8; i])).await.unwrap();
            storage.read(&path, 99).await.unwrap().len()
        })
    };
    let tasks: Vec<_> = (0..64).map(put).collect();
    for (i, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.unwrap(), i);
    }
}

/// By hand: `cargo test throughput -- --ignored --nocapture`, with `TMPDIR` on a disk.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes 4 GiB"]
async fn upload_throughput_against_a_plain_write() {
    use std::io::Write;
    let (folder, storage) = local();
    let piece: Vec<u8> = (0..8 * MIB).map(|i| (i * 31 % 251) as u8).collect();
    let piece = Bytes::from(piece);
    for round in 0..3 {
        let name = folder.path().join("plain");
        let begun = std::time::Instant::now();
        let mut file = std::fs::File::create(&name).unwrap();
        (0..256).for_each(|_| file.write_all(&piece).unwrap());
        file.sync_all().unwrap();
        let plain = begun.elapsed();
        std::fs::remove_file(name).unwrap();
        drop(file);

        let begun = std::time::Instant::now();
        let mut upload = storage.upload("x").unwrap();
        for _ in 0..256 {
            upload.write(piece.clone()).await.unwrap();
        }
        upload.finish().await.unwrap();
        let ours = begun.elapsed();
        std::fs::remove_file(storage.folder().unwrap().join("x")).unwrap();
        println!(
            "round {round}: 2 GiB plain {plain:?}, upload {ours:?}, ratio {:.2}",
            plain.as_secs_f64() / ours.as_secs_f64()
        );
    }
}

/// Deleting goes through a store that wraps what the system says: it was a failure of the store.
#[test]
fn what_the_system_forbids_to_delete_is_denied() {
    // Whoever one is, the system's own files stay.
    let system = Storage::local("/proc/self", Ids::seeded(1));
    let error = now(system.delete("status")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{}", error.chain());
}
