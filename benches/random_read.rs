//! Random rows, page cache warm: tenrow against `pread`, a gather from a map, and arrow-rs.
//!
//! Data: f32[784] × 60,000 (188 MB, rows of 3 KB) and u8[3,224,224] × 4,000 (602 MB, rows of
//! 150 KB), uniformly random; 2,000 files of 90 to 110 KB.
//!
//! | group | what is timed, for each side |
//! |---|---|
//! | `get` | one random row, all its bytes summed: a zero-copy view; one `pread` into a buffer that is used again; arrow-rs with a row selection |
//! | `take_256` | 256 random rows in random order into one new contiguous tensor; a gather from a mapped array file into a new `Vec`; arrow-rs with a row selection, which may give the rows in ascending order |
//! | `file_100_kb` | one random file kept in its row, all its bytes summed; one `pread` of the same bytes |

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use futures::executor::block_on;
use tenrow_benches::{Files, IMAGES, Tensors, VECTORS, Workload, sum};

fn get(criterion: &mut Criterion, workload: Workload) {
    let data = Tensors::open(workload).expect("the data");
    let row_bytes = workload.row_bytes();
    let rows = workload.random_rows(4000, 1);
    let mut group = criterion.benchmark_group(format!("get/{}", workload.name));
    let mut next = rows.iter().cycle();
    group.bench_function("tenrow", |bencher| {
        bencher.iter(|| data.get_sum(*next.next().expect("a cycle has no end")));
    });
    let mut next = rows.iter().cycle();
    let mut buffer = vec![0; row_bytes];
    group.bench_function("pread", |bencher| {
        bencher.iter(|| {
            let row = *next.next().expect("a cycle has no end");
            data.raw.pread_sum(row * row_bytes as u64, &mut buffer)
        });
    });
    let mut next = rows.iter().cycle();
    group.bench_function("arrow_rs", |bencher| {
        bencher.iter(|| data.generic.get_sum(*next.next().expect("a cycle has no end")));
    });
    group.finish();
}

fn take(criterion: &mut Criterion, workload: Workload) {
    let data = Tensors::open(workload).expect("the data");
    let batches: Vec<_> = (0..16).map(|seed| workload.random_rows(256, seed)).collect();
    let sorted: Vec<_> = batches.iter().cloned().map(sorted).collect();
    let mut group = criterion.benchmark_group(format!("take_256/{}", workload.name));
    let mut next = batches.iter().cycle();
    group.bench_function("tenrow", |bencher| {
        bencher.iter(|| {
            let rows = next.next().expect("a cycle has no end");
            block_on(data.column.take(rows)).expect("rows")
        });
    });
    let mut next = batches.iter().cycle();
    group.bench_function("mmap_gather", |bencher| {
        bencher.iter(|| {
            data.raw.gather(next.next().expect("a cycle has no end"), workload.row_bytes())
        });
    });
    let mut next = sorted.iter().cycle();
    group.bench_function("arrow_rs", |bencher| {
        bencher.iter(|| data.generic.take(next.next().expect("a cycle has no end")));
    });
    group.finish();
}

fn sorted(mut rows: Vec<u64>) -> Vec<u64> {
    rows.sort_unstable();
    rows
}

fn file(criterion: &mut Criterion) {
    let data = Files::open().expect("the data");
    let order = VECTORS.random_rows(data.places.len(), 2);
    let order: Vec<usize> = order.iter().map(|&row| row as usize % data.places.len()).collect();
    let mut group = criterion.benchmark_group("file_100_kb");
    let mut next = order.iter().cycle();
    group.bench_function("tenrow", |bencher| {
        bencher.iter(|| {
            let row = *next.next().expect("a cycle has no end");
            sum(&block_on(data.column.bytes(row as u64)).expect("a row").expect("not null"))
        });
    });
    let mut next = order.iter().cycle();
    let mut buffer = Vec::new();
    group.bench_function("pread", |bencher| {
        bencher.iter(|| {
            let place = &data.places[*next.next().expect("a cycle has no end")];
            buffer.resize((place.end - place.start) as usize, 0);
            black_box(data.raw.pread_sum(place.start, &mut buffer))
        });
    });
    group.finish();
}

fn all(criterion: &mut Criterion) {
    for workload in [VECTORS, IMAGES] {
        get(criterion, workload);
        take(criterion, workload);
    }
    file(criterion);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20)
        .warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = all
}
criterion_main!(benches);
