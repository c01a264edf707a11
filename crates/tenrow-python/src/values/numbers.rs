//! Numbers of Python on their way in, and lists and arrays of them.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use arrow_schema::DataType;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyList, PyString, PyTuple};
use tenrow::{Attribute, AttributeType, Columns, DType, Shape, Tensor};
use tenrow_values::CastMode;

use super::arrays::of_numpy;
use super::from_python::{cast, check_unmasked, is_array, with_nulls};
use crate::error::{invalid, raised, wrong_type};
use crate::memory::{self, type_of};

/// Numbers, lists of them, or arrays, one a row, for an attribute of one shape.
pub(super) fn of_list(
    rows: &Bound<'_, PyList>,
    attribute: &Attribute,
    dtype: DType,
    shape: &Shape,
    mode: CastMode,
) -> PyResult<ArrayRef> {
    let py = rows.py();
    let numpy = memory::numpy(py)?;
    let nulls: Vec<bool> = rows.iter().map(|row| row.is_none()).collect();
    let known = PyList::empty(py);
    let mut typed = None;
    for (number, row) in rows.iter().enumerate().filter(|(_, row)| !row.is_none()) {
        if dtype != DType::Bool && number > 0 && row.is_instance_of::<PyBool>() {
            let reason = "expected a number, found bool";
            return Err(wrong_type(format!(
                "attribute {:?}, row {number}: {reason}",
                attribute.name
            )));
        }
        if has_dimensions(&row)? {
            check_unmasked(&row, attribute)?;
            typed.get_or_insert_with(|| row.clone());
        }
        known.append(row)?;
    }
    let name = &attribute.name;
    let ragged = |error: PyErr| invalid(format!("attribute {name:?}: {error}"));
    let found = match typed {
        None => {
            let own = || numpy.call_method1("asarray", (&known,)).map_err(ragged);
            match untyped(&known, attribute, dtype, mode) {
                // These casts give the nearest of what they are by themselves; what numpy has no number for stays an error.
                Err(error) if matches!(mode, CastMode::Round | CastMode::Lossy) => {
                    let own = own()?;
                    match memory::known_dtype(&own)? {
                        Some(_) => own,
                        None => return Err(error),
                    }
                }
                read => {
                    let read = read?;
                    // Bools have a type, unlike other numbers.
                    let are_bools =
                        dtype != DType::Bool && memory::known_dtype(&own()?)? == Some(DType::Bool);
                    if are_bools { own()? } else { read }
                }
            }
        }
        Some(first) => {
            // Arrays have a dtype; what stands beside them is read as that of the attribute.
            let like = numpy.call_method1("asarray", (&first,))?.getattr("dtype")?;
            let arrays = PyList::empty(py);
            for row in &known {
                let array = match has_dimensions(&row)? {
                    true => numpy.call_method1("asarray", (&row,))?,
                    false => {
                        let one = PyList::new(py, [row])?;
                        untyped(one.as_any(), attribute, dtype, mode)?.get_item(0)?
                    }
                };
                let found = array.getattr("dtype")?;
                if found.ne(&like)? {
                    return Err(wrong_type(format!(
                        "attribute {name:?}: rows of {like} and of {found}: cast them before"
                    )));
                }
                arrays.append(array)?;
            }
            numpy.call_method1("stack", (arrays,)).map_err(ragged)?
        }
    };
    if !nulls.contains(&true) {
        return of_numpy(&found, attribute, mode);
    }
    check_shape(&found, attribute, shape)?;
    // Null rows hold zeros, so that the others make one array with them.
    let dims = found.getattr("shape")?.cast_into::<PyTuple>()?;
    let dims = PyTuple::new(py, [rows.len()])?
        .as_sequence()
        .concat(dims.get_slice(1, dims.len()).as_sequence())?;
    let filled = numpy.call_method1("zeros", (dims.to_tuple()?, found.getattr("dtype")?))?;
    let is_there: Vec<bool> = nulls.iter().map(|null| !null).collect();
    let places = numpy.call_method1("flatnonzero", (is_there,))?;
    filled.set_item(places, &found)?;
    let mask = numpy.call_method1("zeros", (filled.getattr("shape")?, "?"))?;
    mask.set_item(numpy.call_method1("flatnonzero", (nulls,))?, true)?;
    let masked = numpy.getattr("ma")?.call_method1("masked_array", (filled, mask))?;
    match attribute.attribute_type {
        // A row without elements has no place for a mask.
        _ if shape.element_count() == 0 => zero_sized(rows, attribute, dtype, shape),
        _ => of_numpy(&masked, attribute, mode),
    }
}

