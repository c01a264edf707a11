//! Columns of plain values: numbers, booleans, texts, bytes, and numbers that stand for something else.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, FixedSizeBinaryBuilder, StringBuilder};
use arrow_array::{ArrayRef, make_array};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, i256};
use arrow_data::ArrayData;
use arrow_schema::{DataType, IntervalUnit};
use half::{bf16, f16};

use crate::format::AttributeType;
use crate::tensor::{Scalar, Tensor};
use crate::write::nullable::{Nullable, parted};

/// A column, or what is wrong with what was given for it.
pub(super) type Column = Result<ArrayRef, String>;

/// What a list or a map may hold: a number, a boolean, or a text.
///
/// There is nothing to implement.
///
/// ```
/// let rows = [vec!["a", "b"], vec![]];
/// let batch = tenrow::Columns::new().lists("words", rows).lists("counts", [&[1u32][..], &[]]).into_batch()?;
/// assert_eq!(batch.num_rows(), 2);
/// # Ok::<(), tenrow::Error>(())
/// ```
pub trait Plain: Sized + sealed::Sealed {
    /// The values as an Arrow array, or why they make none.
    #[doc(hidden)]
    fn column(values: Vec<Option<Self>>) -> Result<ArrayRef, String>;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! plain {
    ($function:ident: $([$($parameter:tt)*] $value:ty),*) => {$(
        impl<$($parameter)*> sealed::Sealed for $value {}
        impl<$($parameter)*> Plain for $value {
            fn column(values: Vec<Option<Self>>) -> Result<ArrayRef, String> {
                $function(values)
            }
        }
    )*};
}
plain!(scalars: [] bool, [] i8, [] i16, [] i32, [] i64, [] u8, [] u16, [] u32, [] u64,
       [] f16, [] bf16, [] f32, [] f64);
plain!(texts: [] String, ['a] &'a String, ['a] &'a str, ['a] Cow<'a, str>);

/// Numbers or booleans.
pub(super) fn scalars<T: Scalar>(rows: impl IntoIterator<Item: Nullable<Value = T>>) -> Column {
    let (values, nulls) = parted(rows, T::default);
    elements(&Tensor::of_rows(&values), nulls)
}

/// The elements of a tensor one after another, as Arrow keeps them: booleans a bit each.
pub(super) fn elements(tensor: &Tensor, nulls: Option<NullBuffer>) -> Column {
    let bytes = tensor.bytes();
    let (buffer, len) = match tensor.dtype().item_bytes() {
        Some(size) => (Buffer::from(bytes.clone()), bytes.len() / size as usize),
        None => (BooleanBuffer::from_iter(bytes.iter().map(|&b| b != 0)).into_inner(), bytes.len()),
    };
    array_of(tensor.dtype().arrow_type(), len, buffer, nulls)
}

/// Numbers of the memory of `data_type`.
fn array_of(data_type: DataType, len: usize, values: Buffer, nulls: Option<NullBuffer>) -> Column {
    let data = ArrayData::builder(data_type).len(len).add_buffer(values).nulls(nulls);
    data.align_buffers(true).build().map(make_array).map_err(|e| e.to_string())
}

/// Refuses what the offsets of one array cannot reach.
pub(super) fn check_bytes(sizes: impl Iterator<Item = usize>) -> Result<(), String> {
    match sizes.sum::<usize>() > i32::MAX as usize {
        true => Err("over 2 GiB of text or bytes in one batch: give fewer rows at once".to_owned()),
        false => Ok(()),
    }
}

/// Texts.
pub(super) fn texts<S: AsRef<str>>(rows: Vec<Option<S>>) -> Column {
    check_bytes(rows.iter().flatten().map(|text| text.as_ref().len()))?;
    let mut builder = StringBuilder::new();
    rows.iter().for_each(|text| builder.append_option(text.as_ref()));
    Ok(Arc::new(builder.finish()))
}

/// Bytes.
pub(super) fn binary<B: AsRef<[u8]>>(rows: Vec<Option<B>>) -> Column {
    check_bytes(rows.iter().flatten().map(|bytes| bytes.as_ref().len()))?;
    let mut builder = BinaryBuilder::new();
    rows.iter().for_each(|bytes| builder.append_option(bytes.as_ref()));
    Ok(Arc::new(builder.finish()))
}

/// Bytes of one length.
pub(super) fn fixed_binary<B: AsRef<[u8]>>(size: usize, rows: Vec<Option<B>>) -> Column {
    let width =
        i32::try_from(size).map_err(|_| format!("{size} bytes in each row are too many"))?;
    let mut builder = FixedSizeBinaryBuilder::new(width);
    for (row, bytes) in rows.iter().enumerate() {
        let Some(bytes) = bytes.as_ref().map(AsRef::as_ref) else {
            builder.append_null();
            continue;
        };
        if bytes.len() != size {
            return Err(format!(
                "row {row} has {} bytes, expected {size} in each row",
                bytes.len()
            ));
        }
        builder.append_value(bytes).map_err(|e| e.to_string())?;
    }
    Ok(Arc::new(builder.finish()))
}

/// Numbers that are stored for values of the type that `text` names.
pub(super) fn numbers_as(text: &str, rows: Vec<Option<i128>>) -> Column {
    let attribute_type: AttributeType =
        text.parse().map_err(|e: crate::format::FormatError| e.to_string())?;
    let other = || format!("`numbers_as` takes dates, times, durations and decimals, found {text}");
    let AttributeType::Value(data_type) = attribute_type else { return Err(other()) };
    let largest = match &data_type {
        DataType::Date32 | DataType::Time32(_) | DataType::Interval(IntervalUnit::YearMonth) => {
            i128::from(i32::MAX)
        }
        DataType::Date64
        | DataType::Time64(_)
        | DataType::Timestamp(..)
        | DataType::Duration(_) => i128::from(i64::MAX),
        DataType::Decimal32(precision, _)
        | DataType::Decimal64(precision, _)
        | DataType::Decimal128(precision, _)
        | DataType::Decimal256(precision, _) => {
            10i128.checked_pow(u32::from(*precision)).map_or(i128::MAX, |end| end - 1)
        }
        _ => return Err(other()),
    };
    let (values, nulls) = parted(rows, i128::default);
    let smallest = match data_type.is_decimal() {
        true => -largest,
        false => -largest - 1,
    };
    if let Some(row) = values.iter().position(|value| !(smallest..=largest).contains(value)) {
        return Err(format!("row {row}: {} does not fit {text}", values[row]));
    }
    let width = data_type.primitive_width().ok_or_else(other)?;
    let buffer: Buffer = match width {
        4 => values.iter().map(|&value| value as i32).collect(),
        8 => values.iter().map(|&value| value as i64).collect(),
        16 => Buffer::from_vec(values.clone()),
        _ => values.iter().map(|&value| i256::from_i128(value)).collect(),
    };
    array_of(data_type, values.len(), buffer, nulls)
}
