//! Every speed target in one run: one Markdown table of times and ratios.
//!
//! `tenrow-bench targets [SECONDS]`: both sides of a line are timed in
//! turns, 31 each or 5 where one is slow, and the medians compared; `SECONDS`, 1.5 by default, is what each side of a line
//! gets. Data as in `random_read.rs`, `scan.rs` and `write.rs`; the page cache is warm.

use std::error::Error;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use tenrow::PageChecks;
use tenrow_benches::{
    Comparison, Files, IMAGES, Tensors, VECTORS, Workload, compare, fresh_folder, sum,
    write_and_sync, write_dataset,
};

/// Commits of the comparison of writing.
const WRITES: usize = 7;

pub(crate) fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let seconds = arguments.first().and_then(|text| text.parse().ok()).unwrap_or(1.5);
    let time = Duration::from_secs_f64(seconds);
    println!("| figure | tenrow | other | ratio | target | |\n|---|---|---|---|---|---|");
    for workload in [VECTORS, IMAGES] {
        let data = Tensors::open(workload)?;
        get(&data, time);
        take(&data, time);
        scan(&data, time);
        disk(&data);
    }
    file(time)?;
    for workload in [VECTORS, IMAGES] {
        write(&workload)?;
    }
    Ok(())
}

/// What a line compares: times as they are, or how many times faster tenrow is.
enum Target {
    /// Time of tenrow over time of the other, at most.
    TimeAtMost(f64),
    /// Speed of tenrow over speed of the other, at least.
    SpeedAtLeast(f64),
    /// Told, not asked for.
    None,
}

fn line(figure: &str, workload: &str, found: Comparison, target: &Target) {
    let (time, speed) = (found.ratio(), 1.0 / found.ratio());
    let (ratio, target, verdict) = match *target {
        Target::TimeAtMost(most) => (time, format!("≤ {most}"), verdict(time <= most)),
        Target::SpeedAtLeast(least) => (speed, format!("≥ {least}"), verdict(speed >= least)),
        Target::None => (speed, String::new(), ""),
    };
    let (tenrow, other) = (show(found.tenrow), show(found.other));
    println!("| {figure}, {workload} | {tenrow} | {other} | {ratio:.2} | {target} | {verdict} |");
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "**missed**" }
}

fn show(time: Duration) -> String {
    match time.as_secs_f64() * 1e6 {
        micros if micros < 1000.0 => format!("{micros:.2} µs"),
        micros if micros < 1e6 => format!("{:.2} ms", micros / 1e3),
        micros => format!("{:.2} s", micros / 1e6),
    }
}

fn get(data: &Tensors, time: Duration) {
    let name = data.workload.name;
    let row_bytes = data.workload.row_bytes();
    let rows = data.workload.random_rows(4000, 1);
    let (mut own, mut others) = (rows.iter().cycle(), rows.iter().cycle());
    let mut own = || data.get_sum(*own.next().expect("a cycle has no end"));
    let mut buffer = vec![0; row_bytes];
    let pread = || {
        let row = *others.next().expect("a cycle has no end");
        data.raw.pread_sum(row * row_bytes as u64, &mut buffer)
    };
    let found = compare(time, &mut own, pread);
    line("get and sum one row : pread", name, found, &Target::TimeAtMost(1.0));
    let mut others = rows.iter().cycle();
    let generic = || data.generic.get_sum(*others.next().expect("a cycle has no end"));
    let found = compare(time, &mut own, generic);
    line("get and sum one row : arrow-rs", name, found, &Target::SpeedAtLeast(50.0));
}

