//! Errors as Python's: one class for each kind, defined in `tenrow._errors`.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tenrow::{Error, ErrorKind};

/// What the classes of `tenrow._errors` are called.
fn class(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotADataset => "NotADataset",
        ErrorKind::NotFound => "NotFound",
        ErrorKind::AlreadyExists => "AlreadyExists",
        ErrorKind::TooNew => "TooNew",
        ErrorKind::Corrupt => "Corrupt",
        ErrorKind::InvalidInput => "InvalidInput",
        ErrorKind::Conflict => "Conflict",
        ErrorKind::Unsupported => "Unsupported",
        ErrorKind::Denied => "Denied",
        ErrorKind::InDoubt => "InDoubt",
        // What stops the work raises an exception of its own.
        ErrorKind::Stopped => "Error",
        _ => "StoreError",
    }
}

/// The exception of an error, with all its causes in its text.
pub(crate) fn raised(error: &Error) -> PyErr {
    of_class(class(error.kind()), error.chain())
}

/// A value of another type than its attribute.
pub(crate) fn wrong_type(text: impl Into<String>) -> PyErr {
    of_class("WrongType", text.into())
}

/// A value that its attribute does not take.
pub(crate) fn invalid(text: impl Into<String>) -> PyErr {
    of_class("InvalidInput", text.into())
}

/// A row that there is not.
pub(crate) fn out_of_range(row: i64, rows: u64) -> PyErr {
    of_class("OutOfRange", format!("row {row} is out of range: there are {rows} rows"))
}

fn of_class(name: &str, text: String) -> PyErr {
    Python::attach(|py| {
        static ERRORS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
        let errors = ERRORS
            .get_or_try_init(py, || PyModule::import(py, "tenrow._errors").map(Bound::unbind));
        let class = errors.and_then(|errors| errors.bind(py).getattr(name));
        match class.and_then(|class| class.call1((text.clone(),))) {
            Ok(exception) => PyErr::from_value(exception),
            // The package is not whole.
            Err(_) => PyRuntimeError::new_err(text),
        }
    })
}
