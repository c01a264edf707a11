//! Reads every row of a dataset of vectors once, in an order of its own, and checks each: `remote-reader LOCATION SEED`.
//!
//! The stores, and the cache, are those of the environment.

use std::error::Error;

use arrow_array::cast::AsArray;
use arrow_array::types::Float32Type;
use tenrow::{Dataset, ReadOptions};
use tenrow_tests::block_on_remote;
use tenrow_tests::random::Dice;

/// Rows that are taken at once.
const ROWS: usize = 16;

pub(crate) fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [location, seed] = arguments else {
        return Err("usage: remote-reader LOCATION SEED".into());
    };
    let mut dice = Dice::new(seed.parse()?);
    block_on_remote(async {
        let snapshot = Dataset::open(location).await?.latest().await?;
        let mut rows: Vec<u64> = (0..snapshot.row_count()).collect();
        for last in (1..rows.len()).rev() {
            rows.swap(last, dice.below(last as u64 + 1) as usize);
        }
        let options = ReadOptions::default().with_attributes(["x"]);
        for rows in rows.chunks(ROWS) {
            let batch = snapshot.take_with(rows, &options).await?;
            let vectors = batch.column(0).as_fixed_size_list();
            let width = vectors.value_length() as usize;
            let numbers = vectors.values().as_primitive::<Float32Type>().values();
            for (found, row) in numbers.chunks(width).zip(rows) {
                let right = found
                    .iter()
                    .enumerate()
                    .all(|(place, number)| *number == *row as f32 + place as f32 / 1024.0);
                if !right {
                    return Err(format!("row {row} is wrong").into());
                }
            }
        }
        Ok(())
    })
}
