//! `a + b`, `a - b`, `a * b` of 64-bit integers, and of decimals, and `-a`: what does not fit is an error.
//!
//! The engine (55.2) wraps: 9223372036854775807 + 1 was -9223372036854775808. Of decimals it gives more digits than their
//! type has, of which the last are not shown.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Decimal256Type};
use arrow_schema::DataType;
use datafusion::arrow::compute::kernels::numeric;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult};
use datafusion::common::{DFSchema, Result, ScalarValue, exec_err, plan_datafusion_err, plan_err};
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, LogicalPlan, Operator, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::physical_expr_common::datum::apply;

use crate::optimizer::expressions::changed;

/// The sign of `-x`, which is 0 - x.
const NEGATIVE: &str = "negative";

/// Computes them by functions that check. Narrow integers were made wide before: see `integers`.
#[derive(Debug)]
pub(super) struct ExactIntegers;

impl AnalyzerRule for ExactIntegers {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| changed(plan, is_arithmetic, checked)).data()
    }

    fn name(&self) -> &str {
        "tenrow_exact_integers"
    }
}

fn is_arithmetic(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryExpr(BinaryExpr { op, .. }) => sign(*op).is_some(),
        Expr::Negative(inner) => !matches!(**inner, Expr::Literal(..)),
        _ => false,
    }
}

fn sign(op: Operator) -> Option<&'static str> {
    match op {
        Operator::Plus => Some("+"),
        Operator::Minus => Some("-"),
        Operator::Multiply => Some("*"),
        _ => None,
    }
}

fn checked(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    if !is_arithmetic(&expr) {
        return Transformed::no(expr);
    }
    let data_type = |expr: &Expr| expr.get_type(schema).ok();
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (sign(op), data_type(&left)) {
            (Some(sign), own @ Some(DataType::Int64 | DataType::UInt64))
                if own == data_type(&right) =>
            {
                Transformed::yes(exact(sign, *left, *right))
            }
            (Some(_), Some(own)) if own.is_decimal() => {
                let computed = Expr::BinaryExpr(BinaryExpr { left, op, right });
                let signature = Signature::any(1, Volatility::Immutable);
                Transformed::yes(ScalarUDF::from(Digits { signature }).call(vec![computed]))
            }
            _ => Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })),
        },
        Expr::Negative(inner) if data_type(&inner) == Some(DataType::Int64) => {
            let zero = Expr::Literal(ScalarValue::Int64(Some(0)), None);
            Transformed::yes(exact(NEGATIVE, zero, *inner))
        }
        other => Transformed::no(other),
    }
}

fn exact(sign: &'static str, left: Expr, right: Expr) -> Expr {
    let integers = vec![DataType::Int64, DataType::UInt64];
    let signature = Signature::uniform(2, integers, Volatility::Immutable);
    ScalarUDF::from(Exact { sign, signature }).call(vec![left, right])
}

/// One of the operators, as a function that no statement can name.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Exact {
    sign: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for Exact {
    fn name(&self) -> &str {
        self.sign
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        match args {
            [left, right] => Ok(format!("({left} {} {right})", self.sign)),
            _ => plan_err!("{} of {} operands", self.sign, args.len()),
        }
    }

    /// That of the operator: groups and answers are called by it.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        match args {
            [_, inner] if self.sign == NEGATIVE => Ok(format!("(- {})", inner.schema_name())),
            [left, right] => {
                Ok(format!("{} {} {}", left.schema_name(), self.sign, right.schema_name()))
            }
            _ => plan_err!("{} of {} operands", self.sign, args.len()),
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types.first().cloned().unwrap_or(DataType::Int64))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = args.args.as_slice() else {
            return plan_err!("{} of {} operands", self.sign, args.args.len());
        };
        match self.sign {
            "+" => apply(left, right, numeric::add),
            "-" | NEGATIVE => apply(left, right, numeric::sub),
            _ => apply(left, right, numeric::mul),
        }
    }
}

/// A function that gives decimals that have no more digits than their type; no statement can name it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Digits {
    signature: Signature,
}

impl ScalarUDFImpl for Digits {
    fn name(&self) -> &str {
        "digits"
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        Ok(args.iter().map(|arg| format!("({arg})")).collect())
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        Ok(args.iter().map(|arg| arg.schema_name().to_string()).collect())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        types.first().cloned().ok_or_else(|| plan_datafusion_err!("digits of nothing"))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else {
            return plan_err!("digits of {} operands", args.args.len());
        };
        let array = value.to_array(args.number_rows)?;
        let (digits, checked) = match array.data_type() {
            DataType::Decimal128(digits, _) => {
                let decimals = array.as_primitive::<Decimal128Type>();
                (*digits, decimals.validate_decimal_precision(*digits))
            }
            DataType::Decimal256(digits, _) => {
                let decimals = array.as_primitive::<Decimal256Type>();
                (*digits, decimals.validate_decimal_precision(*digits))
            }
            _ => return Ok(value.clone()),
        };
        match checked {
            Ok(()) => Ok(value.clone()),
            Err(_) => exec_err!("arithmetic overflow: a decimal of more than {digits} digits"),
        }
    }
}
