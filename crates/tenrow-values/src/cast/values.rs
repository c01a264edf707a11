//! Plain Arrow values of one type as values of another: the rules of `docs/conversions.md`, leaf by leaf.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, MapArray, StructArray, make_array, new_null_array};
use arrow_cast::{CastOptions, can_cast_types, cast_with_options};
use arrow_schema::{ArrowError, DataType, FieldRef, Fields, TimeUnit};
use tenrow::engine::names_listed;
use tenrow::{AttributeType, DType};

use crate::cast_mode::CastMode;
use crate::cast_numbers::{Misfit, cast_numbers};
use crate::text::{Leaf, Misread, check_nulls, outer};

/// Why values of a type do not become values of another, whatever they are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A cast has to be asked for.
    NotAsked,
    /// No cast does it, or only another, and why.
    Never(String),
}

fn never(why: impl Into<String>) -> Result<(), Refusal> {
    Err(Refusal::Never(why.into()))
}

/// Whether values of `found` may become values of `target`, as far as types tell.
pub(crate) fn check(found: &DataType, target: &DataType, mode: CastMode) -> Result<(), Refusal> {
    if found == target {
        return Ok(());
    }
    match (found, target) {
        (DataType::Struct(found), DataType::Struct(target)) => check_fields(found, target, mode),
        (DataType::List(found), DataType::List(target)) => {
            check(found.data_type(), target.data_type(), mode)
        }
        (DataType::Map(found, _), DataType::Map(target, _)) => {
            let (DataType::Struct(found), DataType::Struct(target)) =
                (found.data_type(), target.data_type())
            else {
                return never("a map without entries");
            };
            // Names of entries say nothing: keys are first.
            let mut pairs = found.iter().zip(target);
            pairs.try_for_each(|(found, target)| check(found.data_type(), target.data_type(), mode))
        }
        _ => check_leaf(found, target, mode),
    }
}

/// Fields are matched by name.
fn check_fields(found: &Fields, target: &Fields, mode: CastMode) -> Result<(), Refusal> {
    if let Some(extra) = found.iter().find(|field| target.find(field.name()).is_none()) {
        let names = names_listed(target.iter().map(|field| field.name().as_str()));
        return never(format!("{:?} is no field of it; there are {names}", extra.name()));
    }
    for field in target {
        match found.find(field.name()) {
            Some((_, found)) => check(found.data_type(), field.data_type(), mode)?,
            None if field.is_nullable() => {}
            None => return never(format!("the field {:?} is missing", field.name())),
        }
    }
    Ok(())
}

fn check_leaf(found: &DataType, target: &DataType, mode: CastMode) -> Result<(), Refusal> {
    if found.is_nested() || target.is_nested() || !can_cast_types(found, target) {
        return never("there is no such cast");
    }
    if (is_number(found) && is_time(target)) || (is_time(found) && is_number(target)) {
        return never("a number is no time: it has no unit, and no first day");
    }
    if let (Some(found), Some(target)) = (has_zone(found), has_zone(target))
        && found != target
        && mode != CastMode::Lossy
    {
        return never("one has a zone and the other has none: only a lossy cast takes it for UTC");
    }
    match mode {
        CastMode::Refuse if !is_of_new_dataset(found, target) => Err(Refusal::NotAsked),
        _ => Ok(()),
    }
}

/// Whether the target is only the same in a unit that other readers know: see [`of_new_dataset`](crate::of_new_dataset).
fn is_of_new_dataset(found: &DataType, target: &DataType) -> bool {
    use DataType::{Date32, Date64, Time32, Timestamp};
    use TimeUnit::{Millisecond, Second};
    match (found, target) {
        (Date64, Date32) | (Time32(Second), Time32(Millisecond)) => true,
        (Timestamp(Second, found), Timestamp(Millisecond, target)) => found == target,
        _ => false,
    }
}

fn is_number(data_type: &DataType) -> bool {
    DType::from_arrow(data_type).is_some() || data_type.is_decimal()
}

fn is_time(data_type: &DataType) -> bool {
    use DataType::*;
    matches!(
        data_type,
        Timestamp(..) | Date32 | Date64 | Time32(_) | Time64(_) | Duration(_) | Interval(_)
    )
}

/// Whether an instant says its zone; `None` of what is no instant.
fn has_zone(data_type: &DataType) -> Option<bool> {
    match data_type {
        DataType::Timestamp(_, zone) => Some(zone.is_some()),
        DataType::Date32 | DataType::Date64 => Some(false),
        _ => None,
    }
}

/// The values of `column` as `target`, which [`check`] lets them become.
pub(crate) fn cast_values(
    column: &ArrayRef,
    target: &DataType,
    mode: CastMode,
) -> Result<ArrayRef, Misread> {
    if column.data_type() == target {
        return Ok(column.clone());
    }
    match (column.data_type(), target) {
        (DataType::Struct(_), DataType::Struct(fields)) => cast_struct(column, fields, mode),
        (DataType::List(_), DataType::List(item)) => {
            let (_, offsets, values, nulls) = column.as_list::<i32>().clone().into_parts();
            let row = |index| offsets.partition_point(|&end| end as usize <= index) - 1;
            let values = cast_values(&values, item.data_type(), mode).map_err(|m| outer(m, row))?;
            check_nulls(item, &values, row)?;
            let list = ListArray::try_new(item.clone(), offsets, values, nulls);
            Ok(Arc::new(list.map_err(arrow)?))
        }
        (DataType::Map(..), DataType::Map(entries, is_sorted)) => {
            cast_map(column, entries, *is_sorted, mode)
        }
        (found, _) => match (DType::from_arrow(found), DType::from_arrow(target)) {
            (Some(from), Some(to)) => cast_plain_numbers(column, from, to, mode),
            _ => cast_leaf(column, target, mode),
        },
    }
}

