//! SQL against its limits: `cargo run --release -p tenrow-benches --features sql -- sql [PART]…`.
//!
//! | part | measures |
//! |---|---|
//! | `records` | filters, groups, top-k and percentiles over 10,000,000 rows beside `u8[64]`, against DataFusion over a Parquet file of the metadata only; one row by `_row`; a view of half of the rows |
//! | `pictures` | the same queries over 200,000 rows beside `u8[3,64,64]` |
//! | `planning` | planning these queries over the pictures, against DataFusion's |
//! | `nearest` | the nearest 10 of 1,000,000 `f32[768]`, against summing them |
//! | `partitions` | planning over 1,000,000 partitions a query for one of them |
//!
//! Data are made once under `target/bench-data`; the page cache is warm. Both sides of a line run in turns with as many threads as
//! there are processors, and medians are compared.

mod data;
mod nearest;
mod partitions;
mod records;

use std::error::Error;
use std::time::Duration;

use tenrow_benches::Comparison;
use tenrow_sql::Session;
use tokio::runtime::Runtime;

/// What each side of a line gets.
const TIME: Duration = Duration::from_secs(3);

pub(crate) fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let all = ["records", "pictures", "planning", "nearest", "partitions"];
    let parts: Vec<&str> = match arguments {
        [] => all.to_vec(),
        parts => parts.iter().map(String::as_str).collect(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    println!("| figure | tenrow | other | ratio | target | |\n|---|---|---|---|---|---|");
    for part in parts {
        match part {
            "records" => records::run(&runtime, &data::RECORDS)?,
            "pictures" => records::run(&runtime, &data::PICTURES)?,
            "planning" => records::planning(&runtime, &data::PICTURES)?,
            "nearest" => nearest::run(&runtime)?,
            "partitions" => partitions::run(&runtime)?,
            other => return Err(format!("no part {other:?}: there are {}", all.join(", ")).into()),
        }
    }
    Ok(())
}

/// The number of rows that a statement gives; all of them are read.
fn count(runtime: &Runtime, session: &Session, sql: &str) -> usize {
    let batches = runtime.block_on(async { session.sql(sql).await?.collect().await });
    let batches = batches.unwrap_or_else(|error| panic!("{sql}: {}", error.chain()));
    batches.iter().map(|batch| batch.num_rows()).sum()
}

/// A line whose target is a ratio of times.
fn line(figure: &str, found: Comparison, most: f64) {
    let ratio = found.ratio();
    let verdict = if ratio <= most { "met" } else { "**missed**" };
    let (own, other) = (show(found.tenrow), show(found.other));
    println!("| {figure} | {own} | {other} | {ratio:.2} | ≤ {most:.2} | {verdict} |");
}

/// A line whose target is a time.
fn line_of_time(figure: &str, found: Duration, most: Duration) {
    let verdict = if found <= most { "met" } else { "**missed**" };
    println!("| {figure} | {} | | | ≤ {} | {verdict} |", show(found), show(most));
}

fn show(time: Duration) -> String {
    match time.as_secs_f64() * 1e6 {
        micros if micros < 1000.0 => format!("{micros:.1} µs"),
        micros if micros < 1e6 => format!("{:.2} ms", micros / 1e3),
        micros => format!("{:.2} s", micros / 1e6),
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
