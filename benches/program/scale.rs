//! Opening, finding a row and committing at 10, 10,000 and 1,000,000 partitions of 10 attributes.
//!
//! `tenrow-bench scale [PARTITIONS]…`: for each number a dataset is made without data: one partition of 8 rows is
//! written, and its entry repeated under other names in leaves of 1,000. Times are medians, the page cache
//! warm; reads are counted. A commit is a writer, 8 rows, and their version, durable.

use std::collections::HashSet;
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use tenrow::Version;
use tenrow::engine::Ids;
use tenrow::engine::checksum;
use tenrow::engine::layout::root_path;
use tenrow::engine::manifest::{Leaf, LeafRef, Parent, Partition, Root, Statistics};
use tenrow::storage::Storage;
use tenrow::{Attribute, Columns, Dataset, Schema, Snapshot, Tensor};
use tenrow_benches::fresh_folder;

const ROWS: u64 = 8;
const LEAF_PARTITIONS: u64 = 1000;
const OPENS: usize = 31;
const FINDS: usize = 200;
const COMMITS: usize = 65;
const SCALARS: [&str; 9] =
    ["label", "width", "height", "user", "score", "year", "month", "length", "source"];

pub(crate) fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let counts: Vec<u64> = match arguments {
        [] => vec![10, 10_000, 1_000_000],
        counts => counts.iter().map(|count| count.parse()).collect::<Result<_, _>>()?,
    };
    println!(
        "| partitions | leaves | root | open | reads | find a row, leaf not read | reads | find a row | commit | written | commits that merge |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for count in counts {
        let folder = fresh_folder()?;
        block_on(measure(folder.path(), count))?;
    }
    Ok(())
}

async fn measure(folder: &Path, partitions: u64) -> Result<(), Box<dyn Error>> {
    let location = folder.display().to_string();
    let made = make(&location, partitions, false).await?;
    let root_bytes = made.root().encode().len();
    let leaves = made.root().leaves.len();
    drop(made);

    let mut opens = Vec::new();
    let mut reads = 0;
    for _ in 0..OPENS {
        let start = Instant::now();
        let dataset = Dataset::at(Storage::open(&location)?);
        let snapshot = dataset.latest().await?;
        opens.push(start.elapsed());
        reads = snapshot.storage().counters().reads;
    }
    let (mut first_finds, mut finds) = (Vec::new(), Vec::new());
    let mut find_reads = 0;
    for attempt in 0..OPENS as u64 {
        let snapshot = Dataset::at(Storage::open(&location)?).latest().await?;
        let row = (attempt * 7_919 * 1_000_003) % snapshot.row_count();
        let before = snapshot.storage().counters().reads;
        let start = Instant::now();
        snapshot.row_ids(&[row]).await?;
        first_finds.push(start.elapsed());
        find_reads = snapshot.storage().counters().reads - before;
    }
    let snapshot = Dataset::at(Storage::open(&location)?).latest().await?;
    for attempt in 0..FINDS as u64 {
        let row = (attempt * 7_919) % (snapshot.row_count().min(ROWS * LEAF_PARTITIONS));
        snapshot.row_ids(&[row]).await?;
        let start = Instant::now();
        snapshot.row_ids(&[row]).await?;
        finds.push(start.elapsed());
    }
    let (plain, merging) = commits(&location).await?;
    let written = plain.iter().map(|commit| commit.written).max().unwrap_or_default();
    println!(
        "| {partitions} | {leaves} | {} | {} | {reads} | {} | {find_reads} | {} | {} | {} | {} of {COMMITS}: {}, {} |",
        kib(root_bytes as u64),
        show(median(opens)),
        show(median(first_finds)),
        show(median(finds)),
        show(median(plain.iter().map(|commit| commit.time).collect())),
        kib(written),
        merging.len(),
        show(median(merging.iter().map(|commit| commit.time).collect())),
        kib(merging.iter().map(|commit| commit.written).max().unwrap_or_default()),
    );
    Ok(())
}

/// One commit: how long it took, and the bytes of its leaves, root and data file.
struct Commit {
    time: Duration,
    written: u64,
}

/// Commits one partition at a time; those that merged no leaves, and those that did.
async fn commits(location: &str) -> Result<(Vec<Commit>, Vec<Commit>), Box<dyn Error>> {
    let dataset = Dataset::open(location).await?;
    let mut before = dataset.latest().await?;
    let (mut plain, mut merging) = (Vec::new(), Vec::new());
    for number in 0..COMMITS as u64 {
        let start = Instant::now();
        let snapshot = append(&dataset, number).await?;
        let time = start.elapsed();
        let known: HashSet<&str> = before.root().leaves.iter().map(|l| l.path.as_str()).collect();
        let new = snapshot.root().leaves.iter().filter(|leaf| !known.contains(leaf.path.as_str()));
        let new: Vec<&LeafRef> = new.collect();
        let leaves: u64 = new.iter().map(|leaf| leaf.size_bytes).sum();
        let data = new.last().map_or(0, |leaf| leaf.size_of_files_bytes);
        let written = leaves + data + snapshot.root().encode().len() as u64;
        match new.len() {
            1 => plain.push(Commit { time, written }),
            _ => merging.push(Commit { time, written }),
        }
        before = snapshot;
    }
    Ok((plain, merging))
}

