//! All rows, or a range of them, batch by batch.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use futures::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt, try_unfold};

use crate::error::{Error, Result};
use crate::format::{Attribute, AttributeType, limits};
use crate::read::arrays;
use crate::read::batch;
use crate::read::column::ColumnReader;
use crate::read::options::ReadOptions;
use crate::shared_work::Once;
use crate::snapshot::{LoadedPartition, Snapshot};

/// Batches of a scan, in row order.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/batchstream", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// use futures::TryStreamExt;
/// let mut batches: tenrow::BatchStream = snapshot.scan();
/// let mut rows = 0;
/// while let Some(batch) = batches.try_next().await? {
///     rows += batch.num_rows();
/// }
/// assert_eq!(rows, 3);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
pub type BatchStream = BoxStream<'static, Result<RecordBatch>>;

/// How a scan goes over the rows.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/scanoptions", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// use futures::TryStreamExt;
/// use tenrow::{ReadOptions, ScanOptions};
/// let options = ScanOptions::default()
///     .with_batch_rows(2)
///     .with_read(ReadOptions::default().with_attributes(["label"]));
/// let batches: Vec<_> = snapshot.scan_with(&options).try_collect().await?;
/// assert_eq!(batches.iter().map(|batch| batch.num_rows()).collect::<Vec<_>>(), [2, 1]);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct ScanOptions {
    /// Rows of every batch but the last, 1 at least. Default: batches end where pages do, which spares copies.
    pub batch_rows: Option<usize>,
    /// The rows to scan. Default: all.
    pub rows: Option<Range<u64>>,
    /// How rows are read.
    pub read: ReadOptions,
}

impl ScanOptions {
    /// Gives every batch but the last this many rows.
    #[must_use]
    pub fn with_batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = Some(rows.max(1));
        self
    }

    /// Scans only these rows.
    #[must_use]
    pub fn with_rows(mut self, rows: Range<u64>) -> Self {
        self.rows = Some(rows);
        self
    }

    /// Sets how rows are read.
    #[must_use]
    pub fn with_read(mut self, read: ReadOptions) -> Self {
        self.read = read;
        self
    }
}

impl Snapshot {
    /// All rows, batch by batch, in row order.
    ///
    /// # Errors
    /// The stream yields an error once, and ends.
    pub fn scan(&self) -> BatchStream {
        self.scan_with(&ScanOptions::default())
    }

    /// [`scan`](Self::scan) with options.
    ///
    /// What is far away is fetched ahead: up to 16 batches, or 64 MiB of them. Memory: those, or one batch of tensors,
    /// and the other attributes of two row groups.
    ///
    /// # Errors
    /// As [`scan`](Self::scan).
    pub fn scan_with(&self, options: &ScanOptions) -> BatchStream {
        let rows = options.rows.clone().unwrap_or(0..self.row_count());
        let (snapshot, options, this) = (self.clone(), options.clone(), self.clone());
        // The stream says what is wrong with the options.
        stream::once(async move {
            let asked = options.read.resolve(&snapshot)?;
            let attributes: Arc<[Attribute]> = asked.into_iter().cloned().collect();
            let ahead = parts_ahead(&snapshot, &attributes, &options);
            let scan = Arc::new(Scan { snapshot, options, attributes });
            let plan = Plan { scan: scan.clone(), next: rows, in_batch: 0, group: None };
            let reader = scan.clone();
            let read = move |part: Part| {
                let scan = reader.clone();
                async move { scan.read(part).await }
            };
            let parts = try_unfold(plan, |mut plan| async move {
                Ok(plan.next().await?.map(|part| (part, plan)))
            });
            let parts = parts.map_ok(read).try_buffered(ahead).boxed();
            Ok::<_, Error>(batches(scan.clone(), parts))
        })
        .try_flatten()
        .then(move |batch| {
            let snapshot = this.clone();
            async move { snapshot.explained(batch).await }
        })
        .boxed()
    }
}

/// Parts of a remote dataset that are read at once, at most.
const MAX_PARTS_AHEAD: usize = 16;
/// Their bytes, about.
const MAX_BYTES_AHEAD: u64 = 64 << 20;
/// Bytes of a part that ends where a page does, at least.
const PAGE_BYTES: u64 = 1 << 20;

/// How many parts are read at once: of what is on this machine one, for there is nothing to wait for.
pub(super) fn parts_ahead(
    snapshot: &Snapshot,
    attributes: &[Attribute],
    options: &ScanOptions,
) -> usize {
    if snapshot.storage().folder().is_some() {
        return 1;
    }
    let row_bytes = attributes.iter().filter_map(|attribute| match &attribute.attribute_type {
        AttributeType::Tensor { dtype, shape } => shape.byte_len(*dtype).ok(),
        _ => None,
    });
    let row_bytes: u64 = row_bytes.fold(0, u64::saturating_add);
    let part_bytes = match options.batch_rows {
        Some(rows) => row_bytes.saturating_mul(rows as u64),
        None => row_bytes,
    };
    let ahead = MAX_BYTES_AHEAD / part_bytes.max(PAGE_BYTES);
    (ahead as usize).clamp(2, MAX_PARTS_AHEAD)
}

