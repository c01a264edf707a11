//! One partition being written: rows are buffered to a row group, encoded in parallel, uploaded.

use std::collections::BTreeSet;

use arrow_array::{Array, ArrayRef};

use crate::error::{Error, Result};
use crate::format::layout::base_file_path;
use crate::format::limits;
use crate::format::manifest::{DataFile, KeyValue, Partition};
use crate::format::partition::PartitionEncoder;
use crate::format::{Attribute, AttributeType};
use crate::ids::Ids;
use crate::storage::{Storage, Upload};
use crate::write::column_file::ColumnFileWriter;
use crate::write::encoding::{data_file, encode};
use crate::write::files::objects_named;
use crate::write::options::WriteOptions;
use crate::write::statistics;

/// Row groups of fewer rows make SQL over metadata pay for the tensors: see [`Projection`].
const WIDE_BELOW_ROWS: u64 = 65_536;
/// Row groups of a file: Parquet numbers them in 16 bits.
const MAX_ROW_GROUPS: usize = 10_000;
/// A projection that would need more memory than this is not written.
const MAX_PROJECTION_BYTES: usize = 64 << 20;

/// A partition that is written, and not durable before its uploads are finished.
pub(crate) struct Closed {
    pub(crate) partition: Partition,
    pub(crate) uploads: Vec<Upload>,
}

/// The rows of one key value on their way into files.
pub(crate) struct PartitionWriter {
    storage: Storage,
    ids: Ids,
    attributes: Vec<Attribute>,
    keys: Vec<KeyValue>,
    /// Folders that the files are in, each ending with `/`.
    folders: String,
    buffered: Vec<Vec<ArrayRef>>,
    buffered_rows: u64,
    buffered_bytes: u64,
    open: Option<OpenPartition>,
}

struct OpenPartition {
    path: String,
    encoder: PartitionEncoder,
    upload: Upload,
    rows: u64,
    projection: Projection,
    /// Large files that its rows name: while any version has the partition, nothing frees them.
    external_files: BTreeSet<String>,
}

impl PartitionWriter {
    pub(crate) fn new(
        storage: Storage,
        ids: Ids,
        attributes: Vec<Attribute>,
        keys: Vec<KeyValue>,
        folders: String,
    ) -> Self {
        let buffered = attributes.iter().map(|_| Vec::new()).collect();
        Self {
            storage,
            ids,
            attributes,
            keys,
            folders,
            buffered,
            buffered_rows: 0,
            buffered_bytes: 0,
            open: None,
        }
    }

    pub(crate) fn buffered_bytes(&self) -> u64 {
        self.buffered_bytes
    }

    /// Takes in rows, which share the caller's memory; gives the partitions that they completed, if any.
    pub(crate) async fn append(
        &mut self,
        columns: &[ArrayRef],
        options: &WriteOptions,
    ) -> Result<Vec<Closed>> {
        let row_count = columns.first().map_or(0, |column| column.len());
        let row_bytes = slice_bytes(columns) / (row_count as u64).max(1);
        let mut closed = Vec::new();
        let mut at = 0;
        while at < row_count {
            let room = options.row_group_bytes.saturating_sub(self.buffered_bytes);
            let rows = (room / row_bytes.max(1)).max(1) as usize;
            let rows = rows.min(row_count - at);
            let rows = rows.min((limits::MAX_ROW_GROUP_ROWS - self.buffered_rows) as usize);
            for (buffered, column) in self.buffered.iter_mut().zip(columns) {
                buffered.push(column.slice(at, rows));
            }
            self.buffered_rows += rows as u64;
            self.buffered_bytes += rows as u64 * row_bytes;
            at += rows;
            let is_full = self.buffered_bytes + row_bytes > options.row_group_bytes
                || self.buffered_rows >= limits::MAX_ROW_GROUP_ROWS;
            if is_full {
                closed.extend(self.flush(options).await?);
            }
        }
        Ok(closed)
    }

