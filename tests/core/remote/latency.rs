//! What distance costs: 50 ms to the first byte, 100 MB/s for all requests together. Prints ratios; run by hand:
//! `cargo test --release --test core remote::latency -- --ignored --nocapture`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use tenrow::storage::Storage;
use tenrow::{Columns, CreateOptions, Dataset, ReadOptions, ScanOptions};
use tenrow_tests::block_on_remote;
use tenrow_tests::link::LinkStore;

use super::schema;

const ROWS: u64 = 40_000;
const WIDTH: u64 = 784;
const BYTES_PER_SECOND: f64 = 100e6;

/// Creates a dataset of that many rows; gives its bytes, and the time of writing them and committing.
async fn write(dataset: &Dataset, rows: u64) -> (u64, f64) {
    let schema = schema(&[&format!("x:f32[{WIDTH}]"), "n:i64"]);
    dataset.create_here(schema, &CreateOptions::default()).await.unwrap();
    // Made before the clock runs.
    let value = |(row, place)| row as f32 + place as f32 / 1024.0;
    let x = ndarray::Array2::from_shape_fn((rows as usize, WIDTH as usize), value);
    let n: Vec<i64> = (0..rows as i64).collect();
    let start = Instant::now();
    let mut writer = dataset.writer().await.unwrap();
    for (x, n) in x.axis_chunks_iter(ndarray::Axis(0), 1000).zip(n.chunks(1000)) {
        let columns = Columns::new().tensors("x", x).scalars("n", n);
        writer.append_columns(columns).await.unwrap();
    }
    let written = writer.commit().await.unwrap().size_bytes();
    (written, start.elapsed().as_secs_f64())
}

#[test]
#[ignore = "it measures times"]
fn ratios_to_the_link() {
    let inner = Arc::new(InMemory::new());
    let link = LinkStore::new(inner, Duration::from_millis(50), BYTES_PER_SECOND);
    let link = Storage::from_store(Arc::new(link), Path::default()).with_ordered_listing(true);
    block_on_remote(async {
        // What every commit costs weighs the less the more is written.
        for (name, rows) in [("large", 4 * ROWS), ("x", ROWS)] {
            let storage = link.below(name).unwrap();
            let (bytes, seconds) = write(&Dataset::at(storage), rows).await;
            let speed = bytes as f64 / seconds / BYTES_PER_SECOND;
            println!("write: {speed:.2} of the link, {bytes} bytes");
        }
        let storage = link.below("x").unwrap();
        let snapshot = Dataset::at(storage).latest().await.unwrap();
        let options = ReadOptions::default().with_attributes(["x"]).with_max_concurrency(64);
        snapshot.take_with(&[0], &options).await.unwrap();
        let rows = |seed: u64| -> Vec<u64> {
            (0..256u64).map(|i| (i * 7919 + seed * 104_729).wrapping_mul(31) % ROWS).collect()
        };
        for run in 1..=5 {
            let start = Instant::now();
            snapshot.take_with(&[run * 4321], &options).await.unwrap();
            let one = start.elapsed().as_secs_f64();
            let start = Instant::now();
            snapshot.take_with(&rows(run), &options).await.unwrap();
            let many = start.elapsed().as_secs_f64();
            println!("take of 256: {:.2} requests of {:.1} ms", many / one, one * 1e3);
        }
        for batch_rows in [None, Some(256), Some(4096)] {
            let mut scan = ScanOptions::default().with_read(options.clone());
            scan.batch_rows = batch_rows;
            let start = Instant::now();
            let mut batches = snapshot.scan_with(&scan);
            let mut seen = 0;
            while let Some(batch) = batches.try_next().await.unwrap() {
                seen += batch.num_rows() as u64;
            }
            assert_eq!(seen, ROWS);
            let speed = (ROWS * WIDTH * 4) as f64 / start.elapsed().as_secs_f64();
            println!(
                "scan, batches of {batch_rows:?}: {:.2} of the link",
                speed / BYTES_PER_SECOND
            );
        }
    });
}
