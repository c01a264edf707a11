//! Writers on a server: at once, and with more than one part.

use tenrow::storage::Upload;
use tenrow::{Columns, CreateOptions, Dataset, WriteOptions};
use tenrow_tests::block_on_remote;
use tenrow_tests::s3::{Mishap, S3Server};

use super::{append, dataset, schema};

#[test]
fn eight_writers_at_once_commit_each_exactly_once() {
    let server = S3Server::start();
    block_on_remote(async {
        const COMMITS: u64 = 6;
        let first = dataset(&server, "x");
        first.create_here(schema(&["x:f32[4]", "n:i64"]), &CreateOptions::default()).await.unwrap();
        let writers = (0..8u64).map(|writer| {
            let dataset = dataset(&server, "x");
            tokio::spawn(async move {
                for commit in 0..COMMITS {
                    let row = writer * COMMITS + commit;
                    append(&dataset, row..row + 1, 4).await;
                }
            })
        });
        for writer in futures::future::join_all(writers).await {
            writer.unwrap();
        }
        let newest = dataset(&server, "x").latest().await.unwrap();
        assert_eq!((newest.version().0, newest.row_count()), (1 + 8 * COMMITS, 8 * COMMITS));
        let all = newest.slice(0..newest.row_count()).await.unwrap();
        let n = all.column_by_name("n").unwrap();
        let n = arrow_array::cast::AsArray::as_primitive::<arrow_array::types::Int64Type>(n);
        let mut found: Vec<i64> = n.values().to_vec();
        found.sort_unstable();
        assert_eq!(found, (0..8 * COMMITS as i64).collect::<Vec<_>>());
        let history = newest.version().0;
        assert_eq!(first.versions().await.unwrap().len() as u64, history);
    });
}

#[test]
fn large_files_go_up_in_parts_and_come_back_the_same() {
    let server = S3Server::start();
    block_on_remote(async {
        let here: Dataset = dataset(&server, "x");
        here.create_here(schema(&["x:u8[1000000]"]), &CreateOptions::default()).await.unwrap();
        let options = WriteOptions::default().with_row_group_bytes(8 << 20);
        let mut writer = here.writer_with(options).await.unwrap();
        let value = |(row, place): (usize, usize)| (row * 31 + place * 7 + place / 251) as u8;
        let x = ndarray::Array2::from_shape_fn((30, 1_000_000), value);
        server.take_seen();
        writer.append_columns(Columns::new().tensors("x", &x)).await.unwrap();
        writer.commit().await.unwrap();
        let seen = server.take_seen();
        let parts = seen.iter().filter(|s| s.method == "PUT" && s.path.contains("partNumber"));
        assert!(parts.count() >= 3);
        let snapshot = dataset(&server, "x").latest().await.unwrap();
        let column = snapshot.tensor_column("x").unwrap();
        for row in [0, 17, 29] {
            let tensor = column.get(row).await.unwrap().unwrap();
            let expected = x.row(row as usize).to_vec();
            assert!(tensor.as_slice::<u8>().unwrap() == expected, "row {row}");
        }
    });
}

/// The last request of each file is held until the leaf has come, which needs no file but only their checksums.
#[test]
fn files_and_the_leaf_that_names_them_are_finished_at_once() {
    let server = S3Server::start();
    block_on_remote(async {
        let here = dataset(&server, "x");
        here.create_here(schema(&["x:u8[1000000]", "n:i64"]), &CreateOptions::default())
            .await
            .unwrap();
        let options =
            WriteOptions::default().with_row_group_bytes(6 << 20).with_partition_by(["n"]);
        let mut writer = here.writer_with(options).await.unwrap();
        for n in 0..3i64 {
            let x = ndarray::Array2::from_elem((20, 1_000_000), n as u8);
            let columns = Columns::new().tensors("x", &x);
            writer.append_columns(columns.scalars("n", [n; 20])).await.unwrap();
        }
        server.take_seen();
        server.fail("POST", "uploadId", 0, 3, Mishap::After("/_tenrow/leaves/"));
        let before = here.storage().counters();
        let snapshot = writer.commit().await.unwrap();
        assert_eq!(here.storage().counters().since(&before).retries, 0);
        let seen = server.take_seen();
        let completed =
            |s: &&tenrow_tests::s3::Seen| s.method == "POST" && s.path.contains("uploadId");
        assert_eq!(seen.iter().filter(completed).count(), 3);
        let column = snapshot.tensor_column("x").unwrap();
        for row in 0..60 {
            let tensor = column.get(row).await.unwrap().unwrap();
            assert!(tensor.as_slice::<u8>().unwrap().iter().all(|&x| u64::from(x) == row / 20));
        }
    });
}

/// Parts of uploads that nobody finishes are paid for until somebody removes them, which `vacuum` cannot.
#[test]
fn of_an_upload_that_is_given_up_no_parts_stay() {
    let server = S3Server::start();
    let parts = || {
        let names = std::fs::read_dir(server.folder("")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let root = std::fs::read_dir(server.folder("").parent().unwrap()).unwrap();
        let root = root.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.chain(root).filter(|name| name.contains("upload")).collect::<Vec<_>>()
    };
    block_on_remote(async {
        let here = dataset(&server, "x");
        here.create_here(schema(&["x:u8[1000000]"]), &CreateOptions::default()).await.unwrap();
        let options = || WriteOptions::default().with_row_group_bytes(6 << 20);
        let x = ndarray::Array2::<u8>::from_elem((40, 1_000_000), 7);
        let columns = || Columns::new().tensors("x", &x);
        for fails in [false, true] {
            server.take_seen();
            if fails {
                server.fail(
                    "PUT",
                    "partNumber=3",
                    0,
                    usize::MAX,
                    Mishap::Status(403, "AccessDenied"),
                );
            }
            let mut writer = here.writer_with(options()).await.unwrap();
            let appended = writer.append_columns(columns()).await;
            match fails {
                false => {
                    appended.unwrap();
                    assert!(!parts().is_empty(), "the names of parts are others now");
                    drop(writer);
                }
                true => {
                    let failed = match appended {
                        Ok(()) => writer.commit().await.map(drop),
                        Err(error) => {
                            drop(writer);
                            Err(error)
                        }
                    };
                    assert_eq!(failed.unwrap_err().kind(), tenrow::ErrorKind::Denied);
                }
            }
            Upload::aborted().await;
            let told = server.take_seen();
            assert_eq!(told.iter().filter(|seen| seen.method == "DELETE").count(), 1);
            assert_eq!(parts(), [""; 0]);
        }
        assert_eq!(here.latest().await.unwrap().row_count(), 0);
    });
}
