//! All rows, every byte summed, page cache warm: tenrow against a mapped array file, and arrow-rs.
//!
//! Data: f32[784] × 60,000 (188 MB) and u8[3,224,224] × 4,000 (602 MB), uniformly random.
//!
//! | function | what is timed |
//! |---|---|
//! | `tenrow_never` | a scan with `PageChecks::Never`, the default for mapped files |
//! | `tenrow_always` | the same with `PageChecks::Always`: the checksum of every page is compared |
//! | `mmap` | the sum of the mapped array file |
//! | `arrow_rs` | arrow-rs's reader over the same Parquet file, mapped, metadata parsed before |

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tenrow::PageChecks;
use tenrow_benches::{IMAGES, Tensors, VECTORS};

fn scan(criterion: &mut Criterion) {
    for workload in [VECTORS, IMAGES] {
        let data = Tensors::open(workload).expect("the data");
        let mut group = criterion.benchmark_group(format!("scan/{}", workload.name));
        group.throughput(Throughput::Bytes(workload.bytes()));
        group.bench_function("tenrow_never", |b| b.iter(|| data.scan_sum(PageChecks::Never)));
        group.bench_function("tenrow_always", |b| b.iter(|| data.scan_sum(PageChecks::Always)));
        group.bench_function("mmap", |b| b.iter(|| data.raw.scan_sum()));
        group.sample_size(10);
        group.bench_function("arrow_rs", |b| b.iter(|| data.generic.scan_sum()));
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20)
        .warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = scan
}
criterion_main!(benches);
