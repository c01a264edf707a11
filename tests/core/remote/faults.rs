//! A server that misbehaves: what can be tried again is, and what cannot is an error in time.

use std::time::{Duration, Instant};

use tenrow::storage::Storage;
use tenrow::{Dataset, ErrorKind, PageChecks, ReadOptions};
use tenrow_tests::block_on_remote;
use tenrow_tests::s3::{Mishap, S3Server};

use super::conformance::all;
use super::{append, vectors};

/// A dataset reached by one who gives up soon.
fn impatient(server: &S3Server, name: &str) -> Dataset {
    let options = server
        .options()
        .with("deadline", "4s")
        .with("max_retries", "4")
        .with("timeout", "1s")
        .with("connect_timeout", "1s");
    Dataset::at(Storage::open_with(&server.location(name), &options).unwrap())
}

#[test]
fn what_can_be_tried_again_is() {
    let server = S3Server::start();
    block_on_remote(async {
        let snapshot = vectors(&server, "x", 100, 64).await;
        let column = snapshot.tensor_column("x").unwrap();
        column.get(0).await.unwrap();
        let passing = [
            Mishap::Status(500, "InternalError"),
            Mishap::Status(503, "SlowDown"),
            Mishap::Reset,
            Mishap::Truncated,
        ];
        for mishap in passing {
            let before = snapshot.storage().counters();
            server.fail("GET", "/data/", 0, 2, mishap);
            let tensor =
                column.get(77).await.unwrap_or_else(|e| panic!("{mishap:?}: {}", e.chain()));
            assert_eq!(tensor.unwrap().as_slice::<f32>().unwrap()[0], 77.0, "{mishap:?}");
            let after = snapshot.storage().counters();
            assert_eq!(after.requests - before.requests, 3, "{mishap:?}");
        }
    });
}

#[test]
fn what_does_not_pass_is_an_error_before_the_deadline() {
    let server = S3Server::start();
    block_on_remote(async {
        vectors(&server, "x", 100, 64).await;
        let snapshot = impatient(&server, "x").latest().await.unwrap();
        let column = snapshot.tensor_column("x").unwrap();
        column.get(0).await.unwrap();
        let lasting = [
            (Mishap::Status(500, "InternalError"), ErrorKind::Io, "500"),
            (Mishap::Status(503, "SlowDown"), ErrorKind::Io, "503"),
            (Mishap::Status(403, "AccessDenied"), ErrorKind::Denied, "permission denied"),
            (Mishap::Status(400, "ExpiredToken"), ErrorKind::Denied, "expired"),
            (Mishap::Reset, ErrorKind::Io, ""),
            (Mishap::Truncated, ErrorKind::Io, ""),
            (Mishap::Silence, ErrorKind::Io, ""),
        ];
        for (mishap, kind, said) in lasting {
            server.fail("GET", "/data/", 0, usize::MAX, mishap);
            let start = Instant::now();
            let error = column.get(77).await.unwrap_err();
            assert!(start.elapsed() < Duration::from_secs(12), "{mishap:?}");
            assert_eq!(error.kind(), kind, "{mishap:?}: {}", error.chain());
            let chain = error.chain();
            assert!(chain.contains(said) && chain.contains("s3://tests/x/data/"), "{chain}");
            server.heal();
            let tensor = column.get(77).await.unwrap().unwrap();
            assert_eq!(tensor.as_slice::<f32>().unwrap()[0], 77.0);
        }
        // Nothing that cannot be read is taken for gone.
        let storage = server.storage("x");
        let objects = all(&storage, "").await;
        server.fail("GET", "/_tenrow/", 0, usize::MAX, Mishap::Status(500, "InternalError"));
        let error = impatient(&server, "x").latest().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{}", error.chain());
        server.heal();
        assert_eq!(all(&storage, "").await, objects);
        assert_eq!(impatient(&server, "x").latest().await.unwrap().row_count(), 100);
    });
}

