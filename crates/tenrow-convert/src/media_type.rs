//! What a file is, by its first bytes.

/// The media type of a file that begins with `bytes`, if it is a well-known one.
///
/// ```
/// assert_eq!(tenrow_convert::media_type(b"\x89PNG\r\n\x1a\n..."), Some("image/png"));
/// assert_eq!(tenrow_convert::media_type(b"hello"), None);
/// ```
pub fn media_type(bytes: &[u8]) -> Option<&'static str> {
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

    #[test]
    fn content_tells_the_media_type() {
        for (bytes, expected) in [
            (&b"\xff\xd8\xff\xe0"[..], Some("image/jpeg")),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"\0\0\0\x20ftypavif", Some("image/avif")),
            (b"\0\0\0\x20ftypisom", Some("video/mp4")),
            (b"RIFF", None),
            (b"", None),
        ] {
            assert_eq!(media_type(bytes), expected);
        }
    }
}
