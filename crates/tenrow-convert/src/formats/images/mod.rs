//! Folders of pictures, or of any files: each is a row.

mod tiff;

mod reader;
mod writer;

use std::ops::Range;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_schema::DataType;
use futures::TryStreamExt;
use tenrow::{Attribute, AttributeType};
use tenrow::{FileHandle, ReadOptions};
use tenrow_values::{ConvertError, Result};

pub use reader::ImageSource;
pub use writer::FileWriter;

use crate::format::{Create, Entry, Extent, Group, Inputs, Write};
use crate::joined::ConcatSource;
use crate::outgoing::Outgoing;
use crate::source::Source;

/// Rows whose paths are read together.
const PATH_ROWS: u64 = 4096;

pub(super) static IMAGES: Entry = Entry {
    name: "images",
    what: "Folders of pictures, or of any files",
    extensions: &[],
    also_read: &[],
    is_text: false,
    group: Group::Files,
    options: &["--decode"],
    recognises: |start| start.is_picture(),
    open: Some(open),
    create: Some(Create {
        extent: Extent::Value,
        holds,
        write: Write::Files(|out, attributes, path| Box::pin(write(out, attributes, path))),
    }),
};

fn open(inputs: &Inputs<'_>) -> Result<Box<dyn Source>> {
    let opened = inputs.files.iter().map(|file| {
        let decode = inputs.options.decode;
        let source: Box<dyn Source> =
            Box::new(ImageSource::open_folder(&file.path, decode, inputs.is_asked)?);
        Ok((file.path.display().to_string(), source))
    });
    ConcatSource::join(opened.collect::<Result<_>>()?)
}

fn holds(attribute: &Attribute) -> Result<()> {
    match attribute.attribute_type {
        AttributeType::File => Ok(()),
        _ => Err(ConvertError::column(&attribute.name, "these are no files")),
    }
}

/// Copies the files piece by piece.
async fn write(out: &mut Outgoing<'_>, attributes: &[&Attribute], folder: &Path) -> Result<u64> {
    let mut count = 0;
    for attribute in attributes {
        let column = out.view.file_column(&attribute.name)?;
        let mut writer = FileWriter::create(folder, out.existing)?;
        let mut paths = Vec::new();
        for place in 0..out.row_count() {
            if place % PATH_ROWS == 0 {
                let places = place..out.row_count().min(place + PATH_ROWS);
                paths = paths_of(out, places).await?;
            }
            let mut bytes = 0;
            if let Some(file) = column.get(place).await? {
                let path = paths.get((place % PATH_ROWS) as usize).and_then(Option::as_deref);
                let mut part = writer.begin(name_of(&file, path))?;
                let mut pieces = file.pieces();
                while let Some(piece) = pieces.try_next().await? {
                    part.write_piece(&piece)?;
                }
                writer.keep(part)?;
                count += 1;
                bytes = file.size_bytes;
            }
            out.advance_rows(1, bytes).await?;
        }
    }
    Ok(count)
}

/// What the rows at these places have in the attribute `path`, where imports of folders keep it.
async fn paths_of(out: &mut Outgoing<'_>, places: Range<u64>) -> Result<Vec<Option<String>>> {
    let mut known = out.view.snapshot().schema().attributes().iter();
    let is_path = |a: &Attribute| {
        a.name == "path" && a.attribute_type == AttributeType::Value(DataType::Utf8)
    };
    if !known.any(is_path) {
        return Ok(Vec::new());
    }
    let read = ReadOptions::default().with_attributes(["path"]);
    let batch = out.view.slice_with(places, &read).await?;
    let texts = batch.column(0).as_string::<i32>();
    Ok(texts.iter().map(|text| text.map(str::to_owned)).collect())
}

/// The path that the file had in the folder it came from, if its row has it, else its name.
fn name_of<'a>(file: &'a FileHandle, path: Option<&'a str>) -> Option<&'a str> {
    let name = file.name.as_deref();
    let ends_so = |path: &&str| path.rsplit('/').next() == name;
    path.filter(ends_so).or(name)
}
