//! Batches from Rust values: one step for each kind of attribute, and one place that fails.

mod nested;
mod plain;
mod tensors;

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};

use crate::error::{Error, Result};
use crate::tensor::{Scalar, Tensor};
use crate::write::files::FileValue;
use crate::write::nullable::Nullable;
use plain::Column;
pub use plain::Plain;

/// The columns of some rows, given as Rust values.
///
/// There is a step for each kind of attribute. Each takes its rows from a slice, a vector or any iterator, of values,
/// references or [`Option`]s of either: `None` is a null row (see [`Nullable`]). No step fails; what is wrong is said once,
/// where the batch is made: by [`into_batch`](Self::into_batch), or by
/// [`append_columns`](crate::DatasetWriter::append_columns), which also knows the schema.
///
/// | attribute | step |
/// |---|---|
/// | `i64`, `f32`, `bool`, … | [`scalars`](Self::scalars) |
/// | `string` | [`strings`](Self::strings) |
/// | `binary`, `fixed_binary(n)` | [`binary`](Self::binary), [`fixed_binary`](Self::fixed_binary) |
/// | `timestamp(us)`, `date32`, `decimal128(9,2)`, … | [`numbers_as`](Self::numbers_as) |
/// | `u8[28,28]` | [`tensors`](Self::tensors) of one array, [`tensor_rows`](Self::tensor_rows) of many |
/// | `f32[?,4]` | [`variable_tensors`](Self::variable_tensors) |
/// | `list<…>`, `map<…>` | [`lists`](Self::lists), [`maps`](Self::maps) |
/// | `struct<…>` | [`structs`](Self::structs), [`nullable_structs`](Self::nullable_structs) |
/// | `file` | [`files`](Self::files) |
/// | any | [`array`](Self::array), of Arrow |
///
/// ```
/// use ndarray::Array3;
/// use tenrow::Columns;
/// let images = Array3::<u8>::zeros((2, 28, 28));
/// let columns = Columns::new()
///     .tensors("image", &images)
///     .scalars("label", [7i64, 2])
///     .strings("name", [Some("seven"), None])
///     .numbers_as("taken", "timestamp(ms,UTC)", [1_700_000_000_000i64, 1_700_000_060_000]);
/// assert_eq!(columns.into_batch()?.num_rows(), 2);
///
/// let columns = Columns::new().tensors("image", &images).scalars("label", [7i64]);
/// let error = columns.into_batch().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     r#"attribute "image" has 2 rows, but "label" has 1: give each as many rows, `None` where one has no value"#
/// );
/// # Ok::<(), tenrow::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Columns {
    columns: Vec<(String, Column)>,
}

impl Columns {
    /// No columns yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Numbers or booleans, one a row.
    pub fn scalars(
        self,
        name: &str,
        rows: impl IntoIterator<Item: Nullable<Value: Scalar>>,
    ) -> Self {
        self.with(name, plain::scalars(rows))
    }

    /// Texts, one a row.
    pub fn strings(
        self,
        name: &str,
        rows: impl IntoIterator<Item: Nullable<Value: AsRef<str>>>,
    ) -> Self {
        self.with(name, plain::texts(rows.into_iter().map(Nullable::into_option).collect()))
    }

    /// Bytes, one run a row.
    ///
    /// ```
    /// let rows = [Some(vec![1u8, 2]), None];
    /// let batch = tenrow::Columns::new().binary("raw", &rows).into_batch()?;
    /// assert_eq!(batch["raw"].null_count(), 1);
    /// # Ok::<(), tenrow::Error>(())
    /// ```
    pub fn binary(
        self,
        name: &str,
        rows: impl IntoIterator<Item: Nullable<Value: AsRef<[u8]>>>,
    ) -> Self {
        self.with(name, plain::binary(rows.into_iter().map(Nullable::into_option).collect()))
    }

    /// Bytes, `size_bytes` a row, which each row must have: an id, a hash.
    pub fn fixed_binary(
        self,
        name: &str,
        size_bytes: usize,
        rows: impl IntoIterator<Item: Nullable<Value: AsRef<[u8]>>>,
    ) -> Self {
        let rows = rows.into_iter().map(Nullable::into_option).collect();
        self.with(name, plain::fixed_binary(size_bytes, rows))
    }

