//! Rows on their way in. Nothing is cast in silence: a dtype or shape that differs is an error.

use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, StringBuilder};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field};
use pyo3::exceptions::PyFileNotFoundError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyList, PyString};
use pyo3_arrow::input::AnyArray;
use tenrow::{
    Attribute, AttributeType, Columns, DType, DatasetWriter, FileValue, Schema, Shape, Tensor,
};
use tenrow_convert::{CastMode, cast_batch, media_type};

use super::nested;
use super::to_python::{ROWS_BETWEEN_SIGNALS, is_time};
use crate::error::{invalid, raised, wrong_type};
use crate::memory::{self, type_of};
use crate::runtime::wait;

/// A batch of a dict from names to rows, of attributes of `schema`; `writer` takes what files there are.
pub(crate) fn batch_of(
    schema: &Schema,
    rows: &Bound<'_, PyDict>,
    mut writer: Option<&mut DatasetWriter>,
) -> PyResult<RecordBatch> {
    let mut columns = Columns::new();
    for (name, values) in rows {
        let name: String = name.extract().map_err(|_| {
            wrong_type(format!("attributes are named by str, not {}", type_of(&name)))
        })?;
        let attribute = known(schema, &name)?;
        let array = match (&attribute.attribute_type, writer.as_deref_mut()) {
            (AttributeType::File, Some(writer)) => files(writer, &values, attribute)?,
            _ => array_of(&values, attribute)?,
        };
        columns = columns.array(&name, array);
    }
    columns.into_batch().map_err(|error| raised(&error))
}

fn known<'a>(schema: &'a Schema, name: &str) -> PyResult<&'a Attribute> {
    schema.attribute(name).ok_or_else(|| {
        let names: Vec<&str> = schema.attributes().iter().map(|a| a.name.as_str()).collect();
        invalid(format!("{name:?} is no attribute; there are {}", names.join(", ")))
    })
}

/// The rows of one attribute, but files.
pub(crate) fn array_of(values: &Bound<'_, PyAny>, attribute: &Attribute) -> PyResult<ArrayRef> {
    if values.hasattr("__arrow_c_array__")? || values.hasattr("__arrow_c_stream__")? {
        return of_arrow(values, attribute);
    }
    match &attribute.attribute_type {
        AttributeType::Tensor { dtype, shape } => tensors(values, attribute, *dtype, shape),
        AttributeType::Scalar(dtype) => tensors(values, attribute, *dtype, &Shape::default()),
        AttributeType::VariableTensor { dtype, shape } => {
            variable(values, attribute, *dtype, shape.rank())
        }
        AttributeType::Value(DataType::Utf8) => strings(values, attribute),
        AttributeType::Value(DataType::Binary) => binaries(values, attribute),
        AttributeType::Value(DataType::List(item)) => nested::lists(values, attribute, item),
        AttributeType::Value(DataType::Struct(fields)) => {
            nested::structs(values, attribute, fields)
        }
        AttributeType::Value(data_type) if is_time(data_type) => {
            nested::times(values, attribute, data_type)
        }
        other => Err(wrong_type(format!(
            "attribute {:?}: expected {other} as an Arrow array, such as those of pyarrow or polars, found {}",
            attribute.name,
            type_of(values)
        ))),
    }
}

fn of_arrow(values: &Bound<'_, PyAny>, attribute: &Attribute) -> PyResult<ArrayRef> {
    let chunked = values.extract::<AnyArray>()?.into_chunked_array().map_err(PyErr::from)?;
    let (chunks, field) = chunked.into_inner();
    let field = Field::clone(&field).with_name(&attribute.name);
    let refused = |error: tenrow_convert::ConvertError| invalid(error.to_string());
    let found = tenrow_convert::attribute_of(&field).map_err(refused)?;
    let to = Schema::new([attribute.clone()])
        .map_err(|error| raised(&tenrow::Error::format("the schema", error)))?;
    let mut arrays = Vec::with_capacity(chunks.len());
    for chunk in &chunks {
        let column = tenrow_convert::conform(chunk, &found).map_err(refused)?;
        let batch = Columns::new().array(&attribute.name, column).into_batch();
        let batch = batch.map_err(|error| raised(&error))?;
        let cast = cast_batch(
            &batch,
            std::slice::from_ref(&found),
            &to,
            CastMode::Safe,
            0,
            "the rows given",
        );
        arrays.push(cast.map_err(refused)?.column(0).clone());
    }
    let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    match arrays[..] {
        [] => Ok(arrow_array::new_empty_array(&attribute.attribute_type.arrow_type())),
        _ => arrow_select::concat::concat(&arrays).map_err(|error| invalid(error.to_string())),
    }
}

