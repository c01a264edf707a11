//! File attributes: `file_size`, `file_type`, `file_bytes`.
//!
//! A file is a struct of which `bytes` is null where the file is an object of its own. The size and
//! the type are among the details, so they need no bytes. `file_bytes` returns what `bytes` holds: a
//! statement that calls it has files fetched with their bytes, wherever these are.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, BinaryArray, Int64Array, StringArray};
use arrow_schema::{DataType, Field, FieldRef};
use datafusion::common::Result;
use tenrow::format::{TYPE_KEY, file_fields};

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
struct Files<'a> {
    call: &'a Call,
    array: &'a ArrayRef,
}

impl<'a> Files<'a> {
    fn of(call: &'a Call) -> Self {
        Self { call, array: &call.arguments[0].array }
    }

    /// A part of all files as `data_type`; nulls where the struct lacks it.
    fn part(&self, name: &str, data_type: &DataType) -> Result<ArrayRef> {
        let column = self.array.as_struct_opt().and_then(|files| files.column_by_name(name));
        Ok(match column {
            Some(column) => arrow_cast::cast(column, data_type)?,
            None => arrow_array::new_null_array(data_type, self.array.len()),
        })
    }

    fn bytes(&self) -> Result<BinaryArray> {
        Ok(self.part("bytes", &DataType::Binary)?.as_binary::<i32>().clone())
    }

    fn texts(&self, name: &str) -> Result<StringArray> {
        Ok(self.part(name, &DataType::Utf8)?.as_string::<i32>().clone())
    }

    /// The places of the rows asked for; `None` where the file is null.
    fn rows(&self) -> impl Iterator<Item = Option<usize>> + '_ {
        let argument = &self.call.arguments[0];
        (0..self.call.row_count())
            .map(move |row| (!argument.is_null(row)).then_some(argument.row(row)))
    }
}

/// The bytes that are there count, what a row says of its size only where they are elsewhere.
fn run_size(call: &Call) -> Result<ArrayRef> {
    let files = Files::of(call);
    let (bytes, stated) = (files.bytes()?, files.part("size_bytes", &DataType::Int64)?);
    let stated = stated.as_primitive::<Int64Type>();
    let size = |row: usize| match (bytes.is_valid(row), stated.is_valid(row)) {
        (true, _) => Some(i64::from(bytes.value_length(row))),
        (false, true) => Some(stated.value(row)),
        (false, false) => None,
    };
    Ok(Arc::new(files.rows().map(|row| row.and_then(size)).collect::<Int64Array>()))
}

fn run_type(call: &Call) -> Result<ArrayRef> {
    let files = Files::of(call);
    let types = files.texts("media_type")?;
    let media_type = |row: usize| types.is_valid(row).then(|| types.value(row));
    Ok(Arc::new(files.rows().map(|row| row.and_then(media_type)).collect::<StringArray>()))
}

fn run_bytes(call: &Call) -> Result<ArrayRef> {
    let files = Files::of(call);
    let (bytes, paths) = (files.bytes()?, files.texts("path")?);
    let content = |row: usize| {
        match (bytes.is_valid(row), paths.is_valid(row)) {
        (true, _) => Ok(Some(bytes.value(row))),
        (false, true) => Err(call.fault(format!(
            "the bytes of {:?} are outside its row and were not fetched; select them from the dataset itself",
            paths.value(row)
        ))),
        (false, false) => Ok(None),
    }
    };
    let found = files.rows().map(|row| row.map_or(Ok(None), content));
    Ok(Arc::new(found.collect::<Result<BinaryArray>>()?))
}
