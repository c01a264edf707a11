//! SQL over the datasets below some folders, and over versions by names of their own.

use std::collections::HashMap;

use pyo3::prelude::*;
use tenrow::{Error, Storage, StoreOptions};
use tenrow_sql::{Session, SessionOptions};

use crate::arrow::ArrowBatches;
use crate::error::raised;
use crate::runtime::{check_may_write, wait_for_task};
use crate::snapshot::Snapshot;

/// The answer to a statement over the datasets below `roots`, by the names of their schemas, and over `snapshots`.
#[pyfunction]
#[pyo3(signature = (statement, roots, options=HashMap::new(), memory_limit_bytes=None, snapshots=Vec::new()))]
pub(crate) fn sql(
    py: Python<'_>,
    statement: &str,
    roots: Vec<(String, String)>,
    options: HashMap<String, String>,
    memory_limit_bytes: Option<u64>,
    snapshots: Vec<(String, PyRef<'_, Snapshot>)>,
) -> PyResult<ArrowBatches> {
    if !is_question(statement) {
        check_may_write()?;
    }
    let store: StoreOptions =
        options.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut session = SessionOptions::default();
    if let Some(bytes) = memory_limit_bytes {
        session = session.with_memory_limit_bytes(bytes);
    }
    for (name, location) in roots {
        let storage = Storage::open_with(&location, &store).map_err(|error| raised(&error))?;
        session = session.with_root_storage(name, storage);
    }
    for (name, snapshot) in snapshots {
        session = session.with_snapshot(name, snapshot.snapshot.clone());
    }
    let failed = |error: tenrow_sql::Error| Error::new(error.kind(), error.chain());
    let session = Session::new(&session).map_err(|error| raised(&failed(error)))?;
    let statement = statement.to_owned();
    let answer = async move {
        let answer = session.sql(&statement).await.map_err(failed)?;
        let schema = answer.schema().clone();
        Ok((schema, answer.collect().await.map_err(failed)?))
    };
    let (schema, batches) = wait_for_task(py, answer)?;
    Ok(ArrowBatches::of(schema, batches))
}

/// Whether a statement surely only reads.
fn is_question(statement: &str) -> bool {
    let first = statement.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    ["select", "with", "explain", "show", "describe", "values"].contains(&first.as_str())
}
