//! JSON Lines: one object a line.

use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use arrow_json::ReaderBuilder;
use arrow_json::reader::infer_json_schema;

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
    /// If it cannot be read, or a line is not an object, or values of one key cannot be of one type.
    pub fn json_lines(path: &Path) -> Result<Self> {
        let mut text = TextReader::open(path)?;
        let (schema, rows) = infer_json_schema(BufReader::new(&mut text), None)
            .map_err(ConvertError::decode(path, "jsonl", None))?;
        let attributes = inferred_attributes(path, &schema)?;
        let schema = Arc::new(decoding_schema(&attributes));
        let batch_rows = batch_rows(&attributes, text.bytes(), rows as u64);
        let file = path.to_owned();
        let open = move || {
            let reader = ReaderBuilder::new(schema)
                .with_batch_size(batch_rows)
                .build(BufReader::new(TextReader::open(&file)?))
                .map_err(ConvertError::decode(&file, "jsonl", None))?;
            Ok(Box::new(reader) as Batches)
        };
        TableSource::new(path, "jsonl", attributes, rows as u64, Box::new(open))
    }
}
