//! A file on this machine that takes rows, and has its name once it is whole.

use std::io;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use tenrow_values::{ConvertError, Result, RowSink};

use crate::format::CreateRows;
use crate::new_file::{Existing, NewFile};

/// A sink, and the file that its bytes go to; dropped, it leaves nothing behind.
pub(super) struct RowFile {
    path: PathBuf,
    file: NewFile,
    sink: Box<dyn RowSink>,
}

impl RowFile {
    pub(super) fn create(
        path: &Path,
        existing: Existing,
        create: CreateRows,
        schema: &SchemaRef,
    ) -> Result<Self> {
        let file = NewFile::create(path, existing)?;
        let sink = create(schema, file.output()?).map_err(|error| located(path, error))?;
        Ok(Self { path: path.to_owned(), file, sink })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.sink.write(batch).map_err(|error| located(&self.path, error))
    }

    pub(super) fn remarks(&self) -> Vec<String> {
        self.sink.remarks()
    }

    /// Makes the file durable, and gives it its name.
    pub(super) fn finish(self) -> Result<()> {
        self.sink.finish().map_err(|error| located(&self.path, error))?;
        self.file.keep()
    }
}

/// Says which file could not be written.
fn located(path: &Path, error: ConvertError) -> ConvertError {
    let ConvertError::Rows { format, source } = error else { return error };
    match source.downcast::<io::Error>() {
        Ok(error) => ConvertError::io(path, "write")(*error),
        Err(source) => ConvertError::encode(path, format)(source),
    }
}
