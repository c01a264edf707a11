//! Arrow columns of others, as attributes.
//!
//! pyarrow, polars, pandas and Hugging Face each have their own ways to say "a tensor" or "a
//! file"; this is the one place that knows them.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, FixedSizeListArray};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields, TimeUnit};
use serde_json::Value;
use tenrow::engine::{TYPE_KEY, file_fields};
use tenrow::{Attribute, AttributeType, DType, VariableShape};

use crate::column::wrap;
use crate::error::{ConvertError, Result};
use crate::file_array::FileArray;
use crate::media_type::media_type;

const EXTENSION_NAME: &str = "ARROW:extension:name";
const EXTENSION_METADATA: &str = "ARROW:extension:metadata";

/// The attribute that a column of `field` becomes.
///
/// tenrow's own type text counts first, then the canonical tensor extensions, then the shape of
/// the type: fixed-size lists of numbers are tensors, structs of bytes and path are files, and all
/// else is a plain value in its normal form. The name is taken as it is: `Schema::new`
/// checks it.
///
/// # Errors
/// If tenrow has no such type, or the field's metadata contradicts its type.
pub fn attribute_of(field: &Field) -> Result<Attribute> {
    let (attribute_type, dim_names) = match own_type(field) {
        Some(own) => (own, dim_names_of(&parameters_of(field)?)),
        None => foreign_type(field)?,
    };
    let nullable = field.is_nullable() || *field.data_type() == DataType::Null;
    let attribute = Attribute::new(field.name(), attribute_type).with_nullable(nullable);
    Ok(attribute.with_dim_names(dim_names))
}

/// The attribute as a new dataset is to have it: of a type that other readers know, where one holds the same values.
///
/// Parquet has no times in seconds and no days in milliseconds: written as they are, others see integers. So `timestamp(s)`
/// becomes `timestamp(ms)`, `time32(s)` `time32(ms)` and `date64` `date32`, also within lists and structs.
#[must_use]
pub fn of_new_dataset(mut attribute: Attribute) -> Attribute {
    if let AttributeType::Value(data_type) = &attribute.attribute_type {
        attribute.attribute_type = AttributeType::Value(known_to_others(data_type));
    }
    attribute
}

