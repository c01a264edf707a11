//! `tensor_reshape`: the same elements in another shape.

use arrow_array::ArrayRef;
use arrow_schema::{DataType, FieldRef};
use datafusion::common::Result;

use super::call::{About, Call, Function, Plan, example_tensor};
use super::raw_items::{Gathered, RawItems};
use super::slice::Shapes;
use super::tensor_type::TensorType;
use super::tensors::{Tensors, assemble, offsets_of, show_dims};

pub(super) fn functions() -> Vec<Function> {
    let about = About {
        syntax: "tensor_reshape(tensor, dimension, ...)",
        returns: "The elements of a tensor, in the same order, in another shape: constant integers, one of which may be -1 and is then what the number of elements leaves. Without dimensions: a tensor of one element and rank 0.",
        example: "SELECT tensor_reshape([1, 2, 3, 4, 5, 6], 2, -1); -- a tensor of [2,3]",
        arguments: vec![
            ("tensor", "A tensor or a list of numbers.", example_tensor()),
            (
                "dimension",
                "The size of each dimension of the result; -1 for what is left.",
                DataType::Int64,
            ),
        ],
        optional: usize::MAX,
    };
    vec![Function::new(about, plan_reshape, run_reshape).with_least_arguments(1)]
}

/// The dimensions asked for: the one to be computed is `None`.
struct Target(Vec<Option<u64>>);

impl Target {
    fn new(sizes: &[i64]) -> Result<Self, String> {
        let dim = |&size: &i64| match size {
            -1 => Ok(None),
            size => u64::try_from(size).map(Some).map_err(|_| {
                format!("a dimension of {size}; dimensions are 0 or more, one of them may be -1")
            }),
        };
        let dims = sizes.iter().map(dim).collect::<Result<Vec<_>, _>>()?;
        let this = Self(dims);
        if this.0.iter().filter(|dim| dim.is_none()).count() > 1 {
            return Err(format!("{this} has more than one -1"));
        }
        if this.0.contains(&None) && this.known_count() == Some(0) {
            return Err(format!("{this}: -1 beside a dimension of 0 could be anything"));
        }
        Ok(this)
    }

    /// The product of the dimensions that are given; `None` if it is too large to count.
    fn known_count(&self) -> Option<u64> {
        self.0.iter().flatten().try_fold(1u64, |n, &dim| n.checked_mul(dim))
    }

    /// The dimensions of a tensor of `count` elements; `None` if they have another number.
    fn resolve(&self, count: u64) -> Option<Vec<u64>> {
        let known = self.known_count()?;
        let left = count.checked_div(known).unwrap_or_default();
        let dims: Vec<u64> = self.0.iter().map(|dim| dim.unwrap_or(left)).collect();
        let product = dims.iter().try_fold(1u64, |n, &dim| n.checked_mul(dim));
        (product == Some(count)).then_some(dims)
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let dims: Vec<_> =
            self.0.iter().map(|dim| dim.map_or("-1".to_owned(), |dim| dim.to_string())).collect();
        write!(f, "[{}]", dims.join(","))
    }
}

fn misfit(tensor: &str, count: u64, target: &Target) -> String {
    format!("{tensor} has {count} elements, which no shape {target} holds")
}

fn plan_reshape(plan: &Plan<'_>) -> Result<FieldRef> {
    let tensor = plan.tensor(0)?;
    let mut sizes = Vec::with_capacity(plan.fields.len() - 1);
    for index in 1..plan.fields.len() {
        match plan.integer(index, "a dimension")? {
            Some(size) => sizes.push(size),
            None if plan.is_example() => sizes.push(-1),
            None => return Err(plan.fault("the dimensions must be constant integers")),
        }
    }
    let target = Target::new(&sizes).map_err(|reason| plan.fault(reason))?;
    let dims = match tensor.fixed_dims() {
        Some(dims) => {
            let count = dims.iter().product();
            let dims = target.resolve(count);
            let dims =
                dims.ok_or_else(|| plan.fault(misfit(&tensor.to_string(), count, &target)))?;
            dims.into_iter().map(Some).collect()
        }
        None => target.0,
    };
    let is_list = tensor.is_list && dims == [None];
    TensorType { is_list, ..TensorType::new(tensor.dtype, dims) }
        .to_field(plan.name, plan.fields[0].is_nullable())
}

fn run_reshape(call: &Call) -> Result<ArrayRef> {
    let tensors = call.tensors(0)?;
    let result = TensorType::of_argument(call.name, &call.return_field)?;
    if tensors.tensor_type.fixed_dims().is_some() {
        let (values, nulls) = (tensors.values.clone(), tensors.nulls.clone());
        return assemble(&call.return_field, values, tensors.offsets()?, Vec::new, nulls);
    }
    let mut sizes = Vec::with_capacity(result.rank());
    for index in 1..call.arguments.len() {
        sizes.push(call.integers(index)?.value(0));
    }
    let target = Target::new(&sizes).map_err(|reason| call.fault(reason))?;
    let mut shapes = Shapes::new(&result);
    for row in 0..tensors.len() {
        if tensors.is_null(row) {
            shapes.push_null();
            continue;
        }
        let count = tensors.range(row).len() as u64;
        let dims = target.resolve(count).ok_or_else(|| {
            let shape = show_dims(&tensors.dims(row));
            call.fault(misfit(&format!("a tensor of shape {shape}"), count, &target))
        })?;
        shapes.push(dims.into_iter());
    }
    let values = values_of(&tensors, &shapes)?;
    let offsets = offsets_of(call.name, shapes.lengths.into_iter())?;
    assemble(&call.return_field, values, offsets, || shapes.dims, tensors.nulls.clone())
}

/// The elements with zeros for null rows that have a place in the result.
fn values_of(tensors: &Tensors, shapes: &Shapes) -> Result<ArrayRef> {
    let rows = 0..tensors.len();
    if rows.clone().all(|row| tensors.range(row).len() == shapes.lengths[row]) {
        return Ok(tensors.values.clone());
    }
    let dtype = tensors.tensor_type.dtype;
    let items = RawItems::of(dtype, &tensors.values)?;
    let mut gathered = Gathered::new(dtype);
    for row in rows {
        match tensors.is_null(row) {
            true => gathered.push_zeros(shapes.lengths[row]),
            false => gathered.push(&items, tensors.range(row)),
        }
    }
    gathered.finish()
}
