//! A scan feeding a computation: mean and standard deviation of each channel of all pictures.

use std::path::Path;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt8Type;
use futures::TryStreamExt;
use futures::executor::block_on;
use ndarray::Array4;
use tenrow::{Attribute, Columns, Dataset, ReadOptions, ScanOptions, Schema};
use tenrow_examples::{Outcome, in_folder};

const CHANNELS: usize = 3;
const PIXELS: usize = 16 * 16;

fn main() -> Outcome {
    in_folder(run)
}

/// Writes 500 pictures and computes over one scan of them.
pub(crate) fn run(folder: &Path) -> Outcome {
    block_on(async {
        let schema =
            Schema::new([Attribute::parse("image:u8[3,16,16]")?, Attribute::parse("label:i64")?])?;
        let location = folder.join("pictures").display().to_string();
        let dataset = Dataset::create(&location, schema).await?;
        let images = Array4::from_shape_fn((500, CHANNELS, 16, 16), |(row, channel, y, x)| {
            (channel * 50 + (row + y + x) % 50) as u8
        });
        let labels: Vec<i64> = (0..500).collect();
        let mut writer = dataset.writer().await?;
        let columns = Columns::new().tensors("image", &images).scalars("label", &labels);
        writer.append_columns(columns).await?;
        let snapshot = writer.commit().await?;

        // Only the attribute that is needed is read. A batch is as long as suits the file, and its
        // memory is the mapped file: however large the dataset, this needs next to no memory.
        let only_images = ReadOptions::default().with_attributes(["image"]);
        let mut batches = snapshot.scan_with(&ScanOptions::default().with_read(only_images));
        let mut moments = [Moments::default(); CHANNELS];
        while let Some(batch) = batches.try_next().await? {
            let rows = batch.column(0).as_fixed_size_list();
            for row in 0..rows.len() {
                let elements = rows.value(row);
                let elements = elements.as_primitive::<UInt8Type>().values();
                for (moments, channel) in moments.iter_mut().zip(elements.chunks_exact(PIXELS)) {
                    moments.add(channel);
                }
            }
        }

        for (channel, moments) in moments.iter().enumerate() {
            println!(
                "channel {channel}: mean {:.2}, deviation {:.2}",
                moments.mean(),
                moments.deviation()
            );
        }
        let expected = images.index_axis(ndarray::Axis(1), 2).mapv(f64::from);
        assert!((moments[2].mean() - expected.mean().expect("pixels")).abs() < 1e-9);
        assert!((moments[2].deviation() - expected.std(0.0)).abs() < 1e-9);
        Ok(())
    })
}

/// Count, sum and sum of squares of the pixels seen: whole numbers, so nothing is rounded.
#[derive(Clone, Copy, Default)]
struct Moments {
    count: u64,
    sum: u64,
    sum_of_squares: u64,
}

impl Moments {
    fn add(&mut self, pixels: &[u8]) {
        self.count += pixels.len() as u64;
        self.sum += pixels.iter().map(|&p| u64::from(p)).sum::<u64>();
        self.sum_of_squares += pixels.iter().map(|&p| u64::from(p).pow(2)).sum::<u64>();
    }

    fn mean(&self) -> f64 {
        self.sum as f64 / self.count as f64
    }

    fn deviation(&self) -> f64 {
        (self.sum_of_squares as f64 / self.count as f64 - self.mean().powi(2)).sqrt()
    }
}
