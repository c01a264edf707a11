//! Schemas: as texts such as `image: u8[28,28]`, and taken from Arrow.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tenrow::{Attribute, AttributeType, Encoding, ErrorKind, Schema};

use crate::arrow::batches_of;
use crate::error::{invalid, raised};

/// An attribute of a text, checked: its name, type, nullability and encoding.
#[pyfunction]
pub(crate) fn parse_attribute<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyDict>> {
    describe(py, &parse(text)?)
}

/// What the attributes of an Arrow table would be: names and types.
#[pyfunction]
pub(crate) fn infer_attributes(value: &Bound<'_, PyAny>) -> PyResult<Vec<(String, String)>> {
    // Without reading anything, if that is possible: a stream is read once.
    let schema = match value.hasattr("__arrow_c_schema__")? {
        true => value.extract::<pyo3_arrow::PySchema>()?.into_inner(),
        false => batches_of(value)?.0,
    };
    let attributes = schema.fields().iter().map(|field| {
        let attribute = tenrow_values::attribute_of(field);
        let attribute = attribute.map_err(|error| invalid(error.to_string()))?;
        let attribute = tenrow_values::of_new_dataset(attribute);
        let type_text = attribute.type_text();
        Ok((attribute.name, type_text))
    });
    attributes.collect()
}

/// Names as an error lists them.
#[pyfunction]
pub(crate) fn names_listed(names: Vec<String>) -> String {
    tenrow::engine::names_listed(names.iter().map(String::as_str))
}

/// An attribute of this name, and of the type that a text says.
pub(crate) fn attribute_of(name: &str, type_text: &str) -> PyResult<Attribute> {
    let failed = |error| raised(&tenrow::Error::format(format!("attribute {name:?}"), error));
    Attribute::of_type(name, type_text).map_err(failed)
}

fn parse(text: &str) -> PyResult<Attribute> {
    let failed = |error| raised(&tenrow::Error::format(format!("attribute {text:?}"), error));
    Attribute::parse(text).map_err(failed)
}

/// The schema of attributes, as names and types, with the encodings of some of them.
pub(crate) fn schema(
    attributes: &[(String, String)],
    encodings: &[(String, String)],
) -> PyResult<Schema> {
    let parsed = attributes.iter().map(|(name, type_text)| attribute_of(name, type_text));
    let mut parsed = parsed.collect::<PyResult<Vec<_>>>()?;
    for (name, text) in encodings {
        let encoding = parsed_encoding(name, text)?;
        let found = parsed.iter_mut().find(|attribute| attribute.name == *name);
        let attribute = found.ok_or_else(|| {
            let reason = format!("an encoding for {name:?}, which is no attribute");
            raised(&tenrow::Error::new(ErrorKind::NotFound, reason))
        })?;
        *attribute = attribute.clone().with_encoding(encoding);
    }
    Schema::new(parsed).map_err(|error| raised(&tenrow::Error::format("the schema", error)))
}

/// The encoding of an attribute, of a text such as `zstd:3`.
pub(crate) fn parsed_encoding(name: &str, text: &str) -> PyResult<Encoding> {
    text.parse()
        .map_err(|error| raised(&tenrow::Error::format(format!("encoding of {name:?}"), error)))
}

/// What there is to know of an attribute.
pub(crate) fn describe<'py>(
    py: Python<'py>,
    attribute: &Attribute,
) -> PyResult<Bound<'py, PyDict>> {
    let about = PyDict::new(py);
    about.set_item("name", &attribute.name)?;
    about.set_item("type", attribute.type_text())?;
    about.set_item("kind", attribute.attribute_type.kind())?;
    about.set_item("nullable", attribute.nullable)?;
    about.set_item("encoding", attribute.encoding.to_string())?;
    let (dtype, shape) = match &attribute.attribute_type {
        AttributeType::Tensor { dtype, shape } => {
            (Some(*dtype), Some(shape.dims().iter().map(|&dim| Some(dim)).collect()))
        }
        AttributeType::VariableTensor { dtype, shape } => {
            let dims: Vec<Option<u64>> =
                shape.dims().iter().map(|dim| dim.map(u64::from)).collect();
            (Some(*dtype), Some(dims))
        }
        AttributeType::Scalar(dtype) => (Some(*dtype), Some(Vec::new())),
        _ => (None, None),
    };
    about.set_item("dtype", dtype.map(|dtype| dtype.name()))?;
    about.set_item("shape", shape)?;
    Ok(about)
}
