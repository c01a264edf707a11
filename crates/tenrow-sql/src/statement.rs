//! A statement from its text to its answer: read, checked and planned, then run.

use std::collections::HashMap;
use std::fmt;

use arrow_schema::SchemaRef;
use datafusion::common::{ParamValues, TableReference};
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;
use tenrow::{Error, Result, View, ViewOptions};

use crate::catalog::{Tables, ViewName};
use crate::kind::StatementKind;
use crate::placeholders;
use crate::rewrite;
use crate::session::{Answer, Session};
use crate::writing;

/// A statement that was read and planned, and has not been run.
///
/// What it reads is pinned to one version of each dataset. What it changes is read again when it runs.
///
/// ```
/// use datafusion::common::ScalarValue;
/// use tenrow_sql::{Session, SessionOptions};
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let session = Session::new(&SessionOptions::default())?;
/// let prepared = session.prepare("SELECT $1 + 1 AS next").await?;
/// assert!(!prepared.changes());
/// let answer = prepared.with_parameters(vec![ScalarValue::from(41i64)]).await?.run().await?;
/// assert_eq!(answer.schema().field(0).name(), "next");
/// assert_eq!(answer.collect().await?[0].num_rows(), 1);
/// # Ok::<(), tenrow::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Prepared {
    session: Session,
    text: String,
    what: What,
}

enum What {
    Reads { state: Box<SessionState>, plan: LogicalPlan },
    Changes { kind: StatementKind, statement: Box<Statement> },
}

impl Session {
    /// Reads and plans one statement. Cost: roots and leaves of the datasets that it names; no rows.
    ///
    /// # Errors
    /// [`InvalidInput`](tenrow::ErrorKind::InvalidInput) for a statement that is wrong;
    /// [`NotFound`](tenrow::ErrorKind::NotFound) for a dataset, version or tag that is not there, with what is
    /// near; [`Unsupported`](tenrow::ErrorKind::Unsupported); those of the datasets that are read. A statement that
    /// changes something may fail with these when it runs.
    pub async fn prepare(&self, text: &str) -> Result<Prepared> {
        self.clone().planned(text, rewrite::parse_one(text)?).await
    }

    /// [`prepare`](Self::prepare) with values for the parameters: see [`Prepared::with_parameters`], which is for those that are
    /// not known yet.
    ///
    /// # Errors
    /// Those of the two.
    pub async fn prepare_with(
        &self,
        text: &str,
        values: impl Into<ParamValues>,
    ) -> Result<Prepared> {
        let mut statement = rewrite::parse_one(text)?;
        let values = rewrite::put_values(&mut statement, values.into())?;
        self.clone().with_parameters(values).planned(text, statement).await
    }

    /// [`prepare`](Self::prepare) with texts for the parameters by their names, as a command line has them; `None` is null.
    ///
    /// Each becomes a value of what the statement compares its parameter with, computes with it or stores it in, with all
    /// its digits; where it does none of these it is a text, and `CAST($1 AS BIGINT)` makes something else of it.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use tenrow_sql::{Session, SessionOptions};
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// let session = Session::new(&SessionOptions::default())?;
    /// let texts = HashMap::from([("least".to_owned(), Some("3".to_owned()))]);
    /// let text = "SELECT value FROM range(1, 6) WHERE value >= $least";
    /// let batches = session.prepare_with_texts(text, &texts).await?.run().await?.collect().await?;
    /// assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 3);
    /// # Ok::<(), tenrow::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`prepare`](Self::prepare), and [`InvalidInput`](tenrow::ErrorKind::InvalidInput) if a parameter has no text,
    /// a text no parameter, or a text is no such value.
    pub async fn prepare_with_texts(
        &self,
        text: &str,
        texts: &HashMap<String, Option<String>>,
    ) -> Result<Prepared> {
        let mut statement = rewrite::parse_one(text)?;
        let types = match texts.is_empty() {
            true => HashMap::new(),
            false => {
                let mut bare = statement.clone();
                complete(&mut bare)?;
                placeholders::types(self, &bare).await?
            }
        };
        rewrite::put_texts(&mut statement, texts, &types)?;
        self.clone().planned(text, statement).await
    }

