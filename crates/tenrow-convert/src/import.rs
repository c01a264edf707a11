//! A source into a dataset: one commit, or nothing.

use std::collections::HashMap;
use std::path::PathBuf;
use std::thread::JoinHandle;

use arrow_array::{RecordBatch, new_empty_array};
use tenrow::engine::names_listed;
use tenrow::{
    Attribute, CreateOptions, Dataset, DatasetWriter, Encoding, Error, ErrorKind, OnProgress,
    Progress, Schema, Snapshot, WriteOptions,
};
use tenrow_values::{CastMode, ConvertError, Result, batch_of, cast_batch, of_new_dataset};
use tokio::sync::mpsc;

use crate::batch_bytes::batch_bytes;
use crate::detect::open;
use crate::folders::table_files;
use crate::format::Format;
use crate::formats::check_in_place;
use crate::open_options::OpenOptions;
use crate::source::Source;

/// Batches read ahead of the one being written.
const READ_AHEAD: usize = 1;

/// How a source becomes rows of a dataset.
///
/// ```
/// use tenrow_convert::{CastMode, ImportOptions};
/// let options = ImportOptions::default().with_cast(CastMode::Safe);
/// assert!(options.encodings.is_empty());
/// ```
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// What may be done to values of other types than the dataset's. Default: nothing.
    pub cast: CastMode,
    /// Encodings by attribute; only for a dataset that is created. Default: none.
    pub encodings: Vec<(String, Encoding)>,
    /// What a dataset that is created starts with.
    pub create: CreateOptions,
    /// How the rows are laid out.
    pub write: WriteOptions,
}

impl ImportOptions {
    /// Sets what may be done to values of other types than the dataset's.
    #[must_use]
    pub fn with_cast(mut self, cast: CastMode) -> Self {
        self.cast = cast;
        self
    }

    /// Sets the encoding of an attribute.
    #[must_use]
    pub fn with_encoding(mut self, attribute: impl Into<String>, encoding: Encoding) -> Self {
        self.encodings.push((attribute.into(), encoding));
        self
    }

    /// Sets how the rows are laid out.
    #[must_use]
    pub fn with_write(mut self, write: WriteOptions) -> Self {
        self.write = write;
        self
    }
}

/// What an import did.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Imported {
    /// The version that has the rows.
    pub snapshot: Snapshot,
    /// Rows that were added.
    pub row_count: u64,
    /// Bytes of their values.
    pub size_bytes: u64,
    /// Whether the dataset was not there before.
    pub created: bool,
    /// What was left out, and what is not as in the files.
    pub remarks: Vec<String>,
}

/// Appends the rows of `source` to the dataset, which is created if there is none.
///
/// All rows become visible in one commit at the end. On failure, or stopped by `on_progress`, which is told the rows that were
/// written, nothing is: a dataset that was there is as before, and none is created. `origin` is what errors call the source. Memory: two
/// batches, besides what the writer buffers.
///
/// ```
/// use tenrow::storage::Storage;
/// use tenrow::{Dataset, OnProgress};
/// use tenrow_convert::{ImportOptions, OpenOptions, import, open};
/// # let folder = tempfile::tempdir()?;
/// # let location = folder.path().join("people").display().to_string();
/// let path = folder.path().join("people.csv");
/// std::fs::write(&path, "name,age\nAda,36\n")?;
/// let source = open(&[path], None, &OpenOptions::default())?;
/// # futures::executor::block_on(async {
/// let options = ImportOptions::default();
/// let people = Dataset::at(Storage::open(&location)?);
/// let nobody = OnProgress::default();
/// let imported = import(&people, source, "people.csv", &options, &nobody).await?;
/// assert!(imported.created && imported.row_count == 1);
/// # Ok::<(), tenrow_convert::ConvertError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// What is wrong with the source or its rows; [`ConvertError::Dataset`] for the dataset.
pub async fn import(
    dataset: &Dataset,
    mut source: Box<dyn Source>,
    origin: &str,
    options: &ImportOptions,
    on_progress: &OnProgress,
) -> Result<Imported> {
    let (mut writer, created) = writer_for(dataset, source.attributes(), options).await?;
    source.read_as(writer.schema().attributes(), options.cast)?;
    check_columns(source.attributes(), writer.schema(), options.cast, origin)?;
    let mut progress = Progress { total: source.row_count(), ..Progress::default() };
    let mut batches = ReadAhead::start(source, writer.schema().clone(), options.cast, origin)?;
    while let Some(batch) = batches.next().await? {
        writer.append(&batch).await?;
        progress.done += batch.num_rows() as u64;
        progress.bytes += batch_bytes(&batch);
        on_progress.tell(progress)?;
    }
    let snapshot = writer.commit().await?;
    let created = created && snapshot.root().parent.is_none();
    let (row_count, size_bytes) = (progress.done, progress.bytes);
    let mut remarks = batches.remarks;
    if row_count == 0 {
        remarks.push(format!("{origin}: no rows were found"));
    }
    Ok(Imported { snapshot, row_count, size_bytes, created, remarks })
}

