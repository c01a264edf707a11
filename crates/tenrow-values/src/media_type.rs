//! What a file is, by its first bytes.

/// The media type of a file that begins with `bytes`, if it is a well-known one.
///
/// ```
/// assert_eq!(tenrow_values::media_type(b"\x89PNG\r\n\x1a\n..."), Some("image/png"));
/// assert_eq!(tenrow_values::media_type(b"hello"), None);
/// ```
pub fn media_type(bytes: &[u8]) -> Option<&'static str> {
    let found = signature(bytes)?;
    // Words may begin like a picture: BMI, BMW, ID3, GIF89a. What goes on as text is text.
    let is_word = bytes.iter().take(2).all(u8::is_ascii);
    let is_text = is_word && looks_like_text(&bytes[..bytes.len().min(TEXT_BYTES)]);
    (TEXT_TYPES.contains(&found) || !is_text).then_some(found)
}

/// True if there are letters and line ends alone, of UTF-8 or of any other alphabet that extends ASCII.
pub fn looks_like_text(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127);
    bytes.iter().all(|byte| !is_control(byte))
}

fn signature(bytes: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, magic: &[u8]| {
        bytes.get(offset..).is_some_and(|bytes| bytes.starts_with(magic))
    };
    let known = SIGNATURES.iter().find(|(magic, _)| bytes.starts_with(magic));
    if let Some((_, media_type)) = known {
        return Some(media_type);
    }
    if at(0, b"RIFF") {
        return RIFF.iter().find(|(kind, _)| at(8, kind)).map(|(_, media_type)| *media_type);
    }
    if at(4, b"ftyp") {
        let brand = ISO_MEDIA.iter().find(|(brand, _)| at(8, brand));
        return Some(brand.map_or("video/mp4", |(_, media_type)| media_type));
    }
    None
}

/// Bytes that are looked at to tell text from all else.
const TEXT_BYTES: usize = 4096;

/// Types whose files are text, or begin with a page of it.
const TEXT_TYPES: [&str; 3] = ["application/pdf", "application/xml", "image/svg+xml"];

const SIGNATURES: [(&[u8], &str); 20] = [
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"\xff\x0a", "image/jxl"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"<?xml", "application/xml"),
    (b"<svg", "image/svg+xml"),
];

const RIFF: [(&[u8], &str); 3] =
    [(b"WEBP", "image/webp"), (b"WAVE", "audio/wav"), (b"AVI ", "video/x-msvideo")];

const ISO_MEDIA: [(&[u8], &str); 4] = [
    (b"avif", "image/avif"),
    (b"heic", "image/heic"),
    (b"M4A ", "audio/mp4"),
    (b"qt  ", "video/quicktime"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A table whose first column is the body mass index was taken for a bitmap.
    #[test]
    fn words_that_begin_like_a_picture_are_text() {
        for text in
            ["BMI,age\n22.5,31\n", "BMW;3\n", "GIF89a,x\n", "ID3,label\n", "PAR1,PAR2\n", "OggS"]
        {
            assert_eq!(media_type(text.as_bytes()), None, "{text}");
            assert!(looks_like_text(text.as_bytes()));
        }
        assert!(looks_like_text("größe\tñ\r\n".as_bytes()) && looks_like_text(b"gr\xf6\xdfe"));
        assert!(!looks_like_text(b"\x89PNG\r\n\x1a\n") && !looks_like_text(b"\xff\xfea\0"));
    }

    #[test]
    fn content_tells_the_media_type() {
        for (bytes, expected) in [
            (&b"\xff\xd8\xff\xe0"[..], Some("image/jpeg")),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"\0\0\0\x20ftypavif", Some("image/avif")),
            (b"\0\0\0\x20ftypisom", Some("video/mp4")),
            (b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0", Some("image/bmp")),
            (b"GIF89a\x01\0\x01\0\0\0\0", Some("image/gif")),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Some("image/svg+xml")),
            (b"RIFF", None),
            (b"", None),
        ] {
            assert_eq!(media_type(bytes), expected);
        }
    }
}
