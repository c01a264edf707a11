//! `percentile`: exact, interpolated as numpy does by default.
//!
//! DataFusion's own `percentile_cont` cuts the weight of the interpolation to six digits and takes
//! NaN for the largest number; this one gives what `numpy.percentile` gives, to the last bit.

use std::mem::size_of_val;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, ListArray};
use arrow_schema::{DataType, Field, FieldRef};
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, DocSection, Documentation, EmitTo, GroupsAccumulator, Signature,
    Volatility,
};
use datafusion::physical_expr::expressions::Literal;

use super::tensors::offsets_of;

const NAME: &str = "percentile";

/// The aggregate function `percentile(value, q)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Percentile {
    signature: Signature,
    documentation: Documentation,
}

impl Percentile {
    pub(super) fn new() -> Self {
        let section =
            DocSection { include: true, label: "Statistical Functions", description: None };
        let returns = "The exact percentile of the values, interpolated linearly between the two nearest, as numpy.percentile does. Nulls are left out; NaN if there is a NaN. All values of a group are held in memory.";
        let documentation = Documentation::builder(section, returns, "percentile(value, q)")
            .with_sql_example("```sql\nSELECT percentile(perplexity, 25) FROM docs;\n```")
            .with_argument("value", "A number.")
            .with_argument("q", "A constant from 0 to 100.")
            .with_related_udf("percentile_cont")
            .build();
        let types = vec![DataType::Float64, DataType::Float64];
        Self { signature: Signature::exact(types, Volatility::Immutable), documentation }
    }
}

impl AggregateUDFImpl for Percentile {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let list = DataType::new_list(DataType::Float64, true);
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, "values"), list, true))])
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Values { quantile: quantile(&args)?, values: Vec::new() }))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups { quantile: quantile(&args)?, groups: Vec::new(), value_count: 0 }))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

/// The second argument, from 0 to 1.
fn quantile(args: &AccumulatorArgs<'_>) -> Result<f64> {
    if args.is_distinct {
        return Err(plan_fault("DISTINCT is not known here; use a subquery"));
    }
    let literal = args.exprs.get(1).and_then(|q| q.downcast_ref::<Literal>());
    match literal.map(Literal::value) {
        Some(ScalarValue::Float64(Some(q))) if (0.0..=100.0).contains(q) => Ok(q / 100.0),
        Some(q) => Err(plan_fault(&format!("q is a number from 0 to 100, not {q}"))),
        None => Err(plan_fault("q must be a constant number from 0 to 100")),
    }
}

fn plan_fault(reason: &str) -> DataFusionError {
    DataFusionError::Plan(format!("{NAME}: {reason}"))
}

/// The values of one group.
#[derive(Debug)]
struct Values {
    /// From 0 to 1.
    quantile: f64,
    values: Vec<f64>,
}

impl Values {
    fn add(&mut self, values: &Float64Array) -> Result<()> {
        let count = values.len() - values.null_count();
        self.values.try_reserve(count).map_err(|e| {
            DataFusionError::ResourcesExhausted(format!("{NAME}: memory for {count} values: {e}"))
        })?;
        match values.null_count() {
            0 => self.values.extend_from_slice(values.values()),
            _ => self.values.extend(values.iter().flatten()),
        }
        Ok(())
    }
}

impl Accumulator for Values {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add(values[0].as_primitive::<Float64Type>())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(percentile(&mut self.values, self.quantile)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.capacity() * size_of::<f64>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = Float64Array::from(std::mem::take(&mut self.values));
        Ok(vec![SingleRowListArrayBuilder::new(Arc::new(values)).build_list_scalar()])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for values in states[0].as_list::<i32>().iter().flatten() {
            self.add(values.as_primitive::<Float64Type>())?;
        }
        Ok(())
    }
}

