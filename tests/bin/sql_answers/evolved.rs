//! The same two datasets, come about by another way, with what every row is to be beside them: rows that were deleted, values
//! that were replaced, attributes that were renamed, widened and added, rows by reference to another dataset.
//!
//! What is gone was extreme, so that an answer from what is known of it is a wrong one.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::types::UInt8Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, FixedSizeListArray, Float32Array, Float64Array,
    Int16Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    UInt8Array, UInt32Array, new_null_array,
};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, Schema as ArrowSchema};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use tenrow::{Attribute, DType, Dataset, SchemaChange, WriteOptions};

use super::Result;
use super::data::{EVENTS, ITEMS, create, events_rows, items_rows};

/// Writes the datasets, and says in which file what they are to hold is.
pub(crate) async fn write(folder: &Path) -> Result<Value> {
    Ok(json!({
        "items": [items(folder).await?],
        "events": [events(folder).await?],
        "row_id": "written_as",
    }))
}

/// Rows as they are written at first.
struct Written {
    batch: RecordBatch,
    /// The places of rows that are not to stay.
    gone: Vec<u64>,
    /// The places of rows some of whose values are not to stay, and the rows that they are.
    wrong: Vec<(u64, usize)>,
    /// The places of the others.
    kept: Vec<u64>,
}

/// `rows` of `truth`, each tenth after one of which all is `extreme`, and in each seventeenth the columns `replaced`.
fn written(
    truth: &RecordBatch,
    extreme: &RecordBatch,
    rows: Range<u64>,
    replaced: &[&str],
) -> Result<Written> {
    let (mut gone, mut wrong, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    let mut places: Vec<(usize, usize)> = Vec::new();
    for row in rows {
        if row % 10 == 3 {
            gone.push(places.len() as u64);
            places.push((1, 0));
        }
        if row % 17 == 5 {
            wrong.push((places.len() as u64, row as usize));
        }
        kept.push(places.len() as u64);
        places.push((0, row as usize));
    }
    let schema = truth.schema();
    let mut columns = Vec::with_capacity(truth.num_columns());
    for (number, field) in schema.fields().iter().enumerate() {
        let mut places = places.clone();
        if replaced.contains(&field.name().as_str()) {
            wrong.iter().for_each(|(place, _)| places[*place as usize] = (1, 0));
        }
        let both: [&dyn arrow_array::Array; 2] = [truth.column(number), extreme.column(number)];
        columns.push(arrow_select::interleave::interleave(&both, &places)?);
    }
    Ok(Written { batch: RecordBatch::try_new(schema, columns)?, gone, wrong, kept })
}

/// Appends rows to a dataset, then takes out of it what is not to stay; gives the ids of the rows that are.
async fn append(
    dataset: &Dataset,
    rows: &Written,
    batch: &RecordBatch,
    small_groups: bool,
) -> Result<Vec<u64>> {
    let options = match small_groups {
        true => WriteOptions::default().with_row_group_bytes(6000).with_partition_bytes(1 << 20),
        false => WriteOptions::default(),
    };
    let first = dataset.latest().await?.root().next_row_id;
    let mut writer = dataset.writer_with(options).await?;
    writer.append(batch).await?;
    writer.commit().await?;
    let ids: Vec<u64> = rows.gone.iter().map(|place| first + place).collect();
    dataset.delete_ids(&ids).await?;
    Ok(rows.kept.iter().map(|place| first + place).collect())
}

/// Puts the values of `truth` where others stand; `first` is the id of the first row as they were written.
async fn put_right(
    dataset: &Dataset,
    truth: &RecordBatch,
    rows: &Written,
    first: u64,
    replaced: &[&str],
) -> Result<()> {
    let ids: Vec<u64> = rows.wrong.iter().map(|(place, _)| first + place).collect();
    let right = UInt32Array::from_iter_values(rows.wrong.iter().map(|(_, row)| *row as u32));
    let values = arrow_select::take::take_record_batch(truth, &right)?;
    let own: Vec<usize> =
        replaced.iter().map(|name| values.schema().index_of(name)).collect::<Result<_, _>>()?;
    dataset.update_ids(&ids, &values.project(&own)?).await?;
    Ok(())
}

/// The batch with its columns as `forms` have them, by their names in it; those that are not named are left out.
fn in_forms(batch: &RecordBatch, forms: &[(&str, &str, Option<DataType>)]) -> Result<RecordBatch> {
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (name, called, data_type) in forms {
        let field = batch.schema().field_with_name(name)?.clone();
        let column = batch.column_by_name(name).ok_or("no such column")?;
        let column = match data_type {
            Some(data_type) => cast(column, data_type)?,
            None => column.clone(),
        };
        fields.push(Field::new(*called, column.data_type().clone(), field.is_nullable()));
        columns.push(column);
    }
    Ok(RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), columns)?)
}

