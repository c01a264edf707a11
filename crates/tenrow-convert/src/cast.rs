//! Batches of one set of attributes, as batches of another.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, RecordBatch, new_null_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::DataType;
use tenrow::format::{Attribute, AttributeType, DType, Schema};

use crate::cast_mode::CastMode;
use crate::cast_numbers::{Misfit, cast_numbers};
use crate::column::{elements, wrap};
use crate::error::{ConvertError, Result};
use crate::source::{batch_of, places};

/// `batch`, whose columns are `from`, as rows of `to`: matched by name, in the order of `to`.
///
/// An attribute of `to` that is missing is null if it may be. Errors call the rows by their number
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

/// [`cast_batch`] to attributes whose names need not be those of a schema yet.
pub(crate) fn cast_to(
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
                let cast = Cast { found: &from[place], target, mode, first_row, source };
                cast.refuse_nulls(batch.column(place))?;
                cast.column(batch.column(place))?
            }
            None if target.nullable => {
                new_null_array(&target.attribute_type.arrow_type(), batch.num_rows())
            }
            None => {
                let reason = format!("missing, and {} may not be null", target.type_text());
                return Err(mismatch(source, &target.name, reason));
            }
        };
        columns.push(column);
    }
    batch_of(to, columns, batch.num_rows())
}

/// Refuses at once what [`cast_to`] will refuse whatever the values are.
pub(crate) fn check_types(
    from: &[Attribute],
    to: &[Attribute],
    mode: CastMode,
    source: &str,
) -> Result<()> {
    let places = places(from);
    let refused = |target: &Attribute| {
        let found = &from[*places.get(target.name.as_str())?];
        let differs = found.attribute_type != target.attribute_type;
        let cast = Cast { found, target, mode, first_row: 0, source };
        (differs && mode == CastMode::Refuse).then(|| cast.not_asked_for())
    };
    to.iter().find_map(refused).map_or(Ok(()), Err)
}

fn check_known(from: &[Attribute], to: &[Attribute], source: &str) -> Result<()> {
    let known = places(to);
    let Some(extra) = from.iter().find(|found| !known.contains_key(found.name.as_str())) else {
        return Ok(());
    };
    let names: Vec<_> = to.iter().map(|a| a.name.as_str()).collect();
    let reason = format!(
        "not an attribute of the dataset, which has {}: rename or drop it",
        names.join(", ")
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
        ConvertError::Mismatch {
            origin: self.source.to_owned(),
            attribute: self.target.name.clone(),
            reason: format!(
                "found {}, expected {}{advice}",
                self.found.attribute_type, self.target.attribute_type
            ),
        }
    }

    fn not_asked_for(&self) -> ConvertError {
        self.type_fault("; --cast safe or --cast lossy converts what it can")
    }

    fn refuse_nulls(&self, column: &ArrayRef) -> Result<()> {
        if self.target.nullable || column.null_count() == 0 {
            return Ok(());
        }
        let row = (0..column.len()).find(|&row| column.is_null(row)).unwrap_or_default();
        Err(self.value_fault(row, format!("null, but {} may not be null", self.target.type_text())))
    }

    fn column(&self, column: &ArrayRef) -> Result<ArrayRef> {
        use AttributeType::{Scalar, Tensor, Value};
        if self.found.attribute_type == self.target.attribute_type {
            return Ok(column.clone());
        }
        if self.mode == CastMode::Refuse {
            return Err(self.not_asked_for());
        }
        match (&self.found.attribute_type, &self.target.attribute_type) {
            (Tensor { dtype: a, shape: s }, Tensor { dtype: b, shape: t }) if s == t => {
                let row_items = s.element_count() as usize;
                self.numbers(*a, *b, &elements(column), row_items, column)
            }
            (Scalar(a), Scalar(b)) => self.numbers(*a, *b, column, 1, column),
            (Value(DataType::List(_)), Tensor { dtype, shape }) => {
                let flat = self.flattened(column, shape.dims())?;
                let Some(found) = DType::from_arrow(flat.data_type()) else {
                    return Err(self.type_fault(": the lists do not hold numbers"));
                };
                self.numbers(found, *dtype, &flat, shape.element_count() as usize, column)
            }
            (Scalar(DType::Bf16), _) | (_, Scalar(DType::Bf16)) => {
                Err(self.type_fault(": there is no such cast"))
            }
            (Scalar(_) | Value(_), Scalar(_) | Value(_)) => self.values(column),
            _ => Err(self.type_fault(": there is no such cast")),
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

    /// Casts any Arrow value; a safe cast is one that leads back to the same value.
    fn values(&self, column: &ArrayRef) -> Result<ArrayRef> {
        let target = self.target.attribute_type.arrow_type();
        let whole = self.arrow_cast(column, &target);
        let kept = |cast: &ArrayRef, column: &ArrayRef| {
            self.mode == CastMode::Lossy
                || self
                    .arrow_cast(cast, column.data_type())
                    .is_ok_and(|back| back.as_ref() == column.as_ref())
        };
        match whole {
            Ok(cast) if kept(&cast, column) => Ok(cast),
            whole => {
                // Only now is it worth looking at every row, to name the one at fault.
                for row in 0..column.len() {
                    let one = column.slice(row, 1);
                    let fits = self.arrow_cast(&one, &target).is_ok_and(|cast| kept(&cast, &one));
                    if !fits {
                        let reason =
                            format!("{} does not fit {}", shown(&one), self.target.attribute_type);
                        return Err(self.value_fault(row, reason));
                    }
                }
                whole.map_err(|source| self.arrow_fault(source))
            }
        }
    }

    fn arrow_cast(
        &self,
        column: &ArrayRef,
        target: &DataType,
    ) -> Result<ArrayRef, arrow_schema::ArrowError> {
        let options = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(column, target, &options)
    }
}

/// The one value of `column`, as text of a decent length.
fn shown(column: &ArrayRef) -> String {
    let options = arrow_cast::display::FormatOptions::default().with_null("null");
    let text = arrow_cast::display::ArrayFormatter::try_new(column, &options)
        .map(|formatter| formatter.value(0).to_string())
        .unwrap_or_else(|_| "the value".into());
    match text.char_indices().nth(60) {
        Some((cut, _)) => format!("{:?}…", &text[..cut]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests;
