//! `min` and `max` of groups of floats, in the order that sorts have: NaN is more than every number.
//!
//! The engine's own (55.2) begin with the least and the largest finite number, which beat the infinities, and take whatever
//! follows a NaN. All but groups of floats is left to them.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_array::ArrowNativeTypeOp;
use arrow_array::types::{ArrowPrimitiveType, Float16Type, Float32Type, Float64Type};
use arrow_schema::{DataType, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, GroupsAccumulator, ReversedUDAF,
    SetMonotonicity, Signature, StatisticsArgs,
};
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::prim_op::PrimitiveGroupsAccumulator;

/// `min` or `max`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Bound {
    engines: Arc<AggregateUDF>,
    is_max: bool,
}

/// Both.
pub(super) fn functions() -> [Bound; 2] {
    [Bound { engines: min_udaf(), is_max: false }, Bound { engines: max_udaf(), is_max: true }]
}

impl Bound {
    fn of_groups<T>(&self, data_type: &DataType) -> Box<dyn GroupsAccumulator>
    where
        T: ArrowPrimitiveType + Send,
        T::Native: ArrowNativeTypeOp,
    {
        // What every value beats, or is.
        let (start, better) = match self.is_max {
            true => (T::Native::MIN_TOTAL_ORDER, Ordering::Greater),
            false => (T::Native::MAX_TOTAL_ORDER, Ordering::Less),
        };
        let pick = move |best: &mut T::Native, value: T::Native| {
            if value.compare(*best) == better {
                *best = value;
            }
        };
        let groups = PrimitiveGroupsAccumulator::<T, _>::new(data_type, pick);
        Box::new(groups.with_starting_value(start))
    }
}

impl AggregateUDFImpl for Bound {
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
        self.engines.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.engines.accumulator(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.engines.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        let data_type = args.return_field.data_type().clone();
        match data_type {
            DataType::Float16 => Ok(self.of_groups::<Float16Type>(&data_type)),
            DataType::Float32 => Ok(self.of_groups::<Float32Type>(&data_type)),
            DataType::Float64 => Ok(self.of_groups::<Float64Type>(&data_type)),
            _ => self.engines.create_groups_accumulator(args),
        }
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        self.engines.create_sliding_accumulator(args)
    }

    fn is_descending(&self) -> Option<bool> {
        self.engines.is_descending()
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

    fn value_from_stats(&self, statistics: &StatisticsArgs<'_>) -> Option<ScalarValue> {
        self.engines.value_from_stats(statistics)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.engines.documentation()
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.engines.inner().set_monotonicity(data_type)
    }
}
