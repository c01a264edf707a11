//! Folders of pictures, or of any files.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, StringBuilder, UInt32Builder};
use arrow_array::{ArrayRef, RecordBatch};
use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat, ImageReader, RgbImage};
use tenrow::format::{Attribute, AttributeType, DType, limits::MAX_ROW_BYTES};
use tenrow::open_regular;

use crate::column::column_of_bytes;
use crate::error::{ConvertError, Result};
use crate::from_arrow::file_column;
use crate::media_type::media_type;
use crate::source::{BATCH_BYTES, Source, batch_of};
use crate::tiff_image::{tiff_dimensions, tiff_image};

/// The files of a folder, each a row; sorted by path, folders within folders included.
///
/// Attributes are `path` (relative, with `/`), `label` (the folder directly under the root that
/// holds the file, null in the root itself), `file`, and `width` and `height` where the file is a
/// picture of a known format. With `decode`, `image` too: the picture as `u8[height,width,3]`.
/// Files and folders whose names begin with a dot are left out, and links to folders.
pub struct ImageSource {
    files: Vec<FoundFile>,
    attributes: Vec<Attribute>,
    decode: Option<(u32, u32)>,
    next: usize,
}

struct FoundFile {
    path: PathBuf,
    relative: String,
}

impl FoundFile {
    fn label(&self) -> Option<&str> {
        self.relative.split_once('/').map(|(label, _)| label)
    }
}

impl ImageSource {
    /// Lists `path`: a folder, or a single file; `decode` is height and width.
    ///
    /// Pictures of another size are resized; of animations and pages, the first counts;
    /// transparency is dropped.
    ///
    /// # Errors
    /// If the folder cannot be listed, holds no files, or names that are not Unicode.
    pub fn open(path: &Path, decode: Option<(u32, u32)>) -> Result<Self> {
        let mut files = Vec::new();
        if path.is_dir() {
            list(path, "", &mut files)?;
        } else {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push(FoundFile { path: path.to_owned(), relative: name });
        }
        if files.is_empty() {
            return Err(ConvertError::unsupported(path, "the folder holds no files"));
        }
        files.sort_by(|a, b| a.relative.cmp(&b.relative));
        let mut attributes =
            ["path:string", "label:string?", "file:file", "width:u32?", "height:u32?"]
                .into_iter()
                .map(Attribute::parse)
                .collect::<Result<Vec<_>, _>>()?;
        if let Some((height, width)) = decode {
            let dims = [u64::from(height), u64::from(width), 3];
            if dims.contains(&0) {
                let reason = format!("cannot decode to {height} by {width}: give sizes above 0");
                return Err(ConvertError::unsupported(path, reason));
            }
            let tensor =
                AttributeType::tensor(DType::U8, dims).map_err(ConvertError::declared(path))?;
            attributes.push(Attribute::new("image", tensor));
        }
        Ok(Self { files, attributes, decode, next: 0 })
    }
}

/// Collects the files under `folder`, whose path from the root is `prefix`.
fn list(folder: &Path, prefix: &str, files: &mut Vec<FoundFile>) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(ConvertError::io(folder, "list"))?;
    for entry in entries {
        let entry = entry.map_err(ConvertError::io(folder, "list"))?;
        let path = entry.path();
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            return Err(ConvertError::unsupported(&path, "a name that is not Unicode: rename it"));
        };
        if name.starts_with('.') {
            continue;
        }
        let relative = format!("{prefix}{name}");
        let kind = entry.file_type().map_err(ConvertError::io(&path, "read"))?;
        if kind.is_dir() {
            list(&path, &format!("{relative}/"), files)?;
        } else if path.is_file() {
            files.push(FoundFile { path, relative });
        }
    }
    Ok(())
}

