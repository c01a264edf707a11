//! Arrow's files and streams, read front to back.

use std::io::Read;

use arrow_ipc::reader::StreamReader;
use tenrow::engine::caught;
use tenrow_values::{ConvertError, Result, attribute_of};

use super::messages::Messages;
use super::pieces::Pieces;
use crate::input::open_reader;
use crate::source_file::SourceFile;
use crate::table::{Batches, TableSource};

type Reader = StreamReader<Messages<Box<dyn Read + Send>>>;

impl TableSource {
    /// Opens a file or a stream of Arrow, plain or gzipped; [`attribute_of`] says what its columns become.
    ///
    /// Memory: twice the largest batch of the file.
    ///
    /// # Errors
    /// If it is neither, or has a column of a type that tenrow does not have.
    pub fn arrow(path: impl Into<SourceFile>) -> Result<Self> {
        let path = &path.into();
        let schema = reader(path)?.schema();
        let attributes = schema.fields().iter().map(|field| attribute_of(field));
        let attributes = attributes.collect::<Result<Vec<_>>>()?;
        let file = path.clone();
        let open = move || Ok(Box::new(Pieces::of(reader(&file)?)) as Batches);
        TableSource::new(path, "arrow", attributes, None, Box::new(open))
    }
}

fn reader(path: &SourceFile) -> Result<Reader> {
    let bytes = open_reader(path)?;
    let messages = Messages::new(bytes).map_err(ConvertError::decode(path, "arrow", None))?;
    caught(|| StreamReader::try_new(messages, None))
        .map_err(ConvertError::decode(path, "arrow", None))?
        .map_err(ConvertError::decode(path, "arrow", None))
}
