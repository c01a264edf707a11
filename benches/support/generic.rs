//! arrow-rs's own Parquet reader on tenrow's files, tuned as far as its interface goes.
//!
//! The file is mapped, so that it copies nothing when it "reads"; footer and page indexes are parsed
//! once; only the column asked for is projected; rows are chosen by row group and row selection, so
//! that it decodes none but the pages that hold them.

use std::fs::File;
use std::io;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use bytes::Bytes;
use memmap2::Mmap;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::file::metadata::PageIndexPolicy;

use crate::sum;

/// One file and what is known of it.
pub struct GenericReader {
    bytes: Bytes,
    metadata: ArrowReaderMetadata,
    group_starts: Vec<u64>,
}

impl GenericReader {
    /// Maps `path` and parses its metadata.
    ///
    /// # Errors
    /// Those of the file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: the benches write the file once, before they open it, and never change it.
        let bytes = Bytes::from_owner(unsafe { Mmap::map(&file) }?);
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
        let metadata = ArrowReaderMetadata::load(&bytes, options).map_err(io::Error::other)?;
        let mut start = 0;
        let group_starts = metadata.metadata().row_groups().iter().map(|group| {
            start += group.num_rows() as u64;
            start - group.num_rows() as u64
        });
        let group_starts = group_starts.collect();
        Ok(Self { bytes, metadata, group_starts })
    }

    /// The sum of one row.
    pub fn get_sum(&self, row: u64) -> u64 {
        let group = self.group_starts.partition_point(|&start| start <= row) - 1;
        let rows = self.metadata.metadata().row_group(group).num_rows() as usize;
        let local = (row - self.group_starts[group]) as usize;
        let one = std::iter::once(local..local + 1);
        let reader = self
            .builder()
            .with_row_groups(vec![group])
            .with_row_selection(RowSelection::from_consecutive_ranges(one, rows))
            .with_batch_size(1)
            .build()
            .expect("the file is whole");
        reader
            .map(|batch| sum_of_batch(&batch.expect("the file is whole")))
            .fold(0, u64::wrapping_add)
    }

    /// These rows, which are in ascending order and all different, as one batch.
    pub fn take(&self, rows: &[u64]) -> RecordBatch {
        let total = self.metadata.metadata().file_metadata().num_rows() as usize;
        let ranges = rows.iter().map(|&row| row as usize..row as usize + 1);
        let mut reader = self
            .builder()
            .with_row_selection(RowSelection::from_consecutive_ranges(ranges, total))
            .with_batch_size(rows.len())
            .build()
            .expect("the file is whole");
        reader.next().expect("a batch").expect("the file is whole")
    }

    /// The sum of all rows.
    pub fn scan_sum(&self) -> u64 {
        let reader = self.builder().build().expect("the file is whole");
        reader
            .map(|batch| sum_of_batch(&batch.expect("the file is whole")))
            .fold(0, u64::wrapping_add)
    }

    fn builder(&self) -> ParquetRecordBatchReaderBuilder<Bytes> {
        let columns = self.metadata.parquet_schema();
        let projection = ProjectionMask::roots(columns, [0]);
        ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.bytes.clone(),
            self.metadata.clone(),
        )
        .with_projection(projection)
    }
}

/// The sum of the elements' bytes of the first column.
pub fn sum_of_batch(batch: &RecordBatch) -> u64 {
    let list = batch.column(0).as_fixed_size_list();
    let elements = list.values().to_data();
    let item_bytes = elements.data_type().primitive_width().unwrap_or(1);
    let start = elements.offset() * item_bytes;
    sum(&elements.buffers()[0].as_slice()[start..start + elements.len() * item_bytes])
}
