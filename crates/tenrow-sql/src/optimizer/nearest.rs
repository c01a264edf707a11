//! A decimal that is cast to a float is the nearest float.
//!
//! The engine (55.2) divides its digits by a power of ten, which rounds twice: CAST(0.95676867949081834 AS DOUBLE) was
//! 0.9567686794908185, so that a float was not equal to the digits that it is written with.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type};
use arrow_array::{ArrayRef, Float64Array};
use arrow_schema::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult};
use datafusion::common::{DFSchema, Result, plan_err};
use datafusion::logical_expr::{
    Cast, ColumnarValue, Expr, ExprSchemable, LogicalPlan, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, TryCast, Volatility,
};
use datafusion::optimizer::AnalyzerRule;

use super::expressions::changed;

/// Casts them by a function of this crate, once the engine has put its casts where it needs them.
#[derive(Debug)]
pub(super) struct NearestFloats;

impl AnalyzerRule for NearestFloats {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| changed(plan, is_cast, nearest)).data()
    }

    fn name(&self) -> &str {
        "tenrow_nearest_floats"
    }
}

/// Whether it is cast to a float.
fn is_cast(expr: &Expr) -> bool {
    match expr {
        Expr::Cast(Cast { field, .. }) | Expr::TryCast(TryCast { field, .. }) => {
            matches!(field.data_type(), DataType::Float64 | DataType::Float32)
        }
        _ => false,
    }
}

fn nearest(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let (Expr::Cast(Cast { expr: inner, field }) | Expr::TryCast(TryCast { expr: inner, field })) =
        &expr
    else {
        return Transformed::no(expr);
    };
    if !is_cast(&expr) || !inner.get_type(schema).is_ok_and(|kind| kind.is_decimal()) {
        return Transformed::no(expr);
    }
    let signature = Signature::any(1, Volatility::Immutable);
    let function = Nearest { float: field.data_type().clone(), signature };
    Transformed::yes(ScalarUDF::from(function).call(vec![inner.as_ref().clone()]))
}

/// The cast, as a function that no statement can name.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Nearest {
    float: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Nearest {
    fn name(&self) -> &str {
        "nearest float"
    }

    /// Not that of the cast, which is the name of what is cast: a join has both.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        Ok(args.iter().map(|arg| format!("CAST({arg} AS {})", self.float)).collect())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.float.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else {
            return plan_err!("a cast of {} operands", args.args.len());
        };
        let is_scalar = matches!(value, ColumnarValue::Scalar(_));
        let floats =
            floats(&value.to_array(if is_scalar { 1 } else { args.number_rows })?, &self.float)?;
        match is_scalar {
            true => Ok(ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(
                &floats, 0,
            )?)),
            false => Ok(ColumnarValue::Array(floats)),
        }
    }
}

/// The floats that are nearest to decimals.
fn floats(decimals: &ArrayRef, float: &DataType) -> Result<ArrayRef> {
    if let (DataType::Decimal128(_, scale @ 0..=POWERS), DataType::Float64) =
        (decimals.data_type(), float)
    {
        let digits = decimals.as_primitive::<Decimal128Type>();
        if digits.values().iter().all(|digits| digits.unsigned_abs() <= EXACT) {
            // Both are floats themselves, so that the quotient is rounded once.
            let power = 10f64.powi(i32::from(*scale));
            let floats: Float64Array =
                digits.unary::<_, Float64Type>(|digits| digits as f64 / power);
            return Ok(Arc::new(floats));
        }
    }
    Ok(arrow_cast::cast(&arrow_cast::cast(decimals, &DataType::Utf8)?, float)?)
}

/// The largest power of ten that is a float.
const POWERS: i8 = 22;
/// 2^53, up to which all integers are floats.
const EXACT: u128 = 1 << 53;

#[cfg(test)]
mod tests {
    use arrow_array::{Array, Decimal128Array};

    use super::*;

    fn doubles(digits: &[i128], scale: i8) -> Vec<f64> {
        let decimals = Decimal128Array::from(digits.to_vec()).with_precision_and_scale(38, scale);
        let floats =
            floats(&(Arc::new(decimals.unwrap()) as ArrayRef), &DataType::Float64).unwrap();
        floats.as_primitive::<Float64Type>().values().to_vec()
    }

    #[test]
    fn decimals_are_the_nearest_floats() {
        let digits = [95_676_867_949_081_834, 10_000_000_000_000_000, -1, 0, i128::from(u64::MAX)];
        let texts = ["0.95676867949081834", "0.1", "-1e-17", "0", "184.46744073709551615"];
        let expected: Vec<f64> = texts.iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(doubles(&digits, 17), expected);
        let text = |digits: i128, scale: i32| format!("{digits}e-{scale}").parse::<f64>().unwrap();
        for scale in [0, 1, 5, 22, 23, 37] {
            for digits in
                [1, 3, 9_007_199_254_740_992, 9_007_199_254_740_993, 440_169_807_283_261_827]
            {
                assert_eq!(
                    doubles(&[digits, -digits], scale),
                    [text(digits, scale.into()), -text(digits, scale.into())]
                );
            }
        }
        let half = Decimal128Array::from(vec![Some(5 * 10i128.pow(36)), None]);
        let half = Arc::new(half.with_precision_and_scale(38, 37).unwrap()) as ArrayRef;
        let singles = floats(&half, &DataType::Float32).unwrap();
        assert_eq!(singles.as_primitive::<arrow_array::types::Float32Type>().value(0), 0.5);
        assert!(singles.is_null(1));
    }
}
