//! Rows on their way in, by every door: Arrow, numpy, and Python's own objects.
//!
//! A door only says which type its values have; what they become is said by `docs/conversions.md` and done by
//! `tenrow_values::cast_column`. Numbers of Python have no width: like those of text, they are read as the type that
//! the attribute has.

use arrow_array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow_schema::{DataType, Field};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString};
use tenrow::engine::names_listed;
use tenrow::{Attribute, AttributeType, Columns, DType, DatasetWriter, Schema, Shape};
use tenrow_values::{CastMode, ConvertError, cast_column};

use super::to_python::is_time;
use super::{arrays, files, nested, numbers, texts, times};
use crate::arrow::chunks_of;
use crate::error::{invalid, raised, wrong_type};
use crate::memory::{self, type_of};

/// What errors call the rows.
const SOURCE: &str = "the rows given";

/// A batch of a dict from names to rows, of attributes of `schema`; `writer` takes what files there are.
pub(crate) fn batch_of(
    schema: &Schema,
    rows: &Bound<'_, PyDict>,
    mode: CastMode,
    mut writer: Option<&mut DatasetWriter>,
) -> PyResult<RecordBatch> {
    let mut columns = Columns::new();
    for (name, values) in rows {
        let name: String = name.extract().map_err(|_| {
            wrong_type(format!("attributes are named by str, not {}", type_of(&name)))
        })?;
        let attribute = known(schema, &name)?;
        let array = match (&attribute.attribute_type, writer.as_deref_mut()) {
            (AttributeType::File, Some(writer)) => files::files(writer, &values, attribute, mode)?,
            _ => array_of(&values, attribute, mode)?,
        };
        columns = columns.array(&name, array);
    }
    columns.into_batch().map_err(|error| raised(&error))
}

fn known<'a>(schema: &'a Schema, name: &str) -> PyResult<&'a Attribute> {
    schema.attribute(name).ok_or_else(|| {
        let names = names_listed(schema.attributes().iter().map(|a| a.name.as_str()));
        invalid(format!("{name:?} is no attribute; there are {names}"))
    })
}

/// The rows of one attribute, but files.
pub(crate) fn array_of(
    values: &Bound<'_, PyAny>,
    attribute: &Attribute,
    mode: CastMode,
) -> PyResult<ArrayRef> {
    if values.hasattr("__arrow_c_array__")? || values.hasattr("__arrow_c_stream__")? {
        return of_arrow(values, attribute, mode);
    }
    if is_array(values)? {
        return arrays::of_numpy(values, attribute, mode);
    }
    of_objects(&listed(values, attribute)?, attribute, mode)
}

/// An Arrow array, of which the type is known.
pub(super) fn of_arrow(
    values: &Bound<'_, PyAny>,
    attribute: &Attribute,
    mode: CastMode,
) -> PyResult<ArrayRef> {
    let (chunks, field) = chunks_of(values)?;
    let field = Field::clone(&field).with_name(&attribute.name);
    let found = tenrow_values::attribute_of(&field).map_err(refused)?;
    let mut arrays = Vec::with_capacity(chunks.len());
    let mut first_row = 0;
    for chunk in &chunks {
        let column = tenrow_values::conform(chunk, &found).map_err(refused)?;
        let cast = cast_column(&column, &found, attribute, mode, first_row, SOURCE);
        arrays.push(cast.map_err(refused)?);
        first_row += chunk.len() as u64;
    }
    let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    match arrays[..] {
        [] => Ok(arrow_array::new_empty_array(&attribute.attribute_type.arrow_type())),
        _ => arrow_select::concat::concat(&arrays).map_err(|error| invalid(error.to_string())),
    }
}

/// The values of a typed column as those of the attribute, by the rules of the library.
pub(super) fn cast(
    column: &ArrayRef,
    found: AttributeType,
    attribute: &Attribute,
    mode: CastMode,
) -> PyResult<ArrayRef> {
    let found = Attribute::new(&attribute.name, found).with_nullable(true);
    cast_column(column, &found, attribute, mode, 0, SOURCE).map_err(refused)
}

/// The exception of values that are not taken: `TypeError` where their type alone is enough to say so.
pub(crate) fn refused(error: ConvertError) -> PyErr {
    let is_of_type = matches!(error, ConvertError::Type { .. });
    let error = tenrow::Error::from(error);
    match is_of_type {
        true => wrong_type(error.chain()),
        false => raised(&error),
    }
}

