//! A column of files: the one place that knows the names of its parts.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, BinaryArray, Int64Array, StringArray, StructArray};
use arrow_buffer::NullBuffer;
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType};
use tenrow::engine::file_fields;

/// A column of files, of tenrow or of others: a struct of `bytes`, and what else it may say.
///
/// ```
/// use tenrow_values::FileArray;
/// let value = tenrow::FileValue { name: Some("a.txt".into()), bytes: Some("text".into()), ..Default::default() };
/// let column: arrow_array::ArrayRef = std::sync::Arc::new(tenrow::FileValue::array(&[Some(value), None]));
/// let files = FileArray::of(&column)?.expect("it is a struct");
/// assert_eq!((files.bytes(0), files.name(0)), (Some(&b"text"[..]), Some("a.txt")));
/// assert!(!files.is_valid(1) && files.bytes(1).is_none());
/// # Ok::<(), arrow_schema::ArrowError>(())
/// ```
#[derive(Debug, Clone)]
pub struct FileArray {
    nulls: Option<NullBuffer>,
    len: usize,
    has_bytes: bool,
    bytes: BinaryArray,
    path: StringArray,
    name: StringArray,
    media_type: StringArray,
    size_bytes: Int64Array,
    blake3: ArrayRef,
}

impl FileArray {
    /// The files of `column`, whose parts may be of any type that is text, bytes or numbers; those that it lacks are
    /// null. `None` if it is no struct.
    ///
    /// Copies nothing if the parts have the types that tenrow stores.
    ///
    /// # Errors
    /// If a part has values of another kind.
    pub fn of(column: &ArrayRef) -> Result<Option<Self>, ArrowError> {
        let Some(files) = column.as_struct_opt() else { return Ok(None) };
        let options = CastOptions { safe: false, ..CastOptions::default() };
        let part = |name: &str, data_type: &DataType| match files.column_by_name(name) {
            Some(column) => cast_with_options(column, data_type, &options),
            None => Ok(arrow_array::new_null_array(data_type, files.len())),
        };
        let text =
            |name: &str| Ok::<_, ArrowError>(part(name, &DataType::Utf8)?.as_string().clone());
        Ok(Some(Self {
            nulls: files.nulls().cloned(),
            len: files.len(),
            has_bytes: files.column_by_name("bytes").is_some(),
            bytes: part("bytes", &DataType::Binary)?.as_binary().clone(),
            path: text("path")?,
            name: text("name")?,
            media_type: text("media_type")?,
            size_bytes: part("size_bytes", &DataType::Int64)?.as_primitive::<Int64Type>().clone(),
            blake3: part("blake3", &DataType::Utf8)?,
        }))
    }

    /// Files as importers have them: content, name and media type.
    ///
    /// # Errors
    /// If these are not of equal length.
    pub fn of_contents(
        bytes: BinaryArray,
        name: StringArray,
        media_type: StringArray,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, ArrowError> {
        let len = bytes.len();
        let (path, blake3) = (StringArray::new_null(len), StringArray::new_null(len));
        let (size_bytes, blake3) = (Int64Array::new_null(len), Arc::new(blake3) as _);
        let has_bytes = true;
        Self { nulls, len, has_bytes, bytes, path, name, media_type, size_bytes, blake3 }.array()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the column has a place for bytes at all.
    pub fn has_bytes(&self) -> bool {
        self.has_bytes
    }

    /// Whether row `row` has a file.
    pub fn is_valid(&self, row: usize) -> bool {
        self.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))
    }

    /// The bytes that stand in row `row`; `None` if they are elsewhere, or there is no file.
    pub fn bytes(&self, row: usize) -> Option<&[u8]> {
        (self.is_valid(row) && self.bytes.is_valid(row)).then(|| self.bytes.value(row))
    }

    /// The bytes of all rows, where they stand in them.
    pub fn contents(&self) -> &BinaryArray {
        &self.bytes
    }

    /// Where the bytes of row `row` are, or came from.
    pub fn path(&self, row: usize) -> Option<&str> {
        self.text(&self.path, row)
    }

    /// The name of the file.
    pub fn name(&self, row: usize) -> Option<&str> {
        self.text(&self.name, row)
    }

