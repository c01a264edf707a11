//! Sources that lie in a store: read as on this machine, whatever their format.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use tenrow::{Columns, Dataset, OnProgress};
use tenrow_convert::{
    ConvertError, Existing, Format, OpenOptions, Purpose, Source, SourceFile, export, open,
};
use tenrow_tests::block_on_remote;
use tenrow_tests::s3::S3Server;

use super::schema;

fn rows(mut source: Box<dyn Source>) -> Vec<RecordBatch> {
    std::iter::from_fn(|| source.next_batch().transpose()).map(Result::unwrap).collect()
}

/// The rows of what lies at `name` in the bucket; read on a thread of its own, as imports do.
async fn stored(
    server: &S3Server,
    name: &str,
    format: Option<Format>,
) -> Result<Vec<RecordBatch>, ConvertError> {
    let (files, _) = SourceFile::in_store(&server.storage(""), name).await?;
    let read = move || open(&files, format, &OpenOptions::default()).map(rows);
    tokio::task::spawn_blocking(read).await.unwrap()
}

/// Files of one dataset in every format that is written and read, in `folder`.
async fn write_all(folder: &Path) -> Vec<Format> {
    let location = folder.join("dataset").display().to_string();
    let dataset = Dataset::create(&location, schema(&["x:f32[4]", "n:i64"])).await.unwrap();
    let mut writer = dataset.writer().await.unwrap();
    let n: Vec<i64> = (0..30_000).collect();
    let x = ndarray::Array2::from_shape_fn((n.len(), 4), |(row, place)| (row * place) as f32);
    writer.append_columns(Columns::new().tensors("x", &x).scalars("n", &n)).await.unwrap();
    let snapshot = writer.commit().await.unwrap();
    let both = [Purpose::Import, Purpose::Export];
    let formats: Vec<_> = Format::all()
        .filter(|format| both.into_iter().all(|purpose| format.serves(purpose)))
        .filter(|format| !format.has_own_names())
        .collect();
    for &format in &formats {
        let out = folder.join(format.name());
        export(&snapshot.all(), &out, format, Existing::Keep, &OnProgress::default())
            .await
            .unwrap();
    }
    formats
}

#[test]
fn sources_of_every_format_are_read_from_a_store_as_from_a_folder() {
    let server = S3Server::start();
    block_on_remote(async {
        let folder = server.folder("in");
        let formats = write_all(&folder).await;
        assert!(formats.len() >= 7, "{formats:?}");
        for format in formats {
            let place = folder.join(format.name());
            let here = rows(
                open(std::slice::from_ref(&place), Some(format), &OpenOptions::default()).unwrap(),
            );
            server.take_seen();
            let there = stored(&server, &format!("in/{format}"), Some(format)).await.unwrap();
            let seen = server.take_seen();
            assert_eq!(there, here, "{format}");
            // Recognising, looking and reading are each a few requests of some MiB.
            assert!((2..60).contains(&seen.len()), "{format}: {} requests", seen.len());
            let mut files: Vec<_> = std::fs::read_dir(&place).unwrap().collect();
            let file = files.remove(0).unwrap().file_name().display().to_string();
            let one = stored(&server, &format!("in/{format}/{file}"), None).await.unwrap();
            assert_eq!(one.iter().map(RecordBatch::num_rows).sum::<usize>(), 30_000, "{format}");
        }
    });
}

#[test]
fn folders_of_a_store_are_tables_with_keys_and_what_is_beside_them_is_left_out() {
    let server = S3Server::start();
    for (name, content) in [
        ("t/year=2020/a.csv", "n\n1\n"),
        ("t/year=2021/b.csv", "n\n2\n"),
        ("t/README.md", "about"),
        ("t/_SUCCESS", ""),
        ("f/cat/a.txt", "no table"),
        ("m/a.csv", "n\n1\n"),
        ("m/b.txt", "no table"),
    ] {
        let path = server.folder(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    block_on_remote(async {
        let (files, left_out) = SourceFile::in_store(&server.storage(""), "t").await.unwrap();
        assert_eq!((files.len(), left_out.len()), (2, 2), "{left_out:?}");
        let read = stored(&server, "t", None).await.unwrap();
        let names: Vec<_> = read[0].schema().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(names, ["n", "year"]);
        assert_eq!(read.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
        let files = stored(&server, "f", None).await.unwrap();
        let labels = files[0].column(1).as_string::<i32>();
        assert_eq!((files[0].num_rows(), labels.value(0)), (1, "cat"));
        let error = stored(&server, "m", None).await.unwrap_err().to_string();
        assert!(error.contains("import each format by itself"), "{error}");
        let csv = Format::named("csv", Purpose::Import).unwrap();
        assert_eq!(stored(&server, "m", Some(csv)).await.unwrap().len(), 1);
        let error = stored(&server, "none", None).await.unwrap_err().to_string();
        assert!(error.contains("none: there is no such object"), "{error}");
    });
}
