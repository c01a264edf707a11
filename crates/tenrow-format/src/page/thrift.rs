//! The part of Thrift's compact protocol that page headers use.

use crate::error::{FormatError, Result};

const STOP: u8 = 0;
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const I32: u8 = 5;
const STRUCT: u8 = 12;
const MAX_DEPTH: usize = 8;

/// Writes one struct, fields in ascending order.
pub(super) struct StructWriter<'a> {
    out: &'a mut Vec<u8>,
    last_id: u8,
}

impl<'a> StructWriter<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self::after(out, 0)
    }

    /// Goes on with a struct whose field `last_id` was the last.
    pub(super) fn after(out: &'a mut Vec<u8>, last_id: u8) -> Self {
        Self { out, last_id }
    }

    pub(super) fn i32(&mut self, id: u8, value: i32) {
        self.field(id, I32);
        write_varint(self.out, u64::from(zigzag(value)));
    }

    /// An `i32` that takes five bytes whatever its value, so that headers have one length.
    pub(super) fn i32_in_five_bytes(&mut self, id: u8, value: i32) {
        self.field(id, I32);
        let mut bits = zigzag(value);
        for _ in 0..4 {
            self.out.push((bits & 0x7f) as u8 | 0x80);
            bits >>= 7;
        }
        self.out.push(bits as u8);
    }

    pub(super) fn bool(&mut self, id: u8, value: bool) {
        self.field(id, if value { TRUE } else { FALSE });
    }

    pub(super) fn structure(&mut self, id: u8, write: impl FnOnce(&mut StructWriter<'_>)) {
        self.field(id, STRUCT);
        let mut inner = StructWriter::new(self.out);
        write(&mut inner);
        inner.stop();
    }

    pub(super) fn stop(&mut self) {
        self.out.push(STOP);
    }

    fn field(&mut self, id: u8, kind: u8) {
        self.out.push(((id - self.last_id) << 4) | kind);
        self.last_id = id;
    }
}

fn zigzag(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)) as u32
}

/// Appends `value` as a varint.
pub(crate) fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A field of a struct being read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    I32(i32),
    Struct,
    Other(u8),
}

/// Reads untrusted bytes; every step is checked.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Calls `field` for each field of a struct; nested structs must be read or skipped by it.
    pub(super) fn structure(
        &mut self,
        mut field: impl FnMut(&mut Self, i16, Value) -> Result<()>,
    ) -> Result<()> {
        let mut id: i16 = 0;
        loop {
            let head = self.byte()?;
            if head == STOP {
                return Ok(());
            }
            id = match head >> 4 {
                0 => i16::try_from(unzigzag(self.varint()?)).map_err(|_| fault("field id"))?,
                delta => id.checked_add(i16::from(delta)).ok_or_else(|| fault("field id"))?,
            };
            let value = match head & 0x0f {
                TRUE => Value::Bool(true),
                FALSE => Value::Bool(false),
                I32 => Value::I32(
                    i32::try_from(unzigzag(self.varint()?)).map_err(|_| fault("an i32"))?,
                ),
                STRUCT => Value::Struct,
                kind => Value::Other(kind),
            };
            field(self, id, value)?;
        }
    }

    /// Skips what follows the head of a field that nobody wants.
    pub(super) fn skip(&mut self, value: Value) -> Result<()> {
        match value {
            Value::Bool(_) | Value::I32(_) => Ok(()),
            Value::Struct => self.skip_kind(STRUCT, 0),
            Value::Other(kind) => self.skip_kind(kind, 0),
        }
    }

    fn skip_kind(&mut self, kind: u8, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(fault("nesting"));
        }
        match kind {
            TRUE | FALSE => Ok(()),
            3 => self.advance(1),
            4..=6 => self.varint().map(|_| ()),
            7 => self.advance(8),
            8 => {
                let len = self.varint()?;
                self.advance(len)
            }
            9 | 10 => self.skip_list(depth),
            STRUCT => loop {
                let head = self.byte()?;
                if head == STOP {
                    return Ok(());
                }
                if head >> 4 == 0 {
                    self.varint()?;
                }
                self.skip_kind(head & 0x0f, depth + 1)?;
            },
            _ => Err(fault("a field type")),
        }
    }

    fn skip_list(&mut self, depth: usize) -> Result<()> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.varint()?,
            count => u64::from(count),
        };
        for _ in 0..count {
            // In lists a bool takes a byte, so every element consumes some input.
            match head & 0x0f {
                TRUE | FALSE => self.advance(1)?,
                kind => self.skip_kind(kind, depth + 1)?,
            }
        }
        Ok(())
    }

    fn advance(&mut self, count: u64) -> Result<()> {
        let end = usize::try_from(count).ok().and_then(|n| self.at.checked_add(n));
        match end {
            Some(end) if end <= self.bytes.len() => {
                self.at = end;
                Ok(())
            }
            _ => Err(self.truncated()),
        }
    }

    fn byte(&mut self) -> Result<u8> {
        let byte = *self.bytes.get(self.at).ok_or_else(|| self.truncated())?;
        self.at += 1;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(fault("a varint"))
    }

    fn truncated(&self) -> FormatError {
        FormatError::Truncated {
            what: "page header".into(),
            found: self.bytes.len() as u64,
            expected: self.bytes.len() as u64 + 1,
        }
    }
}

fn unzigzag(bits: u64) -> i64 {
    ((bits >> 1) as i64) ^ -((bits & 1) as i64)
}

fn fault(what: &str) -> FormatError {
    FormatError::malformed("page header", format!("{what} is out of bounds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A struct of a field of each kind that nobody wants, and one that is wanted behind it.
    #[test]
    fn a_field_of_any_kind_is_passed_over_as_long_as_it_is() {
        const WANTED: [u8; 2] = [0x15, 0x0e];
        let kinds: [(u8, &[u8]); 9] = [
            (TRUE, &[]),
            (FALSE, &[]),
            (3, &[0x7f]),
            (4, &[0x80, 0x01]),
            (6, &[0xff, 0xff, 0x01]),
            (7, &[1, 2, 3, 4, 5, 6, 7, 8]),
            (8, &[3, b'a', b'b', b'c']),
            (9, &[0x23, 5, 6]),
            (STRUCT, &[0x13, 0x09, STOP]),
        ];
        for (kind, content) in kinds {
            let bytes = [&[0x10 | kind], content, &WANTED, &[STOP]].concat();
            let mut found = Vec::new();
            let mut reader = Reader::new(&bytes);
            let read = reader.structure(|reader, id, value| match (id, value) {
                (2, Value::I32(number)) => {
                    found.push(number);
                    Ok(())
                }
                (_, other) => reader.skip(other),
            });
            read.unwrap_or_else(|error| panic!("kind {kind}: {error}"));
            assert_eq!((found, reader.position()), (vec![7], bytes.len()), "kind {kind}");
        }
    }
}
