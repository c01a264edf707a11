//! What a tensor is: `tensor_shape`, `tensor_rank`, `tensor_dtype`; and one of its elements.

use std::sync::Arc;

use arrow_array::builder::{Int64Builder, ListBuilder};
use arrow_array::{Array, ArrayRef, Int64Array, PrimitiveArray, StringArray};
use arrow_schema::{DataType, FieldRef};
use datafusion::common::Result;

use super::call::{About, Call, Function, Plan, example_tensor};
use super::elements::{Elements, Number, with_elements};
use super::reduce::element_type;
use super::tensor_type::TensorType;
use super::tensors::{Tensors, show_dims};

pub(super) fn functions() -> Vec<Function> {
    let tensor = || ("tensor", "A tensor or a list of numbers.", example_tensor());
    let about = |syntax, returns, example| About {
        syntax,
        returns,
        example,
        arguments: vec![tensor()],
        optional: 0,
    };
    let shape = about(
        "tensor_shape(tensor)",
        "The dimensions of a tensor, outermost first: a list of BIGINT, empty for a tensor without dimensions.",
        "SELECT tensor_shape(image) FROM mnist LIMIT 1; -- [28, 28]",
    );
    let rank = about(
        "tensor_rank(tensor)",
        "The number of dimensions of a tensor.",
        "SELECT tensor_rank(image) FROM mnist LIMIT 1; -- 2",
    );
    let dtype = about(
        "tensor_dtype(tensor)",
        "The name of the element type of a tensor, such as `u8` or `bf16`.",
        "SELECT tensor_dtype(image) FROM mnist LIMIT 1; -- u8",
    );
    let element = About {
        syntax: "tensor_element(tensor, index, ...)",
        returns: "One element, in the type of the elements (FLOAT for f16 and bf16). There is an index for each dimension; they count from 0, and those below 0 from the end, as in numpy. An index out of range is an error.",
        example: "SELECT tensor_element(image, 14, -1) FROM mnist LIMIT 1;",
        arguments: vec![
            tensor(),
            (
                "index",
                "The index in each dimension: as many integers as the tensor has dimensions.",
                DataType::Int64,
            ),
        ],
        optional: usize::MAX,
    };
    vec![
        Function::new(shape, plan_shape, run_shape),
        Function::new(rank, |plan| checked(plan, DataType::Int64), run_rank),
        Function::new(dtype, |plan| checked(plan, DataType::Utf8), run_dtype),
        Function::new(element, plan_element, run_element).with_least_arguments(1),
    ]
}

/// A field of `data_type`, once the argument is known to be a tensor.
fn checked(plan: &Plan<'_>, data_type: DataType) -> Result<FieldRef> {
    plan.tensor(0)?;
    Ok(plan.returns(data_type))
}

fn plan_shape(plan: &Plan<'_>) -> Result<FieldRef> {
    checked(plan, DataType::new_list(DataType::Int64, true))
}

fn run_shape(call: &Call) -> Result<ArrayRef> {
    let tensors = call.tensors(0)?;
    let mut shapes = ListBuilder::new(Int64Builder::new());
    for row in 0..call.row_count() {
        let is_valid = !tensors.is_null(row);
        if is_valid {
            shapes.values().extend(tensors.dims(row).iter().map(|&dim| Some(dim as i64)));
        }
        shapes.append(is_valid);
    }
    Ok(Arc::new(shapes.finish()))
}

fn run_rank(call: &Call) -> Result<ArrayRef> {
    let tensors = call.tensors(0)?;
    let rank = tensors.tensor_type.rank() as i64;
    let ranks = (0..call.row_count()).map(|row| (!tensors.is_null(row)).then_some(rank));
    Ok(Arc::new(ranks.collect::<Int64Array>()))
}

fn run_dtype(call: &Call) -> Result<ArrayRef> {
    let tensors = call.tensors(0)?;
    let name = tensors.tensor_type.dtype.name();
    let names = (0..call.row_count()).map(|row| (!tensors.is_null(row)).then_some(name));
    Ok(Arc::new(names.collect::<StringArray>()))
}

fn plan_element(plan: &Plan<'_>) -> Result<FieldRef> {
    let tensor = plan.tensor(0)?;
    let given = plan.fields.len() - 1;
    if given != tensor.rank() && !plan.is_example() {
        return Err(plan.fault(format!(
            "{tensor} has {} dimensions, the number of indices given is {given}; tensor_slice gives a part",
            tensor.rank()
        )));
    }
    for (axis, dim) in tensor.dims.iter().enumerate() {
        if let (Some(dim), Some(index)) = (dim, plan.integer(axis + 1, "an index")?) {
            place_in(index, *dim).ok_or_else(|| {
                plan.fault(out_of_range(index, axis, *dim, &tensor, &tensor.to_string()))
            })?;
        }
    }
    Ok(plan.returns(element_type(tensor.dtype)))
}

/// The place that `index` names among `dim`; those below 0 count from the end.
pub(super) fn place_in(index: i64, dim: u64) -> Option<u64> {
    let place = match u64::try_from(index) {
        Ok(index) => index,
        Err(_) => dim.checked_sub(index.unsigned_abs())?,
    };
    (place < dim).then_some(place)
}

/// The error for an index that names no place.
pub(super) fn out_of_range(
    index: i64,
    axis: usize,
    dim: u64,
    tensor: &TensorType,
    shape: &str,
) -> String {
    let name = match tensor.dim_names.get(axis) {
        Some(name) => format!("dimension {axis} ({name:?})"),
        None => format!("dimension {axis}"),
    };
    match dim {
        0 => format!("index {index} is out of range: {name} of {shape} is empty"),
        _ => format!(
            "index {index} is out of range: {name} of {shape} takes 0 to {}, or -{dim} to -1 from its end",
            dim - 1
        ),
    }
}

fn run_element(call: &Call) -> Result<ArrayRef> {
    let tensors = call.tensors(0)?;
    let indices: Vec<Int64Array> =
        (1..call.arguments.len()).map(|i| call.integers(i)).collect::<Result<_>>()?;
    let elements = Elements::of(tensors.tensor_type.dtype, &tensors.values)?;
    let place = |row| place_of(call, &tensors, &indices, row);
    let places = (0..call.row_count()).map(place).collect::<Result<Vec<_>>>()?;
    let found = with_elements!(&elements, values => picked(values, &places));
    // Booleans were looked at as 0 and 1.
    Ok(arrow_cast::cast(&found, call.return_field.data_type())?)
}

fn picked<T: Number>(values: &[T], places: &[Option<usize>]) -> ArrayRef {
    let picked = places.iter().map(|place| place.map(|place| values[place]));
    Arc::new(picked.collect::<PrimitiveArray<T::Arrow>>())
}

/// Where the element of `row` lies among those of all rows; `None` if the row or an index is null.
fn place_of(
    call: &Call,
    tensors: &Tensors,
    indices: &[Int64Array],
    row: usize,
) -> Result<Option<usize>> {
    if tensors.is_null(row) {
        return Ok(None);
    }
    let dims = tensors.dims(row);
    let mut place = 0;
    for (axis, (indices, &dim)) in indices.iter().zip(dims.iter()).enumerate() {
        let at = call.arguments[axis + 1].row(row);
        if indices.is_null(at) {
            return Ok(None);
        }
        let index = indices.value(at);
        let in_axis = place_in(index, dim).ok_or_else(|| {
            let shape = show_dims(&dims);
            call.fault(out_of_range(index, axis, dim, &tensors.tensor_type, &shape))
        })?;
        place = place * dim + in_axis;
    }
    Ok(Some(tensors.range(row).start + place as usize))
}
