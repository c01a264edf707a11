//! The header of a `.npy` file: a magic number, a version, and the text of a Python dictionary.
//!
//! ```text
//! 93 'N' 'U' 'M' 'P' 'Y' | major, minor | length: u16 (version 1) or u32 | text, padded to 64 | data
//! ```
//!
//! The text is read by a parser of its own, of the few literals that numpy writes: no recursion,
//! so that no nesting is too deep.

use std::path::Path;

use tenrow::DType;
use tenrow_values::column::item_bytes;
use tenrow_values::{ConvertError, Result};

use crate::input::Input;

pub(crate) const MAGIC: [u8; 6] = *b"\x93NUMPY";
/// Bytes of a header text. numpy itself refuses 10,000 and more.
const MAX_HEADER_BYTES: u64 = 1 << 16;
/// numpy leaves room for the first dimension to grow to this many digits.
const GROWTH_DIGITS: usize = 21;

/// What one element of an array is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    /// A number.
    Number { dtype: DType, big_endian: bool },
    /// Text in code points of four bytes, filled up with zeros.
    Unicode { characters: u64, big_endian: bool },
    /// Text in bytes, filled up with zeros.
    Bytes { bytes: u64 },
}

impl Element {
    pub(crate) fn byte_len(self) -> u64 {
        match self {
            Element::Number { dtype, .. } => item_bytes(dtype),
            // Parsed from at most nine digits: this cannot overflow.
            Element::Unicode { characters, .. } => characters * 4,
            Element::Bytes { bytes } => bytes,
        }
    }
}

/// What a header says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) element: Element,
    pub(crate) fortran_order: bool,
    pub(crate) shape: Vec<u64>,
}

impl Header {
    /// Reads the header at the front of `input`; `|V2` is taken as bf16 if `bf16` says so.
    pub(crate) fn read(input: &mut Input, bf16: bool) -> Result<Self> {
        let mut start = [0; 8];
        input.fill(&mut start, "the magic number and version")?;
        let path = input.path().to_owned();
        if start[..6] != MAGIC {
            return Err(ConvertError::malformed(&path, 0, "not an npy file: wrong magic number"));
        }
        let (length_bytes, wide) = match start[6] {
            1 => (input.take(2, "the header length")?, false),
            2 | 3 => (input.take(4, "the header length")?, true),
            major => {
                let reason = format!("npy version {major}, but 1, 2 and 3 are known");
                return Err(ConvertError::malformed(&path, 6, reason));
            }
        };
        let length = match (wide, length_bytes.as_slice()) {
            (true, &[a, b, c, d]) => u64::from(u32::from_le_bytes([a, b, c, d])),
            (_, bytes) => u64::from(u16::from_le_bytes([bytes[0], bytes[1]])),
        };
        if length > MAX_HEADER_BYTES {
            let reason =
                format!("a header of {length} bytes, over the limit of {MAX_HEADER_BYTES}");
            return Err(ConvertError::malformed(&path, 8, reason));
        }
        let offset = input.offset();
        let text = input.take(length, "the header")?;
        let fields = Parser { text: &text, at: 0 }
            .dictionary()
            .map_err(|(at, reason)| ConvertError::malformed(&path, offset + at as u64, reason))?;
        fields.into_header(&path, offset, bf16)
    }
}

/// The header that `numpy.save` writes for an array of `shape` in C order.
pub(crate) fn write_header(dtype: DType, shape: &[u64]) -> Vec<u8> {
    let dims = match shape {
        [one] => format!("({one},)"),
        dims => {
            let dims: Vec<_> = dims.iter().map(u64::to_string).collect();
            format!("({})", dims.join(", "))
        }
    };
    let descr = descr_of(dtype);
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {dims}, }}");
    if let Some(first) = shape.first() {
        text += &" ".repeat(GROWTH_DIGITS.saturating_sub(first.to_string().len()));
    }
    // 10 bytes stand before the text and a line feed after it. With at most 32 dimensions of at
    // most 20 digits, the length fits the 16 bits of version 1.
    let padding = 64 - (10 + text.len() + 1) % 64;
    text += &" ".repeat(padding);
    text.push('\n');
    let length = (text.len() as u16).to_le_bytes();
    [&MAGIC[..], &[1, 0], &length[..], text.as_bytes()].concat()
}

fn descr_of(dtype: DType) -> &'static str {
    match dtype {
        DType::Bool => "|b1",
        DType::I8 => "|i1",
        DType::I16 => "<i2",
        DType::I32 => "<i4",
        DType::I64 => "<i8",
        DType::U8 => "|u1",
        DType::U16 => "<u2",
        DType::U32 => "<u4",
        DType::U64 => "<u8",
        DType::F16 => "<f2",
        DType::Bf16 => "<V2",
        DType::F32 => "<f4",
        DType::F64 => "<f8",
    }
}