/// Rows without elements, of which some are null.
fn zero_sized(
    rows: &Bound<'_, PyList>,
    attribute: &Attribute,
    dtype: DType,
    shape: &Shape,
) -> PyResult<ArrayRef> {
    let dims: Vec<u64> = [rows.len() as u64].iter().chain(shape.dims()).copied().collect();
    let tensor = Tensor::new(dtype, &dims, bytes::Bytes::new()).map_err(|e| raised(&e))?;
    let nulls = rows.iter().map(|row| row.is_none()).collect();
    with_nulls(of_tensor(&attribute.name, &tensor, false)?, Some(nulls))
}

/// Whether it is an array that is no scalar.
fn has_dimensions(row: &Bound<'_, PyAny>) -> PyResult<bool> {
    if row.is_instance_of::<PyInt>() || row.is_instance_of::<PyList>() || !is_array(row)? {
        return Ok(false);
    }
    Ok(row.getattr("ndim").and_then(|ndim| ndim.extract::<usize>()).is_ok_and(|ndim| ndim > 0))
}

fn check_shape(found: &Bound<'_, PyAny>, attribute: &Attribute, shape: &Shape) -> PyResult<()> {
    let dims: Vec<u64> = found.getattr("shape")?.extract()?;
    let row_shape = Shape::new(dims.get(1..).unwrap_or_default())
        .map_err(|error| invalid(format!("attribute {:?}: {error}", attribute.name)))?;
    // Without any row there is no shape either.
    match row_shape == *shape || dims.first() == Some(&0) {
        true => Ok(()),
        false => Err(wrong_shape(attribute, &row_shape)),
    }
}

/// The error of rows of another shape.
pub(super) fn wrong_shape(attribute: &Attribute, found: &Shape) -> PyErr {
    let none = Shape::default();
    let expected = match &attribute.attribute_type {
        AttributeType::Tensor { shape, .. } => shape,
        _ => &none,
    };
    let name = &attribute.name;
    invalid(format!("attribute {name:?}: expected rows of shape {expected}, found {found}"))
}

/// The elements of a tensor, rows first, as a column: of numbers if `is_scalar`.
pub(super) fn of_tensor(name: &str, tensor: &Tensor, is_scalar: bool) -> PyResult<ArrayRef> {
    let batch = Columns::new().tensors(name, tensor).into_batch();
    let column = batch.map_err(|error| raised(&error))?.column(0).clone();
    Ok(match is_scalar {
        true => arrow_array::cast::AsArray::as_fixed_size_list(&column).values().clone(),
        false => column,
    })
}

/// Tensors whose shapes differ, one a row.
pub(super) fn variable(
    rows: &Bound<'_, PyList>,
    attribute: &Attribute,
    dtype: DType,
    rank: usize,
    mode: CastMode,
) -> PyResult<ArrayRef> {
    let py = rows.py();
    let name = &attribute.name;
    let numpy = memory::numpy(py)?;
    let mut arrays = Vec::with_capacity(rows.len());
    for row in rows {
        if row.is_none() {
            arrays.push(None);
            continue;
        }
        check_unmasked(&row, attribute)?;
        let array = match has_dimensions(&row)? {
            true => numpy.call_method1("asarray", (&row,))?,
            false => untyped(&row, attribute, dtype, mode)?,
        };
        arrays.push(Some(array));
    }
    // What is no array was read as the dtype of the attribute.
    let mut found = None;
    for array in arrays.iter().flatten() {
        let own = memory::known_dtype(array)?.ok_or_else(|| {
            let own = array.getattr("dtype").map(|dtype| dtype.to_string()).unwrap_or_default();
            wrong_type(format!("attribute {name:?}: expected {dtype}, found {own}"))
        })?;
        if *found.get_or_insert(own) != own {
            let reason = "rows of two dtypes: cast them before";
            return Err(wrong_type(format!("attribute {name:?}: {reason}")));
        }
    }
    if arrays.is_empty() {
        return Ok(arrow_array::new_empty_array(&attribute.attribute_type.arrow_type()));
    }
    let found = found.unwrap_or(dtype);
    let tensors = arrays.iter().map(|array| match array {
        Some(array) => memory::tensor(array, found, name),
        None => Tensor::new(found, &vec![0; rank], bytes::Bytes::new()).map_err(|e| raised(&e)),
    });
    let tensors = tensors.collect::<PyResult<Vec<_>>>()?;
    let batch = Columns::new().variable_tensors(name, &tensors).into_batch();
    let batch = batch.map_err(|error| raised(&error))?;
    let nulls: Vec<bool> = arrays.iter().map(Option::is_none).collect();
    let column = with_nulls(batch.column(0).clone(), nulls.contains(&true).then_some(nulls))?;
    let AttributeType::VariableTensor { shape, .. } = &attribute.attribute_type else {
        return Ok(column);
    };
    let found = AttributeType::VariableTensor { dtype: found, shape: shape.clone() };
    cast(&column, found, attribute, mode)
}

