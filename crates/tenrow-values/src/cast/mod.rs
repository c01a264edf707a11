//! Batches of one set of attributes, as batches of another.

mod lists;
mod values;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, RecordBatch, new_null_array};
use arrow_schema::DataType;
use tenrow::engine::names_listed;
use tenrow::{Attribute, AttributeType, DType, Schema};

use lists::{cast_tensors, tensors_of_lists};
use values::{Refusal, cast_values, check};

use crate::batch::{batch_of, places};
use crate::cast_mode::CastMode;
use crate::cast_numbers::{Misfit, cast_numbers};
use crate::column::{elements, wrap};
use crate::error::{ConvertError, Result};

/// `batch`, whose columns are `from`, as rows of `to`: matched by name, in the order of `to`.
///
/// An attribute of `to` that is missing has its default, else it is null if it may be. Errors call the rows by their number
/// in `source`, of which the batch begins at `first_row`.
///
/// # Errors
/// If an attribute is missing or unknown, its type differs and `mode` does not allow that, a value
/// does not fit, or is null where it must not be.
pub fn cast_batch(
    batch: &RecordBatch,
    from: &[Attribute],
    to: &Schema,
    mode: CastMode,
    first_row: u64,
    source: &str,
) -> Result<RecordBatch> {
    cast_to(batch, from, to.attributes(), mode, first_row, source)
}

/// `column`, which is of `found`, as the values of `target`, whatever the two are called.
///
/// ```
/// use std::sync::Arc;
/// use arrow_array::{ArrayRef, Int64Array, UInt8Array};
/// use tenrow::Attribute;
/// use tenrow_values::{CastMode, cast_column};
/// let (found, target) = (Attribute::parse("n:i64")?, Attribute::parse("n:u8")?);
/// let numbers: ArrayRef = Arc::new(Int64Array::from(vec![3, 5]));
/// let cast = |mode| cast_column(&numbers, &found, &target, mode, 0, "the rows");
/// assert_eq!(cast(CastMode::Safe)?.as_ref(), &UInt8Array::from(vec![3, 5]));
/// assert!(cast(CastMode::Refuse).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ConvertError::Type`] if `mode` does not convert the type, [`ConvertError::Value`] if a value does not fit, or is null
/// where it must not be.
pub fn cast_column(
    column: &ArrayRef,
    found: &Attribute,
    target: &Attribute,
    mode: CastMode,
    first_row: u64,
    source: &str,
) -> Result<ArrayRef> {
    let cast = Cast { found, target, mode, first_row, source };
    cast.refuse_nulls(column)?;
    cast.column(column)
}

/// [`cast_batch`] to attributes whose names need not be those of a schema yet.
///
/// # Errors
/// As [`cast_batch`].
pub fn cast_to(
    batch: &RecordBatch,
    from: &[Attribute],
    to: &[Attribute],
    mode: CastMode,
    first_row: u64,
    source: &str,
) -> Result<RecordBatch> {
    check_known(from, to, source)?;
    let places = places(from);
    let mut columns = Vec::with_capacity(to.len());
    for target in to {
        let column = match places.get(target.name.as_str()) {
            Some(&place) => {
                let column = batch.column(place);
                cast_column(column, &from[place], target, mode, first_row, source)?
            }
            None if target.nullable || target.default.is_some() => {
                target.default_rows(batch.num_rows()).map_err(ConvertError::from)?
            }
            None => {
                let reason = format!(
                    "missing, and {} has no default and may not be null",
                    target.type_text()
                );
                return Err(mismatch(source, &target.name, reason));
            }
        };
        columns.push(column);
    }
    batch_of(to, columns, batch.num_rows())
}

/// Refuses at once what [`cast_to`] will refuse whatever the values are.
///
/// # Errors
/// If an attribute is missing or unknown, or its type differs and `mode` does not allow that.
pub fn check_types(
    from: &[Attribute],
    to: &[Attribute],
    mode: CastMode,
    source: &str,
) -> Result<()> {
    let places = places(from);
    to.iter().try_for_each(|target| match places.get(target.name.as_str()) {
        None => Ok(()),
        Some(&place) => {
            Cast { found: &from[place], target, mode, first_row: 0, source }.check_types()
        }
    })
}

fn check_known(from: &[Attribute], to: &[Attribute], source: &str) -> Result<()> {
    let known = places(to);
    let Some(extra) = from.iter().find(|found| !known.contains_key(found.name.as_str())) else {
        return Ok(());
    };
    let names = names_listed(to.iter().map(|a| a.name.as_str()));
    let reason = format!(
        "not an attribute of the dataset, which has {names}: rename it (--rename), or take others only (--only)"
    );
    Err(mismatch(source, &extra.name, reason))
}

