//! The data: pseudo-random, the same everywhere, made once under `target/bench-data`.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use futures::executor::block_on;
use tenrow::{
    Attribute, Columns, DType, Dataset, DatasetWriter, FileColumn, FileValue, PageChecks,
    ReadOptions, ScanOptions, Schema, Snapshot, Tensor, TensorColumn, WriteOptions,
};

use crate::generic::sum_of_batch;
use crate::{GenericReader, RawFile, sum};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Bytes of rows appended at a time.
const BATCH_BYTES: usize = 8 << 20;
/// Files of the file dataset, and their sizes.
const FILE_COUNT: u64 = 2_000;
const FILE_BYTES: Range<u64> = 90_000..110_000;

/// Tensors of one shape.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// Its name, of its folder too.
    pub name: &'static str,
    /// The attribute as `tenrow create` takes it.
    pub attribute: &'static str,
    /// The element type.
    pub dtype: DType,
    /// The shape of a row.
    pub shape: &'static [u64],
    /// The number of rows.
    pub rows: u64,
}

/// `f32[784]` × 60,000: 188 MB in rows of 3 KB.
pub const VECTORS: Workload = Workload {
    name: "vectors",
    attribute: "x:f32[784]",
    dtype: DType::F32,
    shape: &[784],
    rows: 60_000,
};

/// `u8[3,224,224]` × 4,000: 602 MB in rows of 150 KB.
pub const IMAGES: Workload = Workload {
    name: "images",
    attribute: "x:u8[3,224,224]",
    dtype: DType::U8,
    shape: &[3, 224, 224],
    rows: 4_000,
};

impl Workload {
    /// Bytes of a row.
    pub fn row_bytes(&self) -> usize {
        let elements: u64 = self.shape.iter().product();
        (elements * self.dtype.item_bits() / 8) as usize
    }

    /// Bytes of all rows.
    pub fn bytes(&self) -> u64 {
        self.rows * self.row_bytes() as u64
    }

    /// The schema: this attribute alone.
    ///
    /// # Errors
    /// None, the texts above being right.
    pub fn schema(&self) -> Result<Schema> {
        Ok(Schema::new([Attribute::parse(self.attribute)?])?)
    }

    /// Rows that a writer can take.
    ///
    /// # Errors
    /// None if `bytes` are whole rows.
    pub fn columns(&self, bytes: Bytes) -> Result<Columns> {
        let rows = (bytes.len() / self.row_bytes()) as u64;
        let shape: Vec<u64> = std::iter::once(rows).chain(self.shape.iter().copied()).collect();
        Ok(Columns::new().tensors("x", Tensor::new(self.dtype, &shape, bytes)?))
    }

    /// The values of these rows: random bytes, and for floats random numbers from 0 to 1.
    pub fn values(&self, rows: Range<u64>) -> Bytes {
        let words = self.row_bytes() as u64 / 8;
        let words = (rows.start * words..rows.end * words).map(random);
        match self.dtype {
            DType::F32 => words
                .flat_map(|word| [word as u32, (word >> 32) as u32])
                .flat_map(|bits| ((bits >> 8) as f32 / (1u32 << 24) as f32).to_le_bytes())
                .collect::<Vec<u8>>()
                .into(),
            _ => words.flat_map(u64::to_le_bytes).collect::<Vec<u8>>().into(),
        }
    }

    /// The rows, as many at a time as are appended at once.
    pub fn batches(&self) -> impl Iterator<Item = Range<u64>> + use<> {
        let step = (BATCH_BYTES / self.row_bytes()).max(1) as u64;
        let rows = self.rows;
        (0..rows).step_by(step as usize).map(move |row| row..rows.min(row + step))
    }

    /// Row numbers in random order, all different.
    pub fn random_rows(&self, count: usize, seed: u64) -> Vec<u64> {
        let mut rows: Vec<u64> = (0..self.rows).collect();
        rows.sort_by_key(|&row| random(row ^ random(seed)));
        rows.truncate(count);
        rows
    }
}

/// One dataset of tensors, and the same bytes in an array file.
pub struct Tensors {
    /// What it holds.
    pub workload: Workload,
    /// The newest version.
    pub snapshot: Snapshot,
    /// Its attribute.
    pub column: TensorColumn,
    /// The array file.
    pub raw: RawFile,
    /// The dataset's Parquet file, as arrow-rs reads it.
    pub generic: GenericReader,
}

impl Tensors {
    /// Opens what an earlier run made, or makes it.
    ///
    /// # Errors
    /// Those of reading and writing; after the format changed, remove `target/bench-data`.
    pub fn open(workload: Workload) -> Result<Self> {
        let folder = bench_folder().join(workload.name);
        if !folder.join("complete").exists() {
            make_again(&folder)?;
            write_tensors(&workload, &folder)?;
            fs::write(folder.join("complete"), "")?;
        }
        let location = folder.join("dataset");
        let snapshot = block_on(async {
            Dataset::open(&location.display().to_string()).await?.latest().await
        })?;
        let partitions = block_on(snapshot.partition_entries())?;
        let parquet = location.join(&partitions[0].files[0].path);
        let column = snapshot.tensor_column("x")?;
        let raw = RawFile::open(&folder.join("array.raw"))?;
        Ok(Self { workload, snapshot, column, raw, generic: GenericReader::open(&parquet)? })
    }
}

