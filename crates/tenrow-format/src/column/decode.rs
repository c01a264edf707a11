//! Pages that tenrow wrote, taken whole: checked, decompressed, and their values as raw elements.

use bytes::Bytes;

use crate::dtype::DType;
use crate::error::{FormatError, Result};
use crate::limits;
use crate::page::header::encoding;
use crate::page::levels::{Definition, RowLength, Runs, decode_rows};
use crate::page::{PageHeader, PageKind};

/// How the levels of a column are to be read.
///
/// ```
/// use tenrow_format::{ListShape, RowLength, decode_row_lengths};
/// # use std::sync::Arc;
/// # use arrow_array::{ArrayRef, ListArray, types::Int32Type};
/// # use tenrow_format::{Attribute, DType, RawChunk, partition::PartitionEncoder};
/// # let (mut encoder, magic) = PartitionEncoder::new(&[Attribute::parse("tokens:list<i32>")?])?;
/// # let rows = [Some(vec![Some(1), Some(2)]), Some(vec![Some(3)])];
/// # let rows = ListArray::from_iter_primitive::<Int32Type, _, _>(rows);
/// # let rows = arrow_cast::cast(&rows, &encoder.attributes()[0].attribute_type.arrow_type()).expect("lists");
/// # let column = encoder.encode_column(0, &[rows])?;
/// # let pieces = encoder.push_row_group(2, vec![column])?;
/// # let (tail, file) = encoder.finish()?;
/// # let bytes = bytes::Bytes::from([&[magic][..], &pieces, &[tail]].concat().concat());
/// // Of a Parquet file with the rows [1, 2] and [3].
/// let chunk = RawChunk::new(&file.chunks[0].layout, 2, DType::I32, None)?.expect("it is raw");
/// let page = chunk.page(0)?;
/// let page = bytes.slice(page.start as usize..page.end as usize);
/// let shape = ListShape { nullable: false, nullable_elements: false };
/// assert_eq!(decode_row_lengths(&page, shape)?, [RowLength::Elements(2), RowLength::Elements(1)]);
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListShape {
    /// Whether rows may be null.
    pub nullable: bool,
    /// Whether Parquet declares the elements nullable, which says nothing about their being null.
    pub nullable_elements: bool,
}

impl ListShape {
    fn definition(self) -> Definition {
        Definition { nullable: self.nullable, depth: 1 + u8::from(self.nullable_elements) }
    }
}

/// A data page of numbers in lists, decoded.
///
/// ```
/// use tenrow_format::{DecodedPage, ListShape, decode_page};
/// # use std::sync::Arc;
/// # use arrow_array::{ArrayRef, ListArray, types::Int32Type};
/// # use tenrow_format::{Attribute, DType, RawChunk, partition::PartitionEncoder};
/// # let (mut encoder, magic) = PartitionEncoder::new(&[Attribute::parse("tokens:list<i32>")?])?;
/// # let rows = [Some(vec![Some(1), Some(2)]), Some(vec![Some(3)])];
/// # let rows = ListArray::from_iter_primitive::<Int32Type, _, _>(rows);
/// # let rows = arrow_cast::cast(&rows, &encoder.attributes()[0].attribute_type.arrow_type()).expect("lists");
/// # let column = encoder.encode_column(0, &[rows])?;
/// # let pieces = encoder.push_row_group(2, vec![column])?;
/// # let (tail, file) = encoder.finish()?;
/// # let bytes = bytes::Bytes::from([&[magic][..], &pieces, &[tail]].concat().concat());
/// // Of a Parquet file with the rows [1, 2] and [3].
/// let chunk = RawChunk::new(&file.chunks[0].layout, 2, DType::I32, None)?.expect("it is raw");
/// let page = chunk.page(0)?;
/// let page = bytes.slice(page.start as usize..page.end as usize);
/// let shape = ListShape { nullable: false, nullable_elements: false };
/// let DecodedPage { rows, values } = decode_page(&page, DType::I32, shape, 100, true)?;
/// assert_eq!((rows.len(), values.len()), (2, 3 * 4));
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone)]
pub struct DecodedPage {
    /// The length of every row.
    pub rows: Vec<RowLength>,
    /// The elements of the valid rows, `dtype.item_bits()` bits each.
    pub values: Bytes,
}

/// Reads the row lengths of a page from `prefix`, its header and levels.
///
/// # Errors
/// [`FormatError::Truncated`] or [`FormatError::Malformed`].
pub fn decode_row_lengths(prefix: &[u8], shape: ListShape) -> Result<Vec<RowLength>> {
    let (header, header_len) = PageHeader::decode(prefix)?;
    let body = prefix.get(header_len..).unwrap_or_default();
    Levels::split(&header, body)?.rows(shape)
}

