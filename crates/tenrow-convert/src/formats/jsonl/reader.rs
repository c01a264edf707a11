//! JSON Lines: one object a line.

use std::io::{BufRead, BufReader};
use std::path::Path;

use arrow_json::ReaderBuilder;
use arrow_schema::SchemaRef;
use tenrow_values::text::Members;
use tenrow_values::{ConvertError, Result};

use crate::source_file::SourceFile;
use crate::table::Batches;
use crate::text::{Charset, TextReader, TextSource};

impl TextSource {
    /// Opens a JSON Lines file, plain or gzipped.
    ///
    /// Reads the whole file once to find the types of the columns; a column that is null
    /// throughout is text. Arrays are lists, however long each is: cast them to make tensors.
    ///
    /// # Errors
    /// If it cannot be read, or a line is not an object or has a key twice, with its offset. If values
    /// of one key have no type in common, such as integers beyond u64, or that a float would round beside
    /// fractions: when the rows are read, unless they are read as a type that holds them.
    pub fn json_lines(path: impl Into<SourceFile>, charset: Option<Charset>) -> Result<Self> {
        let path = &path.into();
        let mut text = TextReader::open(path, charset)?;
        let (members, rows) = look_at(path, BufReader::new(&mut text))?;
        let file = path.clone();
        let open = move |schema: SchemaRef, rows| {
            let reader = ReaderBuilder::new(schema)
                .with_batch_size(rows)
                // Numbers come as they are written.
                .with_coerce_primitive(true)
                .build(BufReader::new(TextReader::open(&file, charset)?))
                .map_err(ConvertError::decode(&file, "jsonl", None))?;
            Ok(Box::new(reader) as Batches)
        };
        let size = (rows, text.bytes());
        TextSource::new(path, "jsonl", true, members.shapes, size, Box::new(open))
    }
}

/// What all objects of a file have, and how many there are.
fn look_at(path: &Path, mut text: impl BufRead) -> Result<(Members, u64)> {
    let (mut members, mut rows, mut offset) = (Members::default(), 0, 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = text.read_until(b'\n', &mut line);
        let seen = read.map_err(|error| error.to_string()).and_then(|count| {
            let json = std::str::from_utf8(&line).map_err(|_| NOT_UTF8.to_owned())?;
            if json.trim_ascii().is_empty() {
                return Ok((count, false));
            }
            if !json.trim_ascii().starts_with('{') {
                return Err("not a JSON object".to_owned());
            }
            members.add_object(json, rows, 1).map_err(|reason| explained(&reason))?;
            Ok((count, true))
        });
        match seen {
            Ok((0, _)) => return Ok((members, rows)),
            Ok((count, is_row)) => {
                rows += u64::from(is_row);
                offset += count as u64;
            }
            Err(reason) => {
                let reason = format!("line of row {rows}: {reason}");
                return Err(ConvertError::malformed(path, offset, reason));
            }
        }
    }
}

const NOT_UTF8: &str = "not UTF-8 text";

fn explained(reason: &str) -> String {
    match reason.contains(" at line ") {
        true => format!("not a JSON object: {reason}"),
        false => reason.to_owned(),
    }
}
