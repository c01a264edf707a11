//! Page headers: written here because `parquet` 59 never writes the checksum.

use crate::error::{FormatError, Result};
use crate::limits;
use crate::page::thrift::{Reader, StructWriter, Value};

/// Parquet's `Encoding` numbers, as far as tenrow's own pages use them.
pub(crate) mod encoding {
    pub(crate) const PLAIN: i32 = 0;
    pub(crate) const RLE_DICTIONARY: i32 = 8;
    pub(crate) const BYTE_STREAM_SPLIT: i32 = 9;
}

const DATA_PAGE: i32 = 0;
const DICTIONARY_PAGE: i32 = 2;
const DATA_PAGE_V2: i32 = 3;

/// The part of a header that depends on the kind of page.
///
/// ```
/// use tenrow_format::{PageHeader, PageKind, manifest::ChunkLayout};
/// # use std::sync::Arc;
/// # use arrow_array::{ArrayRef, FixedSizeListArray, types::Int64Type};
/// # use tenrow_format::{Attribute, partition::PartitionEncoder};
/// # let (mut encoder, magic) = PartitionEncoder::new(&[Attribute::parse("label:i64[1]")?])?;
/// # let rows = [4, 5, 4].map(|label| Some([Some(label)]));
/// # let labels: ArrayRef = Arc::new(FixedSizeListArray::from_iter_primitive::<Int64Type, _, _>(rows, 1));
/// # let column = encoder.encode_column(0, &[labels])?;
/// # let pieces = encoder.push_row_group(3, vec![column])?;
/// # let (tail, file) = encoder.finish()?;
/// # let bytes = bytes::Bytes::from([&[magic][..], &pieces, &[tail]].concat().concat());
/// // Of a Parquet file with one row group of three tensors.
/// let ChunkLayout::Strided { first_page, .. } = file.chunks[0].layout else { panic!("not raw") };
/// let (header, _) = PageHeader::decode(&bytes[first_page as usize..])?;
/// assert!(matches!(header.kind, PageKind::DataV2 { row_count: 3, null_count: 0, .. }));
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageKind {
    /// A dictionary of `value_count` values.
    Dictionary {
        /// Entries of the dictionary.
        value_count: i32,
        /// Parquet's number of its encoding.
        encoding: i32,
    },
    /// A data page, version 2.
    DataV2 {
        /// Level entries, nulls included.
        value_count: i32,
        /// Level entries without a value.
        null_count: i32,
        /// Rows that begin, and end, in the page.
        row_count: i32,
        /// Parquet's number of the values' encoding.
        encoding: i32,
        /// Bytes of the definition levels.
        definition_bytes: i32,
        /// Bytes of the repetition levels.
        repetition_bytes: i32,
        /// Whether the values, though not the levels, are compressed.
        is_compressed: bool,
    },
    /// A page that only other writers make.
    Other,
}

/// The header in front of every page.
///
/// ```
/// use tenrow_format::{PageHeader, manifest::ChunkLayout};
/// # use std::sync::Arc;
/// # use arrow_array::{ArrayRef, FixedSizeListArray, types::Int64Type};
/// # use tenrow_format::{Attribute, partition::PartitionEncoder};
/// # let (mut encoder, magic) = PartitionEncoder::new(&[Attribute::parse("label:i64[1]")?])?;
/// # let rows = [4, 5, 4].map(|label| Some([Some(label)]));
/// # let labels: ArrayRef = Arc::new(FixedSizeListArray::from_iter_primitive::<Int64Type, _, _>(rows, 1));
/// # let column = encoder.encode_column(0, &[labels])?;
/// # let pieces = encoder.push_row_group(3, vec![column])?;
/// # let (tail, file) = encoder.finish()?;
/// # let bytes = bytes::Bytes::from([&[magic][..], &pieces, &[tail]].concat().concat());
/// // Of a Parquet file with one row group of three tensors.
/// let ChunkLayout::Strided { first_page, .. } = file.chunks[0].layout else { panic!("not raw") };
/// let (header, _) = PageHeader::decode(&bytes[first_page as usize..])?;
/// assert!(header.crc.is_some());
/// assert_eq!(header.compressed_bytes, header.uncompressed_bytes);
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageHeader {
    /// What the page is.
    pub kind: PageKind,
    /// Bytes after the header, levels included, once decompressed.
    pub uncompressed_bytes: i32,
    /// Bytes after the header, levels included, as stored.
    pub compressed_bytes: i32,
    /// CRC-32 of the bytes after the header, as stored.
    pub crc: Option<u32>,
}