/// Numbers in the dtype that they have by themselves: bools, integers of 64 bits, or fractions.
pub(super) fn of_own_type(
    rows: &Bound<'_, PyList>,
    attribute: &Attribute,
) -> PyResult<(ArrayRef, DType)> {
    let known: Vec<_> = rows.iter().filter(|row| !row.is_none()).collect();
    let are = |is: fn(&Bound<'_, PyAny>) -> bool| known.iter().all(is);
    let dtype = if are(|row| row.is_instance_of::<PyBool>()) {
        DType::Bool
    } else if are(|row| row.is_instance_of::<PyInt>()) {
        let is_negative = |row: &Bound<'_, PyAny>| row.lt(0).unwrap_or(true);
        if known.iter().any(is_negative) { DType::I64 } else { DType::U64 }
    } else {
        DType::F64
    };
    let own = Attribute::new(&attribute.name, AttributeType::Scalar(dtype)).with_nullable(true);
    let column = of_list(rows, &own, dtype, &Shape::default(), CastMode::Refuse)?;
    Ok((column, dtype))
}

/// Decimals and whole numbers, each exactly, as text says them.
pub(super) fn decimals(
    rows: &Bound<'_, PyList>,
    attribute: &Attribute,
    mode: CastMode,
) -> PyResult<ArrayRef> {
    let texts: ArrayRef = Arc::new(StringArray::from(decimal_texts(rows, attribute)?));
    // Every digit has its place, or the cast that was asked for rounds.
    let mode = if mode == CastMode::Refuse { CastMode::Safe } else { mode };
    cast(&texts, AttributeType::Value(DataType::Utf8), attribute, mode)
}

/// Decimals for an attribute of another type: in the type that has as many digits as they have.
pub(super) fn decimals_of_own_type(
    rows: &Bound<'_, PyList>,
    attribute: &Attribute,
) -> PyResult<(ArrayRef, AttributeType)> {
    let texts = decimal_texts(rows, attribute)?;
    let scale = |text: &String| text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let scale = texts.iter().flatten().map(scale).max().unwrap_or_default();
    let scale = i8::try_from(scale).map_err(|_| {
        invalid(format!("attribute {:?}: decimals of {scale} digits", attribute.name))
    })?;
    let own = AttributeType::Value(DataType::Decimal256(76, scale));
    let target = Attribute::new(&attribute.name, own.clone()).with_nullable(true);
    let texts: ArrayRef = Arc::new(StringArray::from(texts));
    let utf8 = AttributeType::Value(DataType::Utf8);
    Ok((cast(&texts, utf8, &target, CastMode::Safe)?, own))
}

fn decimal_texts(rows: &Bound<'_, PyList>, attribute: &Attribute) -> PyResult<Vec<Option<String>>> {
    let decimal = rows.py().import("decimal")?.getattr("Decimal")?;
    let text = |(number, row): (usize, Bound<'_, PyAny>)| {
        if row.is_none() {
            return Ok(None);
        }
        if row.is_instance(&decimal)? {
            // Never with an exponent.
            return row.call_method1("__format__", ("f",))?.extract().map(Some);
        }
        if row.is_instance_of::<PyInt>() && !row.is_instance_of::<PyBool>() {
            return row.str()?.extract().map(Some);
        }
        Err(wrong_type(format!(
            "attribute {:?}, row {number}: expected decimal.Decimal for {}, found {}",
            attribute.name,
            attribute.attribute_type,
            type_of(&row)
        )))
    };
    rows.iter().enumerate().map(text).collect()
}

/// Plain numbers, or lists of them, as an array of the dtype if each of them is one of its values.
///
/// They have no width of their own: an integer has to fit exactly, a fraction is the nearest float.
fn untyped<'py>(
    values: &Bound<'py, PyAny>,
    attribute: &Attribute,
    dtype: DType,
    mode: CastMode,
) -> PyResult<Bound<'py, PyAny>> {
    let py = values.py();
    let name = &attribute.name;
    let numpy = memory::numpy(py)?;
    let ragged = |error: PyErr| invalid(format!("attribute {name:?}: {error}"));
    let found = numpy.call_method1("asarray", (values,)).map_err(ragged)?;
    let expected = memory::dtype_of(py, dtype)?;
    let kind: String = found.getattr("dtype")?.getattr("kind")?.extract()?;
    let is_float = matches!(dtype, DType::F16 | DType::Bf16 | DType::F32 | DType::F64);
    let has_integers = !is_float && dtype != DType::Bool;
    if has_integers && "fOUS".contains(&kind) {
        // Large integers of Python are fractions by now, or objects.
        return exact_integers(values, attribute, expected.as_any(), mode);
    }
    if dtype == DType::Bool && kind != "b" && mode == CastMode::Refuse && found.len()? > 0 {
        return Err(wrong_type(format!(
            "attribute {name:?}: expected bool, found {}: cast=\"safe\" takes 0 and 1",
            found.getattr("dtype")?
        )));
    }
    if is_float && "fOUS".contains(&kind) {
        check_integers(values, &found, attribute, expected.as_any())?;
    }
    let is_wide = is_float && kind == "O";
    if !is_wide && !"biuf".contains(&kind) && found.getattr("dtype")?.ne(&expected)? {
        return Err(wrong_type(format!(
            "attribute {name:?}: expected numbers for {}, found {}",
            attribute.attribute_type,
            found.getattr("dtype")?
        )));
    }
    if found.getattr("size")?.extract::<usize>()? == 0 {
        return found.call_method1("astype", (expected,));
    }
    // Python has one type of fractions: it is that of all dtypes of floats, but for those that are too large.
    if (kind == "f" || is_wide) && is_float {
        let found = found.call_method1("astype", ("f8",)).map_err(ragged)?;
        return rounded(&found, attribute, expected.as_any());
    }
    // What is not finite has no number, and is not cast.
    let fits = numpy.call_method1("isfinite", (&found,))?;
    let zeros = numpy.call_method1("zeros_like", (&found,))?;
    let numbers = numpy.call_method1("where", (&fits, &found, zeros))?;
    let cast = numbers.call_method1("astype", (&expected,))?;
    // Compared as integers: fractions would hide what they lost.
    let compared = match is_float {
        true => quietly(&numpy, || cast.call_method1("astype", (found.getattr("dtype")?,)))?,
        false => cast.clone(),
    };
    let same = numpy.call_method1("equal", (&compared, &found))?;
    let fits = numpy.call_method1("logical_and", (fits, same))?;
    if fits.call_method0("all")?.extract()? {
        return Ok(cast);
    }
    Err(no_value(&found, &fits, attribute)?)
}

