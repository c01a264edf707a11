//! Rows that are given as Rust values: what is a value, and what is none.

use std::borrow::Cow;

use arrow_buffer::NullBuffer;
use arrow_buffer::NullBufferBuilder;
use bytes::Bytes;
use half::{bf16, f16};
use ndarray::{ArrayBase, RawData};

use crate::tensor::{Scalar, Tensor};

/// The value of a row, or none: a value itself, a reference to it, or an `Option` of either.
///
/// Whatever [`Columns`](crate::Columns) takes row by row is an iterator of these, so slices, vectors and lazy iterators all
/// do, with nulls or without. There is nothing to implement.
///
/// ```
/// use tenrow::Columns;
/// let measured = [Some(0.5f32), None];
/// let batch = Columns::new()
///     .scalars("id", 0..2i64)
///     .scalars("score", &measured)
///     .strings("name", ["a", "b"])
///     .into_batch()?;
/// assert_eq!(batch["score"].null_count(), 1);
/// # Ok::<(), tenrow::Error>(())
/// ```
pub trait Nullable {
    /// What is there, if anything is.
    type Value;

    /// The value, or none.
    fn into_option(self) -> Option<Self::Value>;
}

impl<T: Nullable> Nullable for Option<T> {
    type Value = T::Value;

    fn into_option(self) -> Option<T::Value> {
        self.and_then(T::into_option)
    }
}

impl<'a, T> Nullable for &'a Option<T>
where
    &'a T: Nullable,
{
    type Value = <&'a T as Nullable>::Value;

    fn into_option(self) -> Option<Self::Value> {
        self.as_ref().and_then(Nullable::into_option)
    }
}

impl<T: Scalar> Nullable for &T {
    type Value = T;

    fn into_option(self) -> Option<T> {
        Some(*self)
    }
}

/// Types that are values as they are.
macro_rules! values {
    ($([$($parameter:tt)*] $value:ty),* $(,)?) => {$(
        impl<$($parameter)*> Nullable for $value {
            type Value = Self;

            fn into_option(self) -> Option<Self> {
                Some(self)
            }
        }
    )*};
}
values! {
    [] bool, [] i8, [] i16, [] i32, [] i64, [] u8, [] u16, [] u32, [] u64, [] f16, [] bf16, [] f32, [] f64, [] i128,
    [] String, ['a] &'a str, ['a] &'a String, ['a] Cow<'a, str>,
    [] Bytes, ['a] &'a Bytes,
    [T] Vec<T>, ['a, T] &'a Vec<T>, ['a, T] &'a [T], [T, const N: usize] [T; N], ['a, T, const N: usize] &'a [T; N],
    [] Tensor, ['a] &'a Tensor,
    [S: RawData, D] ArrayBase<S, D>, ['a, S: RawData, D] &'a ArrayBase<S, D>,
}

impl<'a> Nullable for &&'a str {
    type Value = &'a str;

    fn into_option(self) -> Option<&'a str> {
        Some(self)
    }
}

/// The values of rows, `absent` in the place of those that are none, and which those are.
pub(super) fn parted<V: Nullable>(
    rows: impl IntoIterator<Item = V>,
    absent: impl Fn() -> V::Value,
) -> (Vec<V::Value>, Option<NullBuffer>) {
    let mut nulls = NullBufferBuilder::new(0);
    let values = rows.into_iter().map(|row| {
        let value = row.into_option();
        nulls.append(value.is_some());
        value.unwrap_or_else(&absent)
    });
    let values = values.collect();
    (values, nulls.finish())
}
