//! A schema of Arrow, looked at before Arrow's own reader: that ends the program at types which it does not know, such as
//! the integers of 128 bits that polars has.

use arrow_ipc::{Field, Precision, Schema, TimeUnit, Type, UnionMode};

/// Fields within each other.
const MAX_DEPTH: usize = 64;

/// Refuses a schema with a type that Arrow does not have: the name of the column, and why.
pub(in crate::formats) fn check_schema(schema: Schema<'_>) -> Result<(), (String, String)> {
    let nothing = || (String::new(), "the Arrow schema in the file has no fields".to_owned());
    for field in schema.fields().ok_or_else(nothing)? {
        let name = field.name().unwrap_or_default().to_owned();
        check_field(field, MAX_DEPTH).map_err(|reason| (name, reason))?;
    }
    Ok(())
}

fn check_field(field: Field<'_>, depth: usize) -> Result<(), String> {
    let depth = depth.checked_sub(1).ok_or("nested too deep")?;
    if let Some(dictionary) = field.dictionary() {
        let index = dictionary.indexType().ok_or("a dictionary without indices")?;
        check_integer(index.bitWidth())?;
    }
    check_type(field)?;
    let children = field.children();
    children.into_iter().flatten().try_for_each(|child| check_field(child, depth))
}

fn check_integer(bits: i32) -> Result<(), String> {
    match bits {
        8 | 16 | 32 | 64 => Ok(()),
        bits => Err(format!(
            "integers of {bits} bits are not in Arrow: write them as decimals or text, or as 64 bits where they fit"
        )),
    }
}

fn check_type(field: Field<'_>) -> Result<(), String> {
    let kind = field.type_type();
    let children = field.children().map_or(0, |children| children.len());
    let is_unit = |unit: TimeUnit| (0..=3).contains(&unit.0);
    let is_known = match kind {
        Type::Null
        | Type::Bool
        | Type::Binary
        | Type::BinaryView
        | Type::LargeBinary
        | Type::Utf8
        | Type::Utf8View
        | Type::LargeUtf8
        | Type::Struct_ => true,
        Type::Int => {
            return field.type_as_int().map_or(Ok(()), |int| check_integer(int.bitWidth()));
        }
        Type::FixedSizeBinary => field.type_as_fixed_size_binary().is_some(),
        Type::FloatingPoint => {
            let known = [Precision::HALF, Precision::SINGLE, Precision::DOUBLE];
            field.type_as_floating_point().is_some_and(|float| known.contains(&float.precision()))
        }
        Type::Date => field.type_as_date().is_some_and(|date| (0..=1).contains(&date.unit().0)),
        Type::Time => field.type_as_time().is_some_and(|time| {
            matches!((time.bitWidth(), time.unit().0), (32, 0 | 1) | (64, 2 | 3))
        }),
        Type::Timestamp => field.type_as_timestamp().is_some_and(|time| is_unit(time.unit())),
        Type::Duration => field.type_as_duration().is_some_and(|time| is_unit(time.unit())),
        Type::Interval => {
            field.type_as_interval().is_some_and(|interval| (0..=2).contains(&interval.unit().0))
        }
        Type::List | Type::LargeList | Type::ListView | Type::LargeListView => children == 1,
        Type::FixedSizeList => children == 1 && field.type_as_fixed_size_list().is_some(),
        Type::Map => children == 1 && field.type_as_map().is_some(),
        Type::RunEndEncoded => children == 2,
        Type::Decimal => field.type_as_decimal().is_some_and(|decimal| {
            matches!(decimal.bitWidth(), 32 | 64 | 128 | 256)
                && u8::try_from(decimal.precision()).is_ok()
                && i8::try_from(decimal.scale()).is_ok()
        }),
        // No attribute is one, and their codes need not be those of their fields.
        Type::Union => {
            let known = [UnionMode::Sparse, UnionMode::Dense];
            let union = field.type_as_union();
            union.is_some_and(|union| known.contains(&union.mode()) && union.typeIds().is_none())
        }
        _ => false,
    };
    match is_known {
        true => Ok(()),
        false => Err(format!("a type that is not known: {kind:?}")),
    }
}

#[cfg(test)]
mod tests;
