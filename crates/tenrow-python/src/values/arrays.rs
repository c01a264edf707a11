//! Arrays of numpy on their way in: their dtype is the type of their values.

use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use pyo3::prelude::*;
use pyo3::types::PyList;
use tenrow::{Attribute, AttributeType, Shape};
use tenrow_values::CastMode;

use super::from_python::{cast, listed, of_objects, with_nulls};
use super::{nested, numbers, times};
use crate::error::{invalid, wrong_type};
use crate::memory;

/// An array, and which of its rows are masked.
type Masked<'py> = (Bound<'py, PyAny>, Option<Vec<bool>>);

/// The rows of an array of numpy, or of what gives one.
pub(super) fn of_numpy(
    values: &Bound<'_, PyAny>,
    attribute: &Attribute,
    mode: CastMode,
) -> PyResult<ArrayRef> {
    let py = values.py();
    let name = &attribute.name;
    let (values, nulls) = unmasked(values, attribute)?;
    let array = memory::numpy(py)?.call_method1("asarray", (&values,))?;
    if array.getattr("ndim")?.extract::<usize>()? == 0 {
        let reason = "one value, where rows are expected: [value]";
        return Err(invalid(format!("attribute {name:?}: {reason}")));
    }
    let dtype = array.getattr("dtype")?;
    let kind: String = dtype.getattr("kind")?.extract()?;
    if matches!(kind.as_str(), "O" | "U" | "S") {
        // Its items are objects of Python, or as good as.
        let rows = listed(&array.call_method0("tolist")?, attribute)?;
        for row in nulls.iter().flatten().enumerate().filter(|(_, null)| **null) {
            rows.set_item(row.0, py.None())?;
        }
        return of_objects(&rows, attribute, mode);
    }
    if matches!(kind.as_str(), "M" | "m") {
        return times::of_array(&array, nulls, attribute, mode);
    }
    let Some(found) = memory::known_dtype(&array)? else {
        return Err(wrong_type(format!(
            "attribute {name:?}: numpy's {dtype} has no like here: cast it before, as with array.astype(…)"
        )));
    };
    let rows = || PyList::new(py, array.try_iter()?.collect::<PyResult<Vec<_>>>()?);
    match &attribute.attribute_type {
        AttributeType::VariableTensor { dtype, shape } => {
            let rows = rows()?;
            for row in nulls.iter().flatten().enumerate().filter(|(_, null)| **null) {
                rows.set_item(row.0, py.None())?;
            }
            return numbers::variable(&rows, attribute, *dtype, shape.rank(), mode);
        }
        AttributeType::Value(DataType::List(item)) => {
            let rows = rows()?;
            return nested::lists(rows.as_any(), attribute, item, mode);
        }
        _ => {}
    }
    let tensor = memory::tensor(&array, found, name)?;
    let row_shape = Shape::new(&tensor.shape()[1..])
        .map_err(|error| invalid(format!("attribute {name:?}: {error}")))?;
    let expected = match &attribute.attribute_type {
        AttributeType::Tensor { shape, .. } => Some(shape.clone()),
        AttributeType::Scalar(_) => Some(Shape::default()),
        _ => None,
    };
    if expected.as_ref().is_some_and(|expected| *expected != row_shape) {
        return Err(numbers::wrong_shape(attribute, &row_shape));
    }
    // Without dimensions the attribute says which of the two it is.
    let is_scalar =
        row_shape.rank() == 0 && !matches!(attribute.attribute_type, AttributeType::Tensor { .. });
    let column = numbers::of_tensor(name, &tensor, is_scalar)?;
    if let Some(nulls) = nulls.as_ref().filter(|nulls| nulls.len() != column.len()) {
        let (masked, rows) = (nulls.len(), column.len());
        return Err(invalid(format!("attribute {name:?}: a mask of {masked} rows for {rows}")));
    }
    let found = match is_scalar {
        true => AttributeType::Scalar(found),
        false => AttributeType::Tensor { dtype: found, shape: row_shape },
    };
    cast(&with_nulls(column, nulls)?, found, attribute, mode)
}

/// The values of a masked array, with zeros where it is masked, and which rows are.
fn unmasked<'py>(values: &Bound<'py, PyAny>, attribute: &Attribute) -> PyResult<Masked<'py>> {
    if !memory::is_masked(values)? {
        return Ok((values.clone(), None));
    }
    let ma = memory::numpy(values.py())?.getattr("ma")?;
    let mask = ma.call_method1("getmaskarray", (values,))?;
    let rows: usize = values.len()?;
    if mask.getattr("size")?.extract::<usize>()? == 0 {
        return Ok((values.getattr("data")?, None));
    }
    let flat = mask.call_method1("reshape", (rows, -1))?;
    let all: Vec<bool> = flat.call_method1("all", (1,))?.extract()?;
    let any: Vec<bool> = flat.call_method1("any", (1,))?.extract()?;
    if all != any {
        let name = &attribute.name;
        return Err(invalid(format!("attribute {name:?}: a row that is masked in part")));
    }
    let zeros = ma.call_method1("filled", (values, 0))?;
    Ok((zeros, all.contains(&true).then_some(all)))
}