/// Whether it is an array of numpy, or of a library that gives one.
pub(super) fn is_array(values: &Bound<'_, PyAny>) -> PyResult<bool> {
    values.hasattr("__array__")
}

/// What is iterated, as a list, with `None` for every way to say that there is nothing.
pub(super) fn listed<'py>(
    values: &Bound<'py, PyAny>,
    attribute: &Attribute,
) -> PyResult<Bound<'py, PyList>> {
    let is_one = values.is_instance_of::<PyString>()
        || values.is_instance_of::<PyBytes>()
        || values.is_instance_of::<PyDict>();
    let items = (!is_one).then(|| values.try_iter().ok()).flatten().ok_or_else(|| {
        wrong_type(format!(
            "attribute {:?}: one {}, where rows are expected: [value]",
            attribute.name,
            type_of(values)
        ))
    })?;
    let list = PyList::empty(values.py());
    for item in items {
        let item = item?;
        match is_nothing(&item)? {
            true => list.append(values.py().None())?,
            false => list.append(item)?,
        }
    }
    Ok(list)
}

/// `None`, and what numpy and pandas have in its place.
fn is_nothing(item: &Bound<'_, PyAny>) -> PyResult<bool> {
    if item.is_none() {
        return Ok(true);
    }
    // Of most values the exact type tells at once.
    if item.is_exact_instance_of::<PyInt>()
        || item.is_exact_instance_of::<PyFloat>()
        || item.is_exact_instance_of::<PyString>()
    {
        return Ok(false);
    }
    match type_of(item).as_str() {
        "NAType" | "NaTType" | "MaskedConstant" => Ok(true),
        "datetime64" | "timedelta64" => {
            memory::numpy(item.py())?.call_method1("isnat", (item,))?.is_truthy()
        }
        _ => Ok(false),
    }
}

/// What kind of object a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Bool,
    Number,
    Text,
    Bytes,
    Time,
    Decimal,
    /// An array of numpy, a list, a tuple, or whatever else is iterated.
    Sequence,
    Dict,
    Other,
}

fn class_of(item: &Bound<'_, PyAny>) -> PyResult<Class> {
    if item.is_instance_of::<PyBool>() {
        return Ok(Class::Bool);
    }
    if item.is_instance_of::<PyInt>() || item.is_instance_of::<PyFloat>() {
        return Ok(Class::Number);
    }
    if item.is_instance_of::<PyString>() {
        return Ok(Class::Text);
    }
    if item.is_instance_of::<PyBytes>() || item.is_instance_of::<PyByteArray>() {
        return Ok(Class::Bytes);
    }
    if item.is_instance_of::<PyDict>() {
        return Ok(Class::Dict);
    }
    if times::is_time(item)? {
        return Ok(Class::Time);
    }
    let py = item.py();
    if item.is_instance(&py.import("decimal")?.getattr("Decimal")?)? {
        return Ok(Class::Decimal);
    }
    if is_array(item)? {
        // A scalar of numpy is a number like others.
        let ndim = item.getattr("ndim").and_then(|ndim| ndim.extract::<usize>());
        return Ok(match ndim.is_ok_and(|ndim| ndim == 0) {
            true if memory::known_dtype(item)? == Some(DType::Bool) => Class::Bool,
            true => Class::Number,
            false => Class::Sequence,
        });
    }
    if item.try_iter().is_ok() {
        return Ok(Class::Sequence);
    }
    Ok(if item.hasattr("__index__")? { Class::Number } else { Class::Other })
}

