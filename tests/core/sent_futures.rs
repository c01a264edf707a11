//! Every future of the library may move between threads, as `tokio::spawn` wants it.
//!
//! `Snapshot::warm` was awaited by nothing that is spawned: what it read was named by closures that the compiler could
//! not show to be sent. Whatever is async is here, so that the next one does not compile.

use std::future::Future;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use futures::{StreamExt, TryStreamExt};
use tenrow::{
    Attribute, Catalog, ColumnFill, Columns, CreateOptions, Dataset, ExpireOptions, OnProgress,
    Result, Schema, SchemaChange, Snapshot, Version, View, WhichVersion, WriteOptions,
};

fn is_sent<F: Future<Output: Send> + Send + 'static>(_: &F) {}

async fn written(dataset: Dataset, schema: Schema, batch: RecordBatch) -> Result<Snapshot> {
    let (create, write) = (CreateOptions::default(), WriteOptions::default());
    dataset.writer_of_new(schema.clone(), &create, write.clone()).await?.abort().await?;
    dataset.overwriter(Some(schema), write.clone()).await?.commit().await?;
    let mut writer = dataset.writer_with(write).await?;
    writer.append(&batch).await?;
    writer.append_columns(Columns::new()).await?;
    let file = writer.put_file("file").await?;
    writer.append_columns(Columns::new().files("file", [file])).await?;
    writer.commit().await
}

async fn read(snapshot: Snapshot) -> Result<()> {
    snapshot.take(&[0]).await?;
    snapshot.slice(0..1).await?;
    snapshot.get(0).await?;
    snapshot.scan().try_next().await?;
    snapshot.row_ids(&[0]).await?;
    snapshot.rows_of_ids(&[0]).await?;
    snapshot.diff(&snapshot).await?;
    snapshot.inspect().await?;
    snapshot.file_warnings().await?;
    snapshot.unfilled_rows("x").await?;
    snapshot.warm(&OnProgress::default()).await?;
    let elements = snapshot.elements("x").await?;
    elements.window(0..1).await?;
    let tensors = snapshot.tensor_column("x")?;
    tensors.get(0).await?;
    tensors.take(&[0]).await?;
    tensors.slice(0..1).await?;
    let files = snapshot.file_column("x")?;
    files.bytes(0).await?;
    if let Some(file) = files.get(0).await? {
        file.read().await?;
    }
    Ok(())
}

async fn viewed(dataset: Dataset, snapshot: Snapshot) -> Result<View> {
    let parts = snapshot.random_split(1, &[0.5, 0.5]).await?;
    parts[0].rows(0..1).await?.take(&[0]).await?;
    parts[0].slice(0..1).await?;
    parts[0].scan().next().await;
    parts[0].row_numbers().await?;
    parts[0].rows_for_budget("x", 1.0).await?;
    parts[0].at(&snapshot).await?;
    dataset.create_view("a", &parts[0], &Default::default()).await?;
    dataset.split_views(&snapshot, 1, &[("a".to_owned(), 1.0)], false).await?;
    dataset.drop_view("a").await?;
    dataset.view_named("a@latest").await
}

async fn changed(dataset: Dataset, snapshot: Snapshot, batch: RecordBatch) -> Result<Dataset> {
    dataset.update(&snapshot, &[0], &batch).await?;
    dataset.update_ids(&[0], &batch).await?;
    dataset.delete(&snapshot, &[0]).await?;
    dataset.delete_ids(&[0]).await?;
    dataset.change_schema(SchemaChange::Drop("x".to_owned())).await?;
    dataset.tag("a", Version(1)).await?;
    dataset.tagged("a").await?;
    dataset.restore(Version(1)).await?;
    let fill = ColumnFill::new("y", ["x"]);
    dataset.fill_column(&fill, |batch| Ok(batch.column(0).clone())).await?;
    let column = dataset.add_column(Attribute::new("y", "f32".parse()?)).await?;
    column.fill(&fill, |batch| Ok(batch.column(0).clone())).await?;
    let values: ArrayRef = Arc::new(arrow_array::Float32Array::from(vec![1.0]));
    column.set(&snapshot, values).await?;
    dataset.merge_with(&dataset, &snapshot, &OnProgress::default()).await?;
    dataset.clone_to("there", Version(1)).await?.forget_clone("here").await?;
    dataset.copy_to("there", Version(1), &OnProgress::default()).await
}

async fn kept(dataset: Dataset) -> Result<()> {
    dataset.compact(Default::default()).await?;
    dataset.vacuum(Default::default()).await?;
    dataset.expire(&ExpireOptions::default()).await?;
    dataset.verify(Default::default()).await?;
    dataset.versions().await?;
    dataset.clones().await?;
    dataset.which(&WhichVersion::At(0)).await?;
    dataset.named("latest").await.map(drop)
}

async fn listed(catalog: Catalog, schema: Schema) -> Result<()> {
    catalog.list().await?;
    catalog.create("a", schema, &Default::default()).await?;
    catalog.dataset("a").await.map(drop)
}

/// That it compiles is the test.
#[test]
fn futures_of_the_library_may_be_spawned() {
    tenrow_tests::block_on(async {
        let schema = Schema::new([Attribute::parse("x:i64").unwrap()]).unwrap();
        let dataset = Dataset::create("memory://sent-futures/a", schema.clone()).await.unwrap();
        let latest = dataset.latest().await.unwrap();
        let batch = Columns::new().scalars("x", [1i64]).into_batch().unwrap();
        is_sent(&written(dataset.clone(), schema.clone(), batch.clone()));
        is_sent(&read(latest.clone()));
        is_sent(&viewed(dataset.clone(), latest.clone()));
        is_sent(&changed(dataset.clone(), latest.clone(), batch));
        is_sent(&kept(dataset.clone()));
        is_sent(&listed(Catalog::open("memory://sent-futures").unwrap(), schema));
    });
}