    /// Encodes and uploads what is buffered; gives the partition if that filled it.
    pub(crate) async fn flush(&mut self, options: &WriteOptions) -> Result<Option<Closed>> {
        if self.buffered_rows == 0 {
            return Ok(None);
        }
        let rows = std::mem::take(&mut self.buffered_rows);
        let bytes = std::mem::take(&mut self.buffered_bytes);
        let columns: Vec<Vec<ArrayRef>> = self.buffered.iter_mut().map(std::mem::take).collect();
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin().await?,
        };
        open.upload.expect(bytes);
        open.projection.add(&self.attributes, &columns);
        for (attribute, arrays) in self.attributes.iter().zip(&columns) {
            if attribute.attribute_type == AttributeType::File {
                open.external_files.extend(arrays.iter().flat_map(objects_named));
            }
        }
        let (encoder, pieces) = encode(open.encoder, rows, columns).await?;
        open.encoder = encoder;
        for piece in pieces {
            open.upload.write(piece).await?;
        }
        open.rows += rows;
        let is_full = open.encoder.size_bytes() >= options.partition_bytes
            || open.encoder.row_group_count() >= MAX_ROW_GROUPS;
        self.open = Some(open);
        if is_full { self.close().await } else { Ok(None) }
    }

    // By unique reference, as below: an upload can be sent to another thread, but not shared with it.
    async fn begin(&mut self) -> Result<OpenPartition> {
        let path = base_file_path(&self.folders, &self.ids.next());
        let (encoder, head) =
            PartitionEncoder::new(&self.attributes).map_err(|e| Error::format("the schema", e))?;
        let mut upload = self.storage.upload(&path)?;
        upload.write(head).await?;
        let (projection, external_files) = (Projection::default(), BTreeSet::new());
        Ok(OpenPartition { path, encoder, upload, rows: 0, projection, external_files })
    }

    /// Writes the rest of the open file; call [`flush`](Self::flush) first.
    pub(crate) async fn close(&mut self) -> Result<Option<Closed>> {
        let Some(open) = self.open.take() else { return Ok(None) };
        let OpenPartition { path, encoder, mut upload, rows, projection, external_files } = open;
        let row_groups = encoder.row_group_count() as u64;
        let (tail, encoded) = encoder.finish().map_err(|e| Error::format(&path, e))?;
        upload.write(tail).await?;
        let statistics = statistics::of_file(&self.attributes, &encoded);
        let mut files = vec![data_file(path, encoded, upload.written().xxh3)];
        let mut uploads = vec![upload];
        let is_wide = row_groups > 1 && rows / row_groups < WIDE_BELOW_ROWS;
        if is_wide
            && let Some(dense) = projection.into_columns()
            && let Some((file, upload)) = self.write_projection(dense, rows).await?
        {
            files.push(file);
            uploads.push(upload);
        }
        let partition = Partition {
            row_count: rows,
            keys: self.keys.clone(),
            files,
            statistics,
            external_files: external_files.into_iter().collect(),
            ..Partition::default()
        };
        Ok(Some(Closed { partition, uploads }))
    }

    /// Writes the small attributes of wide rows once more, densely, so that SQL over them need not
    /// step over the tensors.
    async fn write_projection(
        &mut self,
        columns: Vec<(usize, Vec<ArrayRef>)>,
        rows: u64,
    ) -> Result<Option<(DataFile, Upload)>> {
        if columns.is_empty() || columns.len() == self.attributes.len() {
            return Ok(None);
        }
        let attributes: Vec<_> = columns.iter().map(|(i, _)| self.attributes[*i].clone()).collect();
        let mut file = ColumnFileWriter::begin(&self.storage, &self.ids, attributes).await?;
        let mut at = 0;
        while at < rows {
            let len = (rows - at).min(limits::MAX_ROW_GROUP_ROWS);
            let group = columns.iter().map(|(_, arrays)| cut(arrays, at as usize, len as usize));
            file.push(len, group.collect()).await?;
            at += len;
        }
        let (file, _, upload) = file.close().await?;
        Ok(Some((file, upload)))
    }
}

/// Rows `start..start + len` of arrays that follow each other.
fn cut(arrays: &[ArrayRef], mut start: usize, mut len: usize) -> Vec<ArrayRef> {
    let mut parts = Vec::new();
    for array in arrays {
        if start >= array.len() {
            start -= array.len();
            continue;
        }
        let take = len.min(array.len() - start);
        parts.push(array.slice(start, take));
        (start, len) = (0, len - take);
        if len == 0 {
            break;
        }
    }
    parts
}

/// Bytes of the rows of these columns alone, not of buffers they share with other rows.
pub(crate) fn slice_bytes(columns: &[ArrayRef]) -> u64 {
    let bytes = |column: &ArrayRef| {
        column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size())
    };
    columns.iter().map(|column| bytes(column) as u64).sum()
}

/// The dense attributes of a partition, kept until it is known whether its rows are wide.
#[derive(Default)]
struct Projection {
    columns: Vec<(usize, Vec<ArrayRef>)>,
    bytes: usize,
    is_too_large: bool,
}

impl Projection {
    fn add(&mut self, attributes: &[Attribute], columns: &[Vec<ArrayRef>]) {
        if self.is_too_large {
            return;
        }
        if self.columns.is_empty() {
            let dense = (0..attributes.len()).filter(|&i| is_dense(&attributes[i]));
            self.columns = dense.map(|i| (i, Vec::new())).collect();
        }
        for (attribute, kept) in &mut self.columns {
            let arrays = &columns[*attribute];
            self.bytes += slice_bytes(arrays) as usize;
            kept.extend(arrays.iter().cloned());
        }
        if self.bytes > MAX_PROJECTION_BYTES {
            *self = Self { is_too_large: true, ..Self::default() };
        }
    }

    fn into_columns(self) -> Option<Vec<(usize, Vec<ArrayRef>)>> {
        (!self.is_too_large).then_some(self.columns)
    }
}

/// Whether SQL filters by the attribute: scalars and text.
fn is_dense(attribute: &Attribute) -> bool {
    match &attribute.attribute_type {
        AttributeType::Scalar(_) => true,
        AttributeType::Value(data_type) => {
            !data_type.is_nested() && !matches!(data_type, arrow_schema::DataType::Binary)
        }
        _ => false,
    }
}