/// The element that a type text names, or why tenrow does not take it.
fn element_of(descr: &str, bf16: bool) -> Result<Element, String> {
    let (order, rest) = match descr.as_bytes().first() {
        Some(b'<' | b'>' | b'|' | b'=') => descr.split_at(1),
        _ => ("|", descr),
    };
    let big_endian = order == ">";
    let (kind, size) = match rest.chars().next() {
        Some(kind) => rest.split_at(kind.len_utf8()),
        None => return Err(format!("type {descr:?} is empty")),
    };
    let digits = !size.is_empty() && size.len() <= 9 && size.bytes().all(|b| b.is_ascii_digit());
    let size_number: Option<u64> = if digits { size.parse().ok() } else { None };
    let number = |dtype| Ok(Element::Number { dtype, big_endian });
    match (kind, size_number) {
        ("b", Some(1)) => number(DType::Bool),
        ("?", None) if size.is_empty() => number(DType::Bool),
        ("i", Some(1)) => number(DType::I8),
        ("i", Some(2)) => number(DType::I16),
        ("i", Some(4)) => number(DType::I32),
        ("i", Some(8)) => number(DType::I64),
        ("u", Some(1)) => number(DType::U8),
        ("u", Some(2)) => number(DType::U16),
        ("u", Some(4)) => number(DType::U32),
        ("u", Some(8)) => number(DType::U64),
        ("f", Some(2)) => number(DType::F16),
        ("f", Some(4)) => number(DType::F32),
        ("f", Some(8)) => number(DType::F64),
        ("V", Some(2)) if bf16 => number(DType::Bf16),
        ("V", Some(2)) => Err(format!(
            "type {descr:?} is two opaque bytes: if they are bfloat16, say so with --bf16"
        )),
        ("U", Some(characters)) => Ok(Element::Unicode { characters, big_endian }),
        ("S" | "a", Some(bytes)) => Ok(Element::Bytes { bytes }),
        ("O", _) => Err(format!(
            "type {descr:?} is an array of python objects (pickle), which tenrow never runs: save it with a numeric dtype"
        )),
        ("c", Some(_)) => Err(format!(
            "type {descr:?} is complex, which tenrow has not: save .real and .imag as two arrays"
        )),
        ("M" | "m", _) => Err(format!(
            "type {descr:?} is a time, which tenrow does not read from npy: save .astype('int64')"
        )),
        ("V", _) => {
            Err(format!("type {descr:?} is opaque bytes: save each field as its own array"))
        }
        _ => Err(format!("type {descr:?} is not known")),
    }
}

#[derive(Default)]
struct Fields {
    descr: Option<(usize, Literal)>,
    fortran_order: Option<(usize, Literal)>,
    shape: Option<(usize, Literal)>,
}

impl Fields {
    fn into_header(self, path: &Path, start: u64, bf16: bool) -> Result<Header> {
        let fault =
            |at: usize, reason: String| ConvertError::malformed(path, start + at as u64, reason);
        let missing = |key: &str| fault(0, format!("the header has no {key:?}"));
        let (at, descr) = self.descr.ok_or_else(|| missing("descr"))?;
        let element = match descr {
            Literal::Text(descr) => element_of(&descr, bf16).map_err(|reason| fault(at, reason))?,
            Literal::List => {
                let reason = "a structured array (fields of their own types): save each field as its own array";
                return Err(fault(at, reason.into()));
            }
            _ => return Err(fault(at, "\"descr\" is not a type text".into())),
        };
        let fortran_order = match self.fortran_order.ok_or_else(|| missing("fortran_order"))? {
            (_, Literal::Bool(value)) => value,
            (at, _) => return Err(fault(at, "\"fortran_order\" is not True or False".into())),
        };
        let shape = match self.shape.ok_or_else(|| missing("shape"))? {
            (_, Literal::Tuple(shape)) => shape,
            (at, _) => return Err(fault(at, "\"shape\" is not a tuple of numbers".into())),
        };
        Ok(Header { element, fortran_order, shape })
    }
}

enum Literal {
    Text(String),
    Bool(bool),
    Tuple(Vec<u64>),
    /// A list, whatever it holds: only structured types have one.
    List,
}

