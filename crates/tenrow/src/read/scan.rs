//! All rows, or a range of them, batch by batch.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use futures::stream::{BoxStream, StreamExt, try_unfold};

use crate::error::Result;
use crate::format::{Attribute, AttributeType};
use crate::read::arrays;
use crate::read::batch;
use crate::read::column::ColumnReader;
use crate::read::options::ReadOptions;
use crate::snapshot::{LoadedPartition, Snapshot};

/// Batches of a scan, in row order.
pub type BatchStream = BoxStream<'static, Result<RecordBatch>>;

/// How a scan goes over the rows.
#[derive(Debug, Clone, Default)]
pub struct ScanOptions {
    /// Rows of every batch but the last. Default: batches end where pages do, which spares copies.
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
    /// Memory: one batch of tensors, and the other attributes of one row group.
    ///
    /// # Errors
    /// As [`scan`](Self::scan).
    pub fn scan_with(&self, options: &ScanOptions) -> BatchStream {
        let rows = options.rows.clone().unwrap_or(0..self.row_count());
        let scan = Scan {
            snapshot: self.clone(),
            options: options.clone(),
            rows,
            attributes: None,
            group: None,
        };
        try_unfold(scan, |mut scan| async move {
            let batch = scan.next().await?;
            Ok(batch.map(|batch| (batch, scan)))
        })
        .boxed()
    }
}

struct Scan {
    snapshot: Snapshot,
    options: ScanOptions,
    /// The rows still to come.
    rows: Range<u64>,
    attributes: Option<Arc<[Attribute]>>,
    group: Option<Group>,
}

/// The rows of one row group of a partition's first file, and their decoded columns.
struct Group {
    partition: Arc<LoadedPartition>,
    /// Global number of the partition's first row.
    partition_start: u64,
    /// Global rows that the decoded columns cover.
    rows: Range<u64>,
    /// What was decoded at once; raw tensors are read batch by batch.
    decoded: Vec<Option<ArrayRef>>,
}

impl Scan {
    /// The attributes asked for, looked up at the first batch so that the stream can say what is wrong.
    fn attributes(&mut self) -> Result<Arc<[Attribute]>> {
        if let Some(known) = &self.attributes {
            return Ok(known.clone());
        }
        let asked = self.options.read.resolve(&self.snapshot)?;
        let asked: Arc<[Attribute]> = asked.into_iter().cloned().collect();
        Ok(self.attributes.insert(asked).clone())
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        if self.rows.start >= self.rows.end {
            if self.rows.end > self.snapshot.row_count() {
                return Err(self.snapshot.out_of_range(self.rows.end - 1));
            }
            return Ok(None);
        }
        let snapshot = self.snapshot.clone();
        let attributes = self.attributes()?;
        let mut parts: Vec<Vec<ArrayRef>> = vec![Vec::new(); attributes.len()];
        let mut row_count = 0;
        loop {
            self.load_group(&attributes).await?;
            let Some(group) = &self.group else { break };
            let end = match self.options.batch_rows {
                Some(rows) => group.rows.end.min(self.rows.start + (rows - row_count) as u64),
                None => {
                    group.natural_end(&snapshot, &attributes, self.rows.start, &self.options)?
                }
            };
            let rows = self.rows.start..end.min(self.rows.end);
            for (part, column) in parts.iter_mut().zip(0..) {
                part.push(group.read(&snapshot, &attributes, column, &rows, &self.options).await?);
            }
            row_count += (rows.end - rows.start) as usize;
            self.rows.start = rows.end;
            let is_full = self.options.batch_rows.is_none_or(|wanted| row_count >= wanted);
            if is_full || self.rows.start >= self.rows.end {
                break;
            }
        }
        let columns = attributes.iter().zip(parts).map(|(attribute, parts)| {
            arrays::concat(&attribute.attribute_type.arrow_type(), parts)
        });
        Ok(Some(batch(&snapshot, attributes.iter(), columns.collect::<Result<_>>()?, row_count)?))
    }

    /// Makes the group that holds the next row the current one.
    async fn load_group(&mut self, attributes: &[Attribute]) -> Result<()> {
        let at = self.rows.start;
        if self.group.as_ref().is_none_or(|group| !group.rows.contains(&at)) {
            self.group = None;
            self.group = Some(self.load(at, attributes).await?);
        }
        Ok(())
    }

    async fn load(&mut self, at: u64, attributes: &[Attribute]) -> Result<Group> {
        let (partition, range) = self.snapshot.locate(at).await?;
        let live = at - range.start;
        let deletes = partition.deletes(self.snapshot.storage()).await?;
        let row = deletes.map_or(live, |deletes| deletes.row(live));
        let first_file = &partition.files()[0];
        let (row_group, in_group) = first_file.row_map().locate(row).unwrap_or((0, row));
        let group_end = row - in_group + first_file.entry().row_groups[row_group];
        let live_end = deletes.map_or(group_end, |deletes| deletes.live_before(group_end));
        let end = (range.start + live_end).min(self.rows.end);
        let rows = self.snapshot.file_rows(partition, live..end - range.start).await?;
        let mut decoded = Vec::with_capacity(attributes.len());
        for attribute in attributes {
            let reader = reader(&self.snapshot, attribute, partition, &self.options);
            decoded.push(match is_raw(&reader) && deletes.is_none() {
                true => None,
                false => Some(reader.read_ranges(&rows).await?),
            });
        }
        Ok(Group {
            partition: partition.clone(),
            partition_start: range.start,
            rows: at..end,
            decoded,
        })
    }
}

impl Group {
    async fn read(
        &self,
        snapshot: &Snapshot,
        attributes: &[Attribute],
        column: usize,
        rows: &Range<u64>,
        options: &ScanOptions,
    ) -> Result<ArrayRef> {
        if let Some(decoded) = &self.decoded[column] {
            let start = (rows.start - self.rows.start) as usize;
            return Ok(decoded.slice(start, (rows.end - rows.start) as usize));
        }
        let reader = reader(snapshot, &attributes[column], &self.partition, options);
        reader.read_range(rows.start - self.partition_start..rows.end - self.partition_start).await
    }

    /// Where the first page ends of those that hold row `at`.
    fn natural_end(
        &self,
        snapshot: &Snapshot,
        attributes: &[Attribute],
        at: u64,
        options: &ScanOptions,
    ) -> Result<u64> {
        /// Rows of a batch where no raw page says otherwise.
        const MAX_BATCH_ROWS: u64 = 8192;
        let mut end = self.rows.end;
        let mut cut = false;
        for (attribute, decoded) in attributes.iter().zip(&self.decoded) {
            let reader = reader(snapshot, attribute, &self.partition, options);
            if decoded.is_some() {
                continue;
            }
            let (row_group, row) = reader.row_group_of(at - self.partition_start)?;
            if let Some(chunk) = raw_chunk(&reader, row_group) {
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
fn is_raw(reader: &ColumnReader<'_>) -> bool {
    if !reader.is_in_form() {
        return false;
    }
    let groups = reader.place().map_or(0, |place| reader.file(place).entry().row_groups.len());
    groups > 0 && (0..groups).all(|group| raw_chunk(reader, group).is_some())
}

fn raw_chunk<'a>(
    reader: &ColumnReader<'a>,
    row_group: usize,
) -> Option<crate::format::RawChunk<'a>> {
    let AttributeType::Tensor { dtype, shape } = &reader.attribute.attribute_type else {
        return None;
    };
    reader.raw_chunk(reader.place()?, row_group, 0, *dtype, shape.element_count())
}
