//! What a statement gives.

use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use tenrow::{Result, Version};

use crate::error::of_engine;

/// The rows that a statement gives, batch by batch. Dropping it ends the work.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// use tenrow_sql::{Session, SessionOptions};
/// # let dataset = Dataset::create("memory://docs/answer", Schema::new([Attribute::parse("label:i64")?])?).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # writer.commit().await?;
/// let session = Session::new(&SessionOptions::default().with_root("memory://docs"))?;
/// let mut answer = session.prepare("SELECT label FROM answer WHERE label = 4").await?.run().await?;
/// let mut rows = 0;
/// while let Some(batch) = answer.next().await? {
///     rows += batch.num_rows();
/// }
/// assert_eq!(rows, 2);
/// # Ok::<(), tenrow::Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Answer {
    schema: SchemaRef,
    stream: SendableRecordBatchStream,
    plan: Option<Arc<dyn ExecutionPlan>>,
    change: Option<Change>,
}

/// What a statement did that changed something.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// use tenrow_sql::{Session, SessionOptions};
/// # let dataset = Dataset::create("memory://docs/changed", Schema::new([Attribute::parse("label:i64")?])?).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # writer.commit().await?;
/// let session = Session::new(&SessionOptions::default().with_root("memory://docs"))?;
/// let answer = session.prepare("DELETE FROM changed WHERE label = 5").await?.run().await?;
/// let change = answer.change().expect("it changes something");
/// assert_eq!((change.rows, change.version), (1, Some(tenrow::Version(3))));
/// # Ok::<(), tenrow::Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Rows that were inserted, deleted, updated, written, or kept as a view.
    pub rows: u64,
    /// The version that it made, or found to be so already; of files, none.
    pub version: Option<Version>,
}

impl Answer {
    pub(crate) fn new(
        stream: SendableRecordBatchStream,
        plan: Option<Arc<dyn ExecutionPlan>>,
    ) -> Self {
        Self { schema: stream.schema(), stream, plan, change: None }
    }

    /// What was done, and the same as one row.
    pub(crate) fn of_change(change: Change, stream: SendableRecordBatchStream) -> Self {
        Self { change: Some(change), ..Self::new(stream, None) }
    }

    /// What the statement did, if it was one that changes something: its rows tell no more.
    pub fn change(&self) -> Option<Change> {
        self.change
    }

    /// The columns. Tensors have the extension metadata that their files have.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next rows; `None` after the last.
    ///
    /// # Errors
    /// Of the dataset that is read, or of a function; the answer ends with it.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        self.stream.next().await.transpose().map_err(of_engine)
    }

    /// All rows.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn collect(mut self) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        while let Some(batch) = self.next().await? {
            batches.push(batch);
        }
        Ok(batches)
    }

    /// The rows as a stream.
    pub fn into_stream(self) -> BoxStream<'static, Result<RecordBatch>> {
        self.stream.map_err(of_engine).boxed()
    }

    /// The plan that is followed, a line for each step, with what each has measured so far.
    pub fn plan_text(&self) -> String {
        match &self.plan {
            Some(plan) => {
                DisplayableExecutionPlan::with_metrics(plan.as_ref()).indent(false).to_string()
            }
            None => String::new(),
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("schema", &self.schema).finish_non_exhaustive()
    }
}
