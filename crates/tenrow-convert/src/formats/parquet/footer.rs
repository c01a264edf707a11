//! Parquet footers before the ordinary reader sees them: it takes encrypted columns for pages, and counts for granted.

use std::io::{Read, Seek, SeekFrom};

use parquet::file::reader::Length;
use tenrow::engine::check_footer;
use tenrow_values::{ConvertError, Result};

use crate::source_file::SourceFile;

/// Length and magic at the end of a file.
const TAIL_BYTES: u64 = 8;
/// Field `encryption_algorithm` of `FileMetaData`, which is there if and only if something is encrypted.
const ENCRYPTION_ALGORITHM: i16 = 8;
/// Structures within each other.
const MAX_DEPTH: u32 = 32;

/// Refuses a file of which anything is encrypted, or whose footer counts what is not there.
///
/// What is damaged otherwise is left to the reader, which says what is wrong with it.
pub(super) fn check_footer_of(path: &SourceFile) -> Result<()> {
    let footer = footer_of(path).map_err(ConvertError::io(path, "read"))?;
    match footer {
        Footer::Plain(bytes) if !has_field(&bytes, ENCRYPTION_ALGORITHM) => {
            check_footer(&bytes).map_err(ConvertError::decode(path, "parquet", None))
        }
        Footer::Damaged => Ok(()),
        Footer::Plain(_) | Footer::Encrypted => {
            let reason = "it is encrypted, and tenrow has no keys: decrypt it with the program that wrote it";
            Err(ConvertError::unsupported(path, reason))
        }
    }
}

enum Footer {
    Plain(Vec<u8>),
    Encrypted,
    Damaged,
}

fn footer_of(path: &SourceFile) -> std::io::Result<Footer> {
    let mut file = path.open()?;
    let len = Length::len(&file);
    let Some(tail_at) = len.checked_sub(TAIL_BYTES) else { return Ok(Footer::Damaged) };
    let mut tail = [0; TAIL_BYTES as usize];
    file.seek(SeekFrom::Start(tail_at))?;
    file.read_exact(&mut tail)?;
    let [a, b, c, d, magic @ ..] = tail;
    let size = u64::from(u32::from_le_bytes([a, b, c, d]));
    match (&magic, tail_at.checked_sub(size)) {
        (b"PARE", _) => Ok(Footer::Encrypted),
        (b"PAR1", Some(start)) => {
            file.seek(SeekFrom::Start(start))?;
            let mut footer = Vec::new();
            file.take(size + TAIL_BYTES).read_to_end(&mut footer)?;
            Ok(Footer::Plain(footer))
        }
        _ => Ok(Footer::Damaged),
    }
}

/// Whether the outermost structure of `bytes`, in Thrift's compact protocol, has the field.
fn has_field(bytes: &[u8], field: i16) -> bool {
    let mut thrift = Thrift { bytes };
    thrift.find(field).unwrap_or(false)
}

struct Thrift<'a> {
    bytes: &'a [u8],
}

/// `None` where the bytes end or make no sense.
impl Thrift<'_> {
    fn find(&mut self, wanted: i16) -> Option<bool> {
        let mut last = 0;
        while let Some((id, kind)) = self.field(&mut last)? {
            if id == wanted {
                return Some(true);
            }
            self.skip(kind, MAX_DEPTH)?;
        }
        Some(false)
    }

    /// The next field of a structure, or its end.
    fn field(&mut self, last: &mut i16) -> Option<Option<(i16, u8)>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        let id = match byte >> 4 {
            0 => {
                let zigzag = self.varint()?;
                i16::try_from((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64)).ok()?
            }
            step => last.checked_add(i16::from(step))?,
        };
        *last = id;
        Some(Some((id, byte & 15)))
    }

    fn skip(&mut self, kind: u8, depth: u32) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            // The truth of a field is in its kind.
            1 | 2 => Some(()),
            3 => self.byte().map(drop),
            4..=6 => self.varint().map(drop),
            7 => self.take(8),
            8 => {
                let len = self.varint()?;
                self.take(usize::try_from(len).ok()?)
            }
            9 | 10 => {
                let byte = self.byte()?;
                let count = match byte >> 4 {
                    15 => self.varint()?,
                    count => u64::from(count),
                };
                (0..count).try_for_each(|_| self.skip_item(byte & 15, depth))
            }
            11 => {
                let count = self.varint()?;
                let kinds = if count == 0 { 0 } else { self.byte()? };
                (0..count).try_for_each(|_| {
                    self.skip_item(kinds >> 4, depth)?;
                    self.skip_item(kinds & 15, depth)
                })
            }
            12 => {
                let mut last = 0;
                while let Some((_, kind)) = self.field(&mut last)? {
                    self.skip(kind, depth)?;
                }
                Some(())
            }
            _ => None,
        }
    }

    /// In lists, a truth takes a byte.
    fn skip_item(&mut self, kind: u8, depth: u32) -> Option<()> {
        if matches!(kind, 1 | 2) { self.take(1) } else { self.skip(kind, depth) }
    }

    fn take(&mut self, count: usize) -> Option<()> {
        self.bytes = self.bytes.get(count..)?;
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fields 1 to 6 and 8 of `FileMetaData`: an i32, two lists of structures, an i64, a text.
    fn footer(with_algorithm: bool) -> Vec<u8> {
        let mut bytes = vec![0x15, 4, 0x19, 0x2c];
        for name in [b"a", b"b"] {
            bytes.extend([0x48, 1, name[0], 0x15, 2, 0]);
        }
        bytes.extend([0x16, 0xc8, 1, 0x19, 0x0c, 0x28, 3]);
        bytes.extend(b"who");
        if with_algorithm {
            bytes.extend([0x2c, 0x1c, 0, 0]);
        }
        bytes.push(0);
        bytes
    }

    fn refusal(magic: &[u8; 4], footer: &[u8]) -> Option<String> {
        let mut bytes = footer.to_vec();
        bytes.extend((footer.len() as u32).to_le_bytes());
        bytes.extend(magic);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.parquet");
        std::fs::write(&path, bytes).unwrap();
        check_footer_of(&path.into()).err().map(|error| error.to_string())
    }

    #[test]
    fn what_is_encrypted_is_refused_whichever_part_it_is() {
        assert_eq!(refusal(b"PAR1", &footer(false)), None);
        for (magic, footer) in [(b"PAR1", footer(true)), (b"PARE", vec![7; 20])] {
            assert!(refusal(magic, &footer).unwrap().contains("encrypted"));
        }
    }

    #[test]
    fn footers_cut_or_flipped_anywhere_are_left_to_the_reader() {
        let whole = footer(true);
        for n in 0..whole.len() {
            has_field(&whole[..n], ENCRYPTION_ALGORITHM);
            for bit in 0..8 {
                let mut flipped = whole.clone();
                flipped[n] ^= 1 << bit;
                has_field(&flipped, ENCRYPTION_ALGORITHM);
            }
        }
        assert!(!has_field(&[0xfc; 1000], ENCRYPTION_ALGORITHM));
        assert!(!has_field(&[0x19, 0xf0, 255, 255, 255, 255, 255, 255, 255, 255, 127], 8));
    }
}
