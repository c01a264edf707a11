//! The cache of a machine, shared by its processes.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tenrow::storage::{Cache, Storage};
use tenrow::{
    Columns, Dataset, ErrorKind, OnProgress, PageChecks, Progress, ReadOptions, WriteOptions,
};
use tenrow_tests::random::Dice;
use tenrow_tests::s3::{Mishap, S3Server, Seen};
use tenrow_tests::{Program, block_on_remote, told};

use super::vectors;

const WIDTH: u64 = 1024;

/// A dataset reached by one who keeps what was read in `folder`.
fn caching(server: &S3Server, name: &str, folder: &Path) -> Dataset {
    let options = server
        .options()
        .with("cache", "on")
        .with("cache_folder", folder.display().to_string())
        .with("cache_size", "1GiB");
    Dataset::at(Storage::open_with(&server.location(name), &options).unwrap())
}

/// A process that reads all rows in an order of its own.
fn reader(server: &S3Server, name: &str, folder: &Path, seed: u64) -> Program {
    let child = Command::new(env!("CARGO_BIN_EXE_test-programs"))
        .arg("remote-reader")
        .args([server.location(name), seed.to_string()])
        .envs(server.variables())
        .env("TENROW_CACHE", "on")
        .env("TENROW_CACHE_FOLDER", folder)
        .spawn();
    Program::new(child.unwrap())
}

fn data(seen: &[Seen]) -> Vec<&Seen> {
    seen.iter().filter(|seen| seen.path.contains("/data/")).collect()
}

fn bytes_of(seen: &[&Seen], size: u64) -> u64 {
    let bytes = |seen: &&Seen| {
        let range = seen.range.as_deref().unwrap().strip_prefix("bytes=").unwrap();
        let (first, last) = range.split_once('-').unwrap();
        // What is beyond the end is not sent.
        last.parse::<u64>().unwrap().min(size - 1) - first.parse::<u64>().unwrap() + 1
    };
    seen.iter().map(bytes).sum()
}

#[test]
fn what_was_read_once_is_not_asked_for_again() {
    let server = S3Server::start();
    let folder = tempfile::tempdir().unwrap();
    block_on_remote(async {
        vectors(&server, "x", 2000, WIDTH).await;
        let options = ReadOptions::default().with_attributes(["x"]);
        let rows: Vec<u64> = (0..256u64).map(|i| i.wrapping_mul(7919) % 2000).collect();
        server.take_seen();
        let first = caching(&server, "x", folder.path()).latest().await.unwrap();
        let taken = first.take_with(&rows, &options).await.unwrap();
        let seen = server.take_seen();
        // 8 MB of vectors are 8 blocks, which one request fetches.
        assert!(data(&seen).len() <= 4, "{seen:?}");
        assert!(first.storage().counters().cache_misses > 0);

        let again = caching(&server, "x", folder.path()).latest().await.unwrap();
        assert_eq!(again.take_with(&rows, &options).await.unwrap(), taken);
        let seen = server.take_seen();
        assert_eq!(seen.len(), 2, "only the newest version is asked for: {seen:?}");
        assert!(again.storage().counters().cache_hits > 0);
    });
}

#[test]
fn four_processes_fetch_every_block_once() {
    let server = S3Server::start();
    let size = block_on_remote(vectors(&server, "x", 6000, WIDTH)).size_bytes();
    for latency in [Duration::ZERO, Duration::from_millis(50)] {
        let folder = tempfile::tempdir().unwrap();
        server.late(latency);
        server.take_seen();
        let readers: Vec<Program> =
            (0..4).map(|seed| reader(&server, "x", folder.path(), seed)).collect();
        for reader in readers {
            assert!(reader.finish().success());
        }
        let seen = server.take_seen();
        let fetched = bytes_of(&data(&seen), size);
        eprintln!("4 processes, {latency:?} away: {fetched} of {size} bytes");
        assert!(fetched * 100 <= size * 105, "{fetched} of {size} bytes");
        let held = Cache::new(folder.path(), 1 << 30).size().unwrap();
        assert!(held.bytes * 100 <= size * 106, "{held:?} of {size} bytes");
    }
}

#[test]
fn readers_that_are_killed_leave_no_wrong_byte() {
    const KILLS: u64 = 200;
    let server = S3Server::start();
    let folder = tempfile::tempdir().unwrap();
    block_on_remote(vectors(&server, "x", 6000, WIDTH));
    let mut dice = Dice::new(38);
    for kill in 0..KILLS {
        let reader = reader(&server, "x", folder.path(), kill);
        std::thread::sleep(Duration::from_millis(dice.below(60)));
        drop(reader);
        if kill % 20 == 19 {
            let whole = self::reader(&server, "x", folder.path(), kill).finish();
            assert!(whole.success(), "after {kill} kills");
            Cache::new(folder.path(), 1 << 30).clear().unwrap();
        }
    }
}

