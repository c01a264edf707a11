//! Folders of pictures, or of any files.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, StringBuilder, UInt32Builder};
use arrow_array::{ArrayRef, RecordBatch};
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use tenrow::engine::limits::MAX_ROW_BYTES;
use tenrow::{Attribute, AttributeType, DType};
use tenrow_values::column::column_of_bytes;
use tenrow_values::{ConvertError, FileArray, Result, batch_of, media_type};

use super::tiff::{tiff_dimensions, tiff_image, unit};
use crate::documents::{is_document, remark};
use crate::source::{BATCH_BYTES, Source};
use crate::source_file::SourceFile;

/// The files of a folder, each a row; sorted by path, folders within folders included.
///
/// Attributes are `path` (relative, with `/`), `label` (the name of the folder that the file is in,
/// null in the root itself), `file`, and `width` and `height` where the file is a
/// picture of a known format, turned as its EXIF orientation says. With `decode`, `image` too: the picture, turned
/// likewise, as `u8[height,width,3]`.
/// Files and folders whose names begin with a dot are left out, and links to folders.
pub struct ImageSource {
    files: Vec<FoundFile>,
    attributes: Vec<Attribute>,
    decode: Option<(u32, u32)>,
    next: usize,
    remarks: Vec<String>,
    turned: u64,
}

struct FoundFile {
    path: SourceFile,
    relative: String,
}

impl FoundFile {
    /// The name of the folder that it is in.
    fn label(&self) -> Option<&str> {
        let (folder, _) = self.relative.rsplit_once('/')?;
        folder.rsplit('/').next()
    }

    fn name(&self) -> &str {
        self.relative.rsplit('/').next().unwrap_or_default()
    }
}

impl ImageSource {
    /// Lists `path`: a folder, or a single file; `decode` is height and width.
    ///
    /// What tells people about the data, such as a README, is left out of a folder with other files, and said.
    ///
    /// Pictures of another size are resized; of animations and pages, the first counts;
    /// transparency is dropped.
    ///
    /// # Errors
    /// If the folder cannot be listed, holds no files, or names that are not Unicode.
    pub fn open(path: impl Into<SourceFile>, decode: Option<(u32, u32)>) -> Result<Self> {
        Self::open_folder(&path.into(), decode, false)
    }

    /// As [`open`](Self::open); with `is_asked`, every file is a row.
    pub(crate) fn open_folder(
        path: &SourceFile,
        decode: Option<(u32, u32)>,
        is_asked: bool,
    ) -> Result<Self> {
        let (mut files, mut left_out) = (Vec::new(), Vec::new());
        if path.is_folder() {
            list(path, "", &mut files, &mut left_out)?;
        } else {
            files.push(FoundFile { path: path.clone(), relative: path.relative() });
        }
        if files.is_empty() {
            return Err(ConvertError::unsupported(path, "the folder holds no files"));
        }
        files.sort_by(|a, b| a.relative.cmp(&b.relative));
        if !is_asked && files.iter().any(|file| !is_document(file.name())) {
            let (documents, rows): (Vec<_>, _) =
                files.into_iter().partition(|file| is_document(file.name()));
            files = rows;
            left_out.extend(documents.into_iter().map(|file| file.path.to_path_buf()));
        }
        left_out.sort();
        let remarks: Vec<String> = remark(path, &left_out).into_iter().collect();
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
        Ok(Self { files, attributes, decode, next: 0, remarks, turned: 0 })
    }
}