fn arrow(error: ArrowError) -> Misread {
    Misread { index: 0, reason: error.to_string() }
}

fn cast_struct(column: &ArrayRef, fields: &Fields, mode: CastMode) -> Result<ArrayRef, Misread> {
    let rows = column.as_struct();
    let nulls = rows.nulls().cloned();
    let mut columns = Vec::with_capacity(fields.len());
    for field in fields {
        let values = match rows.column_by_name(field.name()) {
            Some(values) => cast_values(values, field.data_type(), mode)?,
            None => new_null_array(field.data_type(), rows.len()),
        };
        let hidden = |index: usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(index));
        let missing = (0..values.len()).find(|&i| values.is_null(i) && !hidden(i));
        if let Some(index) = missing.filter(|_| !field.is_nullable()) {
            return Err(Misread { index, reason: format!("{} is null", field.name()) });
        }
        columns.push(values);
    }
    let rows = StructArray::try_new_with_length(fields.clone(), columns, nulls, rows.len());
    Ok(Arc::new(rows.map_err(arrow)?))
}

fn cast_map(
    column: &ArrayRef,
    entries: &FieldRef,
    is_sorted: bool,
    mode: CastMode,
) -> Result<ArrayRef, Misread> {
    let (_, offsets, pairs, nulls, _) = column.as_map().clone().into_parts();
    let row = |index| offsets.partition_point(|&end| end as usize <= index) - 1;
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(Misread { index: 0, reason: "a map without entries".into() });
    };
    let mut columns = Vec::with_capacity(2);
    for (field, values) in fields.iter().zip(pairs.columns()) {
        let values = cast_values(values, field.data_type(), mode).map_err(|m| outer(m, row))?;
        check_nulls(field, &values, row)?;
        columns.push(values);
    }
    let pairs = StructArray::try_new(fields.clone(), columns, None).map_err(arrow)?;
    let map = MapArray::try_new(entries.clone(), offsets, pairs, nulls, is_sorted);
    Ok(Arc::new(map.map_err(arrow)?))
}

fn cast_plain_numbers(
    column: &ArrayRef,
    from: DType,
    to: DType,
    mode: CastMode,
) -> Result<ArrayRef, Misread> {
    let skip = |index: usize| column.is_null(index);
    let values =
        cast_numbers(from, to, column, mode, skip).map_err(|Misfit { index, value }| Misread {
            index,
            reason: format!("{value} does not fit {to}"),
        })?;
    let data = values.to_data().into_builder().nulls(column.nulls().cloned()).build();
    data.map(make_array).map_err(arrow)
}

/// Casts values of no structure; a safe cast is one that leads back to the same value.
fn cast_leaf(column: &ArrayRef, target: &DataType, mode: CastMode) -> Result<ArrayRef, Misread> {
    if let Some(texts) = column.as_string_opt::<i32>()
        && let Some(leaf @ Leaf::Plain(_)) = Leaf::of(target)
        && (is_time(target) || target.is_decimal())
    {
        // As text of a file is read.
        return leaf.read(texts, mode);
    }
    if let Some(dtype) = DType::from_arrow(target).filter(|dtype| dtype.is_float())
        && column.data_type().is_decimal()
        && matches!(mode, CastMode::Round | CastMode::Lossy)
    {
        // Arrow's own cast (59) rounds twice.
        let texts = arrow_cast(column, &DataType::Utf8).map_err(arrow)?;
        return Leaf::Number(dtype).read(texts.as_string(), mode);
    }
    let kept = |cast: &ArrayRef, column: &ArrayRef| {
        mode == CastMode::Lossy
            || arrow_cast(cast, column.data_type())
                .is_ok_and(|back| back.as_ref() == column.as_ref())
    };
    match arrow_cast(column, target) {
        Ok(cast) if kept(&cast, column) => Ok(cast),
        whole => {
            // Only now is it worth looking at every row, to name the one at fault.
            for index in 0..column.len() {
                let one = column.slice(index, 1);
                if !arrow_cast(&one, target).is_ok_and(|cast| kept(&cast, &one)) {
                    let to = AttributeType::Value(target.clone());
                    let to = DType::from_arrow(target).map_or(to, AttributeType::Scalar);
                    let reason = format!("{} does not fit {to}", shown(&one));
                    return Err(Misread { index, reason });
                }
            }
            whole.map_err(arrow)
        }
    }
}

fn arrow_cast(column: &ArrayRef, target: &DataType) -> Result<ArrayRef, ArrowError> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(column, target, &options)
}

/// The one value of `column`, as text of a decent length.
fn shown(column: &ArrayRef) -> String {
    let options = arrow_cast::display::FormatOptions::default().with_null("null");
    let text = arrow_cast::display::ArrayFormatter::try_new(column, &options)
        .map(|formatter| formatter.value(0).to_string())
        .unwrap_or_else(|_| "the value".into());
    crate::text::quoted(&text)
}
