//! numpy's archives, written.

use std::io::BufWriter;
use std::path::{Path, PathBuf};

use arrow_array::ArrayRef;
use tenrow::DType;
use tenrow_values::{ConvertError, Result};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::formats::npy::ArrayBody;
use crate::new_file::{Existing, NewFile};

/// Writes a `.npz` file, one array after the other: stored, as `numpy.savez` does.
pub struct NpzWriter {
    path: PathBuf,
    archive: ZipWriter<BufWriter<NewFile>>,
    array: Option<ArrayBody>,
}

impl NpzWriter {
    /// Creates or replaces `path`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        Self::create_with(path, Existing::Replace)
    }

    pub(crate) fn create_with(path: &Path, existing: Existing) -> Result<Self> {
        let file = NewFile::create(path, existing)?;
        let archive = ZipWriter::new(BufWriter::with_capacity(1 << 20, file));
        Ok(Self { path: path.to_owned(), archive, array: None })
    }

    /// Ends the array before and begins `name`, of `rows` tensors of `row_dims`.
    ///
    /// # Errors
    /// If the array before is not complete, or the file cannot be written.
    pub fn start_array(
        &mut self,
        name: &str,
        dtype: DType,
        row_dims: &[u64],
        rows: u64,
    ) -> Result<()> {
        self.end_array()?;
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(ArrayBody::total_bytes(dtype, row_dims, rows) >= u64::from(u32::MAX));
        self.archive
            .start_file(format!("{name}.npy"), options)
            .map_err(ConvertError::encode(&self.path, "npz"))?;
        self.array = Some(ArrayBody::start(&mut self.archive, &self.path, dtype, row_dims, rows)?);
        Ok(())
    }

    /// Appends the rows of `column` to the array that was started last.
    ///
    /// # Errors
    /// If no array was started, the column has another type or a null row, or too many rows.
    pub fn write(&mut self, column: &ArrayRef) -> Result<()> {
        match &mut self.array {
            Some(array) => array.write(&mut self.archive, column),
            None => Err(ConvertError::unsupported(&self.path, "no array was started")),
        }
    }

    /// Ends the last array, makes the file durable, and gives it its name.
    ///
    /// # Errors
    /// If the last array is not complete, or the file cannot be written.
    pub fn finish(mut self) -> Result<()> {
        self.end_array()?;
        let path = self.path;
        let writer = self.archive.finish().map_err(ConvertError::encode(&path, "npz"))?;
        let file =
            writer.into_inner().map_err(|e| ConvertError::io(&path, "write")(e.into_error()))?;
        file.keep()
    }

    fn end_array(&mut self) -> Result<()> {
        self.array.take().map_or(Ok(()), |array| array.check_complete())
    }
}