/// What is scanned, and how.
struct Scan {
    snapshot: Snapshot,
    options: ScanOptions,
    attributes: Arc<[Attribute]>,
}

/// Rows of one row group, which are read together: a batch, or the end of one.
struct Part {
    group: Arc<Group>,
    rows: Range<u64>,
}

/// Where the next part is; finding it reads nothing but leaves and deletion vectors.
struct Plan {
    scan: Arc<Scan>,
    /// The rows still to come.
    next: Range<u64>,
    /// Rows that the current batch has already.
    in_batch: usize,
    group: Option<Arc<Group>>,
}

/// The rows of one row group of a partition's first file.
struct Group {
    partition: Arc<LoadedPartition>,
    /// Global number of the partition's first row.
    partition_start: u64,
    /// Global rows.
    rows: Range<u64>,
    /// The same, as rows of the files.
    file_rows: Vec<Range<u64>>,
    /// Which attributes are read part by part.
    is_raw: Vec<bool>,
    /// The others, decoded at once when the first part wants them.
    decoded: Once<Arc<[Option<ArrayRef>]>>,
}

impl Plan {
    async fn next(&mut self) -> Result<Option<Part>> {
        let scan = self.scan.clone();
        if self.next.start >= self.next.end {
            if self.next.end > scan.snapshot.row_count() {
                return Err(scan.snapshot.out_of_range(self.next.end - 1));
            }
            return Ok(None);
        }
        let at = self.next.start;
        let group = match self.group.take().filter(|group| group.rows.contains(&at)) {
            Some(group) => group,
            None => Arc::new(scan.group(at, self.next.end).await?),
        };
        self.group = Some(group.clone());
        let end = match scan.options.batch_rows {
            Some(rows) => group.rows.end.min(at + (rows - self.in_batch) as u64),
            None => group.natural_end(&scan, at)?,
        };
        let end = end.min(self.next.end);
        self.in_batch += (end - at) as usize;
        if scan.options.batch_rows.is_none_or(|rows| self.in_batch >= rows) {
            self.in_batch = 0;
        }
        self.next.start = end;
        Ok(Some(Part { group, rows: at..end }))
    }
}

impl Scan {
    /// The row group of row `at`, up to `end`.
    async fn group(&self, at: u64, end: u64) -> Result<Group> {
        let (partition, range) = self.snapshot.locate(at).await?;
        let live = at - range.start;
        let deletes = partition.deletes(self.snapshot.storage()).await?;
        let row = deletes.map_or(live, |deletes| deletes.row(live));
        let first_file = &partition.files()[0];
        let (row_group, in_group) = first_file.row_map().locate(row).unwrap_or((0, row));
        let group_end = row - in_group + first_file.entry().row_groups[row_group];
        let live_end = deletes.map_or(group_end, |deletes| deletes.live_before(group_end));
        let end = (range.start + live_end).min(end);
        let file_rows = self.snapshot.file_rows(partition, live..end - range.start).await?;
        let is_raw = |attribute| {
            let reader = reader(&self.snapshot, attribute, partition, &self.options);
            // Defaults of a whole row group may be more than memory holds; deleted rows have the same ones.
            Ok(reader.place().is_none() || deletes.is_none() && is_raw(&reader)?)
        };
        Ok(Group {
            partition: partition.clone(),
            partition_start: range.start,
            rows: at..end,
            file_rows,
            is_raw: self.attributes.iter().map(is_raw).collect::<Result<_>>()?,
            decoded: Once::default(),
        })
    }

    /// The columns of a part.
    async fn read(self: &Arc<Self>, part: Part) -> Result<(Vec<ArrayRef>, usize)> {
        let Part { group, rows } = part;
        let load = || {
            let (group, scan) = (Arc::clone(&group), Arc::clone(self));
            async move { group.decode(&scan).await }
        };
        let decoded = group.decoded.get_or_load(load).await?;
        let mut columns = Vec::with_capacity(self.attributes.len());
        for (attribute, decoded) in self.attributes.iter().zip(decoded.iter()) {
            columns.push(match decoded {
                Some(decoded) => {
                    let start = (rows.start - group.rows.start) as usize;
                    decoded.slice(start, (rows.end - rows.start) as usize)
                }
                None => {
                    let start = group.partition_start;
                    let rows = rows.start - start..rows.end - start;
                    let partition = &group.partition;
                    reader(&self.snapshot, attribute, partition, &self.options)
                        .read_range(rows)
                        .await?
                }
            });
        }
        Ok((columns, (rows.end - rows.start) as usize))
    }

