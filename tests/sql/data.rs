//! The datasets that statements are asked about.
//!
//! - `digits`: `image:u8[4,4]`, `label:i64`, `name:string?`, `score:f64?`, `split:string`; 1,000 rows in ten
//!   partitions of 100, a commit each; row r has label r % 10, score r / 4 but none where r % 7 is 3; version 7
//!   has the first 600 rows and is tagged `first`.
//! - `evolved`: attributes renamed, widened, added with and without a default, filled, updated; rows deleted.
//! - `speech/train`: `tokens:list<i32>`, `boxes:f32[?,2]`, `text:string`; 20 rows.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{Int32Builder, ListBuilder};
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::Field;
use ndarray::{Array2, Array3};
use tenrow::{
    Attribute, ColumnFill, Columns, CompactOptions, CreateOptions, DType, Dataset, Schema,
    SchemaChange, Version,
};
use tenrow_sql::{Session, SessionOptions};
use tenrow_tests::place;

pub(crate) const DIGITS: u64 = 1000;

/// A session over all of them, in a root called `data`, whose reads are counted.
pub(crate) async fn session(folder: &Path) -> Session {
    digits(folder).await;
    evolved(folder).await;
    speech(folder).await;
    open(folder)
}

/// A session over what is there.
pub(crate) fn open(folder: &Path) -> Session {
    let storage = place::counted(folder);
    let options = SessionOptions::default().with_root_storage("data", storage);
    Session::new(&options.with_target_partitions(4)).unwrap()
}

/// An empty dataset with these attributes.
pub(crate) async fn create_with(folder: &Path, name: &str, attributes: &[&str]) -> Dataset {
    create(folder, name, schema(attributes)).await
}

fn schema(texts: &[&str]) -> Schema {
    Schema::new(texts.iter().map(|text| Attribute::parse(text).unwrap())).unwrap()
}

async fn create(folder: &Path, name: &str, schema: Schema) -> Dataset {
    let location = place::location(folder.join(name));
    let options = CreateOptions::default().with_property("made_by", "a test");
    Dataset::create_with(&location, schema, &tenrow::StoreOptions::default(), &options)
        .await
        .unwrap()
}

pub(crate) fn score(row: u64) -> Option<f64> {
    (row % 7 != 3).then_some(row as f64 / 4.0)
}

pub(crate) fn name(row: u64) -> Option<String> {
    (!row.is_multiple_of(3)).then(|| format!("row {row}"))
}

pub(crate) fn split(row: u64) -> &'static str {
    if row < 800 { "train" } else { "test" }
}

pub(crate) fn digits_rows(rows: Range<u64>) -> Columns {
    let count = (rows.end - rows.start) as usize;
    let first = rows.start as usize;
    let images =
        Array3::from_shape_fn((count, 4, 4), |(r, i, j)| ((first + r) * 16 + i * 4 + j) as u8);
    let labels: Vec<i64> = rows.clone().map(|row| (row % 10) as i64).collect();
    let names: Vec<Option<String>> = rows.clone().map(name).collect();
    let scores: ArrayRef = Arc::new(Float64Array::from_iter(rows.clone().map(score)));
    Columns::new()
        .tensors("image", &images)
        .scalars("label", &labels)
        .strings("name", names.iter().map(Option::as_deref))
        .array("score", scores)
        .strings("split", rows.map(|row| Some(split(row))))
}

async fn digits(folder: &Path) {
    let schema =
        schema(&["image:u8[4,4]", "label:i64", "name:string?", "score:f64?", "split:string"]);
    let dataset = create(folder, "digits", schema).await;
    for part in 0..10 {
        let mut writer = dataset.writer().await.unwrap();
        writer.append_columns(digits_rows(part * 100..(part + 1) * 100)).await.unwrap();
        assert_eq!(writer.commit().await.unwrap().version(), Version(part + 2));
    }
    dataset.tag("first", Version(7)).await.unwrap();
}