/// The values of many groups.
#[derive(Debug)]
struct Groups {
    quantile: f64,
    groups: Vec<Vec<f64>>,
    value_count: usize,
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        group_count: usize,
    ) -> Result<()> {
        self.groups.resize(group_count, Vec::new());
        let wanted = wanted(values[0].as_primitive::<Float64Type>(), filter);
        for (value, &group) in wanted.zip(group_indices) {
            if let Some(value) = value {
                self.groups[group].push(value);
                self.value_count += 1;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let mut groups = self.take(emit_to);
        let percentiles = groups.iter_mut().map(|values| percentile(values, self.quantile));
        Ok(Arc::new(percentiles.collect::<Float64Array>()))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = self.take(emit_to);
        lists(groups.iter().map(Vec::len), groups.concat())
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        group_indices: &[usize],
        group_count: usize,
    ) -> Result<()> {
        self.groups.resize(group_count, Vec::new());
        for (values, &group) in states[0].as_list::<i32>().iter().zip(group_indices) {
            let Some(values) = values else { continue };
            let values = values.as_primitive::<Float64Type>().values();
            self.groups[group].extend_from_slice(values);
            self.value_count += values.len();
        }
        Ok(())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let wanted: Vec<_> = wanted(values[0].as_primitive::<Float64Type>(), filter).collect();
        let lengths = wanted.iter().map(|value| usize::from(value.is_some()));
        lists(lengths, wanted.iter().flatten().copied().collect())
    }

    fn size(&self) -> usize {
        // Vectors grow to at most twice what they hold.
        2 * self.value_count * size_of::<f64>() + self.groups.capacity() * size_of::<Vec<f64>>()
    }
}

impl Groups {
    fn take(&mut self, emit_to: EmitTo) -> Vec<Vec<f64>> {
        let groups = emit_to.take_needed(&mut self.groups);
        self.value_count -= groups.iter().map(Vec::len).sum::<usize>();
        groups
    }
}

/// The values of rows that `filter` lets through; `None` for nulls and for the others.
fn wanted(
    values: &Float64Array,
    filter: Option<&BooleanArray>,
) -> impl Iterator<Item = Option<f64>> {
    let passes = move |row| filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
    values.iter().enumerate().map(move |(row, value)| value.filter(|_| passes(row)))
}

/// Lists of these lengths.
fn lists(lengths: impl Iterator<Item = usize>, values: Vec<f64>) -> Result<Vec<ArrayRef>> {
    let item = Arc::new(Field::new_list_field(DataType::Float64, true));
    let offsets = offsets_of(NAME, lengths)?;
    let values = Arc::new(Float64Array::from(values));
    Ok(vec![Arc::new(ListArray::try_new(item, offsets, values, None)?)])
}

/// The value at `quantile` of the way from the least to the largest; `None` if there is no value.
///
/// The values are put into another order.
fn percentile(values: &mut [f64], quantile: f64) -> Option<f64> {
    if values.iter().any(|value| value.is_nan()) {
        return Some(f64::NAN);
    }
    let place = values.len().checked_sub(1)? as f64 * quantile;
    let (lower, weight) = (place.floor(), place - place.floor());
    let (_, &mut a, above) = values.select_nth_unstable_by(lower as usize, f64::total_cmp);
    let b = above.iter().copied().min_by(f64::total_cmp).unwrap_or(a);
    // In the two halves as numpy computes it, so that the last bit is the same too.
    Some(match weight {
        0.0 => a,
        weight if weight >= 0.5 => b - (b - a) * (1.0 - weight),
        weight => a + (b - a) * weight,
    })
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_numpy() {
        let four = [4.0, 1.0, 3.0, 2.0];
        let seven = [20.0, 90.0, 10.0, 40.0, 20.0, 80.0, 20.0];
        let at = |values: &[f64], q: f64| percentile(&mut values.to_vec(), q / 100.0);
        assert_eq!([25.0, 50.0, 75.0].map(|q| at(&four, q)), [1.75, 2.5, 3.25].map(Some));
        assert_eq!([25.0, 50.0, 75.0].map(|q| at(&seven, q)), [20.0, 20.0, 60.0].map(Some));
        assert_eq!([0.0, 100.0].map(|q| at(&seven, q)), [10.0, 90.0].map(Some));
        assert_eq!(at(&[], 50.0), None);
        assert_eq!(at(&[7.0], 33.0), Some(7.0));
        assert!(at(&[1.0, f64::NAN], 0.0).unwrap().is_nan());
        assert_eq!(at(&[1.0, f64::INFINITY], 0.0), Some(1.0));
    }
}
