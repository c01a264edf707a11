//! Writing and committing: tenrow against `write` and `fsync` of the same bytes.
//!
//! Data: f32[784] × 60,000 (188 MB) and u8[3,224,224] × 4,000 (602 MB), uniformly random, in memory
//! before the clock starts, handed over 8 MiB at a time. Each run writes to a new folder on the same
//! file system; making and removing it is not timed. Timed for tenrow: the writer, all appends and
//! the commit, everything durable; for the file: create, write, `fsync`.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::executor::block_on;
use tenrow_benches::{IMAGES, VECTORS, fresh_folder, write_and_sync, write_dataset};

fn write(criterion: &mut Criterion) {
    for workload in [VECTORS, IMAGES] {
        let bytes = workload.values(0..workload.rows);
        let mut group = criterion.benchmark_group(format!("write/{}", workload.name));
        group.throughput(Throughput::Bytes(workload.bytes()));
        group.bench_function("tenrow", |bencher| {
            bencher.iter_custom(|runs| {
                let one = |_| {
                    let folder = fresh_folder().expect("a folder");
                    block_on(write_dataset(&workload, &bytes, folder.path())).expect("a commit")
                };
                (0..runs).map(one).sum::<Duration>()
            });
        });
        group.bench_function("write_fsync", |bencher| {
            bencher.iter_custom(|runs| {
                let one = |_| {
                    let folder = fresh_folder().expect("a folder");
                    let start = Instant::now();
                    write_and_sync(&folder.path().join("array.raw"), [&bytes[..]]).expect("a file");
                    start.elapsed()
                };
                (0..runs).map(one).sum::<Duration>()
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10)
        .warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = write
}
criterion_main!(benches);