/// Collects the files under `folder`, whose path from the root is `prefix`, and what is hidden there.
fn list(
    folder: &Path,
    prefix: &str,
    files: &mut Vec<FoundFile>,
    hidden: &mut Vec<PathBuf>,
) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(ConvertError::io(folder, "list"))?;
    for entry in entries {
        let entry = entry.map_err(ConvertError::io(folder, "list"))?;
        let path = entry.path();
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            return Err(ConvertError::unsupported(&path, "a name that is not Unicode: rename it"));
        };
        if name.starts_with('.') {
            hidden.push(path);
            continue;
        }
        let relative = format!("{prefix}{name}");
        let kind = entry.file_type().map_err(ConvertError::io(&path, "read"))?;
        if kind.is_dir() {
            list(&path, &format!("{relative}/"), files, hidden)?;
        } else if path.is_file() {
            files.push(FoundFile { path: path.into(), relative });
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

    fn remarks(&self) -> Vec<String> {
        let turned = (self.turned > 0).then(|| {
            format!(
                "{} turned as its EXIF orientation says: the file itself is as it was",
                match self.turned {
                    1 => "1 picture is".to_owned(),
                    count => format!("{count} pictures are"),
                }
            )
        });
        self.remarks.iter().cloned().chain(turned).collect()
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        if self.next == self.files.len() {
            return Ok(None);
        }
        let mut columns = Columns::default();
        while let Some(file) = self.files.get(self.next) {
            let size = file.path.size().map_err(ConvertError::io(&file.path, "read"))?;
            let decoded = self.decode.map_or(0, |(h, w)| u64::from(h) * u64::from(w) * 3);
            if columns.rows > 0 && columns.bytes.saturating_add(size + decoded) > BATCH_BYTES {
                break;
            }
            columns.push(file, size, self.decode)?;
            self.next += 1;
        }
        let rows = columns.rows;
        self.turned += columns.turned;
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
    /// Pictures that were turned.
    turned: u64,
}

impl Columns {
    fn push(&mut self, file: &FoundFile, size: u64, decode: Option<(u32, u32)>) -> Result<()> {
        if size > MAX_ROW_BYTES {
            let reason = format!("a file of {size} bytes, over the limit of {MAX_ROW_BYTES}");
            return Err(ConvertError::unsupported(&file.path, reason));
        }
        let failed = ConvertError::io(&file.path, "read");
        let mut content = Vec::new();
        let read = file.path.open().and_then(|mut file| file.read_to_end(&mut content));
        read.map_err(failed)?;
        let size = dimensions(&content);
        self.path.append_value(&file.relative);
        self.label.append_option(file.label());
        self.name.append_value(file.name());
        self.media_type.append_option(media_type(&content));
        self.width.append_option(size.map(|(width, _)| width));
        self.height.append_option(size.map(|(_, height)| height));
        if let Some((height, width)) = decode {
            let picture = decoded(&file.path, &content, height, width)?;
            self.turned += u64::from(picture.is_turned);
            self.bytes += picture.pixels.len() as u64;
            self.pixels.get_or_insert_default().extend_from_slice(&picture.pixels);
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
        let (name, media_type) = (self.name.finish(), self.media_type.finish());
        let file = FileArray::of_contents(self.content.finish(), name, media_type, None)?;
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

/// Width and height of the picture as it is to be seen; the pixels are not looked at.
fn dimensions(content: &[u8]) -> Option<(u32, u32)> {
    let reader = ImageReader::new(Cursor::new(content)).with_guessed_format().ok()?;
    let is_tiff = reader.format() == Some(ImageFormat::Tiff);
    match reader.into_decoder() {
        Ok(mut decoder) => {
            let (width, height) = decoder.dimensions();
            let is_on_its_side = decoder.orientation().is_ok_and(turns_sides);
            Some(if is_on_its_side { (height, width) } else { (width, height) })
        }
        Err(_) if is_tiff => tiff_dimensions(content),
        Err(_) => None,
    }
}

fn turns_sides(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate90FlipH | Rotate270 | Rotate270FlipH)
}

/// A decoded picture, and whether it had to be turned.
struct Decoded {
    pixels: Vec<u8>,
    is_turned: bool,
}

/// The pixels of a picture, row by row, three bytes each, turned as its EXIF orientation says.
fn decoded(path: &Path, content: &[u8], height: u32, width: u32) -> Result<Decoded> {
    let reader = ImageReader::new(Cursor::new(content))
        .with_guessed_format()
        .map_err(ConvertError::decode(path, "image", None))?;
    let format = reader.format();
    if format == Some(ImageFormat::Jpeg) && !has_end(content) {
        let reason = "the picture is cut short: it has no end marker";
        return Err(ConvertError::malformed(path, content.len() as u64, reason));
    }
    let (picture, orientation) = match whole(reader) {
        Ok(decoded) => decoded,
        Err(_) if format == Some(ImageFormat::Tiff) => {
            let picture = tiff_image(content).map_err(ConvertError::decode(path, "image", None))?;
            (picture.into(), Orientation::NoTransforms)
        }
        Err(error) => return Err(ConvertError::decode(path, "image", None)(error)),
    };
    check_range(&picture).map_err(ConvertError::decode(path, "image", None))?;
    let mut picture = picture;
    picture.apply_orientation(orientation);
    let mut picture = DynamicImage::ImageRgb8(picture.into_rgb8());
    if (picture.width(), picture.height()) != (width, height) {
        picture = picture.resize_exact(width, height, FilterType::Triangle);
    }
    let is_turned = orientation != Orientation::NoTransforms;
    Ok(Decoded { pixels: picture.into_rgb8().into_raw(), is_turned })
}

fn whole(reader: ImageReader<Cursor<&[u8]>>) -> image::ImageResult<(DynamicImage, Orientation)> {
    let mut decoder = reader.into_decoder()?;
    Limits::default().reserve(decoder.total_bytes())?;
    let orientation = decoder.orientation()?;
    Ok((DynamicImage::from_decoder(decoder)?, orientation))
}

/// Whether the last scan of a JPEG file is followed by the marker that ends it: decoders make up grey for what
/// is missing. Within a scan, the marker cannot occur; within the parts before it, such as a preview, it can.
fn has_end(content: &[u8]) -> bool {
    let mut at = 2;
    // Parts say how long they are, up to the first scan.
    while let Some(&[0xff, marker, high, low]) = content.get(at..at + 4) {
        match marker {
            0xff => at += 1,
            0xda => return content[at..].windows(2).any(|pair| pair == [0xff, 0xd9]),
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    false
}

/// Floats of a picture lie from 0 to 1: others would all become black or white.
fn check_range(picture: &DynamicImage) -> Result<(), String> {
    let samples = match picture {
        DynamicImage::ImageRgb32F(picture) => picture.as_raw(),
        DynamicImage::ImageRgba32F(picture) => picture.as_raw(),
        _ => return Ok(()),
    };
    samples.iter().try_for_each(|&sample| unit(f64::from(sample)).map(drop))
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;
    use arrow_array::cast::AsArray;
    use arrow_array::types::{UInt8Type, UInt32Type};
    use image::RgbImage;
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
        assert_eq!(texts(1).iter().collect::<Vec<_>>(), [None, Some("deep"), Some("cat")]);
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

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        let noise = |x: u32, y: u32| image::Rgb([(x * 7) as u8, (y * 13) as u8, (x * y) as u8]);
        RgbImage::from_fn(64, 48, noise).write_to(&mut Cursor::new(&mut bytes), format).unwrap();
        bytes
    }

    /// Half a JPEG file came out half grey, and nobody was told.
    #[test]
    fn a_picture_cut_in_half_is_refused_in_every_format() {
        use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
        for format in [Jpeg, Png, Gif, Bmp, Tiff, WebP] {
            let whole = encoded(format);
            let path = Path::new("c.img");
            assert!(decoded(path, &whole, 48, 64).is_ok(), "{format:?}");
            for part in [2, 4] {
                let cut = &whole[..whole.len() - whole.len() / part];
                let error = decoded(path, cut, 48, 64).err().unwrap();
                assert!(error.to_string().contains("c.img"), "{error}");
            }
        }
    }

    #[test]
    fn the_preview_in_a_picture_is_not_its_end() {
        let whole = encoded(ImageFormat::Jpeg);
        let preview =
            [&[0xff, 0xd8, 0xff, 0xe1, 0, 8, 1, 2, 0xff, 0xd9, 3, 4][..], &whole[2..]].concat();
        assert!(has_end(&preview) && !has_end(&preview[..preview.len() / 2]));
        assert!(!has_end(&[0xff, 0xd8]) && !has_end(b""));
    }

    /// A JPEG file whose EXIF part says how it is to be turned.
    fn turned(orientation: u8) -> Vec<u8> {
        let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
        let size = (exif.len() as u16 + 2).to_be_bytes();
        let whole = encoded(ImageFormat::Jpeg);
        [&[0xff, 0xd8, 0xff, 0xe1][..], &size, &exif, &whole[2..]].concat()
    }

    #[test]
    fn pictures_are_turned_as_they_say_and_that_is_said() {
        let path = Path::new("c.jpg");
        let upright = decoded(path, &turned(1), 48, 64).unwrap();
        let half = decoded(path, &turned(3), 48, 64).unwrap();
        let mut pixels: Vec<_> = upright.pixels.chunks(3).collect();
        pixels.reverse();
        assert_eq!(half.pixels, pixels.concat());
        assert_eq!((upright.is_turned, half.is_turned), (false, true));
        let sides = [1, 3, 6, 8].map(|orientation| dimensions(&turned(orientation)));
        assert_eq!(sides, [Some((64, 48)), Some((64, 48)), Some((48, 64)), Some((48, 64))]);

        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join("a.jpg"), turned(6)).unwrap();
        std::fs::write(dir.path().join("README.md"), "about").unwrap();
        std::fs::write(dir.path().join(".DS_Store"), "x").unwrap();
        let mut source = ImageSource::open(dir.path(), Some((64, 48))).unwrap();
        assert_eq!(source.next_batch().unwrap().unwrap().num_rows(), 1);
        let remarks = source.remarks();
        assert!(remarks[0].ends_with(": .DS_Store, README.md"), "{remarks:?}");
        assert!(remarks[1].contains("1 picture is turned"));
    }

    #[test]
    fn an_empty_folder_is_an_error() {
        let error = ImageSource::open(TempDir::new().unwrap().path(), None).err().unwrap();
        assert!(error.to_string().contains("no files"));
    }
}