type Fault = (usize, String);

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn fault<T>(&self, reason: &str) -> Result<T, Fault> {
        Err((self.at, format!("header: {reason}")))
    }

    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.eat(byte) { Ok(()) } else { self.fault(&format!("expected {:?}", byte as char)) }
    }

    fn dictionary(mut self) -> Result<Fields, Fault> {
        let mut fields = Fields::default();
        self.expect(b'{')?;
        while !self.eat(b'}') {
            let key_at = self.at;
            let key = self.string()?;
            self.expect(b':')?;
            self.peek();
            let at = self.at;
            let slot = match key.as_str() {
                "descr" => &mut fields.descr,
                "fortran_order" => &mut fields.fortran_order,
                "shape" => &mut fields.shape,
                _ => return Err((key_at, format!("header: unknown key {key:?}"))),
            };
            if slot.is_some() {
                return Err((key_at, format!("header: key {key:?} occurs twice")));
            }
            let value = self.literal()?;
            let is_list = matches!(value, Literal::List);
            *slot = Some((at, value));
            if is_list {
                // The array is refused for it, whatever follows.
                fields.fortran_order.get_or_insert((at, Literal::Bool(false)));
                fields.shape.get_or_insert((at, Literal::Tuple(Vec::new())));
                return Ok(fields);
            }
            if !self.eat(b',') {
                self.expect(b'}')?;
                break;
            }
        }
        match self.peek() {
            None => Ok(fields),
            Some(_) => self.fault("unexpected text after the dictionary"),
        }
    }

    fn literal(&mut self) -> Result<Literal, Fault> {
        match self.peek() {
            Some(b'\'' | b'"') => self.string().map(Literal::Text),
            Some(b'(') => self.tuple().map(Literal::Tuple),
            Some(b'[') => Ok(Literal::List),
            Some(b'T' | b'F') => self.boolean(),
            _ => self.fault("expected a text, a tuple, True or False"),
        }
    }

    fn string(&mut self) -> Result<String, Fault> {
        let Some(quote @ (b'\'' | b'"')) = self.peek() else {
            return self.fault("expected a quoted text");
        };
        let rest = &self.text[self.at + 1..];
        let Some(length) = rest.iter().position(|&b| b == quote) else {
            return self.fault("a quoted text does not end");
        };
        let text = &rest[..length];
        if text.contains(&b'\\') || !text.is_ascii() {
            return self.fault("a quoted text holds an escape or a letter beyond ASCII");
        }
        self.at += length + 2;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    fn boolean(&mut self) -> Result<Literal, Fault> {
        for (word, value) in [(&b"True"[..], true), (b"False", false)] {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(Literal::Bool(value));
            }
        }
        self.fault("expected True or False")
    }

    fn tuple(&mut self) -> Result<Vec<u64>, Fault> {
        self.expect(b'(')?;
        let mut numbers = Vec::new();
        while !self.eat(b')') {
            numbers.push(self.number()?);
            if !self.eat(b',') {
                self.expect(b')')?;
                break;
            }
        }
        Ok(numbers)
    }

    fn number(&mut self) -> Result<u64, Fault> {
        self.peek();
        let rest = &self.text[self.at..];
        let length = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let Ok(number) = String::from_utf8_lossy(&rest[..length]).parse() else {
            return self.fault("expected a dimension: a number from 0 to 2^64 - 1");
        };
        self.at += length;
        // Python 2 wrote long integers as `3L`.
        self.at += usize::from(self.text.get(self.at) == Some(&b'L'));
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Header> {
        let file = [&MAGIC[..], &[1, 0], &(text.len() as u16).to_le_bytes(), text.as_bytes()];
        let reader = Box::new(std::io::Cursor::new(file.concat()));
        Header::read(&mut Input::new(Path::new("x.npy"), reader, None), false)
    }

    fn descr(descr: &str) -> Result<Header> {
        parse(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (2,)}}"))
    }

    #[test]
    fn headers_are_those_of_numpy() {
        let expected = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }                                                          \n";
        assert_eq!(write_header(DType::F32, &[3, 4]), expected);
        let expected = b"\x93NUMPY\x01\x00v\x00{'descr': '|u1', 'fortran_order': False, 'shape': (5,), }                                                            \n";
        assert_eq!(write_header(DType::U8, &[5]), expected);
    }

    #[test]
    fn keys_may_come_in_any_order_and_spacing() {
        let header =
            parse("{ \"shape\":(3L ,4),'fortran_order':True , 'descr':'>i2'}\n  \n").unwrap();
        let element = Element::Number { dtype: DType::I16, big_endian: true };
        assert_eq!(header, Header { element, fortran_order: true, shape: vec![3, 4] });
    }

    #[test]
    fn types_that_are_not_taken_say_why() {
        for (text, reason) in [
            ("'|O'", "python objects (pickle)"),
            ("'<c8'", "complex"),
            ("'|V2'", "bf16"),
            ("'|V7'", "opaque"),
            ("'<M8[ns]'", "time"),
            ("'<f16'", "not known"),
            ("[('a', '<f4')]", "structured"),
            ("'<i3'", "not known"),
            ("''", "empty"),
            ("'é'", "ASCII"),
        ] {
            let error = descr(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn hostile_headers_are_errors_with_an_offset() {
        for text in [
            "",
            "{",
            "{}",
            "{'descr'",
            "{'descr': '<f4'}",
            "{'descr': '<f4', 'descr': '<f4'}",
            "{'descr': '<f4', 'fortran_order': 1, 'shape': ()}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': ((((((1,)))))}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}",
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with("x.npy: byte "), "{text}: {error}");
        }
    }
}