#[test]
fn flipped_bits_are_found() {
    let server = S3Server::start();
    block_on_remote(async {
        vectors(&server, "x", 100, 64).await;
        let always = ReadOptions::default().with_page_checks(PageChecks::Always);
        // A row, checked because that is asked for.
        let snapshot = impatient(&server, "x").latest().await.unwrap();
        server.fail("GET", "/data/", 0, usize::MAX, Mishap::Flipped);
        let error = snapshot.take_with(&[5], &always).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", error.chain());
        // Whole pages, and what says where things are, are checked by themselves.
        let error = snapshot.slice(0..100).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", error.chain());
        server.heal();
        server.fail("GET", "/_tenrow/leaves/", 0, usize::MAX, Mishap::Flipped);
        let snapshot = impatient(&server, "x").latest().await.unwrap();
        assert_eq!(snapshot.take(&[5]).await.unwrap_err().kind(), ErrorKind::Corrupt);
        server.heal();
        server.fail("GET", "/_tenrow/versions/", 0, usize::MAX, Mishap::Flipped);
        let error = impatient(&server, "x").latest().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", error.chain());
    });
}

#[test]
fn a_commit_whose_answer_is_lost_happens_once() {
    let server = S3Server::start();
    block_on_remote(async {
        vectors(&server, "x", 10, 4).await;
        let dataset = super::dataset(&server, "x");
        for mishap in [Mishap::Lost, Mishap::Reset, Mishap::Status(500, "InternalError")] {
            let before = dataset.latest().await.unwrap();
            server.fail("PUT", "/_tenrow/versions/", 0, 1, mishap);
            let rows = before.row_count();
            append(&dataset, rows..rows + 3, 4).await;
            let after = super::dataset(&server, "x").latest().await.unwrap();
            assert_eq!(after.version().0, before.version().0 + 1, "{mishap:?}");
            assert_eq!(after.row_count(), rows + 3);
        }
        let failed = Mishap::Status(503, "SlowDown");
        server.fail("PUT", "/data/", 0, 2, failed);
        append(&dataset, 19..30, 4).await;
        assert_eq!(dataset.latest().await.unwrap().row_count(), 30);
    });
}

#[test]
fn a_writer_that_cannot_upload_changes_nothing() {
    let server = S3Server::start();
    block_on_remote(async {
        vectors(&server, "x", 10, 4).await;
        let dataset = impatient(&server, "x");
        server.fail("PUT", "/data/", 0, usize::MAX, Mishap::Status(403, "AccessDenied"));
        let mut writer = dataset.writer().await.unwrap();
        let x = ndarray::Array2::<f32>::zeros((3, 4));
        let columns = tenrow::Columns::new().tensors("x", &x);
        let columns = columns.scalars("n", [1i64, 2, 3]);
        let wrote = match writer.append_columns(columns).await {
            Ok(()) => writer.commit().await.map(drop),
            Err(error) => Err(error),
        };
        assert_eq!(wrote.unwrap_err().kind(), ErrorKind::Denied);
        server.heal();
        assert_eq!(dataset.latest().await.unwrap().row_count(), 10);
    });
}

/// Of objects of every kind that a commit writes, a server that takes none any more.
#[test]
fn puts_that_fail_until_the_deadline_change_nothing() {
    let server = S3Server::start();
    block_on_remote(async {
        let before = vectors(&server, "x", 10, 4).await;
        for (part, mishap) in [
            ("/data/", Mishap::Status(503, "SlowDown")),
            ("/_tenrow/leaves/", Mishap::Status(500, "InternalError")),
            ("/_tenrow/versions/", Mishap::Reset),
            ("/_tenrow/versions/", Mishap::Silence),
        ] {
            let dataset = impatient(&server, "x");
            server.fail("PUT", part, 0, usize::MAX, mishap);
            let mut writer = dataset.writer().await.unwrap();
            let x = ndarray::Array2::<f32>::zeros((3, 4));
            let columns = tenrow::Columns::new().tensors("x", &x);
            let columns = columns.scalars("n", [1i64, 2, 3]);
            let start = Instant::now();
            let wrote = match writer.append_columns(columns).await {
                Ok(()) => writer.commit().await.map(drop),
                Err(error) => Err(error),
            };
            let error = wrote.unwrap_err();
            assert!(start.elapsed() < Duration::from_secs(30), "{part} {mishap:?}");
            // Without an answer the version may still come.
            let is_version = part == "/_tenrow/versions/";
            let kind = if is_version { ErrorKind::InDoubt } else { ErrorKind::Io };
            assert_eq!(error.kind(), kind, "{part}: {}", error.chain());
            assert!(error.chain().contains(part), "{}", error.chain());
            server.heal();
            let after = super::dataset(&server, "x").latest().await.unwrap();
            assert_eq!(after.version(), before.version(), "{part} {mishap:?}");
        }
    });
}

