//! What a function is called with.

use arrow_array::{Array, ArrayRef};
use arrow_schema::FieldRef;

/// One argument of a call: a column of the batch, or one value for all its rows.
pub(super) struct Argument {
    pub(super) field: FieldRef,
    pub(super) array: ArrayRef,
    pub(super) is_constant: bool,
}

impl Argument {
    /// The place in the array of the value of `row`.
    pub(super) fn row(&self, row: usize) -> usize {
        if self.is_constant { 0 } else { row }
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        self.array.is_null(self.row(row))
    }
}
