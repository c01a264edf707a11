//! How many requests things cost, counted by the server.

use tenrow::engine::Ids;
use tenrow::engine::checksum;
use tenrow::engine::layout::root_path;
use tenrow::engine::manifest::{Leaf, LeafRef, Parent, Root};
use tenrow::{
    Attribute, Columns, CreateOptions, Encoding, ReadOptions, Schema, Version, WriteOptions,
};
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
        let folder = server.folder("names");
        std::fs::create_dir_all(folder.join("_tenrow/versions")).unwrap();
        for version in 1..=100_000 {
            std::fs::write(folder.join(root_path(Version(version))), "").unwrap();
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
        writer.append_columns(Columns::new().tensors("x", &rows)).await.unwrap();
        writer.commit().await.unwrap();
        server.take_seen();
        let snapshot = dataset(&server, "many").latest().await.unwrap();
        assert_eq!(snapshot.partition_count(), 300);
        assert_eq!(server.take_seen().len(), 2);
        let tensor = snapshot.tensor_column("x").unwrap().get(222).await.unwrap().unwrap();
        assert_eq!(tensor.as_slice::<i64>().unwrap(), [222, 222]);
        let seen = server.take_seen();
        assert_eq!(seen.len(), 2, "the leaf, and the row: {}", shown(&seen));
    });
}

/// A version of a million partitions, of whose leaves only the 100th is there: nobody is to read another.
#[test]
fn a_million_partitions_cost_no_more() {
    const LEAVES: u64 = 250;
    const PER_LEAF: u64 = 4000;
    let server = S3Server::start();
    block_on_remote(async {
        let first = vectors(&server, "x", 8, 4).await;
        let template = first.partition_entries().await.unwrap().remove(0);
        let ids = Ids::seeded(1);
        let mut leaf = Leaf { partitions: Vec::new() };
        for _ in 0..PER_LEAF {
            let mut partition = template.clone();
            partition.row_ids.clear();
            partition.files[0].sequence = None;
            partition.files[0].path = format!("data/{}.parquet", ids.next());
            leaf.partitions.push(partition);
        }
        let bytes = leaf.encode().unwrap();
        let mut root = Root {
            version: Version(first.version().0 + 1),
            parent: Some(Parent { version: first.version(), checksum: first.root_checksum() }),
            write_id: ids.next(),
            leaves: Vec::new(),
            next_row_id: LEAVES * PER_LEAF * 8,
            ..first.root().clone()
        };
        for number in 0..LEAVES {
            root.leaves.push(LeafRef {
                path: format!("_tenrow/leaves/{}", ids.next()),
                checksum: checksum(&bytes),
                size_bytes: bytes.len() as u64,
                partition_count: PER_LEAF,
                row_count: PER_LEAF * 8,
                size_of_files_bytes: PER_LEAF * template.files[0].size_bytes,
                first_row_id: number * PER_LEAF * 8,
                sequence: root.version.0,
                statistics: Vec::new(),
            });
        }
        let storage = first.storage();
        storage.put_new(&root.leaves[100].path, bytes.into()).await.unwrap();
        let path = root_path(root.version);
        storage.put_new(&path, root.encode().into()).await.unwrap();
        let file = server.folder("x");
        let (from, to) = (&template.files[0].path, &leaf.partitions[1234].files[0].path);
        std::fs::copy(file.join(from), file.join(to)).unwrap();

        server.take_seen();
        let snapshot = dataset(&server, "x").latest().await.unwrap();
        assert_eq!(snapshot.partition_count(), 1_000_000);
        assert_eq!(server.take_seen().len(), 2);
        let row = (100 * PER_LEAF + 1234) * 8 + 5;
        let tensor = snapshot.tensor_column("x").unwrap().get(row).await.unwrap().unwrap();
        assert_eq!(tensor.as_slice::<f32>().unwrap()[0], 5.0);
        let seen = server.take_seen();
        assert_eq!(seen.len(), 2, "the leaf, and the row: {}", shown(&seen));
    });
}

#[test]
fn a_row_of_compressed_tensors_is_one_request_of_its_page() {
    let server = S3Server::start();
    block_on_remote(async {
        let here = dataset(&server, "x");
        let text = "x:f32[784]";
        let attribute = Attribute::parse(text).unwrap().with_encoding(Encoding::Zstd(3));
        let schema = Schema::new([attribute]).unwrap();
        here.create_here(schema, &CreateOptions::default()).await.unwrap();
        let x = ndarray::Array2::from_shape_fn((3000, 784), |(row, place)| (row + place) as f32);
        let mut writer = here.writer().await.unwrap();
        writer.append_columns(Columns::new().tensors("x", &x)).await.unwrap();
        let size = writer.commit().await.unwrap().size_bytes();
        let snapshot = dataset(&server, "x").latest().await.unwrap();
        let column = snapshot.tensor_column("x").unwrap();
        column.get(2000).await.unwrap();
        for row in [7, 8, 2999] {
            server.take_seen();
            let tensor = column.get(row).await.unwrap().unwrap();
            assert_eq!(tensor.as_slice::<f32>().unwrap()[3], row as f32 + 3.0);
            let seen = server.take_seen();
            assert_eq!(seen.len(), 1, "{}", shown(&seen));
            assert!(bytes_of(&seen) < size / 2, "{} of {size}", bytes_of(&seen));
        }
    });
}

#[test]
fn a_row_of_a_raw_attribute_is_one_request_of_exactly_its_bytes() {
    let server = S3Server::start();
    block_on_remote(async {
        vectors(&server, "x", 2000, 784).await;
        let snapshot = dataset(&server, "x").latest().await.unwrap();
        let column = snapshot.tensor_column("x").unwrap();
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
