//! Scalars by DataFusion's own Parquet source: its filters inside the scan, its pruning of row groups and pages.
//!
//! ```text
//! RowsExec: _row, _row_id of rows by their place in their file
//!   DataSourceExec: row groups and rows that are live and asked for, of the files that hold the columns
//! ```

mod adapter;
mod part;
mod reader;
mod rows;

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Schema};
use datafusion::common::Result;
use datafusion::common::Statistics;
use datafusion::common::config::ConfigOptions;
use datafusion::datasource::physical_plan::parquet::source::ParquetSource;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::parquet::arrow::RowNumber;
use datafusion::physical_plan::ExecutionPlan;

use super::Target;
use crate::columns::{Column, PARTITION};

pub(super) use part::{Part, file_of};

use adapter::ByFieldId;
use reader::Readers;
use rows::RowsExec;

/// The column of row numbers within a file, of which `_row` and `_row_id` are made.
const FILE_ROW: &str = "__file_row";

/// The plan that reads the columns of `parts`, which are ascending, as `count` parts of it.
pub(super) fn plan(
    target: Target,
    parts: Vec<Part>,
    count: usize,
    statistics: Statistics,
    shown: String,
    options: &ConfigOptions,
) -> Result<Arc<dyn ExecutionPlan>> {
    let names_rows = target.columns.iter().any(|c| matches!(c, Column::Row | Column::RowId));
    let names_partitions = names_rows || target.columns.contains(&Column::Partition);
    let attributes = target.snapshot.schema().attributes();
    let fields = target.snapshot.arrow_schema().fields();
    let read = target.columns.iter().filter_map(|column| match column {
        Column::Attribute(index) => Some(*index),
        _ => None,
    });
    let read: Vec<usize> = read.collect();
    let file_schema: Vec<FieldRef> = read.iter().map(|&index| fields[index].clone()).collect();
    // A file whose schema is that of the table is read as it stands, its floats too: none is.
    let unlike = HashMap::from([("tenrow".to_owned(), "table".to_owned())]);
    let file_schema = Schema::new_with_metadata(file_schema, unlike);
    let mut schema = TableSchema::builder(Arc::new(file_schema));
    if names_partitions {
        let partition: FieldRef = Arc::new(Field::new(PARTITION, DataType::Int64, false));
        schema = schema.with_table_partition_cols(vec![partition]);
    }
    if names_rows {
        let row = Field::new(FILE_ROW, DataType::Int64, false).with_extension_type(RowNumber);
        schema = schema.with_virtual_columns(vec![Arc::new(row) as FieldRef]);
    }
    let source = ParquetSource::new(schema.build())
        .with_table_parquet_options(datafusion::common::config::TableParquetOptions {
            global: options.execution.parquet.clone(),
            ..Default::default()
        })
        .with_enable_page_index(options.execution.parquet.enable_page_index)
        .with_bloom_filter_on_read(false)
        .with_parquet_file_reader_factory(Arc::new(Readers));
    let groups = part::groups(&parts, count, names_partitions);
    let read = read.iter().map(|&index| attributes[index].clone()).collect();
    let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
        .with_file_groups(groups.into_iter().map(FileGroup::new).collect())
        .with_expr_adapter(Some(Arc::new(ByFieldId::new(read, target.seen_floats.clone()))))
        .with_preserve_order(names_rows)
        .build();
    let scan = DataSourceExec::from_data_source(config);
    Ok(Arc::new(RowsExec::new(target, scan, parts, statistics, shown)))
}
