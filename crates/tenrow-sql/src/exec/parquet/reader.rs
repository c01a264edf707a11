//! Files for the Parquet source, through tenrow's storage: maps, footers and counters are shared.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::{Result, internal_datafusion_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{ParquetFileMetrics, ParquetFileReaderFactory};
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::basic::{LogicalType, Type};
use datafusion::parquet::errors::{ParquetError, Result as ParquetResult};
use datafusion::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use datafusion::parquet::file::page_index::column_index::ColumnIndexMetaData;
use datafusion::physical_plan::metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder};
use futures::FutureExt;
use futures::future::BoxFuture;
use tenrow::ReadOptions;

use super::part::FileOf;

/// Makes readers of the files of partitions.
#[derive(Debug)]
pub(super) struct Readers;

impl ParquetFileReaderFactory for Readers {
    fn create_reader(
        &self,
        partition_index: usize,
        file: PartitionedFile,
        _: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let of = file.extensions.get_arc::<FileOf>();
        let of = of.ok_or_else(|| internal_datafusion_err!("a file of no partition"))?;
        let name = file.object_meta.location.as_ref();
        Ok(Box::new(Reader {
            of,
            metrics: ParquetFileMetrics::new(partition_index, name, metrics),
            requests: MetricBuilder::new(metrics).counter("requests", partition_index),
        }))
    }
}

struct Reader {
    of: Arc<FileOf>,
    metrics: ParquetFileMetrics,
    /// Reads that were asked for, before near ones are put together.
    requests: Count,
}

impl Reader {
    async fn read(&self, ranges: &[Range<u64>]) -> ParquetResult<Vec<Bytes>> {
        let bytes: u64 = ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum();
        self.metrics.bytes_scanned.add(bytes as usize);
        self.requests.add(ranges.len());
        let FileOf { partition, file } = self.of.as_ref();
        partition.read(*file, ranges, &ReadOptions::default()).await.map_err(fault)
    }
}

fn fault(error: tenrow::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        async move {
            let mut read = self.read(std::slice::from_ref(&range)).await?;
            Ok(read.pop().unwrap_or_default())
        }
        .boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        async move { self.read(&ranges).await }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            let FileOf { partition, file } = self.of.as_ref();
            without_float_bounds(partition.footer(*file).await.map_err(fault)?)
        }
        .boxed()
    }
}

/// The metadata without bounds of floats: they pass over NaN, which is beyond every number, so a row group within
/// them may hold rows that a comparison does not leave, and one outside rows that it does.
fn without_float_bounds(metadata: Arc<ParquetMetaData>) -> ParquetResult<Arc<ParquetMetaData>> {
    let columns = metadata.file_metadata().schema_descr().columns();
    let is_float = |column: usize| {
        columns.get(column).is_some_and(|column| {
            matches!(column.physical_type(), Type::FLOAT | Type::DOUBLE)
                || column.logical_type_ref() == Some(&LogicalType::Float16)
        })
    };
    if !(0..columns.len()).any(is_float) {
        return Ok(metadata);
    }
    let mut builder = metadata.as_ref().clone().into_builder();
    let mut groups = Vec::new();
    for group in builder.take_row_groups() {
        let mut group = group.into_builder();
        let without = |(column, chunk): (usize, ColumnChunkMetaData)| match is_float(column) {
            true => chunk.into_builder().clear_statistics().build(),
            false => Ok(chunk),
        };
        let chunks = group.take_columns().into_iter().enumerate().map(without);
        let chunks = chunks.collect::<ParquetResult<_>>()?;
        groups.push(group.set_column_metadata(chunks).build()?);
    }
    let mut index = builder.take_column_index();
    for group in index.iter_mut().flatten() {
        let floats = group.iter_mut().enumerate().filter(|(column, _)| is_float(*column));
        floats.for_each(|(_, bounds)| *bounds = ColumnIndexMetaData::NONE);
    }
    Ok(Arc::new(builder.set_row_groups(groups).set_column_index(index).build()))
}
