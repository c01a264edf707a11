//! A column added to 4 GiB, and 10,000 small partitions compacted: what is written, and how reading compares.
//!
//! `tenrow-bench evolve`: adds `mean:f32?`, computed from `x:f32[784]`, and tells the bytes written; then scans both columns,
//! against the same two columns written in one file at once. `tenrow-bench compact`: 10,000 partitions of
//! 10 digits, compacted, against the same rows written at once: scan, and 256 random rows. Both sides in turns,
//! medians, page cache warm.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use arrow_array::types::Float32Type;
use arrow_array::{Array, ArrayRef, Float32Array, RecordBatch};
use bytes::Bytes;
use futures::StreamExt;
use futures::executor::block_on;
use tenrow::{
    Attribute, ColumnFill, Columns, CompactOptions, DType, Dataset, Schema, SchemaChange, Snapshot,
    Tensor, WriteOptions,
};
use tenrow_benches::{VECTORS, Workload, compare, fresh_folder, sum_of_batch};

const TOTAL_BYTES: u64 = 4 << 30;
const TIME: Duration = Duration::from_secs(20);
const PARTITIONS: u64 = 10_000;
const ROWS: u64 = 10;
const PIXELS: u64 = 784;

pub(crate) fn add_column(_: &[String]) -> Result<(), Box<dyn Error>> {
    let rows = TOTAL_BYTES / VECTORS.row_bytes() as u64;
    let workload = Workload { rows, ..VECTORS };
    let folder = fresh_folder()?;
    let (grown, whole) = (folder.path().join("grown"), folder.path().join("whole"));
    let grown = block_on(write(&grown, &workload, false))?;
    let before = bytes_below(&folder.path().join("grown"))?;
    let start = Instant::now();
    let snapshot = block_on(fill(&grown))?;
    let time = start.elapsed();
    let written = bytes_below(&folder.path().join("grown"))? - before;
    let ideal = rows * 4;
    println!(
        "f32[784] × {rows} rows, {} MiB: adding mean:f32? wrote {} KiB in {:.1} s, the values are {} KiB: {:.3}",
        before >> 20,
        written >> 10,
        time.as_secs_f64(),
        ideal >> 10,
        written as f64 / ideal as f64
    );
    let whole = block_on(write(&whole, &workload, true))?;
    let whole = block_on(whole.latest())?;
    assert_eq!(scan(&snapshot), scan(&whole), "both sides read the same");
    let found = compare(TIME, || scan(&snapshot), || scan(&whole));
    println!(
        "scan x and mean: {:.0} ms, in one file {:.0} ms: {:.3} (target 1.1)",
        found.tenrow.as_secs_f64() * 1e3,
        found.other.as_secs_f64() * 1e3,
        found.ratio()
    );
    Ok(())
}

async fn write(
    folder: &Path,
    workload: &Workload,
    with_mean: bool,
) -> Result<Dataset, Box<dyn Error>> {
    let mut attributes = vec![Attribute::parse(workload.attribute)?];
    if with_mean {
        attributes.push(Attribute::parse("mean:f32?")?);
    }
    let schema = Schema::new(attributes)?;
    let dataset = Dataset::create(&folder.display().to_string(), schema).await?;
    let mut writer = dataset.writer().await?;
    for rows in workload.batches() {
        let batch = workload.columns(workload.values(rows))?;
        let batch = match with_mean {
            true => {
                let rows = batch.clone().into_batch()?;
                batch.array("mean", means(&rows))
            }
            false => batch,
        };
        writer.append_columns(batch).await?;
    }
    writer.commit().await?;
    Ok(dataset)
}

async fn fill(dataset: &Dataset) -> Result<Snapshot, Box<dyn Error>> {
    dataset.change_schema(SchemaChange::Add(Attribute::parse("mean:f32?")?)).await?;
    let fill = ColumnFill::new("mean", ["x"]);
    Ok(dataset.fill_column(&fill, |batch| Ok(means(batch))).await?.snapshot)
}

/// The mean of every row of the first column.
fn means(batch: &RecordBatch) -> ArrayRef {
    let rows = batch.column(0).as_fixed_size_list();
    let n = rows.value_length() as usize;
    let values = rows.values().as_primitive::<Float32Type>().values();
    let start = rows.value_offset(0) as usize;
    let of_row = |row: usize| {
        let row = &values[start + row * n..start + (row + 1) * n];
        row.iter().sum::<f32>() / n as f32
    };
    Arc::new((0..rows.len()).map(of_row).collect::<Float32Array>())
}

