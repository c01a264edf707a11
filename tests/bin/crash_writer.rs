//! Appends to a dataset and commits, again and again, until it is killed.
//!
//! `test-programs crash-writer DATASET` prints `VERSION ROWS` after each commit. The values of a row follow from
//! its number: see `tenrow_tests::pattern`.

use std::error::Error;
use std::io::Write;

use tenrow::{Columns, DType, Dataset, FileValue, WriteOptions};
use tenrow_tests::{block_on, pattern};

/// Rows of a commit.
const ROWS: u64 = 40;

pub(crate) fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let place = arguments.first().ok_or("usage: crash-writer DATASET")?;
    let options = WriteOptions::default()
        .with_row_group_bytes(1000)
        .with_partition_bytes(2000)
        .with_inline_file_bytes(20);
    block_on(async {
        let dataset = Dataset::open(place).await?;
        loop {
            let mut writer = dataset.writer_with(options.clone()).await?;
            let first = dataset.latest().await?.row_count();
            let rows = first..first + ROWS;
            let files: Vec<_> = rows
                .clone()
                .map(|row| Some(FileValue::new("f", vec![row as u8; (row % 30) as usize])))
                .collect();
            let columns = Columns::new()
                .array("x", pattern::tensors(DType::F32, 10, rows.clone(), true))
                .array("id", pattern::ids(rows.clone()))
                .array("name", pattern::names(rows))
                .files("photo", &files);
            writer.append_columns(columns).await?;
            let snapshot = writer.commit().await?;
            println!("{} {}", snapshot.version(), snapshot.row_count());
            std::io::stdout().flush()?;
        }
    })
}
