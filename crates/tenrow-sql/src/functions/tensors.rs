//! Columns of tensors: the elements one after another, and where those of each row lie.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, Int32Array, ListArray, StructArray, new_null_array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result};

use super::argument::Argument;
use super::tensor_type::{TensorType, show_field};

/// The tensors of an argument.
pub(super) struct Tensors {
    function: &'static str,
    pub(super) tensor_type: TensorType,
    /// Whether the only tensor is that of all rows.
    pub(super) is_constant: bool,
    /// The elements of all rows, in order.
    pub(super) values: ArrayRef,
    places: Places,
    dims: Dims,
    pub(super) nulls: Option<NullBuffer>,
    len: usize,
}

/// Where the elements of each row lie.
enum Places {
    /// This many a row.
    Fixed(usize),
    /// Between two of these, which begin at 0.
    Offsets(OffsetBuffer<i32>),
}

/// The dimensions of each row.
enum Dims {
    Fixed(Vec<u64>),
    /// One dimension: the number of elements.
    Length,
    /// This many numbers a row.
    Stored {
        dims: Int32Array,
        rank: usize,
    },
}

impl Tensors {
    pub(super) fn of_argument(function: &'static str, argument: &Argument) -> Result<Self> {
        let tensor_type = TensorType::of_argument(function, &argument.field)?;
        let array = as_known_list(&argument.array, &tensor_type)?;
        let unlike = || {
            DataFusionError::Internal(format!(
                "{function}: {} is held as {}",
                show_field(&argument.field),
                array.data_type()
            ))
        };
        let (lists, shapes) = match array.as_struct_opt() {
            Some(rows) => match rows.columns() {
                [data, shapes] => (data.clone(), Some(shapes.clone())),
                _ => return Err(unlike()),
            },
            None => (array.clone(), None),
        };
        let (values, places) = elements_of(&lists).ok_or_else(unlike)?;
        let dims = match (shapes, tensor_type.fixed_dims()) {
            (Some(shapes), _) => stored_dims(&shapes).ok_or_else(unlike)?,
            (None, Some(dims)) => Dims::Fixed(dims),
            (None, None) => Dims::Length,
        };
        let tensors = Self {
            function,
            tensor_type,
            is_constant: argument.is_constant,
            values,
            places,
            dims,
            nulls: array.logical_nulls(),
            len: array.len(),
        };
        tensors.check_dims()?;
        tensors.check_elements()?;
        Ok(tensors)
    }

    /// The place of the tensor of `row`.
    fn place(&self, row: usize) -> usize {
        if self.is_constant { 0 } else { row }
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        let place = self.place(row);
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(place))
    }

    /// Where the elements of `row` are.
    pub(super) fn range(&self, row: usize) -> Range<usize> {
        let place = self.place(row);
        match &self.places {
            Places::Fixed(n) => place * n..(place + 1) * n,
            Places::Offsets(offsets) => offsets[place] as usize..offsets[place + 1] as usize,
        }
    }

    /// The dimensions of the tensor of `row`, which is not null.
    pub(super) fn dims(&self, row: usize) -> Cow<'_, [u64]> {
        match &self.dims {
            Dims::Fixed(dims) => Cow::Borrowed(dims),
            Dims::Length => Cow::Owned(vec![self.range(row).len() as u64]),
            Dims::Stored { dims, rank } => {
                let start = self.place(row) * rank;
                let dims = &dims.values()[start..start + rank];
                Cow::Owned(dims.iter().map(|&d| u64::try_from(d).unwrap_or_default()).collect())
            }
        }
    }

    /// The offsets of the rows among the elements.
    pub(super) fn offsets(&self) -> Result<OffsetBuffer<i32>> {
        match &self.places {
            Places::Offsets(offsets) => Ok(offsets.clone()),
            Places::Fixed(n) => offsets_of(self.function, (0..self.len).map(|_| *n)),
        }
    }

    /// The number of tensors held: one if all rows have the same.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Dimensions that do not multiply to the number of elements are damage, or another program's.
    fn check_dims(&self) -> Result<()> {
        let variable = matches!(self.dims, Dims::Stored { .. } | Dims::Fixed(_));
        let uniform = matches!((&self.dims, &self.places), (Dims::Fixed(_), Places::Fixed(_)));
        let rows = if uniform { self.len.min(1) } else { self.len };
        for row in (0..rows).filter(|&row| variable && !self.is_null(row)) {
            let (dims, count) = (self.dims(row), self.range(row).len() as u64);
            let stated = dims.iter().try_fold(1u64, |n, &d| n.checked_mul(d));
            let admitted =
                dims.iter().zip(&self.tensor_type.dims).all(|(d, t)| t.is_none_or(|t| t == *d));
            if stated != Some(count) || !admitted {
                return Err(self.fault(format!(
                    "{count} elements for a tensor of shape {} in a column of {}",
                    show_dims(&dims),
                    self.tensor_type
                )));
            }
        }
        Ok(())
    }

    fn check_elements(&self) -> Result<()> {
        let Some(nulls) = self.values.nulls().filter(|nulls| nulls.null_count() > 0) else {
            return Ok(());
        };
        for row in (0..self.len).filter(|&row| !self.is_null(row)) {
            let range = self.range(row);
            if let Some(at) = range.clone().position(|i| nulls.is_null(i)) {
                return Err(self.fault(format!(
                    "element {} of {} is null; the elements of a tensor never are",
                    show_dims(&unravel(at, &self.dims(row))),
                    self.tensor_type
                )));
            }
        }
        Ok(())
    }

    fn fault(&self, reason: String) -> DataFusionError {
        DataFusionError::Execution(format!("{}: {reason}", self.function))
    }
}

