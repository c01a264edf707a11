//! Rows and schemas as people read them.

use std::io::{Write, stderr};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;
use serde_json::{Value, json};
use tenrow::AttributeType;
use tenrow::{Attribute, DType, Element, FileHandle, ReadOptions, Schema, Snapshot, Tensor};
use tenrow_convert::Picture;
use tenrow_values::cells::json_rows;
use tenrow_values::{NotFinite, tensor_at};

use crate::fault::Result;
use crate::terminal::Drawing;
use crate::text;

/// Tensors of at most this many elements are printed whole.
const PRINTED_ELEMENTS: usize = 64;
/// Pictures are at most this many pixels wide and high.
const DRAWN_PIXELS: u32 = 64;
/// Text of at most this many characters is printed whole, where not all of it is asked for.
const PRINTED_CHARACTERS: usize = 300;

/// The attributes, a line each.
pub(crate) fn schema(schema: &Schema) -> String {
    let line = |a: &Attribute| vec![format!("  {}", a.name), a.type_text(), a.encoding.to_string()];
    text::table(&schema.attributes().iter().map(line).collect::<Vec<_>>())
}

/// The name and type of each attribute.
pub(crate) fn attributes_json(schema: &Schema) -> Value {
    let attribute = |a: &Attribute| json!({ "name": a.name, "type": a.type_text() });
    schema.attributes().iter().map(attribute).collect()
}

/// How rows are shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// Whether pictures are drawn.
    pub(crate) drawing: Drawing,
    /// Whether long text is shown to its end.
    pub(crate) is_whole: bool,
}

/// These rows of these attributes, ready to print.
pub(crate) async fn rows(
    snapshot: &Snapshot,
    rows: impl IntoIterator<Item = u64>,
    attributes: &[Attribute],
    style: Style,
) -> Result<String> {
    // The bytes of files are not wanted here, and they may be large.
    let values = attributes.iter().filter(|a| a.attribute_type != AttributeType::File);
    let read = ReadOptions::default().with_attributes(values.map(|a| &a.name));
    let width = attributes.iter().map(|a| a.name.chars().count()).max().unwrap_or(0);
    let mut shown = String::new();
    for row in rows {
        let batch = snapshot.take_with(&[row], &read).await?;
        shown.push_str(&format!("row {row}\n"));
        let mut columns = batch.columns().iter().peekable();
        for attribute in attributes {
            let is_file = attribute.attribute_type == AttributeType::File;
            let value = match columns.next_if(|_| !is_file) {
                Some(column) => value(attribute, column, style)?,
                None => file(snapshot, attribute, row, style).await?,
            };
            push(&mut shown, &attribute.name, width, &value);
        }
    }
    Ok(shown)
}

/// These rows of these attributes with their numbers and stable ids; of files all but the bytes. What JSON has no form for
/// is said.
pub(crate) async fn rows_json(
    snapshot: &Snapshot,
    rows: impl IntoIterator<Item = u64>,
    attributes: &[Attribute],
) -> Result<Vec<Value>> {
    let is_file = |attribute: &&Attribute| attribute.attribute_type == AttributeType::File;
    let plain: Vec<_> = attributes.iter().filter(|a| !is_file(a)).cloned().collect();
    let read = ReadOptions::default().with_attributes(plain.iter().map(|a| &a.name));
    let (mut shown, mut lost) = (Vec::new(), NotFinite::default());
    for row in rows {
        let batch = snapshot.take_with(&[row], &read).await?;
        let columns = plain.iter().zip(batch.columns());
        columns.for_each(|(attribute, column)| lost.note(&attribute.name, column));
        let values = json_rows(&plain, &batch)?.pop().unwrap_or_default();
        let ids = snapshot.row_ids(&[row]).await?;
        let mut value = json!({ "_row": row, "_row_id": ids.first() });
        for (name, of_attribute) in values {
            value[name] = of_attribute;
        }
        for attribute in attributes.iter().filter(is_file) {
            let file = snapshot.file_column(&attribute.name)?.get(row).await?;
            value[&attribute.name] = file.map_or(Value::Null, |file| file_json(&file));
        }
        shown.push(value);
    }
    for remark in lost.remarks() {
        writeln!(stderr(), "tenrow: {remark}")?;
    }
    Ok(shown)
}