/// Decodes a whole page, header included.
///
/// `max_elements` bounds what the page may claim to hold; `check` compares its checksum first.
///
/// # Errors
/// [`FormatError::Checksum`], [`FormatError::Truncated`], [`FormatError::Malformed`], or
/// [`FormatError::Limit`] before more is allocated than `max_elements` elements need.
pub fn decode_page(
    page: &Bytes,
    dtype: DType,
    shape: ListShape,
    max_elements: u64,
    check: bool,
) -> Result<DecodedPage> {
    let (header, body) = open_page(page, check)?;
    let levels = Levels::split(&header, &body)?;
    if levels.elements > max_elements {
        return Err(FormatError::Limit {
            what: "the number of elements in a page",
            found: levels.elements,
            limit: max_elements,
        });
    }
    let rows = levels.rows(shape)?;
    let counted: u64 = rows.iter().map(|row| row.element_count()).sum();
    if counted != levels.elements {
        return Err(malformed(format!(
            "{counted} elements, but the header says {}",
            levels.elements
        )));
    }
    let stored = body.slice(levels.len..);
    let plain = if levels.is_compressed { levels.decompress(&header, &stored)? } else { stored };
    Ok(DecodedPage { rows, values: levels.values(plain, dtype)? })
}

/// Decodes a whole page of byte strings, header included; `nullable` says whether rows may be null
/// as a whole, in which case they are `None` as well. Values are slices of `page` unless it is
/// compressed.
///
/// # Errors
/// As [`decode_page`].
pub fn decode_bytes_page(page: &Bytes, nullable: bool, check: bool) -> Result<Vec<Option<Bytes>>> {
    let (header, body) = open_page(page, check)?;
    let levels = Levels::split(&header, &body)?;
    // Without lists there are no repetition levels: every entry begins a row.
    let mut begins = Runs::default();
    begins.push(0, levels.entries);
    let levels = Levels { repetition: &begins.encode(), ..levels };
    let rows = levels.rows_of(Definition { nullable, depth: 1 })?;
    let stored = body.slice(levels.len..);
    let mut plain = match levels.is_compressed {
        true => levels.inflate(&header, &stored, limits::MAX_PAGE_BYTES)?,
        false => stored,
    };
    if levels.encoding != encoding::PLAIN {
        return Err(malformed(format!("encoding {} for byte strings", levels.encoding)));
    }
    rows.into_iter()
        .map(|row| match row {
            RowLength::Elements(1) => take_byte_string(&mut plain).map(Some),
            _ => Ok(None),
        })
        .collect()
}

/// The header and the body of a whole page; `check` compares the checksum first.
fn open_page(page: &Bytes, check: bool) -> Result<(PageHeader, Bytes)> {
    let (header, header_len) = PageHeader::decode(page)?;
    let body = page.slice(header_len..);
    if body.len() as u64 != header.compressed_bytes as u64 {
        return Err(FormatError::Truncated {
            what: "a page".into(),
            found: body.len() as u64,
            expected: header.compressed_bytes as u64,
        });
    }
    if check {
        header.check_crc(&body, "a page")?;
    }
    Ok((header, body))
}

/// Removes a length and that many bytes from the front.
fn take_byte_string(plain: &mut Bytes) -> Result<Bytes> {
    let truncated = |expected: u64, found: usize| FormatError::Truncated {
        what: "a byte string".into(),
        found: found as u64,
        expected,
    };
    let Some((head, _)) = plain.split_first_chunk::<4>() else {
        return Err(truncated(4, plain.len()));
    };
    let len = u32::from_le_bytes(*head);
    let rest = plain.len() - 4;
    if u64::from(len) > rest as u64 {
        return Err(truncated(len.into(), rest));
    }
    let _ = plain.split_to(4);
    Ok(plain.split_to(len as usize))
}

/// The parts of a data page that its header tells apart.
struct Levels<'a> {
    repetition: &'a [u8],
    definitions: &'a [u8],
    len: usize,
    entries: u64,
    elements: u64,
    row_count: u64,
    encoding: i32,
    is_compressed: bool,
}

impl<'a> Levels<'a> {
    fn split(header: &PageHeader, body: &'a [u8]) -> Result<Self> {
        let PageKind::DataV2 {
            value_count,
            null_count,
            row_count,
            encoding,
            definition_bytes,
            repetition_bytes,
            is_compressed,
        } = header.kind
        else {
            return Err(malformed("it is not a data page of version 2".into()));
        };
        // The header was checked: none of these is negative.
        let (first, second) = (repetition_bytes as usize, definition_bytes as usize);
        let truncated = || FormatError::Truncated {
            what: "the levels of a page".into(),
            found: body.len() as u64,
            expected: (first + second) as u64,
        };
        Ok(Self {
            repetition: body.get(..first).ok_or_else(truncated)?,
            definitions: body.get(first..first + second).ok_or_else(truncated)?,
            len: first + second,
            entries: value_count as u64,
            elements: (value_count - null_count) as u64,
            row_count: row_count as u64,
            encoding,
            is_compressed,
        })
    }

    fn rows(&self, shape: ListShape) -> Result<Vec<RowLength>> {
        self.rows_of(shape.definition())
    }

    fn rows_of(&self, definition: Definition) -> Result<Vec<RowLength>> {
        decode_rows(definition, self.repetition, self.definitions, self.entries, self.row_count)
    }

