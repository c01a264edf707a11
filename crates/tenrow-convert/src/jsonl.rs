//! JSON Lines: one object a line.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use arrow_json::ReaderBuilder;
use arrow_json::reader::infer_json_schema_from_iterator;
use arrow_schema::ArrowError;
use serde_json::Value;

use crate::error::{ConvertError, Result};
use crate::table::{
    Batches, TableSource, TextReader, batch_rows, decoding_schema, inferred_attributes,
};

impl TableSource {
    /// Opens a JSON Lines file, plain or gzipped.
    ///
    /// Reads the whole file once to find the types of the columns; a column that is null
    /// throughout is text. Arrays are lists, however long each is: cast them to make tensors.
    ///
    /// # Errors
    /// If it cannot be read, or a line is not an object, with its offset; if a number is beyond
    /// i64, which JSON readers would silently round; if values of one key cannot be of one type.
    pub fn json_lines(path: &Path) -> Result<Self> {
        let mut text = TextReader::open(path)?;
        let mut lines =
            Lines { reader: BufReader::new(&mut text), offset: 0, rows: 0, fault: None };
        let schema = infer_json_schema_from_iterator(&mut lines);
        let (rows, fault) = (lines.rows, lines.fault);
        let schema = match fault {
            Some((offset, reason)) => return Err(ConvertError::malformed(path, offset, reason)),
            None => schema.map_err(ConvertError::decode(path, "jsonl", None))?,
        };
        let attributes = inferred_attributes(path, &schema)?;
        let schema = Arc::new(decoding_schema(&attributes));
        let batch_rows = batch_rows(&attributes, text.bytes(), rows);
        let file = path.to_owned();
        let open = move || {
            let reader = ReaderBuilder::new(schema)
                .with_batch_size(batch_rows)
                .build(BufReader::new(TextReader::open(&file)?))
                .map_err(ConvertError::decode(&file, "jsonl", None))?;
            Ok(Box::new(reader) as Batches)
        };
        TableSource::new(path, "jsonl", attributes, rows, Box::new(open))
    }
}

/// The objects of a file, one a line.
struct Lines<R> {
    reader: R,
    offset: u64,
    rows: u64,
    /// Where and why reading ended early.
    fault: Option<(u64, String)>,
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<Value, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = self.offset;
            let mut line = Vec::new();
            let object = match self.reader.read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(count) => {
                    self.offset += count as u64;
                    if line.trim_ascii().is_empty() {
                        continue;
                    }
                    object_of(&line)
                }
                Err(error) => Err(error.to_string()),
            };
            self.rows += 1;
            return Some(object.map_err(|reason| {
                let reason = format!("line of row {}: {reason}", self.rows - 1);
                self.fault = Some((start, reason.clone()));
                ArrowError::JsonError(reason)
            }));
        }
    }
}

fn object_of(line: &[u8]) -> Result<Value, String> {
    let value: Value =
        serde_json::from_slice(line).map_err(|error| format!("not a JSON object: {error}"))?;
    if !value.is_object() {
        return Err("not a JSON object".into());
    }
    match too_large(&value) {
        Some(number) => Err(format!("{number} is beyond i64: store it as text or as a float")),
        None => Ok(value),
    }
}

/// An integer that only a `u64` holds. The depth of `value` is bounded: serde_json parsed it.
fn too_large(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().filter(|n| i64::try_from(*n).is_err()),
        Value::Array(items) => items.iter().find_map(too_large),
        Value::Object(items) => items.values().find_map(too_large),
        _ => None,
    }
}