    /// The statement of a text, read and planned.
    async fn planned(self, text: &str, mut statement: Statement) -> Result<Prepared> {
        complete(&mut statement)?;
        let (session, text) = (self, text.to_owned());
        if let Some(kind) = writing::kind(&statement) {
            let what = What::Changes { kind, statement: Box::new(statement) };
            return Ok(Prepared { session, text, what });
        }
        if let Statement::Explain(explain) = &mut statement
            && let Some(query) = writing::explained(&explain.statement)?
        {
            if explain.options.analyze {
                return Err(Error::unsupported(
                    "EXPLAIN ANALYZE of a statement that changes something: EXPLAIN shows its plan",
                ));
            }
            let query = SqlStatement::Query(Box::new(query));
            *explain.statement = Statement::Statement(Box::new(query));
        }
        let (state, plan) = session.plan(&mut Tables::new(session.roots()), statement).await?;
        Ok(Prepared { session, text, what: What::Reads { state: Box::new(state), plan } })
    }

    /// Answers one statement.
    ///
    /// # Errors
    /// Those of [`prepare`](Self::prepare) and of [`run`](Prepared::run).
    pub async fn sql(&self, text: &str) -> Result<Answer> {
        self.prepare(text).await?.run().await
    }

    /// Keeps the rows of `table` that a query chooses as a view of it, with the text of the query.
    ///
    /// The query is a `SELECT _row FROM …` that reads one version of the dataset: of that one the view is. Rows are kept
    /// in its order and as often as they come; without `ORDER BY`, ascending.
    ///
    /// # Errors
    /// As [`sql`](Self::sql), and [`AlreadyExists`](tenrow::ErrorKind::AlreadyExists) if there is a view of that name.
    pub async fn create_view(
        &self,
        table: &str,
        name: &str,
        query: &str,
        replace: bool,
    ) -> Result<View> {
        let mut statement = rewrite::parse_one(query)?;
        complete(&mut statement)?;
        let Some(parsed) = query_of(statement) else {
            return Err(Error::invalid("a view is made by a query: SELECT _row FROM …"));
        };
        let options = ViewOptions::default().with_query(query.trim()).with_replace(replace);
        let name = ViewName { table: TableReference::bare(table), view: name.to_owned() };
        writing::keep_view(self, &name, &parsed, &options).await
    }
}

impl Prepared {
    /// What it is for.
    pub fn kind(&self) -> StatementKind {
        match &self.what {
            What::Changes { kind, .. } => *kind,
            What::Reads { plan, .. } => match plan {
                LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) => StatementKind::Plan,
                LogicalPlan::Statement(_) => StatementKind::Setting,
                _ => StatementKind::Query,
            },
        }
    }

    /// Whether running it changes a dataset or writes a file.
    pub fn changes(&self) -> bool {
        self.kind().changes()
    }

    /// The columns of its answer. Tensors have the extension metadata that their files have. What changes something
    /// answers with `count` and `version`.
    pub fn schema(&self) -> SchemaRef {
        match &self.what {
            What::Reads { plan, .. } => plan.schema().inner().clone(),
            What::Changes { .. } => writing::schema(),
        }
    }

    /// Its logical plan, before it is optimized; `None` if it changes something, whose query is planned when it runs.
    pub fn plan(&self) -> Option<&LogicalPlan> {
        match &self.what {
            What::Reads { plan, .. } => Some(plan),
            What::Changes { .. } => None,
        }
    }

    /// The statement with values for its parameters: `$1`, `$2` … by a list, `$name` by names. It means what it would with
    /// these written in it, and is planned anew.
    ///
    /// # Errors
    /// Those of [`prepare`](Session::prepare), and [`InvalidInput`](tenrow::ErrorKind::InvalidInput) if a parameter has no
    /// value, or a value no parameter.
    pub async fn with_parameters(self, values: impl Into<ParamValues>) -> Result<Self> {
        self.session.prepare_with(&self.text, values).await
    }

    /// Runs it.
    ///
    /// # Errors
    /// Of the datasets that are read and changed; nothing is visible then of what would have changed.
    pub async fn run(self) -> Result<Answer> {
        match self.what {
            What::Reads { state, plan } => self.session.run(&state, plan).await,
            What::Changes { statement, .. } => writing::run(&self.session, &statement).await,
        }
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("changes", &self.changes()).finish_non_exhaustive()
    }
}

/// Brings a statement to the form that is planned.
fn complete(statement: &mut Statement) -> Result<()> {
    rewrite::check_names(statement)?;
    rewrite::keep_digits(statement);
    rewrite::balance_chains(statement)?;
    rewrite::name_paths(statement);
    rewrite::check_clauses(statement)
}

fn query_of(statement: Statement) -> Option<Box<datafusion::sql::sqlparser::ast::Query>> {
    match statement {
        Statement::Statement(statement) => match *statement {
            SqlStatement::Query(query) => Some(query),
            _ => None,
        },
        _ => None,
    }
}