/// Refuses integers that a float of the dtype would round, and numpy has, for they stand beside fractions.
fn check_integers(
    values: &Bound<'_, PyAny>,
    found: &Bound<'_, PyAny>,
    attribute: &Attribute,
    expected: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let py = values.py();
    let objects = memory::numpy(py)?.call_method1("asarray", (values, "O"))?;
    let row_size = (objects.getattr("size")?.extract::<usize>()? / found.len()?.max(1)).max(1);
    for (place, item) in objects.call_method0("ravel")?.try_iter()?.enumerate() {
        let item = item?;
        let is_text = item.is_instance_of::<PyString>();
        let is_number = !is_text && (item.hasattr("__float__")? || item.hasattr("__index__")?);
        if !is_number {
            return Err(wrong_type(format!(
                "attribute {:?}, row {}: expected numbers for {}, found {}",
                attribute.name,
                place / row_size,
                attribute.attribute_type,
                type_of(&item)
            )));
        }
        let Ok(integer) = item.call_method0("__index__") else { continue };
        // As fractions of Python, which are compared with integers exactly.
        let float = expected.getattr("type")?.call1((&integer,));
        let float = float.and_then(|float| float.call_method0("__float__"));
        if !float.is_ok_and(|float| float.eq(&integer).unwrap_or(false)) {
            return Err(invalid(format!(
                "attribute {:?}, row {}: {item} is no value of {}",
                attribute.name,
                place / row_size,
                attribute.attribute_type
            )));
        }
    }
    Ok(())
}