async fn evolved(folder: &Path) {
    let schema = schema(&["id:i32", "kind:string", "weight:f32", "image:u8[2]", "gone:i64"]);
    let dataset = create(folder, "evolved", schema).await;
    let part = |rows: Range<u64>, kind: &str, id: ArrayRef| {
        let count = (rows.end - rows.start) as usize;
        let kinds: Vec<String> = rows.clone().map(|row| format!("k{}", row % 3)).collect();
        let weights: Vec<f32> = rows.clone().map(|row| row as f32 / 2.0).collect();
        let first = rows.start as usize;
        let images = Array2::from_shape_fn((count, 2), |(r, i)| ((first + r) * 2 + i) as u8);
        Columns::new()
            .array("id", id)
            .strings(kind, kinds.iter().map(|kind| Some(kind.as_str())))
            .scalars("weight", &weights)
            .tensors("image", &images)
    };
    let mut writer = dataset.writer().await.unwrap();
    let ids: Vec<i32> = (0..50).collect();
    let first = part(0..50, "kind", Arc::new(arrow_array::Int32Array::from(ids)));
    writer.append_columns(first.scalars("gone", [7i64; 50])).await.unwrap();
    writer.commit().await.unwrap();
    let extra = Attribute::parse("extra:f64").unwrap().with_default(0.5);
    for change in [
        SchemaChange::Rename { from: "kind".into(), to: "class".into() },
        SchemaChange::Widen { name: "id".into(), dtype: DType::I64 },
        SchemaChange::Drop("gone".into()),
        SchemaChange::Add(extra),
        SchemaChange::Add(Attribute::parse("gone:string?").unwrap()),
        SchemaChange::Add(Attribute::parse("twice:i64?").unwrap()),
    ] {
        dataset.change_schema(change).await.unwrap();
    }
    let mut writer = dataset.writer().await.unwrap();
    let ids: Vec<i64> = (50..100).collect();
    let second = part(50..100, "class", Arc::new(Int64Array::from(ids.clone())));
    let twices: ArrayRef = Arc::new(Int64Array::from_iter_values(ids.iter().map(|id| id * 2)));
    let second = second
        .scalars("extra", [1.5f64; 50])
        .strings("gone", (50..100).map(|row| (row % 2 == 0).then_some("back")))
        .array("twice", twices);
    writer.append_columns(second).await.unwrap();
    writer.commit().await.unwrap();
    let fill = ColumnFill::new("twice", ["id"]);
    let twiced = |batch: &RecordBatch| {
        let ids: &Int64Array = arrow_array::cast::AsArray::as_primitive(batch.column(0));
        Ok(Arc::new(Int64Array::from_iter(ids.iter().map(|id| id.map(|id| id * 2)))) as ArrayRef)
    };
    dataset.fill_column(&fill, twiced).await.unwrap();
    let rows: Vec<u64> = (10..15).chain(48..52).collect();
    let snapshot = dataset.latest().await.unwrap();
    dataset.delete(&snapshot, &rows).await.unwrap();
    let kind: ArrayRef = Arc::new(StringArray::from(vec!["new", "newer"]));
    let update = RecordBatch::try_from_iter([("class", kind)]).unwrap();
    let snapshot = dataset.latest().await.unwrap();
    dataset.update(&snapshot, &[0, 60], &update).await.unwrap();
}

/// The columns of `evolved`, in their order.
pub(crate) type EvolvedRow = (i64, String, f32, f64, Option<&'static str>, i64);

/// What `evolved` holds: id, class, weight, extra, gone, twice.
pub(crate) fn evolved_rows() -> Vec<EvolvedRow> {
    let live: Vec<u64> =
        (0..100).filter(|row| !(10..15).contains(row) && !(48..52).contains(row)).collect();
    let row = |(place, row): (usize, &u64)| {
        let class = match place {
            0 => "new".to_owned(),
            60 => "newer".to_owned(),
            _ => format!("k{}", row % 3),
        };
        let gone = (*row >= 50 && row % 2 == 0).then_some("back");
        let extra = if *row < 50 { 0.5 } else { 1.5 };
        (*row as i64, class, *row as f32 / 2.0, extra, gone, *row as i64 * 2)
    };
    live.iter().enumerate().map(row).collect()
}

async fn speech(folder: &Path) {
    let dataset = create(
        folder,
        "speech/train",
        schema(&["tokens:list<i32>", "boxes:f32[?,2]", "text:string"]),
    )
    .await;
    let mut tokens = ListBuilder::new(Int32Builder::new()).with_field(Field::new(
        "item",
        arrow_schema::DataType::Int32,
        false,
    ));
    let mut boxes = Vec::new();
    for row in 0..20usize {
        (0..row % 4).for_each(|i| tokens.values().append_value((row * 10 + i) as i32));
        tokens.append(true);
        boxes.push(Array2::from_shape_fn((row % 3, 2), |(i, j)| (row + i + j) as f32).into_dyn());
    }
    let views: Vec<_> = boxes.iter().map(|array| array.view()).collect();
    let texts: Vec<String> = (0..20).map(|row| format!("line {row}")).collect();
    let columns = Columns::new()
        .array("tokens", Arc::new(tokens.finish()))
        .variable_tensors("boxes", &views)
        .strings("text", texts.iter().map(|text| Some(text.as_str())));
    let mut writer = dataset.writer().await.unwrap();
    writer.append_columns(columns).await.unwrap();
    writer.commit().await.unwrap();
    dataset.compact(CompactOptions::default()).await.unwrap();
}
