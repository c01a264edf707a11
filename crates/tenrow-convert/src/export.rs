//! Rows of a dataset into files of other formats.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_schema::DataType;
use futures::stream::{BoxStream, StreamExt, TryStreamExt, try_unfold};
use tenrow::format::{Attribute, AttributeType, Schema, names_listed};
use tenrow::{FileHandle, ReadOptions, ScanOptions, Snapshot, Verify};

use crate::csv_write::CsvFileWriter;
use crate::error::{ConvertError, Result};
use crate::files_write::FileWriter;
use crate::import::{Progress, batch_bytes};
use crate::jsonl_write::JsonLinesWriter;
use crate::new_file::{Existing, check_here};
use crate::npy_write::{NpyWriter, npy_row_type};
use crate::npz::NpzWriter;
use crate::parquet::ParquetWriter;
use crate::picture::Picture;
use crate::source::rows_per_batch;
use crate::tensor_at::tensor_at;
use crate::whole_files::{file_sized, with_files};

/// Rows whose paths are read together.
const PATH_ROWS: u64 = 4096;
/// Pictures of a contact sheet.
const MAX_SHEET_PICTURES: u64 = 10_000;
/// Pixels of all of them together, about.
const SHEET_PIXELS: u64 = 1 << 26;
/// Pixels that each is wide and high at most.
const MAX_SHEET_SIDE: u64 = 256;
/// Pixels around each.
const SHEET_MARGIN: u32 = 2;
/// Bytes of a file that is looked at as a picture.
const MAX_PICTURE_BYTES: u64 = 1 << 28;

/// A format that rows can be exported to.
///
/// ```
/// use tenrow_convert::ExportFormat;
/// assert_eq!("jsonl".parse::<ExportFormat>()?, ExportFormat::JsonLines);
/// assert_eq!(ExportFormat::of_path("rows.npz".as_ref())?, ExportFormat::Npz);
/// # Ok::<(), tenrow_convert::ConvertError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExportFormat {
    /// A `.npy` file for each tensor or number.
    Npy,
    /// One archive with an array for each tensor or number.
    Npz,
    /// One Parquet file.
    Parquet,
    /// One JSON object a line.
    JsonLines,
    /// A line for each row, and one for the names.
    Csv,
    /// A contact sheet for each attribute of pictures: small ones side by side, in the order of the rows.
    Png,
    /// The files of file attributes, under their names; in the folders that they came from, if their rows have an
    /// attribute `path` that says so.
    Images,
}

impl ExportFormat {
    /// Every format.
    pub const ALL: [ExportFormat; 7] = [
        ExportFormat::Npy,
        ExportFormat::Npz,
        ExportFormat::Parquet,
        ExportFormat::JsonLines,
        ExportFormat::Csv,
        ExportFormat::Png,
        ExportFormat::Images,
    ];

    /// The name on the command line; but for images, the extension too.
    pub const fn name(self) -> &'static str {
        match self {
            ExportFormat::Npy => "npy",
            ExportFormat::Npz => "npz",
            ExportFormat::Parquet => "parquet",
            ExportFormat::JsonLines => "jsonl",
            ExportFormat::Csv => "csv",
            ExportFormat::Png => "png",
            ExportFormat::Images => "images",
        }
    }

    /// Whether a file of it is of one attribute.
    const fn is_of_one_attribute(self) -> bool {
        matches!(self, ExportFormat::Npy | ExportFormat::Png)
    }

    /// The format that the extension of `path` stands for.
    ///
    /// # Errors
    /// If it is none of `.npy`, `.npz`, `.parquet`, `.jsonl`, `.csv` and `.png`.
    pub fn of_path(path: &Path) -> Result<Self> {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        let known = Self::ALL.into_iter().filter(|format| *format != ExportFormat::Images);
        known.into_iter().find(|format| format.name().eq_ignore_ascii_case(extension)).ok_or_else(
            || {
                let reason =
                    "unknown extension: known are .npy, .npz, .parquet, .jsonl, .csv, .png";
                ConvertError::unsupported(path, reason)
            },
        )
    }
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ExportFormat {
    type Err = ConvertError;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.map(Self::name).to_vec();
            ConvertError::column(text, format!("not a format: known are {}", names.join(", ")))
        })
    }
}

/// What an export wrote, and what it had to leave out.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Exported {
    /// The files; of images, the folder only.
    pub paths: Vec<PathBuf>,
    /// How many files there are.
    pub file_count: u64,
    /// Attributes that the format cannot hold, and why.
    pub skipped: Vec<(String, String)>,
    /// Values that are not in the files as they are in the dataset.
    pub remarks: Vec<String>,
}

