//! `tensor_slice` and `tensor_reshape`: the same elements in other shapes, or some of them.

use arrow_array::ArrayRef;
use arrow_schema::{DataType, FieldRef};
use datafusion::common::Result;

use super::call::{About, Call, Function, Plan, example_tensor};
use super::describe::out_of_range;
use super::ranges::{Part, Picked, Runs, parse, runs};
use super::raw_items::{Gathered, RawItems};
use super::tensor_type::TensorType;
use super::tensors::{Tensors, assemble, offsets_of, show_dims};

const RANGES: &str = "the ranges";

pub(super) fn functions() -> Vec<Function> {
    let about = About {
        syntax: "tensor_slice(tensor, ranges)",
        returns: "A part of a tensor, as a tensor. The ranges are a constant text and mean what they mean in numpy: `start:stop:step` for each dimension, clamped to it; a single index takes its dimension away and is an error if it is out of range; below 0 counts from the end; `...` and what is left out take everything.",
        example: "SELECT tensor_slice(image, '7:21, 7:21') FROM mnist; -- tensors of [14,14]",
        arguments: vec![
            ("tensor", "A tensor or a list of numbers.", example_tensor()),
            ("ranges", "A range for each dimension, such as '0, 2:5, ::-1'.", DataType::Utf8),
        ],
        optional: 0,
    };
    vec![Function::new(about, plan_slice, run_slice)]
}

fn plan_slice(plan: &Plan<'_>) -> Result<FieldRef> {
    let tensor = plan.tensor(0)?;
    let text = match plan.text(1, RANGES)? {
        Some(text) => text,
        None if plan.is_example() => "",
        None => return Err(plan.fault("the ranges must be a constant text, such as '0, 2:5'")),
    };
    let parts = parse(text, tensor.rank()).map_err(|reason| plan.fault(reason))?;
    sliced(&tensor, &parts)
        .map_err(|reason| plan.fault(reason))?
        .to_field(plan.name, plan.fields[0].is_nullable())
}

/// The type of the parts of tensors of this type; the rule broken otherwise.
fn sliced(tensor: &TensorType, parts: &[Part]) -> Result<TensorType, String> {
    let mut dims = Vec::new();
    let mut dim_names = Vec::new();
    for (axis, part) in parts.iter().enumerate() {
        let dim = match tensor.dims[axis] {
            Some(dim) => Some(pick(*part, axis, dim, tensor, &tensor.to_string())?.count as u64),
            None => None,
        };
        if part.is_kept() {
            dims.push(dim);
            dim_names.extend(tensor.dim_names.get(axis).cloned());
        }
    }
    let is_list = tensor.is_list && dims == [None];
    Ok(TensorType { dtype: tensor.dtype, dims, dim_names, is_list })
}

fn pick(
    part: Part,
    axis: usize,
    dim: u64,
    tensor: &TensorType,
    shape: &str,
) -> Result<Picked, String> {
    part.pick(dim).ok_or_else(|| {
        let Part::Index(index) = part else { return String::new() };
        out_of_range(index, axis, dim, tensor, shape)
    })
}

fn run_slice(call: &Call) -> Result<ArrayRef> {
    let tensors = call.tensors(0)?;
    let text = call.text(1, RANGES)?;
    let rank = tensors.tensor_type.rank();
    let parts = parse(&text, rank).map_err(|reason| call.fault(reason))?;
    match tensors.tensor_type.fixed_dims() {
        Some(dims) => slice_fixed(call, &tensors, &parts, &dims),
        None => slice_variable(call, &tensors, &parts),
    }
}

fn picks(call: &Call, tensors: &Tensors, parts: &[Part], dims: &[u64]) -> Result<Vec<Picked>> {
    let pick = |(axis, part): (usize, &Part)| {
        pick(*part, axis, dims[axis], &tensors.tensor_type, &show_dims(dims))
            .map_err(|reason| call.fault(reason))
    };
    parts.iter().enumerate().map(pick).collect()
}

fn push_runs(gathered: &mut Gathered, items: &RawItems, at: usize, runs: &Runs) {
    for start in &runs.starts {
        gathered.push(items, at + start..at + start + runs.len);
    }
}

/// The same runs of every row, those of null rows too: each row has its place.
fn slice_fixed(call: &Call, tensors: &Tensors, parts: &[Part], dims: &[u64]) -> Result<ArrayRef> {
    let runs = runs(dims, &picks(call, tensors, parts, dims)?);
    let count = runs.starts.len() * runs.len;
    let dtype = tensors.tensor_type.dtype;
    let items = RawItems::of(dtype, &tensors.values)?;
    let mut gathered = Gathered::new(dtype);
    for row in 0..tensors.len() {
        push_runs(&mut gathered, &items, tensors.range(row).start, &runs);
    }
    let offsets = offsets_of(call.name, (0..tensors.len()).map(|_| count))?;
    let field = &call.return_field;
    assemble(field, gathered.finish()?, offsets, Vec::new, tensors.nulls.clone())
}

fn slice_variable(call: &Call, tensors: &Tensors, parts: &[Part]) -> Result<ArrayRef> {
    let dtype = tensors.tensor_type.dtype;
    let items = RawItems::of(dtype, &tensors.values)?;
    let mut gathered = Gathered::new(dtype);
    let mut result = Shapes::new(&TensorType::of_argument(call.name, &call.return_field)?);
    for row in 0..tensors.len() {
        if tensors.is_null(row) {
            gathered.push_zeros(result.push_null());
            continue;
        }
        let dims = tensors.dims(row);
        let picked = picks(call, tensors, parts, &dims)?;
        push_runs(&mut gathered, &items, tensors.range(row).start, &runs(&dims, &picked));
        let kept = picked.iter().filter(|picked| picked.is_kept);
        result.push(kept.map(|picked| picked.count as u64));
    }
    let offsets = offsets_of(call.name, result.lengths.into_iter())?;
    let dims = || result.dims;
    assemble(&call.return_field, gathered.finish()?, offsets, dims, tensors.nulls.clone())
}

/// The shapes of the rows of a result.
pub(super) struct Shapes {
    pub(super) lengths: Vec<usize>,
    pub(super) dims: Vec<i32>,
    rank: usize,
    /// The elements of a row, if all rows have the same number.
    fixed: Option<usize>,
}

impl Shapes {
    pub(super) fn new(tensor: &TensorType) -> Self {
        let fixed = tensor.fixed_dims().map(|dims| dims.iter().product::<u64>() as usize);
        Self { lengths: Vec::new(), dims: Vec::new(), rank: tensor.rank(), fixed }
    }

    /// Adds a row of these dimensions, which are below 2^31.
    pub(super) fn push(&mut self, dims: impl Iterator<Item = u64>) {
        let mut length = 1;
        for dim in dims {
            length *= dim as usize;
            self.dims.push(dim as i32);
        }
        self.lengths.push(length);
    }

    /// Adds a null row; the number of elements that it has all the same.
    pub(super) fn push_null(&mut self) -> usize {
        self.dims.extend(std::iter::repeat_n(0, self.rank));
        let length = self.fixed.unwrap_or_default();
        self.lengths.push(length);
        length
    }
}
