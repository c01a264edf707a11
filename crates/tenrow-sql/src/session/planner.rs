//! From a statement and its tables to a logical plan.

use std::sync::Arc;

use arrow_schema::{DataType, Schema, SchemaRef};
use datafusion::catalog::TableFunctionArgs;
use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::common::config::ConfigOptions;
use datafusion::common::{DFSchema, Result, TableReference, plan_datafusion_err};
use datafusion::datasource::provider_as_source;
use datafusion::execution::SessionState;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{
    AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource, WindowUDF,
};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::sql::parser::Statement;
use datafusion::sql::planner::{ParserOptions, SqlToRel};
use datafusion::sql::sqlparser::ast::ColumnDef;

use crate::catalog::Tables;

/// The plan of `statement`, whose tables were all looked up.
pub(crate) fn plan(
    state: &SessionState,
    tables: &Tables<'_>,
    statement: Statement,
) -> Result<LogicalPlan> {
    let context = Context { state, tables };
    SqlToRel::new_with_options(&context, options(state)).statement_to_plan(statement)
}

/// The types of columns that `CREATE TABLE` and its like describe.
pub(crate) fn column_types(
    state: &SessionState,
    tables: &Tables<'_>,
    columns: Vec<ColumnDef>,
) -> Result<Schema> {
    SqlToRel::new_with_options(&Context { state, tables }, options(state)).build_schema(columns)
}

fn options(state: &SessionState) -> ParserOptions {
    let settings = &state.config_options().sql_parser;
    ParserOptions::new()
        .with_parse_float_as_decimal(settings.parse_float_as_decimal)
        .with_enable_ident_normalization(settings.enable_ident_normalization)
        // Text of datasets is of the one kind; so are the casts to it.
        .with_map_string_types_to_utf8view(false)
        .with_collect_spans(settings.collect_spans)
}

/// The session's functions, and the tables of one statement.
struct Context<'a> {
    state: &'a SessionState,
    tables: &'a Tables<'a>,
}

impl ContextProvider for Context<'_> {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        let provider = self.tables.provider(&name);
        provider
            .map(|provider| provider_as_source(provider.clone()))
            .ok_or_else(|| plan_datafusion_err!("no table {name}"))
    }

    fn get_table_function_source(
        &self,
        name: &str,
        args: Vec<Expr>,
    ) -> Result<Arc<dyn TableSource>> {
        let functions = self.state.table_functions();
        let function =
            functions.get(name).ok_or_else(|| plan_datafusion_err!("no table function {name}"))?;
        let context = SimplifyContext::builder()
            .with_config_options(Arc::clone(self.state.config_options()))
            .build();
        let simplifier = ExprSimplifier::new(context);
        let nothing = DFSchema::empty();
        let constant = |arg| simplifier.simplify(simplifier.coerce(arg, &nothing)?);
        let args = args.into_iter().map(constant).collect::<Result<Vec<_>>>()?;
        let args = TableFunctionArgs::new(&args, self.state);
        Ok(provider_as_source(function.create_table_provider_with_args(args)?))
    }

    fn create_cte_work_table(&self, name: &str, schema: SchemaRef) -> Result<Arc<dyn TableSource>> {
        Ok(provider_as_source(Arc::new(CteWorkTable::new(name, schema))))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.state.expr_planners()
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.state.scalar_functions().get(name).cloned()
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.state.higher_order_functions().get(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.state.aggregate_functions().get(name).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.state.window_functions().get(name).cloned()
    }

    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.state.config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        self.state.scalar_functions().keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        self.state.higher_order_functions().keys().cloned().collect()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.state.aggregate_functions().keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.state.window_functions().keys().cloned().collect()
    }
}