    /// Values of a type that Rust lacks, each as the number that is stored: days of a `date32`, units of a `timestamp(us)`,
    /// a `time32(s)` or a `duration(ms)`, decimals without their point.
    ///
    /// ```
    /// let batch = tenrow::Columns::new()
    ///     .numbers_as("day", "date32", [Some(19_700), None])
    ///     .numbers_as("price", "decimal128(9,2)", [1999, 5])
    ///     .into_batch()?;
    /// assert_eq!(batch["price"].data_type().to_string(), "Decimal128(9, 2)");
    /// # Ok::<(), tenrow::Error>(())
    /// ```
    pub fn numbers_as(
        self,
        name: &str,
        type_text: &str,
        rows: impl IntoIterator<Item: Nullable<Value: Into<i128>>>,
    ) -> Self {
        let rows = rows.into_iter().map(|row| row.into_option().map(Into::into)).collect();
        self.with(name, plain::numbers_as(type_text, rows))
    }

    /// Tensors of one shape, from one array: its first axis is the row.
    ///
    /// An `ndarray` array is copied once, a [`Tensor`] is shared.
    pub fn tensors(self, name: &str, rows: impl Into<Tensor>) -> Self {
        self.with(name, tensors::stacked(&rows.into(), None))
    }

    /// Tensors of one shape, an array a row.
    ///
    /// ```
    /// use ndarray::{Array2, array};
    /// let rows: [Option<Array2<f32>>; 2] = [Some(array![[1.0, 2.0]]), None];
    /// let batch = tenrow::Columns::new().tensor_rows("point", &rows).into_batch()?;
    /// assert_eq!(batch["point"].null_count(), 1);
    /// # Ok::<(), tenrow::Error>(())
    /// ```
    pub fn tensor_rows(
        self,
        name: &str,
        rows: impl IntoIterator<Item: Nullable<Value: Into<Tensor>>>,
    ) -> Self {
        let rows: Vec<_> = rows.into_iter().map(|row| row.into_option().map(Into::into)).collect();
        self.with(name, tensors::of_one_shape(&rows))
    }

    /// Tensors whose shapes differ, an array a row; all have as many dimensions.
    ///
    /// ```
    /// use ndarray::array;
    /// let boxes = [array![[0f32, 0.0, 9.0, 9.0]], array![[1.0, 1.0, 2.0, 2.0], [3.0, 3.0, 4.0, 4.0]]];
    /// let batch = tenrow::Columns::new().variable_tensors("boxes", &boxes).into_batch()?;
    /// assert_eq!(batch.num_rows(), 2);
    /// # Ok::<(), tenrow::Error>(())
    /// ```
    pub fn variable_tensors(
        self,
        name: &str,
        rows: impl IntoIterator<Item: Nullable<Value: Into<Tensor>>>,
    ) -> Self {
        let rows: Vec<_> = rows.into_iter().map(|row| row.into_option().map(Into::into)).collect();
        self.with(name, tensors::of_any_shape(&rows))
    }

    /// Lists of numbers, booleans or texts, one a row; an element may be null, too, if the attribute is `list<string?>`:
    /// one of `list<string>` has no null elements.
    ///
    /// ```
    /// let rows = [Some(vec![Some("a"), None]), Some(vec![]), None];
    /// let batch = tenrow::Columns::new().lists("words", rows).into_batch()?;
    /// assert_eq!(batch["words"].null_count(), 1);
    /// # Ok::<(), tenrow::Error>(())
    /// ```
    pub fn lists(
        self,
        name: &str,
        rows: impl IntoIterator<Item: Nullable<Value: IntoIterator<Item: Nullable<Value: Plain>>>>,
    ) -> Self {
        self.with(name, nested::lists(rows))
    }

