//! `tenrow demo`

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use tenrow::{Dataset, ErrorKind, OnProgress, Snapshot};
use tenrow_convert::{Existing, ImportOptions, OpenOptions, Picture, import, open};

use crate::answer::Answer;
use crate::command::Command;
use crate::commands::{files, info, sql};
use crate::fault::Result;
use crate::stores::Stores;
use crate::terminal::Drawing;
use crate::text;

/// The 10,000 digits of MNIST's test set; `data/LICENSE.md` says whose they are.
const IMAGES: (&str, &[u8]) =
    ("t10k-images-idx3-ubyte.gz", include_bytes!("../../data/t10k-images-idx3-ubyte.gz"));
const LABELS: (&str, &[u8]) =
    ("t10k-labels-idx1-ubyte.gz", include_bytes!("../../data/t10k-labels-idx1-ubyte.gz"));

const SHOWN_DIGITS: u64 = 4;
const SHEET_COLUMNS: u32 = 10;
const SHEET_DIGITS: u64 = 100;
const SHEET_MARGIN: u32 = 4;
const TIMED_ROWS: usize = 1000;
/// How dark digits are: of tensors, and of numbers beside them.
const QUESTION: &str = "SELECT label, count(*) AS digits, round(avg(tensor_mean(image)), 1) AS ink \
                        FROM DATASET GROUP BY label ORDER BY ink DESC LIMIT 3";
/// The same rows in every run.
const SEED: u64 = 10_000;

const AFTER: &str = "\
Beside the dataset a picture of some digits is written: digits.png beside digits.

Example:
  tenrow demo digits";

/// Make a dataset of 10,000 handwritten digits, and show it at work
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct DemoArguments {
    /// The dataset to make
    #[arg(default_value = "./tenrow-demo")]
    dir: String,
}

impl Command for DemoArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let location = self.dir.as_str();
        let dataset = stores.place(location)?;
        refuse_existing(&dataset, location).await?;
        let sheet = sheet_path(&dataset);
        if sheet.symlink_metadata().is_ok() {
            let what = "is there already, and is what the picture would be called";
            return Err(format!(
                "{}: {what}: choose another folder: `tenrow demo DIR`",
                sheet.display()
            )
            .into());
        }
        let started = Instant::now();
        let snapshot = import_digits(&dataset).await?;
        let seconds = started.elapsed().as_secs_f64();
        let mut text = vec![
            format!("imported {} in {seconds:.2} s\n", text::counted(10_000, "digit", "digits")),
            info::description(&snapshot).await?,
            format!("the first {SHOWN_DIGITS} rows\n"),
            drawn(&snapshot).await?,
        ];
        write_sheet(&snapshot, &sheet).await?;
        text.push(format!("{SHEET_DIGITS} of them as a picture: {}", sheet.display()));

        let microseconds = timed(&snapshot).await?;
        let rows = text::count(TIMED_ROWS as u64);
        text.push(format!("\n{rows} random rows by their number: {microseconds:.1} µs a row"));

        if let Some((question, answer)) = sql::answered(stores, location, QUESTION).await? {
            text.push(format!("\na question in SQL: {question}\n\n{}", answer.trim_end()));
        }
        text.push("\nthe same file, opened by others:".into());
        let lines = files::opening_lines(&snapshot, location).await?;
        text.extend(lines.iter().map(|line| format!("  {line}")));
        let word = text::shell_word(location);
        text.push(format!(
            "\ngo on with:\n  tenrow info {word}\n  tenrow head {word}\n  tenrow verify {word} --full"
        ));
        let json = move |snapshot: &Snapshot| {
            json!({
                "location": snapshot.storage().to_string(),
                "version": snapshot.version().0,
                "rows": snapshot.row_count(),
                "picture": sheet,
                "microseconds_per_row": microseconds,
            })
        };
        Ok(Answer::of(snapshot, json, move |_| text.join("\n")))
    }
}

