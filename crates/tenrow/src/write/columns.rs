//! Batches from typed slices and `ndarray` arrays.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, ListArray, RecordBatch, StringArray, StructArray,
};
use arrow_buffer::{Buffer, OffsetBuffer};
use arrow_schema::Field;
use bytes::Bytes;
use ndarray::{ArrayBase, ArrayViewD, Data, Dimension};

use crate::error::{Error, Result};
use crate::format::DType;
use crate::read::{element_array, list_array, unfit};
use crate::tensor::{Element, Tensor};
use crate::write::files::FileValue;

/// The columns of some rows, given as Rust values; the first axis is the row.
///
/// ```
/// use ndarray::Array3;
/// use tenrow::Columns;
/// let images = Array3::<u8>::zeros((2, 28, 28));
/// let columns = Columns::new().tensors("image", &images)?.scalars("label", &[7i64, 2])?;
/// assert_eq!(columns.into_batch()?.num_rows(), 2);
/// # Ok::<(), tenrow::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Columns {
    columns: Vec<(String, ArrayRef)>,
}

impl Columns {
    /// No columns yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tensors of one shape: rows along the first axis. Copied once.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for an array without axes.
    pub fn tensors<T, S, D>(self, name: &str, rows: &ArrayBase<S, D>) -> Result<Self>
    where
        T: Element,
        S: Data<Elem = T>,
        D: Dimension,
    {
        let shape: Vec<u64> = rows.shape().iter().map(|&d| d as u64).collect();
        let standard = rows.as_standard_layout();
        let elements = standard.as_slice().unwrap_or_default();
        self.tensor(name, &Tensor::from_slice(elements, &shape)?)
    }

    /// Tensors of one shape, shared: the first dimension of `rows` is the row.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a tensor of rank 0, or too many elements.
    pub fn tensor(self, name: &str, rows: &Tensor) -> Result<Self> {
        let [row_count, row_shape @ ..] = rows.shape() else {
            return Err(Error::invalid(format!(
                "attribute {name:?}: a tensor of rank 0 has no rows"
            )));
        };
        let n: u64 = row_shape.iter().product();
        let size = i32::try_from(n).map_err(|_| {
            Error::invalid(format!("attribute {name:?}: over 2^31 elements in a row"))
        })?;
        let values =
            element_array(rows.dtype(), Buffer::from(packed(rows)), (row_count * n) as usize)?;
        let item = Arc::new(Field::new("item", rows.dtype().arrow_type(), true));
        if size == 0 {
            let offsets = OffsetBuffer::new_zeroed(*row_count as usize);
            let lists = ListArray::try_new(item, offsets, values, None).map_err(unfit)?;
            return Ok(self.array(name, Arc::new(lists)));
        }
        let lists = FixedSizeListArray::try_new(item, size, values, None).map_err(unfit)?;
        Ok(self.array(name, Arc::new(lists)))
    }

    /// Numbers, one a row. Copied once.
    ///
    /// # Errors
    /// None today.
    pub fn scalars<T: Element>(self, name: &str, values: &[T]) -> Result<Self> {
        let bytes = Bytes::copy_from_slice(bytemuck::cast_slice(values));
        let array = element_array(T::DTYPE, Buffer::from(bytes), values.len())?;
        Ok(self.array(name, array))
    }