fn file_json(file: &FileHandle) -> Value {
    json!({
        "name": file.name,
        "media_type": file.media_type,
        "size_bytes": file.size_bytes,
        "blake3": file.blake3,
        "path": file.path,
    })
}

/// Appends a name and its value, whose further lines are indented as far as the first.
fn push(shown: &mut String, name: &str, width: usize, value: &str) {
    let mut lines = value.lines();
    let first = lines.next().unwrap_or_default();
    shown.push_str(format!("  {name:<width$}  {first}").trim_end());
    shown.push('\n');
    for line in lines {
        shown.push_str(&format!("  {:width$}  {line}\n", ""));
    }
}

fn value(attribute: &Attribute, column: &ArrayRef, style: Style) -> Result<String> {
    if column.is_null(0) {
        return Ok("null".into());
    }
    match tensor_at(&attribute.attribute_type, column, 0) {
        Some(tensor) => Ok(tensor_text(&tensor, style)),
        None => plain(column, style),
    }
}

fn plain(column: &ArrayRef, style: Style) -> Result<String> {
    let whole = match column.data_type() {
        DataType::Utf8 => format!("{:?}", column.as_string::<i32>().value(0)),
        DataType::Binary => bytes_text(column.as_binary::<i32>().value(0), style),
        DataType::FixedSizeBinary(_) => bytes_text(column.as_fixed_size_binary().value(0), style),
        _ => {
            let options = FormatOptions::default().with_null("null");
            ArrayFormatter::try_new(column, &options)?.value(0).try_to_string()?
        }
    };
    Ok(shortened(whole, style))
}

fn shortened(text: String, style: Style) -> String {
    match text.char_indices().nth(PRINTED_CHARACTERS) {
        Some((end, _)) if !style.is_whole => format!("{}…", &text[..end]),
        _ => text,
    }
}

fn bytes_text(bytes: &[u8], style: Style) -> String {
    let count = if style.is_whole { bytes.len() } else { bytes.len().min(32) };
    let hex: String = bytes[..count].iter().map(|byte| format!("{byte:02x}")).collect();
    let more = if count < bytes.len() { "…" } else { "" };
    format!("{}: {hex}{more}", text::size(bytes.len() as u64))
}

async fn file(
    snapshot: &Snapshot,
    attribute: &Attribute,
    row: u64,
    style: Style,
) -> Result<String> {
    let Some(file) = snapshot.file_column(&attribute.name)?.get(row).await? else {
        return Ok("null".into());
    };
    let mut shown = format!(
        "{}  {}  {}",
        file.name.as_deref().map_or("without a name".into(), |name| format!("{name:?}")),
        file.media_type.as_deref().unwrap_or("unknown type"),
        text::size(file.size_bytes)
    );
    let is_picture = file.media_type.as_deref().is_some_and(|t| t.starts_with("image/"));
    if let (Some(ink), true) = (style.drawing.ink, is_picture)
        && let Some(picture) = Picture::of_file(&file.read().await?)
    {
        shown.push('\n');
        shown.push_str(&picture.within(DRAWN_PIXELS, DRAWN_PIXELS).half_blocks(ink));
    }
    Ok(shown)
}

