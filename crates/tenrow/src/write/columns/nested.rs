//! Columns of lists, maps and structs.

use std::sync::Arc;

use arrow_array::{ArrayRef, ListArray, MapArray, StructArray};
use arrow_buffer::{NullBuffer, NullBufferBuilder, OffsetBuffer};
use arrow_schema::{DataType, Field, Fields};

use crate::write::columns::plain::{Column, Plain};
use crate::write::nullable::Nullable;

/// The items of rows one after another, how many each row has, and which rows are null.
struct Flat<T> {
    items: Vec<T>,
    counts: Vec<usize>,
    nulls: Option<NullBuffer>,
}

impl<T> Flat<T> {
    fn of(
        rows: impl IntoIterator<Item: Nullable<Value: IntoIterator<Item = T>>>,
    ) -> Result<Self, String> {
        let (mut items, mut counts) = (Vec::new(), Vec::new());
        let mut nulls = NullBufferBuilder::new(0);
        for row in rows {
            let before = items.len();
            let row = row.into_option();
            nulls.append(row.is_some());
            items.extend(row.into_iter().flatten());
            counts.push(items.len() - before);
        }
        match items.len() > i32::MAX as usize {
            true => Err("over 2^31 elements in one batch: give fewer rows at once".to_owned()),
            false => Ok(Self { items, counts, nulls: nulls.finish() }),
        }
    }
}

/// Lists of plain values.
pub(super) fn lists<V: Nullable<Value: Plain>>(
    rows: impl IntoIterator<Item: Nullable<Value: IntoIterator<Item = V>>>,
) -> Column {
    let Flat { items, counts, nulls } = Flat::of(rows)?;
    let values = plain(items)?;
    let item = Arc::new(Field::new("item", values.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths(counts);
    let lists = ListArray::try_new(item, offsets, values, nulls).map_err(|e| e.to_string())?;
    Ok(Arc::new(lists))
}

/// Maps of plain keys to plain values.
pub(super) fn maps<K: Nullable<Value: Plain>, V: Nullable<Value: Plain>>(
    rows: impl IntoIterator<Item: Nullable<Value: IntoIterator<Item = (K, V)>>>,
) -> Column {
    let Flat { items, counts, nulls } = Flat::of(rows)?;
    let (keys, values): (Vec<K>, Vec<V>) = items.into_iter().unzip();
    let (keys, values) = (plain(keys)?, plain(values)?);
    if keys.null_count() > 0 {
        return Err("a key is null: keys are values, of which each row has one once".to_owned());
    }
    let fields = Fields::from(vec![
        Field::new("key", keys.data_type().clone(), false),
        Field::new("value", values.data_type().clone(), true),
    ]);
    let entries = StructArray::try_new(fields.clone(), vec![keys, values], None);
    let entries = entries.map_err(|e| e.to_string())?;
    let field = Arc::new(Field::new("key_value", DataType::Struct(fields), false));
    let offsets = OffsetBuffer::from_lengths(counts);
    let maps = MapArray::try_new(field, offsets, entries, nulls, false);
    Ok(Arc::new(maps.map_err(|e| e.to_string())?))
}

/// Structs of these fields; rows that are not there are null.
pub(super) fn structs(fields: Vec<(String, ArrayRef)>, is_there: Option<NullBuffer>) -> Column {
    let Some((first, column)) = fields.first() else {
        return Err("a struct has at least one field".to_owned());
    };
    if let Some(is_there) = is_there.as_ref().filter(|is_there| is_there.len() != column.len()) {
        return Err(format!(
            "{} rows are said to be there or not, but field {first:?} has {}",
            is_there.len(),
            column.len()
        ));
    }
    let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = fields
        .into_iter()
        .map(|(name, column)| (Field::new(name, column.data_type().clone(), true), column))
        .unzip();
    let structs = StructArray::try_new(fields.into(), columns, is_there);
    Ok(Arc::new(structs.map_err(|e| e.to_string())?))
}

fn plain<V: Nullable<Value: Plain>>(items: Vec<V>) -> Column {
    Plain::column(items.into_iter().map(Nullable::into_option).collect())
}