/// Nobody else can have the names of these objects: what is there is ours, whatever became of the answer.
#[test]
fn a_lost_answer_for_an_object_of_our_own_does_no_harm() {
    let server = S3Server::start();
    block_on_remote(async {
        let mut rows = vectors(&server, "x", 10, 4).await.row_count();
        let dataset = super::dataset(&server, "x");
        for part in ["/data/", "/_tenrow/leaves/"] {
            for mishap in [Mishap::Lost, Mishap::Reset, Mishap::Status(500, "InternalError")] {
                server.fail("PUT", part, 0, 1, mishap);
                append(&dataset, rows..rows + 3, 4).await;
                rows += 3;
                let newest = super::dataset(&server, "x").latest().await.unwrap();
                assert_eq!(newest.row_count(), rows, "{part} {mishap:?}");
                assert_eq!(newest.slice(0..rows).await.unwrap().num_rows() as u64, rows);
            }
        }
        server.fail("PUT", "/_tenrow/deletes/", 0, 1, Mishap::Lost);
        let newest = dataset.latest().await.unwrap();
        dataset.delete(&newest, &[1]).await.unwrap();
        server.fail("PUT", "/_tenrow/views/", 0, 1, Mishap::Lost);
        let newest = dataset.latest().await.unwrap();
        dataset
            .create_view("v", &newest.rows(vec![0, 2]).unwrap(), &tenrow::ViewOptions::default())
            .await
            .unwrap();
        // Of many parts: one that is lost, and the answer that all of them are an object.
        for (method, text) in [("PUT", "partNumber=2"), ("POST", "uploadId")] {
            server.fail(method, text, 0, 1, Mishap::Lost);
            let mut upload = server.storage("x").upload("data/parts").unwrap();
            for _ in 0..20 {
                upload.write(bytes::Bytes::from(vec![7; 1 << 20])).await.unwrap();
            }
            upload.finish().await.unwrap_or_else(|e| panic!("{text}: {}", e.chain()));
            assert_eq!(server.storage("x").size("data/parts").await.unwrap(), 20 << 20);
        }
    });
}

/// But another object by the same name is no answer.
#[test]
fn another_object_by_our_name_is_an_error() {
    let server = S3Server::start();
    block_on_remote(async {
        let storage = server.storage("x");
        storage.put_new("data/x", bytes::Bytes::from("another")).await.unwrap();
        let mut upload = storage.upload("data/x").unwrap();
        upload.write(bytes::Bytes::from("our own")).await.unwrap();
        let error = upload.finish().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{}", error.chain());
        assert_eq!(storage.read("data/x", 9).await.unwrap(), "another");
    });
}

/// Each part takes longer than the option `timeout` says, and than the deadline: but something moves all the time.
#[test]
fn a_slow_link_is_no_failure() {
    let server = S3Server::start();
    block_on_remote(async {
        let options = server.options().with("timeout", "3s").with("deadline", "3s");
        let storage = Storage::open_with(&server.location("x"), &options).unwrap();
        // What goes wrong after the deadline is tried again as well.
        server.fail("PUT", "partNumber=1", 0, 1, Mishap::SlowlyReset(1 << 20));
        server.fail("PUT", "partNumber", 0, usize::MAX, Mishap::Slowly(1 << 20));
        let mut upload = storage.upload("data/x").unwrap();
        for _ in 0..20 {
            upload.write(bytes::Bytes::from(vec![7; 1 << 20])).await.unwrap();
        }
        assert_eq!(upload.finish().await.unwrap().bytes, 20 << 20);
        assert_eq!(storage.counters().retries, 1);
    });
}