/// A tensor: drawn, printed, or summed up.
fn tensor_text(tensor: &Tensor, style: Style) -> String {
    let texts = texts(tensor);
    if let [only] = texts.as_slice()
        && tensor.shape().is_empty()
    {
        return only.clone();
    }
    let shape: Vec<_> = tensor.shape().iter().map(u64::to_string).collect();
    let type_text = format!("{}[{}]", tensor.dtype(), shape.join(","));
    if let Some(ink) = style.drawing.ink
        && looks_like_a_picture(tensor)
        && let Some(picture) = Picture::of_tensor(tensor)
    {
        let drawn = picture.within(DRAWN_PIXELS, DRAWN_PIXELS).half_blocks(ink);
        return format!("{type_text}\n{drawn}");
    }
    if texts.len() <= PRINTED_ELEMENTS {
        return format!("{type_text} {}", nested(&texts, tensor.shape()));
    }
    let shown = texts[..8].join(", ");
    format!("{type_text} {shown}, … {}", summary(tensor))
}

/// Whether it has the shape of a picture, and the size or type of one.
fn looks_like_a_picture(tensor: &Tensor) -> bool {
    let shape = tensor.shape();
    let has_colours = shape.len() == 3 && (shape[0] == 3 || shape[2] == 3);
    let sides: Vec<u64> = shape.iter().copied().filter(|&side| side > 3).collect();
    let is_small = sides.len() == 2 && sides.iter().all(|&side| side <= 64);
    let is_large_enough = sides.len() == 2 && sides.iter().all(|&side| side >= 8);
    is_large_enough && (tensor.dtype() == DType::U8 || has_colours || is_small)
}

/// Elements in brackets, as deep as there are dimensions.
pub(crate) fn nested(texts: &[String], shape: &[u64]) -> String {
    let Some((&first, rest)) = shape.split_first() else { return texts.join(", ") };
    if rest.is_empty() {
        return format!("[{}]", texts.join(", "));
    }
    let step = if first == 0 { 0 } else { texts.len() / first as usize };
    let parts: Vec<_> = match step {
        0 => Vec::new(),
        step => texts.chunks(step).map(|part| nested(part, rest)).collect(),
    };
    format!("[{}]", parts.join(", "))
}

/// Least, greatest and mean.
fn summary(tensor: &Tensor) -> String {
    let values = tenrow_values::numbers(tensor);
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let count = finite().count();
    if count == 0 {
        return "(no finite number)".into();
    }
    let low = finite().fold(f64::INFINITY, f64::min);
    let high = finite().fold(f64::NEG_INFINITY, f64::max);
    let mean = finite().sum::<f64>() / count as f64;
    let others = match values.len() - count {
        0 => String::new(),
        others => format!(", {others} not finite"),
    };
    format!("({} to {}, mean {}{others})", short(low), short(high), short(mean))
}

/// At most four digits after the point.
fn short(value: f64) -> String {
    if value != 0.0 && (value.abs() < 1e-3 || value.abs() >= 1e15) {
        return format!("{value:.3e}");
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Each element in the fewest digits that tell it from its neighbours.
pub(crate) fn texts(tensor: &Tensor) -> Vec<String> {
    fn of<T: Element + ToString>(tensor: &Tensor) -> Vec<String> {
        // The dtype was looked at before, so the elements are of this type.
        tensor.to_vec::<T>().unwrap_or_default().iter().map(T::to_string).collect()
    }
    match tensor.dtype() {
        DType::Bool => tensor.bytes().iter().map(|&b| (b != 0).to_string()).collect(),
        DType::I8 => of::<i8>(tensor),
        DType::I16 => of::<i16>(tensor),
        DType::I32 => of::<i32>(tensor),
        DType::I64 => of::<i64>(tensor),
        DType::U8 => of::<u8>(tensor),
        DType::U16 => of::<u16>(tensor),
        DType::U32 => of::<u32>(tensor),
        DType::U64 => of::<u64>(tensor),
        DType::F32 => of::<f32>(tensor),
        DType::F64 => of::<f64>(tensor),
        DType::F16 | DType::Bf16 => {
            tenrow_values::numbers(tensor).iter().map(|v| (*v as f32).to_string()).collect()
        }
    }
}