    fn decompress(&self, header: &PageHeader, stored: &[u8]) -> Result<Bytes> {
        // Elements take at most 8 bytes, and a dictionary's indices a head of 6 and a pad of 14.
        self.inflate(header, stored, (self.elements * 8 + 32).min(limits::MAX_PAGE_BYTES))
    }

    fn inflate(&self, header: &PageHeader, stored: &[u8], limit: u64) -> Result<Bytes> {
        let size = header.uncompressed_bytes as u64 - self.len as u64;
        if size > limit {
            return Err(FormatError::Limit { what: "the size of a page", found: size, limit });
        }
        let plain = zstd::bulk::decompress(stored, size as usize)
            .map_err(|e| malformed(format!("zstd: {e}")))?;
        if plain.len() as u64 != size {
            return Err(malformed(format!("{} bytes once decompressed, not {size}", plain.len())));
        }
        Ok(plain.into())
    }

    /// Turns the stored form of the elements into the elements themselves.
    fn values(&self, plain: Bytes, dtype: DType) -> Result<Bytes> {
        let bits = dtype.item_bits();
        let is_integer = !dtype.is_float() && dtype != DType::Bool;
        match self.encoding {
            encoding::PLAIN if is_integer && bits == 8 => {
                Err(malformed("8-bit integers in PLAIN, which tenrow does not write".into()))
            }
            encoding::PLAIN if is_integer && bits == 16 => {
                Ok(narrow_32_to_16(&exactly(plain, self.elements * 4)?))
            }
            encoding::PLAIN => exactly(plain, (self.elements * bits).div_ceil(8)),
            encoding::BYTE_STREAM_SPLIT if bits >= 16 => {
                let split = exactly(plain, self.elements * bits / 8)?;
                Ok(join_byte_streams(&split, (bits / 8) as usize))
            }
            encoding::RLE_DICTIONARY if is_integer && bits <= 16 => self.indices(plain, bits),
            other => Err(malformed(format!("encoding {other} for elements of {dtype}"))),
        }
    }

    /// The indices of an identity dictionary, which are the elements.
    fn indices(&self, plain: Bytes, bits: u64) -> Result<Bytes> {
        let mut head = vec![bits as u8];
        if self.elements > 0 {
            crate::page::levels::write_bit_packed_head(&mut head, self.elements);
        }
        if !plain.starts_with(&head) {
            return Err(malformed("its indices are not one bit-packed run".into()));
        }
        let padded = self.elements.next_multiple_of(8) * bits / 8;
        let run = exactly(plain.slice(head.len()..), padded)?;
        Ok(run.slice(..(self.elements * bits / 8) as usize))
    }
}

/// Checks that a dictionary page is the identity: entry i is the element with the bits i, as other readers read it.
///
/// # Errors
/// [`FormatError::Malformed`], naming the entry; [`FormatError::Checksum`].
pub fn check_identity_dictionary(page: &Bytes, dtype: DType, is_compressed: bool) -> Result<()> {
    let (header, body) = open_page(page, true)?;
    if !matches!(header.kind, PageKind::Dictionary { .. }) || header.crc.is_none() {
        return Err(malformed("it is no dictionary with a checksum".into()));
    }
    let (size, limit) = (header.uncompressed_bytes as u64, 4u64 << dtype.item_bits().min(16));
    if size > limit {
        return Err(FormatError::Limit { what: "the size of a dictionary", found: size, limit });
    }
    let plain = match is_compressed {
        true => zstd::bulk::decompress(&body, size as usize)
            .map_err(|e| malformed(format!("zstd: {e}")))?,
        false => body.to_vec(),
    };
    for (bits, entry) in (0i32..).zip(plain.chunks_exact(4)) {
        let entry = i32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]);
        let expected = match dtype {
            DType::I8 => i32::from(bits as u8 as i8),
            DType::I16 => i32::from(bits as u16 as i16),
            _ => bits,
        };
        if entry != expected {
            return Err(malformed(format!(
                "entry {bits} of its dictionary is {entry}, expected {expected}: other readers read that"
            )));
        }
    }
    Ok(())
}

/// Joins the transposed bytes of elements again.
fn join_byte_streams(split: &[u8], item_bytes: usize) -> Bytes {
    let count = split.len() / item_bytes;
    let mut joined = vec![0; split.len()];
    for (j, stream) in split.chunks_exact(count.max(1)).enumerate() {
        for (i, &byte) in stream.iter().enumerate() {
            joined[i * item_bytes + j] = byte;
        }
    }
    joined.into()
}

/// The low halves of 32-bit integers.
pub fn narrow_32_to_16(wide: &[u8]) -> Bytes {
    wide.chunks_exact(4).flat_map(|item| [item[0], item[1]]).collect::<Vec<u8>>().into()
}

fn exactly(bytes: Bytes, expected: u64) -> Result<Bytes> {
    if bytes.len() as u64 != expected {
        return Err(FormatError::Truncated {
            what: "the values of a page".into(),
            found: bytes.len() as u64,
            expected,
        });
    }
    Ok(bytes)
}

fn malformed(reason: String) -> FormatError {
    FormatError::malformed("a page", reason)
}