impl Tensors {
    /// One row, and the sum of it.
    pub fn get_sum(&self, row: u64) -> u64 {
        let tensor = block_on(self.column.get(row)).expect("the dataset is whole");
        sum(tensor.expect("no row is null").bytes())
    }

    /// The sum of a scan over all rows.
    pub fn scan_sum(&self, verify: PageChecks) -> u64 {
        let options =
            ScanOptions::default().with_read(ReadOptions::default().with_page_checks(verify));
        let batches = self.snapshot.scan_with(&options);
        let sums = batches.map(|batch| sum_of_batch(&batch.expect("the dataset is whole")));
        block_on(sums.fold(0u64, |total, sum| async move { total.wrapping_add(sum) }))
    }
}

/// A dataset of files of about 100 KB, each kept in its row, and the same bytes in one file.
pub struct Files {
    /// The files.
    pub column: FileColumn,
    /// All of them, one after another.
    pub raw: RawFile,
    /// Where each lies in `raw`.
    pub places: Vec<Range<u64>>,
}

impl Files {
    /// Opens what an earlier run made, or makes it.
    ///
    /// # Errors
    /// Those of reading and writing.
    pub fn open() -> Result<Self> {
        let folder = bench_folder().join("files");
        let location = folder.join("dataset").display().to_string();
        let places = file_places();
        if !folder.join("complete").exists() {
            make_again(&folder)?;
            write_files(&folder, &location, &places)?;
            fs::write(folder.join("complete"), "")?;
        }
        let snapshot = block_on(async { Dataset::open(&location).await?.latest().await })?;
        let raw = RawFile::open(&folder.join("array.raw"))?;
        Ok(Self { column: snapshot.file_column("photo")?, raw, places })
    }
}

/// Appends all rows of `workload`, taken from `bytes`.
///
/// # Errors
/// Those of the writer.
pub async fn append_all(
    writer: &mut DatasetWriter,
    workload: &Workload,
    bytes: &Bytes,
) -> Result<()> {
    for rows in workload.batches() {
        let (start, end) = (rows.start as usize, rows.end as usize);
        let bytes = bytes.slice(start * workload.row_bytes()..end * workload.row_bytes());
        writer.append_columns(workload.columns(bytes)?).await?;
    }
    Ok(())
}

/// Writes all rows of `workload` to a new dataset in `folder`, and says how long writer, appends and
/// commit took.
///
/// # Errors
/// Those of the writer.
pub async fn write_dataset(workload: &Workload, bytes: &Bytes, folder: &Path) -> Result<Duration> {
    let location = folder.join("dataset").display().to_string();
    let dataset = Dataset::create(&location, workload.schema()?).await?;
    let start = Instant::now();
    let mut writer = dataset.writer().await?;
    append_all(&mut writer, workload, bytes).await?;
    writer.commit().await?;
    Ok(start.elapsed())
}

/// Where the data of the benches are kept.
pub fn bench_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench-data")
}

/// A new folder beside the data, on the same file system, removed when dropped.
///
/// # Errors
/// Those of making it.
pub fn fresh_folder() -> std::io::Result<tempfile::TempDir> {
    fs::create_dir_all(bench_folder())?;
    tempfile::tempdir_in(bench_folder())
}

fn make_again(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(fs::create_dir_all(folder)?)
}

fn write_tensors(workload: &Workload, folder: &Path) -> Result<()> {
    let mut raw = fs::File::create(folder.join("array.raw"))?;
    let location = folder.join("dataset").display().to_string();
    block_on(async {
        let dataset = Dataset::create(&location, workload.schema()?).await?;
        // One file, so that arrow-rs, which knows nothing of datasets, has one to open.
        let options = WriteOptions::default().with_partition_bytes(u64::MAX);
        let mut writer = dataset.writer_with(options).await?;
        for rows in workload.batches() {
            let bytes = workload.values(rows);
            raw.write_all(&bytes)?;
            writer.append_columns(workload.columns(bytes)?).await?;
        }
        writer.commit().await?;
        Ok(())
    })
}

fn file_places() -> Vec<Range<u64>> {
    let mut end = 0;
    let places = (0..FILE_COUNT).map(|file| {
        let start = end;
        end += FILE_BYTES.start + random(file) % (FILE_BYTES.end - FILE_BYTES.start);
        start..end
    });
    places.collect()
}

fn write_files(folder: &Path, location: &str, places: &[Range<u64>]) -> Result<()> {
    let mut raw = fs::File::create(folder.join("array.raw"))?;
    block_on(async {
        let schema = Schema::new([Attribute::parse("photo:file")?])?;
        let mut writer = Dataset::create(location, schema).await?.writer().await?;
        for places in places.chunks(64) {
            let mut files = Vec::with_capacity(places.len());
            for place in places {
                let words = (place.start..place.end).map(|at| random(at) as u8);
                let bytes: Vec<u8> = words.collect();
                raw.write_all(&bytes)?;
                files.push(Some(FileValue::new(format!("{}.jpg", place.start), bytes)));
            }
            writer.append_columns(Columns::new().files("photo", &files)).await?;
        }
        writer.commit().await?;
        Ok(())
    })
}

/// SplitMix64: a good random number for every number.
fn random(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