    /// Maps, one a row: pairs of a key and a value, each a number, a boolean or a text. A value may be null if the
    /// attribute is `map<string,i64?>`: one of `map<string,i64>` has no null values.
    ///
    /// ```
    /// let rows = [vec![("width", 640i64), ("height", 480)], vec![]];
    /// let batch = tenrow::Columns::new().maps("sizes", rows).into_batch()?;
    /// assert_eq!(batch.num_rows(), 2);
    /// # Ok::<(), tenrow::Error>(())
    /// ```
    pub fn maps<K, V>(
        self,
        name: &str,
        rows: impl IntoIterator<Item: Nullable<Value: IntoIterator<Item = (K, V)>>>,
    ) -> Self
    where
        K: Nullable<Value: Plain>,
        V: Nullable<Value: Plain>,
    {
        self.with(name, nested::maps(rows))
    }

    /// Structs, one a row, given by their fields, which are columns in turn.
    ///
    /// ```
    /// use tenrow::Columns;
    /// let fields = Columns::new().scalars("x", [1i32, 2]).strings("unit", ["m", "km"]);
    /// let batch = Columns::new().structs("length", fields).into_batch()?;
    /// assert_eq!(batch.num_rows(), 2);
    /// # Ok::<(), tenrow::Error>(())
    /// ```
    pub fn structs(self, name: &str, fields: Self) -> Self {
        let column = fields.checked("field").and_then(|fields| nested::structs(fields, None));
        self.with(name, column)
    }

    /// [`structs`](Self::structs) of which some rows are null: those that `is_there` is false for, whatever their fields
    /// have.
    pub fn nullable_structs(
        self,
        name: &str,
        is_there: impl IntoIterator<Item = bool>,
        fields: Self,
    ) -> Self {
        let is_there = is_there.into_iter().collect();
        let fields = fields.checked("field");
        self.with(name, fields.and_then(|fields| nested::structs(fields, Some(is_there))))
    }

    /// Files, one a row.
    pub fn files(
        self,
        name: &str,
        rows: impl IntoIterator<Item: Nullable<Value: Borrow<FileValue>>>,
    ) -> Self {
        let rows: Vec<_> = rows.into_iter().map(Nullable::into_option).collect();
        let sizes = rows.iter().flatten().filter_map(|file| file.borrow().bytes.as_ref());
        let column = plain::check_bytes(sizes.map(bytes::Bytes::len)).map(|()| {
            let rows = rows.iter().map(|file| file.as_ref().map(Borrow::borrow));
            Arc::new(FileValue::array(rows)) as ArrayRef
        });
        self.with(name, column)
    }

    /// Any Arrow array, shared: what no other step makes, and what others have made.
    pub fn array(self, name: &str, array: ArrayRef) -> Self {
        self.with(name, Ok(array))
    }

    fn with(mut self, name: &str, column: Column) -> Self {
        self.columns.push((name.to_owned(), column));
        self
    }

    /// The batch of these columns.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), naming the attribute, if its rows do not go together, a name is
    /// given twice, two columns differ in length, or there is none.
    pub fn into_batch(self) -> Result<RecordBatch> {
        let columns = self.checked("attribute").map_err(Error::invalid)?;
        if columns.is_empty() {
            return Err(Error::invalid("a batch without columns has no rows: give one at least"));
        }
        let columns = columns.into_iter().map(|(name, array)| (name, array, true));
        RecordBatch::try_from_iter_with_nullable(columns)
            .map_err(|e| Error::invalid("the columns make no batch").with_source(e))
    }

    /// The columns, if all are sound, each name is there once, and all are as long; `what` is what they are called.
    fn checked(self, what: &str) -> std::result::Result<Vec<(String, ArrayRef)>, String> {
        let mut columns: Vec<(String, ArrayRef)> = Vec::with_capacity(self.columns.len());
        let mut names = BTreeSet::new();
        for (name, column) in self.columns {
            let column = column.map_err(|reason| format!("{what} {name:?}: {reason}"))?;
            if !names.insert(name.clone()) {
                return Err(format!("{what} {name:?} is given twice: give it once"));
            }
            if let Some((first, other)) = columns.first()
                && other.len() != column.len()
            {
                return Err(format!(
                    "{what} {first:?} has {} rows, but {name:?} has {}: give each as many rows, `None` where one has no value",
                    other.len(),
                    column.len()
                ));
            }
            columns.push((name, column));
        }
        Ok(columns)
    }
}

#[cfg(test)]
mod tests;
