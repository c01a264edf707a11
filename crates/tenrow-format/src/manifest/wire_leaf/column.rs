//! A column that was read from storage, and its values once its type and nulls are what they must be.
//!
//! Each check is made once, over the whole column. What comes out is slices, so that a row costs no more than
//! copying its values.

use std::fmt::Display;
use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Int32Type, Int64Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, ListArray, PrimitiveArray, StringArray, StructArray,
};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;

use super::WHAT;
use crate::error::{FormatError, Result};

/// A column by its path; methods that begin with `nullable` let it hold nulls.
pub(super) struct Column<'a> {
    path: String,
    array: &'a dyn Array,
    /// The rows in which the group that it is in is null: there it may be, too.
    group_nulls: Option<&'a NullBuffer>,
}

/// Columns of equal length, side by side.
pub(super) struct Group<'a> {
    path: String,
    columns: &'a StructArray,
}

impl<'a> Group<'a> {
    /// The columns of a whole leaf.
    pub(super) fn root(columns: &'a StructArray) -> Self {
        Self { path: String::new(), columns }
    }

    /// The column of this name, which there must be once.
    pub(super) fn column(&self, name: &str) -> Result<Column<'a>> {
        let path = match self.path.as_str() {
            "" => name.to_owned(),
            parent => format!("{parent}.{name}"),
        };
        let named = self.columns.fields().iter().zip(self.columns.columns());
        let of_name: Vec<&ArrayRef> =
            named.filter(|(field, _)| field.name() == name).map(|(_, array)| array).collect();
        let &[array] = of_name.as_slice() else {
            return Err(malformed(&path, format_args!("occurs {} times", of_name.len())));
        };
        Ok(Column { path, array, group_nulls: self.columns.nulls() })
    }

    /// Rows.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether the group is there in this row.
    pub(super) fn is_valid(&self, row: usize) -> bool {
        self.columns.is_valid(row)
    }
}