    /// Tensors whose shapes differ, one array a row. Copied once.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if ranks differ, or there are over 2^31 elements.
    pub fn variable_tensors<T: Element>(
        self,
        name: &str,
        rows: &[ArrayViewD<'_, T>],
    ) -> Result<Self> {
        let rank = rows.first().map_or(1, |row| row.ndim());
        let mut elements: Vec<T> = Vec::with_capacity(rows.iter().map(|row| row.len()).sum());
        let mut dims: Vec<i32> = Vec::with_capacity(rows.len() * rank);
        for row in rows {
            if row.ndim() != rank {
                return Err(Error::invalid(format!(
                    "attribute {name:?}: rows of rank {rank} and {}",
                    row.ndim()
                )));
            }
            elements.extend(row.iter());
            dims.extend(row.shape().iter().map(|&d| d as i32));
        }
        let bytes = Bytes::copy_from_slice(bytemuck::cast_slice(&elements));
        let values = element_array(T::DTYPE, Buffer::from(bytes), elements.len())?;
        self.variable_rows(name, T::DTYPE, rank, rows.iter().map(|row| row.len()), values, dims)
    }

    /// Tensors of `dtype` and `rank` whose shapes differ, one a row. Copied once.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if a row has another dtype or rank, or there are over 2^31 elements.
    pub fn tensors_of_rank(
        self,
        name: &str,
        dtype: DType,
        rank: usize,
        rows: &[Tensor],
    ) -> Result<Self> {
        let mut bytes = Vec::with_capacity(rows.iter().map(|row| row.bytes().len()).sum());
        let mut counts = Vec::with_capacity(rows.len());
        let mut dims = Vec::with_capacity(rows.len() * rank);
        for row in rows {
            if (row.dtype(), row.shape().len()) != (dtype, rank) {
                return Err(Error::invalid(format!(
                    "attribute {name:?}: {dtype} of rank {rank} expected, found {} of shape {:?}",
                    row.dtype(),
                    row.shape()
                )));
            }
            bytes.extend_from_slice(row.bytes());
            counts.push(row.shape().iter().product::<u64>() as usize);
            for &dim in row.shape() {
                let dim = i32::try_from(dim).map_err(|_| {
                    Error::invalid(format!("attribute {name:?}: a dimension over 2^31"))
                })?;
                dims.push(dim);
            }
        }
        let count = counts.iter().sum::<usize>();
        let all = Tensor::new(dtype, &[count as u64], bytes.into())?;
        let values = element_array(dtype, Buffer::from(packed(&all)), count)?;
        self.variable_rows(name, dtype, rank, counts.into_iter(), values, dims)
    }

    fn variable_rows(
        self,
        name: &str,
        dtype: DType,
        rank: usize,
        counts: impl ExactSizeIterator<Item = usize>,
        values: ArrayRef,
        dims: Vec<i32>,
    ) -> Result<Self> {
        let data = list_array(dtype, true, counts, values, None)?;
        let count = dims.len();
        let dims = element_array(DType::I32, Buffer::from_vec(dims), count)?;
        let item = Arc::new(Field::new("item", arrow_schema::DataType::Int32, false));
        let shapes = FixedSizeListArray::try_new(item, rank as i32, dims, None).map_err(unfit)?;
        let fields = vec![
            Field::new("data", data.data_type().clone(), false),
            Field::new("shape", shapes.data_type().clone(), true),
        ];
        let columns: Vec<ArrayRef> = vec![Arc::new(data), Arc::new(shapes)];
        let rows = StructArray::try_new(fields.into(), columns, None).map_err(unfit)?;
        Ok(self.array(name, Arc::new(rows)))
    }

    /// Texts, one a row.
    pub fn strings<'a>(
        self,
        name: &str,
        values: impl IntoIterator<Item = Option<&'a str>>,
    ) -> Self {
        let values: StringArray = values.into_iter().collect();
        self.array(name, Arc::new(values))
    }

    /// Files, one a row.
    pub fn files(self, name: &str, files: &[Option<FileValue>]) -> Self {
        self.array(name, Arc::new(FileValue::array(files)))
    }

    /// Any Arrow array.
    pub fn array(mut self, name: &str, array: ArrayRef) -> Self {
        self.columns.push((name.to_owned(), array));
        self
    }

    /// The batch of these columns.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the columns differ in length, naming two.
    pub fn into_batch(self) -> Result<RecordBatch> {
        if let Some((first, column)) = self.columns.first() {
            let rows = column.len();
            if let Some((other, found)) = self.columns.iter().find(|(_, c)| c.len() != rows) {
                return Err(Error::invalid(format!(
                    "attribute {first:?} has {rows} rows, but {other:?} has {}",
                    found.len()
                )));
            }
        }
        let columns = self.columns.into_iter().map(|(name, array)| (name, array, true));
        RecordBatch::try_from_iter_with_nullable(columns)
            .map_err(|e| Error::invalid("the columns make no batch").with_source(e))
    }
}

/// The bytes of a tensor as Arrow keeps them: booleans a bit each.
fn packed(tensor: &Tensor) -> Bytes {
    if tensor.dtype() != DType::Bool {
        return tensor.bytes().clone();
    }
    let bits = arrow_buffer::BooleanBuffer::from_iter(tensor.bytes().iter().map(|&b| b != 0));
    Bytes::copy_from_slice(bits.inner())
}