impl Source for ImageSource {
    fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    fn row_count(&self) -> Option<u64> {
        Some(self.files.len() as u64)
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        if self.next == self.files.len() {
            return Ok(None);
        }
        let mut columns = Columns::default();
        while let Some(file) = self.files.get(self.next) {
            let size =
                std::fs::metadata(&file.path).map_err(ConvertError::io(&file.path, "read"))?.len();
            let decoded = self.decode.map_or(0, |(h, w)| u64::from(h) * u64::from(w) * 3);
            if columns.rows > 0 && columns.bytes.saturating_add(size + decoded) > BATCH_BYTES {
                break;
            }
            columns.push(file, size, self.decode)?;
            self.next += 1;
        }
        let rows = columns.rows;
        let columns = columns.finish(self.attributes.last()).map_err(|source| {
            ConvertError::Arrow { name: "file".into(), expected: "a file".into(), source }
        })?;
        batch_of(&self.attributes, columns, rows).map(Some)
    }
}

#[derive(Default)]
struct Columns {
    rows: usize,
    bytes: u64,
    path: StringBuilder,
    label: StringBuilder,
    content: BinaryBuilder,
    name: StringBuilder,
    media_type: StringBuilder,
    width: UInt32Builder,
    height: UInt32Builder,
    pixels: Option<Vec<u8>>,
}

impl Columns {
    fn push(&mut self, file: &FoundFile, size: u64, decode: Option<(u32, u32)>) -> Result<()> {
        if size > MAX_ROW_BYTES {
            let reason = format!("a file of {size} bytes, over the limit of {MAX_ROW_BYTES}");
            return Err(ConvertError::unsupported(&file.path, reason));
        }
        let failed = ConvertError::io(&file.path, "read");
        let mut content = Vec::new();
        let read = open_regular(&file.path).and_then(|mut file| file.read_to_end(&mut content));
        read.map_err(failed)?;
        let size = dimensions(&content);
        self.path.append_value(&file.relative);
        self.label.append_option(file.label());
        self.name.append_value(file.relative.rsplit('/').next().unwrap_or_default());
        self.media_type.append_option(media_type(&content));
        self.width.append_option(size.map(|(width, _)| width));
        self.height.append_option(size.map(|(_, height)| height));
        if let Some((height, width)) = decode {
            let picture = decoded(&file.path, &content, height, width)?;
            self.bytes += picture.len() as u64;
            self.pixels.get_or_insert_default().extend_from_slice(&picture);
        }
        self.bytes += content.len() as u64;
        self.content.append_value(content);
        self.rows += 1;
        Ok(())
    }

    fn finish(
        mut self,
        last: Option<&Attribute>,
    ) -> Result<Vec<ArrayRef>, arrow_schema::ArrowError> {
        let file = file_column(
            Arc::new(self.content.finish()),
            Arc::new(self.name.finish()),
            Arc::new(self.media_type.finish()),
            None,
        )?;
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.path.finish()),
            Arc::new(self.label.finish()),
            file,
            Arc::new(self.width.finish()),
            Arc::new(self.height.finish()),
        ];
        if let (Some(pixels), Some(image)) = (self.pixels, last) {
            columns.push(column_of_bytes(&image.attribute_type, DType::U8, self.rows, pixels)?);
        }
        Ok(columns)
    }
}

/// Width and height as the file's header says; the pixels are not looked at.
fn dimensions(content: &[u8]) -> Option<(u32, u32)> {
    let reader = ImageReader::new(Cursor::new(content)).with_guessed_format().ok()?;
    let is_tiff = reader.format() == Some(ImageFormat::Tiff);
    let found = reader.into_dimensions().ok();
    found.or_else(|| is_tiff.then(|| tiff_dimensions(content))?)
}