/// Writes all rows of `snapshot`, or `rows` in the order given, into files in `folder`, which is made if it is not there.
///
/// Names are `<attribute>.npy`, `<attribute>.png`, `data.npz`, `data.parquet`, `data.jsonl`, `data.csv`, and those of the files.
/// Memory: one batch of a scan, and 64 MiB of large files. Dropped before its end, it leaves nothing but files that are whole.
///
/// ```
/// use tenrow::{Attribute, Columns, Dataset, Schema};
/// use tenrow_convert::{Existing, ExportFormat, export};
/// # let folder = tempfile::tempdir()?;
/// # let location = folder.path().join("points").display().to_string();
/// # futures::executor::block_on(async {
/// let dataset = Dataset::create(&location, Schema::new([Attribute::parse("x:u8")?])?).await?;
/// let mut writer = dataset.writer().await?;
/// writer.append_columns(Columns::new().scalars("x", &[1u8, 2, 3])?).await?;
/// let snapshot = writer.commit().await?;
/// let out = folder.path().join("out");
/// let exported = export(&snapshot, None, &out, ExportFormat::Npy, Existing::Keep, &mut |_| {}).await?;
/// assert_eq!(exported.paths, [out.join("x.npy")]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the format can hold none of the attributes, a null that it cannot hold, or what goes wrong
/// while reading and writing: of all rows every page is checked, as what is damaged would look whole in the copy. A file has
/// its name only once it is whole; what was there stays unless it is to be replaced.
pub async fn export(
    snapshot: &Snapshot,
    rows: Option<&[u64]>,
    folder: &Path,
    format: ExportFormat,
    existing: Existing,
    on_progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Exported> {
    let (fitting, skipped) = fitting(snapshot, format)?;
    check_here(folder)?;
    let path_of = |attribute: &Attribute| folder.join(format!("{}.{format}", attribute.name));
    if format.is_of_one_attribute() {
        // All of them before the first is written.
        fitting.iter().try_for_each(|attribute| existing.check(&path_of(attribute)))?;
    }
    std::fs::create_dir_all(folder).map_err(ConvertError::io(folder, "create"))?;
    let rows = rows.map_or(Rows::All, Rows::These);
    let mut run = Run::new(snapshot, rows, existing, on_progress);
    let mut exported = Exported { skipped, ..Exported::default() };
    match format {
        _ if format.is_of_one_attribute() => {
            run.scans(fitting.len());
            for attribute in fitting {
                let path = path_of(attribute);
                run.one_attribute(attribute, format, &path).await?;
                exported.paths.push(path);
            }
        }
        ExportFormat::Images => {
            run.scans(fitting.len());
            for attribute in &fitting {
                let folder = match fitting.len() {
                    1 => folder.to_owned(),
                    _ => folder.join(&attribute.name),
                };
                exported.file_count += run.files(attribute, &folder).await?;
                exported.paths.push(folder);
            }
            return Ok(exported);
        }
        _ => {
            let path = folder.join(format!("data.{format}"));
            run.one_file(&fitting, format, &path).await?;
            exported.paths.push(path);
        }
    }
    exported.file_count = exported.paths.len() as u64;
    exported.remarks = run.remarks;
    Ok(exported)
}

/// Writes all rows of `snapshot`, or `rows` in the order given, into the file `path`, in the format of its extension.
///
/// A row that is given twice is there twice. Without `attributes`, they are all that the format can hold.
///
/// # Errors
/// If a row or attribute does not exist, the format cannot hold one that is asked for, or holds a single one and there
/// are several, and as [`export`].
pub async fn export_file(
    snapshot: &Snapshot,
    rows: Option<&[u64]>,
    attributes: &[String],
    path: &Path,
    existing: Existing,
    on_progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Exported> {
    existing.check(path)?;
    let format = ExportFormat::of_path(path)?;
    let (asked, skipped) = match attributes {
        [] => fitting(snapshot, format)?,
        names => {
            let asked = names.iter().map(|name| snapshot.attribute(name));
            let asked: Vec<&Attribute> = asked.collect::<Result<_, _>>()?;
            asked.iter().try_for_each(|attribute| check_fits(attribute, format))?;
            (asked, Vec::new())
        }
    };
    if let Some(&row) = rows.and_then(|rows| rows.iter().find(|&&row| row >= snapshot.row_count()))
    {
        // The same words as for any other read.
        snapshot.slice(row..row.saturating_add(1)).await?;
    }
    let mut run = Run::new(snapshot, rows.map_or(Rows::All, Rows::These), existing, on_progress);
    match asked.as_slice() {
        [attribute] if format.is_of_one_attribute() => {
            run.one_attribute(attribute, format, path).await?;
        }
        _ if format.is_of_one_attribute() => {
            let names = names_listed(asked.iter().map(|a| a.name.as_str()));
            let reason = format!(
                "a {format} file is of one attribute: choose one of {names} with --attribute"
            );
            return Err(ConvertError::unsupported(path, reason));
        }
        asked => run.one_file(asked, format, path).await?,
    }
    let paths = vec![path.to_owned()];
    Ok(Exported { paths, file_count: 1, skipped, remarks: run.remarks })
}

type Skipped = Vec<(String, String)>;

/// The attributes that the format can hold, and the others.
fn fitting(snapshot: &Snapshot, format: ExportFormat) -> Result<(Vec<&Attribute>, Skipped)> {
    let (mut fitting, mut skipped) = (Vec::new(), Vec::new());
    for attribute in snapshot.schema().attributes() {
        // The files of a dataset are asked for: that the rest is no file goes without saying.
        if format == ExportFormat::Images && attribute.attribute_type != AttributeType::File {
            continue;
        }
        match check_fits(attribute, format) {
            Ok(()) => fitting.push(attribute),
            Err(reason) => skipped.push((attribute.name.clone(), reason.to_string())),
        }
    }
    if fitting.is_empty() {
        let names = names_listed(snapshot.schema().attributes().iter().map(|a| a.name.as_str()));
        let reason = format!("{format} can hold none of them: export as parquet");
        return Err(ConvertError::column(&names, reason));
    }
    Ok((fitting, skipped))
}

/// Refuses an attribute that the format cannot hold.
fn check_fits(attribute: &Attribute, format: ExportFormat) -> Result<()> {
    match (format, &attribute.attribute_type) {
        (ExportFormat::Npy | ExportFormat::Npz, attribute_type) => {
            npy_row_type(&attribute.name, attribute_type).map(|_| ())
        }
        (ExportFormat::Csv, AttributeType::File) => {
            let reason = "a csv file holds no files: export them as images, or all as parquet";
            Err(ConvertError::column(&attribute.name, reason))
        }
        (ExportFormat::Png, attribute_type) => {
            let is_picture = match attribute_type {
                AttributeType::File => true,
                AttributeType::Tensor { shape, .. } => Picture::is_shape(shape.dims()),
                AttributeType::VariableTensor { shape, .. } => matches!(shape.rank(), 2 | 3),
                _ => false,
            };
            let reason = "these are no pictures, which a png file shows";
            is_picture.then_some(()).ok_or_else(|| ConvertError::column(&attribute.name, reason))
        }
        _ => Ok(()),
    }
}

/// Which rows, and in which order.
#[derive(Clone, Copy)]
enum Rows<'a> {
    All,
    These(&'a [u64]),
}

/// One export on its way.
struct Run<'a> {
    snapshot: &'a Snapshot,
    rows: Rows<'a>,
    existing: Existing,
    remarks: Vec<String>,
    progress: Progress,
    on_progress: &'a mut (dyn FnMut(Progress) + Send),
}

impl<'a> Run<'a> {
    fn new(
        snapshot: &'a Snapshot,
        rows: Rows<'a>,
        existing: Existing,
        on_progress: &'a mut (dyn FnMut(Progress) + Send),
    ) -> Self {
        let (remarks, progress) = (Vec::new(), Progress::default());
        let mut run = Self { snapshot, rows, existing, remarks, progress, on_progress };
        run.scans(1);
        run
    }

    /// Says how often the rows are gone over.
    fn scans(&mut self, count: usize) {
        self.progress.total_rows = Some(self.row_count().saturating_mul(count as u64));
    }

    fn row_count(&self) -> u64 {
        match self.rows {
            Rows::All => self.snapshot.row_count(),
            Rows::These(rows) => rows.len() as u64,
        }
    }

    async fn advance(&mut self, batch: &RecordBatch) {
        self.progress.rows += batch.num_rows() as u64;
        self.progress.bytes += batch_bytes(batch);
        self.report().await;
    }

    async fn report(&mut self) {
        (self.on_progress)(self.progress);
        // Local files are read without ever waiting, and whoever waits for Ctrl-C has to be asked in between.
        tokio::task::yield_now().await;
    }

    fn batches(&self, attributes: &[&Attribute]) -> BoxStream<'a, Result<RecordBatch>> {
        let read = ReadOptions::default().with_attributes(attributes.iter().map(|a| &a.name));
        match self.rows {
            Rows::All => {
                let options = ScanOptions::default().with_read(read.with_verify(Verify::Always));
                self.snapshot.scan_with(&options).map_err(ConvertError::from).boxed()
            }
            Rows::These(rows) => {
                let row_bytes = attributes.iter().map(|a| row_bytes(a)).sum();
                let step = rows_per_batch(row_bytes) as usize;
                let snapshot = self.snapshot;
                try_unfold((rows, read), move |(rows, read)| async move {
                    if rows.is_empty() {
                        return Ok(None);
                    }
                    let (now, later) = rows.split_at(step.min(rows.len()));
                    let batch = snapshot.take_with(now, &read).await?;
                    Ok(Some((batch, (later, read))))
                })
                .boxed()
            }
        }
    }

    async fn npy(&mut self, attribute: &Attribute, path: &Path) -> Result<()> {
        let (dtype, dims) = npy_row_type(&attribute.name, &attribute.attribute_type)?;
        let mut writer =
            NpyWriter::create_with(path, self.existing, dtype, &dims, self.row_count())?;
        let mut batches = self.batches(&[attribute]);
        while let Some(batch) = batches.next().await.transpose()? {
            writer.write(batch.column(0))?;
            self.advance(&batch).await;
        }
        writer.finish()
    }

    async fn one_attribute(
        &mut self,
        attribute: &Attribute,
        format: ExportFormat,
        path: &Path,
    ) -> Result<()> {
        match format {
            ExportFormat::Png => self.contact_sheet(attribute, path).await,
            _ => self.npy(attribute, path).await,
        }
    }

    /// A place for each row, empty if there is no picture in it.
    async fn contact_sheet(&mut self, attribute: &Attribute, path: &Path) -> Result<()> {
        self.existing.check(path)?;
        let count = self.row_count();
        if count == 0 || count > MAX_SHEET_PICTURES {
            let reason = format!(
                "a contact sheet has 1 to {MAX_SHEET_PICTURES} pictures, and here are {count} rows: choose some, with `tenrow take --rows`, or a view"
            );
            return Err(ConvertError::unsupported(path, reason));
        }
        let side = (SHEET_PIXELS / count).isqrt().min(MAX_SHEET_SIDE) as u32;
        let mut pictures = Vec::new();
        if attribute.attribute_type == AttributeType::File {
            let files = self.snapshot.files(&attribute.name)?;
            for place in 0..count {
                let file = files.get(self.row_at(place)).await?;
                let picture = match file.filter(|file| file.size_bytes <= MAX_PICTURE_BYTES) {
                    Some(file) => Picture::of_file(&file.read().await?),
                    None => None,
                };
                pictures.push(picture.map(|picture| picture.within(side, side)));
                self.progress.rows += 1;
                self.report().await;
            }
        } else {
            let mut batches = self.batches(&[attribute]);
            while let Some(batch) = batches.next().await.transpose()? {
                for row in 0..batch.num_rows() {
                    let tensor = tensor_at(&attribute.attribute_type, batch.column(0), row);
                    let picture = tensor.and_then(|tensor| Picture::of_tensor(&tensor));
                    pictures.push(picture.map(|picture| picture.within(side, side)));
                }
                self.advance(&batch).await;
            }
        }
        let columns = (pictures.len() as u32 - 1).isqrt() + 1;
        let sheet = Picture::contact_sheet(&pictures, columns, SHEET_MARGIN).ok_or_else(|| {
            ConvertError::column(&attribute.name, "none of these rows has a picture in it")
        })?;
        sheet.write_png(path, self.existing)
    }

    /// What the rows at these places have in the attribute `path`, where imports of folders keep it.
    async fn paths(&mut self, places: Range<u64>) -> Result<Vec<Option<String>>> {
        let known = self.snapshot.schema().attributes().iter();
        let mut known = known.filter(|a| a.attribute_type == AttributeType::Value(DataType::Utf8));
        if !known.any(|attribute| attribute.name == "path") {
            return Ok(Vec::new());
        }
        let rows: Vec<u64> = places.map(|place| self.row_at(place)).collect();
        let read = ReadOptions::default().with_attributes(["path"]);
        let batch = self.snapshot.take_with(&rows, &read).await?;
        let texts = batch.column(0).as_string::<i32>();
        Ok(texts.iter().map(|text| text.map(str::to_owned)).collect())
    }

    fn row_at(&self, place: u64) -> u64 {
        match self.rows {
            Rows::All => place,
            Rows::These(rows) => rows[place as usize],
        }
    }

    async fn one_file(
        &mut self,
        attributes: &[&Attribute],
        format: ExportFormat,
        path: &Path,
    ) -> Result<()> {
        if format == ExportFormat::Npz {
            return self.npz(attributes, path).await;
        }
        let schema = Schema::new(attributes.iter().map(|&a| a.clone()))?;
        let mut writer = TableWriter::create(path, self.existing, format, &schema)?;
        let mut batches = self.batches(attributes);
        while let Some(batch) = batches.next().await.transpose()? {
            for rows in file_sized(&batch, &schema) {
                let part = batch.slice(rows.start, rows.len());
                writer.write(&with_files(self.snapshot, &part, &schema).await?)?;
            }
            self.advance(&batch).await;
        }
        self.remarks.extend(writer.remarks());
        writer.finish()
    }

    async fn npz(&mut self, attributes: &[&Attribute], path: &Path) -> Result<()> {
        let mut writer = NpzWriter::create_with(path, self.existing)?;
        self.scans(attributes.len());
        for &attribute in attributes {
            let (dtype, dims) = npy_row_type(&attribute.name, &attribute.attribute_type)?;
            writer.start_array(&attribute.name, dtype, &dims, self.row_count())?;
            let mut batches = self.batches(&[attribute]);
            while let Some(batch) = batches.next().await.transpose()? {
                writer.write(batch.column(0))?;
                self.advance(&batch).await;
            }
        }
        writer.finish()
    }

    /// Copies the files of one attribute piece by piece, and returns how many there were.
    async fn files(&mut self, attribute: &Attribute, folder: &Path) -> Result<u64> {
        let column = self.snapshot.files(&attribute.name)?;
        let mut writer = FileWriter::create(folder, self.existing)?;
        let (mut count, mut paths) = (0, Vec::new());
        for place in 0..self.row_count() {
            if place % PATH_ROWS == 0 {
                paths = self.paths(place..self.row_count().min(place + PATH_ROWS)).await?;
            }
            if let Some(file) = column.get(self.row_at(place)).await? {
                let path = paths.get((place % PATH_ROWS) as usize).and_then(Option::as_deref);
                let mut part = writer.begin(name_of(&file, path))?;
                let mut pieces = file.pieces();
                while let Some(piece) = pieces.try_next().await? {
                    part.write_piece(&piece)?;
                }
                writer.keep(part)?;
                count += 1;
                self.progress.bytes += file.size_bytes;
            }
            self.progress.rows += 1;
            self.report().await;
        }
        Ok(count)
    }
}