    fn batch(&self, parts: Vec<Vec<ArrayRef>>, row_count: usize) -> Result<RecordBatch> {
        let columns = self.attributes.iter().zip(parts).map(|(attribute, parts)| {
            arrays::concat(&attribute.attribute_type.arrow_type(), parts)
        });
        let columns = columns.collect::<Result<_>>()?;
        batch(&self.snapshot, self.attributes.iter(), columns, row_count)
    }
}

/// Parts put together until they are a batch.
fn batches(
    scan: Arc<Scan>,
    parts: BoxStream<'static, Result<(Vec<ArrayRef>, usize)>>,
) -> impl Stream<Item = Result<RecordBatch>> + Send {
    try_unfold((scan, parts), |(scan, mut parts)| async move {
        let mut columns: Vec<Vec<ArrayRef>> = vec![Vec::new(); scan.attributes.len()];
        let mut row_count = 0;
        while let Some((part, rows)) = parts.try_next().await? {
            for (column, part) in columns.iter_mut().zip(part) {
                column.push(part);
            }
            row_count += rows;
            if scan.options.batch_rows.is_none_or(|wanted| row_count >= wanted) {
                break;
            }
        }
        if row_count == 0 {
            return Ok(None);
        }
        let batch = scan.batch(columns, row_count)?;
        Ok(Some((batch, (scan, parts))))
    })
}

impl Group {
    /// The columns that are not read part by part.
    async fn decode(&self, scan: &Scan) -> Result<Arc<[Option<ArrayRef>]>> {
        let mut decoded = Vec::with_capacity(self.is_raw.len());
        for (attribute, is_raw) in scan.attributes.iter().zip(&self.is_raw) {
            let reader = reader(&scan.snapshot, attribute, &self.partition, &scan.options);
            decoded.push(match is_raw {
                true => None,
                false => Some(reader.read_ranges(&self.file_rows).await?),
            });
        }
        Ok(decoded.into())
    }

    /// How many rows of tensors that no file has may be made at once.
    fn rows_of_defaults(&self, scan: &Scan) -> u64 {
        let row_bytes = scan.attributes.iter().filter_map(|attribute| {
            let is_default = self.partition.column(attribute).is_none();
            match &attribute.attribute_type {
                AttributeType::Tensor { dtype, shape } if is_default => shape.byte_len(*dtype).ok(),
                _ => None,
            }
        });
        let row_bytes = row_bytes.fold(0, u64::saturating_add);
        MAX_BYTES_AHEAD
            .checked_div(row_bytes)
            .unwrap_or(u64::MAX)
            .clamp(1, limits::MAX_ROW_GROUP_ROWS)
    }

    /// Where the first page ends of those that hold row `at`.
    fn natural_end(&self, scan: &Scan, at: u64) -> Result<u64> {
        /// Rows of a batch where no raw page says otherwise.
        const MAX_BATCH_ROWS: u64 = 8192;
        let mut end = self.rows.end.min(at + self.rows_of_defaults(scan));
        let mut cut = false;
        for (attribute, _) in scan.attributes.iter().zip(&self.is_raw).filter(|(_, raw)| **raw) {
            let reader = reader(&scan.snapshot, attribute, &self.partition, &scan.options);
            let (row_group, row) = reader.row_group_of(at - self.partition_start)?;
            if let Some(chunk) = raw_chunk(&reader, row_group)? {
                let page = chunk.page_of_row(row).and_then(|number| chunk.page(number));
                let page = page.map_err(page_fault)?;
                end = end.min(at + page.rows.end - row);
                cut = true;
            }
        }
        Ok(if cut { end } else { end.min(at + MAX_BATCH_ROWS) })
    }
}

fn page_fault(error: crate::format::FormatError) -> crate::error::Error {
    crate::error::Error::format("the pages of a scan", error)
}

fn reader<'a>(
    snapshot: &'a Snapshot,
    attribute: &'a Attribute,
    partition: &'a LoadedPartition,
    options: &'a ScanOptions,
) -> ColumnReader<'a> {
    ColumnReader::new(snapshot, attribute, partition, &options.read)
}

/// Whether every row group of the column can be read batch by batch at no loss.
fn is_raw(reader: &ColumnReader<'_>) -> Result<bool> {
    if !reader.is_in_form() {
        return Ok(false);
    }
    let groups = reader.place().map_or(0, |place| reader.file(place).entry().row_groups.len());
    for group in 0..groups {
        if raw_chunk(reader, group)?.is_none() {
            return Ok(false);
        }
    }
    Ok(groups > 0)
}

fn raw_chunk<'a>(
    reader: &ColumnReader<'a>,
    row_group: usize,
) -> Result<Option<crate::format::RawChunk<'a>>> {
    let AttributeType::Tensor { dtype, shape } = &reader.attribute.attribute_type else {
        return Ok(None);
    };
    let Some(place) = reader.place() else { return Ok(None) };
    reader.raw_chunk(place, row_group, 0, *dtype, Some(shape.element_count()))
}
