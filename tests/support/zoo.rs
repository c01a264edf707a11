//! A small dataset with an attribute of every kind.

use std::ops::Range;

use arrow_array::RecordBatch;
use tenrow::{Attribute, Schema, WriteOptions};

use crate::random;

/// Attributes of every kind, some of them nullable.
pub const ATTRIBUTES: [&str; 18] = [
    "image:u8[2,3]",
    "weights:f32[5]?",
    "half:f16[2]",
    "brain:bf16[3]?",
    "mask:bool[9]",
    "one:f64[]",
    "nothing:f32[0,3]",
    "boxes:f32[?,2]?",
    "tokens:list<u16>",
    "label:i64",
    "name:string?",
    "blob:binary?",
    "at:timestamp(us)",
    "price:decimal128(20,3)?",
    "tags:list<string?>?",
    "point:struct<x:f64,y:list<i32?>?>?",
    "counts:map<string,i64?>",
    "photo:file?",
];

/// Files larger than this are objects in the zoo's datasets.
pub const INLINE_FILE_BYTES: u64 = 64;

/// The schema of [`ATTRIBUTES`].
pub fn schema() -> Schema {
    Schema::new(ATTRIBUTES.iter().map(|text| Attribute::parse(text).expect("a type text")))
        .expect("a schema")
}

/// The rows `rows` of the zoo, always the same; it has 400.
pub fn batch(rows: Range<u64>) -> RecordBatch {
    let all = random::batch(&schema(), 2026, 400);
    all.slice(rows.start as usize, (rows.end - rows.start) as usize)
}

/// Row groups and files of some rows only, and files beside the rows.
pub fn small_files() -> WriteOptions {
    WriteOptions::default()
        .with_row_group_bytes(8_000)
        .with_partition_bytes(20_000)
        .with_inline_file_bytes(INLINE_FILE_BYTES)
}
