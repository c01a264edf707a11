//! SQL over the datasets below some folders, and over rows of versions by names of their own.

use std::collections::HashMap;
use std::mem;

use arrow_array::RecordBatch;
use arrow_schema::DataType;
use datafusion::common::{DataFusionError, ScalarValue};
use futures::TryStreamExt;
use futures::future::ready;
use futures::stream::BoxStream;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tenrow::StoreOptions;
use tenrow::storage::Storage;
use tenrow_sql::{Answer, Session, SessionOptions};
use tenrow_values::CastMode;

use crate::arrow::{ArrowBatches, Batches};
use crate::error::{invalid, raised};
use crate::runtime::{Home, check_may_write, wait_for_task};
use crate::schema::attribute_of;
use crate::values::{self, array_of};
use crate::view::View;

/// The answer to a statement over the datasets below `roots`, by the names of their schemas, and over `views`, with
/// values for its parameters: name, type, and the value in a list.
#[pyfunction]
#[pyo3(signature = (statement, roots, options=HashMap::new(), memory_limit_bytes=None, views=Vec::new(), parameters=Vec::new()))]
pub(crate) fn sql(
    py: Python<'_>,
    statement: &str,
    roots: Vec<(String, String)>,
    options: HashMap<String, String>,
    memory_limit_bytes: Option<u64>,
    views: Vec<(String, PyRef<'_, View>)>,
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
    for (name, view) in views {
        session = session.with_view(name, view.view.clone());
    }
    let session = Session::new(&session).map_err(|error| raised(&error))?;
    let answer = answered(py, &session, statement, &parameters)?;
    Ok(ArrowBatches::new(answer.schema().clone(), Answered::new(answer)))
}

/// Runs the statements of a text in order until one fails; what the last answers.
fn answered(
    py: Python<'_>,
    session: &Session,
    text: &str,
    parameters: &HashMap<String, ScalarValue>,
) -> PyResult<Answer> {
    let statements = tenrow_sql::statements(text).map_err(|error| raised(&error))?;
    let values = tenrow_sql::values_of_each(&statements, parameters);
    let values = values.map_err(|error| raised(&error))?;
    let mut last: Option<Answer> = None;
    for (statement, values) in statements.into_iter().zip(values) {
        if let Some(before) = last.take() {
            // What is wrong with its rows is found by reading them, and nothing comes after what fails.
            wait_for_task(py, before.into_stream().try_for_each(|_| ready(Ok(()))))?;
        }
        let session = session.clone();
        let prepared = async move { session.prepare_with(&statement, values).await };
        let prepared = wait_for_task(py, prepared)?;
        if prepared.changes() {
            check_may_write()?;
        }
        last = Some(wait_for_task(py, prepared.run())?);
    }
    last.ok_or_else(|| invalid("no statement"))
}

/// The answer to a statement: the engine computes a batch when it is asked for, by threads of this process.
struct Answered {
    stream: Option<BoxStream<'static, tenrow::Result<RecordBatch>>>,
    home: Home,
}

impl Answered {
    fn new(answer: Answer) -> Self {
        Self { stream: Some(answer.into_stream()), home: Home::here() }
    }
}

impl Batches for Answered {
    fn next(&mut self, py: Python<'_>) -> PyResult<Option<RecordBatch>> {
        self.home.check_threads()?;
        let Some(mut stream) = self.stream.take() else { return Ok(None) };
        let next = async move { Ok((stream.try_next().await?, stream)) };
        let (batch, stream) = wait_for_task(py, next)?;
        self.stream = batch.is_some().then_some(stream);
        Ok(batch)
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        // The tasks of a parent are not here, and their locks may be held for ever.
        if !self.home.is_here() {
            mem::forget(self.stream.take());
        }
    }
}

/// The next rows of an answer, as a dict of columns; none after the last.
#[pyfunction]
pub(crate) fn next_columns<'py>(
    py: Python<'py>,
    batches: &ArrowBatches,
) -> PyResult<Option<Bound<'py, PyDict>>> {
    let Some(batch) = batches.next(py)? else { return Ok(None) };
    let columns = PyDict::new(py);
    for (field, column) in batches.schema().fields().iter().zip(batch.columns()) {
        if columns.contains(field.name())? {
            return Err(invalid(format!(
                "two columns are called {:?}: give one another name, by AS",
                field.name()
            )));
        }
        columns.set_item(field.name(), values::of_answer(py, field, column)?)?;
    }
    Ok(Some(columns))
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
