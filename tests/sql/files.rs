//! Files in rows, and files that are objects of their own.

use crate::corpus::{self, PHOTOS, photo};
use crate::data;
use crate::db::ask;

async fn session(folder: &std::path::Path) -> tenrow_sql::Session {
    corpus::write(folder).await;
    data::open(folder)
}

fn hex(bytes: Option<Vec<u8>>) -> String {
    bytes.map_or("NULL".into(), |bytes| match bytes.is_empty() {
        true => "(empty)".into(),
        false => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}

#[tokio::test]
async fn the_bytes_of_a_file_are_the_same_wherever_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path()).await;
    let all =
        ask(&session, "SELECT encode(file_bytes(photo), 'hex') FROM photos ORDER BY _row").await;
    let expected: Vec<_> = (0..PHOTOS).map(|row| vec![hex(photo(row))]).collect();
    assert_eq!(all, expected);
    for sql in [
        "SELECT encode(file_bytes(photo), 'hex') FROM photos WHERE _row = 3",
        "SELECT encode(file_bytes(p), 'hex') FROM (SELECT photo AS p, label, _row AS r FROM photos) AS s WHERE label = 3 ORDER BY r LIMIT 1",
        "SELECT encode(file_bytes(b.photo), 'hex') FROM photos AS a JOIN photos AS b ON a._row + 1 = b._row WHERE a._row = 2",
        "WITH big AS (SELECT photo, _row AS r FROM photos WHERE length(encode(file_bytes(photo), 'hex')) > 4000) SELECT encode(file_bytes(photo), 'hex') FROM big ORDER BY r LIMIT 1",
        "SELECT max(encode(file_bytes(photo), 'hex')) FROM photos WHERE _row = 3 GROUP BY label",
    ] {
        assert_eq!(ask(&session, sql).await, [[hex(photo(3))]], "{sql}");
    }
    let sizes = "SELECT count(*) FROM photos WHERE length(encode(file_bytes(photo), 'hex')) <> 2 * file_size(photo)";
    assert_eq!(ask(&session, sizes).await, [["0"]]);
}

#[tokio::test]
async fn objects_are_read_for_their_bytes_alone_and_only_of_rows_that_are_left() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path()).await;
    ask(&session, "SELECT sum(label), sum(file_size(photo)) FROM photos").await;
    let storage = session.dataset("photos").await.unwrap();
    let storage = storage.storage();
    let bytes = async |sql: &str| {
        let before = storage.counters().bytes_read;
        ask(&session, sql).await;
        storage.counters().bytes_read - before
    };
    let details =
        bytes("SELECT photo, file_size(photo) FROM photos WHERE label = 3 ORDER BY _row LIMIT 1")
            .await;
    let contents =
        bytes("SELECT file_bytes(photo) FROM photos WHERE label = 3 ORDER BY _row LIMIT 1").await;
    // The pages that say where the file is are read once more. All of the files are 30,000 bytes and more.
    assert!(contents >= 3000, "{contents}");
    assert!(contents - details < 18_000, "{contents} and {details}");
}

#[tokio::test]
async fn views_have_the_bytes_of_files_too() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path()).await;
    let location = folder.path().join("photos").display().to_string();
    let dataset = tenrow::Dataset::open(&location).await.unwrap();
    let latest = dataset.latest().await.unwrap();
    let options = tenrow::ViewOptions::default();
    dataset.create_view("some", &latest, vec![33, 3, 3], &options).await.unwrap();
    let all = ask(&session, "SELECT encode(file_bytes(photo), 'hex') FROM \"photos#some\"").await;
    assert_eq!(all, [[hex(photo(33))], [hex(photo(3))], [hex(photo(3))]]);
}

#[tokio::test]
async fn an_object_that_is_gone_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path()).await;
    std::fs::remove_dir_all(folder.path().join("photos/files")).unwrap();
    let answer = session.sql("SELECT file_bytes(photo) FROM photos WHERE _row = 3").await.unwrap();
    let error = answer.collect().await.unwrap_err();
    assert!(error.chain().contains("files/"), "{}", error.chain());
    ask(&session, "SELECT file_size(photo) FROM photos WHERE _row = 3").await;
}
