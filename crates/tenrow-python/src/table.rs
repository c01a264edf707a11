//! Versions as tables of the `datafusion` package, by the C interface that its tables have.
#![allow(unsafe_code, reason = "the capsule of a session holds C structures of the interface")]

use std::ffi::CStr;
use std::future::poll_fn;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion_ffi::proto::logical_extension_codec::FFI_LogicalExtensionCodec;
use datafusion_ffi::table_provider::FFI_TableProvider;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyCapsuleMethods};
use tokio::runtime::Handle;

use crate::error::wrong_type;
use crate::runtime;
use crate::snapshot::Snapshot;

const TABLE: &CStr = c"datafusion_table_provider";
const CODEC: &CStr = c"datafusion_logical_extension_codec";

/// A capsule of the version as a table, for the session of the `datafusion` package that asks for it.
#[pyfunction]
pub(crate) fn datafusion_table<'py>(
    py: Python<'py>,
    snapshot: &Snapshot,
    session: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyCapsule>> {
    check_version(py)?;
    let codec = codec(session)?;
    let runtime = runtime::handle()?;
    let table = tenrow_sql::table_provider(&snapshot.snapshot);
    let table = Arc::new(Table { table, runtime: runtime.clone() });
    let table = FFI_TableProvider::new_with_ffi_codec(table, true, Some(runtime), codec);
    PyCapsule::new_with_value(py, table, TABLE)
}

/// The structures of the interface are those of one major version.
fn check_version(py: Python<'_>) -> PyResult<()> {
    let found: String = PyModule::import(py, "datafusion")?.getattr("__version__")?.extract()?;
    let expected = datafusion_ffi::version();
    match found.split('.').next().and_then(|major| major.parse().ok()) == Some(expected) {
        true => Ok(()),
        false => Err(wrong_type(format!(
            "the package datafusion {found} has another interface: pip install 'datafusion=={expected}.*'"
        ))),
    }
}

/// What turns the filters of a session into bytes and back: that of the session, or what is given in its place.
fn codec(session: &Bound<'_, PyAny>) -> PyResult<FFI_LogicalExtensionCodec> {
    let getter = "__datafusion_logical_extension_codec__";
    let capsule = match session.hasattr(getter)? {
        true => session.call_method0(getter)?,
        false => session.clone(),
    };
    let capsule = capsule.cast_into::<PyCapsule>().map_err(PyErr::from)?;
    let codec = capsule.pointer_checked(Some(CODEC))?.cast::<FFI_LogicalExtensionCodec>();
    // SAFETY: capsules of this name hold this structure, of the version that was checked; the capsule is kept meanwhile.
    Ok(unsafe { codec.as_ref() }.clone())
}

/// A table whose reads find the runtime of this package, which is not that of the session.
#[derive(Debug)]
struct Table {
    table: Arc<dyn TableProvider>,
    runtime: Handle,
}

#[async_trait]
impl TableProvider for Table {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        self.table.table_type()
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        self.table.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut plan = self.table.scan(session, projection, filters, limit);
        poll_fn(|context| {
            let _entered = self.runtime.enter();
            plan.as_mut().poll(context)
        })
        .await
    }
}
