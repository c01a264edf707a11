//! Checking a dataset: manifests, counts, addresses, and in full every byte of every file.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::file::metadata::ParquetMetaData;

use crate::blocking;
use crate::commit::read_version;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::format::manifest::Chunk;
use crate::format::{
    Attribute, AttributeType, Checksum, DType, ListShape, PageHeader, PageKind, RawChunk,
    RowLength, decode_page,
};
use crate::read::{ReadOptions, Verify, partition_column};
use crate::snapshot::{LoadedPartition, OpenFile, Snapshot};

/// Faults after which a check stops looking for more.
const MAX_FAULTS: usize = 100;
/// Bytes read at a time for the checksum of a file.
const READ_BYTES: u64 = 8 << 20;

/// How thorough a check is.
#[derive(Default)]
pub struct VerifyOptions {
    /// Whether every byte is read: checksums of files and pages, every value decoded. Default: only
    /// manifests, footers, sizes and page addresses.
    pub full: bool,
    /// Called with the bytes checked so far and all there are.
    pub on_progress: Option<Box<dyn FnMut(u64, u64) + Send>>,
}

impl std::fmt::Debug for VerifyOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifyOptions").field("full", &self.full).finish_non_exhaustive()
    }
}

/// What a check found.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct VerifyReport {
    /// The newest version, whose files were checked.
    pub version: u64,
    /// Versions whose manifests were checked.
    pub versions: u64,
    /// Partitions checked.
    pub partitions: u64,
    /// Files checked, large files of file attributes included.
    pub files: u64,
    /// Pages whose addresses, and in full whose bytes, were checked.
    pub pages: u64,
    /// Rows of the newest version.
    pub rows: u64,
    /// Bytes that were read whole.
    pub bytes: u64,
    /// What is wrong, in the order it was met; at most 100.
    pub faults: Vec<Fault>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The object.
    pub path: String,
    /// The first row that it concerns, if it concerns some rows only.
    pub row: Option<u64>,
    /// What is wrong with it.
    pub message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.row {
            Some(row) => write!(f, "{}, row {row}: {}", self.path, self.message),
            None => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

impl Dataset {
    /// Checks the manifests of all versions, and the files and views of the newest.
    ///
    /// # Errors
    /// As [`open`](Self::open): faults in what can be opened are in the report.
    pub async fn verify(&self, options: VerifyOptions) -> Result<VerifyReport> {
        if self.storage().cache().is_some() {
            // What the store has is checked, not what this machine has kept of it.
            let uncached = Dataset::at(self.storage().without_cache());
            return Box::pin(uncached.verify(options)).await;
        }
        let snapshot = self.latest().await?;
        let total = snapshot.size_bytes();
        let mut check = Check { snapshot, options, total, report: VerifyReport::default() };
        check.report.version = check.snapshot.version().0;
        check.report.rows = check.snapshot.row_count();
        self.check_history(&mut check).await?;
        check.partitions().await;
        self.check_views(&mut check).await;
        Ok(check.report)
    }

    async fn check_views(&self, check: &mut Check) {
        let snapshot = check.snapshot.clone();
        for (name, entry) in &snapshot.root().views {
            check.report.files += 1;
            let found = match self.view_of(&snapshot, name).await {
                Ok(view) => view.rows().await.map(drop),
                Err(error) => Err(error),
            };
            if let Err(error) = found {
                check.fault(&entry.path, None, error);
            }
        }
    }

    async fn check_history(&self, check: &mut Check) -> Result<()> {
        let history = self.history(&check.snapshot).await?;
        let mut child: Option<Snapshot> = None;
        for version in history {
            check.report.versions += 1;
            let path = crate::commit::version_path(version);
            let snapshot = match read_version(self.storage(), version, None).await {
                Ok(snapshot) => snapshot,
                Err(error) => {
                    check.fault(&path, None, error);
                    child = None;
                    continue;
                }
            };
            let expected = child.as_ref().and_then(|child| child.root().parent);
            if let Some(parent) = expected.filter(|parent| parent.version == version)
                && parent.checksum != snapshot.root_checksum()
            {
                let message = format!(
                    "checksum {:016x}, but the next version says {:016x}",
                    snapshot.root_checksum(),
                    parent.checksum
                );
                check.note(&path, None, message);
            }
            child = Some(snapshot);
        }
        Ok(())
    }
}

struct Check {
    snapshot: Snapshot,
    options: VerifyOptions,
    total: u64,
    report: VerifyReport,
}

impl Check {
    fn fault(&mut self, path: &str, row: Option<u64>, error: Error) {
        self.note(path, row, error.chain());
    }

    fn note(&mut self, path: &str, row: Option<u64>, message: String) {
        if self.report.faults.len() < MAX_FAULTS {
            self.report.faults.push(Fault { path: path.to_owned(), row, message });
        }
    }

    fn progress(&mut self, bytes: u64) {
        self.report.bytes += bytes;
        if let Some(on_progress) = &mut self.options.on_progress {
            on_progress(self.report.bytes, self.total);
        }
    }

    async fn partitions(&mut self) {
        let snapshot = self.snapshot.clone();
        let mut first_row = 0;
        for (index, reference) in snapshot.root().leaves.iter().enumerate() {
            let leaf = match snapshot.passing_leaf(index).await {
                Ok(leaf) => leaf,
                Err(error) => {
                    self.fault(&reference.path, Some(first_row), error);
                    first_row += reference.row_count;
                    continue;
                }
            };
            for partition in leaf.partitions() {
                self.report.partitions += 1;
                self.partition(partition, first_row).await;
                first_row += partition.entry().live_rows();
            }
        }
    }

    async fn partition(&mut self, partition: &Arc<LoadedPartition>, first_row: u64) {
        for file in partition.files() {
            self.report.files += 1;
            let path = file.entry().path.clone();
            let found = self.file(file, first_row).await;
            if let Err(error) = found {
                self.fault(&path, Some(first_row), error);
            }
        }
        if let Some(deletes) = &partition.entry().deletes {
            self.report.files += 1;
            if let Err(error) = partition.deletes(self.snapshot.storage()).await {
                self.fault(&deletes.path, Some(first_row), error);
            }
        }
        if self.options.full {
            self.values(partition, first_row).await;
        }
        for path in &partition.entry().external_files {
            self.report.files += 1;
            if let Err(error) = self.external(path).await {
                self.fault(path, Some(first_row), error);
            }
        }
    }

    /// Size, footer, page addresses; in full the checksum of the file and of every page.
    async fn file(&mut self, file: &Arc<OpenFile>, first_row: u64) -> Result<()> {
        let storage = self.snapshot.storage().clone();
        let metadata = file.footer(&storage).await?;
        if self.options.full {
            self.checksum(file).await?;
        }
        if file.entry().foreign.is_some() {
            return Ok(());
        }
        let starts = file.row_map();
        let schema = self.snapshot.schema().clone();
        for chunk in &file.entry().chunks {
            let stored = schema.attributes().iter().find_map(|attribute| {
                let is_own = attribute.id == chunk.field;
                if is_own { Some(attribute.clone()) } else { attribute.as_stored(chunk.field) }
            });
            // A column of an attribute that was dropped since is only checked as bytes of the file.
            let Some(attribute) = &stored else { continue };
            let row = first_row + starts.start(chunk.row_group as usize);
            let found = self.chunk(file, &metadata, attribute, chunk).await;
            if let Err((row_in_group, error)) = found {
                self.fault(&file.entry().path, Some(row + row_in_group), error);
            }
        }
        Ok(())
    }

    async fn checksum(&mut self, file: &Arc<OpenFile>) -> Result<()> {
        let size = file.entry().size_bytes;
        let mut checksum = Checksum::new();
        let mut at = 0;
        while at < size {
            let end = size.min(at + READ_BYTES);
            let piece = file.read(self.snapshot.storage(), at..end).await?;
            checksum = blocking::run(move || {
                checksum.write(&piece);
                checksum
            })
            .await;
            self.progress(end - at);
            at = end;
        }
        let (found, expected) = (checksum.finish(), file.entry().checksum);
        if found == expected {
            return Ok(());
        }
        Err(Error::corrupt(
            file.entry().path.clone(),
            format!("checksum {found:016x} of the file, expected {expected:016x}"),
        ))
    }

    /// One raw chunk: its pages are where the offset index has them and hold what their headers say.
    /// The row of an error counts from the row group's first.
    async fn chunk(
        &mut self,
        file: &OpenFile,
        metadata: &ParquetMetaData,
        attribute: &Attribute,
        chunk: &Chunk,
    ) -> Result<(), (u64, Error)> {
        let damaged = |row, reason: String| {
            (row, Error::corrupt(format!("attribute {:?}", attribute.name), reason))
        };
        let group = chunk.row_group as usize;
        let first =
            file.entry().chunks.iter().filter(|c| c.field == chunk.field).map(|c| c.column).min();
        let Some(shape) = RawShape::of(attribute, chunk.column - first.unwrap_or_default()) else {
            return Ok(());
        };
        let rows = file.entry().row_groups[group];
        let raw = RawChunk::new(&chunk.layout, rows, shape.dtype, shape.fixed);
        let Some(raw) = raw.map_err(|e| damaged(0, e.to_string()))? else { return Ok(()) };
        let index = metadata.offset_index().and_then(|i| i.get(group)?.get(chunk.column as usize));
        let listed = index.map(|index| index.page_locations().as_slice()).unwrap_or_default();
        if listed.len() != raw.page_count() {
            let reason =
                format!("{} pages, but the offset index has {}", raw.page_count(), listed.len());
            return Err(damaged(0, reason));
        }
        for (number, listed) in listed.iter().enumerate() {
            self.report.pages += 1;
            let page = raw.page(number).map_err(|e| (0, Error::format("a page", e)))?;
            let (start, len) = (listed.offset as u64, listed.compressed_page_size as u64);
            if page.start != start
                || page.end != start + len
                || page.rows.start != listed.first_row_index as u64
            {
                let reason = format!(
                    "page {number} at {page:?}, but the offset index says {start}..{}",
                    start + len
                );
                return Err(damaged(page.rows.start, reason));
            }
            if self.options.full {
                let read = file.read(self.snapshot.storage(), page.start..page.end).await;
                let bytes = read.map_err(|e| (page.rows.start, e))?;
                shape
                    .check_page(&bytes, &raw, page.rows.clone(), page.values_offset - page.start)
                    .map_err(|reason| damaged(page.rows.start, reason))?;
            }
        }
        Ok(())
    }

    /// Decodes every value that has no raw address, and through it every other page.
    async fn values(&mut self, partition: &Arc<LoadedPartition>, first_row: u64) {
        let options = ReadOptions::default().with_verify(Verify::Always);
        for attribute in self.snapshot.schema().clone().attributes() {
            let snapshot = self.snapshot.clone();
            let read = partition_column(&snapshot, attribute, partition, &options).await;
            if let Err((row, error)) = read {
                let path = partition.entry().files[0].path.clone();
                let error = Error::new(error.kind(), format!("attribute {:?}", attribute.name))
                    .with_source(error);
                self.fault(&path, Some(first_row + row), error);
            }
        }
    }

    /// An object of a file attribute: it is there, and its content hashes to its name.
    async fn external(&mut self, path: &str) -> Result<()> {
        let storage = self.snapshot.storage();
        let size = storage.size(path).await?;
        if !self.options.full {
            return Ok(());
        }
        let mut hasher = blake3::Hasher::new();
        let mut at = 0;
        while at < size {
            let end = size.min(at + READ_BYTES);
            hasher.update(&storage.read_range(path, at..end).await?);
            at = end;
        }
        let found = hasher.finalize().to_hex();
        let name = path.rsplit('/').next().unwrap_or_default();
        if name.starts_with(found.as_str()) {
            return Ok(());
        }
        Err(Error::corrupt(
            path.to_owned(),
            format!("its content hashes to {found}, which is not its name"),
        ))
    }
}

/// What the pages of a raw column hold.
struct RawShape {
    dtype: DType,
    fixed: Option<u64>,
    list: ListShape,
}

impl RawShape {
    fn of(attribute: &Attribute, column: u32) -> Option<Self> {
        let list =
            |nullable_elements| ListShape { nullable: attribute.nullable, nullable_elements };
        match (&attribute.attribute_type, column) {
            (AttributeType::Tensor { dtype, shape }, _) if shape.element_count() > 0 => {
                Some(Self { dtype: *dtype, fixed: Some(shape.element_count()), list: list(true) })
            }
            (AttributeType::VariableTensor { dtype, .. }, 0) => {
                Some(Self { dtype: *dtype, fixed: None, list: list(true) })
            }
            (AttributeType::VariableTensor { shape, .. }, _) => {
                Some(Self { dtype: DType::I32, fixed: Some(shape.rank() as u64), list: list(true) })
            }
            (AttributeType::Value(arrow_schema::DataType::List(item)), _) => {
                let dtype = DType::from_arrow(item.data_type())?;
                Some(Self { dtype, fixed: None, list: list(item.is_nullable()) })
            }
            _ => None,
        }
    }

    /// Checksum, levels, row lengths and nulls of one page, and where its values begin.
    fn check_page(
        &self,
        page: &Bytes,
        raw: &RawChunk<'_>,
        rows: Range<u64>,
        prefix: u64,
    ) -> Result<(), String> {
        let decoded =
            decode_page(page, self.dtype, self.list, u64::MAX, true).map_err(|e| e.to_string())?;
        if decoded.rows.len() as u64 != rows.end - rows.start {
            return Err(format!(
                "a page of {} rows, expected {}",
                decoded.rows.len(),
                rows.end - rows.start
            ));
        }
        for (row, length) in rows.zip(&decoded.rows) {
            let as_listed = match (length, self.fixed) {
                (RowLength::Null, _) => raw.is_null(row),
                (RowLength::Elements(count), Some(fixed)) => *count == fixed && !raw.is_null(row),
                (RowLength::Elements(_), None) => !raw.is_null(row),
            };
            if !as_listed {
                return Err(format!(
                    "row {row} of its row group is {length:?}, which the manifest contradicts"
                ));
            }
        }
        let (header, header_len) = PageHeader::decode(page).map_err(|e| e.to_string())?;
        let PageKind::DataV2 { definition_bytes, repetition_bytes, .. } = header.kind else {
            return Err("not a data page of version 2".into());
        };
        let levels = header_len as u64 + definition_bytes as u64 + repetition_bytes as u64;
        // A bit-packed run has a head of its own before the values.
        if (levels..levels + 8).contains(&prefix) {
            return Ok(());
        }
        Err(format!("its values begin at {prefix}, but header and levels end at {levels}"))
    }
}
