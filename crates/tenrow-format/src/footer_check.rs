//! A look at a Parquet footer before the `parquet` crate sees it.
//!
//! The crate allocates as many elements as a list claims to have. An element takes at least one
//! byte, so a list that claims more than there are bytes left is refused here.

use crate::error::{FormatError, Result};

/// Nesting of a footer: four levels today.
const MAX_DEPTH: usize = 16;
/// The footer's length and the magic.
const TAIL_BYTES: usize = 8;

/// Checks the footer at the end of `file`.
pub(crate) fn check_footer(file: &[u8]) -> Result<()> {
    let malformed = || FormatError::malformed("parquet footer", "it is cut short or miscounted");
    let (body, tail) = file.split_last_chunk::<TAIL_BYTES>().ok_or_else(malformed)?;
    let length = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]) as usize;
    let start = body.len().checked_sub(length).ok_or_else(malformed)?;
    Walk { rest: &body[start..] }.structure(0).ok_or_else(malformed)
}

/// Thrift's compact protocol: values are passed over, counts are checked.
struct Walk<'a> {
    rest: &'a [u8],
}

impl Walk<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn structure(&mut self, depth: usize) -> Option<()> {
        loop {
            let header = self.byte()?;
            if header == 0 {
                return Some(());
            }
            if header >> 4 == 0 {
                self.varint()?; // a field id that is not near the one before
            }
            // A boolean field has its value in the header.
            if !matches!(header & 0x0f, 1 | 2) {
                self.value(header & 0x0f, depth)?;
            }
        }
    }

    fn value(&mut self, of_type: u8, depth: usize) -> Option<()> {
        match of_type {
            1..=3 => self.pass(1),
            4..=6 => self.varint().map(drop),
            7 => self.pass(8),
            8 => {
                let length = self.varint()?;
                self.pass(length)
            }
            9 | 10 if depth < MAX_DEPTH => self.list(depth + 1),
            12 if depth < MAX_DEPTH => self.structure(depth + 1),
            _ => None, // maps do not occur in a footer
        }
    }

    fn list(&mut self, depth: usize) -> Option<()> {
        let header = self.byte()?;
        let count = if header >> 4 == 15 { self.varint()? } else { u64::from(header >> 4) };
        if count > self.rest.len() as u64 {
            return None;
        }
        (0..count).try_for_each(|_| self.value(header & 0x0f, depth))
    }
}
