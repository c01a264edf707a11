//! A session: datasets in, answers out.

mod answer;
mod memory;
mod options;
mod planner;
mod stack;

use std::path::PathBuf;
use std::sync::Arc;

use arrow_schema::Schema as ArrowSchema;
use datafusion::common::ParamValues;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::Statement as PlannedStatement;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::ColumnDef;
use tenrow::storage::Storage;
use tenrow::{Dataset, Error, Result};

pub use answer::{Answer, Change};
pub use options::{RootOption, RootPlace, SessionOptions};

use tenrow_values::RowFormats;

use crate::catalog::{CATALOG, Root, Roots, Tables};
use crate::error::of_engine;
use crate::functions;
use crate::optimizer;
use crate::rewrite;
use crate::table::UseStatistics;

/// Answers statements over the datasets below some folders.
///
/// Cheap to clone; clones share what they have read. A statement sees one version of each dataset.
///
/// ```
/// use tenrow::{Attribute, Columns, Dataset, Schema};
/// use tenrow_sql::{Session, SessionOptions};
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// # let root = folder.path().display().to_string();
/// let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// let dataset = Dataset::create(&format!("{root}/digits"), schema).await?;
/// let mut writer = dataset.writer().await?;
/// writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// writer.commit().await?;
///
/// let session = Session::new(&SessionOptions::default().with_named_root("data", root))?;
/// let answer = session.sql("SELECT label, _row FROM digits WHERE label = 4").await?;
/// let batches = answer.collect().await?;
/// assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Session {
    context: SessionContext,
    roots: Arc<Roots>,
    output_folders: Arc<[PathBuf]>,
    output_formats: Option<Arc<dyn RowFormats>>,
    /// Of the statement that is run.
    parameters: Option<Arc<ParamValues>>,
}

impl Session {
    /// A session with these options. Touches nothing.
    ///
    /// # Errors
    /// [`InvalidInput`](tenrow::ErrorKind::InvalidInput) if two roots or views have one name, or a location is none.
    pub fn new(options: &SessionOptions) -> Result<Self> {
        let roots = options.roots.iter().map(root_of).collect::<Result<_>>()?;
        let roots = Roots::new(roots, &options.views)?;
        let context = context(options, &roots)?;
        Ok(Self {
            context,
            roots: Arc::new(roots),
            output_folders: options.output_folders.clone().into(),
            output_formats: options.output_formats.clone(),
            parameters: None,
        })
    }

    /// The dataset of a table name, with what statements have read of it so far.
    ///
    /// # Errors
    /// [`NotFound`](tenrow::ErrorKind::NotFound), with what is near.
    pub async fn dataset(&self, name: &str) -> Result<Dataset> {
        Ok(self.roots.find(None, name).await?.1)
    }

    /// The session for a statement with these values for its parameters.
    pub(crate) fn with_parameters(self, parameters: ParamValues) -> Self {
        Self { parameters: Some(Arc::new(parameters)), ..self }
    }

    /// The logical plan of a statement, over tables pinned to one version each.
    pub(crate) async fn plan(
        &self,
        tables: &mut Tables<'_>,
        mut statement: Statement,
    ) -> Result<(SessionState, LogicalPlan)> {
        let hidden = rewrite::mentions_hidden(&statement);
        let (references, _) = resolve_table_references(&statement, true).map_err(of_engine)?;
        for reference in references {
            let found = tables.add(&reference, hidden).await;
            // `range(1, 5)` is named where tables are.
            let is_function = self.context.table_function(reference.table()).is_ok();
            if !is_function {
                found?;
            }
        }
        if hidden {
            rewrite::hide_columns(&mut statement, &*tables)?;
        }
        let state = self.context.state();
        let planned = stack::with_room(async { planner::plan(&state, tables, statement) });
        let plan = planned.await.map_err(of_engine)?;
        let plan = match &self.parameters {
            Some(values) => plan.replace_params_with_values(values).map_err(of_engine)?,
            None => plan,
        };
        Ok((state, plan))
    }

