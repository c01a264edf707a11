//! Who is no longer polled, or is stopped, is in nobody's way, whatever it was just reading.
//!
//! An export over HTTP once stopped for ever: a stream that nobody polled between two of its items held locks of the
//! cache, and the consumer that it waited for waited for one of these. Cells that are filled once had the same fault.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::{self, FutureExt};
use futures::stream::{BoxStream, Stream, StreamExt};
use tenrow::storage::Storage;
use tenrow::{CreateOptions, Dataset, OnProgress, ScanOptions, Snapshot, Version, ViewOptions};
use tenrow_convert::{Existing, Format, Purpose, export};
use tenrow_tests::s3::S3Server;
use tenrow_tests::{block_on_remote, zoo};

use crate::stock;

fn exported(format: &str) -> Format {
    Format::named(format, Purpose::Export).unwrap()
}

/// Points at which a reader is stopped, at most: evenly spread over all there are.
const MAX_STOPS: usize = 20;
const LATENCY: Duration = Duration::from_millis(2);
/// What others may take.
const LIMIT: Duration = Duration::from_secs(30);

/// All ways of reading, each piece by piece.
const READERS: [&str; 8] =
    ["scan", "batches", "take", "elements", "files", "view", "parquet", "images"];

fn reader(
    name: &'static str,
    snapshot: Snapshot,
    old: Snapshot,
    out: PathBuf,
) -> BoxStream<'static, ()> {
    let rows = 0..snapshot.row_count();
    match name {
        "scan" => snapshot.scan().map(|batch| drop(batch.unwrap())).boxed(),
        "batches" => {
            let options = tenrow::ScanOptions::default().with_batch_rows(3);
            snapshot.scan_with(&options).map(|batch| drop(batch.unwrap())).boxed()
        }
        "take" => {
            async move { drop(snapshot.take(&rows.rev().collect::<Vec<_>>()).await.unwrap()) }
                .into_stream()
                .boxed()
        }
        "elements" => async move {
            let elements = old.elements("tokens").await.unwrap();
            elements.window(0..elements.element_count()).await.unwrap();
        }
        .into_stream()
        .boxed(),
        "files" => futures::stream::iter(rows)
            .map(move |row| {
                let files = snapshot.file_column("photo").unwrap();
                async move { drop(files.bytes(row).await.unwrap()) }
            })
            .buffered(4)
            .boxed(),
        "view" => async move {
            let dataset = Dataset::at(snapshot.storage().clone());
            let view = dataset.view("some").await.unwrap();
            view.scan_with(&ScanOptions::default().with_batch_rows(2))
                .map(|batch| drop(batch.unwrap()))
        }
        .into_stream()
        .flatten()
        .boxed(),
        _ => async move {
            let format = if name == "images" { exported("images") } else { Format::PARQUET };
            export(&snapshot.all(), &out, format, Existing::Replace, &OnProgress::default())
                .await
                .unwrap();
        }
        .into_stream()
        .boxed(),
    }
}

/// What others read meanwhile: of everything something.
async fn others(snapshot: &Snapshot, old: &Snapshot) {
    let all = snapshot.row_count();
    assert_eq!(snapshot.take(&[all - 1, 0, all / 2]).await.unwrap().num_rows(), 3);
    snapshot.row_ids(&[0, all - 1]).await.unwrap();
    let files = snapshot.file_column("photo").unwrap();
    future::try_join_all([0, all / 2, all - 1].map(|row| files.bytes(row))).await.unwrap();
    let tokens = old.elements("tokens").await.unwrap();
    tokens.window(0..tokens.element_count()).await.unwrap();
}

/// Polls the stream so often, unless it ends before; gives how often it was polled, and whether it ended.
async fn poll_times<S: Stream<Item = ()> + Unpin>(stream: &mut S, polls: usize) -> (usize, bool) {
    let mut polled = 0;
    future::poll_fn(|context| {
        loop {
            if polled == polls {
                return std::task::Poll::Ready((polled, false));
            }
            polled += 1;
            match stream.poll_next_unpin(context) {
                std::task::Poll::Ready(None) => return std::task::Poll::Ready((polled, true)),
                std::task::Poll::Ready(Some(())) => {}
                std::task::Poll::Pending if polled == polls => {}
                std::task::Poll::Pending => return std::task::Poll::Pending,
            }
        }
    })
    .await
}

