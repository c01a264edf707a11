//! Writers on a server: at once, and with more than one part.

use tenrow::{Columns, CreateOptions, Dataset, WriteOptions};
use tenrow_tests::block_on_remote;
use tenrow_tests::s3::S3Server;

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
        writer.append_columns(Columns::new().tensors("x", &x).unwrap()).await.unwrap();
        writer.commit().await.unwrap();
        let seen = server.take_seen();
        let parts = seen.iter().filter(|s| s.method == "PUT" && s.path.contains("partNumber"));
        assert!(parts.count() >= 3);
        let snapshot = dataset(&server, "x").latest().await.unwrap();
        let column = snapshot.tensors("x").unwrap();
        for row in [0, 17, 29] {
            let tensor = column.get(row).await.unwrap().unwrap();
            let expected = x.row(row as usize).to_vec();
            assert!(tensor.as_slice::<u8>().unwrap() == expected, "row {row}");
        }
    });
}
