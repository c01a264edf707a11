//! How many requests things cost, counted by the server.

use tenrow::{Columns, CreateOptions, ReadOptions, Version, WriteOptions};
use tenrow_tests::block_on_remote;
use tenrow_tests::s3::{S3Server, Seen};

use super::{append, dataset, schema, vectors};

fn shown(seen: &[Seen]) -> String {
    seen.iter().map(|s| format!("{} {} {:?}\n", s.method, s.path, s.range)).collect()
}

fn bytes_of(seen: &[Seen]) -> u64 {
    let bytes = |seen: &Seen| {
        let range = seen.range.as_deref().unwrap().strip_prefix("bytes=").unwrap().to_owned();
        let (first, last) = range.split_once('-').unwrap();
        last.parse::<u64>().unwrap() - first.parse::<u64>().unwrap() + 1
    };
    seen.iter().map(bytes).sum()
}

#[test]
fn opening_is_two_requests_however_many_versions_there_are() {
    let server = S3Server::start();
    block_on_remote(async {
        vectors(&server, "few", 10, 4).await;
        let writer = dataset(&server, "many");
        writer
            .create_here(schema(&["x:f32[4]", "n:i64"]), &CreateOptions::default())
            .await
            .unwrap();
        for row in 0..40 {
            append(&writer, row..row + 1, 4).await;
        }
        for name in ["few", "many"] {
            server.take_seen();
            dataset(&server, name).latest().await.unwrap();
            let seen = server.take_seen();
            assert_eq!(seen.len(), 2, "{}", shown(&seen));
        }
        // To find the newest of very many, their names are enough.
        let folder = server.folder("names/_tenrow/versions");
        std::fs::create_dir_all(&folder).unwrap();
        for version in 1..=100_000 {
            std::fs::write(folder.join(Version(version).file_name()), "").unwrap();
        }
        server.take_seen();
        let newest = server.storage("names").newest().await.unwrap();
        assert_eq!((newest, server.take_seen().len()), (Some(Version(100_000)), 1));
    });
}

#[test]
fn opening_many_partitions_is_two_requests_and_a_row_two_more() {
    let server = S3Server::start();
    block_on_remote(async {
        let writer = dataset(&server, "many");
        writer.create_here(schema(&["x:i64[2]"]), &CreateOptions::default()).await.unwrap();
        let options = WriteOptions::default().with_row_group_bytes(8).with_partition_bytes(1);
        let mut writer = writer.writer_with(options).await.unwrap();
        let rows = ndarray::Array2::from_shape_fn((300, 2), |(row, _)| row as i64);
        writer.append_columns(Columns::new().tensors("x", &rows).unwrap()).await.unwrap();
        writer.commit().await.unwrap();
        server.take_seen();
        let snapshot = dataset(&server, "many").latest().await.unwrap();
        assert_eq!(snapshot.partition_count(), 300);
        assert_eq!(server.take_seen().len(), 2);
        let tensor = snapshot.tensors("x").unwrap().get(222).await.unwrap().unwrap();
        assert_eq!(tensor.as_slice::<i64>().unwrap(), [222, 222]);
        let seen = server.take_seen();
        assert_eq!(seen.len(), 2, "the leaf, and the row: {}", shown(&seen));
    });
}

#[test]
fn a_row_of_a_raw_attribute_is_one_request_of_exactly_its_bytes() {
    let server = S3Server::start();
    block_on_remote(async {
        vectors(&server, "x", 2000, 784).await;
        let snapshot = dataset(&server, "x").latest().await.unwrap();
        let column = snapshot.tensors("x").unwrap();
        column.get(0).await.unwrap();
        for row in [1, 1999, 1234] {
            server.take_seen();
            let tensor = column.get(row).await.unwrap().unwrap();
            assert_eq!(tensor.as_slice::<f32>().unwrap()[0], row as f32);
            let seen = server.take_seen();
            assert_eq!((seen.len(), bytes_of(&seen)), (1, 4 * 784), "{}", shown(&seen));
        }
    });
}

#[test]
fn random_rows_are_a_request_each_at_most_and_half_of_their_bytes_is_wanted() {
    let server = S3Server::start();
    block_on_remote(async {
        vectors(&server, "x", 20_000, 196).await;
        let snapshot = dataset(&server, "x").latest().await.unwrap();
        let options = ReadOptions::default().with_attributes(["x"]);
        snapshot.take_with(&[0], &options).await.unwrap();
        let rows: Vec<u64> = (0..256u64).map(|i| i.wrapping_mul(7919) % 20_000).collect();
        server.take_seen();
        server.take_most_open();
        let batch = snapshot.take_with(&rows, &options).await.unwrap();
        assert_eq!(batch.num_rows(), 256);
        let seen = server.take_seen();
        let useful = 256 * 196 * 4;
        assert!(seen.len() <= 256, "{}", seen.len());
        assert!(bytes_of(&seen) <= 2 * useful, "{} of {useful}", bytes_of(&seen));
        let most = server.take_most_open();
        assert!(most <= options.max_concurrency, "{most} at once");
    });
}
