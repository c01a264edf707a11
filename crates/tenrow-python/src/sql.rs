//! SQL over the datasets below some folders, and over versions by names of their own.

use std::collections::HashMap;

use arrow_schema::DataType;
use datafusion::common::{DataFusionError, ScalarValue};
use pyo3::prelude::*;
use tenrow::{Error, Storage, StoreOptions};
use tenrow_sql::{Session, SessionOptions};
use tenrow_values::CastMode;

use crate::arrow::ArrowBatches;
use crate::error::{invalid, raised};
use crate::runtime::{check_may_write, wait_for_task};
use crate::schema::attribute_of;
use crate::snapshot::Snapshot;
use crate::values::array_of;

/// The answer to a statement over the datasets below `roots`, by the names of their schemas, and over `snapshots`, with
/// values for its parameters: name, type, and the value in a list.
#[pyfunction]
#[pyo3(signature = (statement, roots, options=HashMap::new(), memory_limit_bytes=None, snapshots=Vec::new(), parameters=Vec::new()))]
pub(crate) fn sql(
    py: Python<'_>,
    statement: &str,
    roots: Vec<(String, String)>,
    options: HashMap<String, String>,
    memory_limit_bytes: Option<u64>,
    snapshots: Vec<(String, PyRef<'_, Snapshot>)>,
    parameters: Vec<(String, String, Bound<'_, PyAny>)>,
) -> PyResult<ArrowBatches> {
    let parameters = parameters.iter().map(parameter).collect::<PyResult<HashMap<_, _>>>()?;
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
    let prepared = async move {
        let prepared = match parameters.is_empty() {
            true => session.prepare(&statement).await,
            false => session.prepare_with(&statement, parameters).await,
        };
        prepared.map_err(failed)
    };
    let prepared = wait_for_task(py, prepared)?;
    if prepared.changes() {
        check_may_write()?;
    }
    let answer = async move {
        let answer = prepared.run().await.map_err(failed)?;
        let schema = answer.schema().clone();
        Ok((schema, answer.collect().await.map_err(failed)?))
    };
    let (schema, batches) = wait_for_task(py, answer)?;
    Ok(ArrowBatches::of(schema, batches))
}

fn parameter(
    (name, type_text, values): &(String, String, Bound<'_, PyAny>),
) -> PyResult<(String, ScalarValue)> {
    if type_text.is_empty() {
        return Ok((name.clone(), ScalarValue::Null));
    }
    let attribute = attribute_of(&format!("${name}"), type_text)?;
    let value = array_of(values, &attribute, CastMode::Refuse)?;
    let failed = |error: DataFusionError| invalid(error.to_string());
    let value = ScalarValue::try_from_array(&value, 0).map_err(failed)?;
    // As a list that is written: of any length, for tensors and lists alike.
    let value = match value.data_type() {
        DataType::FixedSizeList(item, _) => value.cast_to(&DataType::List(item)).map_err(failed)?,
        _ => value,
    };
    Ok((name.clone(), value))
}
