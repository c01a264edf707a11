//! Values as text on one line, as much of them as there is room for.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{DataType, Field, Fields};
use tenrow::{Attribute, AttributeType};
use tenrow_values::{FileArray, attribute_of, conform, tensor_at};

use super::detail::Detail;
use super::tensors::tensor_text;
use crate::fault::Result;
use crate::text;

/// What a null is shown as.
pub(crate) const NULL: &str = "null";

/// The values of a column, each on one line that a terminal shows as it is.
pub(crate) fn texts(field: &Field, column: &ArrayRef, detail: Detail) -> Result<Vec<String>> {
    let texts = values(field, column, detail)?;
    Ok(texts.into_iter().map(|text| shortened(text::tame(&text).into_owned(), detail)).collect())
}

/// Whether a column is of numbers, which stand on the right.
#[cfg(feature = "sql")]
pub(crate) fn is_number(field: &Field) -> bool {
    let of_attribute = || attribute_of(field).is_ok_and(|a| is_scalar(&a.attribute_type));
    field.data_type().is_numeric() || of_attribute()
}

fn is_scalar(attribute_type: &AttributeType) -> bool {
    matches!(attribute_type, AttributeType::Scalar(dtype) if *dtype != tenrow::DType::Bool)
}

fn values(field: &Field, column: &ArrayRef, detail: Detail) -> Result<Vec<String>> {
    if let Ok(attribute) = attribute_of(field)
        && let Some(texts) = of_attribute(&attribute, column, detail)
    {
        return Ok(texts);
    }
    match column.data_type() {
        DataType::List(item) => {
            lists(item, column, detail, |row| column.as_list::<i32>().value(row))
        }
        DataType::LargeList(item) => {
            lists(item, column, detail, |row| column.as_list::<i64>().value(row))
        }
        DataType::FixedSizeList(item, _) => {
            lists(item, column, detail, |row| column.as_fixed_size_list().value(row))
        }
        DataType::Struct(fields) => structs(fields, column, detail),
        DataType::Binary => bytes(column, detail, |row| column.as_binary::<i32>().value(row)),
        DataType::LargeBinary => bytes(column, detail, |row| column.as_binary::<i64>().value(row)),
        DataType::BinaryView => bytes(column, detail, |row| column.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => {
            bytes(column, detail, |row| column.as_fixed_size_binary().value(row))
        }
        data_type => {
            let is_quoted = detail.quotes && data_type.is_string();
            let options = FormatOptions::default();
            let formatter = ArrayFormatter::try_new(column, &options)?;
            each(column, |row| {
                let text = formatter.value(row).try_to_string()?;
                Ok(if is_quoted { format!("{text:?}") } else { text })
            })
        }
    }
}

/// The text of every row that is not null.
fn each(column: &ArrayRef, text: impl Fn(usize) -> Result<String>) -> Result<Vec<String>> {
    // A column of nothing but nulls has no list of them.
    let nulls = column.logical_nulls();
    let is_null = |row| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
    (0..column.len())
        .map(|row| if is_null(row) { Ok(NULL.to_owned()) } else { text(row) })
        .collect()
}

/// Tensors and files; `None` if it is neither, or no tensor in spite of its type.
fn of_attribute(attribute: &Attribute, column: &ArrayRef, detail: Detail) -> Option<Vec<String>> {
    let attribute_type = &attribute.attribute_type;
    let is_tensor = matches!(
        attribute_type,
        AttributeType::Tensor { .. } | AttributeType::VariableTensor { .. }
    );
    let is_half =
        column.data_type().is_null() || matches!(column.data_type(), DataType::FixedSizeBinary(_));
    if !is_tensor
        && *attribute_type != AttributeType::File
        && !(is_half && is_scalar(attribute_type))
    {
        return None;
    }
    let column = conform(column, attribute).ok()?;
    let files = FileArray::of(&column).ok()?;
    let text = |row| match &files {
        Some(files) if *attribute_type == AttributeType::File => file(files, row),
        _ => tensor_at(attribute_type, &column, row).map(|tensor| tensor_text(&tensor, detail)),
    };
    Some((0..column.len()).map(|row| text(row).unwrap_or_else(|| NULL.to_owned())).collect())
}

/// `"a.png" image/png 1.2 KiB`: what is known of a file.
pub(crate) fn file_text(name: Option<&str>, media_type: Option<&str>, size: Option<u64>) -> String {
    let name = name.map(|name| format!("{name:?}"));
    let media_type = media_type.map(|media_type| text::tame(media_type).into_owned());
    let parts: Vec<_> = [name, media_type, size.map(text::size)].into_iter().flatten().collect();
    if parts.is_empty() { "a file".to_owned() } else { parts.join(" ") }
}

fn file(files: &FileArray, row: usize) -> Option<String> {
    let size = files.bytes(row).map(|bytes| bytes.len() as u64);
    files.is_valid(row).then(|| file_text(files.name(row), files.media_type(row), size))
}

fn lists(
    item: &Field,
    column: &ArrayRef,
    detail: Detail,
    items: impl Fn(usize) -> ArrayRef,
) -> Result<Vec<String>> {
    each(column, |row| {
        let items = items(row);
        let shown = items.slice(0, items.len().min(detail.items));
        let texts = values(item, &shown, detail.within())?;
        let more = if shown.len() < items.len() { ", …" } else { "" };
        Ok(format!("[{}{more}]", texts.join(", ")))
    })
}

fn structs(fields: &Fields, column: &ArrayRef, detail: Detail) -> Result<Vec<String>> {
    let structs = column.as_struct();
    let both = fields.iter().zip(structs.columns());
    let columns = both.map(|(field, column)| values(field, column, detail.within()));
    let columns = columns.collect::<Result<Vec<_>>>()?;
    each(column, |row| {
        let parts = fields.iter().zip(&columns);
        let parts = parts.map(|(field, texts)| format!("{}: {}", field.name(), texts[row]));
        Ok(format!("{{{}}}", parts.collect::<Vec<_>>().join(", ")))
    })
}

fn bytes<'a>(
    column: &'a ArrayRef,
    detail: Detail,
    bytes: impl Fn(usize) -> &'a [u8],
) -> Result<Vec<String>> {
    each(column, |row| {
        let bytes = bytes(row);
        let shown = &bytes[..bytes.len().min(detail.bytes)];
        let hex: String = shown.iter().map(|byte| format!("{byte:02x}")).collect();
        let more = if shown.len() < bytes.len() { "…" } else { "" };
        Ok(format!("{}: {hex}{more}", text::size(bytes.len() as u64)))
    })
}