/// Refuses columns that are not those of the dataset, though there may be no row to find it out by.
fn check_columns(
    attributes: &[Attribute],
    schema: &Schema,
    cast: CastMode,
    origin: &str,
) -> Result<()> {
    let columns = attributes.iter().map(|a| new_empty_array(&a.attribute_type.arrow_type()));
    let none = batch_of(attributes, columns.collect(), 0)?;
    cast_batch(&none, attributes, schema, cast, 0, origin).map(drop)
}

/// Appends Parquet files, and those of folders, where they are: nothing is copied.
///
/// # Errors
/// As [`import`]; [`ConvertError::Mismatch`] if a file's columns are not those of the dataset.
pub async fn import_in_place(
    dataset: &Dataset,
    paths: &[PathBuf],
    renames: &[(String, String)],
    on_progress: &OnProgress,
) -> Result<Imported> {
    let sources: Vec<_> = paths.iter().map(Into::into).collect();
    let (files, remarks) = table_files(&sources, Format::PARQUET)?;
    files.iter().try_for_each(check_in_place)?;
    let files: Vec<PathBuf> = files.iter().map(|file| file.path.to_path_buf()).collect();
    let open_options = OpenOptions { renames: renames.to_vec(), ..OpenOptions::default() };
    let source = open(&files, Some(Format::PARQUET), &open_options)?;
    let attributes = source.attributes();
    let (mut writer, created) = writer_for(dataset, attributes, &ImportOptions::default()).await?;
    check_equal(attributes, writer.schema(), &files)?;
    let columns: HashMap<_, _> =
        renames.iter().map(|(from, to)| (to.clone(), from.clone())).collect();
    let mut progress = Progress { total: source.row_count(), ..Progress::default() };
    for file in &files {
        writer.append_in_place(file, &columns).await?;
        progress.done = writer.row_count();
        progress.bytes += std::fs::metadata(file).map_or(0, |metadata| metadata.len());
        on_progress.tell(progress)?;
    }
    let snapshot = writer.commit().await?;
    let created = created && snapshot.root().parent.is_none();
    let (row_count, size_bytes) = (progress.done, progress.bytes);
    Ok(Imported { snapshot, row_count, size_bytes, created, remarks })
}

