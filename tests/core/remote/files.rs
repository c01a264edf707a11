//! Datasets on a plain server of files, which lists nothing and takes nothing.

use std::path::Path;
use std::time::Duration;

use tenrow::storage::Storage;
use tenrow::{
    CreateOptions, Dataset, ErrorKind, ExpireOptions, StoreOptions, VacuumOptions, Version,
};
use tenrow_tests::files::FileServer;

use super::{append, schema};

/// Waits for `work`, but not for ever.
fn block_on_remote<T>(work: impl Future<Output = T>) -> T {
    tenrow_tests::block_on_remote(async {
        let limited = tokio::time::timeout(Duration::from_secs(120), work).await;
        limited.expect("an answer within two minutes")
    })
}

async fn local(folder: &Path) -> Dataset {
    let columns = schema(&["x:f32[4]", "n:i64"]);
    let dataset = Dataset::create(&folder.display().to_string(), columns).await.unwrap();
    append(&dataset, 0..50, 4).await;
    dataset
}

fn served(server: &FileServer, name: &str) -> Dataset {
    let options = StoreOptions::default().with("cache", "off");
    Dataset::at(Storage::open_with(&server.location(name), &options).unwrap())
}

#[test]
fn the_note_leads_to_the_newest_version_and_a_row_is_one_request() {
    let folder = tempfile::tempdir().unwrap();
    let server = FileServer::over(folder.path());
    block_on_remote(async {
        let ours = local(&folder.path().join("a b")).await;
        let theirs = served(&server, "a%20b");
        for rows in [50, 80, 120] {
            server.take_requests();
            let snapshot = theirs.latest().await.unwrap();
            assert_eq!(snapshot.row_count(), rows);
            assert!(server.take_requests() <= 3);
            let column = snapshot.tensor_column("x").unwrap();
            column.get(0).await.unwrap();
            server.take_requests();
            let tensor = column.get(33).await.unwrap().unwrap();
            assert_eq!(tensor.as_slice::<f32>().unwrap()[0], 33.0);
            assert_eq!(server.take_requests(), 1);
            append(&ours, rows..if rows == 50 { 80 } else { 120 }, 4).await;
        }
    });
}

#[test]
fn an_old_note_is_followed_to_the_newest_version() {
    let folder = tempfile::tempdir().unwrap();
    let server = FileServer::over(folder.path());
    block_on_remote(async {
        let place = folder.path().join("x");
        let ours = local(&place).await;
        for row in 50..60 {
            append(&ours, row..row + 1, 4).await;
        }
        std::fs::write(place.join("_tenrow/latest"), "3\n").unwrap();
        assert_eq!(served(&server, "x").latest().await.unwrap().row_count(), 60);
    });
}

#[test]
fn writing_says_at_once_that_the_server_only_gives() {
    let folder = tempfile::tempdir().unwrap();
    let server = FileServer::over(folder.path());
    block_on_remote(async {
        local(&folder.path().join("x")).await;
        let theirs = served(&server, "x");
        server.take_requests();
        let new = served(&server, "y");
        let columns = schema(&["n:i64"]);
        let refused = new.create_here(columns, &CreateOptions::default()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        assert!(refused.chain().contains("can only be read"), "{}", refused.chain());
        assert_eq!(server.take_requests(), 0);
        assert_eq!(theirs.writer().await.unwrap_err().kind(), ErrorKind::Unsupported);
        let nothing = served(&server, "nothing").latest().await.unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::NotADataset, "{}", nothing.chain());
    });
}

