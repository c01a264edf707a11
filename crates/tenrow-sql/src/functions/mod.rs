//! The functions that SQL gets: of tensors, of files, and percentiles.
//!
//! A tensor is what [`TensorType`](tensor_type::TensorType) finds in a field: a column of a dataset,
//! the result of another function, or a list of numbers, which counts as a tensor of one dimension.
//! Shape, dtype and dimension names go along as field metadata, so that functions can be nested.
//!
//! The rules that all share, which are numpy's where SQL has none of its own:
//!
//! - A null tensor gives NULL. An element is never null; NaN goes through sums, means, minima and
//!   maxima.
//! - Indices count from 0, and those below 0 from the end. An index out of range is an error, a range
//!   is clamped.
//! - Integers are added up exactly, and a result that does not fit is an error. Floats are added up
//!   in f64. Results of f16 and bf16 are `FLOAT`, those of other floats `DOUBLE`.
//! - An empty tensor has the sum, the norm and the count 0, the mean and the deviation NaN, and no
//!   least, largest or first of the largest elements: these are NULL.
//! - An error names the function, the types, and where in the tensor it happened; not the row, of
//!   which a function knows nothing.

mod vector_sums;
mod ranges;
mod tensor_type;
mod argument;
mod tensors;
mod call;
mod elements;
mod raw_items;
mod reduce;
mod describe;
mod slice;
mod reshape;
mod cast;
mod products;
pub(crate) mod files;
mod min_max;
mod percentile;
mod sum;

#[cfg(test)]
mod tests;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion::prelude::SessionContext;

/// Makes the functions known to `context`.
pub(crate) fn register(context: &SessionContext) {
    let scalar = [
        describe::functions(),
        slice::functions(),
        reshape::functions(),
        cast::functions(),
        reduce::functions(),
        products::functions(),
        files::functions(),
    ];
    for function in scalar.into_iter().flatten() {
        context.register_udf(ScalarUDF::new_from_impl(function));
    }
    for function in min_max::functions() {
        context.register_udaf(AggregateUDF::new_from_impl(function));
    }
    context.register_udaf(AggregateUDF::new_from_impl(sum::Sum::new()));
    context.register_udaf(AggregateUDF::new_from_impl(percentile::Percentile::new()));
}
