//! Columns of tensors: of one shape, or of a shape in each row.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, FixedSizeListArray, ListArray, NullArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field};
use bytes::Bytes;

use crate::format::DType;
use crate::tensor::Tensor;
use crate::write::columns::plain::{Column, elements};

/// Tensors of one shape: the first dimension of `rows` is the row.
pub(super) fn stacked(rows: &Tensor, nulls: Option<NullBuffer>) -> Column {
    let [row_count, row_shape @ ..] = rows.shape() else {
        return Err(
            "a tensor without dimensions has no rows: its first dimension is the row".into()
        );
    };
    let size = row_shape.iter().try_fold(1u64, |n, &dim| n.checked_mul(dim));
    let size = size.and_then(|size| i32::try_from(size).ok());
    let size =
        size.ok_or_else(|| format!("shape {row_shape:?} has over 2^31 elements in a row"))?;
    let values = elements(rows, None)?;
    let item = Arc::new(Field::new("item", rows.dtype().arrow_type(), true));
    if size == 0 {
        let offsets = OffsetBuffer::new_zeroed(*row_count as usize);
        return array(ListArray::try_new(item, offsets, values, nulls));
    }
    array(FixedSizeListArray::try_new(item, size, values, nulls))
}

/// Tensors that must have one shape, each by itself.
pub(super) fn of_one_shape(rows: &[Option<Tensor>]) -> Column {
    let Some((first, tensor)) = first_of(rows) else { return Ok(nothing(rows.len())) };
    let (dtype, shape) = (tensor.dtype(), tensor.shape().to_vec());
    let row_bytes = tensor.bytes().len();
    let mut bytes = Vec::with_capacity(row_bytes * rows.len());
    for (row, tensor) in rows.iter().enumerate() {
        let Some(tensor) = tensor else {
            bytes.resize(bytes.len() + row_bytes, 0);
            continue;
        };
        check_dtype(dtype, row, tensor)?;
        if tensor.shape() != shape {
            return Err(format!(
                "row {row} has shape {:?}, expected {shape:?} as in row {first}: rows whose shapes differ are for `variable_tensors`",
                tensor.shape()
            ));
        }
        bytes.extend_from_slice(tensor.bytes());
    }
    let shape: Vec<u64> = std::iter::once(rows.len() as u64).chain(shape).collect();
    let all = Tensor::new(dtype, &shape, bytes.into()).map_err(|e| e.to_string())?;
    stacked(&all, nulls_of(rows))
}

/// Tensors that differ in their shapes, and not in the number of dimensions.
pub(super) fn of_any_shape(rows: &[Option<Tensor>]) -> Column {
    let Some((first, tensor)) = first_of(rows) else { return Ok(nothing(rows.len())) };
    let (dtype, rank) = (tensor.dtype(), tensor.shape().len());
    let size = rows.iter().flatten().map(|tensor| tensor.bytes().len()).sum();
    let (mut bytes, mut dims) = (Vec::with_capacity(size), Vec::with_capacity(rows.len() * rank));
    let mut counts = Vec::with_capacity(rows.len());
    for (row, tensor) in rows.iter().enumerate() {
        let Some(tensor) = tensor else {
            dims.resize(dims.len() + rank, 0);
            counts.push(0);
            continue;
        };
        check_dtype(dtype, row, tensor)?;
        if tensor.shape().len() != rank {
            return Err(format!(
                "row {row} has shape {:?}, expected {rank} dimensions as in row {first}",
                tensor.shape()
            ));
        }
        for &dim in tensor.shape() {
            let dim = i32::try_from(dim)
                .map_err(|_| format!("row {row} has shape {:?}: over 2^31", tensor.shape()))?;
            dims.push(dim);
        }
        bytes.extend_from_slice(tensor.bytes());
        counts.push(tensor.bytes().len() / dtype.item_bytes().unwrap_or(1) as usize);
    }
    variable(dtype, rank, bytes.into(), &counts, &dims, nulls_of(rows))
}

/// Rows of `counts` elements and `rank` of the `dims` each.
fn variable(
    dtype: DType,
    rank: usize,
    bytes: Bytes,
    counts: &[usize],
    dims: &[i32],
    nulls: Option<NullBuffer>,
) -> Column {
    let count: usize = counts.iter().sum();
    if count > i32::MAX as usize {
        return Err("over 2^31 elements in one batch: give fewer rows at once".to_owned());
    }
    let all = Tensor::new(dtype, &[count as u64], bytes).map_err(|e| e.to_string())?;
    let item = Arc::new(Field::new("item", dtype.arrow_type(), true));
    let offsets = OffsetBuffer::from_lengths(counts.iter().copied());
    let data = array(ListArray::try_new(item, offsets, elements(&all, None)?, None))?;
    let item = Arc::new(Field::new("item", DataType::Int32, false));
    let dims = elements(&Tensor::of_rows(dims), None)?;
    let shapes = match rank {
        0 => FixedSizeListArray::try_new_with_length(item, 0, dims, None, counts.len()),
        rank => FixedSizeListArray::try_new(item, rank as i32, dims, None),
    };
    let shapes = array(shapes)?;
    let fields = vec![
        Field::new("data", data.data_type().clone(), false),
        Field::new("shape", shapes.data_type().clone(), true),
    ];
    array(StructArray::try_new(fields.into(), vec![data, shapes], nulls))
}

/// The first tensor that there is, and its row.
fn first_of(rows: &[Option<Tensor>]) -> Option<(usize, &Tensor)> {
    rows.iter().enumerate().find_map(|(row, tensor)| tensor.as_ref().map(|tensor| (row, tensor)))
}

/// Rows of which none has a value, so that nothing is known of their type: nulls of any.
fn nothing(rows: usize) -> ArrayRef {
    Arc::new(NullArray::new(rows))
}

fn nulls_of(rows: &[Option<Tensor>]) -> Option<NullBuffer> {
    let is_there: NullBuffer = rows.iter().map(Option::is_some).collect();
    (is_there.null_count() > 0).then_some(is_there)
}

fn check_dtype(expected: DType, row: usize, tensor: &Tensor) -> Result<(), String> {
    match tensor.dtype() == expected {
        true => Ok(()),
        false => Err(format!("row {row} has elements of {}, others of {expected}", tensor.dtype())),
    }
}

fn array<A: Array + 'static>(made: Result<A, arrow_schema::ArrowError>) -> Column {
    made.map(|array| Arc::new(array) as ArrayRef).map_err(|e| e.to_string())
}