async fn append(dataset: &Dataset, seed: u64) -> Result<Snapshot, Box<dyn Error>> {
    let mut writer = dataset.writer().await?;
    let pixels: Vec<u8> = (0..ROWS * 16).map(|i| (i * 31 + seed) as u8).collect();
    let labels: Vec<i64> = (0..ROWS as i64).map(|row| row + seed as i64).collect();
    let mut columns = Columns::new().tensors("image", Tensor::from_slice(&pixels, &[ROWS, 4, 4])?);
    for name in SCALARS {
        columns = columns.scalars(name, &labels);
    }
    writer.append_columns(columns).await?;
    Ok(writer.commit().await?)
}

/// A dataset of so many partitions, sorted by `year`: that of partition n is n. Its data files are not there.
#[cfg(feature = "sql")]
pub(crate) async fn make_clustered(location: &str, partitions: u64) -> Result<(), Box<dyn Error>> {
    make(location, partitions, true).await.map(drop)
}

/// A dataset of so many partitions; their data files are not there.
async fn make(
    location: &str,
    partitions: u64,
    is_clustered: bool,
) -> Result<Snapshot, Box<dyn Error>> {
    let image = Attribute::parse("image:u8[4,4]")?;
    let scalars = SCALARS.iter().map(|name| Attribute::parse(&format!("{name}:i64")));
    let schema = Schema::new([image].into_iter().chain(scalars.collect::<Result<Vec<_>, _>>()?))?;
    let dataset = Dataset::create(location, schema).await?;
    let first = append(&dataset, 0).await?;
    let template = first.partition_entries().await?.remove(0);
    let (storage, ids) = (dataset.storage(), Ids::seeded(1));
    let mut root = Root {
        version: Version(first.version().0 + 1),
        parent: Some(Parent { version: first.version(), checksum: first.root_checksum() }),
        write_id: ids.next(),
        leaves: Vec::new(),
        next_row_id: 0,
        ..first.root().clone()
    };
    let mut left = partitions;
    while left > 0 {
        let count = left.min(LEAF_PARTITIONS);
        let first = partitions - left;
        let mut leaf = Leaf { partitions: (0..count).map(|_| renamed(&template, &ids)).collect() };
        let mut statistics = Vec::new();
        if is_clustered {
            let year = year_place(&template);
            for (partition, number) in leaf.partitions.iter_mut().zip(first..) {
                partition.statistics[year] =
                    year_bounds(&template.statistics[year], number, number);
            }
            statistics.push(year_bounds(&template.statistics[year], first, first + count - 1));
        }
        let bytes = leaf.encode()?;
        let reference = LeafRef {
            path: format!("_tenrow/leaves/{}", ids.next()),
            checksum: checksum(&bytes),
            size_bytes: bytes.len() as u64,
            partition_count: count,
            row_count: count * ROWS,
            size_of_files_bytes: count * template.files[0].size_bytes,
            first_row_id: root.next_row_id,
            sequence: root.version.0,
            statistics,
        };
        storage.put_new(&reference.path, bytes.into()).await?;
        root.next_row_id += count * ROWS;
        root.leaves.push(reference);
        left -= count;
    }
    let path = root_path(root.version);
    storage.put_new(&path, root.encode().into()).await?;
    Ok(dataset.latest().await?)
}

/// Where the statistics of `year` are.
fn year_place(template: &Partition) -> usize {
    let year = 2 + SCALARS.iter().position(|name| *name == "year").unwrap_or_default() as u32;
    template.statistics.iter().position(|known| known.field.0 == year).unwrap_or_default()
}

fn year_bounds(known: &Statistics, min: u64, max: u64) -> Statistics {
    Statistics::new(known.field, 0, Some(min.into()), Some(max.into()))
}

fn renamed(template: &Partition, ids: &Ids) -> Partition {
    let mut partition = template.clone();
    partition.row_ids.clear();
    partition.files[0].sequence = None;
    partition.files[0].path = format!("data/{}.parquet", ids.next());
    partition
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn show(time: Duration) -> String {
    match time.as_secs_f64() * 1e3 {
        millis if millis < 1.0 => format!("{:.1} µs", millis * 1e3),
        millis => format!("{millis:.1} ms"),
    }
}

fn kib(bytes: u64) -> String {
    format!("{} KiB", bytes.div_ceil(1024))
}
