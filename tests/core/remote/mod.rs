//! Datasets on servers, over real HTTP: counted, refused, broken.

mod cache;
mod conformance;
mod counts;
mod faults;
mod files;
mod latency;
mod refusals;
mod secrets;
mod sources;
mod unpolled;
mod writers;

use tenrow::{Attribute, Columns, CreateOptions, Dataset, Schema, Snapshot, WriteOptions};
use tenrow_tests::s3::S3Server;

fn schema(texts: &[&str]) -> Schema {
    Schema::new(texts.iter().map(|text| Attribute::parse(text).unwrap())).unwrap()
}

fn dataset(server: &S3Server, name: &str) -> Dataset {
    Dataset::at(server.storage(name))
}

/// A dataset of vectors `x`, the first of whose numbers is the row, and of the row as `n`.
async fn vectors(server: &S3Server, name: &str, rows: u64, width: u64) -> Snapshot {
    let dataset = dataset(server, name);
    let schema = schema(&[&format!("x:f32[{width}]"), "n:i64"]);
    dataset.create_here(schema, &CreateOptions::default()).await.unwrap();
    append(&dataset, 0..rows, width).await
}

async fn append(dataset: &Dataset, rows: std::ops::Range<u64>, width: u64) -> Snapshot {
    let mut writer = dataset.writer_with(WriteOptions::default()).await.unwrap();
    for start in rows.clone().step_by(1000) {
        let end = rows.end.min(start + 1000);
        let shape = ((end - start) as usize, width as usize);
        let value = |(row, place)| (start + row as u64) as f32 + place as f32 / 1024.0;
        let x = ndarray::Array2::from_shape_fn(shape, value);
        let n: Vec<i64> = (start as i64..end as i64).collect();
        let columns = Columns::new().tensors("x", &x).scalars("n", &n);
        writer.append_columns(columns).await.unwrap();
    }
    writer.commit().await.unwrap()
}