impl<'a> Column<'a> {
    /// Numbers stored as 64 bits, none below 0.
    pub(super) fn numbers(&self) -> Result<&'a [u64]> {
        self.not_null()?;
        Ok(self.nullable_numbers()?.values)
    }

    pub(super) fn nullable_numbers(&self) -> Result<Nullable<'a, u64>> {
        let array = self.not_negative::<Int64Type>()?;
        Ok(Nullable { values: bytemuck::cast_slice(array.values()), nulls: array.nulls() })
    }

    /// Numbers stored as 32 bits, none below 0.
    pub(super) fn small_numbers(&self) -> Result<&'a [u32]> {
        self.not_null()?;
        Ok(self.nullable_small_numbers()?.values)
    }

    pub(super) fn nullable_small_numbers(&self) -> Result<Nullable<'a, u32>> {
        let array = self.not_negative::<Int32Type>()?;
        Ok(Nullable { values: bytemuck::cast_slice(array.values()), nulls: array.nulls() })
    }

    /// Numbers of 64 bits that may be below 0.
    pub(super) fn signed_numbers(&self) -> Result<&'a [i64]> {
        self.not_null()?;
        Ok(self.primitive::<Int64Type>()?.values())
    }

    pub(super) fn hashes(&self) -> Result<&'a [u64]> {
        self.not_null()?;
        Ok(self.primitive::<UInt64Type>()?.values())
    }

    pub(super) fn flags(&self) -> Result<&'a BooleanArray> {
        self.not_null()?;
        self.typed(self.array.as_boolean_opt(), DataType::Boolean)
    }

    pub(super) fn texts(&self) -> Result<&'a StringArray> {
        self.not_null()?;
        self.nullable_texts()
    }

    pub(super) fn nullable_texts(&self) -> Result<&'a StringArray> {
        self.typed(self.array.as_string_opt(), DataType::Utf8)
    }

    pub(super) fn nullable_bytes(&self) -> Result<&'a BinaryArray> {
        self.typed(self.array.as_binary_opt(), DataType::Binary)
    }

    pub(super) fn nullable_group(&self) -> Result<Group<'a>> {
        let columns = self.typed(self.array.as_struct_opt(), "a group")?;
        Ok(Group { path: self.path.clone(), columns })
    }

    /// Where the elements of each row are, and the elements.
    pub(super) fn lists(&self) -> Result<(Lists<'a>, Column<'a>)> {
        self.not_null()?;
        self.nullable_lists()
    }

    pub(super) fn nullable_lists(&self) -> Result<(Lists<'a>, Column<'a>)> {
        let list: &ListArray = self.typed(self.array.as_list_opt(), "a list")?;
        let elements = Column { path: self.path.clone(), array: list.values(), group_nulls: None };
        Ok((Lists { offsets: list.value_offsets(), nulls: list.nulls() }, elements))
    }

    /// Where the elements of each row are, and the columns of the elements, which are groups.
    pub(super) fn lists_of_groups(&self) -> Result<(Lists<'a>, Group<'a>)> {
        self.not_null()?;
        self.nullable_lists_of_groups()
    }

    pub(super) fn nullable_lists_of_groups(&self) -> Result<(Lists<'a>, Group<'a>)> {
        let (lists, elements) = self.nullable_lists()?;
        elements.not_null()?;
        Ok((lists, elements.nullable_group()?))
    }

    fn not_null(&self) -> Result<()> {
        let is_whole = self.array.nulls().is_none_or(|nulls| {
            nulls.null_count() == 0 || self.group_nulls.is_some_and(|group| group.contains(nulls))
        });
        if is_whole { Ok(()) } else { Err(malformed(&self.path, "holds a null")) }
    }

    fn not_negative<T: ArrowPrimitiveType>(&self) -> Result<&'a PrimitiveArray<T>> {
        let array = self.primitive::<T>()?;
        let zero = T::Native::default();
        let mut numbers = array.values().iter().enumerate();
        match numbers.find(|&(row, &number)| number < zero && array.is_valid(row)) {
            None => Ok(array),
            Some((_, number)) => {
                Err(malformed(&self.path, format_args!("holds {number:?}, which is below 0")))
            }
        }
    }

    fn primitive<T: ArrowPrimitiveType>(&self) -> Result<&'a PrimitiveArray<T>> {
        self.typed(self.array.as_primitive_opt(), T::DATA_TYPE)
    }

    fn typed<T>(&self, array: Option<T>, expected: impl Display) -> Result<T> {
        array.ok_or_else(|| {
            let found = self.array.data_type();
            malformed(&self.path, format_args!("is {found}, expected {expected}"))
        })
    }
}

/// Values of which some may be null.
pub(super) struct Nullable<'a, T> {
    values: &'a [T],
    nulls: Option<&'a NullBuffer>,
}

impl<T: Copy> Nullable<'_, T> {
    pub(super) fn at(&self, row: usize) -> Option<T> {
        is_valid(self.nulls, row).then(|| self.values[row])
    }
}

/// Where the elements of lists are among all elements.
pub(super) struct Lists<'a> {
    offsets: &'a [i32],
    nulls: Option<&'a NullBuffer>,
}

impl Lists<'_> {
    /// The elements of this row. Arrow has seen to it that offsets ascend and that the elements are there.
    pub(super) fn at(&self, row: usize) -> Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }

    /// The same, if there is a list in this row.
    pub(super) fn nullable_at(&self, row: usize) -> Option<Range<usize>> {
        is_valid(self.nulls, row).then(|| self.at(row))
    }
}

fn is_valid(nulls: Option<&NullBuffer>, row: usize) -> bool {
    nulls.is_none_or(|nulls| nulls.is_valid(row))
}

fn malformed(path: &str, reason: impl Display) -> FormatError {
    FormatError::malformed(WHAT, format!("column {path} {reason}"))
}
