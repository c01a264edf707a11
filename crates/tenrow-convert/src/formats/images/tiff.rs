//! TIFF pictures of the kinds that science has and the `image` crate does not take: floats of 64
//! bits, and colours in planes of their own.

use std::io::Cursor;

use image::RgbImage;
use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult};

/// Width and height of the first page.
pub(crate) fn tiff_dimensions(content: &[u8]) -> Option<(u32, u32)> {
    Decoder::new(Cursor::new(content)).ok()?.dimensions().ok()
}

/// The first page as RGB, or why not. Floats are taken as 0 to 1.
pub(crate) fn tiff_image(content: &[u8]) -> Result<RgbImage, String> {
    let mut decoder = Decoder::new(Cursor::new(content)).map_err(|e| e.to_string())?;
    let (width, height) = decoder.dimensions().map_err(|e| e.to_string())?;
    let channels: usize = match decoder.colortype().map_err(|e| e.to_string())? {
        ColorType::Gray(_) => 1,
        ColorType::GrayA(_) => 2,
        ColorType::RGB(_) => 3,
        ColorType::RGBA(_) => 4,
        other => return Err(format!("TIFF of colour type {other:?} is not read")),
    };
    let mut samples = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut samples).map_err(|e| e.to_string())?;
    let samples = samples_of(samples)?;
    let pixels = (width as usize).checked_mul(height as usize).ok_or("a picture too large")?;
    if pixels.checked_mul(channels) != Some(samples.len()) {
        return Err(format!("{} samples for {width} by {height} pixels", samples.len()));
    }
    // Planes follow each other whole; otherwise the channels of a pixel do.
    let (pixel_step, channel_step) = if layout.planes > 1 { (1, pixels) } else { (channels, 1) };
    let colour = |pixel: usize, channel: usize| {
        let channel = if channels < 3 { 0 } else { channel };
        samples[pixel * pixel_step + channel * channel_step]
    };
    let rgb = (0..pixels).flat_map(|p| [colour(p, 0), colour(p, 1), colour(p, 2)]).collect();
    RgbImage::from_raw(width, height, rgb).ok_or_else(|| "too few pixels".into())
}

/// A float from 0 to 1 as a byte.
pub(crate) fn unit(sample: f64) -> Result<u8, String> {
    match sample {
        0.0..=1.0 => Ok((sample * 255.0).round() as u8),
        _ => Err(format!("a sample of {sample} is not within 0 to 1: scale the picture first")),
    }
}

fn samples_of(samples: DecodingResult) -> Result<Vec<u8>, String> {
    Ok(match samples {
        DecodingResult::U8(samples) => samples,
        DecodingResult::U16(samples) => {
            samples.into_iter().map(|s| ((u32::from(s) + 128) / 257) as u8).collect()
        }
        DecodingResult::F32(samples) => {
            samples.into_iter().map(|s| unit(f64::from(s))).collect::<Result<_, _>>()?
        }
        DecodingResult::F64(samples) => samples.into_iter().map(unit).collect::<Result<_, _>>()?,
        _ => return Err("TIFF of samples other than u8, u16, f32 and f64 is not read".into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: [f64; 6] = [0.0, 1.0, 0.2, 1.0, 0.4, 0.0];

    /// A page of 2 by 1 pixels, three planes of f64: little-endian, one strip a plane.
    fn planar(samples: [f64; 6]) -> Vec<u8> {
        let entry = |tag: u16, kind: u16, count: u32, value: u32| {
            let mut bytes = [tag.to_le_bytes(), kind.to_le_bytes()].concat();
            bytes.extend(count.to_le_bytes());
            bytes.extend(value.to_le_bytes());
            bytes
        };
        let data_at = 8 + 2 + 11 * 12 + 4;
        let extra = data_at + 48;
        let mut file = b"II*\0\x08\0\0\0".to_vec();
        file.extend(11u16.to_le_bytes());
        for (tag, kind, count, value) in [
            (256, 3, 1, 2),
            (257, 3, 1, 1),
            (258, 3, 3, extra),
            (259, 3, 1, 1),
            (262, 3, 1, 2),
            (273, 4, 3, extra + 6),
            (277, 3, 1, 3),
            (278, 3, 1, 1),
            (279, 4, 3, extra + 18),
            (284, 3, 1, 2),
            (339, 3, 3, extra + 30),
        ] {
            file.extend(entry(tag, kind, count, value));
        }
        file.extend([0; 4]);
        for value in samples {
            file.extend(f64::to_le_bytes(value));
        }
        file.extend([64u16, 64, 64].into_iter().flat_map(u16::to_le_bytes));
        file.extend([data_at, data_at + 16, data_at + 32].into_iter().flat_map(u32::to_le_bytes));
        file.extend([16u32, 16, 16].into_iter().flat_map(u32::to_le_bytes));
        file.extend([3u16, 3, 3].into_iter().flat_map(u16::to_le_bytes));
        file
    }

    #[test]
    fn planes_of_floats_become_rgb() {
        let picture = tiff_image(&planar(SAMPLES)).unwrap();
        assert_eq!(picture.as_raw()[..], [0, 51, 102, 255, 255, 0]);
        assert_eq!(tiff_dimensions(&planar(SAMPLES)), Some((2, 1)));
    }

    #[test]
    fn floats_beyond_1_are_refused_rather_than_made_white() {
        for sample in [1.5, -0.1, f64::NAN, f64::INFINITY] {
            let error = tiff_image(&planar([0.0, 1.0, 0.2, sample, 0.4, 0.0])).unwrap_err();
            assert!(error.contains("not within 0 to 1"), "{error}");
        }
    }

    #[test]
    fn a_page_cut_at_any_byte_is_an_error() {
        let whole = planar(SAMPLES);
        // The last number of the last table can be left out: its value is the one before.
        for n in 0..whole.len() - 6 {
            assert!(tiff_image(&whole[..n]).is_err(), "{n}");
        }
    }
}
