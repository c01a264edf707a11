//! A statement that runs, and its answer as it comes.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use tenrow_sql::{Change, Session, StatementKind};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::engine::Engine;
use crate::fault::{Interrupted, Result};
use crate::interrupts::Interrupts;

/// Batches that wait to be shown, at most.
const WAITING: usize = 2;
/// How long a statement may take to end when it was interrupted: what it was writing goes away with it.
const END_TIME: Duration = Duration::from_secs(2);

/// A piece of an answer: what it is, once, and then its rows.
pub(crate) enum Part {
    Begun(Begun),
    Rows(RecordBatch),
}

/// What is known of an answer before its rows.
pub(crate) struct Begun {
    /// What the statement is for.
    pub(crate) kind: StatementKind,
    /// What it did, if it changes something: it has no rows then.
    pub(crate) change: Option<Change>,
    pub(crate) columns: SchemaRef,
}

/// Texts of parameters by their names; none is null.
pub(crate) type Texts = HashMap<String, Option<String>>;

/// A statement under way. Dropping it ends its work.
pub(crate) struct Query {
    parts: mpsc::Receiver<tenrow::Result<Part>>,
    task: Option<JoinHandle<()>>,
}

impl Query {
    /// Sets off, in a task of its own: whoever waits for the answer can stop waiting at any moment.
    pub(crate) fn start(engine: &Engine, session: &Session, statement: &str, texts: Texts) -> Self {
        let (sender, parts) = mpsc::channel(WAITING);
        let (session, statement) = (session.clone(), statement.to_owned());
        let task = engine.spawn(async move {
            if let Err(error) = answer(&session, &statement, &texts, &sender).await {
                // Nobody waits any more.
                let _ = sender.send(Err(error)).await;
            }
        });
        Self { parts, task }
    }

    /// The next part; `None` after the last.
    ///
    /// # Errors
    /// Of the statement; [`Interrupted`] after Ctrl-C.
    pub(crate) async fn next(&mut self, interrupts: &mut Interrupts) -> Result<Option<Part>> {
        tokio::select! {
            biased;
            () = interrupts.pressed() => {
                self.end().await;
                Err(Interrupted.into())
            }
            part = self.parts.recv() => match part {
                Some(part) => Ok(Some(part?)),
                None => self.ended().await,
            },
        }
    }

    /// Nothing: there are no more parts, unless that is so because the task panicked.
    async fn ended(&mut self) -> Result<Option<Part>> {
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
            && error.is_panic()
        {
            resume_unwind(error.into_panic());
        }
        Ok(None)
    }

    /// Ends its work, and waits for that if it does not take long.
    async fn end(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = tokio::time::timeout(END_TIME, task).await;
        }
    }
}

impl Drop for Query {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn answer(
    session: &Session,
    statement: &str,
    texts: &Texts,
    parts: &mpsc::Sender<tenrow::Result<Part>>,
) -> tenrow::Result<()> {
    let prepared = session.prepare_with_texts(statement, texts).await?;
    let kind = prepared.kind();
    let mut answer = prepared.run().await?;
    let (change, columns) = (answer.change(), answer.schema().clone());
    if parts.send(Ok(Part::Begun(Begun { kind, change, columns }))).await.is_err()
        || change.is_some()
    {
        return Ok(());
    }
    while let Some(batch) = answer.next().await? {
        if parts.send(Ok(Part::Rows(batch))).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    #[should_panic(expected = "told so")]
    async fn a_statement_that_panics_is_not_one_without_rows() {
        let (sender, parts) = mpsc::channel(WAITING);
        let task = tokio::spawn(async move {
            let _sender: mpsc::Sender<tenrow::Result<Part>> = sender;
            panic!("told so")
        });
        let mut query = Query { parts, task: Some(task) };
        let mut interrupts = Interrupts::listen(crate::interrupts::Second::Waits).unwrap();
        let _ = query.next(&mut interrupts).await;
    }
}
