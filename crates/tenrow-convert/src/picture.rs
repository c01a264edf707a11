//! Tensors as pictures: for files, contact sheets and terminals.

use std::fmt::Write;
use std::path::Path;

use image::imageops::{FilterType, overlay};
use image::{DynamicImage, GrayImage, RgbImage};
use tenrow::{DType, Tensor};
use tenrow_values::{ConvertError, Result, numbers};

use crate::new_file::{Existing, write_file};

/// The pixels that a picture may have: 256 Mi.
const MAX_PIXELS: u64 = 1 << 28;

/// A grey or coloured picture.
///
/// ```
/// use tenrow::Tensor;
/// use tenrow_convert::{Ink, Picture};
/// let tensor = Tensor::from_slice(&[255u8, 0, 0, 255], &[2, 2])?;
/// let picture = Picture::of_tensor(&tensor).expect("two rows of two pixels");
/// assert_eq!(picture.half_blocks(Ink::Plain), "▀▄\n");
/// # Ok::<(), tenrow::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Picture {
    image: DynamicImage,
    /// Whether the pixels are the tensor's own bytes.
    exact: bool,
}

/// The colours that text can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// None: a pixel is there or not.
    Plain,
    /// The 256 of most terminals.
    Ansi256,
    /// All.
    TrueColor,
}

/// Where the pixels of a tensor are.
struct Layout {
    height: u64,
    width: u64,
    channels: u64,
    channels_first: bool,
}

impl Layout {
    fn of(shape: &[u64]) -> Option<Self> {
        let (height, width, channels, channels_first) = match *shape {
            [h, w] => (h, w, 1, false),
            [h, w, c @ (1 | 3)] => (h, w, c, false),
            [c @ (1 | 3), h, w] => (h, w, c, true),
            _ => return None,
        };
        let pixels = height.checked_mul(width)?;
        let fits = pixels > 0 && pixels <= MAX_PIXELS && height.max(width) <= u64::from(u32::MAX);
        fits.then_some(Self { height, width, channels, channels_first })
    }
}

impl Picture {
    /// Whether tensors of this shape are pictures.
    pub(crate) fn is_shape(shape: &[u64]) -> bool {
        Layout::of(shape).is_some()
    }

    /// The picture that a tensor of `[h,w]`, `[h,w,1]`, `[h,w,3]`, `[1,h,w]` or `[3,h,w]` holds.
    ///
    /// u8 is taken as it is; other numbers are stretched from 0 to 1 if they lie there, else from
    /// their least to their greatest. `None` for other shapes.
    pub fn of_tensor(tensor: &Tensor) -> Option<Self> {
        let layout = Layout::of(tensor.shape())?;
        let exact = tensor.dtype() == DType::U8;
        let bytes = if exact { tensor.bytes().to_vec() } else { stretched(tensor) };
        let bytes = if layout.channels_first && layout.channels > 1 {
            channels_last(&bytes, layout.channels as usize)
        } else {
            bytes
        };
        let (width, height) = (layout.width as u32, layout.height as u32);
        let image = match layout.channels {
            1 => DynamicImage::ImageLuma8(GrayImage::from_raw(width, height, bytes)?),
            _ => DynamicImage::ImageRgb8(RgbImage::from_raw(width, height, bytes)?),
        };
        Some(Self { image, exact })
    }

    /// Decodes a PNG, JPEG or other picture file of a known format; `None` if it is none.
    pub fn of_file(bytes: &[u8]) -> Option<Self> {
        let image = image::load_from_memory(bytes).ok()?.into_rgb8().into();
        Some(Self { image, exact: false })
    }

    /// Width and height.
    pub fn size(&self) -> (u32, u32) {
        (self.image.width(), self.image.height())
    }

    /// Whether the pixels are the tensor's own bytes, not made from them.
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// The picture, made smaller if it is wider or higher than this.
    #[must_use]
    pub fn within(self, width: u32, height: u32) -> Self {
        let (w, h) = self.size();
        if w <= width && h <= height {
            return self;
        }
        let image = self.image.resize(width.max(1), height.max(1), FilterType::Triangle);
        Self { image, exact: false }
    }

    /// Pictures side by side, `columns` to a row, `margin` pixels around each, an empty place for `None`; places are as
    /// large as the first picture, larger ones are made to fit. Grey if all are; `None` if there are none.
    pub fn contact_sheet(pictures: &[Option<Self>], columns: u32, margin: u32) -> Option<Self> {
        let (width, height) = pictures.iter().flatten().next()?.size();
        let columns = columns.max(1);
        let rows = (pictures.len() as u32).div_ceil(columns);
        let side =
            |n: u32, size: u32| n.checked_mul(size.checked_add(margin)?)?.checked_add(margin);
        let (sheet_width, sheet_height) = (side(columns, width)?, side(rows, height)?);
        if u64::from(sheet_width) * u64::from(sheet_height) > MAX_PIXELS {
            return None;
        }
        let mut sheet = RgbImage::from_pixel(sheet_width, sheet_height, image::Rgb([48, 48, 48]));
        for (number, picture) in (0u32..).zip(pictures) {
            let Some(picture) = picture else { continue };
            let picture = picture.clone().within(width, height);
            let (free_width, free_height) = (width - picture.size().0, height - picture.size().1);
            let x = margin + number % columns * (width + margin) + free_width / 2;
            let y = margin + number / columns * (height + margin) + free_height / 2;
            overlay(&mut sheet, &picture.image.to_rgb8(), i64::from(x), i64::from(y));
        }
        let mut all = pictures.iter().flatten();
        let is_grey = all.all(|picture| matches!(picture.image, DynamicImage::ImageLuma8(_)));
        let sheet = DynamicImage::ImageRgb8(sheet);
        let image = if is_grey { DynamicImage::ImageLuma8(sheet.to_luma8()) } else { sheet };
        Some(Self { image, exact: false })
    }