fn one_row(truth: &RecordBatch, values: &[(&str, ArrayRef)]) -> Result<RecordBatch> {
    let schema = truth.schema();
    let column = |field: &Arc<Field>| {
        let given = values.iter().find(|(name, _)| *name == field.name().as_str());
        given.map_or_else(|| new_null_array(field.data_type(), 1), |(_, value)| value.clone())
    };
    let columns: Vec<ArrayRef> = schema.fields().iter().map(column).collect();
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    let schema = ArrowSchema::new(fields.collect::<Vec<_>>());
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}

/// Writes what a dataset is to hold as DuckDB reads it.
fn write_truth(folder: &Path, name: &str, truth: &RecordBatch) -> Result<String> {
    let path = folder.join(format!("truth-{name}.parquet"));
    let mut writer = ArrowWriter::try_new(std::fs::File::create(&path)?, truth.schema(), None)?;
    writer.write(truth)?;
    writer.close()?;
    Ok(path.display().to_string())
}

/// Four parts before the schema changes, one after, and one of another dataset.
async fn items(folder: &Path) -> Result<String> {
    const REPLACED: [&str; 5] = ["label", "score", "noise", "name", "day"];
    let truth = items_rows(&ITEMS)?.into_batch()?;
    let pixels =
        FixedSizeListArray::from_iter_primitive::<UInt8Type, _, _>([Some([Some(255u8); 4])], 4);
    let extreme = one_row(
        &truth,
        &[
            ("id", Arc::new(Int64Array::from(vec![-1]))),
            ("label", Arc::new(Int32Array::from(vec![30_000]))),
            ("score", Arc::new(Float64Array::from(vec![1e9]))),
            ("weight", Arc::new(Float64Array::from(vec![-1e12]))),
            ("noise", Arc::new(Float64Array::from(vec![-f64::NAN]))),
            ("name", Arc::new(StringArray::from(vec!["~".repeat(100)]))),
            ("split", Arc::new(StringArray::from(vec!["train"]))),
            ("flag", Arc::new(BooleanArray::from(vec![true]))),
            ("day", Arc::new(Date32Array::from(vec![-99_999]))),
            ("seen", Arc::new(TimestampMicrosecondArray::from(vec![1]))),
            ("small", Arc::new(UInt8Array::from(vec![255]))),
            ("pixels", Arc::new(pixels)),
        ],
    )?;
    let old = [
        ("id", "id", Some(DataType::Int32)),
        ("label", "label", Some(DataType::Int16)),
        ("score", "score", None),
        ("weight", "weight", None),
        ("noise", "noise", Some(DataType::Float32)),
        ("name", "title", None),
        ("flag", "flag", None),
        ("maybe", "maybe", None),
        ("day", "day", None),
        ("seen", "seen", None),
        ("small", "small", None),
        ("pixels", "pixels", None),
    ];
    let dataset = create(
        folder,
        "items",
        &[
            "id:i32",
            "label:i16?",
            "score:f64?",
            "weight:f64",
            "noise:f32?",
            "title:string?",
            "flag:bool",
            "maybe:bool?",
            "day:date32?",
            "seen:timestamp(us)",
            "small:u8",
            "pixels:u8[4]",
        ],
    )
    .await?;
    let mut ids = Vec::new();
    let mut to_put_right = Vec::new();
    for part in 0..4 {
        let rows = written(&truth, &extreme, part * 500..(part + 1) * 500, &REPLACED)?;
        let first = dataset.latest().await?.root().next_row_id;
        let batch = in_forms(&rows.batch, &old)?;
        ids.extend(append(&dataset, &rows, &batch, part % 2 == 1).await?);
        to_put_right.push((rows, first));
    }
    let split = Attribute::parse("split:string")?.with_default("train");
    for change in [
        SchemaChange::Rename { from: "title".into(), to: "name".into() },
        SchemaChange::Widen { name: "id".into(), dtype: DType::I64 },
        SchemaChange::Widen { name: "label".into(), dtype: DType::I32 },
        SchemaChange::Widen { name: "noise".into(), dtype: DType::F64 },
        SchemaChange::Add(split),
    ] {
        dataset.change_schema(change).await?;
    }
    let rows = written(&truth, &extreme, 2000..2500, &REPLACED)?;
    let first = dataset.latest().await?.root().next_row_id;
    ids.extend(append(&dataset, &rows, &rows.batch, false).await?);
    to_put_right.push((rows, first));
    for (rows, first) in &to_put_right {
        put_right(&dataset, &truth, rows, *first, &REPLACED).await?;
    }
    // Its attributes have other ids.
    let others = create(
        folder,
        "others",
        &[
            "pixels:u8[4]",
            "small:u8",
            "seen:timestamp(us)",
            "day:date32?",
            "maybe:bool?",
            "flag:bool",
            "split:string",
            "name:string?",
            "noise:f64?",
            "weight:f64",
            "score:f64?",
            "label:i32?",
            "id:i64",
        ],
    )
    .await?;
    let rows = written(&truth, &extreme, 2500..3000, &REPLACED)?;
    let own = append(&others, &rows, &rows.batch, true).await?;
    put_right(&others, &truth, &rows, 0, &REPLACED).await?;
    let first = dataset.latest().await?.root().next_row_id;
    dataset.merge(&others, &others.latest().await?).await?;
    ids.extend(own.into_iter().map(|id| first + id));
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(ids.into_iter().map(|id| id as i64)));
    let mut fields = truth.schema().fields().to_vec();
    fields.push(Arc::new(Field::new("written_as", DataType::Int64, false)));
    let mut columns = truth.columns().to_vec();
    columns.push(ids);
    let truth = RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), columns)?;
    write_truth(folder, "items", &truth)
}