/// The path that the file had in the folder it came from, if its row has it, else its name.
fn name_of<'a>(file: &'a FileHandle, path: Option<&'a str>) -> Option<&'a str> {
    let name = file.name.as_deref();
    let ends_so = |path: &&str| path.rsplit('/').next() == name;
    path.filter(ends_so).or(name)
}

/// Bytes that a row is likely to have; for files, those that are kept in their row at most.
fn row_bytes(attribute: &Attribute) -> u64 {
    match &attribute.attribute_type {
        AttributeType::Tensor { dtype, shape } => shape.byte_len(*dtype).unwrap_or(u64::MAX >> 16),
        AttributeType::Scalar(_) => 8,
        AttributeType::File => 1 << 20,
        _ => 1 << 10,
    }
}

enum TableWriter {
    Parquet(ParquetWriter),
    JsonLines(JsonLinesWriter),
    Csv(CsvFileWriter),
}

impl TableWriter {
    fn create(
        path: &Path,
        existing: Existing,
        format: ExportFormat,
        schema: &Schema,
    ) -> Result<Self> {
        Ok(match format {
            ExportFormat::Parquet => {
                Self::Parquet(ParquetWriter::create_with(path, existing, schema)?)
            }
            ExportFormat::Csv => Self::Csv(CsvFileWriter::create_with(path, existing, schema)?),
            _ => Self::JsonLines(JsonLinesWriter::create_with(path, existing, schema)?),
        })
    }

    fn remarks(&self) -> Vec<String> {
        match self {
            TableWriter::Parquet(_) => Vec::new(),
            TableWriter::JsonLines(writer) => writer.remarks(),
            TableWriter::Csv(writer) => writer.remarks(),
        }
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match self {
            TableWriter::Parquet(writer) => writer.write(batch),
            TableWriter::JsonLines(writer) => writer.write(batch),
            TableWriter::Csv(writer) => writer.write(batch),
        }
    }

    fn finish(self) -> Result<()> {
        match self {
            TableWriter::Parquet(writer) => writer.finish(),
            TableWriter::JsonLines(writer) => writer.finish(),
            TableWriter::Csv(writer) => writer.finish(),
        }
    }
}

#[cfg(test)]
mod tests;