/// Whether it is an array of numpy, or of a library that gives one.
fn is_array(values: &Bound<'_, PyAny>) -> PyResult<bool> {
    values.hasattr("__array__")
}

fn tensors(
    values: &Bound<'_, PyAny>,
    attribute: &Attribute,
    dtype: DType,
    shape: &Shape,
) -> PyResult<ArrayRef> {
    let py = values.py();
    let name = &attribute.name;
    let (values, nulls) = unmasked(values, attribute)?;
    let values = match is_array(&values)? {
        true => memory::numpy(py)?.call_method1("asarray", (&values,))?,
        false => of_list(&values, attribute, dtype)?,
    };
    let tensor = memory::tensor(&values, dtype, name)?;
    let row_shape = tensor.shape().get(1..).ok_or_else(|| {
        invalid(format!("attribute {name:?}: one value, where rows are expected: [value]"))
    })?;
    if row_shape != shape.dims() {
        let found = row_shape.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        return Err(invalid(format!(
            "attribute {name:?}: expected rows of shape {shape}, found [{found}]"
        )));
    }
    let rows = tensor.shape()[0] as usize;
    let array = of_tensor(name, &tensor)?;
    match nulls {
        Some(nulls) if nulls.len() != rows => {
            Err(invalid(format!("attribute {name:?}: a mask of {} rows for {rows}", nulls.len())))
        }
        nulls => with_nulls(array, nulls),
    }
}

/// The array with these rows null.
fn with_nulls(array: ArrayRef, nulls: Option<Vec<bool>>) -> PyResult<ArrayRef> {
    let Some(nulls) = nulls else { return Ok(array) };
    let valid = nulls.into_iter().map(|null| !null).collect::<Vec<_>>();
    let data = array.to_data().into_builder().nulls(Some(valid.into())).build();
    let data = data.map_err(|error| invalid(error.to_string()))?;
    Ok(arrow_array::make_array(data))
}

fn of_tensor(name: &str, tensor: &Tensor) -> PyResult<ArrayRef> {
    let columns = match tensor.shape() {
        [_] => {
            // A number a row: the elements of a tensor of one row.
            let rows = Tensor::new(tensor.dtype(), &[tensor.shape()[0], 1], tensor.bytes().clone());
            let rows = rows.map_err(|error| raised(&error))?;
            let batch = Columns::new().tensor(name, &rows).and_then(Columns::into_batch);
            let batch = batch.map_err(|error| raised(&error))?;
            let lists = arrow_array::cast::AsArray::as_fixed_size_list(batch.column(0));
            return Ok(lists.values().clone());
        }
        _ => Columns::new().tensor(name, tensor).and_then(Columns::into_batch),
    };
    Ok(columns.map_err(|error| raised(&error))?.column(0).clone())
}

type Rows<'py> = (Bound<'py, PyAny>, Option<Vec<bool>>);

/// The values of a masked array or a list with `None`, and which rows are null.
fn unmasked<'py>(values: &Bound<'py, PyAny>, attribute: &Attribute) -> PyResult<Rows<'py>> {
    let py = values.py();
    let numpy = memory::numpy(py)?;
    let masked = numpy.getattr("ma")?.getattr("MaskedArray")?;
    if values.is_instance(&masked)? {
        let mask = numpy.getattr("ma")?.call_method1("getmaskarray", (values,))?;
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
        let zeros = numpy.getattr("ma")?.call_method1("filled", (values, 0))?;
        return Ok((zeros, all.contains(&true).then_some(all)));
    }
    let Ok(list) = values.cast::<PyList>() else { return Ok((values.clone(), None)) };
    if !list.iter().any(|item| item.is_none()) {
        return Ok((values.clone(), None));
    }
    let nulls: Vec<bool> = list.iter().map(|item| item.is_none()).collect();
    // Null rows hold zeros, so that the others make one array with them.
    let zero = match &attribute.attribute_type {
        AttributeType::Tensor { dtype, shape } => {
            let dims = pyo3::types::PyTuple::new(py, shape.dims())?;
            numpy.call_method1("zeros", (dims, memory::dtype_of(py, *dtype)?))?
        }
        _ => 0i64.into_pyobject(py)?.into_any(),
    };
    let filled = list.iter().map(|item| if item.is_none() { zero.clone() } else { item });
    Ok((PyList::new(py, filled.collect::<Vec<_>>())?.into_any(), Some(nulls)))
}

