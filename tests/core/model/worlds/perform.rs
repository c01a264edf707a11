//! The operations, done by the code under test.

use std::sync::Arc;

use tenrow::{
    ColumnFill, Columns, CompactOptions, Dataset, DatasetWriter, Error, ErrorKind, ExpireOptions,
    FileValue, Result, SchemaChange, VacuumOptions, Version, ViewOptions, WriteOptions,
};

use super::operation::Operation;
use super::relist::relist;
use super::state::{Kind, State};
use super::{foreign, rows};

/// Looks at objects of any age.
pub(crate) fn vacuum(dry_run: bool) -> VacuumOptions {
    VacuumOptions { older_than: std::time::Duration::ZERO, dry_run, ..VacuumOptions::default() }
}

/// A writer with the rows of `operation`, on the newest version, which is `base`.
pub(crate) async fn prepared(
    dataset: &Dataset,
    operation: &Operation,
    base: &State,
    options: &WriteOptions,
) -> Result<DatasetWriter> {
    let mut options = options.clone();
    let (mut writer, columns, cells) = match operation {
        Operation::Index(files) => {
            let mut writer = dataset.writer_with(options).await?;
            let columns = foreign::mapping(&base.columns);
            for &file in files {
                writer.append_in_place(foreign::path(file), &columns).await?;
            }
            return Ok(writer);
        }
        Operation::Append(cells, job, keys) => {
            options.idempotency_key = job.clone();
            options.partition_by.clone_from(keys);
            (dataset.writer_with(options).await?, &base.columns, cells)
        }
        Operation::Overwrite(cells, columns) => {
            let schema = columns.as_ref().map(|columns| rows::schema(columns));
            let writer = dataset.overwriter(schema, options).await?;
            (writer, columns.as_ref().unwrap_or(&base.columns), cells)
        }
        other => panic!("{other:?} has no writer"),
    };
    for part in cells.chunks(3) {
        writer.append_columns(rows::batch(columns, part)).await?;
    }
    Ok(writer)
}

/// Does it; gives the newest version that it made or found, if it says which.
pub(crate) async fn perform(
    dataset: &Dataset,
    operation: &Operation,
    base: &State,
    write: &WriteOptions,
) -> Result<Option<u64>> {
    let change = |change| dataset.change_schema(change);
    let snapshot = match operation.clone() {
        Operation::Append(..) | Operation::Index(_) | Operation::Overwrite(..) => {
            prepared(dataset, operation, base, write).await?.commit().await?
        }
        Operation::Add(column) => change(SchemaChange::Add(rows::attribute(&column))).await?,
        Operation::Drop(name) => change(SchemaChange::Drop(name)).await?,
        Operation::Rename(from, to) => change(SchemaChange::Rename { from, to }).await?,
        Operation::Widen(name, dtype) => {
            let dtype = dtype.parse().unwrap();
            change(SchemaChange::Widen { name, dtype }).await?
        }
        Operation::MakeNullable(name) => change(SchemaChange::MakeNullable(name)).await?,
        Operation::Reorder(names) => change(SchemaChange::Reorder(names)).await?,
        Operation::Fill(column, input) => {
            let kind = |name: &str| base.column(name).map_or(Kind::Text, |column| column.kind);
            let (own, from) = (kind(&column), kind(&input));
            let fill = ColumnFill::new(column, [input]).with_commit_partitions(2);
            let compute = |batch: &arrow_array::RecordBatch| {
                let now = batch.schema().field(0).data_type().clone();
                let is_same = from == Kind::File || now == rows::arrow_type_of(from);
                let other = || Error::new(ErrorKind::InvalidInput, "other inputs than expected");
                is_same.then(|| rows::computed_column(own, from, batch.column(0))).ok_or_else(other)
            };
            dataset.fill_column(&fill, compute).await?.snapshot
        }
        Operation::Delete(ids) => dataset.delete_ids(&ids).await?.snapshot,
        Operation::DeleteRows(version, rows, _) => {
            // Who does not know that a version has expired may still open it.
            dataset.latest().await?;
            let snapshot = dataset.version(Version(version)).await?;
            dataset.delete(&snapshot, &rows).await?.snapshot
        }
        Operation::Update(ids, names, values) => {
            let columns = names.iter().filter_map(|name| base.column(name)).cloned();
            let mut columns: Vec<_> = columns.collect();
            columns.dedup();
            let batch = rows::batch(&columns, &values);
            let batch = match columns.len() < names.len() {
                true => batch.array("nobody", rows::nulls(ids.len())),
                false => batch,
            };
            dataset.update_ids(&ids, &batch.into_batch()?).await?
        }
        Operation::Compute(computed) => {
            let snapshot = dataset.version(Version(computed.version)).await?;
            let columns = [computed.column];
            let values = rows::batch(&columns, &computed.values).into_batch()?;
            dataset.update(&snapshot, &computed.rows, &values).await?
        }
        Operation::Reuse(reused) => {
            let files = vec![Some(reused.file.handle); reused.ids.len()];
            let values = Columns::new().array(&reused.to, Arc::new(FileValue::array(&files)));
            dataset.update_ids(&reused.ids, &values.into_batch()?).await?
        }
        Operation::View(name, version, rows) => {
            let snapshot = dataset.version(Version(version)).await?;
            let options = ViewOptions::default();
            dataset.create_view(&name, &snapshot.rows(rows).unwrap(), &options).await?;
            return Ok(None);
        }
        Operation::DropView(name) => dataset.drop_view(&name).await?,
        Operation::Relist(bits) => relist(dataset, bits).await?,
        Operation::Compact => dataset.compact(CompactOptions::default()).await?.snapshot,
        Operation::Restore(version) => dataset.restore(Version(version)).await?,
        Operation::Tag(name, version) => dataset.tag(&name, Version(version)).await?,
        Operation::Untag(name) => dataset.untag(&name).await?,
        Operation::SetProperties(name, value) => {
            let value = value.map_or(serde_json::Value::Null, Into::into);
            dataset.set_properties([(name, value)]).await?
        }
        Operation::Expire(keep) => {
            let options = ExpireOptions { keep_last: Some(keep), ..ExpireOptions::default() };
            dataset.expire(&options).await?;
            return Ok(None);
        }
        Operation::Vacuum => {
            dataset.vacuum(vacuum(false)).await?;
            return Ok(None);
        }
    };
    Ok(Some(snapshot.version().0))
}