/// The bytes of all rows, summed.
fn scan(snapshot: &Snapshot) -> u64 {
    block_on(async {
        let mut batches = snapshot.scan();
        let mut total = 0u64;
        while let Some(batch) = batches.next().await {
            total = total.wrapping_add(sum_of_batch(&batch.expect("the dataset is whole")));
        }
        total
    })
}

pub(crate) fn compact(_: &[String]) -> Result<(), Box<dyn Error>> {
    let folder = fresh_folder()?;
    let (small, whole) = (folder.path().join("small"), folder.path().join("whole"));
    let options = WriteOptions::default().with_row_group_bytes(1).with_partition_bytes(1);
    let small = block_on(digits(&small, options))?;
    let whole = block_on(digits(&whole, WriteOptions::default()))?;
    let before = block_on(small.latest())?;
    let start = Instant::now();
    let report = block_on(small.compact(CompactOptions::default()))?;
    println!(
        "{} partitions of {ROWS} digits became {} in {:.1} s, {} MiB written",
        report.partitions_before,
        report.partitions_after,
        start.elapsed().as_secs_f64(),
        report.written_bytes >> 20
    );
    let (after, whole) = (report.snapshot, block_on(whole.latest())?);
    assert_eq!(scan(&after), scan(&whole), "both sides read the same");
    let rows: Vec<u64> = (0..PARTITIONS * ROWS).step_by(97).collect();
    assert_eq!(block_on(after.take(&rows))?, block_on(before.take(&rows))?);
    assert_eq!(block_on(after.row_ids(&rows))?, block_on(before.row_ids(&rows))?);
    let found = compare(TIME / 4, || scan(&after), || scan(&whole));
    line("scan", found.tenrow, found.other, found.ratio());
    let batches: Vec<Vec<u64>> = (0..64).map(random_rows).collect();
    let take = |snapshot: &Snapshot, rows: &[u64]| {
        let column = snapshot.tensor_column("x").expect("it is there");
        block_on(column.take(rows)).expect("the dataset is whole")
    };
    let (mut own, mut others) = (batches.iter().cycle(), batches.iter().cycle());
    let mut next = move || own.next().expect("a cycle has no end");
    let mut other = move || others.next().expect("a cycle has no end");
    let found = compare(TIME / 4, || take(&after, next()), || take(&whole, other()));
    line("256 random rows", found.tenrow, found.other, found.ratio());
    Ok(())
}

fn line(what: &str, own: Duration, other: Duration, ratio: f64) {
    let (own, other) = (own.as_secs_f64() * 1e3, other.as_secs_f64() * 1e3);
    println!(
        "{what}: compacted {own:.3} ms, written at once {other:.3} ms: {ratio:.3} (0.9 to 1.1)"
    );
}

fn random_rows(seed: u64) -> Vec<u64> {
    let next = |row: u64| row.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(seed);
    (0..256).map(|i| next(next(i)) >> 20).map(|row| row % (PARTITIONS * ROWS)).collect()
}

async fn digits(folder: &Path, options: WriteOptions) -> Result<Dataset, Box<dyn Error>> {
    let texts = ["x:u8[28,28]", "label:i64"];
    let schema =
        Schema::new(texts.map(Attribute::parse).into_iter().collect::<Result<Vec<_>, _>>()?)?;
    let dataset = Dataset::create(&folder.display().to_string(), schema).await?;
    let is_small = options.partition_bytes == 1;
    let rows_of_group = ROWS * (PIXELS + 8);
    let options = if is_small { options.with_row_group_bytes(rows_of_group) } else { options };
    let mut writer = dataset.writer_with(options).await?;
    for partition in 0..PARTITIONS {
        let pixels = (0..ROWS * PIXELS).map(|i| (i * 2_654_435_761 + partition * 97) >> 7);
        let pixels: Bytes = pixels.map(|bits| bits as u8).collect::<Vec<u8>>().into();
        let labels: Vec<i64> = (0..ROWS).map(|row| ((partition + row) % 10) as i64).collect();
        let tensor = Tensor::new(DType::U8, &[ROWS, 28, 28], pixels)?;
        let columns = Columns::new().tensors("x", &tensor).scalars("label", &labels);
        writer.append_columns(columns).await?;
    }
    writer.commit().await?;
    Ok(dataset)
}

fn bytes_below(folder: &Path) -> std::io::Result<u64> {
    let mut total = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        total += match entry.file_type()?.is_dir() {
            true => bytes_below(&entry.path())?,
            false => entry.metadata()?.len(),
        };
    }
    Ok(total)
}
