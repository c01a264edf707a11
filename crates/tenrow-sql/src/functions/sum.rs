//! `sum` of integers, exact: a sum that does not fit is an error, and one that does is right whatever comes between.
//!
//! The engine's own (55.2) wraps. All but sums of integers is left to it, and sums over windows that move.

use std::mem::size_of_val;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Decimal128Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Decimal128Array, Int64Array, UInt64Array};
use arrow_schema::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, EmitTo, GroupsAccumulator,
    ReversedUDAF, SetMonotonicity, Signature,
};

const DIGITS: u8 = 38;
/// What a sum of integers is until it is known.
const WIDE: DataType = DataType::Decimal128(DIGITS, 0);

/// The aggregate function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Sum {
    engines: Arc<AggregateUDF>,
}

impl Sum {
    pub(super) fn new() -> Self {
        Self { engines: sum_udaf() }
    }
}

fn is_exact(result: &DataType, is_distinct: bool) -> bool {
    matches!(result, DataType::Int64 | DataType::UInt64) && !is_distinct
}

impl AggregateUDFImpl for Sum {
    fn name(&self) -> &str {
        self.engines.name()
    }

    fn signature(&self) -> &Signature {
        self.engines.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.engines.return_type(types)
    }

    fn return_field(&self, fields: &[FieldRef]) -> Result<FieldRef> {
        self.engines.return_field(fields)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        match is_exact(args.return_field.data_type(), args.is_distinct) {
            true => Ok(vec![Arc::new(Field::new(format_state_name(args.name, "sum"), WIDE, true))]),
            false => self.engines.state_fields(args),
        }
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let result = args.return_field.data_type().clone();
        match is_exact(&result, args.is_distinct) {
            true => Ok(Box::new(Total { total: None, result })),
            false => self.engines.accumulator(args),
        }
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.engines.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        let result = args.return_field.data_type().clone();
        match is_exact(&result, args.is_distinct) {
            true => Ok(Box::new(Groups { totals: Vec::new(), result })),
            false => self.engines.create_groups_accumulator(args),
        }
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        self.engines.create_sliding_accumulator(args)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.engines.order_sensitivity()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.engines.coerce_types(types)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.engines.documentation()
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.engines.inner().set_monotonicity(data_type)
    }
}

/// The value at each place that has one.
fn for_each(values: &ArrayRef, mut note: impl FnMut(usize, i128)) -> Result<()> {
    fn each<T: ArrowPrimitiveType>(values: &ArrayRef, mut note: impl FnMut(usize, T::Native)) {
        let values = values.as_primitive::<T>();
        match values.null_count() {
            0 => values.values().iter().enumerate().for_each(|(place, value)| note(place, *value)),
            _ => values
                .iter()
                .enumerate()
                .filter_map(|(place, value)| Some((place, value?)))
                .for_each(|(place, value)| note(place, value)),
        }
    }
    match values.data_type() {
        DataType::Int64 => each::<Int64Type>(values, |place, value| note(place, value.into())),
        DataType::UInt64 => each::<UInt64Type>(values, |place, value| note(place, value.into())),
        DataType::Decimal128(..) => each::<Decimal128Type>(values, note),
        other => return Err(exec_datafusion_err!("sum of integers: found {other}")),
    }
    Ok(())
}

fn overflow(total: i128, result: &DataType) -> datafusion::common::DataFusionError {
    exec_datafusion_err!(
        "overflow: the sum {total} does not fit into {result}; add up DOUBLE or DECIMAL: sum(CAST(… AS DOUBLE))"
    )
}

/// One sum. Of 64-bit numbers, 2^63 of them fit.
#[derive(Debug)]
struct Total {
    total: Option<i128>,
    result: DataType,
}

impl Total {
    fn add(&mut self, values: &ArrayRef) -> Result<()> {
        let mut sum = self.total.unwrap_or_default();
        for_each(values, |_, value| sum += value)?;
        if values.null_count() < values.len() {
            self.total = Some(sum);
        }
        Ok(())
    }
}

impl Accumulator for Total {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add(&values[0])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.add(&states[0])
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Decimal128(self.total, DIGITS, 0)])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let total = self.total;
        let fits = |total| overflow(total, &self.result);
        Ok(match self.result {
            DataType::UInt64 => ScalarValue::UInt64(
                total.map(|t| u64::try_from(t).map_err(|_| fits(t))).transpose()?,
            ),
            _ => ScalarValue::Int64(
                total.map(|t| i64::try_from(t).map_err(|_| fits(t))).transpose()?,
            ),
        })
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// A sum for each group.
#[derive(Debug)]
struct Groups {
    totals: Vec<Option<i128>>,
    result: DataType,
}

impl Groups {
    fn add(
        &mut self,
        values: &ArrayRef,
        groups: &[usize],
        filter: Option<&BooleanArray>,
        count: usize,
    ) -> Result<()> {
        self.totals.resize(count, None);
        let is_chosen = |place| filter.is_none_or(|f| f.is_valid(place) && f.value(place));
        for_each(values, |place, value| {
            if is_chosen(place) {
                *self.totals[groups[place]].get_or_insert(0) += value;
            }
        })
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        count: usize,
    ) -> Result<()> {
        self.add(&values[0], groups, filter, count)
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], count: usize) -> Result<()> {
        self.add(&values[0], groups, None, count)
    }

    /// Each value is the sum of a group of its own.
    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let mut own = Self { totals: Vec::new(), result: self.result.clone() };
        let groups: Vec<usize> = (0..values[0].len()).collect();
        own.add(&values[0], &groups, filter, groups.len())?;
        own.state(EmitTo::All)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let totals = emit_to.take_needed(&mut self.totals);
        let sums = Decimal128Array::from(totals).with_precision_and_scale(DIGITS, 0)?;
        Ok(vec![Arc::new(sums)])
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let totals = emit_to.take_needed(&mut self.totals).into_iter();
        let fits = |total| overflow(total, &self.result);
        Ok(match self.result {
            DataType::UInt64 => {
                let sums =
                    totals.map(|t| t.map(|t| u64::try_from(t).map_err(|_| fits(t))).transpose());
                Arc::new(sums.collect::<Result<UInt64Array>>()?)
            }
            _ => {
                let sums =
                    totals.map(|t| t.map(|t| i64::try_from(t).map_err(|_| fits(t))).transpose());
                Arc::new(sums.collect::<Result<Int64Array>>()?)
            }
        })
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.totals.capacity() * size_of::<Option<i128>>()
    }
}
