//! Peak memory while writing 4 GiB: batches of 8 MiB are made on the fly, appended and committed.
//!
//! `tenrow-bench peak [vectors|images]`: prints VmHWM of the
//! process, which counts everything: program, batches, buffers, encoded pages.

use std::error::Error;

use futures::executor::block_on;
use tenrow::Dataset;
use tenrow_benches::{IMAGES, VECTORS, Workload, fresh_folder};

const TOTAL_BYTES: u64 = 4 << 30;
const TARGET_MIB: u64 = 400;

pub(crate) fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let workload = match arguments {
        [name, ..] if name == VECTORS.name => VECTORS,
        _ => IMAGES,
    };
    let rows = TOTAL_BYTES / workload.row_bytes() as u64;
    let before = peak_mib()?;
    block_on(write(Workload { rows, ..workload }))?;
    let peak = peak_mib()?;
    println!(
        "{} × {rows} rows, 4 GiB: peak {peak} MiB ({before} MiB at the start), target {TARGET_MIB}",
        workload.attribute
    );
    Ok(())
}

async fn write(workload: Workload) -> Result<(), Box<dyn Error>> {
    let folder = fresh_folder()?;
    let location = folder.path().join("dataset").display().to_string();
    let mut writer = Dataset::create(&location, workload.schema()?).await?.writer().await?;
    for rows in workload.batches() {
        writer.append_columns(workload.columns(workload.values(rows))?).await?;
    }
    let snapshot = writer.commit().await?;
    assert_eq!(snapshot.row_count(), workload.rows);
    Ok(())
}

/// The most memory that the process ever had, in MiB.
fn peak_mib() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).ok_or("no VmHWM")?;
    Ok(kib.trim().parse::<u64>()? / 1024)
}
