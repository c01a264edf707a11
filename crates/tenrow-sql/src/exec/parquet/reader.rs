//! Files for the Parquet source, through tenrow's storage: maps, footers and counters are shared.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::{Result, internal_datafusion_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{ParquetFileMetrics, ParquetFileReaderFactory};
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::errors::{ParquetError, Result as ParquetResult};
use datafusion::parquet::file::metadata::ParquetMetaData;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use tenrow::ReadOptions;

use super::part::FileOf;
use crate::exec::reads::Reads;

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
            reads: Reads::new(metrics, partition_index),
        }))
    }
}

struct Reader {
    of: Arc<FileOf>,
    metrics: ParquetFileMetrics,
    reads: Reads,
}

impl Reader {
    async fn read(&self, ranges: &[Range<u64>]) -> ParquetResult<Vec<Bytes>> {
        let bytes: u64 = ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum();
        self.metrics.bytes_scanned.add(bytes as usize);
        let FileOf { partition, file } = self.of.as_ref();
        let options = ReadOptions::default();
        let read = partition.read(*file, ranges, &options);
        self.reads.future(read).await.map_err(fault)
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
            let footer = partition.footer_for_engines(*file);
            self.reads.future(footer).await.map_err(fault)
        }
        .boxed()
    }
}
