//! Contact sheets: small pictures side by side, in the order of the rows.

use std::path::Path;

use futures::TryStreamExt;
use tenrow::{Attribute, AttributeType};
use tenrow_values::{ConvertError, Result, tensor_at};

use crate::format::{Create, Entry, Extent, Group, Write};
use crate::outgoing::Outgoing;
use crate::picture::Picture;

/// Pictures of a contact sheet.
const MAX_SHEET_PICTURES: u64 = 10_000;
/// Pixels of all of them together, about.
const SHEET_PIXELS: u64 = 1 << 26;
/// Pixels that each is wide and high at most.
const MAX_SHEET_SIDE: u64 = 256;
/// Pixels around each.
const SHEET_MARGIN: u32 = 2;
/// Bytes of a file that is looked at as a picture.
const MAX_PICTURE_BYTES: u64 = 1 << 28;

pub(super) static PNG: Entry = Entry {
    name: "png",
    what: "A contact sheet of pictures",
    extensions: &["png"],
    also_read: &[],
    is_text: false,
    group: Group::Files,
    options: &[],
    // A picture is a file of its own, which `images` takes.
    recognises: |_| false,
    open: None,
    create: Some(Create {
        extent: Extent::One,
        holds,
        write: Write::Files(|out, attributes, path| Box::pin(write(out, attributes, path))),
    }),
};

fn holds(attribute: &Attribute) -> Result<()> {
    let is_picture = match &attribute.attribute_type {
        AttributeType::File => true,
        AttributeType::Tensor { shape, .. } => Picture::is_shape(shape.dims()),
        AttributeType::VariableTensor { shape, .. } => matches!(shape.rank(), 2 | 3),
        _ => false,
    };
    let reason = "these are no pictures, which a png file shows";
    is_picture.then_some(()).ok_or_else(|| ConvertError::column(&attribute.name, reason))
}

/// A place for each row, empty if there is no picture in it.
async fn write(out: &mut Outgoing<'_>, attributes: &[&Attribute], path: &Path) -> Result<u64> {
    for attribute in attributes {
        out.existing.check(path)?;
        let side = side(out.row_count(), path)?;
        let pictures = match attribute.attribute_type {
            AttributeType::File => of_files(out, attribute, side).await?,
            _ => of_tensors(out, attribute, side).await?,
        };
        let columns = (pictures.len() as u32 - 1).isqrt() + 1;
        let sheet = Picture::contact_sheet(&pictures, columns, SHEET_MARGIN).ok_or_else(|| {
            ConvertError::column(&attribute.name, "none of these rows has a picture in it")
        })?;
        sheet.write_png(path, out.existing)?;
    }
    Ok(attributes.len() as u64)
}

/// Pixels that each of `count` pictures is wide and high at most.
fn side(count: u64, path: &Path) -> Result<u32> {
    if count == 0 || count > MAX_SHEET_PICTURES {
        let reason = format!(
            "a contact sheet has 1 to {MAX_SHEET_PICTURES} pictures, and here are {count} rows: choose some, with `tenrow take --rows`, or a view"
        );
        return Err(ConvertError::unsupported(path, reason));
    }
    Ok((SHEET_PIXELS / count).isqrt().min(MAX_SHEET_SIDE) as u32)
}

async fn of_files(
    out: &mut Outgoing<'_>,
    attribute: &Attribute,
    side: u32,
) -> Result<Vec<Option<Picture>>> {
    let files = out.view.file_column(&attribute.name)?;
    let mut pictures = Vec::new();
    for place in 0..out.row_count() {
        let file = files.get(place).await?;
        let (picture, bytes) = match file.filter(|file| file.size_bytes <= MAX_PICTURE_BYTES) {
            Some(file) => (Picture::of_file(&file.read().await?), file.size_bytes),
            None => (None, 0),
        };
        pictures.push(picture.map(|picture| picture.within(side, side)));
        out.advance_rows(1, bytes).await?;
    }
    Ok(pictures)
}

async fn of_tensors(
    out: &mut Outgoing<'_>,
    attribute: &Attribute,
    side: u32,
) -> Result<Vec<Option<Picture>>> {
    let mut pictures = Vec::new();
    let mut batches = out.batches(&[attribute]);
    while let Some(batch) = batches.try_next().await? {
        for row in 0..batch.num_rows() {
            let tensor = tensor_at(&attribute.attribute_type, batch.column(0), row);
            let picture = tensor.and_then(|tensor| Picture::of_tensor(&tensor));
            pictures.push(picture.map(|picture| picture.within(side, side)));
        }
        out.advance(&batch).await?;
    }
    Ok(pictures)
}
