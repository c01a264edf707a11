//! The datasets of training data that recipes are asked of.
//!
//! - `c4`: 1,000 documents with `tokens`, `perplexity` (none where r % 50 is 49, else (r * 7919 % 251) / 3) and
//!   `repetitions`, an attribute that came after the first 300 rows; of the others r % 4 says: an empty list,
//!   null, one, two.
//! - `oscar`: a document for every combination of `included_in_dedup`, `dup_ratio` and `has_dup_25`, nulls too.
//! - `runs`: trained models; names are ambiguous, columns are not.
//! - `texts`: six documents of 5, 3, 7, 2, 9 and 4 bytes, not all of them ASCII.
//! - `photos`: files in their rows and files that are objects of their own.
//! - `documents`: 4,000,000 rows with the numbers of tokens of C4 and OSCAR on average.

use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int32Array};
use tenrow::{Attribute, Columns, Dataset, FileValue, SchemaChange, WriteOptions};

use crate::data::create_with;

/// All but `documents`.
pub(crate) async fn write(folder: &Path) {
    c4(folder).await;
    oscar(folder).await;
    runs(folder).await;
    texts(folder).await;
    photos(folder).await;
}

async fn append(dataset: &Dataset, columns: Columns) {
    let mut writer = dataset.writer().await.unwrap();
    writer.append_columns(columns).await.unwrap();
    writer.commit().await.unwrap();
}

async fn c4(folder: &Path) {
    let dataset =
        create_with(folder, "c4", &["text:string", "tokens:i32", "perplexity:f64?"]).await;
    append(&dataset, c4_rows(0..300)).await;
    let repetitions = Attribute::parse("repetitions:list<string>?").unwrap();
    dataset.change_schema(SchemaChange::Add(repetitions)).await.unwrap();
    for rows in [300..600, 600..1000] {
        append(&dataset, c4_rows(rows.clone()).array("repetitions", repetitions_of(rows))).await;
    }
}

fn c4_rows(rows: std::ops::Range<u64>) -> Columns {
    let text = |row: u64| match row % 3 {
        0 => format!("naïve café {row}"),
        1 => format!("数 {row}"),
        _ => format!("document {row}"),
    };
    let texts: Vec<String> = rows.clone().map(text).collect();
    let perplexity = |row: u64| (row % 50 != 49).then_some((row * 7919 % 251) as f64 / 3.0);
    let perplexities: ArrayRef = Arc::new(Float64Array::from_iter(rows.clone().map(perplexity)));
    let tokens: Vec<i32> = rows.map(|row| 10 + row as i32 % 7).collect();
    Columns::new()
        .strings("text", texts.iter().map(|text| Some(text.as_str())))
        .scalars("tokens", &tokens)
        .array("perplexity", perplexities)
}

fn repetitions_of(rows: std::ops::Range<u64>) -> ArrayRef {
    let item = arrow_schema::Field::new("item", arrow_schema::DataType::Utf8, false);
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(item);
    for row in rows {
        (1..row % 4).for_each(|n| lists.values().append_value(format!("again {n}")));
        lists.append(row % 4 != 1);
    }
    Arc::new(lists.finish())
}

async fn oscar(folder: &Path) {
    let attributes =
        ["name:string", "included_in_dedup:bool?", "dup_ratio:f64?", "has_dup_25:bool?"];
    let dataset = create_with(folder, "oscar", &attributes).await;
    let flags = [Some(true), Some(false), None];
    let ratios = [Some(0.0), Some(0.3), Some(1.2), None];
    let mut rows = Vec::new();
    for included in flags {
        for ratio in ratios {
            for has_dup in flags {
                rows.push((included, ratio, has_dup));
            }
        }
    }
    let shown = |flag: Option<bool>| match flag {
        Some(true) => "yes",
        Some(false) => "no",
        None => "null",
    };
    let name = |(included, ratio, has_dup): &(Option<bool>, Option<f64>, Option<bool>)| {
        let ratio = ratio.map_or("null".to_owned(), |ratio| ratio.to_string());
        format!("{} {ratio} {}", shown(*included), shown(*has_dup))
    };
    let names: Vec<String> = rows.iter().map(name).collect();
    let columns = Columns::new()
        .strings("name", names.iter().map(|name| Some(name.as_str())))
        .array("included_in_dedup", Arc::new(BooleanArray::from_iter(rows.iter().map(|row| row.0))))
        .array("dup_ratio", Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.1))))
        .array("has_dup_25", Arc::new(BooleanArray::from_iter(rows.iter().map(|row| row.2))));
    append(&dataset, columns).await;
}

