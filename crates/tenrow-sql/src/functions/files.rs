//! File attributes: `file_size`, `file_type`, `file_bytes`.
//!
//! A file is a struct of which `bytes` is null where the file is an object of its own. The size and
//! the type are among the details, so they need no bytes. `file_bytes` returns what `bytes` holds: a
//! statement that calls it has files fetched with their bytes, wherever these are.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BinaryArray, Int64Array, StringArray};
use arrow_schema::{DataType, Field, FieldRef};
use datafusion::common::Result;
use tenrow::engine::{TYPE_KEY, file_fields};
use tenrow_values::FileArray;

use super::call::{About, Call, Function, Plan};
use super::tensor_type::show_field;

/// The function that needs the bytes of files.
pub(crate) const FILE_BYTES: &str = "file_bytes";

pub(super) fn functions() -> Vec<Function> {
    let about = |syntax, returns, example| About {
        syntax,
        returns,
        example,
        arguments: vec![("file", "A file attribute.", DataType::Struct(file_fields()))],
        optional: 0,
    };
    let size = about(
        "file_size(file)",
        "The size of a file in bytes. The file itself is not read.",
        "SELECT sum(file_size(photo)) FROM photos;",
    );
    let media_type = about(
        "file_type(file)",
        "The media type of a file, such as `image/png`; NULL if none was stored. The file itself is not read.",
        "SELECT file_type(photo), count(*) FROM photos GROUP BY 1;",
    );
    let bytes = about(
        "file_bytes(file)",
        "The bytes of a file.",
        "SELECT sha256(file_bytes(photo)) FROM photos WHERE _row = 7;",
    );
    vec![
        Function::new(size, |plan| plan_file(plan, DataType::Int64), run_size),
        Function::new(media_type, |plan| plan_file(plan, DataType::Utf8), run_type),
        Function::new(bytes, |plan| plan_file(plan, DataType::Binary), run_bytes),
    ]
}

fn plan_file(plan: &Plan<'_>, data_type: DataType) -> Result<FieldRef> {
    let field = &plan.fields[0];
    if !is_file(field) {
        return Err(plan.fault(format!(
            "{} is no file; a file is a struct with bytes and path",
            show_field(field)
        )));
    }
    Ok(Arc::new(Field::new(plan.name, data_type, true)))
}

fn is_file(field: &Field) -> bool {
    match field.data_type() {
        DataType::Null => true,
        DataType::Struct(fields) => {
            let has = |name| fields.iter().any(|field| field.name() == name);
            let is_own = field.metadata().get(TYPE_KEY).is_some_and(|text| text == "file");
            is_own || (has("bytes") && has("path"))
        }
        _ => false,
    }
}

/// The files of an argument.
fn files(call: &Call) -> Result<FileArray> {
    let argument = &call.arguments[0].array;
    match FileArray::of(argument)? {
        Some(files) => Ok(files),
        // An argument that is nothing but NULL.
        None => {
            let none =
                arrow_array::new_null_array(&DataType::Struct(file_fields()), argument.len());
            FileArray::of(&none)?.ok_or_else(|| call.fault("its argument is no file"))
        }
    }
}

/// What `of` says of every row that has a file.
fn each<'a, T: 'a>(
    call: &'a Call,
    of: impl Fn(usize) -> Option<T> + 'a,
) -> impl Iterator<Item = Option<T>> + 'a {
    let argument = &call.arguments[0];
    (0..call.row_count()).map(move |row| (!argument.is_null(row)).then(|| of(argument.row(row)))?)
}

/// The bytes that are there count, what a row says of its size only where they are elsewhere.
fn run_size(call: &Call) -> Result<ArrayRef> {
    let files = files(call)?;
    let size = |row: usize| match files.bytes(row) {
        Some(bytes) => i64::try_from(bytes.len()).ok(),
        None => files.size_bytes(row),
    };
    Ok(Arc::new(each(call, size).collect::<Int64Array>()))
}

fn run_type(call: &Call) -> Result<ArrayRef> {
    let files = files(call)?;
    Ok(Arc::new(each(call, |row| files.media_type(row)).collect::<StringArray>()))
}

fn run_bytes(call: &Call) -> Result<ArrayRef> {
    let files = files(call)?;
    if let Some(path) = each(call, |row| files.outside(row)).flatten().next() {
        return Err(call.fault(format!(
            "the bytes of {path:?} are outside its row and were not fetched; select them from the dataset itself"
        )));
    }
    Ok(Arc::new(each(call, |row| files.bytes(row)).collect::<BinaryArray>()))
}
