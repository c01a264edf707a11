//! Columns put together as the batch of some attributes.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::Schema;
use tenrow::Attribute;
use tenrow::engine::names_listed;

use crate::error::{ConvertError, Result};

/// Where each attribute stands; of two with one name, the first.
pub fn places(attributes: &[Attribute]) -> HashMap<&str, usize> {
    attributes.iter().enumerate().rev().map(|(place, a)| (a.name.as_str(), place)).collect()
}

/// Puts columns together under the fields of `attributes`.
///
/// # Errors
/// If they are not as many, of their types and of `rows` rows.
pub fn batch_of(
    attributes: &[Attribute],
    columns: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch> {
    let fields: Vec<_> = attributes.iter().map(Attribute::arrow_field).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).map_err(
        |source| ConvertError::Arrow {
            name: names_listed(attributes.iter().map(|a| a.name.as_str())),
            expected: "one record batch".into(),
            source,
        },
    )
}