async fn runs(folder: &Path) {
    let attributes = ["name:string", "params:f64", "tokens:f64", "unique_tokens:f64", "flops:f64"];
    let dataset = create_with(folder, "runs", &attributes).await;
    let runs = [
        ("1b12b8100m", 1.1e9, 2.8e9, 1e8),
        ("2b855b1b9", 2.8e9, 5.5e10, 1.9e9),
        ("8b7178b25b", 8.7e9, 1.78e11, 2.5e10),
        ("8b7178b178b", 8.7e9, 1.78e11, 1.78e11),
    ];
    let column = |value: fn(&(&str, f64, f64, f64)) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(runs.iter().map(value)))
    };
    let columns = Columns::new()
        .strings("name", runs.iter().map(|run| Some(run.0)))
        .array("params", column(|run| run.1))
        .array("tokens", column(|run| run.2))
        .array("unique_tokens", column(|run| run.3))
        .array("flops", column(|run| 6.0 * run.1 * run.2));
    append(&dataset, columns).await;
}

async fn texts(folder: &Path) {
    let dataset = create_with(folder, "texts", &["text:string"]).await;
    let texts = ["abcde", "é!", "数数!", "ab", "123456789", "😀"];
    append(&dataset, Columns::new().strings("text", texts.map(Some))).await;
}

/// The bytes of the photo of a row, if it has one. Those of more than 64 are objects of their own.
pub(crate) fn photo(row: u64) -> Option<Vec<u8>> {
    let length = [10, 64, 65, 3000, 0][row as usize % 5];
    (row % 7 != 6).then(|| (0..length).map(|byte| (row + byte) as u8).collect())
}

pub(crate) const PHOTOS: u64 = 60;

async fn photos(folder: &Path) {
    let dataset = create_with(folder, "photos", &["label:i64", "photo:file?"]).await;
    for rows in [0..25, 25..PHOTOS] {
        let options = WriteOptions::default().with_inline_file_bytes(64);
        let mut writer = dataset.writer_with(options).await.unwrap();
        let labels: Vec<i64> = rows.clone().map(|row| row as i64 % 4).collect();
        let file = |row: u64| photo(row).map(|bytes| FileValue::new(format!("{row}.jpg"), bytes));
        let files: Vec<_> = rows.map(file).collect();
        let columns = Columns::new().scalars("label", &labels).files("photo", &files);
        writer.append_columns(columns).await.unwrap();
        writer.commit().await.unwrap();
    }
}

const DOCUMENTS: u64 = 4_000_000;
/// Tokens of all documents, so that their mean is that of C4 (478.6258345) and of OSCAR (1312.09510725).
const TOKENS: [u64; 2] = [1_914_503_338, 5_248_380_429];

/// Whole numbers that lie within 1 of their mean, and whose running sums do too.
pub(crate) async fn documents(folder: &Path) {
    let dataset = create_with(folder, "documents", &["c4:i32", "oscar:i32"]).await;
    let tokens = |all: u64, row: u64| ((row + 1) * all / DOCUMENTS - row * all / DOCUMENTS) as i32;
    let mut writer = dataset.writer().await.unwrap();
    for first in (0..DOCUMENTS).step_by(500_000) {
        let column = |all: u64| -> ArrayRef {
            let rows = first..first + 500_000;
            Arc::new(Int32Array::from_iter_values(rows.map(|row| tokens(all, row))))
        };
        let columns =
            Columns::new().array("c4", column(TOKENS[0])).array("oscar", column(TOKENS[1]));
        writer.append_columns(columns).await.unwrap();
    }
    writer.commit().await.unwrap();
}