fn known_to_others(data_type: &DataType) -> DataType {
    let known = |field: &FieldRef| {
        let data_type = known_to_others(field.data_type());
        Arc::new(field.as_ref().clone().with_data_type(data_type))
    };
    match data_type {
        DataType::Timestamp(TimeUnit::Second, zone) => {
            DataType::Timestamp(TimeUnit::Millisecond, zone.clone())
        }
        DataType::Time32(TimeUnit::Second) => DataType::Time32(TimeUnit::Millisecond),
        DataType::Date64 => DataType::Date32,
        DataType::List(item) => DataType::List(known(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(known).collect()),
        DataType::Map(entries, is_sorted) => DataType::Map(known(entries), *is_sorted),
        other => other.clone(),
    }
}

/// The type that tenrow itself wrote into the field, if the column is still stored that way.
fn own_type(field: &Field) -> Option<AttributeType> {
    let own: AttributeType = field.metadata().get(TYPE_KEY)?.parse().ok()?;
    same_storage(field.data_type(), &own.arrow_type()).then_some(own)
}

fn foreign_type(field: &Field) -> Result<(AttributeType, Vec<String>)> {
    let name = field.name();
    match field.metadata().get(EXTENSION_NAME).map(String::as_str) {
        Some("arrow.fixed_shape_tensor") => return fixed_shape_tensor(field),
        Some("arrow.variable_shape_tensor") => return variable_shape_tensor(field),
        Some(extension) => refuse_other_meanings(field, extension)?,
        None => {}
    }
    if let Some((dtype, dims)) = fixed_dims(field.data_type()) {
        return Ok((AttributeType::tensor(dtype, dims).map_err(refused(name))?, Vec::new()));
    }
    if is_file(field.data_type()) {
        return Ok((AttributeType::File, Vec::new()));
    }
    let plain = AttributeType::value(&loosen(field.data_type())).map_err(refused(name))?;
    Ok((plain, Vec::new()))
}

/// What the values of extensions mean whose storage says something else, and what to make of them before.
///
/// Extensions that only say more of their storage, such as `arrow.json`, are taken as that.
const OTHER_MEANINGS: [(&str, &str); 4] = [
    (
        "pandas.period",
        "periods, stored as counts of months or days: make text (astype(str)) or times (to_timestamp()) of them",
    ),
    (
        "pandas.interval",
        "intervals, stored without which ends belong to them: make columns of left and right",
    ),
    ("arrow.bool8", "booleans, stored as numbers: cast them to boolean"),
    (
        "arrow.opaque",
        "values of another system, of which nothing is known: cast them to a type of Arrow",
    ),
];

fn refuse_other_meanings(field: &Field, extension: &str) -> Result<()> {
    let reason = match OTHER_MEANINGS.iter().find(|(known, _)| *known == extension) {
        Some((_, meaning)) => format!("{meaning} ({extension})"),
        // What polars writes of Python objects are addresses of memory, which mean nothing once they are copied.
        None if extension.to_ascii_lowercase().contains("object") => {
            format!("objects of Python, which are no data ({extension}): make values of them")
        }
        None => return Ok(()),
    };
    Err(ConvertError::column(field.name(), reason))
}

fn refused<E: std::fmt::Display>(name: &str) -> impl FnOnce(E) -> ConvertError {
    let name = name.to_owned();
    move |error| ConvertError::column(&name, error.to_string())
}

fn fixed_shape_tensor(field: &Field) -> Result<(AttributeType, Vec<String>)> {
    let refuse = |reason: String| Err(ConvertError::column(field.name(), reason));
    let Some((dtype, stored)) = fixed_dims(field.data_type()) else {
        return refuse(format!("a fixed_shape_tensor of {}: not numbers", field.data_type()));
    };
    let parameters = parameters_of(field)?;
    let Some(dims) = parameters["shape"].as_array().and_then(|dims| numbers(dims)) else {
        return refuse("a fixed_shape_tensor without a shape".into());
    };
    check_permutation(field, &parameters)?;
    let tensor = AttributeType::tensor(dtype, dims).map_err(refused(field.name()))?;
    let count = |t: &AttributeType| match t {
        AttributeType::Tensor { shape, .. } => shape.element_count(),
        _ => 0,
    };
    let flat = AttributeType::tensor(dtype, stored).map_err(refused(field.name()))?;
    if count(&tensor) != count(&flat) {
        return refuse(format!("its shape {tensor} differs from its storage, {flat}"));
    }
    Ok((tensor, dim_names_of(&parameters)))
}

fn variable_shape_tensor(field: &Field) -> Result<(AttributeType, Vec<String>)> {
    let refuse = |reason: &str| Err(ConvertError::column(field.name(), reason));
    let DataType::Struct(fields) = field.data_type() else {
        return refuse("a variable_shape_tensor that is not a struct");
    };
    let data_type = |name| fields.find(name).map(|(_, field)| field.data_type());
    let (
        Some(DataType::List(item) | DataType::LargeList(item)),
        Some(DataType::FixedSizeList(_, rank)),
    ) = (data_type("data"), data_type("shape"))
    else {
        return refuse("a variable_shape_tensor without data and shape");
    };
    let Some(dtype) = DType::from_arrow(item.data_type()) else {
        return refuse("a variable_shape_tensor whose elements are not numbers");
    };
    let parameters = parameters_of(field)?;
    check_permutation(field, &parameters)?;
    let dims: Vec<Option<u32>> = match parameters["uniform_shape"].as_array() {
        None => vec![None; *rank as usize],
        Some(dims) if dims.len() == *rank as usize => {
            dims.iter().map(|d| d.as_u64().and_then(|d| u32::try_from(d).ok())).collect()
        }
        Some(_) => return refuse("a variable_shape_tensor whose uniform_shape has another rank"),
    };
    let shape = VariableShape::new(dims).map_err(refused(field.name()))?;
    Ok((AttributeType::VariableTensor { dtype, shape }, dim_names_of(&parameters)))
}

fn parameters_of(field: &Field) -> Result<Value> {
    match field.metadata().get(EXTENSION_METADATA) {
        None => Ok(Value::Null),
        Some(text) if text.is_empty() => Ok(Value::Null),
        Some(text) => serde_json::from_str(text).map_err(|error| {
            ConvertError::column(field.name(), format!("extension metadata is not JSON: {error}"))
        }),
    }
}

fn numbers(values: &[Value]) -> Option<Vec<u64>> {
    values.iter().map(Value::as_u64).collect()
}

fn dim_names_of(parameters: &Value) -> Vec<String> {
    let names = parameters["dim_names"].as_array();
    let names = names.map(|names| names.iter().map(|n| n.as_str().map(str::to_owned)).collect());
    names.unwrap_or(Some(Vec::new())).unwrap_or_default()
}

fn check_permutation(field: &Field, parameters: &Value) -> Result<()> {
    match parameters["permutation"].as_array() {
        Some(axes) if !axes.iter().enumerate().all(|(i, a)| a.as_u64() == Some(i as u64)) => {
            let reason = "its dimensions are permuted: store the tensor in row-major order";
            Err(ConvertError::column(field.name(), reason))
        }
        _ => Ok(()),
    }
}

/// The element type and dimensions of fixed-size lists of numbers, nested or not.
fn fixed_dims(data_type: &DataType) -> Option<(DType, Vec<u64>)> {
    let mut dims = Vec::new();
    let mut inner = data_type;
    while let DataType::FixedSizeList(item, n) = inner {
        dims.push(u64::try_from(*n).ok()?);
        inner = item.data_type();
    }
    if dims.is_empty() {
        return None;
    }
    DType::from_arrow(inner).map(|dtype| (dtype, dims))
}

/// True for tenrow's own file struct, and for that of Hugging Face: bytes and path.
fn is_file(data_type: &DataType) -> bool {
    let DataType::Struct(fields) = data_type else { return false };
    let expected = file_fields();
    let as_expected = |(found, expected): (&FieldRef, &FieldRef)| {
        found.name() == expected.name() && same_storage(found.data_type(), expected.data_type())
    };
    (fields.len() == 2 || fields.len() == expected.len())
        && fields.iter().zip(&expected).all(as_expected)
}

/// The type with fixed-size lists as lists and nothing but nulls as text, all the way down.
fn loosen(data_type: &DataType) -> DataType {
    let inner = |field: &FieldRef| {
        Arc::new(Field::new(field.name(), loosen(field.data_type()), field.is_nullable()))
    };
    match data_type {
        DataType::Null => DataType::Utf8,
        DataType::FixedSizeList(item, _)
        | DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => DataType::List(inner(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries), *sorted),
        other => other.clone(),
    }
}

/// True if a column of `found` holds the same values as one of `expected`, names of lists and
/// widths of offsets apart.
fn same_storage(found: &DataType, expected: &DataType) -> bool {
    use DataType::*;
    let fields_match = |a: &Fields, b: &Fields| {
        a.len() == b.len()
            && a.iter()
                .zip(b)
                .all(|(a, b)| a.name() == b.name() && same_storage(a.data_type(), b.data_type()))
    };
    match (found, expected) {
        (Dictionary(_, values), _) => same_storage(values, expected),
        (Utf8 | LargeUtf8 | Utf8View, Utf8) | (Binary | LargeBinary | BinaryView, Binary) => true,
        (List(a) | LargeList(a), List(b)) => same_storage(a.data_type(), b.data_type()),
        (FixedSizeList(a, n), FixedSizeList(b, m)) => {
            n == m && same_storage(a.data_type(), b.data_type())
        }
        (Struct(a), Struct(b)) => fields_match(a, b),
        (Map(a, _), Map(b, _)) => match (a.data_type(), b.data_type()) {
            (Struct(a), Struct(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b).all(|(a, b)| same_storage(a.data_type(), b.data_type()))
            }
            _ => false,
        },
        _ => found == expected,
    }
}

/// `column` in the Arrow type of `attribute`, which [`attribute_of`] gave for its field.
///
/// # Errors
/// If the column has another type, or a value that has no place there: a null within a tensor, a
/// file of which only the path is known. Rows are counted from the first of `column`.
pub fn conform(column: &ArrayRef, attribute: &Attribute) -> Result<ArrayRef> {
    match &attribute.attribute_type {
        AttributeType::Tensor { .. } => conform_tensor(column, attribute),
        AttributeType::File => conform_file(column, attribute),
        plain => recast(column, &plain.arrow_type(), &attribute.name),
    }
}

fn recast(column: &ArrayRef, target: &DataType, name: &str) -> Result<ArrayRef> {
    if column.data_type() == target {
        return Ok(column.clone());
    }
    // Never a null in place of a value that does not fit.
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(column, target, &options).map_err(arrow_fault(name, target))
}

fn arrow_fault(name: &str, target: &DataType) -> impl FnOnce(ArrowError) -> ConvertError {
    let (name, expected) = (name.to_owned(), target.to_string());
    move |source| ConvertError::Arrow { name, expected, source }
}

fn conform_tensor(column: &ArrayRef, attribute: &Attribute) -> Result<ArrayRef> {
    let name = &attribute.name;
    let target = attribute.attribute_type.arrow_type();
    if let DataType::List(_) = target {
        // A zero-size shape: nothing but the nulls is stored.
        if column.as_list_opt::<i32>().is_some_and(|list| !list.values().is_empty()) {
            let reason = format!("{} has elements in it", attribute.attribute_type);
            return Err(ConvertError::column(name, reason));
        }
        let flat = arrow_array::new_empty_array(&DataType::Null);
        return wrap(&attribute.attribute_type, flat, column.len(), column.nulls().cloned())
            .map_err(arrow_fault(name, &target));
    }
    let DataType::FixedSizeList(item, n) = &target else {
        return Err(ConvertError::column(name, format!("{target} is not a tensor's type")));
    };
    let mut values = column.clone();
    let mut row_items = 1;
    while let Some(list) = values.as_any().downcast_ref::<FixedSizeListArray>() {
        refuse_inner_nulls(&values, column, row_items, name)?;
        row_items *= list.value_length() as usize;
        values = list.values().clone();
    }
    if row_items != *n as usize {
        let reason = format!("found {}, expected {}", column.data_type(), attribute.attribute_type);
        return Err(ConvertError::column(name, reason));
    }
    refuse_inner_nulls(&values, column, row_items, name)?;
    let values = recast(&without_nulls(values, name)?, item.data_type(), name)?;
    wrap(&attribute.attribute_type, values, column.len(), column.nulls().cloned())
        .map_err(arrow_fault(name, &target))
}

/// Refuses a null at `values` unless its whole row, of `row_items` values, is null in `column`.
fn refuse_inner_nulls(
    values: &ArrayRef,
    column: &ArrayRef,
    row_items: usize,
    name: &str,
) -> Result<()> {
    let Some(nulls) = values.nulls().filter(|nulls| nulls.null_count() > 0) else {
        return Ok(());
    };
    let inner =
        (0..nulls.len()).find(|&i| nulls.is_null(i) && column.is_valid(i / row_items.max(1)));
    match inner {
        None => Ok(()),
        Some(i) => {
            let reason =
                "a tensor with a null in it, and tensors have none: fill it, or store a list";
            Err(in_batch(i / row_items.max(1), name, reason))
        }
    }
}

/// A fault of one row, counted within its batch.
fn in_batch(row: usize, name: &str, reason: &str) -> ConvertError {
    ConvertError::Value {
        origin: "batch".into(),
        row: row as u64,
        attribute: name.to_owned(),
        reason: reason.to_owned(),
    }
}

/// The same values without validity: what stands under a null row is never looked at.
fn without_nulls(values: ArrayRef, name: &str) -> Result<ArrayRef> {
    if values.nulls().is_none() {
        return Ok(values);
    }
    let data_type = values.data_type().clone();
    let data = values.to_data().into_builder().nulls(None).build();
    data.map(arrow_array::make_array).map_err(arrow_fault(name, &data_type))
}

fn conform_file(column: &ArrayRef, attribute: &Attribute) -> Result<ArrayRef> {
    let name = &attribute.name;
    let file_type = attribute.attribute_type.arrow_type();
    let fault = || arrow_fault(name, &file_type);
    let Some(files) = FileArray::of(column).map_err(fault())? else {
        return Err(ConvertError::column(name, format!("{} is not a file", column.data_type())));
    };
    if !files.has_bytes() {
        return Err(ConvertError::column(name, "a file without bytes"));
    }
    let rows = 0..files.len();
    if let Some(row) = rows.clone().find(|&row| files.is_valid(row) && files.bytes(row).is_none()) {
        let reason = "a file without bytes, a path at most: store the bytes too";
        return Err(in_batch(row, name, reason));
    }
    let names = rows.clone().map(|row| files.name(row).or_else(|| files.path(row)));
    let sniffed = |row: usize| files.bytes(row).and_then(media_type);
    let media_types = rows.map(|row| files.media_type(row).or_else(|| sniffed(row)));
    let bytes = files.contents().clone();
    let nulls = column.nulls().cloned();
    FileArray::of_contents(bytes, names.collect(), media_types.collect(), nulls).map_err(fault())
}

#[cfg(test)]
mod tests;
