//! The native part of the Python package: everything that touches stored bytes. What is convenient is Python, in
//! `python/tenrow`.

mod error;
mod ending;
mod runtime;
mod memory;
mod arrow;
mod values;
mod schema;
mod place;
mod progress;
mod keys;
mod file;
mod column;
mod view;
mod snapshot;
mod writer;
mod new_column;
mod dataset;
#[cfg(feature = "sql")]
mod sql;
#[cfg(feature = "sql")]
mod table;

use pyo3::prelude::*;

#[pymodule]
fn _tenrow(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let end = wrap_pyfunction!(ending::end, module)?;
    module.py().import("atexit")?.call_method1("register", (end,))?;
    module.add_function(wrap_pyfunction!(ending::forked, module)?)?;
    module.add_class::<memory::Memory>()?;
    module.add_class::<arrow::ArrowBatches>()?;
    module.add_class::<file::FileHandle>()?;
    module.add_class::<column::TensorColumn>()?;
    module.add_class::<column::ColumnRows>()?;
    module.add_class::<view::View>()?;
    module.add_class::<view::Scan>()?;
    module.add_class::<snapshot::Snapshot>()?;
    module.add_class::<dataset::Dataset>()?;
    module.add_class::<new_column::NewColumn>()?;
    module.add_class::<writer::Writer>()?;
    module.add_function(wrap_pyfunction!(dataset::list_datasets, module)?)?;
    module.add_function(wrap_pyfunction!(schema::parse_attribute, module)?)?;
    module.add_function(wrap_pyfunction!(schema::infer_attributes, module)?)?;
    module.add_function(wrap_pyfunction!(schema::names_listed, module)?)?;
    module.add_function(wrap_pyfunction!(arrow::rows_of, module)?)?;
    module.add_function(wrap_pyfunction!(keys::places_of, module)?)?;
    module.add_function(wrap_pyfunction!(keys::is_row, module)?)?;
    #[cfg(feature = "sql")]
    module.add_function(wrap_pyfunction!(sql::sql, module)?)?;
    #[cfg(feature = "sql")]
    module.add_function(wrap_pyfunction!(sql::next_columns, module)?)?;
    #[cfg(feature = "sql")]
    module.add_function(wrap_pyfunction!(table::datafusion_table, module)?)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
