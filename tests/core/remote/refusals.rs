//! What a store refuses is told apart, and nothing secret is ever repeated.

use tenrow::storage::Storage;
use tenrow::{CreateOptions, Dataset, ErrorKind, StoreOptions};
use tenrow_tests::block_on_remote;
use tenrow_tests::folder::files_of;
use tenrow_tests::s3::{Mishap, S3Server};

use super::{append, dataset, schema, vectors};

const MARKER: &str = "marker-that-must-not-appear";

async fn open(location: &str, options: &StoreOptions) -> tenrow::Error {
    Dataset::open_with(location, options).await.unwrap_err()
}

#[test]
fn missing_and_wrong_credentials_buckets_and_regions_are_told_apart() {
    let server = S3Server::start();
    block_on_remote(async {
        vectors(&server, "x", 1, 1).await;
        let place = server.location("x");
        let wrong = server.options().with("secret_access_key", MARKER);
        let error = open(&place, &wrong).await;
        assert_eq!(error.kind(), ErrorKind::Denied, "{}", error.chain());
        assert!(error.chain().contains("credentials are wrong"), "{}", error.chain());
        assert!(error.chain().contains(server.endpoint()) && !error.chain().contains(MARKER));

        let unknown = server.options().with("access_key_id", "nobody");
        let error = open(&place, &unknown).await;
        assert_eq!(error.kind(), ErrorKind::Denied, "{}", error.chain());

        let error = open("s3://nowhere/x", &server.options()).await;
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.chain().contains("there is no such bucket"), "{}", error.chain());

        let region = Mishap::Status(400, "AuthorizationHeaderMalformed");
        server.fail("GET", "/", 0, 1, region);
        let error = open(&place, &server.options()).await;
        assert!(error.chain().contains("set the option region"), "{}", error.chain());

        let error = open(&server.location("nothing"), &server.options()).await;
        assert_eq!(error.kind(), ErrorKind::NotADataset);
        assert!(error.chain().contains("s3://tests/nothing is not a tenrow dataset"));
    });
}

#[test]
fn a_store_that_ignores_conditions_is_refused_unless_one_writer_is_promised() {
    let server = S3Server::start();
    server.ignore_conditions();
    block_on_remote(async {
        let here = dataset(&server, "x");
        let columns = || schema(&["x:f32[4]", "n:i64"]);
        let (many, one) =
            (CreateOptions::default(), CreateOptions::default().with_single_writer(true));
        let refused = here.create_here(columns(), &many).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        assert!(refused.chain().contains("--single-writer"), "{}", refused.chain());
        assert_eq!(here.latest().await.unwrap_err().kind(), ErrorKind::NotADataset);

        here.create_here(columns(), &one).await.unwrap();
        let opened = dataset(&server, "x");
        append(&opened, 0..5, 4).await;
        let newest = append(&opened, 5..9, 4).await;
        assert_eq!((newest.version().0, newest.row_count()), (3, 9));
        assert!(newest.root().has_single_writer());
        // The promise is in every version: a version that is there is never replaced.
        let taken = here.create_here(columns(), &one).await.unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
    });
}

#[test]
fn the_probe_of_a_store_leaves_nothing() {
    let server = S3Server::start();
    block_on_remote(async {
        vectors(&server, "x", 1, 1).await;
        let files = files_of(&server.folder("x"));
        assert!(!files.keys().any(|name| name.contains("probe")), "{:?}", files.keys());
    });
}

#[test]
fn a_secret_is_in_no_file_error_or_debug_text() {
    let folder = tempfile::tempdir().unwrap();
    let server = S3Server::with_secret(folder.path(), MARKER);
    block_on_remote(async {
        let snapshot = vectors(&server, "x", 10, 4).await;
        let storage = snapshot.storage().clone();
        let mut texts = vec![format!("{storage:?} {storage} {:?}", server.options())];
        texts.push(format!("{:?} {:?}", dataset(&server, "x"), snapshot.root()));
        for mishap in [Mishap::Status(403, "SignatureDoesNotMatch"), Mishap::Status(400, "Bad")] {
            server.fail("GET", "/", 0, 1, mishap);
            let error = dataset(&server, "x").latest().await.unwrap_err();
            texts.push(format!("{error:?} {}", error.chain()));
        }
        let options = server.options().with("no_such_option", MARKER);
        let error = Storage::open_with("s3://tests/x", &options).unwrap_err();
        texts.push(format!("{error:?} {}", error.chain()));
        for text in texts {
            assert!(!text.contains(MARKER), "{text}");
        }
        for (name, bytes) in files_of(folder.path()) {
            let found = bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes());
            assert!(!found, "{name}");
        }
    });
}

#[test]
fn an_unknown_option_is_told_the_known_ones() {
    let options = StoreOptions::default().with("regoin", "x");
    let error = Storage::open_with("s3://tests/x", &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.chain().contains("secret_access_key"), "{}", error.chain());
    let error = Storage::open("ftp://tests/x").unwrap_err();
    assert!(error.chain().contains("s3://"), "{}", error.chain());
}