impl PageHeader {
    /// Writes the header; its length does not depend on the checksum.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(48);
        let mut header = StructWriter::new(&mut out);
        header.i32(
            1,
            match self.kind {
                PageKind::Dictionary { .. } => DICTIONARY_PAGE,
                PageKind::DataV2 { .. } => DATA_PAGE_V2,
                PageKind::Other => DATA_PAGE,
            },
        );
        header.i32(2, self.uncompressed_bytes);
        header.i32(3, self.compressed_bytes);
        if let Some(crc) = self.crc {
            header.i32_in_five_bytes(4, crc as i32);
        }
        match self.kind {
            PageKind::Dictionary { value_count, encoding } => header.structure(7, |page| {
                page.i32(1, value_count);
                page.i32(2, encoding);
            }),
            PageKind::DataV2 {
                value_count,
                null_count,
                row_count,
                encoding,
                definition_bytes,
                repetition_bytes,
                is_compressed,
            } => header.structure(8, |page| {
                page.i32(1, value_count);
                page.i32(2, null_count);
                page.i32(3, row_count);
                page.i32(4, encoding);
                page.i32(5, definition_bytes);
                page.i32(6, repetition_bytes);
                page.bool(7, is_compressed);
            }),
            PageKind::Other => {}
        }
        header.stop();
        out
    }

    /// Reads a header from the front of `bytes`; also returns its length.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] or [`FormatError::Malformed`]; sizes are checked to be positive
    /// and the levels to fit the page.
    pub fn decode(bytes: &[u8]) -> Result<(PageHeader, usize)> {
        let most = usize::try_from(limits::MAX_PAGE_HEADER_BYTES).unwrap_or(usize::MAX);
        let mut reader = Reader::new(bytes.get(..most).unwrap_or(bytes));
        let (mut page_type, mut uncompressed, mut compressed, mut crc) = (None, None, None, None);
        let mut kind = PageKind::Other;
        reader.structure(|reader, id, value| {
            match (id, value) {
                (1, Value::I32(v)) => page_type = Some(v),
                (2, Value::I32(v)) => uncompressed = Some(v),
                (3, Value::I32(v)) => compressed = Some(v),
                (4, Value::I32(v)) => crc = Some(v as u32),
                (7, Value::Struct) => kind = read_dictionary(reader)?,
                (8, Value::Struct) => kind = read_data_v2(reader)?,
                (_, other) => reader.skip(other)?,
            }
            Ok(())
        })?;
        let (Some(page_type), Some(uncompressed_bytes), Some(compressed_bytes)) =
            (page_type, uncompressed, compressed)
        else {
            return Err(malformed("a type or a size is missing"));
        };
        let stated = match kind {
            PageKind::Dictionary { .. } => DICTIONARY_PAGE,
            PageKind::DataV2 { .. } => DATA_PAGE_V2,
            PageKind::Other => page_type,
        };
        if stated != page_type {
            return Err(malformed("its type and its content disagree"));
        }
        let header = PageHeader { kind, uncompressed_bytes, compressed_bytes, crc };
        header.check()?;
        Ok((header, reader.position()))
    }

    fn check(&self) -> Result<()> {
        if self.uncompressed_bytes < 0 || self.compressed_bytes < 0 {
            return Err(malformed("a size is negative"));
        }
        match self.kind {
            PageKind::DataV2 {
                value_count,
                null_count,
                row_count,
                definition_bytes,
                repetition_bytes,
                ..
            } => {
                let counts =
                    [value_count, null_count, row_count, definition_bytes, repetition_bytes];
                if counts.iter().any(|&count| count < 0) || null_count > value_count {
                    return Err(malformed("a count is out of bounds"));
                }
                let levels = i64::from(definition_bytes) + i64::from(repetition_bytes);
                let smaller = self.compressed_bytes.min(self.uncompressed_bytes);
                if levels > i64::from(smaller) {
                    return Err(malformed("its levels are longer than the page"));
                }
                Ok(())
            }
            PageKind::Dictionary { value_count, .. } if value_count < 0 => {
                Err(malformed("a count is negative"))
            }
            _ => Ok(()),
        }
    }

    /// Checks `body`, the bytes after the header, against the checksum if there is one.
    ///
    /// # Errors
    /// [`FormatError::Checksum`], naming `what`.
    pub fn check_crc(&self, body: &[u8], what: &str) -> Result<()> {
        let found = crc32fast::hash(body);
        match self.crc {
            Some(expected) if expected != found => Err(FormatError::Checksum {
                what: what.to_owned(),
                found: found.into(),
                expected: expected.into(),
            }),
            _ => Ok(()),
        }
    }
}

/// Bytes that a checksum takes in a header: the head of its field and five of the number.
pub(crate) const CRC_FIELD_BYTES: u64 = 6;

