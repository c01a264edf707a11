//! Files in rows, and files that are objects of their own.

use crate::corpus::{self, PHOTOS, photo};
use crate::data;
use crate::db::ask;
use tenrow_tests::place;

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
    let folder = place::folder();
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
    let folder = place::folder();
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
    let folder = place::folder();
    let session = session(folder.path()).await;
    let location = place::location(folder.path().join("photos"));
    let dataset = tenrow::Dataset::open(&location).await.unwrap();
    let latest = dataset.latest().await.unwrap();
    let options = tenrow::ViewOptions::default();
    dataset.create_view("some", &latest.rows(vec![33, 3, 3]).unwrap(), &options).await.unwrap();
    let all = ask(&session, "SELECT encode(file_bytes(photo), 'hex') FROM \"photos#some\"").await;
    assert_eq!(all, [[hex(photo(33))], [hex(photo(3))], [hex(photo(3))]]);
}

#[tokio::test]
async fn an_object_that_is_gone_is_named() {
    let folder = place::folder();
    let session = session(folder.path()).await;
    std::fs::remove_dir_all(folder.path().join("photos/files")).unwrap();
    let answer = session.sql("SELECT file_bytes(photo) FROM photos WHERE _row = 3").await.unwrap();
    let error = answer.collect().await.unwrap_err();
    assert!(error.chain().contains("files/"), "{}", error.chain());
    ask(&session, "SELECT file_size(photo) FROM photos WHERE _row = 3").await;
}

/// Rows of a Parquet file that stays where it is, beside rows of tenrow's own.
#[tokio::test]
async fn rows_of_files_in_place_are_rows_like_others() {
    let (folder, out) = (place::folder(), place::folder());
    data::session(folder.path()).await;
    let root = place::location(folder.path());
    let options = tenrow_sql::SessionOptions::default()
        .with_named_root("data", root)
        .with_output_formats(tenrow_convert::answer_formats())
        .with_output_folder(out.path());
    let session = tenrow_sql::Session::new(&options).unwrap();
    let file = "COPY (SELECT label AS class, score, split, image FROM digits WHERE _row < 600) TO 'x.parquet'";
    session.sql(file).await.unwrap();
    let attributes = ["label:i64", "score:f64?", "split:string", "image:u8[4,4]"];
    let mixed = data::create_with(folder.path(), "mixed", &attributes).await;
    let mut writer = mixed.writer().await.unwrap();
    let names = std::collections::HashMap::from([("label".to_owned(), "class".to_owned())]);
    writer.append_in_place(out.path().join("x.parquet"), &names).await.unwrap();
    writer.commit().await.unwrap();
    let rest = "INSERT INTO mixed SELECT label, score, split, image FROM digits WHERE _row >= 600";
    session.sql(rest).await.unwrap();
    for question in [
        "SELECT count(*), min(label), max(score) FROM t",
        "SELECT label, count(*), sum(score) FROM t WHERE score > 40 GROUP BY label ORDER BY label",
        "SELECT _row, label, score FROM t WHERE split = 'test' OR _row < 3 ORDER BY _row DESC LIMIT 9",
        "SELECT image, _row_id FROM t WHERE label = 3 ORDER BY score DESC, _row LIMIT 5",
        "SELECT label, image FROM t WHERE _row IN (5, 599, 600, 999) ORDER BY _row",
        "SELECT sum(tensor_sum(image)) FROM t WHERE label < 5",
        "SELECT d.label FROM (VALUES (599), (600)) AS v (n) JOIN t AS d ON d._row = v.n ORDER BY v.n",
    ] {
        let of = |name: &str| {
            question
                .replace("FROM t", &format!("FROM {name}"))
                .replace("JOIN t", &format!("JOIN {name}"))
        };
        assert_eq!(
            ask(&session, &of("mixed")).await,
            ask(&session, &of("digits")).await,
            "{question}"
        );
    }
    std::fs::write(out.path().join("x.parquet"), "another").unwrap();
    let changed = data::open(folder.path()).sql("SELECT sum(label) FROM mixed").await;
    let error = match changed {
        Ok(answer) => answer.collect().await.unwrap_err(),
        Err(error) => error,
    };
    assert!(error.chain().to_string().contains("x.parquet"), "{}", error.chain());
}
