//! Floats as SQL has them: one NaN, which is more than every number, and one zero. Columns are made so where they are read (see
//! `exec::floats`), and computed ones here. A column that a statement only passes on stays as it is stored, bit by bit: copies are
//! copies.
//!
//! The engine (55.2) compares floats by their bits: 0.0 / 0.0 has a sign on some processors, and was less than every number.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_schema::{DataType, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{
    Column, DFSchema, ExprSchema, Result, ScalarValue, TableReference, internal_datafusion_err,
};
use datafusion::datasource::{TableProvider, provider_as_source, source_as_provider};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::logical_plan::{Aggregate, Projection, TableScan, Unnest};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    BinaryExpr, Cast, ColumnarValue, Expr, ExprSchemable, LogicalPlan, ReturnFieldArgs,
    ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TryCast, Volatility,
};
use datafusion::optimizer::AnalyzerRule;

use crate::exec::{self, SeenFloats};
use crate::optimizer::expressions::changed;
use crate::table::{DatasetTable, ViewTable};

/// Makes floats plain where they are computed, but for those that a statement only gives, or writes.
#[derive(Debug)]
pub(super) struct PlainFloats;

impl AnalyzerRule for PlainFloats {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let plan = plan.transform_up_with_subqueries(|plan| {
            changed(plan, may_be_odd, plain)?.transform_data(|plan| match plan {
                LogicalPlan::Aggregate(aggregate) => of_aggregates(aggregate),
                LogicalPlan::Unnest(unnest) => of_unnested(unnest),
                plan => Ok(Transformed::no(plan)),
            })
        });
        let plan = given(plan.data()?)?;
        let seen = seen(&plan)?;
        plan.transform_down_with_subqueries(|step| scan_of(step, &seen)).data()
    }

    fn name(&self) -> &str {
        "tenrow_plain_floats"
    }
}

/// Whether an expression, if it gives floats, may give other ones than it is given.
fn may_be_odd(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, _) => value.data_type().is_floating() && !value.is_null(),
        Expr::BinaryExpr(BinaryExpr { op, .. }) => op.is_numerical_operators(),
        Expr::Negative(_) | Expr::Cast(_) | Expr::TryCast(_) | Expr::ScalarFunction(_) => true,
        _ => false,
    }
}

fn plain(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let is_floating = |expr: &Expr| expr.get_type(schema).is_ok_and(|t| t.is_floating());
    if !may_be_odd(&expr) || !is_floating(&expr) {
        return Transformed::no(expr);
    }
    // Numbers that are cast are plain, or were made so.
    if let Expr::Cast(Cast { expr: inner, .. }) | Expr::TryCast(TryCast { expr: inner, .. }) = &expr
        && inner.get_type(schema).is_ok_and(|data_type| data_type.is_numeric())
    {
        return Transformed::no(expr);
    }
    match expr {
        Expr::Literal(value, metadata) => {
            let value = match value {
                ScalarValue::Float64(Some(v)) => ScalarValue::Float64(Some(exec::plain_f64(v))),
                value @ (ScalarValue::Float32(_) | ScalarValue::Float16(_)) => {
                    let plain = value.to_array().map(|array| exec::plain(&array));
                    plain.and_then(|array| ScalarValue::try_from_array(&array, 0)).unwrap_or(value)
                }
                other => other,
            };
            Transformed::yes(Expr::Literal(value, metadata))
        }
        // What it computes with need not be plain.
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (left, right) = (Box::new(odd(*left)), Box::new(odd(*right)));
            Transformed::yes(made_plain(Expr::BinaryExpr(BinaryExpr { left, op, right })))
        }
        Expr::Negative(inner) => {
            Transformed::yes(made_plain(Expr::Negative(Box::new(odd(*inner)))))
        }
        other => Transformed::yes(made_plain(other)),
    }
}

fn made_plain(expr: Expr) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::from(Plain { signature }).call(vec![expr])
}

/// The expression as it was before it was made plain.
fn odd(expr: Expr) -> Expr {
    match expr {
        Expr::ScalarFunction(mut call) if call.func.inner().is::<Plain>() => {
            call.args.pop().expect("it was made of one")
        }
        Expr::Alias(mut alias) => {
            alias.expr = Box::new(odd(*alias.expr));
            Expr::Alias(alias)
        }
        other => other,
    }
}

