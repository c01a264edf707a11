//! CSV files: a header line, then rows whose types are found by reading them all first.

use std::path::Path;
use std::sync::Arc;

use arrow_csv::ReaderBuilder;
use arrow_csv::reader::Format;

use crate::error::{ConvertError, Result};
use crate::table::{
    Batches, TableSource, TextReader, batch_rows, decoding_schema, inferred_attributes,
};

impl TableSource {
    /// Opens a CSV file, plain or gzipped; tabs separate the values of a `.tsv` file.
    ///
    /// The first line names the columns. Reads the whole file once to find their types: a column
    /// is of integers, floats, booleans, dates or times if all of its values are, otherwise text.
    /// An empty value is null.
    ///
    /// # Errors
    /// If it cannot be read, has no header, or rows of different lengths.
    pub fn csv(path: &Path) -> Result<Self> {
        let delimiter = if is_tab_separated(path) { b'\t' } else { b',' };
        let mut text = TextReader::open(path)?;
        let (schema, rows) = Format::default()
            .with_header(true)
            .with_delimiter(delimiter)
            .infer_schema(&mut text, None)
            .map_err(ConvertError::decode(path, "csv", None))?;
        let attributes = inferred_attributes(path, &schema)?;
        let schema = Arc::new(decoding_schema(&attributes));
        let batch_rows = batch_rows(&attributes, text.bytes(), rows as u64);
        let file = path.to_owned();
        let open = move || {
            let reader = ReaderBuilder::new(schema)
                .with_header(true)
                .with_delimiter(delimiter)
                .with_batch_size(batch_rows)
                .build(TextReader::open(&file)?)
                .map_err(ConvertError::decode(&file, "csv", None))?;
            Ok(Box::new(reader) as Batches)
        };
        TableSource::new(path, "csv", attributes, rows as u64, Box::new(open))
    }
}

fn is_tab_separated(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    name.trim_end_matches(".gz").ends_with(".tsv")
}
