//! Lists of numbers as tensors whose shapes differ from row to row.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, Int32Array, ListArray, StructArray, UInt64Array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::DataType;
use tenrow::{AttributeType, DType, VariableShape};

use crate::cast_mode::CastMode;
use crate::cast_numbers::{Misfit, cast_numbers};
use crate::text::Misread;

/// The lists of `column`, as deep as `shape`, as tensors of `to`: each is a rectangle of numbers.
pub(crate) fn tensors_of_lists(
    column: &ArrayRef,
    from: DType,
    to: DType,
    shape: &VariableShape,
    mode: CastMode,
) -> Result<ArrayRef, Misread> {
    let mut lengths = Vec::with_capacity(column.len());
    let mut dims = Vec::with_capacity(column.len() * shape.rank());
    let mut indices: Vec<u64> = Vec::new();
    for index in 0..column.len() {
        let row = match column.is_null(index) {
            true => Rectangle { dims: vec![0; shape.rank()], elements: 0..0 },
            false => rectangle(column, index, shape).map_err(|reason| Misread { index, reason })?,
        };
        lengths.push(row.elements.len());
        dims.extend(row.dims);
        indices.extend(row.elements.map(|place| place as u64));
    }
    let values = innermost(column, shape.rank());
    let values = arrow_select::take::take(&values, &UInt64Array::from(indices), None);
    let values = values.map_err(fault)?;
    let offsets = OffsetBuffer::<i32>::from_lengths(lengths);
    let dims: ArrayRef = Arc::new(Int32Array::from(dims));
    tensors(values, from, to, shape, offsets, dims, column.nulls().cloned(), mode)
}

/// Tensors of variable shape and of `from` as such of `to`.
pub(crate) fn cast_tensors(
    column: &ArrayRef,
    from: DType,
    to: DType,
    shape: &VariableShape,
    mode: CastMode,
) -> Result<ArrayRef, Misread> {
    let rows = column.as_struct();
    let data = rows.column(0).as_list::<i32>();
    let dims = rows.column(1).as_fixed_size_list().values().clone();
    let (first, last) = (data.value_offsets()[0], data.value_offsets()[data.len()]);
    let values = data.values().slice(first as usize, (last - first) as usize);
    let offsets =
        OffsetBuffer::from_lengths((0..data.len()).map(|i| data.value_length(i) as usize));
    tensors(values, from, to, shape, offsets, dims, rows.nulls().cloned(), mode)
}

/// The column of these elements, one after another, and dimensions.
#[expect(clippy::too_many_arguments, reason = "the parts of one column")]
fn tensors(
    values: ArrayRef,
    from: DType,
    to: DType,
    shape: &VariableShape,
    offsets: OffsetBuffer<i32>,
    dims: ArrayRef,
    nulls: Option<NullBuffer>,
    mode: CastMode,
) -> Result<ArrayRef, Misread> {
    let row_of = |place: usize| offsets.partition_point(|&end| end as usize <= place) - 1;
    if let Some(place) = (0..values.len()).find(|&place| values.is_null(place)) {
        return Err(Misread { index: row_of(place), reason: "a null within a tensor".into() });
    }
    let values = match from == to {
        true => values,
        false => cast_numbers(from, to, &values, mode, |_| false).map_err(
            |Misfit { index, value }| {
                let reason = format!("{value} does not fit {to}");
                Misread { index: row_of(index), reason }
            },
        )?,
    };
    let no_tensor = || Misread { index: 0, reason: "it is no tensor of variable shape".into() };
    let target = AttributeType::VariableTensor { dtype: to, shape: shape.clone() }.arrow_type();
    let DataType::Struct(fields) = target else { return Err(no_tensor()) };
    let (DataType::List(data), DataType::FixedSizeList(dim, rank)) =
        (fields[0].data_type(), fields[1].data_type())
    else {
        return Err(no_tensor());
    };
    let data = ListArray::try_new(data.clone(), offsets, values, None).map_err(fault)?;
    let dims = FixedSizeListArray::try_new(dim.clone(), *rank, dims, None).map_err(fault)?;
    let columns: Vec<ArrayRef> = vec![Arc::new(data), Arc::new(dims)];
    Ok(Arc::new(StructArray::try_new(fields, columns, nulls).map_err(fault)?))
}

fn fault(error: arrow_schema::ArrowError) -> Misread {
    Misread { index: 0, reason: error.to_string() }
}

/// The dimensions of one row, and where its elements are among all.
struct Rectangle {
    dims: Vec<i32>,
    elements: Range<usize>,
}

fn rectangle(column: &ArrayRef, row: usize, shape: &VariableShape) -> Result<Rectangle, String> {
    let mut dims = Vec::with_capacity(shape.rank());
    let mut lists = row..row + 1;
    let mut level = column.clone();
    for &fixed in shape.dims() {
        let list = level.as_list_opt::<i32>().ok_or("the lists are not nested deeply enough")?;
        if lists.clone().any(|place| list.is_null(place)) {
            return Err("a null within a tensor".into());
        }
        let mut lengths = lists.clone().map(|place| list.value_length(place));
        // Where there is nothing, its other dimensions are those of the attribute.
        let least = fixed.and_then(|dim| i32::try_from(dim).ok()).unwrap_or_default();
        let length = lengths.next().unwrap_or(least);
        if let Some(other) = lengths.find(|&other| other != length) {
            return Err(format!("lists of {length} and {other}, where a tensor has one length"));
        }
        if fixed.is_some_and(|dim| i64::from(dim) != i64::from(length)) {
            return Err(format!("lists of {length}, where {least} are expected"));
        }
        dims.push(length);
        let offsets = list.value_offsets();
        lists = offsets[lists.start] as usize..offsets[lists.end] as usize;
        level = list.values().clone();
    }
    Ok(Rectangle { dims, elements: lists })
}

fn innermost(column: &ArrayRef, rank: usize) -> ArrayRef {
    (0..rank).fold(column.clone(), |level, _| match level.as_list_opt::<i32>() {
        Some(list) => list.values().clone(),
        None => level,
    })
}
