//! CSV, written: what is null is empty, and what is empty is quoted, so that they come back as what they were.
//!
//! The writers of the `csv` crate and of Arrow do not tell these two apart.

use std::error::Error;
use std::io::{BufWriter, Write};

use arrow_array::{Array, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::SchemaRef;
use tenrow_values::cells::{for_csv, with_cells};
use tenrow_values::{BUFFER_BYTES, ConvertError, NotFinite, Output, Result, RowSink};

/// Writes a line for the names, and one for each row.
///
/// A cell of a tensor, a list or a struct is JSON, one of binary hexadecimal text; what is null is empty, and an empty
/// text is `""`.
struct CsvSink {
    schema: SchemaRef,
    writer: CsvWriter<BufWriter<Output>>,
    lost: NotFinite,
}

/// A writer of batches of `schema`.
pub(super) fn create(schema: &SchemaRef, out: Output) -> Result<Box<dyn RowSink>> {
    let out = BufWriter::with_capacity(BUFFER_BYTES, out);
    // The names stand there even if no rows follow.
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let writer = CsvWriter::new(out, names).map_err(fault)?;
    Ok(Box::new(CsvSink { schema: schema.clone(), writer, lost: NotFinite::default() }))
}

impl RowSink for CsvSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        for (field, column) in self.schema.fields().iter().zip(batch.columns()) {
            // A number alone is text, which has a form for all of them.
            if column.data_type().is_nested() {
                self.lost.note(field.name(), column);
            }
        }
        let cells = with_cells(&self.schema, batch, for_csv).map_err(fault)?;
        self.writer.write(&cells).map_err(fault)
    }

    fn remarks(&self) -> Vec<String> {
        self.lost.remarks()
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.writer.into_inner().flush().map_err(fault)
    }
}

fn fault(source: impl Into<Box<dyn Error + Send + Sync>>) -> ConvertError {
    ConvertError::rows("csv")(source)
}

/// Writes the lines of a CSV file.
struct CsvWriter<W> {
    out: W,
    line: String,
}

impl<W: Write> CsvWriter<W> {
    /// A writer to `out`, which gets the line of the names first.
    fn new<'a>(out: W, names: impl IntoIterator<Item = &'a str>) -> std::io::Result<Self> {
        let mut writer = Self { out, line: String::new() };
        for (place, name) in names.into_iter().enumerate() {
            writer.push(place, Some(name));
        }
        writer.end_line()?;
        Ok(writer)
    }

    /// Appends the rows of a batch whose columns are plain values.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Box<dyn Error + Send + Sync>> {
        let options = FormatOptions::default();
        let formatters = batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options));
        let formatters = formatters.collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            for (place, (column, formatter)) in batch.columns().iter().zip(&formatters).enumerate()
            {
                match column.is_null(row) {
                    true => self.push(place, None),
                    false => self.push(place, Some(&formatter.value(row).try_to_string()?)),
                }
            }
            self.end_line()?;
        }
        Ok(())
    }

    fn into_inner(self) -> W {
        self.out
    }

    fn push(&mut self, place: usize, value: Option<&str>) {
        if place > 0 {
            self.line.push(',');
        }
        let Some(value) = value else { return };
        if value.is_empty() || value.contains([',', '"', '\r', '\n']) {
            self.line.push('"');
            self.line.push_str(&value.replace('"', "\"\""));
            self.line.push('"');
        } else {
            self.line.push_str(value);
        }
    }

    fn end_line(&mut self) -> std::io::Result<()> {
        self.line.push('\n');
        self.out.write_all(self.line.as_bytes())?;
        self.line.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, StringArray};

    use super::*;

    #[test]
    fn null_and_empty_text_differ_and_the_rest_is_quoted_where_it_must_be() {
        let mut writer = CsvWriter::new(Vec::new(), ["a", "", "c,d"]).unwrap();
        let texts = [None, Some(""), Some(" x"), Some("say \"y\""), Some("1,5"), Some("\r\n")];
        let column: ArrayRef = Arc::new(StringArray::from_iter(texts));
        let columns = ["a", "b"].map(|name| (name, column.clone(), true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        writer.write(&batch).unwrap();
        let text = String::from_utf8(writer.into_inner()).unwrap();
        let expected = "a,\"\",\"c,d\"\n,\n\"\",\"\"\n x, x\n\"say \"\"y\"\"\",\"say \"\"y\"\"\"\n\"1,5\",\"1,5\"\n\"\r\n\",\"\r\n\"\n";
        assert_eq!(text, expected);
    }
}
