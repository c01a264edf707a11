//! Tenrow's column of the table that `benches/compare/compare.py` prints.
//!
//! `tenrow-bench json FOLDER NAME TYPE ROWS`, as in `… vectors 'f32[784]' 60000`: reads the array
//! file `FOLDER/NAME.raw`, writes a dataset beside it, and prints one JSON object: seconds of write
//! and commit, of one scan with every byte summed, of one random row copied out, of 256 random rows
//! in one tensor, and bytes on disk. Medians; page cache warm.

use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use futures::executor::block_on;
use tenrow::{Attribute, AttributeType, Columns, Dataset, Schema, Snapshot, Tensor};
use tenrow_benches::sum_of_batch;

/// Scans timed, and random reads.
const SCANS: usize = 7;
const READS: usize = 1000;
const BATCHES: usize = 50;
const BATCH_ROWS: u64 = 256;
/// Bytes of rows appended at a time.
const APPEND_BYTES: u64 = 8 << 20;

pub(crate) fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [folder, name, type_text, rows] = arguments else {
        return Err("usage: tenrow-bench json FOLDER NAME TYPE ROWS".into());
    };
    let (folder, row_count) = (PathBuf::from(folder), rows.parse()?);
    let bytes = Bytes::from(std::fs::read(folder.join(format!("{name}.raw")))?);
    let location = folder.join(format!("{name}.tenrow")).display().to_string();
    let attribute = Attribute::parse(&format!("x:{type_text}"))?;
    let start = Instant::now();
    let snapshot = block_on(write(&location, attribute, &bytes, row_count))?;
    let write = start.elapsed();
    let (scan, one, many) = block_on(read(&snapshot))?;
    let (write, scan) = (write.as_secs_f64(), scan.as_secs_f64());
    let (one, many) = (one.as_secs_f64(), many.as_secs_f64());
    let disk = snapshot.size_bytes();
    println!(
        "{{\"write\":{write:e},\"scan\":{scan:e},\"one\":{one:e},\"many\":{many:e},\"disk\":{disk}}}"
    );
    Ok(())
}

async fn write(
    location: &str,
    attribute: Attribute,
    bytes: &Bytes,
    row_count: u64,
) -> Result<Snapshot, Box<dyn Error>> {
    let AttributeType::Tensor { dtype, shape } = attribute.attribute_type.clone() else {
        return Err("a tensor type was expected, such as f32[784]".into());
    };
    let row_bytes = bytes.len() as u64 / row_count;
    let dataset = Dataset::create(location, Schema::new([attribute])?).await?;
    let mut writer = dataset.writer().await?;
    let mut row = 0;
    while row < row_count {
        let end = row_count.min(row + (APPEND_BYTES / row_bytes).max(1));
        let dims: Vec<u64> =
            std::iter::once(end - row).chain(shape.dims().iter().copied()).collect();
        let rows = bytes.slice((row * row_bytes) as usize..(end * row_bytes) as usize);
        let rows = Tensor::new(dtype, &dims, rows)?;
        writer.append_columns(Columns::new().tensors("x", &rows)).await?;
        row = end;
    }
    Ok(writer.commit().await?)
}

/// Medians of a scan, of a random row and of a batch of random rows.
async fn read(snapshot: &Snapshot) -> Result<(Duration, Duration, Duration), Box<dyn Error>> {
    let column = snapshot.tensor_column("x")?;
    let mut random = 1u64;
    let mut random_row = move || {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % snapshot.row_count()
    };
    let (mut scans, mut ones, mut many) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..SCANS {
        let start = Instant::now();
        let mut batches = snapshot.scan();
        while let Some(batch) = batches.next().await {
            black_box(sum_of_batch(&batch?));
        }
        scans.push(start.elapsed());
    }
    for _ in 0..READS {
        let start = Instant::now();
        let tensor = column.get(random_row()).await?.ok_or("a null row")?;
        // Copied out, as every other library does it.
        black_box(tensor.bytes().to_vec());
        ones.push(start.elapsed());
    }
    for _ in 0..BATCHES {
        let rows: Vec<u64> = (0..BATCH_ROWS).map(|_| random_row()).collect();
        let start = Instant::now();
        black_box(column.take(&rows).await?);
        many.push(start.elapsed());
    }
    Ok((median(scans), median(ones), median(many)))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