/// The note is advice: a dataset is found with any, or none, and where versions have ended.
#[test]
fn a_note_that_is_missing_old_or_anything_does_not_hide_the_newest_version() {
    let folder = tempfile::tempdir().unwrap();
    let server = FileServer::over(folder.path());
    block_on_remote(async {
        let place = folder.path().join("x");
        let ours = local(&place).await;
        for row in 50..80 {
            append(&ours, row..row + 1, 4).await;
        }
        let note = |text: Option<&str>| match text {
            Some(text) => std::fs::write(place.join("_tenrow/latest"), text).unwrap(),
            None => std::fs::remove_file(place.join("_tenrow/latest")).unwrap(),
        };
        let long = "3".repeat(1000);
        let notes = ["3\n", "", "x", "-1", "0", "99", "18446744073709551615", "\u{7}", &long];
        let mut tried = 0;
        for ends in [false, true] {
            if ends {
                // Versions 2 to 20 end, but for the 5th, which has a tag.
                ours.tag("kept", Version(5)).await.unwrap();
                expire_to(&ours, 21).await;
            }
            let newest = ours.latest().await.unwrap().version();
            for hides in [false, true] {
                if hides {
                    server.hide_missing();
                }
                for text in notes.into_iter().map(Some).chain([None]) {
                    note(text);
                    let found = served(&server, "x").latest().await;
                    let found = found.unwrap_or_else(|e| panic!("{text:?}: {}", e.chain()));
                    assert_eq!(found.version(), newest, "{text:?}, {hides} {ends}");
                    tried += 1;
                    note(Some("1"));
                }
            }
        }
        assert_eq!(tried, 40);
    });
}

/// Ends all versions before `first` that have no tag, and removes them.
async fn expire_to(dataset: &Dataset, first: u64) {
    let newest = dataset.latest().await.unwrap().version().0;
    let options = ExpireOptions { keep_last: Some(newest + 1 - first), ..Default::default() };
    let report = dataset.expire(&options).await.unwrap();
    assert!(!report.expired.is_empty() && report.kept == [Version(5)], "{report:?}");
    std::thread::sleep(Duration::from_millis(5));
    let now = VacuumOptions { older_than: Duration::ZERO, ..Default::default() };
    dataset.vacuum(now).await.unwrap();
    assert_eq!(dataset.storage().list_versions().await.unwrap().last(), Some(&Version(5)));
}

#[test]
fn nothing_that_a_server_of_files_does_not_know_is_asked_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = FileServer::over(folder.path());
    block_on_remote(async {
        let ours = local(&folder.path().join("x")).await;
        let theirs = served(&server, "x");
        let snapshot = theirs.latest().await.unwrap();
        let inspected = ours.latest().await.unwrap().inspect().await.unwrap();
        assert_eq!(snapshot.inspect().await.unwrap(), inspected);
        assert_eq!(snapshot.slice(0..50).await.unwrap().num_rows(), 50);
        assert_eq!(theirs.version(Version(1)).await.unwrap().row_count(), 0);
        let missing = theirs.version(Version(9)).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        assert!(missing.chain().contains("the newest is 2"), "{}", missing.chain());
        // What needs a listing says so at once.
        server.take_requests();
        let listings = [
            theirs.clones().await.map(drop),
            theirs.storage().list_versions().await.map(drop),
            theirs.storage().list_folders("").await.map(drop),
        ];
        for listing in listings {
            let error = listing.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.chain().contains("cannot be listed"), "{}", error.chain());
        }
        assert_eq!((server.take_requests(), server.take_unknown_requests()), (0, 0));
    });
}

/// Buckets that may be read and not listed refuse what is not there; what must be there is said to be refused.
#[test]
fn what_is_refused_is_missing_where_it_may_be_and_an_error_where_it_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let server = FileServer::over(folder.path());
    server.hide_missing();
    block_on_remote(async {
        let place = folder.path().join("x");
        local(&place).await;
        let snapshot = served(&server, "x").latest().await.unwrap();
        assert_eq!(snapshot.row_count(), 50);
        for file in std::fs::read_dir(place.join("data")).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
        let error = snapshot.slice(0..50).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{}", error.chain());
        let chain = error.chain();
        assert!(chain.contains("not public, or not there") && chain.contains("/data/"), "{chain}");
        let nothing = served(&server, "nothing").latest().await.unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::Denied, "{}", nothing.chain());
    });
}

/// It was said that the file is truncated.
#[test]
fn a_server_that_gives_no_parts_of_files_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let server = FileServer::over(folder.path());
    server.ignore_ranges();
    block_on_remote(async {
        local(&folder.path().join("x")).await;
        let cache = folder.path().join("cache").display().to_string();
        for is_on in ["off", "on"] {
            let options =
                StoreOptions::default().with("cache", is_on).with("cache_folder", cache.as_str());
            let dataset = Dataset::at(Storage::open_with(&server.location("x"), &options).unwrap());
            let snapshot = dataset.latest().await.unwrap();
            let error = snapshot.slice(0..50).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{}", error.chain());
            assert!(error.chain().contains("HTTP ranges"), "{}", error.chain());
        }
    });
}
