//! Rows and schemas as people read them, and as programs do.

use std::cell::RefCell;
use std::rc::Rc;

use arrow_array::ArrayRef;
use futures::StreamExt;
use futures::stream::{self, Stream};
use serde_json::{Value, json};
use tenrow::{
    Attribute, AttributeType, DType, FileHandle, ReadOptions, RowNumbers, Schema, Snapshot, Tensor,
};
use tenrow_convert::{Ink, Picture};
use tenrow_values::cells::json_rows;
use tenrow_values::{NotFinite, tensor_at};

use crate::fault::Result;
use crate::table::{self, Detail};
use crate::terminal::Drawing;

/// Pictures are at most this many pixels wide and high.
const DRAWN_PIXELS: u32 = 64;

/// The attributes, a line each.
pub(crate) fn schema(schema: &Schema) -> String {
    let line = |a: &Attribute| vec![format!("  {}", a.name), a.type_text(), a.encoding.to_string()];
    table::list(&schema.attributes().iter().map(line).collect::<Vec<_>>())
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
    /// How much of a value is.
    pub(crate) detail: Detail,
}

/// Some rows of a version, read and shown one after another.
#[derive(Clone)]
pub(crate) struct Rows(Rc<Shown>);

struct Shown {
    snapshot: Snapshot,
    attributes: Vec<Attribute>,
    style: Style,
    /// What JSON has no form for, of the rows so far.
    lost: RefCell<NotFinite>,
}

impl Rows {
    /// Rows of these attributes.
    pub(crate) fn of(snapshot: &Snapshot, attributes: &[Attribute], style: Style) -> Self {
        let (snapshot, attributes) = (snapshot.clone(), attributes.to_vec());
        Self(Rc::new(Shown { snapshot, attributes, style, lost: RefCell::default() }))
    }

    /// Each of `rows` for people.
    pub(crate) fn text(&self, rows: &RowNumbers) -> impl Stream<Item = Result<String>> + use<> {
        let shown = self.0.clone();
        numbers(rows).then(move |row| {
            let shown = shown.clone();
            async move { shown.text(row).await }
        })
    }

    /// Each of `rows` for programs, with its number and its stable id; of files all but the bytes.
    pub(crate) fn json(
        &self,
        rows: &RowNumbers,
    ) -> impl Stream<Item = Result<Value>> + Unpin + use<> {
        let shown = self.0.clone();
        let rows = numbers(rows).then(move |row| {
            let shown = shown.clone();
            async move { shown.json(row).await }
        });
        rows.boxed_local()
    }

    /// What JSON had no form for.
    pub(crate) fn remarks(&self) -> Vec<String> {
        self.0.lost.borrow().remarks()
    }
}

fn numbers(rows: &RowNumbers) -> impl Stream<Item = u64> + use<> {
    let rows = rows.clone();
    stream::iter((0..rows.len()).filter_map(move |place| rows.get(place)))
}

impl Shown {
    async fn text(&self, row: u64) -> Result<String> {
        // The bytes of files are not wanted here, and they may be large.
        let values = self.attributes.iter().filter(|a| !is_file(a));
        let read = ReadOptions::default().with_attributes(values.map(|a| &a.name));
        let batch = self.snapshot.take_with(&[row], &read).await?;
        let mut columns = batch.columns().iter();
        let mut rows = Vec::new();
        for attribute in &self.attributes {
            let shown = match is_file(attribute) {
                true => self.file(attribute, row).await?,
                false => columns.next().map_or(Ok(String::new()), |c| self.value(attribute, c))?,
            };
            rows.push((attribute.name.as_str(), shown));
        }
        Ok(format!("row {row}\n{}", table::block(&rows)))
    }

    async fn json(&self, row: u64) -> Result<Value> {
        let plain: Vec<_> = self.attributes.iter().filter(|a| !is_file(a)).cloned().collect();
        let read = ReadOptions::default().with_attributes(plain.iter().map(|a| &a.name));
        let batch = self.snapshot.take_with(&[row], &read).await?;
        for (attribute, column) in plain.iter().zip(batch.columns()) {
            self.lost.borrow_mut().note(&attribute.name, column);
        }
        let values = json_rows(&plain, &batch)?.pop().unwrap_or_default();
        let ids = self.snapshot.row_ids(&[row]).await?;
        let mut value = json!({ "_row": row, "_row_id": ids.first() });
        for (name, of_attribute) in values {
            value[name] = of_attribute;
        }
        for attribute in self.attributes.iter().filter(|a| is_file(a)) {
            let file = self.snapshot.file_column(&attribute.name)?.get(row).await?;
            value[&attribute.name] = file.map_or(Value::Null, |file| file_json(&file));
        }
        Ok(value)
    }
}

impl Shown {
    /// A value; of a picture its type, and the picture below it.
    fn value(&self, attribute: &Attribute, column: &ArrayRef) -> Result<String> {
        if let Some(ink) = self.style.drawing.ink
            && let Some(tensor) = tensor_at(&attribute.attribute_type, column, 0)
            && looks_like_a_picture(&tensor)
            && let Some(picture) = Picture::of_tensor(&tensor)
        {
            return Ok(format!("{}\n{}", table::type_text(&tensor), drawn(picture, ink)));
        }
        Ok(table::texts(&attribute.arrow_field(), column, self.style.detail)?.concat())
    }

    /// What is known of a file; of a picture also what it shows.
    async fn file(&self, attribute: &Attribute, row: u64) -> Result<String> {
        let Some(file) = self.snapshot.file_column(&attribute.name)?.get(row).await? else {
            return Ok(table::NULL.into());
        };
        let (name, media_type) = (file.name.as_deref(), file.media_type.as_deref());
        let text = table::file_text(name, media_type, Some(file.size_bytes));
        if let Some(ink) = self.style.drawing.ink
            && media_type.is_some_and(|media_type| media_type.starts_with("image/"))
            && let Some(picture) = Picture::of_file(&file.read().await?)
        {
            return Ok(format!("{text}\n{}", drawn(picture, ink)));
        }
        Ok(text)
    }
}

fn drawn(picture: Picture, ink: Ink) -> String {
    picture.within(DRAWN_PIXELS, DRAWN_PIXELS).half_blocks(ink)
}

fn is_file(attribute: &Attribute) -> bool {
    attribute.attribute_type == AttributeType::File
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

/// Whether it has the shape of a picture, and the size or type of one.
fn looks_like_a_picture(tensor: &Tensor) -> bool {
    let shape = tensor.shape();
    let has_colours = shape.len() == 3 && (shape[0] == 3 || shape[2] == 3);
    let sides: Vec<u64> = shape.iter().copied().filter(|&side| side > 3).collect();
    let is_small = sides.len() == 2 && sides.iter().all(|&side| side <= 64);
    let is_large_enough = sides.len() == 2 && sides.iter().all(|&side| side >= 8);
    is_large_enough && (tensor.dtype() == DType::U8 || has_colours || is_small)
}