async fn refuse_existing(dataset: &Dataset, location: &str) -> Result<()> {
    match dataset.latest().await {
        Ok(_) => {
            let word = text::shell_word(location);
            Err(format!(
                "{location}: already there: open it with `tenrow info {word}`, or choose another folder: `tenrow demo DIR`"
            )
            .into())
        }
        Err(error) if error.kind() == ErrorKind::NotADataset => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Imports the digits as `tenrow import` would, from files beside the dataset for a moment.
async fn import_digits(dataset: &Dataset) -> Result<Snapshot> {
    let folder = Scratch::new()?;
    let mut paths = Vec::new();
    for (name, bytes) in [IMAGES, LABELS] {
        let path = folder.0.join(name);
        std::fs::write(&path, bytes).map_err(|e| format!("{}: {e}", path.display()))?;
        paths.push(path);
    }
    let source = open(&paths, None, &OpenOptions::default())?;
    let options = ImportOptions::default();
    Ok(import(dataset, source, "MNIST", &options, &OnProgress::default()).await?.snapshot)
}

/// A folder of this process, gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        let name = format!("tenrow-demo-{}-{:08x}", std::process::id(), rand::random::<u32>());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind in the folder for temporary files does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The first digits, drawn.
async fn drawn(snapshot: &Snapshot) -> Result<String> {
    let ink = Drawing::always().ink.unwrap_or(tenrow_convert::Ink::Plain);
    let labels = snapshot.tensor_column("label")?;
    let mut text = String::new();
    for (row, picture) in (0..).zip(pictures(snapshot, SHOWN_DIGITS).await?) {
        let label = labels.get(row).await?.map(|tensor| tenrow_values::numbers(&tensor));
        let label = label.and_then(|numbers| numbers.first().copied()).unwrap_or_default();
        text.push_str(&format!("{}row {row}: label {label}\n\n", picture.half_blocks(ink)));
    }
    Ok(text)
}

async fn pictures(snapshot: &Snapshot, count: u64) -> Result<Vec<Picture>> {
    let images = snapshot.tensor_column("image")?;
    let mut pictures = Vec::new();
    for row in 0..count {
        let tensor = images.get(row).await?;
        pictures.extend(tensor.and_then(|tensor| Picture::of_tensor(&tensor)));
    }
    Ok(pictures)
}

/// Beside the dataset, which holds nothing but its own.
fn sheet_path(dataset: &Dataset) -> PathBuf {
    let place = dataset.storage().to_string();
    let place = Path::new(&place);
    let name = format!("{}.png", place.file_name().unwrap_or_default().to_string_lossy());
    match dataset.storage().folder() {
        Some(folder) => folder.with_file_name(name),
        None => PathBuf::from(name),
    }
}

async fn write_sheet(snapshot: &Snapshot, path: &Path) -> Result<()> {
    let pictures = pictures(snapshot, SHEET_DIGITS).await?;
    let pictures: Vec<_> = pictures.into_iter().map(Some).collect();
    let sheet = Picture::contact_sheet(&pictures, SHEET_COLUMNS, SHEET_MARGIN);
    Ok(sheet.ok_or("no pictures to show")?.write_png(path, Existing::Keep)?)
}

/// Microseconds that reading one random image and summing its pixels takes.
async fn timed(snapshot: &Snapshot) -> Result<f64> {
    let mut random = StdRng::seed_from_u64(SEED);
    let rows: Vec<u64> =
        (0..TIMED_ROWS).map(|_| random.random_range(0..snapshot.row_count())).collect();
    let images = snapshot.tensor_column("image")?;
    let started = Instant::now();
    let mut sum = 0u64;
    for row in rows {
        let tensor = images.get(row).await?;
        sum += tensor.map_or(0, |t| t.bytes().iter().map(|&byte| u64::from(byte)).sum());
    }
    // The sum is used, so the pixels were read.
    std::hint::black_box(sum);
    Ok(started.elapsed().as_secs_f64() * 1e6 / TIMED_ROWS as f64)
}