    /// The types of columns that a statement describes.
    pub(crate) fn column_types(&self, columns: Vec<ColumnDef>) -> Result<ArrowSchema> {
        let tables = Tables::new(&self.roots);
        planner::column_types(&self.context.state(), &tables, columns).map_err(of_engine)
    }

    pub(crate) fn roots(&self) -> &Roots {
        &self.roots
    }

    /// The folders that statements may write files to.
    pub(crate) fn output_folders(&self) -> &[PathBuf] {
        &self.output_folders
    }

    /// The formats that they may be written in.
    pub(crate) fn output_formats(&self) -> Option<&dyn RowFormats> {
        self.output_formats.as_deref()
    }

    /// Memory of the session, for the rows of a statement that changes something.
    pub(crate) fn reserve(&self, what: &'static str) -> MemoryReservation {
        let runtime = self.context.runtime_env();
        MemoryConsumer::new(what).register(&runtime.memory_pool)
    }

    /// Follows a plan.
    pub(crate) async fn run(&self, state: &SessionState, plan: LogicalPlan) -> Result<Answer> {
        match &plan {
            // Those that are carried out do not come here: see `writing`.
            LogicalPlan::Ddl(_) | LogicalPlan::Dml(_) | LogicalPlan::Copy(_) => {
                Err(Error::unsupported(format!("{} is not supported", plan.display())))
            }
            LogicalPlan::Statement(
                PlannedStatement::SetVariable(_) | PlannedStatement::ResetVariable(_),
            ) => {
                let done = self.context.execute_logical_plan(plan).await.map_err(of_engine)?;
                let stream = done.execute_stream().await.map_err(of_engine)?;
                Ok(Answer::new(stream, None))
            }
            LogicalPlan::Statement(statement) => {
                Err(Error::unsupported(format!("{} is not supported", statement.name())))
            }
            _ => {
                let plan =
                    stack::with_room(state.create_physical_plan(&plan)).await.map_err(of_engine)?;
                let stream = execute_stream(plan.clone(), state.task_ctx()).map_err(of_engine)?;
                Ok(Answer::new(stream, Some(plan)))
            }
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("roots", &self.roots).finish_non_exhaustive()
    }
}

fn root_of(option: &RootOption) -> Result<Root> {
    let storage = match &option.place {
        RootPlace::Location(location) => Storage::open(location)?,
        RootPlace::Storage(storage) => storage.clone(),
    };
    Root::new(option.name.clone(), storage)
}

fn context(options: &SessionOptions, roots: &Roots) -> Result<SessionContext> {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(CATALOG, roots.default_name())
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(true)
        .with_batch_size(options.batch_rows)
        .set_bool("datafusion.execution.parquet.pushdown_filters", true)
        // Row groups are dealt out by what is read of them; the engine would do it again, by bytes.
        .set_bool("datafusion.optimizer.repartition_file_scans", false)
        // What one side of a join teaches the other is handed down by the names of columns (55.2): where both have a
        // column of one name, rows are lost.
        .set_bool("datafusion.optimizer.enable_join_dynamic_filter_pushdown", false)
        // Members of structs are read at their tables, under names (55.2) that are ambiguous where two are joined.
        .set_bool("datafusion.optimizer.enable_leaf_expression_pushdown", false)
        .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false)
        .set_bool("datafusion.execution.parquet.pruning", options.statistics)
        .set_bool("datafusion.execution.parquet.enable_page_index", options.statistics)
        .with_extension(Arc::new(UseStatistics(options.statistics)));
    if let Some(partitions) = options.target_partitions {
        config = config.with_target_partitions(partitions);
    }
    let memory = options.memory_limit_bytes.unwrap_or_else(memory::default_limit_bytes);
    let memory = usize::try_from(memory).unwrap_or(usize::MAX);
    let runtime =
        RuntimeEnvBuilder::new().with_memory_limit(memory, 1.0).build_arc().map_err(of_engine)?;
    let builder = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features();
    let context = SessionContext::new_with_state(optimizer::install(builder).build());
    functions::register(&context);
    Ok(context)
}
