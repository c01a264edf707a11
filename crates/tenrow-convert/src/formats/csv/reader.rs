//! CSV files: a header line, then rows whose types are found by reading them all first.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_csv::ReaderBuilder;
use arrow_csv::reader::Format;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use tenrow_values::text::{Kind, Shape};
use tenrow_values::{ConvertError, Result};

use super::guard::CsvGuard;
use crate::open_options::CsvOptions;
use crate::source_file::SourceFile;
use crate::table::Batches;
use crate::text::{Charset, QUOTED_EMPTY, TextReader, TextSource};

/// Rows that are looked at together.
const LOOK_ROWS: usize = 4096;

/// One way to read one file.
#[derive(Debug, Clone, Copy)]
struct Dialect {
    delimiter: u8,
    has_header: bool,
    charset: Option<Charset>,
}

impl TextSource {
    /// Opens a CSV file, plain or gzipped.
    ///
    /// The first line names the columns. Reads the whole file once to find their types: a column is of
    /// integers, floats, booleans, dates or times if that keeps all of its values, otherwise text. So
    /// `01234` is text, as are integers beside fractions that a float would round, and times with zones
    /// beside some without. Times are in microseconds, in nanoseconds if some have them, and in UTC if
    /// they say their zones. An empty value is null, as is an empty line of a single column; others are
    /// passed over. One that is quoted and empty is the empty text in a column of text, as PostgreSQL and polars have
    /// it, and null in others.
    ///
    /// # Errors
    /// If it cannot be read, has no header, rows of different lengths, or a quote that is never closed.
    pub fn csv(
        path: impl Into<SourceFile>,
        options: &CsvOptions,
        charset: Option<Charset>,
    ) -> Result<Self> {
        let path = &path.into();
        let default = if is_tab_separated(path) { b'\t' } else { b',' };
        let delimiter = options.delimiter.unwrap_or(default);
        let dialect = Dialect { delimiter, has_header: !options.no_header, charset };
        let names = dialect.names(path)?;
        let mut kinds = vec![Kind::default(); names.len()];
        let (mut rows, mut bytes) = (0, 0);
        for batch in dialect.batches(path, text_schema(&names), LOOK_ROWS)? {
            let batch = batch.map_err(ConvertError::decode(path, "csv", Some(rows)))?;
            bytes += batch.columns().iter().map(|c| text_bytes(c.as_ref())).sum::<u64>();
            look_at(&batch, rows, &mut kinds);
            rows += batch.num_rows() as u64;
        }
        let shapes = names.into_iter().zip(kinds.into_iter().map(Shape::Scalar)).collect();
        let file = path.clone();
        let open = move |schema: SchemaRef, rows| dialect.batches(&file, schema, rows);
        TextSource::new(path, "csv", false, shapes, (rows, bytes), Box::new(open))
    }
}

impl Dialect {
    fn names(self, path: &SourceFile) -> Result<Vec<String>> {
        let format = Format::default().with_header(self.has_header).with_delimiter(self.delimiter);
        let text =
            CsvGuard::new(TextReader::open(path, self.charset)?, self.delimiter, false, true);
        let (schema, _) =
            format.infer_schema(text, Some(0)).map_err(ConvertError::decode(path, "csv", None))?;
        Ok(schema.fields().iter().map(|field| field.name().clone()).collect())
    }

    fn batches(self, path: &SourceFile, schema: SchemaRef, rows: usize) -> Result<Batches> {
        let one_column = schema.fields().len() == 1;
        let text = TextReader::open(path, self.charset)?;
        let reader = ReaderBuilder::new(schema)
            .with_header(self.has_header)
            .with_delimiter(self.delimiter)
            .with_batch_size(rows)
            .build(CsvGuard::new(text, self.delimiter, one_column, self.has_header))
            .map_err(ConvertError::decode(path, "csv", None))?;
        Ok(Box::new(reader) as Batches)
    }
}

fn text_schema(names: &[String]) -> SchemaRef {
    let field = |name: &String| Field::new(name, DataType::Utf8, true);
    Arc::new(Schema::new(names.iter().map(field).collect::<Vec<_>>()))
}

fn text_bytes(column: &dyn Array) -> u64 {
    column.as_string_opt::<i32>().map_or(0, |texts| texts.value_data().len() as u64)
}

fn look_at(batch: &RecordBatch, first_row: u64, kinds: &mut [Kind]) {
    for (kind, column) in kinds.iter_mut().zip(batch.columns()) {
        let texts = column.as_string::<i32>();
        for (row, text) in (first_row..).zip(texts) {
            if let Some(text) = text.filter(|text| *text != QUOTED_EMPTY) {
                kind.add_cell(text, row);
            }
        }
    }
}

fn is_tab_separated(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    name.trim_end_matches(".gz").ends_with(".tsv")
}
