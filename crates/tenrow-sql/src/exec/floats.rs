//! Floats as SQL has them: one NaN, which is more than every number, and one zero.
//!
//! Arrow orders floats by their bits: a NaN with a sign, as processors make it of 0.0 / 0.0, is less than every number, and
//! `-0.0` less than `0.0`. A filter for numbers below 0 would leave such a NaN, and one for 0 pass over `-0.0`. So floats are
//! made plain where they are read, before anything compares them.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type, Float64Type};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, FieldRef, Schema};
use datafusion::common::{Result, internal_datafusion_err};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use half::f16;

/// The columns of floats that a statement looks at: compares, sorts, computes with. The others come as they are stored, NaN
/// of either sign and two zeros: what is only passed on is a copy.
#[derive(Debug, Clone, Default)]
pub(crate) enum SeenFloats {
    #[default]
    All,
    Of(Arc<BTreeSet<String>>),
}

impl SeenFloats {
    pub(crate) fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Of(names) => names.contains(name),
        }
    }
}

/// The column with one NaN and one zero, if it is one of floats; else itself.
pub(crate) fn plain(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Float16 => {
            let floats = column.as_primitive::<Float16Type>();
            let is_plain = |value: &f16| !value.is_nan() && *value != f16::NEG_ZERO;
            match floats.values().iter().all(|value| is_plain(value) || value.to_bits() == 0) {
                true => column.clone(),
                false => Arc::new(floats.unary::<_, Float16Type>(|value| match value {
                    value if value.is_nan() => f16::NAN,
                    value if value == f16::ZERO => f16::ZERO,
                    value => value,
                })),
            }
        }
        DataType::Float32 => {
            let floats = column.as_primitive::<Float32Type>();
            match floats.values().iter().any(|v| v.is_nan() || is_negative_zero(f64::from(*v))) {
                true => Arc::new(floats.unary::<_, Float32Type>(plain_f32)),
                false => column.clone(),
            }
        }
        DataType::Float64 => {
            let floats = column.as_primitive::<Float64Type>();
            match floats.values().iter().any(|v| v.is_nan() || is_negative_zero(*v)) {
                true => Arc::new(floats.unary::<_, Float64Type>(plain_f64)),
                false => column.clone(),
            }
        }
        _ => column.clone(),
    }
}

fn is_negative_zero(value: f64) -> bool {
    value == 0.0 && value.is_sign_negative()
}

// -0.0 + 0.0 is 0.0, and all else stays what it is.

fn plain_f32(value: f32) -> f32 {
    if value.is_nan() { f32::from_bits(0x7fc0_0000) } else { value + 0.0 }
}

/// The number, with one NaN and one zero.
pub(crate) fn plain_f64(value: f64) -> f64 {
    if value.is_nan() { f64::from_bits(0x7ff8_0000_0000_0000) } else { value + 0.0 }
}

/// [`plain`] of what another expression gives.
#[derive(Debug, Eq)]
pub(crate) struct PlainFloats {
    of: Arc<dyn PhysicalExpr>,
}

impl PlainFloats {
    /// `of`, made plain if it gives floats.
    pub(crate) fn around(of: Arc<dyn PhysicalExpr>, data_type: &DataType) -> Arc<dyn PhysicalExpr> {
        match data_type.is_floating() {
            true => Arc::new(Self { of }),
            false => of,
        }
    }
}

impl PartialEq for PlainFloats {
    fn eq(&self, other: &Self) -> bool {
        self.of.eq(&other.of)
    }
}

impl Hash for PlainFloats {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.of.hash(state);
    }
}

impl fmt::Display for PlainFloats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.of.fmt(f)
    }
}

impl PhysicalExpr for PlainFloats {
    fn data_type(&self, input: &Schema) -> Result<DataType> {
        self.of.data_type(input)
    }

    fn nullable(&self, input: &Schema) -> Result<bool> {
        self.of.nullable(input)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let column = self.of.evaluate(batch)?.into_array(batch.num_rows())?;
        Ok(ColumnarValue::Array(plain(&column)))
    }

    fn return_field(&self, input: &Schema) -> Result<FieldRef> {
        self.of.return_field(input)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.of]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let of = children.pop().ok_or_else(|| internal_datafusion_err!("floats of nothing"))?;
        Ok(Arc::new(Self { of }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.of.fmt_sql(f)
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{Float16Array, Float32Array, Float64Array, Int64Array};

    use super::*;

    #[test]
    fn there_is_one_nan_and_one_zero_whatever_the_width() {
        let values = [-0.0, 0.0, -1.5, f64::NEG_INFINITY, -f64::NAN, f64::NAN];
        let expected = [0, 0, (-1.5f64).to_bits(), f64::NEG_INFINITY.to_bits()];
        let column: ArrayRef = Arc::new(Float64Array::from(values.to_vec()));
        let found = plain(&column);
        let found: Vec<u64> =
            found.as_primitive::<Float64Type>().values().iter().map(|v| v.to_bits()).collect();
        assert_eq!(found[..4], expected);
        assert!(found[4] == found[5] && found[4] == 0x7ff8_0000_0000_0000);
        let column: ArrayRef = Arc::new(Float32Array::from(values.map(|v| v as f32).to_vec()));
        let found = plain(&column);
        let found = found.as_primitive::<Float32Type>().values();
        assert!(found[0].is_sign_positive() && found[4].to_bits() == found[5].to_bits());
        assert_eq!(found[2..4], [-1.5, f32::NEG_INFINITY]);
        let column: ArrayRef = Arc::new(Float16Array::from(values.map(f16::from_f64).to_vec()));
        let found = plain(&column);
        let found = found.as_primitive::<Float16Type>().values();
        assert!(found[0].is_sign_positive() && found[4].to_bits() == found[5].to_bits());
        assert_eq!(found[2], f16::from_f64(-1.5));
    }

    #[test]
    fn what_is_plain_already_is_not_copied() {
        let column: ArrayRef = Arc::new(Float64Array::from(vec![0.0, 1.0]));
        assert!(Arc::ptr_eq(&plain(&column), &column));
        let column: ArrayRef = Arc::new(Int64Array::from(vec![0]));
        assert!(Arc::ptr_eq(&plain(&column), &column));
    }
}