    /// Creates the PNG file `path`.
    ///
    /// # Errors
    /// If it cannot be written, or is there and has to stay.
    pub fn write_png(&self, path: &Path, existing: Existing) -> Result<()> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        self.image
            .write_to(&mut bytes, image::ImageFormat::Png)
            .map_err(ConvertError::encode(path, "png"))?;
        write_file(path, &bytes.into_inner(), existing)
    }

    /// Lines of text with two pixels to a character, one above the other.
    pub fn half_blocks(&self, ink: Ink) -> String {
        let image = self.image.to_rgb8();
        let pixel = |x: u32, y: u32| {
            if y < image.height() { image.get_pixel(x, y).0 } else { [0, 0, 0] }
        };
        let mut text = String::new();
        for y in (0..image.height()).step_by(2) {
            let mut line = String::new();
            for x in 0..image.width() {
                push_pair(&mut line, pixel(x, y), pixel(x, y + 1), ink);
            }
            match ink {
                Ink::Plain => text.push_str(line.trim_end()),
                Ink::Ansi256 | Ink::TrueColor => {
                    text.push_str(&line);
                    text.push_str("\x1b[0m");
                }
            }
            text.push('\n');
        }
        text
    }
}

fn push_pair(line: &mut String, top: [u8; 3], bottom: [u8; 3], ink: Ink) {
    let written = match ink {
        Ink::Plain => {
            let is_lit = |[r, g, b]: [u8; 3]| u16::from(r) + u16::from(g) + u16::from(b) >= 3 * 96;
            line.push(match (is_lit(top), is_lit(bottom)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
            Ok(())
        }
        Ink::Ansi256 => {
            write!(line, "\x1b[38;5;{};48;5;{}m▀", palette(top), palette(bottom))
        }
        Ink::TrueColor => {
            let ([r, g, b], [s, h, c]) = (top, bottom);
            write!(line, "\x1b[38;2;{r};{g};{b};48;2;{s};{h};{c}m▀")
        }
    };
    written.expect("text in memory takes all that is written");
}

/// The nearest of the 256 colours: a grey of the ramp, or a corner of the 6×6×6 cube.
fn palette([r, g, b]: [u8; 3]) -> u8 {
    if r == g && g == b {
        return match r {
            0..=3 => 16,
            247.. => 231,
            grey => 232 + (u16::from(grey - 3) * 24 / 244) as u8,
        };
    }
    let level = |v: u8| (u16::from(v) * 5 + 127) / 255;
    (16 + 36 * level(r) + 6 * level(g) + level(b)) as u8
}

/// Numbers of any type as bytes, from black to white.
fn stretched(tensor: &Tensor) -> Vec<u8> {
    let values = numbers(tensor);
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let (mut low, mut high) =
        (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    if low >= 0.0 && high <= 1.0 {
        (low, high) = (0.0, 1.0);
    }
    let span = if high > low { high - low } else { 1.0 };
    // A cast saturates, and NaN becomes 0.
    values.into_iter().map(|v| ((v - low) / span * 255.0).round() as u8).collect()
}

/// `c` planes as pixels of `c` bytes.
fn channels_last(planes: &[u8], channels: usize) -> Vec<u8> {
    let pixels = planes.len() / channels;
    (0..planes.len()).map(|i| planes[i % channels * pixels + i / channels]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(values: &[u8], shape: &[u64]) -> Picture {
        Picture::of_tensor(&Tensor::from_slice(values, shape).unwrap()).unwrap()
    }

    #[test]
    fn planes_and_pixels_are_the_same_picture() {
        let pixels = tensor(&[1, 2, 3, 4, 5, 6], &[1, 2, 3]);
        let planes = tensor(&[1, 4, 2, 5, 3, 6], &[3, 1, 2]);
        assert_eq!(pixels.image.as_bytes(), planes.image.as_bytes());
    }

    #[test]
    fn numbers_are_stretched_and_nan_is_black() {
        let values = Tensor::from_slice(&[-1.0f32, 1.0, f32::NAN, 0.0], &[2, 2]).unwrap();
        let picture = Picture::of_tensor(&values).unwrap();
        assert_eq!(picture.image.as_bytes(), [0, 255, 0, 128]);
        assert!(!picture.is_exact());
    }

    #[test]
    fn other_shapes_are_no_picture() {
        for shape in [&[6][..], &[1, 2, 3, 1], &[0, 6], &[2, 3, 2]] {
            let count = shape.iter().product::<u64>() as usize;
            let tensor = Tensor::from_slice(&vec![0u8; count], shape).unwrap();
            assert!(Picture::of_tensor(&tensor).is_none(), "{shape:?}");
        }
    }

    #[test]
    fn a_contact_sheet_has_a_margin_around_each() {
        let sheet =
            Picture::contact_sheet(&vec![Some(tensor(&[255; 4], &[2, 2])); 3], 2, 1).unwrap();
        assert_eq!(sheet.size(), (7, 7));
        assert_eq!(sheet.image.as_bytes()[7..14], [48, 255, 255, 48, 255, 255, 48]);
    }

    #[test]
    fn odd_heights_end_in_a_dark_half() {
        assert_eq!(tensor(&[255, 0, 255], &[3, 1]).half_blocks(Ink::Plain), "▀\n▀\n");
    }
}
