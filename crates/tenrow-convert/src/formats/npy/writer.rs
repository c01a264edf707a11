//! Arrays of numpy, written: the bytes are those of `numpy.save`.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow_array::{Array, ArrayRef};
use tenrow::Tensor;
use tenrow::{AttributeType, DType};
use tenrow_values::column::{bytes_of, elements, item_bytes};
use tenrow_values::{ConvertError, Result};

use super::header::write_header;
use crate::new_file::{Existing, NewFile, write_file};

/// Writes one `.npy` file, row by row.
///
/// The header holds the number of rows, so that must be known when the file is created.
///
/// ```
/// use std::sync::Arc;
/// use arrow_array::{ArrayRef, Int64Array};
/// use tenrow::DType;
/// use tenrow_convert::{NpySource, NpyWriter, Source};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("label.npy");
/// let labels: ArrayRef = Arc::new(Int64Array::from(vec![5, 0, 4]));
/// let mut writer = NpyWriter::create(&path, DType::I64, &[], 3)?;
/// writer.write(&labels)?;
/// writer.finish()?;
/// let batch = NpySource::open(&[path], false)?.next_batch()?.expect("three rows");
/// assert_eq!(batch.column(0), &labels);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct NpyWriter {
    body: ArrayBody,
    writer: BufWriter<NewFile>,
}

impl NpyWriter {
    /// Creates or replaces `path`, to hold `rows` tensors of `row_dims` (none: scalars).
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn create(path: &Path, dtype: DType, row_dims: &[u64], rows: u64) -> Result<Self> {
        Self::create_with(path, Existing::Replace, dtype, row_dims, rows)
    }

    pub(crate) fn create_with(
        path: &Path,
        existing: Existing,
        dtype: DType,
        row_dims: &[u64],
        rows: u64,
    ) -> Result<Self> {
        let file = NewFile::create(path, existing)?;
        let mut writer = BufWriter::with_capacity(1 << 20, file);
        let body = ArrayBody::start(&mut writer, path, dtype, row_dims, rows)?;
        Ok(Self { body, writer })
    }

    /// Appends the rows of `column`, which is as [`AttributeType::arrow_type`] says.
    ///
    /// # Errors
    /// If the column has another type, a null row (npy has none), or too many rows.
    pub fn write(&mut self, column: &ArrayRef) -> Result<()> {
        self.body.write(&mut self.writer, column)
    }

    /// Makes the file durable, and gives it its name.
    ///
    /// # Errors
    /// If fewer rows were written than announced, or the file cannot be written.
    pub fn finish(self) -> Result<()> {
        self.body.check_complete()?;
        let path = self.body.path;
        let file = self
            .writer
            .into_inner()
            .map_err(|e| ConvertError::io(&path, "write")(e.into_error()))?;
        file.keep()
    }
}

/// Creates `path` with one tensor, of its own shape.
///
/// # Errors
/// If the file cannot be written, or is there and has to stay.
pub fn write_npy(path: &Path, tensor: &Tensor, existing: Existing) -> Result<()> {
    let mut bytes = write_header(tensor.dtype(), tensor.shape());
    bytes.extend_from_slice(tensor.bytes());
    write_file(path, &bytes, existing)
}

/// The element type and row shape under which npy can hold an attribute.
///
/// # Errors
/// If it has neither: npy holds tensors of one shape and numbers.
pub(in crate::formats) fn npy_row_type(
    name: &str,
    attribute_type: &AttributeType,
) -> Result<(DType, Vec<u64>)> {
    match attribute_type {
        AttributeType::Tensor { dtype, shape } => Ok((*dtype, shape.dims().to_vec())),
        AttributeType::Scalar(dtype) => Ok((*dtype, Vec::new())),
        other => Err(ConvertError::column(
            name,
            format!(
                "npy holds tensors of one shape and numbers, not {other}: export it as parquet"
            ),
        )),
    }
}

/// One array on its way into a file or an archive.
pub(crate) struct ArrayBody {
    path: PathBuf,
    attribute_type: AttributeType,
    dtype: DType,
    rows: u64,
    written: u64,
}

impl ArrayBody {
    /// Writes the header.
    pub(crate) fn start(
        writer: &mut impl Write,
        path: &Path,
        dtype: DType,
        row_dims: &[u64],
        rows: u64,
    ) -> Result<Self> {
        // Rank 0 and scalars are the same array; the column says which of them it is.
        let attribute_type =
            AttributeType::tensor(dtype, row_dims).map_err(ConvertError::declared(path))?;
        let mut shape = vec![rows];
        shape.extend_from_slice(row_dims);
        writer.write_all(&write_header(dtype, &shape)).map_err(ConvertError::io(path, "write"))?;
        Ok(Self { path: path.to_owned(), attribute_type, dtype, rows, written: 0 })
    }

    /// The bytes of header and data together.
    pub(crate) fn total_bytes(dtype: DType, row_dims: &[u64], rows: u64) -> u64 {
        let row_bytes = row_dims.iter().product::<u64>() * item_bytes(dtype);
        rows.saturating_mul(row_bytes).saturating_add(4096)
    }

    pub(crate) fn write(&mut self, writer: &mut impl Write, column: &ArrayRef) -> Result<()> {
        let scalar = matches!(&self.attribute_type, AttributeType::Tensor { shape, .. } if shape.rank() == 0)
            && *column.data_type() == self.dtype.arrow_type();
        if !scalar && !same_storage(column, &self.attribute_type) {
            let reason = format!(
                "found a column of {}, expected {}",
                column.data_type(),
                self.attribute_type
            );
            return Err(ConvertError::unsupported(&self.path, reason));
        }
        let values = elements(column);
        if let Some(row) = first_null(column).or_else(|| first_null(&values)) {
            let reason = format!("row {} is or holds a null, and npy has none", self.written + row);
            return Err(ConvertError::unsupported(&self.path, reason));
        }
        self.written += column.len() as u64;
        if self.written > self.rows {
            return self.check_complete();
        }
        writer
            .write_all(&bytes_of(self.dtype, &values))
            .map_err(ConvertError::io(&self.path, "write"))
    }

    pub(crate) fn check_complete(&self) -> Result<()> {
        if self.written == self.rows {
            return Ok(());
        }
        let reason = format!("{} rows were given, but {} announced", self.written, self.rows);
        Err(ConvertError::unsupported(&self.path, reason))
    }
}

fn same_storage(column: &ArrayRef, attribute_type: &AttributeType) -> bool {
    use arrow_schema::DataType::{FixedSizeList, List};
    match (column.data_type(), attribute_type.arrow_type()) {
        (FixedSizeList(a, n), FixedSizeList(b, m)) => *n == m && a.data_type() == b.data_type(),
        (List(a), List(b)) => a.data_type() == b.data_type(),
        (a, b) => *a == b,
    }
}

fn first_null(column: &ArrayRef) -> Option<u64> {
    if column.null_count() == 0 {
        return None;
    }
    (0..column.len()).find(|&row| column.is_null(row)).map(|row| row as u64)
}