/// A clone, with changes of its own.
async fn events(folder: &Path) -> Result<String> {
    const REPLACED: [&str; 4] = ["item", "amount", "count", "note"];
    let rows = EVENTS.start..EVENTS.end + 100;
    let truth = events_rows(&rows).into_batch()?;
    let extreme = one_row(
        &truth,
        &[
            ("event", Arc::new(Int64Array::from(vec![-5]))),
            ("kind", Arc::new(StringArray::from(vec!["~"]))),
            ("amount", Arc::new(Float32Array::from(vec![1e9f32]))),
            ("count", Arc::new(Int16Array::from(vec![i16::MIN]))),
            ("note", Arc::new(StringArray::from(vec!["~".repeat(80)]))),
        ],
    )?;
    let attributes =
        ["event:i64", "item:i64?", "kind:string", "amount:f32?", "count:i16?", "note:string?"];
    let origin = create(folder, "events_origin", &attributes).await?;
    let early = written(&truth, &extreme, 0..3000, &REPLACED)?;
    append(&origin, &early, &early.batch, false).await?;
    let late = written(&truth, &extreme, 3000..rows.end, &REPLACED)?;
    let place = folder.join("events");
    if place.exists() {
        std::fs::remove_dir_all(&place)?;
    }
    let version = origin.latest().await?.version();
    let clone = origin.clone_to(&place.display().to_string(), version).await?;
    let first = clone.latest().await?.root().next_row_id;
    append(&clone, &late, &late.batch, true).await?;
    put_right(&clone, &truth, &early, 0, &REPLACED).await?;
    put_right(&clone, &truth, &late, first, &REPLACED).await?;
    write_truth(folder, "events", &truth)
}
