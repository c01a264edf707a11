//! Files on their way in.

use std::io::Read;
use std::sync::Arc;

use arrow_array::ArrayRef;
use pyo3::exceptions::PyFileNotFoundError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use tenrow::{Attribute, DatasetWriter, FileValue};
use tenrow_values::{CastMode, media_type};

use super::from_python::of_arrow;
use super::texts::check_size;
use crate::error::{invalid, wrong_type};
use crate::memory::type_of;
use crate::runtime::wait;

/// Files: bytes, paths of files to read, objects with `read`, or dicts of `bytes` or `path` with `name` and `media_type`.
pub(super) fn files(
    writer: &mut DatasetWriter,
    values: &Bound<'_, PyAny>,
    attribute: &Attribute,
    mode: CastMode,
) -> PyResult<ArrayRef> {
    if values.hasattr("__arrow_c_array__")? || values.hasattr("__arrow_c_stream__")? {
        return of_arrow(values, attribute, mode);
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
    tenrow::storage::open_regular(path).ok()?.take(4096).read_to_end(&mut first).ok()?;
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