/// Numbers of Python, each as it is: numpy would make fractions of integers that no dtype of its own choice holds.
fn exact_integers<'py>(
    values: &Bound<'py, PyAny>,
    attribute: &Attribute,
    expected: &Bound<'py, PyAny>,
    mode: CastMode,
) -> PyResult<Bound<'py, PyAny>> {
    let py = values.py();
    let name = &attribute.name;
    let numpy = memory::numpy(py)?;
    let objects = numpy.call_method1("asarray", (values, "O"))?;
    let limits = numpy.call_method1("iinfo", (expected,))?;
    let (low, high) = (limits.getattr("min")?, limits.getattr("max")?);
    let numbers = PyList::empty(py);
    let flat = objects.call_method0("ravel")?;
    let row_size = (flat.len()? / objects.len()?.max(1)).max(1);
    for (place, item) in flat.try_iter()?.enumerate() {
        let item = item?;
        // Even one that is whole is a fraction, which becomes no integer unless that is asked for.
        let is_whole = mode != CastMode::Refuse
            && item.hasattr("is_integer")?
            && item.call_method0("is_integer")?.is_truthy()?;
        let number = match item.hasattr("__index__")? {
            true => item.call_method0("__index__").ok(),
            false if is_whole => item.call_method0("__int__").ok(),
            false => None,
        };
        let number = number.filter(|n| n.ge(&low).unwrap_or(false) && n.le(&high).unwrap_or(false));
        let number = number.ok_or_else(|| {
            let of = &attribute.attribute_type;
            match item.hasattr("__float__").unwrap_or(false) {
                true => invalid(format!(
                    "attribute {name:?}, row {}: {item} is no value of {of}",
                    place / row_size
                )),
                false => wrong_type(format!(
                    "attribute {name:?}, row {}: expected numbers for {of}, found {}",
                    place / row_size,
                    type_of(&item)
                )),
            }
        })?;
        numbers.append(number)?;
    }
    let array = numpy.call_method1("array", (numbers, expected))?;
    array.call_method1("reshape", (objects.getattr("shape")?,))
}

/// The error of the first element that does not fit.
fn no_value(
    found: &Bound<'_, PyAny>,
    fits: &Bound<'_, PyAny>,
    attribute: &Attribute,
) -> PyResult<PyErr> {
    let place: usize = fits.call_method0("argmin")?.extract()?;
    let row = place / (found.getattr("size")?.extract::<usize>()? / found.len()?.max(1)).max(1);
    let value = found.call_method1("item", (place,))?;
    Ok(invalid(format!(
        "attribute {:?}, row {row}: {value} is no value of {}",
        attribute.name, attribute.attribute_type
    )))
}

/// Does what numpy would warn of, and is looked at afterwards.
fn quietly<'py>(
    numpy: &Bound<'py, PyModule>,
    work: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let silent = PyDict::new(numpy.py());
    silent.set_item("all", "ignore")?;
    let state = numpy.call_method("errstate", (), Some(&silent))?;
    state.call_method0("__enter__")?;
    let done = work();
    let none = numpy.py().None();
    state.call_method1("__exit__", (&none, &none, &none))?;
    done
}

/// Fractions in another precision; what would become infinite is an error.
fn rounded<'py>(
    found: &Bound<'py, PyAny>,
    attribute: &Attribute,
    expected: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let numpy = memory::numpy(found.py())?;
    let cast = quietly(&numpy, || found.call_method1("astype", (expected,)))?;
    let is_finite = numpy.call_method1("isfinite", (&cast,))?;
    let was_not = numpy.call_method1("isfinite", (found,))?.call_method0("__invert__")?;
    let fits = numpy.call_method1("logical_or", (is_finite, was_not))?;
    match fits.call_method0("all")?.extract()? {
        true => Ok(cast),
        false => Err(no_value(found, &fits, attribute)?),
    }
}
