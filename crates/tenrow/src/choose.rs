//! Ways to choose the rows of views that need no query: the first so many, a budget, a split by chance.

use arrow_array::Float64Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::format::checksum;
use crate::read::ReadOptions;
use crate::snapshot::Snapshot;
use crate::view::View;

/// Rows whose values are added up, or whose ids are looked up, at a time.
const BATCH_ROWS: usize = 1 << 16;

impl View {
    /// How many of its first rows it takes for the sum of `attribute` to reach `budget`; all if it never does.
    ///
    /// Rows come in the order of the view, so of two budgets the smaller one's rows are the first of the larger
    /// one's. A null counts as 0. One read of the attribute, up to there.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the attribute has no numbers, or a negative one.
    pub async fn rows_for_budget(&self, attribute: &str, budget: f64) -> Result<u64> {
        let options = ReadOptions::default().with_attributes([attribute]);
        let all = self.row_numbers().await?.as_list();
        let mut sum = 0.0;
        let mut taken = 0;
        for rows in all.chunks(BATCH_ROWS) {
            if sum >= budget {
                break;
            }
            let batch = self.snapshot().take_with(rows, &options).await?;
            let values = numbers(attribute, batch.column(0))?;
            for value in &values {
                if sum >= budget {
                    break;
                }
                let value = value.unwrap_or(0.0);
                if value.is_nan() || value < 0.0 {
                    return Err(Error::invalid(format!(
                        "{attribute} of row {} is {value}: a budget needs numbers from 0",
                        all[taken as usize]
                    )));
                }
                sum += value;
                taken += 1;
            }
        }
        Ok(taken)
    }
}

fn numbers(attribute: &str, column: &arrow_array::ArrayRef) -> Result<Float64Array> {
    let is_number = column.data_type().is_numeric();
    let cast = is_number.then(|| arrow_cast::cast(column, &arrow_schema::DataType::Float64));
    match cast {
        Some(Ok(values)) => Ok(values.as_primitive::<Float64Type>().clone()),
        _ => Err(Error::invalid(format!(
            "{attribute} is {}: a budget needs numbers",
            column.data_type()
        ))),
    }
}

/// Where a row falls by chance: a number from 0 to below 1 that depends on its stable id and the seed alone.
///
/// The first 53 bits of the xxh3-64 of both, as little-endian 64-bit numbers, seed first.
fn place_by_chance(seed: u64, row_id: u64) -> f64 {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..].copy_from_slice(&row_id.to_le_bytes());
    (checksum(&bytes) >> 11) as f64 / (1u64 << 53) as f64
}

impl Snapshot {
    /// The rows in parts by chance, of about these fractions, each part a view whose rows ascend.
    ///
    /// Where a row falls depends on `seed` and its stable id alone: rows that are appended or deleted later move no
    /// other from one part to another. Fractions may add up to less than 1; the rest is in no part.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if a fraction is not from 0 to 1, or they add up to more than 1.
    pub async fn random_split(&self, seed: u64, fractions: &[f64]) -> Result<Vec<View>> {
        let bounds = bounds(fractions)?;
        let mut parts = vec![Vec::new(); fractions.len()];
        let all: Vec<u64> = (0..self.row_count()).collect();
        for rows in all.chunks(BATCH_ROWS) {
            let ids = self.row_ids(rows).await?;
            for (&row, id) in rows.iter().zip(ids) {
                let place = place_by_chance(seed, id);
                let part = bounds.partition_point(|&bound| bound <= place);
                if let Some(part) = parts.get_mut(part) {
                    part.push(row);
                }
            }
        }
        parts.into_iter().map(|rows| self.rows(rows)).collect()
    }
}

impl Dataset {
    /// Keeps the rows of `snapshot` in parts by chance, as [`random_split`](Snapshot::random_split) makes them: a view of each name,
    /// with the fraction beside it, all in one commit, or none.
    ///
    /// # Errors
    /// As [`random_split`](Snapshot::random_split) and [`create_views`](Self::create_views).
    pub async fn split_views(
        &self,
        snapshot: &Snapshot,
        seed: u64,
        parts: &[(String, f64)],
        replace: bool,
    ) -> Result<Vec<View>> {
        let fractions: Vec<f64> = parts.iter().map(|(_, fraction)| *fraction).collect();
        let rows = snapshot.random_split(seed, &fractions).await?;
        let views = parts.iter().zip(rows).map(|((name, fraction), view)| {
            (name.clone(), view, format!("{fraction} of the rows by chance, seed {seed}"))
        });
        self.create_views(views.collect(), replace).await
    }
}

/// Where each part ends.
fn bounds(fractions: &[f64]) -> Result<Vec<f64>> {
    let mut end = 0.0;
    let mut bounds = Vec::with_capacity(fractions.len());
    for &fraction in fractions {
        if !(0.0..=1.0).contains(&fraction) {
            return Err(Error::invalid(format!("a fraction of {fraction}: expected 0 to 1")));
        }
        end += fraction;
        bounds.push(end);
    }
    // 0.7 + 0.2 + 0.1 is a little less or more than 1 in binary: what is meant is all.
    let last = bounds.last_mut();
    if let Some(last) = last.filter(|last| (**last - 1.0).abs() < 1e-9) {
        *last = 1.0;
    }
    match bounds.iter().find(|&&bound| bound > 1.0) {
        Some(sum) => Err(Error::invalid(format!("fractions that add up to {sum}: at most 1"))),
        None => Ok(bounds),
    }
}
