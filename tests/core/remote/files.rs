//! Datasets on a plain server of files, which lists nothing and takes nothing.

use tenrow::{CreateOptions, Dataset, ErrorKind, Storage, StoreOptions};
use tenrow_tests::block_on_remote;
use tenrow_tests::files::FileServer;

use super::{append, schema};

async fn local(folder: &std::path::Path) -> Dataset {
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
            let column = snapshot.tensors("x").unwrap();
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