/// The pixels of a picture, row by row, three bytes each.
fn decoded(path: &Path, content: &[u8], height: u32, width: u32) -> Result<Vec<u8>> {
    let reader = ImageReader::new(Cursor::new(content))
        .with_guessed_format()
        .map_err(ConvertError::decode(path, "image", None))?;
    let is_tiff = reader.format() == Some(ImageFormat::Tiff);
    let picture: RgbImage = match reader.decode() {
        Ok(picture) => picture.into_rgb8(),
        Err(_) if is_tiff => {
            tiff_image(content).map_err(ConvertError::decode(path, "image", None))?
        }
        Err(error) => return Err(ConvertError::decode(path, "image", None)(error)),
    };
    if picture.dimensions() == (width, height) {
        return Ok(picture.into_raw());
    }
    let picture = DynamicImage::ImageRgb8(picture);
    Ok(picture.resize_exact(width, height, FilterType::Triangle).into_rgb8().into_raw())
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;
    use arrow_array::cast::AsArray;
    use arrow_array::types::{UInt8Type, UInt32Type};
    use tempfile::TempDir;

    use super::*;

    fn picture(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        RgbImage::from_pixel(width, height, image::Rgb([1, 2, 3]))
            .write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png)
            .unwrap();
        bytes
    }

    fn folder() -> TempDir {
        let dir = TempDir::new().unwrap();
        std::fs::create_dir_all(dir.path().join("cat/deep")).unwrap();
        std::fs::write(dir.path().join("cat/deep/a.png"), picture(4, 2)).unwrap();
        std::fs::write(dir.path().join("b.png"), picture(2, 2)).unwrap();
        std::fs::write(dir.path().join(".hidden"), b"x").unwrap();
        dir
    }

    #[test]
    fn files_are_rows_with_path_label_and_size() {
        let dir = folder();
        std::fs::write(dir.path().join("cat/note.txt"), b"hello").unwrap();
        let mut source = ImageSource::open(dir.path(), None).unwrap();
        let batch = source.next_batch().unwrap().unwrap();
        assert!(source.next_batch().unwrap().is_none());
        let texts = |i: usize| batch.column(i).as_string::<i32>().clone();
        assert_eq!(
            texts(0).iter().flatten().collect::<Vec<_>>(),
            ["b.png", "cat/deep/a.png", "cat/note.txt"]
        );
        assert_eq!(texts(1).iter().collect::<Vec<_>>(), [None, Some("cat"), Some("cat")]);
        let width = batch.column(3).as_primitive::<UInt32Type>();
        assert_eq!(width.iter().collect::<Vec<_>>(), [Some(2), Some(4), None]);
        let files = batch.column(2).as_struct();
        let bytes = files.column_by_name("bytes").unwrap().as_binary::<i32>();
        assert_eq!((bytes.value(2), bytes.value(0)), (&b"hello"[..], &picture(2, 2)[..]));
        let media_type = files.column_by_name("media_type").unwrap().as_string::<i32>();
        assert_eq!((media_type.value(0), media_type.is_null(2)), ("image/png", true));
    }

    #[test]
    fn pictures_are_decoded_to_one_size() {
        let dir = folder();
        let mut source = ImageSource::open(dir.path(), Some((2, 2))).unwrap();
        assert_eq!(source.attributes()[5].type_text(), "u8[2,2,3]");
        let batch = source.next_batch().unwrap().unwrap();
        let pixels = batch.column(5).as_fixed_size_list().values().clone();
        assert_eq!(pixels.as_primitive::<UInt8Type>().values()[..], [1, 2, 3].repeat(8));
    }

    #[test]
    fn a_file_that_does_not_decode_is_an_error_that_names_it() {
        let dir = folder();
        let whole = picture(2, 2);
        for n in (0..whole.len() - 12).step_by(5) {
            std::fs::write(dir.path().join("c.png"), &whole[..n]).unwrap();
            let mut source = ImageSource::open(dir.path(), Some((2, 2))).unwrap();
            let error = source.next_batch().unwrap_err().to_string();
            assert!(error.contains("c.png: not valid image"), "{n}: {error}");
        }
    }

    #[test]
    fn an_empty_folder_is_an_error() {
        let error = ImageSource::open(TempDir::new().unwrap().path(), None).err().unwrap();
        assert!(error.to_string().contains("no files"));
    }
}