fn take(data: &Tensors, time: Duration) {
    let name = data.workload.name;
    let row_bytes = data.workload.row_bytes();
    let batches: Vec<_> = (0..16).map(|seed| data.workload.random_rows(256, seed)).collect();
    let sorted: Vec<_> = batches.iter().cloned().map(sorted).collect();
    let (mut own, mut others) = (batches.iter().cycle(), batches.iter().cycle());
    let mut own = || {
        let rows = own.next().expect("a cycle has no end");
        block_on(data.column.take(rows)).expect("the dataset is whole")
    };
    let gather = || data.raw.gather(others.next().expect("a cycle has no end"), row_bytes);
    let found = compare(time, &mut own, gather);
    line("take 256 rows : gather from mmap", name, found, &Target::TimeAtMost(1.3));
    let mut others = sorted.iter().cycle();
    let generic = || data.generic.take(others.next().expect("a cycle has no end"));
    let found = compare(time, &mut own, generic);
    line("take 256 rows : arrow-rs", name, found, &Target::SpeedAtLeast(20.0));
}

fn sorted(mut rows: Vec<u64>) -> Vec<u64> {
    rows.sort_unstable();
    rows
}

fn scan(data: &Tensors, time: Duration) {
    let name = data.workload.name;
    assert_eq!(data.scan_sum(PageChecks::Never), data.raw.scan_sum(), "both sides read the same");
    let mmap = || data.raw.scan_sum();
    let found = compare(time, || data.scan_sum(PageChecks::Never), mmap);
    line("scan, verify never : mmap sum", name, found, &Target::SpeedAtLeast(0.9));
    let found = compare(time, || data.scan_sum(PageChecks::Always), mmap);
    line("scan, verify always : mmap sum", name, found, &Target::None);
    // One scan by arrow-rs takes as long as a hundred of the others: it is timed once.
    let tenrow = compare(time, || data.scan_sum(PageChecks::Never), || ()).tenrow;
    let start = Instant::now();
    assert_eq!(data.generic.scan_sum(), data.raw.scan_sum(), "both sides read the same");
    let found = Comparison { tenrow, other: start.elapsed() };
    line("scan, verify never : arrow-rs", name, found, &Target::SpeedAtLeast(20.0));
}

fn file(time: Duration) -> Result<(), Box<dyn Error>> {
    let data = Files::open()?;
    let order = VECTORS.random_rows(4000, 2);
    let order: Vec<usize> = order.iter().map(|&row| row as usize % data.places.len()).collect();
    let (mut own, mut others) = (order.iter().cycle(), order.iter().cycle());
    let own = || {
        let row = *own.next().expect("a cycle has no end") as u64;
        let bytes = block_on(data.column.bytes(row)).expect("the dataset is whole");
        sum(&bytes.expect("no row is null"))
    };
    let mut buffer = Vec::new();
    let pread = || {
        let place = &data.places[*others.next().expect("a cycle has no end")];
        buffer.resize((place.end - place.start) as usize, 0);
        data.raw.pread_sum(place.start, &mut buffer)
    };
    let found = compare(time, own, pread);
    line("get one inline file : pread", "100 KB", found, &Target::TimeAtMost(1.5));
    Ok(())
}

fn write(workload: &Workload) -> Result<(), Box<dyn Error>> {
    let bytes = workload.values(0..workload.rows);
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for _ in 0..WRITES {
        let folder = fresh_folder()?;
        own.push(block_on(write_dataset(workload, &bytes, folder.path()))?);
        drop(folder);
        let folder = fresh_folder()?;
        let start = Instant::now();
        write_and_sync(&folder.path().join("array.raw"), [&bytes[..]])?;
        others.push(start.elapsed());
    }
    own.sort();
    others.sort();
    let found = Comparison { tenrow: own[WRITES / 2], other: others[WRITES / 2] };
    line("write and commit : write + fsync", workload.name, found, &Target::SpeedAtLeast(0.6));
    Ok(())
}

fn disk(data: &Tensors) {
    let (stored, raw) = (data.snapshot.size_bytes(), data.workload.bytes());
    let ratio = stored as f64 / raw as f64;
    let verdict = verdict(ratio <= 1.01);
    let name = data.workload.name;
    println!(
        "| bytes on disk : array, {name} | {stored} | {raw} | {ratio:.4} | ≤ 1.01 | {verdict} |"
    );
}
