//! How elements of each dtype stand in a page: plain, or as indices into an identity dictionary.
//!
//! Parquet stores 8- and 16-bit integers as `INT32`, four bytes each. With a dictionary whose entry
//! `i` is the value with bit pattern `i`, the indices are the raw elements, one or two bytes each.

use crate::column::values::Values;
use crate::dtype::DType;
use crate::encoding::Encoding;
use crate::page::header::encoding;
use crate::page::levels::write_bit_packed_head;

/// The form of the values in the pages of one chunk.
pub(crate) struct ValueForm {
    /// Parquet's number of the encoding.
    pub(crate) encoding: i32,
    /// Stored bits of one element.
    pub(crate) item_bits: u8,
    /// The entries of the identity dictionary, if there is one.
    pub(crate) dictionary: Option<Vec<i32>>,
    /// Whether the bytes of the elements are transposed.
    pub(crate) split: bool,
}

impl ValueForm {
    /// The form for these values, which are widened where a dictionary would not pay.
    pub(crate) fn choose(dtype: DType, values: Values, asked: Encoding) -> (Self, Values) {
        let item_bits = dtype.item_bits() as u8;
        let plain = |item_bits| ValueForm {
            encoding: encoding::PLAIN,
            item_bits,
            dictionary: None,
            split: false,
        };
        let form = match dtype {
            DType::U8 => with_dictionary(8, (0..256).collect()),
            DType::I8 => {
                with_dictionary(8, (0..256).map(|bits| i32::from(bits as u8 as i8)).collect())
            }
            DType::U16 | DType::I16 => {
                let signed = dtype == DType::I16;
                let entries = i32::from(values.largest_u16()) + 1;
                // Four bytes an entry against two bytes saved an element.
                if 2 * entries as u64 > values.element_count() {
                    return (plain(32), values.widen_16_to_32(signed));
                }
                let entry = |bits: i32| if signed { i32::from(bits as u16 as i16) } else { bits };
                with_dictionary(16, (0..entries).map(entry).collect())
            }
            _ if matches!(asked, Encoding::ByteStreamSplitZstd(_)) => {
                ValueForm { encoding: encoding::BYTE_STREAM_SPLIT, split: true, ..plain(item_bits) }
            }
            _ => plain(item_bits),
        };
        (form, values)
    }

    /// The bytes before `elements` indices: their bit width and the head of one bit-packed run.
    pub(crate) fn head(&self, elements: u64) -> Vec<u8> {
        match &self.dictionary {
            None => Vec::new(),
            Some(_) if elements == 0 => vec![self.item_bits],
            Some(_) => {
                let mut head = vec![self.item_bits];
                write_bit_packed_head(&mut head, elements);
                head
            }
        }
    }

    /// Zero bytes after `elements` indices: a bit-packed run holds multiples of eight.
    pub(crate) fn pad(&self, elements: u64) -> usize {
        match &self.dictionary {
            None => 0,
            Some(_) => {
                (elements.next_multiple_of(8) - elements) as usize * usize::from(self.item_bits / 8)
            }
        }
    }
}

fn with_dictionary(item_bits: u8, entries: Vec<i32>) -> ValueForm {
    ValueForm {
        encoding: encoding::RLE_DICTIONARY,
        item_bits,
        dictionary: Some(entries),
        split: false,
    }
}