/// A header that another writer made without a checksum, with one.
///
/// # Errors
/// [`FormatError::Malformed`] if it has one already, or is no header.
pub(crate) fn with_crc(header: &[u8], crc: u32) -> Result<Vec<u8>> {
    let mut reader = Reader::new(header);
    let (mut before, mut next) = (0, None);
    reader.structure(|reader, id, value| {
        reader.skip(value)?;
        match id {
            ..=3 => before = reader.position(),
            _ => next = next.or(Some(id)),
        }
        Ok(())
    })?;
    // Ids are written as the distance from the field before: 3, then 4 the checksum, then the page.
    let (Some(&head), Some(id @ 5..=8)) = (header.get(before), next) else {
        return Err(malformed("it has a checksum, or no page after its sizes"));
    };
    let mut out = header[..before].to_vec();
    let mut field = StructWriter::after(&mut out, 3);
    field.i32_in_five_bytes(4, crc as i32);
    out.push((id as u8 - 4) << 4 | (head & 0x0f));
    out.extend_from_slice(&header[before + 1..]);
    Ok(out)
}

fn read_dictionary(reader: &mut Reader<'_>) -> Result<PageKind> {
    let (mut count, mut encoding) = (None, None);
    reader.structure(|reader, id, value| {
        match (id, value) {
            (1, Value::I32(v)) => count = Some(v),
            (2, Value::I32(v)) => encoding = Some(v),
            (_, other) => reader.skip(other)?,
        }
        Ok(())
    })?;
    match (count, encoding) {
        (Some(value_count), Some(encoding)) => Ok(PageKind::Dictionary { value_count, encoding }),
        _ => Err(malformed("a field of the dictionary is missing")),
    }
}

fn read_data_v2(reader: &mut Reader<'_>) -> Result<PageKind> {
    let mut fields = [None; 6];
    let mut is_compressed = true;
    reader.structure(|reader, id, value| {
        match (id, value) {
            (1..=6, Value::I32(v)) => fields[id as usize - 1] = Some(v),
            (7, Value::Bool(v)) => is_compressed = v,
            (_, other) => reader.skip(other)?,
        }
        Ok(())
    })?;
    let [
        Some(value_count),
        Some(null_count),
        Some(row_count),
        Some(encoding),
        Some(definition_bytes),
        Some(repetition_bytes),
    ] = fields
    else {
        return Err(malformed("a field of the data page is missing"));
    };
    Ok(PageKind::DataV2 {
        value_count,
        null_count,
        row_count,
        encoding,
        definition_bytes,
        repetition_bytes,
        is_compressed,
    })
}

fn malformed(reason: &str) -> FormatError {
    FormatError::malformed("page header", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> PageHeader {
        PageHeader {
            kind: PageKind::DataV2 {
                value_count: 784,
                null_count: 0,
                row_count: 1,
                encoding: encoding::PLAIN,
                definition_bytes: 3,
                repetition_bytes: 5,
                is_compressed: false,
            },
            uncompressed_bytes: 3144,
            compressed_bytes: 3144,
            crc: Some(7),
        }
    }

    #[test]
    fn a_header_is_read_back_as_written() {
        let bytes = good().encode();
        assert_eq!(PageHeader::decode(&bytes).unwrap(), (good(), bytes.len()));
    }

    #[test]
    fn the_checksum_does_not_change_the_length() {
        for crc in [0, 1, u32::MAX, 0x8000_0000] {
            let header = PageHeader { crc: Some(crc), ..good() };
            let bytes = header.encode();
            assert_eq!(bytes.len(), good().encode().len());
            assert_eq!(PageHeader::decode(&bytes).unwrap().0.crc, Some(crc));
        }
    }

    #[test]
    fn a_header_cut_at_any_byte_is_an_error() {
        let bytes = good().encode();
        for end in 0..bytes.len() {
            PageHeader::decode(&bytes[..end]).unwrap_err();
        }
    }

    #[test]
    fn a_flipped_bit_never_panics() {
        let bytes = good().encode();
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let _ = PageHeader::decode(&bad);
        }
    }

    #[test]
    fn a_checksum_is_added_to_a_header_without_one() {
        let kinds =
            [good().kind, PageKind::Dictionary { value_count: 256, encoding: encoding::PLAIN }];
        for kind in kinds {
            let expected = PageHeader { kind, ..good() };
            let without = PageHeader { crc: None, ..expected }.encode();
            let with = with_crc(&without, 7).unwrap();
            assert_eq!(with, expected.encode());
            assert_eq!(with.len() as u64, without.len() as u64 + CRC_FIELD_BYTES);
            with_crc(&with, 7).unwrap_err();
        }
    }

    #[test]
    fn levels_longer_than_the_page_are_refused() {
        let bad = PageHeader { uncompressed_bytes: 7, compressed_bytes: 7, ..good() };
        PageHeader::decode(&bad.encode()).unwrap_err();
    }
}