/// A writer to the dataset if it is there, else to one with these attributes.
async fn writer_for(
    dataset: &Dataset,
    attributes: &[Attribute],
    options: &ImportOptions,
) -> Result<(DatasetWriter, bool)> {
    let write = options.write.clone();
    match dataset.latest().await {
        Ok(snapshot) => {
            check_encodings(&snapshot, &options.encodings)?;
            Ok((dataset.writer_with(write).await?, false))
        }
        Err(error) if error.kind() == ErrorKind::NotADataset => {
            let schema = schema_with(attributes, &options.encodings)?;
            // Several imports may begin at once.
            let create = options.create.clone().with_or_append(true);
            match dataset.writer_of_new(schema, &create, write.clone()).await {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    Ok((dataset.writer_with(write).await?, false))
                }
                writer => Ok((writer?, true)),
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// The schema of a new dataset.
fn schema_with(attributes: &[Attribute], encodings: &[(String, Encoding)]) -> Result<Schema> {
    let mut attributes: Vec<_> = attributes.iter().cloned().map(of_new_dataset).collect();
    for (name, encoding) in encodings {
        let Some(place) = attributes.iter().position(|a| a.name == *name) else {
            let names = names_listed(attributes.iter().map(|a| a.name.as_str()));
            let reason = format!("no such attribute to encode: there are {names}");
            return Err(ConvertError::column(name, reason));
        };
        let attribute = &mut attributes[place];
        attribute.encoding = *encoding;
    }
    Ok(Schema::new(attributes)?)
}

/// The encodings of a dataset that exists are fixed: asking for the same ones again is fine.
fn check_encodings(snapshot: &Snapshot, encodings: &[(String, Encoding)]) -> Result<()> {
    for (name, asked) in encodings {
        let found = snapshot.attribute(name)?.encoding;
        if found != *asked {
            let reason = format!(
                "encoded as {found}, not {asked}: encodings are chosen when a dataset is created"
            );
            return Err(ConvertError::column(name, reason));
        }
    }
    Ok(())
}

fn check_equal(found: &[Attribute], expected: &Schema, files: &[PathBuf]) -> Result<()> {
    let origin = files.first().map(|file| file.display().to_string()).unwrap_or_default();
    let extra = found.iter().find(|found| expected.attribute(&found.name).is_none());
    if let Some(extra) = extra {
        let names = names_listed(expected.attributes().iter().map(|a| a.name.as_str()));
        let reason = format!(
            "not an attribute of the dataset, which has {names}: add it there first, or import the file without --in-place and with --only"
        );
        return Err(ConvertError::Mismatch { origin, attribute: extra.name.clone(), reason });
    }
    for attribute in expected.attributes() {
        let other = found.iter().find(|a| a.name == attribute.name);
        let reason = match other {
            None => "missing: a file in place needs every attribute; import it without --in-place, and the attribute has its default, else is null"
                .to_owned(),
            Some(other) if other.attribute_type != attribute.attribute_type => format!(
                "found {}, expected {}: a file in place cannot be cast; import it without --in-place",
                other.attribute_type, attribute.attribute_type
            ),
            Some(other) if other.nullable && !attribute.nullable => {
                format!("may be null in the file, but is {} in the dataset", attribute.type_text())
            }
            Some(_) => continue,
        };
        return Err(ConvertError::Mismatch { origin, attribute: attribute.name.clone(), reason });
    }
    Ok(())
}

/// A source read and cast by a thread of its own, a batch ahead of the writer.
struct ReadAhead {
    batches: mpsc::Receiver<Result<RecordBatch>>,
    thread: Option<JoinHandle<Vec<String>>>,
    /// Those of the source, once it has been read.
    remarks: Vec<String>,
}

impl ReadAhead {
    fn start(
        mut source: Box<dyn Source>,
        schema: Schema,
        cast: CastMode,
        origin: &str,
    ) -> Result<Self> {
        let (sender, batches) = mpsc::channel(READ_AHEAD);
        let origin = origin.to_owned();
        let work = move || {
            let mut first_row = 0;
            while let Some(batch) = source.next_batch().transpose() {
                let batch = batch.and_then(|batch| {
                    let attributes = source.attributes();
                    let cast = cast_batch(&batch, attributes, &schema, cast, first_row, &origin);
                    first_row += batch.num_rows() as u64;
                    cast
                });
                let failed = batch.is_err();
                // The receiver is gone if the writer failed: there is nobody to tell.
                if sender.blocking_send(batch).is_err() || failed {
                    break;
                }
            }
            source.remarks()
        };
        let thread = std::thread::Builder::new()
            .name("tenrow-import".into())
            .spawn(work)
            .map_err(|error| Error::io("cannot start a thread", error))?;
        Ok(Self { batches, thread: Some(thread), remarks: Vec::new() })
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        match self.batches.recv().await {
            Some(batch) => batch.map(Some),
            None => {
                // A thread that panicked must not look like the end of the source.
                match self.thread.take().map(JoinHandle::join) {
                    Some(Err(panic)) => std::panic::resume_unwind(panic),
                    Some(Ok(remarks)) => self.remarks = remarks,
                    None => {}
                }
                Ok(None)
            }
        }
    }
}