/// The plan, whose own expressions nothing compares.
fn given(plan: LogicalPlan) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Projection(mut projection) => {
            let is_passing = |expr: &Expr| matches!(expr.clone().unalias(), Expr::Column(_));
            if projection.expr.iter().all(is_passing)
                && matches!(*projection.input, LogicalPlan::Values(_))
            {
                projection.input = Arc::new(given(Arc::unwrap_or_clone(projection.input))?);
            }
            projection.expr = projection.expr.into_iter().map(odd).collect();
            Ok(LogicalPlan::Projection(projection))
        }
        LogicalPlan::Values(mut values) => {
            for row in &mut values.values {
                *row = std::mem::take(row).into_iter().map(odd).collect();
            }
            Ok(LogicalPlan::Values(values))
        }
        other => Ok(other),
    }
}

/// The floats of tables that a statement looks at, by name: those of any table, of which one of that name is looked at.
fn seen(plan: &LogicalPlan) -> Result<SeenFloats> {
    let mut names = BTreeSet::new();
    loop {
        let (before, mut is_known) = (names.len(), true);
        plan.apply_with_subqueries(|step| {
            is_known = look(step, &mut names)?;
            Ok(if is_known { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
        })?;
        match (is_known, names.len() == before) {
            (false, _) => return Ok(SeenFloats::All),
            (true, true) => return Ok(SeenFloats::Of(Arc::new(names))),
            // What is looked at may have had another name before.
            (true, false) => {}
        }
    }
}

/// Adds what a step looks at, and what it calls otherwise of that; false if that is not known of such steps.
fn look(step: &LogicalPlan, names: &mut BTreeSet<String>) -> Result<bool> {
    match step {
        LogicalPlan::TableScan(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Values(_)
        | LogicalPlan::EmptyRelation(_)
        | LogicalPlan::Explain(_)
        | LogicalPlan::Subquery(_) => {}
        LogicalPlan::Union(union) => {
            for (place, field) in union.schema.fields().iter().enumerate() {
                if names.contains(field.name()) {
                    let inputs = union.inputs.iter();
                    names.extend(inputs.map(|input| input.schema().field(place).name().clone()));
                }
            }
        }
        LogicalPlan::Projection(projection) => {
            for (expr, field) in projection.expr.iter().zip(projection.schema.fields()) {
                match expr.clone().unalias() {
                    Expr::Column(column) if names.contains(field.name()) => {
                        names.insert(column.name);
                    }
                    Expr::Column(_) => {}
                    expr => add(&expr, step, names)?,
                }
            }
        }
        LogicalPlan::Filter(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::Aggregate(_)
        | LogicalPlan::Window(_) => {
            step.expressions().iter().try_for_each(|expr| add(expr, step, names))?;
        }
        LogicalPlan::Distinct(distinct) => add_floats(distinct.input().schema(), names),
        _ => return Ok(false),
    }
    Ok(true)
}

/// Adds the floats that an expression names, those that a subquery in it gives, and those of a statement around.
fn add(expr: &Expr, step: &LogicalPlan, names: &mut BTreeSet<String>) -> Result<()> {
    let schema = merge_schema(&step.inputs());
    expr.apply(|part| {
        match part {
            Expr::Column(column) => {
                let field = schema.field_from_column(column);
                if field.map_or(true, |field| field.data_type().is_floating()) {
                    names.insert(column.name.clone());
                }
            }
            Expr::OuterReferenceColumn(_, column) => {
                names.insert(column.name.clone());
            }
            Expr::ScalarSubquery(subquery) => add_floats(subquery.subquery.schema(), names),
            Expr::InSubquery(inner) => add_floats(inner.subquery.subquery.schema(), names),
            Expr::SetComparison(inner) => add_floats(inner.subquery.subquery.schema(), names),
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

fn add_floats(schema: &DFSchema, names: &mut BTreeSet<String>) {
    let floats = schema.fields().iter().filter(|field| field.data_type().is_floating());
    names.extend(floats.map(|field| field.name().clone()));
}

/// The scan of a table of whose floats only those that are seen are made plain.
fn scan_of(plan: LogicalPlan, seen: &SeenFloats) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::TableScan(scan) = &plan else { return Ok(Transformed::no(plan)) };
    let Ok(provider) = source_as_provider(&scan.source) else { return Ok(Transformed::no(plan)) };
    let table: Arc<dyn TableProvider> = if let Some(table) = provider.downcast_ref::<DatasetTable>()
    {
        Arc::new(table.with_seen_floats(seen.clone()))
    } else if let Some(table) = provider.downcast_ref::<ViewTable>() {
        Arc::new(table.with_seen_floats(seen.clone()))
    } else {
        return Ok(Transformed::no(plan));
    };
    let source = provider_as_source(table);
    Ok(Transformed::yes(LogicalPlan::TableScan(TableScan { source, ..scan.clone() })))
}

/// Sums and their like of infinities are NaN, of whatever sign.
fn of_aggregates(aggregate: Aggregate) -> Result<Transformed<LogicalPlan>> {
    let schema = Arc::clone(&aggregate.schema);
    let first = schema.fields().len() - aggregate.aggr_expr.len();
    let is_odd = |index: usize| {
        let function = index.checked_sub(first).and_then(|number| aggregate.aggr_expr.get(number));
        function.is_some_and(|function| !is_of_its_values(function))
            && schema.field(index).data_type().is_floating()
    };
    if !(0..schema.fields().len()).any(is_odd) {
        return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
    }
    let of = |(index, (qualifier, field)): (usize, (Option<&TableReference>, &FieldRef))| {
        let column = Expr::Column(Column::from((qualifier, field)));
        match is_odd(index) {
            true => made_plain(column).alias_qualified(qualifier.cloned(), field.name()),
            false => column,
        }
    };
    let exprs = schema.iter().enumerate().map(of).collect();
    let input = Arc::new(LogicalPlan::Aggregate(aggregate));
    Ok(Transformed::yes(LogicalPlan::Projection(Projection::try_new(exprs, input)?)))
}

/// What was inside of lists and structs was not looked at before.
fn of_unnested(unnest: Unnest) -> Result<Transformed<LogicalPlan>> {
    let schema = Arc::clone(&unnest.schema);
    let is_odd = |qualifier: Option<&TableReference>, field: &FieldRef| {
        let given = unnest.input.schema().field_with_name(qualifier, field.name());
        field.data_type().is_floating() && !given.is_ok_and(|given| given.data_type().is_floating())
    };
    let of = |(qualifier, field): (Option<&TableReference>, &FieldRef)| {
        let column = Expr::Column(Column::from((qualifier, field)));
        match is_odd(qualifier, field) {
            true => made_plain(column).alias_qualified(qualifier.cloned(), field.name()),
            false => column,
        }
    };
    if !schema.iter().any(|(qualifier, field)| is_odd(qualifier, field)) {
        return Ok(Transformed::no(LogicalPlan::Unnest(unnest)));
    }
    let exprs = schema.iter().map(of).collect();
    let input = Arc::new(LogicalPlan::Unnest(unnest));
    Ok(Transformed::yes(LogicalPlan::Projection(Projection::try_new(exprs, input)?)))
}

/// Whether an aggregate gives one of the values that it is given, which are plain.
fn is_of_its_values(aggregate: &Expr) -> bool {
    match aggregate.clone().unalias() {
        Expr::AggregateFunction(call) => matches!(call.func.name(), "min" | "max"),
        _ => false,
    }
}

/// A function that makes floats plain; no statement can name it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Plain {
    signature: Signature,
}

impl ScalarUDFImpl for Plain {
    fn name(&self) -> &str {
        "plain"
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        Ok(args.iter().map(|arg| arg.schema_name().to_string()).collect())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        types.first().cloned().ok_or_else(nothing)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        args.arg_fields.first().map(Arc::clone).ok_or_else(nothing)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.into_iter().next().ok_or_else(nothing)? {
            ColumnarValue::Array(array) => Ok(ColumnarValue::Array(exec::plain(&array))),
            ColumnarValue::Scalar(scalar) => {
                let array = exec::plain(&scalar.to_array()?);
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?))
            }
        }
    }
}

fn nothing() -> DataFusionError {
    internal_datafusion_err!("floats of nothing")
}
