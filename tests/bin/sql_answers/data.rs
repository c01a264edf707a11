//! Two datasets that DuckDB reads from the same files: nothing in them is deleted or updated.
//!
//! - `items`: 3,000 rows in six partitions, three of them of many row groups and with a projection file.
//!   `id` is `3 * _row + 7`, so that DuckDB can say what `_row` is.
//! - `events`: 4,100 rows, most of them in partitions by `kind`. `item` is an `items.id`, none, or one that is not there.
//!
//! `score` and `amount` are multiples of a quarter, whose sums are exact in any order; `weight` is not. `noise` has what
//! floats have besides: NaN of either sign, infinities, and zeros of either sign.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::types::UInt8Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, FixedSizeListArray, Float32Array, Float64Array,
    Int16Array, Int32Array, Int64Array, TimestampMicrosecondArray, UInt8Array,
};
use serde_json::{Value, json};
use tenrow::{Attribute, Columns, CompactOptions, Dataset, Schema, Snapshot, WriteOptions};
use tenrow_tests::random::Dice;

use super::Result;

pub(crate) const ITEMS: Range<u64> = 0..3000;
pub(crate) const EVENTS: Range<u64> = 0..4000;

/// Writes the datasets, and says which files each is in, in the order of their rows.
pub(crate) async fn write(folder: &Path) -> Result<Value> {
    Ok(json!({
        "items": items(folder).await?,
        "events": events(folder).await?,
        "row_id": "(id - 7) // 3",
    }))
}

pub(crate) async fn create(folder: &Path, name: &str, attributes: &[&str]) -> Result<Dataset> {
    let folder = folder.join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let attributes =
        attributes.iter().map(|text| Attribute::parse(text)).collect::<Result<Vec<_>, _>>()?;
    Ok(Dataset::create(&folder.display().to_string(), Schema::new(attributes)?).await?)
}

async fn base_files(folder: &Path, snapshot: &Snapshot) -> Result<Vec<String>> {
    let partitions = snapshot.partition_entries().await?;
    let first = partitions.iter().filter_map(|partition| partition.files.first());
    Ok(first.map(|file| folder.join(&file.path).display().to_string()).collect())
}

/// The next value of a column, none once in `nulls` times.
struct Values {
    dice: Dice,
    rows: Range<u64>,
}

impl Values {
    /// Different rows and columns have different values, the same in every run.
    fn new(column: u64, rows: &Range<u64>) -> Self {
        Self { dice: Dice::new(column << 32 | rows.start), rows: rows.clone() }
    }

    fn all<T>(mut self, mut value: impl FnMut(u64, &mut Dice) -> T) -> Vec<T> {
        self.rows.clone().map(|row| value(row, &mut self.dice)).collect()
    }

    fn some<T>(self, nulls: u64, value: impl Fn(u64, &mut Dice) -> T) -> Vec<Option<T>> {
        self.all(|row, dice| match dice.once_in(nulls) {
            true => None,
            false => Some(value(row, dice)),
        })
    }
}

/// A multiple of a quarter from `-limit` to `limit`, and never `-0.0`.
fn quarters(dice: &mut Dice, limit: i64) -> f64 {
    (dice.below(8 * limit as u64 + 1) as i64 - 4 * limit) as f64 / 4.0
}

async fn items(folder: &Path) -> Result<Vec<String>> {
    let dataset = create(
        folder,
        "items",
        &[
            "id:i64",
            "label:i32?",
            "score:f64?",
            "weight:f64",
            "noise:f64?",
            "name:string?",
            "split:string",
            "flag:bool",
            "maybe:bool?",
            "day:date32?",
            "seen:timestamp(us)",
            "small:u8",
            "pixels:u8[4]",
        ],
    )
    .await?;
    for (part, rows) in pieces(ITEMS, 6).into_iter().enumerate() {
        // Every other commit is of small row groups, with the scalars once more in a file of their own.
        let options = match part % 2 {
            0 => WriteOptions::default(),
            _ => WriteOptions::default().with_row_group_bytes(6000).with_partition_bytes(1 << 20),
        };
        let mut writer = dataset.writer_with(options).await?;
        writer.append_columns(items_rows(&rows)?).await?;
        writer.commit().await?;
    }
    base_files(&folder.join("items"), &dataset.latest().await?).await
}

fn pieces(rows: Range<u64>, count: u64) -> Vec<Range<u64>> {
    let size = rows.end.div_ceil(count);
    (0..count).map(|part| part * size..((part + 1) * size).min(rows.end)).collect()
}