/// It held its locks as long as it was stopped, by Ctrl-Z for example, and everybody else waited.
#[test]
fn a_process_that_is_stopped_while_it_fetches_stops_no_other_one() {
    let server = S3Server::start();
    let folder = tempfile::tempdir().unwrap();
    block_on_remote(vectors(&server, "x", 2000, WIDTH));
    server.take_seen();
    server.late(Duration::from_millis(300));
    let stopped = reader(&server, "x", folder.path(), 1);
    let mut seen = Vec::new();
    for _ in 0..12_000 {
        seen.extend(server.take_seen());
        if !data(&seen).is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!data(&seen).is_empty(), "it asked for no data");
    stopped.signal("STOP");
    server.late(Duration::ZERO);
    assert!(reader(&server, "x", folder.path(), 2).finish().success());
    block_on_remote(async {
        let snapshot = caching(&server, "x", folder.path()).latest().await.unwrap();
        assert_eq!(snapshot.slice(0..2000).await.unwrap().num_rows(), 2000);
    });
    stopped.signal("CONT");
    assert!(stopped.finish().success());
}

#[test]
fn a_version_is_warmed_whole() {
    let server = S3Server::start();
    let folder = tempfile::tempdir().unwrap();
    block_on_remote(async {
        vectors(&server, "x", 2000, WIDTH).await;
        let snapshot = caching(&server, "x", folder.path()).latest().await.unwrap();
        let (on_progress, _) = told::until(|progress| progress.done > 0);
        let stopped = snapshot.warm(&on_progress).await.unwrap_err();
        assert_eq!(stopped.kind(), ErrorKind::Stopped);
        let (on_progress, told) = told::all();
        let warmed = snapshot.warm(&on_progress).await.unwrap();
        let total = Some(warmed.bytes);
        let last = Progress { done: warmed.bytes, total, bytes: warmed.bytes };
        assert_eq!(told.lock().unwrap().last(), Some(&last));
        server.take_seen();
        snapshot.slice(0..2000).await.unwrap();
        snapshot.inspect().await.unwrap();
        assert_eq!(server.take_seen(), []);
        let off = super::dataset(&server, "x").latest().await.unwrap();
        assert_eq!(
            off.warm(&OnProgress::default()).await.unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    });
}

/// Others overwrite it, and remove the files of the cache, while a reader goes on.
#[test]
fn a_warm_cache_is_never_stale_and_may_be_removed_at_any_time() {
    let server = S3Server::start();
    let folder = tempfile::tempdir().unwrap();
    let numbers = async |snapshot: &tenrow::Snapshot| {
        let all =
            snapshot.tensor_column("n").unwrap().slice(0..snapshot.row_count()).await.unwrap();
        all.tensor.as_slice::<i64>().unwrap().to_vec()
    };
    block_on_remote(async {
        vectors(&server, "x", 500, 8).await;
        let reader = caching(&server, "x", folder.path());
        let old = reader.latest().await.unwrap();
        let expected: Vec<i64> = (0..500).collect();
        assert_eq!(numbers(&old).await, expected);

        let other = super::dataset(&server, "x");
        let mut writer = other.overwriter(None, WriteOptions::default()).await.unwrap();
        let x = ndarray::Array2::from_elem((3, 8), 1f32);
        let columns = Columns::new().tensors("x", &x).scalars("n", [7i64, 8, 9]);
        writer.append_columns(columns).await.unwrap();
        writer.commit().await.unwrap();
        assert_eq!(numbers(&reader.latest().await.unwrap()).await, [7, 8, 9]);
        assert_eq!(numbers(&old).await, expected);

        Cache::new(folder.path(), 1 << 30).clear().unwrap();
        assert_eq!(numbers(&old).await, expected);
        std::fs::remove_dir_all(folder.path()).unwrap();
        assert_eq!(numbers(&reader.latest().await.unwrap()).await, [7, 8, 9]);
        let again = caching(&server, "x", folder.path()).latest().await.unwrap();
        assert_eq!(numbers(&again).await, [7, 8, 9]);
    });
}

#[test]
fn what_came_damaged_is_not_kept_for_ever() {
    let server = S3Server::start();
    let folder = tempfile::tempdir().unwrap();
    block_on_remote(async {
        vectors(&server, "x", 100, WIDTH).await;
        let always = ReadOptions::default().with_page_checks(PageChecks::Always);
        server.fail("GET", "/data/", 0, 1, Mishap::Flipped);
        let snapshot = caching(&server, "x", folder.path()).latest().await.unwrap();
        let damaged = snapshot.slice_with(0..100, &always).await.unwrap_err();
        assert_eq!(damaged.kind(), ErrorKind::Corrupt);
        let snapshot = caching(&server, "x", folder.path()).latest().await.unwrap();
        assert_eq!(snapshot.slice_with(0..100, &always).await.unwrap().num_rows(), 100);
    });
}
