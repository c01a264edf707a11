//! Rows of metadata beside a tensor, and a Parquet file of the metadata only.

use std::error::Error;
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, FixedSizeListArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    UInt8Array,
};
use arrow_schema::{DataType, Field};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tenrow::{Attribute, Dataset, Schema};
use tenrow_benches::bench_folder;

/// Rows appended at a time.
const BATCH_ROWS: u64 = 50_000;

/// Metadata of so many rows, beside a tensor of so many bytes.
pub(super) struct Records {
    pub(super) name: &'static str,
    pub(super) rows: u64,
    tensor: &'static str,
    tensor_bytes: usize,
}

pub(super) const RECORDS: Records =
    Records { name: "records", rows: 10_000_000, tensor: "vector:u8[64]", tensor_bytes: 64 };

pub(super) const PICTURES: Records =
    Records { name: "pictures", rows: 200_000, tensor: "image:u8[3,64,64]", tensor_bytes: 12_288 };

const METADATA: [&str; 6] =
    ["id:i64", "label:i32", "split:string", "perplexity:f64", "length:i64", "title:string"];

impl Records {
    /// The root that the dataset is in.
    pub(super) fn root(&self) -> PathBuf {
        bench_folder().join(format!("sql-{}", self.name))
    }

    /// The file of the metadata.
    pub(super) fn plain(&self) -> PathBuf {
        self.root().join("metadata.parquet")
    }

    /// Makes both, if no earlier run has.
    pub(super) async fn make(&self) -> Result<(), Box<dyn Error>> {
        let root = self.root();
        if root.join("complete").exists() {
            return Ok(());
        }
        if root.exists() {
            fs::remove_dir_all(&root)?;
        }
        fs::create_dir_all(&root)?;
        let attributes = METADATA.iter().chain([&self.tensor]).map(|text| Attribute::parse(text));
        let schema = Schema::new(attributes.collect::<Result<Vec<_>, _>>()?)?;
        let location = root.join(self.name).display().to_string();
        let mut writer = Dataset::create(&location, schema).await?.writer().await?;
        let file = File::create(self.plain())?;
        let zstd = Compression::ZSTD(ZstdLevel::try_new(3)?);
        let properties = WriterProperties::builder().set_compression(zstd).build();
        let mut plain =
            ArrowWriter::try_new(file, self.metadata(0, 0)?.schema(), Some(properties))?;
        for first in (0..self.rows).step_by(BATCH_ROWS as usize) {
            let metadata = self.metadata(first, BATCH_ROWS.min(self.rows - first))?;
            plain.write(&metadata)?;
            writer.append(&self.with_tensors(&metadata)?).await?;
        }
        plain.close()?;
        writer.commit().await?;
        Ok(fs::write(root.join("complete"), "")?)
    }

    fn metadata(&self, first: u64, count: u64) -> Result<RecordBatch, Box<dyn Error>> {
        let rows = || first..first + count;
        let float = |row: u64| (random(row) >> 11) as f64 / (1u64 << 53) as f64;
        let split = |row: u64| if random(row ^ 3).is_multiple_of(10) { "test" } else { "train" };
        let columns: [ArrayRef; 6] = [
            Arc::new(Int64Array::from_iter_values(rows().map(|row| row as i64))),
            Arc::new(Int32Array::from_iter_values(
                rows().map(|row| (random(row ^ 5) % 100) as i32),
            )),
            Arc::new(StringArray::from_iter_values(rows().map(split))),
            Arc::new(Float64Array::from_iter_values(rows().map(|row| 1000.0 * float(row ^ 7)))),
            Arc::new(Int64Array::from_iter_values(
                rows().map(|row| (random(row ^ 9) % 5000) as i64),
            )),
            Arc::new(StringArray::from_iter_values(
                rows().map(|row| format!("document {:08x}", random(row ^ 11) as u32)),
            )),
        ];
        let names = METADATA.iter().map(|text| text.split(':').next().unwrap_or(text));
        Ok(RecordBatch::try_from_iter_with_nullable(
            names.zip(columns).map(|(name, column)| (name, column, false)),
        )?)
    }

    fn with_tensors(&self, metadata: &RecordBatch) -> Result<RecordBatch, Box<dyn Error>> {
        let bytes = metadata.num_rows() * self.tensor_bytes;
        let words = (0..bytes.div_ceil(8) as u64).flat_map(|word| random(word).to_le_bytes());
        let item = Arc::new(Field::new("item", DataType::UInt8, true));
        let values = Arc::new(UInt8Array::from_iter_values(words.take(bytes)));
        let tensors = FixedSizeListArray::try_new(item, self.tensor_bytes as i32, values, None)?;
        let schema = metadata.schema();
        let mut columns: Vec<(&str, ArrayRef, bool)> = Vec::new();
        for (field, column) in schema.fields().iter().zip(metadata.columns()) {
            columns.push((field.name(), column.clone(), false));
        }
        let name = self.tensor.split(':').next().unwrap_or(self.tensor);
        columns.push((name, Arc::new(tensors), false));
        Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
    }
}

/// A well-mixed word of a number: splitmix64.
fn random(number: u64) -> u64 {
    let mut word = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