/// Rows that are objects of Python. The first that is there says what kind they are.
pub(super) fn of_objects(
    rows: &Bound<'_, PyList>,
    attribute: &Attribute,
    mode: CastMode,
) -> PyResult<ArrayRef> {
    use AttributeType::{Scalar, Tensor, Value, VariableTensor};
    let target = &attribute.attribute_type;
    let Some(first) = rows.iter().find(|row| !row.is_none()) else {
        let nothing = new_null_array(&target.arrow_type(), rows.len());
        return cast(&nothing, target.clone(), attribute, mode);
    };
    let class = class_of(&first)?;
    match (target, class) {
        (Tensor { dtype, shape }, Class::Bool | Class::Number | Class::Sequence) => {
            numbers::of_list(rows, attribute, *dtype, shape, mode)
        }
        (Scalar(dtype), Class::Number) => {
            numbers::of_list(rows, attribute, *dtype, &Shape::default(), mode)
        }
        (Scalar(dtype @ DType::Bool), Class::Bool) => {
            numbers::of_list(rows, attribute, *dtype, &Shape::default(), mode)
        }
        (VariableTensor { dtype, shape }, Class::Sequence | Class::Number) => {
            numbers::variable(rows, attribute, *dtype, shape.rank(), mode)
        }
        (Value(DataType::List(item)), Class::Sequence) => {
            nested::lists(rows, attribute, item, mode)
        }
        (Value(DataType::Struct(fields)), Class::Dict) => {
            nested::structs(rows, attribute, fields, mode)
        }
        (Value(DataType::Map(entries, is_sorted)), Class::Sequence | Class::Dict) => {
            nested::maps(rows, attribute, entries, *is_sorted, mode)
        }
        (Value(data_type), Class::Time) => times::of_list(rows, attribute, Some(data_type), mode),
        (_, Class::Time) => times::of_list(rows, attribute, None, mode),
        (Value(data_type), Class::Decimal | Class::Number) if data_type.is_decimal() => {
            numbers::decimals(rows, attribute, mode)
        }
        (_, Class::Decimal) => {
            let (column, found) = numbers::decimals_of_own_type(rows, attribute)?;
            cast(&column, found, attribute, mode)
        }
        (_, Class::Text) => {
            let found = Value(DataType::Utf8);
            cast(&texts::strings(rows, attribute)?, found, attribute, mode)
        }
        (Value(DataType::FixedSizeBinary(size)), Class::Bytes) => {
            texts::fixed_binaries(rows, attribute, *size)
        }
        (_, Class::Bytes) => {
            let found = Value(DataType::Binary);
            cast(&texts::binaries(rows, attribute)?, found, attribute, mode)
        }
        (_, Class::Bool | Class::Number) => {
            let (column, dtype) = numbers::of_own_type(rows, attribute)?;
            cast(&column, Scalar(dtype), attribute, mode)
        }
        _ => Err(expected(attribute, &first)),
    }
}

/// What the attribute takes, said of a row that is something else.
fn expected(attribute: &Attribute, found: &Bound<'_, PyAny>) -> PyErr {
    let target = &attribute.attribute_type;
    let what = match target {
        AttributeType::Tensor { .. } | AttributeType::VariableTensor { .. } => "an array or lists",
        AttributeType::Scalar(DType::Bool) => "a bool",
        AttributeType::Scalar(_) => "a number",
        AttributeType::File => "a file",
        AttributeType::Value(DataType::Utf8) => "str",
        AttributeType::Value(DataType::Binary | DataType::FixedSizeBinary(_)) => "bytes",
        AttributeType::Value(DataType::List(_)) => "a list",
        AttributeType::Value(DataType::Struct(_)) => "a dict",
        AttributeType::Value(DataType::Map(..)) => "a dict or a list of pairs",
        AttributeType::Value(data_type) if data_type.is_decimal() => "a decimal.Decimal",
        AttributeType::Value(data_type) if is_time(data_type) => "a time",
        _ => "an Arrow array, such as those of pyarrow or polars",
    };
    wrong_type(format!(
        "attribute {:?}: expected {what} for {target}, found {}",
        attribute.name,
        type_of(found)
    ))
}

/// The array with these rows null.
pub(super) fn with_nulls(array: ArrayRef, nulls: Option<Vec<bool>>) -> PyResult<ArrayRef> {
    let Some(nulls) = nulls else { return Ok(array) };
    let valid = nulls.into_iter().map(|null| !null).collect::<Vec<_>>();
    let data = array.to_data().into_builder().nulls(Some(valid.into())).build();
    let data = data.map_err(|error| invalid(error.to_string()))?;
    Ok(arrow_array::make_array(data))
}

/// Refuses a row that is masked in part: a null has no place within a tensor.
pub(super) fn check_unmasked(row: &Bound<'_, PyAny>, attribute: &Attribute) -> PyResult<()> {
    if memory::is_masked(row)? && row.getattr("mask")?.call_method0("any")?.is_truthy()? {
        let name = &attribute.name;
        return Err(invalid(format!("attribute {name:?}: a row that is masked in part")));
    }
    Ok(())
}