fn mismatch(source: &str, attribute: &str, reason: String) -> ConvertError {
    let (origin, attribute) = (source.to_owned(), attribute.to_owned());
    ConvertError::Mismatch { origin, attribute, reason }
}

/// One attribute on its way into another.
struct Cast<'a> {
    found: &'a Attribute,
    target: &'a Attribute,
    mode: CastMode,
    first_row: u64,
    source: &'a str,
}

impl Cast<'_> {
    fn value_fault(&self, row: usize, reason: String) -> ConvertError {
        ConvertError::Value {
            origin: self.source.to_owned(),
            row: self.first_row + row as u64,
            attribute: self.target.name.clone(),
            reason,
        }
    }

    fn type_fault(&self, advice: &str) -> ConvertError {
        ConvertError::Type {
            origin: self.source.to_owned(),
            attribute: self.target.name.clone(),
            reason: format!(
                "found {}, expected {}{advice}",
                self.found.attribute_type, self.target.attribute_type
            ),
        }
    }

    fn not_asked_for(&self) -> ConvertError {
        self.type_fault("; --cast (in Python cast=) safe, round or lossy converts what it can")
    }

    fn refuse_nulls(&self, column: &ArrayRef) -> Result<()> {
        if self.target.nullable || column.null_count() == 0 {
            return Ok(());
        }
        let row = (0..column.len()).find(|&row| column.is_null(row)).unwrap_or_default();
        Err(self.value_fault(row, format!("null, but {} may not be null", self.target.type_text())))
    }

    /// Refuses what is refused whatever the values are.
    fn check_types(&self) -> Result<()> {
        use AttributeType::{Scalar, Tensor, Value, VariableTensor};
        let (found, target) = (&self.found.attribute_type, &self.target.attribute_type);
        if found == target {
            return Ok(());
        }
        match (found, target) {
            (Tensor { dtype: a, shape: s }, Tensor { dtype: b, shape: t }) if s == t => {
                self.check_numbers(*a, *b)
            }
            (VariableTensor { dtype: a, shape: s }, VariableTensor { dtype: b, shape: t })
                if s == t =>
            {
                self.check_numbers(*a, *b)
            }
            (Scalar(a), Scalar(b)) => self.check_numbers(*a, *b),
            (Scalar(a), Tensor { dtype: b, shape }) | (Tensor { dtype: a, shape }, Scalar(b))
                if shape.rank() == 0 =>
            {
                self.check_numbers(*a, *b)
            }
            (Value(DataType::List(_)), Tensor { dtype, shape }) => {
                self.check_numbers(self.listed(shape.rank())?, *dtype)
            }
            (Value(DataType::List(_)), VariableTensor { dtype, shape }) => {
                self.check_numbers(self.listed(shape.rank())?, *dtype)
            }
            (Scalar(DType::Bf16), _) | (_, Scalar(DType::Bf16)) => {
                Err(self.type_fault(": there is no such cast"))
            }
            (Scalar(_) | Value(_), Scalar(_) | Value(_)) => {
                match check(&found.arrow_type(), &target.arrow_type(), self.mode) {
                    Ok(()) => Ok(()),
                    Err(Refusal::NotAsked) => Err(self.not_asked_for()),
                    Err(Refusal::Never(why)) => Err(self.type_fault(&format!(": {why}"))),
                }
            }
            _ => Err(self.type_fault(": there is no such cast")),
        }
    }

    fn check_numbers(&self, from: DType, to: DType) -> Result<()> {
        match from == to || self.mode != CastMode::Refuse {
            true => Ok(()),
            false => Err(self.not_asked_for()),
        }
    }

    /// The dtype of the elements of lists that are `rank` deep.
    fn listed(&self, rank: usize) -> Result<DType> {
        let mut item = self.found.attribute_type.arrow_type();
        for _ in 0..rank {
            let DataType::List(inner) = &item else {
                return Err(self.type_fault(": the lists are not nested deeply enough"));
            };
            item = inner.data_type().clone();
        }
        let dtype = DType::from_arrow(&item);
        dtype.ok_or_else(|| self.type_fault(": the lists do not hold numbers"))
    }

    fn column(&self, column: &ArrayRef) -> Result<ArrayRef> {
        use AttributeType::{Scalar, Tensor, Value, VariableTensor};
        if !column.is_empty() && column.logical_null_count() == column.len() {
            // Null is of every type, and of nothing else this can be told by its type.
            return Ok(new_null_array(&self.target.attribute_type.arrow_type(), column.len()));
        }
        self.check_types()?;
        let (found, target) = (&self.found.attribute_type, &self.target.attribute_type);
        match (found, target) {
            _ if found == target => Ok(column.clone()),
            (Tensor { dtype: a, shape }, Tensor { dtype: b, .. }) => {
                let row_items = shape.element_count() as usize;
                self.numbers(*a, *b, &elements(column), row_items, column)
            }
            (VariableTensor { dtype: a, .. }, VariableTensor { dtype: b, shape }) => {
                let tensors = cast_tensors(column, *a, *b, shape, self.mode);
                tensors.map_err(|misread| self.value_fault(misread.index, misread.reason))
            }
            (Scalar(a), Scalar(b)) => self.numbers(*a, *b, column, 1, column),
            (Scalar(a), Tensor { dtype: b, .. }) => self.numbers(*a, *b, column, 1, column),
            (Tensor { dtype: a, .. }, Scalar(b)) => {
                self.numbers(*a, *b, &elements(column), 1, column)
            }
            (Value(_), Tensor { dtype, shape }) => {
                let flat = self.flattened(column, shape.dims())?;
                let found = self.listed(shape.rank())?;
                self.numbers(found, *dtype, &flat, shape.element_count() as usize, column)
            }
            (Value(_), VariableTensor { dtype, shape }) => {
                let tensors =
                    tensors_of_lists(column, self.listed(shape.rank())?, *dtype, shape, self.mode);
                tensors.map_err(|misread| self.value_fault(misread.index, misread.reason))
            }
            _ => cast_values(column, &target.arrow_type(), self.mode)
                .map_err(|misread| self.value_fault(misread.index, misread.reason)),
        }
    }

    /// Casts flat elements, `row_items` a row, and puts them under the validity of `column`.
    fn numbers(
        &self,
        from: DType,
        to: DType,
        values: &ArrayRef,
        row_items: usize,
        column: &ArrayRef,
    ) -> Result<ArrayRef> {
        let nulls = column.nulls().cloned();
        // What stands under a null is not a value, and need not fit.
        let skip = |i: usize| nulls.as_ref().is_some_and(|n| n.is_null(i / row_items.max(1)));
        let values = if from == to {
            Ok(values.clone())
        } else {
            cast_numbers(from, to, values, self.mode, skip)
        };
        let values = values.map_err(|Misfit { index, value }| {
            let reason = format!("{value} does not fit {to}");
            self.value_fault(index / row_items.max(1), reason)
        })?;
        wrap(&self.target.attribute_type, values, column.len(), nulls)
            .map_err(|source| self.arrow_fault(source))
    }

    fn arrow_fault(&self, source: arrow_schema::ArrowError) -> ConvertError {
        let expected = self.target.attribute_type.to_string();
        ConvertError::Arrow { name: self.target.name.clone(), expected, source }
    }

    /// The elements of lists within lists whose lengths are all those of `dims`; under null rows,
    /// anything.
    fn flattened(&self, column: &ArrayRef, dims: &[u64]) -> Result<ArrayRef> {
        let mut level = column.clone();
        // For every list of this level, the row that it belongs to.
        let mut row_items = 1usize;
        for &size in dims {
            let Some(list) = level.as_list_opt::<i32>() else {
                return Err(self.type_fault(": the lists are not nested deeply enough"));
            };
            let size = size as usize;
            let skip = |i: usize| column.is_null(i / row_items);
            let wrong = (0..list.len())
                .find(|&i| !skip(i) && (list.is_null(i) || list.value_length(i) as usize != size));
            if let Some(i) = wrong {
                let found = if list.is_null(i) {
                    "a null".to_owned()
                } else {
                    format!("a list of {}", list.value_length(i))
                };
                let reason = format!("{found} where {} has {size}", self.target.attribute_type);
                return Err(self.value_fault(i / row_items, reason));
            }
            let valid = list.nulls().filter(|nulls| nulls.null_count() > 0).is_none();
            level = if valid {
                let start = list.value_offsets().first().copied().unwrap_or(0) as usize;
                list.values().slice(start, list.len() * size)
            } else {
                self.padded(list, size)?
            };
            row_items = (row_items * size).max(1);
        }
        if level.null_count() > 0 {
            let null =
                (0..level.len()).find(|&i| level.is_null(i) && column.is_valid(i / row_items));
            if let Some(i) = null {
                return Err(self.value_fault(i / row_items, "a null within a tensor".into()));
            }
            let data = level.to_data().into_builder().nulls(None).build();
            level = data.map(arrow_array::make_array).map_err(|e| self.arrow_fault(e))?;
        }
        Ok(level)
    }

    /// The items of lists of `size`, with as many nulls in place of each null list.
    fn padded(&self, list: &ListArray, size: usize) -> Result<ArrayRef> {
        let offsets = list.value_offsets();
        let indices: arrow_array::UInt32Array = (0..list.len())
            .flat_map(|i| {
                let start = list.is_valid(i).then(|| offsets[i] as u32);
                (0..size as u32).map(move |k| start.map(|start| start + k))
            })
            .collect();
        arrow_select::take::take(list.values(), &indices, None).map_err(|e| self.arrow_fault(e))
    }
}

#[cfg(test)]
mod tests;