fn shortened(text: String, detail: Detail) -> String {
    match text.char_indices().nth(detail.characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::{Int32Type, UInt8Type};
    use arrow_array::{BinaryArray, FixedSizeListArray, Float64Array, ListArray, StringArray};

    use super::*;

    fn of(column: impl Array + 'static) -> Vec<String> {
        let column: ArrayRef = Arc::new(column);
        texts(&Field::new("x", column.data_type().clone(), true), &column, Detail::CELL).unwrap()
    }

    #[test]
    fn tensors_are_their_type_and_a_few_values() {
        let small = FixedSizeListArray::from_iter_primitive::<UInt8Type, _, _>(
            [Some(vec![Some(1), Some(2)]), None],
            2,
        );
        assert_eq!(of(small), ["u8[2] [1, 2]", "null"]);
        let rows = [Some((0..100).map(Some).collect::<Vec<_>>())];
        let large = FixedSizeListArray::from_iter_primitive::<UInt8Type, _, _>(rows, 100);
        let attribute = Attribute::parse("image:u8[10,10]").unwrap();
        let column: ArrayRef = Arc::new(large);
        let shown = texts(&attribute.arrow_field(), &column, Detail::CELL).unwrap();
        assert_eq!(shown, ["u8[10,10] [0, 1, 2, 3, …]"]);
    }

    #[test]
    fn lists_and_bytes_are_shortened_and_text_in_lists_is_quoted() {
        let long = (0..9).map(Some).collect::<Vec<_>>();
        let lists = [Some(vec![Some(1), None]), Some(long)];
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(lists);
        assert_eq!(of(lists), ["[1, null]", "[0, 1, 2, 3, 4, 5, 6, 7, …]"]);
        let mut words =
            arrow_array::builder::ListBuilder::new(arrow_array::builder::StringBuilder::new());
        words.append_value([Some("a, b")]);
        assert_eq!(of(words.finish()), ["[\"a, b\"]"]);
        assert_eq!(of(BinaryArray::from_vec(vec![b"\x00\xff"])), ["2 B: 00ff"]);
    }

    #[test]
    fn text_can_neither_move_the_cursor_nor_fill_the_screen() {
        let long = "ä".repeat(1000);
        let shown = of(StringArray::from(vec!["a\nb\x1b[2J", &long]));
        assert_eq!(shown[0], "a\\nb\\u{1b}[2J");
        assert_eq!(shown[1].chars().count(), Detail::CELL.characters + 1);
    }

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        assert_eq!(of(Float64Array::from(vec![Some(0.1), None])), ["0.1", "null"]);
        assert_eq!(of(arrow_array::NullArray::new(1)), ["null"]);
    }
}
