//! Which Parquet leaf columns of a file belong together, and whose they are.

use std::ops::Range;

use parquet::schema::types::SchemaDescriptor;

use crate::schema::FieldId;

/// The Parquet leaf columns of each of `roots` top-level fields.
pub(super) fn of_roots(descriptor: &SchemaDescriptor, roots: usize) -> Vec<Range<usize>> {
    let mut columns = vec![0..0; roots];
    for column in 0..descriptor.num_columns() {
        let range = &mut columns[descriptor.get_column_root_idx(column)];
        if range.start == range.end {
            *range = column..column;
        }
        range.end = column + 1;
    }
    columns
}

/// The leaf columns of the top-level field with the id `field`; `None` if the file has none.
pub fn columns_of(descriptor: &SchemaDescriptor, field: FieldId) -> Option<Range<u32>> {
    let columns = 0..descriptor.num_columns();
    let first = columns.clone().find(|&column| field_of_column(descriptor, column) == Some(field));
    columns_beside(descriptor, first?)
}

/// All leaf columns of the top-level field that `column` is of; `None` if the file has no such column.
pub fn columns_beside(descriptor: &SchemaDescriptor, column: usize) -> Option<Range<u32>> {
    let columns = 0..descriptor.num_columns();
    let root = columns.contains(&column).then(|| descriptor.get_column_root_idx(column))?;
    // Those of one field stand side by side: of thousands only its own are looked at.
    let is_own = |&other: &usize| descriptor.get_column_root_idx(other) == root;
    let first = (0..column).rev().take_while(is_own).last().unwrap_or(column);
    let last = (column..columns.end).take_while(is_own).last().unwrap_or(column);
    Some(u32::try_from(first).ok()?..u32::try_from(last + 1).ok()?)
}

/// The id of the top-level field that `column` is of, if it has one.
pub fn field_of_column(descriptor: &SchemaDescriptor, column: usize) -> Option<FieldId> {
    let exists = column < descriptor.num_columns();
    let root = exists.then(|| descriptor.get_column_root(column).get_basic_info())?;
    root.has_id().then(|| root.id())?.try_into().ok().map(FieldId)
}