    /// The media type of the file.
    pub fn media_type(&self, row: usize) -> Option<&str> {
        self.text(&self.media_type, row)
    }

    /// The size that row `row` says its file has.
    pub fn size_bytes(&self, row: usize) -> Option<i64> {
        (self.is_valid(row) && self.size_bytes.is_valid(row)).then(|| self.size_bytes.value(row))
    }

    /// The path of a file whose bytes are not in row `row` but there.
    pub fn outside(&self, row: usize) -> Option<&str> {
        if self.bytes(row).is_some() { None } else { self.path(row) }
    }

    /// The same files with these bytes in their rows.
    #[must_use]
    pub fn with_bytes(mut self, bytes: BinaryArray) -> Self {
        (self.bytes, self.has_bytes) = (bytes, true);
        self
    }

    /// The same files without the places where they are or were.
    #[must_use]
    pub fn without_paths(mut self) -> Self {
        self.path = StringArray::new_null(self.len);
        self
    }

    /// The column as tenrow stores it.
    ///
    /// # Errors
    /// If bytes were given for fewer or more rows than there are.
    pub fn array(self) -> Result<ArrayRef, ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.bytes),
            Arc::new(self.path),
            Arc::new(self.name),
            Arc::new(self.media_type),
            Arc::new(self.size_bytes),
            self.blake3,
        ];
        let files = StructArray::try_new(file_fields(), columns, self.nulls)?;
        Ok(Arc::new(files))
    }

    fn text<'a>(&self, texts: &'a StringArray, row: usize) -> Option<&'a str> {
        (self.is_valid(row) && texts.is_valid(row)).then(|| texts.value(row))
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{LargeBinaryArray, StringViewArray};
    use arrow_schema::Field;

    use super::*;

    /// Files as others have them: fewer parts, of other types.
    fn foreign() -> ArrayRef {
        let bytes = LargeBinaryArray::from(vec![Some(&b"one"[..]), None, None]);
        let paths = StringViewArray::from(vec![Some("a"), Some("b"), None]);
        let parts: [(&str, ArrayRef); 2] = [("bytes", Arc::new(bytes)), ("path", Arc::new(paths))];
        let fields =
            parts.clone().map(|(name, part)| Field::new(name, part.data_type().clone(), true));
        let nulls = Some(vec![true, true, false].into());
        Arc::new(StructArray::new(
            fields.to_vec().into(),
            parts.map(|(_, part)| part).into(),
            nulls,
        ))
    }

    #[test]
    fn files_of_others_have_the_same_parts_and_lack_the_rest() {
        let files = FileArray::of(&foreign()).unwrap().unwrap();
        assert_eq!((files.len(), files.has_bytes()), (3, true));
        assert_eq!(
            (files.bytes(0), files.path(0), files.outside(0)),
            (Some(&b"one"[..]), Some("a"), None)
        );
        assert_eq!((files.bytes(1), files.outside(1)), (None, Some("b")));
        assert!(!files.is_valid(2) && files.outside(2).is_none());
        assert_eq!((files.name(0), files.media_type(0), files.size_bytes(0)), (None, None, None));
    }

    #[test]
    fn files_are_given_bytes_and_lose_their_paths() {
        let files = FileArray::of(&foreign()).unwrap().unwrap();
        let bytes = BinaryArray::from(vec![Some(&b"one"[..]), Some(b"two"), None]);
        let filled = files.with_bytes(bytes).without_paths().array().unwrap();
        assert_eq!(*filled.data_type(), DataType::Struct(file_fields()));
        let filled = FileArray::of(&filled).unwrap().unwrap();
        assert_eq!((filled.bytes(1), filled.path(0)), (Some(&b"two"[..]), None));
        assert!(!filled.is_valid(2));
        let none: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
        assert!(FileArray::of(&none).unwrap().is_none());
    }

    #[test]
    fn parts_of_another_kind_are_refused() {
        let sizes: ArrayRef = Arc::new(StringArray::from(vec!["many"]));
        let fields = vec![Field::new("size_bytes", DataType::Utf8, true)].into();
        let files: ArrayRef = Arc::new(StructArray::new(fields, vec![sizes], None));
        assert!(FileArray::of(&files).is_err());
    }
}