/// Brings the rarer forms of lists to those that tensors have: NULL, `[]` and large lists.
fn as_known_list(array: &ArrayRef, tensor_type: &TensorType) -> Result<ArrayRef> {
    let item = || Arc::new(Field::new("item", tensor_type.dtype.arrow_type(), true));
    Ok(match array.data_type() {
        DataType::Null => new_null_array(&DataType::List(item()), array.len()),
        DataType::LargeList(_) => arrow_cast::cast(array, &DataType::List(item()))?,
        DataType::List(of) if of.data_type().is_null() => {
            arrow_cast::cast(array, &DataType::List(item()))?
        }
        DataType::FixedSizeList(of, n) if of.data_type().is_null() => {
            arrow_cast::cast(array, &DataType::FixedSizeList(item(), *n))?
        }
        _ => array.clone(),
    })
}

/// The elements that the rows of a list hold, and their places among them.
fn elements_of(lists: &ArrayRef) -> Option<(ArrayRef, Places)> {
    if let Some(lists) = lists.as_fixed_size_list_opt() {
        let n = usize::try_from(lists.value_length()).ok()?;
        let start = usize::try_from(lists.value_offset(0)).ok()?;
        return Some((lists.values().slice(start, n * lists.len()), Places::Fixed(n)));
    }
    let lists = lists.as_list_opt::<i32>()?;
    let (first, last) = (*lists.offsets().first()?, *lists.offsets().last()?);
    let values = lists.values().slice(first as usize, (last - first) as usize);
    let offsets = match first {
        0 => lists.offsets().clone(),
        // Subtracting the first of rising numbers leaves them rising from 0.
        _ => OffsetBuffer::new(lists.offsets().iter().map(|offset| offset - first).collect()),
    };
    Some((values, Places::Offsets(offsets)))
}

fn stored_dims(shapes: &ArrayRef) -> Option<Dims> {
    let shapes = shapes.as_fixed_size_list_opt()?;
    let rank = usize::try_from(shapes.value_length()).ok()?;
    let start = usize::try_from(shapes.value_offset(0)).ok()?;
    let dims = shapes.values().as_primitive_opt::<Int32Type>()?;
    Some(Dims::Stored { dims: dims.slice(start, rank * shapes.len()), rank })
}

/// The offsets of rows of these lengths.
pub(super) fn offsets_of(
    function: &str,
    lengths: impl Iterator<Item = usize>,
) -> Result<OffsetBuffer<i32>> {
    let mut end = 0i32;
    let mut offsets = vec![0];
    for length in lengths {
        let next = i32::try_from(length).ok().and_then(|length| end.checked_add(length));
        end = next.ok_or_else(|| {
            DataFusionError::Execution(format!(
                "{function}: more than 2147483647 elements in one batch; set datafusion.execution.batch_size lower"
            ))
        })?;
        offsets.push(end);
    }
    Ok(OffsetBuffer::new(offsets.into()))
}

/// A column of the tensors that `field` describes.
///
/// `offsets` say where those of each row lie in `values`; rows of a fixed shape have all their
/// elements there even where they are null. `dims` are asked for only if they differ from row to row.
pub(super) fn assemble(
    field: &FieldRef,
    values: ArrayRef,
    offsets: OffsetBuffer<i32>,
    dims: impl FnOnce() -> Vec<i32>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    Ok(match field.data_type() {
        DataType::FixedSizeList(item, n) => {
            Arc::new(FixedSizeListArray::try_new(item.clone(), *n, values, nulls)?)
        }
        DataType::List(item) => Arc::new(ListArray::try_new(item.clone(), offsets, values, nulls)?),
        DataType::Struct(fields) => {
            let [data, shape] = fields.as_ref() else { return Err(not_a_tensor(field)) };
            let (DataType::List(item), DataType::FixedSizeList(dim, rank)) =
                (data.data_type(), shape.data_type())
            else {
                return Err(not_a_tensor(field));
            };
            let data = ListArray::try_new(item.clone(), offsets, values, None)?;
            let dims = Arc::new(Int32Array::new(ScalarBuffer::from(dims()), None));
            let shapes = FixedSizeListArray::try_new(dim.clone(), *rank, dims, nulls.clone())?;
            let columns: Vec<ArrayRef> = vec![Arc::new(data), Arc::new(shapes)];
            Arc::new(StructArray::try_new(fields.clone(), columns, nulls)?)
        }
        _ => return Err(not_a_tensor(field)),
    })
}

fn not_a_tensor(field: &FieldRef) -> DataFusionError {
    DataFusionError::Internal(format!("{}: {} is no tensor", field.name(), field.data_type()))
}

/// The dimensions as `[2,3]`.
pub(super) fn show_dims(dims: &[u64]) -> String {
    let dims: Vec<_> = dims.iter().map(u64::to_string).collect();
    format!("[{}]", dims.join(","))
}

/// The indices of element `at` of a tensor of these dimensions.
pub(super) fn unravel(at: usize, dims: &[u64]) -> Vec<u64> {
    let mut rest = at as u64;
    let mut indices = vec![0; dims.len()];
    for (index, dim) in indices.iter_mut().zip(dims).rev() {
        *index = rest % (*dim).max(1);
        rest /= (*dim).max(1);
    }
    indices
}
