//! Values that JSON has no form for.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, DataType};

/// Numbers that JSON has no form for, by column: they are written as null.
///
/// ```
/// use std::sync::Arc;
/// use arrow_array::{ArrayRef, Float32Array};
/// let scores: ArrayRef = Arc::new(Float32Array::from(vec![0.5, f32::NAN]));
/// let mut found = tenrow_values::NotFinite::default();
/// found.note("score", &scores);
/// assert!(found.remarks()[0].starts_with("score: 1 NaN"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct NotFinite(BTreeMap<String, u64>);

impl NotFinite {
    /// Counts those of a column.
    pub fn note(&mut self, name: &str, column: &ArrayRef) {
        let count = not_finite(column);
        if count > 0 {
            *self.0.entry(name.to_owned()).or_default() += count;
        }
    }

    /// A line for each column that had any.
    pub fn remarks(&self) -> Vec<String> {
        let remark = |(name, count): (&String, &u64)| {
            format!(
                "{name}: {count} NaN or infinite, which JSON has not, became null: parquet keeps them"
            )
        };
        self.0.iter().map(remark).collect()
    }
}

/// How many numbers of a column, however deep in lists and structs, are NaN or infinite.
pub(crate) fn not_finite(column: &ArrayRef) -> u64 {
    macro_rules! count {
        ($type:ty, $is_finite:expr) => {{
            let values = column.as_primitive::<$type>();
            values.iter().flatten().filter(|value| !$is_finite(*value)).count() as u64
        }};
    }
    match column.data_type() {
        DataType::Float16 => count!(Float16Type, half::f16::is_finite),
        DataType::Float32 => count!(Float32Type, f32::is_finite),
        DataType::Float64 => count!(Float64Type, f64::is_finite),
        _ => children(column).iter().map(not_finite).sum(),
    }
}

/// Refuses times that no calendar has: the encoders would write what is wrong with them in their place.
pub(crate) fn check_times(name: &str, column: &ArrayRef) -> Result<(), ArrowError> {
    if !column.data_type().is_temporal() {
        return children(column).iter().try_for_each(|child| check_times(name, child));
    }
    let formatter = ArrayFormatter::try_new(column, &FormatOptions::default())?;
    for row in (0..column.len()).filter(|&row| column.is_valid(row)) {
        formatter.value(row).try_to_string().map_err(|error| {
            let reason = format!("{name}: {error}, so that it cannot be written as text");
            ArrowError::CastError(reason)
        })?;
    }
    Ok(())
}

/// What a column is made of: those values that its own rows have.
fn children(column: &ArrayRef) -> Vec<ArrayRef> {
    let part = |values: &ArrayRef, offsets: &[i32]| match offsets {
        [first, .., last] => values.slice(*first as usize, (last - first) as usize),
        _ => values.slice(0, 0),
    };
    match column.data_type() {
        DataType::List(_) => {
            let list = column.as_list::<i32>();
            vec![part(list.values(), list.value_offsets())]
        }
        DataType::FixedSizeList(..) => vec![column.as_fixed_size_list().values().clone()],
        DataType::Struct(_) => column.as_struct().columns().to_vec(),
        DataType::Map(..) => {
            let map = column.as_map();
            let offsets = map.value_offsets();
            vec![part(map.keys(), offsets), part(map.values(), offsets)]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Date32Array, Float32Array, ListArray, StructArray, TimestampSecondArray};
    use arrow_schema::Field;

    use super::*;

    #[test]
    fn what_is_not_finite_is_counted_however_deep() {
        let floats: ArrayRef = Arc::new(Float32Array::from(vec![
            Some(f32::NAN),
            None,
            Some(1.0),
            Some(f32::INFINITY),
        ]));
        assert_eq!(not_finite(&floats), 2);
        let field = Arc::new(Field::new("x", DataType::Float32, true));
        let record: ArrayRef = Arc::new(StructArray::from(vec![(field, floats)]));
        assert_eq!(not_finite(&record.slice(1, 3)), 1);
        let lists = ListArray::from_iter_primitive::<Float64Type, _, _>([
            Some(vec![Some(f64::NAN)]),
            Some(vec![Some(f64::NEG_INFINITY), Some(0.0)]),
        ]);
        let lists: ArrayRef = Arc::new(lists);
        assert_eq!((not_finite(&lists), not_finite(&lists.slice(1, 1))), (2, 1));
    }

    #[test]
    fn times_beyond_every_calendar_are_refused() {
        let far: [ArrayRef; 2] = [
            Arc::new(Date32Array::from(vec![Some(0), None, Some(i32::MAX)])),
            Arc::new(TimestampSecondArray::from(vec![i64::MAX]).with_timezone("+01:00")),
        ];
        for column in far {
            let error = check_times("day", &column).unwrap_err().to_string();
            assert!(error.contains("day: "), "{error}");
            let field = Arc::new(Field::new("x", column.data_type().clone(), true));
            let nested: ArrayRef = Arc::new(StructArray::from(vec![(field, column)]));
            assert!(check_times("day", &nested).is_err());
        }
        let near: ArrayRef = Arc::new(Date32Array::from(vec![Some(0), Some(2_932_896)]));
        check_times("day", &near).unwrap();
    }
}