/// Versions of every kind of attribute, in several leaves: with deleted rows and a view, and without.
async fn zoo(server: &S3Server) -> (Version, Version) {
    let dataset = super::dataset(server, "zoo");
    dataset.create_here(zoo::schema(), &CreateOptions::default()).await.unwrap();
    for start in [0, 10, 20] {
        stock::append(&dataset, start..start + 10).await;
    }
    let old = dataset.latest().await.unwrap();
    dataset.delete(&old, &[3, 17]).await.unwrap();
    let latest = dataset.latest().await.unwrap();
    let options = ViewOptions::default();
    dataset
        .create_view("some", &latest.rows(vec![21, 3, 3, 11, 0]).unwrap(), &options)
        .await
        .unwrap();
    (dataset.latest().await.unwrap().version(), old.version())
}

/// The versions, as somebody opens them who has read nothing yet.
async fn opened(
    server: &S3Server,
    (latest, old): (Version, Version),
    cache: Option<&Path>,
) -> (Snapshot, Snapshot) {
    let mut options = server.options();
    if let Some(folder) = cache {
        let folder = folder.display().to_string();
        options = options.with("cache", "on").with("cache_folder", folder);
    }
    let storage = Storage::open_with(&server.location("zoo"), &options).unwrap();
    let dataset = Dataset::at(storage);
    (dataset.version(latest).await.unwrap(), dataset.version(old).await.unwrap())
}

async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(LIMIT, work).await {
        Ok(done) => done,
        Err(_) => panic!("{what} was not done in {LIMIT:?}"),
    }
}

/// Stops the reader after so many polls; others read, on the same snapshot and on one of their own; then it goes on.
async fn stopped_after(
    server: &S3Server,
    versions: (Version, Version),
    name: &'static str,
    is_cached: bool,
    polls: usize,
) -> (usize, bool) {
    let folder = tempfile::tempdir().unwrap();
    let place = is_cached.then(|| folder.path().join("cache"));
    let (snapshot, old) = opened(server, versions, place.as_deref()).await;
    let mut stream = reader(name, snapshot.clone(), old.clone(), folder.path().join("out"));
    let what = format!("{name}, stopped after {polls} polls, cached: {is_cached}");
    let ended = in_time(&what, poll_times(&mut stream, polls)).await;
    if !ended.1 {
        in_time(&format!("another read beside {what}"), others(&snapshot, &old)).await;
        let (apart, apart_old) = opened(server, versions, place.as_deref()).await;
        in_time(&format!("a read of another beside {what}"), others(&apart, &apart_old)).await;
        in_time(&format!("the rest of {what}"), stream.for_each(|()| future::ready(()))).await;
    }
    ended
}

fn a_reader_is_stopped_anywhere(is_cached: bool) {
    let server = S3Server::start();
    block_on_remote(async {
        let versions = zoo(&server).await;
        server.late(LATENCY);
        for name in READERS {
            let (all, ended) = stopped_after(&server, versions, name, is_cached, usize::MAX).await;
            assert!(ended && all > 3, "{name} was polled {all} times");
            let mut stops: Vec<usize> =
                (0..MAX_STOPS).map(|stop| 1 + stop * all / MAX_STOPS).collect();
            stops.dedup();
            for polls in stops {
                stopped_after(&server, versions, name, is_cached, polls).await;
            }
        }
    });
}

#[test]
fn a_reader_that_is_not_polled_stops_no_other_one() {
    a_reader_is_stopped_anywhere(false);
}

#[test]
fn a_reader_that_is_not_polled_stops_no_other_one_of_the_cache() {
    a_reader_is_stopped_anywhere(true);
}

/// A program may have a runtime for each thread, of which one waits for its user.
#[test]
fn a_runtime_that_stands_still_stops_no_other_one() {
    let server = S3Server::start();
    let folder = tempfile::tempdir().unwrap();
    let versions = block_on_remote(zoo(&server));
    server.late(LATENCY);
    for polls in [2, 5, 9] {
        let place = folder.path().join(polls.to_string());
        let still = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let stream = still.block_on(async {
            let (snapshot, old) = opened(&server, versions, Some(&place)).await;
            let mut stream = reader("scan", snapshot, old, PathBuf::new());
            let (_, ended) = poll_times(&mut stream, polls).await;
            assert!(!ended, "{polls} polls");
            stream
        });
        block_on_remote(async {
            let (snapshot, old) = opened(&server, versions, Some(&place)).await;
            in_time("a read beside a runtime that stands still", others(&snapshot, &old)).await;
        });
        still.block_on(in_time("the rest", stream.for_each(|()| future::ready(()))));
    }
}
