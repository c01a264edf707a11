//! Rows in groups that come, change and go as one: half a group is half a commit.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch};
use tenrow::{
    Attribute, Columns, Dataset, FileValue, Result, Schema, SchemaChange, Snapshot, WriteOptions,
};

/// Rows of a group.
pub const ROWS: i64 = 8;

/// `x` is a number that no other row has, `v` what updates change; `y` is added later: see [`add_y`].
pub fn schema() -> Schema {
    let texts = ["x:i64", "v:i64", "photo:file?"];
    let attributes = texts.map(|text| Attribute::parse(text).expect("a type"));
    Schema::new(attributes).expect("different names")
}

/// Files over 20 bytes are objects of their own.
pub fn options() -> WriteOptions {
    WriteOptions::default().with_inline_file_bytes(20)
}

/// Declares `y`, which is to be filled with what [`filled`] gives.
///
/// # Errors
/// If another program did it just now.
pub async fn add_y(dataset: &Dataset) -> Result<Snapshot> {
    let y = Attribute::parse("y:i64?").expect("a type");
    dataset.change_schema(SchemaChange::Add(y)).await
}

/// What `y` is filled with.
///
/// # Errors
/// None: its type is that of a computation.
pub fn filled(batch: &RecordBatch) -> Result<ArrayRef> {
    let x = batch.column(0).as_primitive::<Int64Type>();
    Ok(Arc::new(x.iter().map(|x| x.map(|x| x * 2 + 1)).collect::<Int64Array>()))
}

/// The rows of a group: with `y` if the schema has it, without what else may have been added.
pub fn rows(schema: &Schema, group: i64, v: i64) -> Columns {
    let x: Vec<i64> = (group * ROWS..(group + 1) * ROWS).collect();
    let photo = |x: i64| (x % 3 > 0).then(|| FileValue::new("f", vec![x as u8; (x % 30) as usize]));
    let photos: Vec<Option<FileValue>> = x.iter().map(|&x| photo(x)).collect();
    let columns = Columns::new().scalars("x", &x).files("photo", &photos);
    let columns = columns.scalars("v", vec![v; ROWS as usize]);
    let y: Vec<i64> = x.iter().map(|x| x * 2 + 1).collect();
    if schema.attribute("y").is_some() { columns.scalars("y", &y) } else { columns }
}

/// Appends a group in one commit.
///
/// # Errors
/// Those of the commit.
pub async fn append(dataset: &Dataset, group: i64, v: i64) -> Result<Snapshot> {
    let mut writer = dataset.writer_with(options()).await?;
    let rows = rows(writer.schema(), group, v);
    writer.append_columns(rows).await?;
    writer.commit().await
}

/// The groups of a version with their rows' ids, and a digest of all that it holds.
///
/// # Errors
/// Says what is half, or wrong.
pub async fn groups(snapshot: &Snapshot) -> Result<(BTreeMap<i64, Vec<u64>>, u64), String> {
    let told = |error: tenrow::Error| error.chain();
    let count = snapshot.row_count();
    let all = snapshot.slice(0..count).await.map_err(told)?;
    let ids = snapshot.row_ids(&(0..count).collect::<Vec<_>>()).await.map_err(told)?;
    let column = |name: &str| all.column_by_name(name).map(|c| c.as_primitive::<Int64Type>());
    let (Some(x), Some(v)) = (column("x"), column("v")) else { return Err("no x or v".into()) };
    let mut groups: BTreeMap<i64, (i64, Vec<u64>)> = BTreeMap::new();
    let mut seen = std::collections::BTreeSet::new();
    for (row, &id) in ids.iter().enumerate() {
        let group = groups.entry(x.value(row) / ROWS).or_insert((v.value(row), Vec::new()));
        group.1.push(id);
        if group.0 != v.value(row) || !seen.insert(x.value(row)) {
            return Err(format!("row {row}: x {}, v {}", x.value(row), v.value(row)));
        }
        let y = column("y").filter(|y| y.is_valid(row)).map(|y| y.value(row));
        if y.is_some_and(|y| y != x.value(row) * 2 + 1) {
            return Err(format!("row {row}: x {}, y {y:?}", x.value(row)));
        }
    }
    if let Some((group, (_, rows))) = groups.iter().find(|(_, (_, ids))| ids.len() as i64 != ROWS) {
        return Err(format!("{} rows of group {group}", rows.len()));
    }
    check_photos(snapshot, x).await?;
    let mut digest = DefaultHasher::new();
    (x.values().to_vec(), v.values().to_vec(), &ids).hash(&mut digest);
    snapshot.schema().attributes().iter().for_each(|a| (&a.name, a.id).hash(&mut digest));
    snapshot.root_checksum().hash(&mut digest);
    Ok((groups.into_iter().map(|(group, (_, ids))| (group, ids)).collect(), digest.finish()))
}

/// Every seventh file.
async fn check_photos(snapshot: &Snapshot, x: &Int64Array) -> Result<(), String> {
    let photos = snapshot.file_column("photo").map_err(|error| error.chain())?;
    for row in (0..x.len()).step_by(7) {
        let x = x.value(row);
        let bytes = photos.bytes(row as u64).await.map_err(|error| error.chain())?;
        let expected = (x % 3 > 0).then(|| vec![x as u8; (x % 30) as usize]);
        if bytes.as_deref() != expected.as_deref() {
            return Err(format!("row {row}: the file of x {x}"));
        }
    }
    Ok(())
}