pub(crate) fn items_rows(rows: &Range<u64>) -> Result<Columns> {
    const NAMES: [&str; 9] =
        ["", "ant", "Ant", "bee", "bee hive", "café", "dog_1", "dog%2", "zebra"];
    const SPECIAL: [f64; 6] = [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0];
    let column = |number| Values::new(number, rows);
    let noise = |_, dice: &mut Dice| match dice.once_in(4) {
        true => SPECIAL[dice.below(6) as usize],
        false => quarters(dice, 3),
    };
    let name = |row: u64, dice: &mut Dice| match dice.once_in(3) {
        // Texts that differ only behind what bounds hold of them.
        true if row.is_multiple_of(5) => format!("{}{}", "long ".repeat(14), row % 7),
        true => format!("row {row}"),
        false => NAMES[dice.below(9) as usize].to_owned(),
    };
    // Days ascend roughly, so that bounds of partitions exclude some.
    let day = |row: u64, dice: &mut Dice| (19_000 + row / 10 + dice.below(20)) as i32;
    let seen = |row: u64, dice: &mut Dice| {
        1_650_000_000_000_000 + (row * 977 + dice.below(10_000)) as i64 * 1_000_003
    };
    let names = column(5).some(6, name);
    let pixels = column(12).all(|_, dice| [0; 4].map(|_: u8| dice.below(256) as u8));
    let pixels = pixels.into_iter().map(|pixels| Some(pixels.map(Some)));
    let pixels = FixedSizeListArray::from_iter_primitive::<UInt8Type, _, _>(pixels, 4);
    let columns: [(&str, ArrayRef); 10] = [
        ("id", Arc::new(Int64Array::from_iter_values(rows.clone().map(|row| 3 * row as i64 + 7)))),
        ("label", Arc::new(Int32Array::from(column(1).some(9, |_, d| d.below(12) as i32 - 3)))),
        ("score", Arc::new(Float64Array::from(column(2).some(8, |_, d| quarters(d, 50))))),
        (
            "weight",
            Arc::new(Float64Array::from(column(3).all(|_, d| d.below(1 << 40) as f64 / 1e6))),
        ),
        ("noise", Arc::new(Float64Array::from(column(4).some(7, noise)))),
        ("flag", Arc::new(BooleanArray::from(column(7).all(|_, dice| dice.once_in(3))))),
        ("maybe", Arc::new(BooleanArray::from(column(8).some(5, |_, dice| dice.once_in(2))))),
        ("day", Arc::new(Date32Array::from(column(9).some(10, day)))),
        ("seen", Arc::new(TimestampMicrosecondArray::from(column(10).all(seen)))),
        ("small", Arc::new(UInt8Array::from(column(11).all(|_, dice| dice.below(256) as u8)))),
    ];
    let columns =
        columns.into_iter().fold(Columns::new(), |all, (name, array)| all.array(name, array));
    Ok(columns
        .strings("name", names.iter().map(Option::as_deref))
        .strings("split", rows.clone().map(split))
        .array("pixels", Arc::new(pixels)))
}

fn split(row: u64) -> Option<&'static str> {
    Some(match row * 10 / ITEMS.end {
        0..7 => "train",
        7..9 => "test",
        _ => "validation",
    })
}

async fn events(folder: &Path) -> Result<Vec<String>> {
    let attributes =
        ["event:i64", "item:i64?", "kind:string", "amount:f32?", "count:i16?", "note:string?"];
    let dataset = create(folder, "events", &attributes).await?;
    for rows in pieces(EVENTS, 3) {
        let options = WriteOptions::default().with_partition_by(["kind"]);
        let mut writer = dataset.writer_with(options).await?;
        writer.append_columns(events_rows(&rows)).await?;
        writer.commit().await?;
    }
    dataset.compact(CompactOptions::default()).await?;
    let mut writer = dataset.writer().await?;
    writer.append_columns(events_rows(&(EVENTS.end..EVENTS.end + 100))).await?;
    writer.commit().await?;
    base_files(&folder.join("events"), &dataset.latest().await?).await
}

pub(crate) fn events_rows(rows: &Range<u64>) -> Columns {
    const KINDS: [&str; 4] = ["click", "open", "view", "save"];
    let column = |number: u64| Values::new(100 + number, rows);
    // One in five items is not there, and some have many events.
    let item = |_, dice: &mut Dice| match dice.below(5) {
        0 => dice.below(20_000) as i64,
        1 => 3 * dice.below(20) as i64 + 7,
        _ => 3 * dice.below(ITEMS.end) as i64 + 7,
    };
    let notes = column(5).some(2, |row, dice| format!("{}-{}", row % 17, dice.below(5)));
    let kinds = column(2).all(|_, dice| KINDS[dice.below(4) as usize]);
    let amounts = column(3).some(6, |_, dice| quarters(dice, 100) as f32);
    let counts = column(4).some(12, |_, dice| dice.below(40) as i16 - 5);
    Columns::new()
        .array("event", Arc::new(Int64Array::from_iter_values(rows.clone().map(|row| row as i64))))
        .array("item", Arc::new(Int64Array::from(column(1).some(15, item))))
        .strings("kind", kinds.into_iter().map(Some))
        .array("amount", Arc::new(Float32Array::from(amounts)))
        .array("count", Arc::new(Int16Array::from(counts)))
        .strings("note", notes.iter().map(Option::as_deref))
}
