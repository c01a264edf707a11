//! A pipe in the place of a file: nobody waits for somebody to write into it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use tenrow::engine::Ids;
use tenrow::storage::Storage;
use tenrow::{Attribute, Columns, CreateOptions, Dataset, ErrorKind, Schema};
use tenrow_convert::{Format, OpenOptions, Purpose, open};

/// Puts a pipe in the place of a file.
fn replace_by_pipe(path: &Path) {
    std::fs::remove_file(path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// What `work` gives, unless it hangs.
fn in_time<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || send.send(futures::executor::block_on(work)));
    receive.recv_timeout(Duration::from_secs(60)).expect("an answer, not a wait for a writer")
}

fn at(folder: &Path, mapped: bool) -> Dataset {
    Dataset::at(Storage::local(folder, Ids::random()).with_mmap(mapped))
}

/// Creates a dataset of three rows.
fn create(folder: &Path) -> Dataset {
    let dataset = at(folder, true);
    futures::executor::block_on(async {
        let schema = Schema::new([Attribute::parse("n:i64").unwrap()]).unwrap();
        dataset.create_here(schema, &CreateOptions::default()).await.unwrap();
        let mut writer = dataset.writer().await.unwrap();
        writer.append_columns(Columns::new().scalars("n", [1i64, 2, 3])).await.unwrap();
        writer.commit().await.unwrap();
    });
    dataset
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// All rows, read in another process's place: nothing is mapped or cached yet.
async fn read(dataset: Dataset) -> tenrow::Result<usize> {
    let snapshot = dataset.latest().await?;
    Ok(snapshot.slice(0..snapshot.row_count()).await?.num_rows())
}

#[test]
fn a_pipe_in_the_place_of_any_stored_file_is_an_error_at_once() {
    let mut tried = 0;
    for mapped in [true, false] {
        for kind in ["_tenrow/versions", "_tenrow/leaves", "data"] {
            let folder = tempfile::tempdir().unwrap();
            create(folder.path());
            files(&folder.path().join(kind)).iter().for_each(|file| replace_by_pipe(file));
            let error = in_time(read(at(folder.path(), mapped))).unwrap_err();
            assert!(error.chain().contains("a pipe, not a file"), "{kind}: {}", error.chain());
            tried += 1;
        }
    }
    assert_eq!(tried, 6);
}

#[test]
fn a_pipe_in_the_place_of_an_indexed_or_imported_file_is_an_error_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = create(&folder.path().join("x"));
    let theirs = folder.path().join("theirs.parquet");
    std::fs::copy(&files(&folder.path().join("x/data"))[0], &theirs).unwrap();
    let index = async |dataset: Dataset, path: PathBuf| {
        let mut writer = dataset.writer().await?;
        writer.append_in_place(path, &HashMap::new()).await?;
        writer.commit().await
    };
    futures::executor::block_on(index(dataset.clone(), theirs.clone())).unwrap();
    replace_by_pipe(&theirs);
    for mapped in [true, false] {
        let error = in_time(read(at(&folder.path().join("x"), mapped))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        let chain = error.chain();
        assert!(chain.contains("theirs.parquet: a pipe, not a file"), "{chain}");
    }
    let (again, path) = (dataset.clone(), theirs.clone());
    let error = in_time(async move { index(again, path).await.map(drop) }).unwrap_err();
    assert!(error.chain().contains("a pipe"), "{}", error.chain());
    let path = theirs.clone();
    let put = async move { dataset.writer().await?.put_file(path).await.map(drop) };
    assert!(in_time(put).unwrap_err().chain().contains("a pipe"));

    let formats =
        Format::all().filter(|format| format.serves(Purpose::Import)).map(Some).chain([None]);
    let mut tried = 0;
    for format in formats {
        let path = theirs.clone();
        let opened = in_time(async move {
            let mut source = open(&[path], format, &OpenOptions::default())?;
            source.next_batch().map(drop)
        });
        let error = opened.expect_err("a pipe is no source").to_string();
        assert!(!error.is_empty());
        tried += 1;
    }
    assert!(tried > 5, "{tried} formats");
}