/// Plain numbers, or lists of them or of arrays, as an array of the dtype if each of them is one of its values.
fn of_list<'py>(
    values: &Bound<'py, PyAny>,
    attribute: &Attribute,
    dtype: DType,
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
    if has_integers && (kind == "f" || kind == "O") {
        // Large integers of Python are fractions by now, or objects.
        return exact_integers(values, attribute, expected.as_any());
    }
    if !"biuf".contains(&kind) && found.getattr("dtype")?.ne(&expected)? {
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
    if kind == "f" && is_float {
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

/// Numbers of Python, each as it is: numpy would make fractions of integers that no dtype of its own choice holds.
fn exact_integers<'py>(
    values: &Bound<'py, PyAny>,
    attribute: &Attribute,
    expected: &Bound<'py, PyAny>,
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
        let is_whole =
            item.hasattr("is_integer")? && item.call_method0("is_integer")?.is_truthy()?;
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

fn variable(
    values: &Bound<'_, PyAny>,
    attribute: &Attribute,
    dtype: DType,
    rank: usize,
) -> PyResult<ArrayRef> {
    let py = values.py();
    let name = &attribute.name;
    let mut rows = Vec::new();
    let mut nulls = Vec::new();
    for row in values.try_iter()? {
        let row = row?;
        nulls.push(row.is_none());
        if row.is_none() {
            let empty = Tensor::new(dtype, &vec![0; rank], bytes::Bytes::new());
            rows.push(empty.map_err(|error| raised(&error))?);
            continue;
        }
        if memory::is_masked(&row)? && row.getattr("mask")?.call_method0("any")?.is_truthy()? {
            return Err(invalid(format!("attribute {name:?}: a row that is masked in part")));
        }
        let row = match is_array(&row)? {
            true => memory::numpy(py)?.call_method1("asarray", (&row,))?,
            false => of_list(&row, attribute, dtype)?,
        };
        rows.push(memory::tensor(&row, dtype, name)?);
    }
    let batch = Columns::new().tensors_of_rank(name, dtype, rank, &rows);
    let batch = batch.and_then(Columns::into_batch).map_err(|error| raised(&error))?;
    with_nulls(batch.column(0).clone(), nulls.contains(&true).then_some(nulls))
}

fn strings(values: &Bound<'_, PyAny>, attribute: &Attribute) -> PyResult<ArrayRef> {
    let mut builder = StringBuilder::new();
    let mut size = 0;
    each(values, attribute, "str", |row| {
        match row {
            None => builder.append_null(),
            Some(row) => {
                let text = row.cast::<PyString>().ok()?.to_cow().ok()?;
                size += text.len();
                if size <= MAX_BYTES {
                    builder.append_value(text);
                }
            }
        }
        Some(())
    })?;
    check_size(size, &attribute.name)?;
    Ok(Arc::new(builder.finish()))
}

fn binaries(values: &Bound<'_, PyAny>, attribute: &Attribute) -> PyResult<ArrayRef> {
    let mut builder = BinaryBuilder::new();
    let mut size = 0;
    each(values, attribute, "bytes", |row| {
        let bytes = match row {
            None => {
                builder.append_null();
                return Some(());
            }
            Some(row) => row.extract::<Cow<'_, [u8]>>().ok()?,
        };
        if !row.is_some_and(|row| {
            row.is_instance_of::<PyBytes>() || row.is_instance_of::<PyByteArray>()
        }) {
            return None;
        }
        size += bytes.len();
        if size <= MAX_BYTES {
            builder.append_value(bytes);
        }
        Some(())
    })?;
    check_size(size, &attribute.name)?;
    Ok(Arc::new(builder.finish()))
}

/// What Arrow's offsets of 32 bits can tell apart.
const MAX_BYTES: usize = i32::MAX as usize;

fn check_size(size: usize, name: &str) -> PyResult<()> {
    match size <= MAX_BYTES {
        true => Ok(()),
        false => Err(invalid(format!(
            "attribute {name:?}: {size} bytes in one append, which takes {MAX_BYTES}: append fewer rows at a time"
        ))),
    }
}

/// Lets `take` have each row; `None` of it is the error of a row that is of another type.
pub(super) fn each(
    values: &Bound<'_, PyAny>,
    attribute: &Attribute,
    expected: &str,
    mut take: impl FnMut(Option<&Bound<'_, PyAny>>) -> Option<()>,
) -> PyResult<()> {
    let name = &attribute.name;
    if values.is_instance_of::<PyString>() || values.is_instance_of::<PyBytes>() {
        return Err(wrong_type(format!(
            "attribute {name:?}: one {}, where rows are expected: [value]",
            type_of(values)
        )));
    }
    for (number, row) in values.try_iter()?.enumerate() {
        let row = row?;
        if number % ROWS_BETWEEN_SIGNALS == 0 {
            values.py().check_signals()?;
        }
        take((!row.is_none()).then_some(&row)).ok_or_else(|| {
            wrong_type(format!(
                "attribute {name:?}, row {number}: expected {expected}, found {}",
                type_of(&row)
            ))
        })?;
    }
    Ok(())
}

/// Files: bytes, paths of files to read, objects with `read`, or dicts of `bytes` or `path` with `name` and `media_type`.
fn files(
    writer: &mut DatasetWriter,
    values: &Bound<'_, PyAny>,
    attribute: &Attribute,
) -> PyResult<ArrayRef> {
    if values.hasattr("__arrow_c_array__")? || values.hasattr("__arrow_c_stream__")? {
        return of_arrow(values, attribute);
    }
    let mut found = Vec::new();
    let mut size = 0;
    for (number, row) in values.try_iter()?.enumerate() {
        found.push(file(writer, &row?, &attribute.name, number)?);
        size += found.last().and_then(|f| f.as_ref()?.bytes.as_ref()).map_or(0, bytes::Bytes::len);
        check_size(size, &attribute.name)?;
    }
    Ok(Arc::new(FileValue::array(&found)))
}

/// As many as tell what kind of file it is; none if it cannot be read.
fn first_bytes(path: &std::path::Path) -> Option<Vec<u8>> {
    let mut first = Vec::new();
    tenrow::open_regular(path).ok()?.take(4096).read_to_end(&mut first).ok()?;
    Some(first)
}

fn file(
    writer: &mut DatasetWriter,
    row: &Bound<'_, PyAny>,
    name: &str,
    number: usize,
) -> PyResult<Option<FileValue>> {
    let py = row.py();
    if row.is_none() {
        return Ok(None);
    }
    if let Ok(bytes) = row.cast::<PyBytes>() {
        let bytes = bytes::Bytes::copy_from_slice(bytes.as_bytes());
        let media_type = media_type(&bytes).map(str::to_owned);
        return Ok(Some(FileValue { bytes: Some(bytes), media_type, ..FileValue::default() }));
    }
    if let Ok(about) = row.cast::<PyDict>() {
        let text = |key: &str| -> PyResult<Option<String>> {
            about
                .get_item(key)?
                .filter(|item| !item.is_none())
                .map(|item| item.extract())
                .transpose()
        };
        const KEYS: [&str; 4] = ["bytes", "path", "name", "media_type"];
        for key in about.keys() {
            if !key.extract::<String>().is_ok_and(|key| KEYS.contains(&key.as_str())) {
                return Err(invalid(format!(
                    "attribute {name:?}, row {number}: {} is nothing that a file has; there are {}",
                    key.repr()?,
                    KEYS.join(", ")
                )));
            }
        }
        let given = |key| Ok::<_, PyErr>(about.get_item(key)?.filter(|item| !item.is_none()));
        let source = match (given("bytes")?, given("path")?) {
            (Some(bytes), _) => bytes,
            // Here text is no mistake.
            (None, Some(path)) => py.import("pathlib")?.getattr("Path")?.call1((path,))?,
            (None, None) => {
                let reason = "a file has bytes or a path";
                return Err(invalid(format!("attribute {name:?}, row {number}: {reason}")));
            }
        };
        let mut value = file(writer, &source, name, number)?.unwrap_or_default();
        value.name = text("name")?.or(value.name);
        value.media_type = text("media_type")?.or(value.media_type);
        return Ok(Some(value));
    }
    // A path that is an object; text would be one too, but is more often a mistake.
    if row.hasattr("__fspath__")? {
        let path: std::path::PathBuf = row.extract()?;
        if !path.exists() {
            return Err(PyFileNotFoundError::new_err(format!(
                "attribute {name:?}, row {number}: there is no file {}",
                path.display()
            )));
        }
        let mut value = wait(py, writer.put_file(&path))?;
        value.media_type = first_bytes(&path).as_deref().and_then(media_type).map(str::to_owned);
        return Ok(Some(value));
    }
    if row.hasattr("read")? {
        let bytes = row.call_method0("read")?;
        let mut value = file(writer, &bytes, name, number)?.unwrap_or_default();
        let text = |key: &str| row.getattr(key).and_then(|text| text.extract::<String>()).ok();
        let last =
            |path: String| Some(std::path::Path::new(&path).file_name()?.to_str()?.to_owned());
        value.name = match row.hasattr("media_type")? {
            // Of a dataset: its name is that of a file already, and may hold slashes.
            true => text("name"),
            false => text("name").and_then(last),
        };
        value.media_type = text("media_type").or(value.media_type);
        return Ok(Some(value));
    }
    Err(wrong_type(format!(
        "attribute {name:?}, row {number}: expected a file as bytes, a pathlib.Path, a dict or something to read, found {}",
        type_of(row)
    )))
}
