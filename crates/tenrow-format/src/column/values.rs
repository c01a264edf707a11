//! The values of a column as one run of bytes, shared with the arrays they came from.

use std::collections::VecDeque;

use arrow_array::{Array, BooleanArray, cast::AsArray};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, Buffer};
use bytes::Bytes;

use crate::dtype::DType;

/// Values in row order with those of null rows left out; nothing is copied but bits.
pub(crate) enum Values {
    /// Whole-byte elements, in pieces.
    Bytes { item_bytes: u64, pieces: VecDeque<Bytes> },
    /// Booleans, packed.
    Bits { pieces: VecDeque<BooleanBuffer> },
}

impl Values {
    pub(crate) fn new(dtype: DType) -> Self {
        match dtype.item_bytes() {
            Some(item_bytes) => Self::Bytes { item_bytes, pieces: VecDeque::new() },
            None => Self::Bits { pieces: VecDeque::new() },
        }
    }

    /// Adds elements `start..start + count` of `array`, an array of this dtype.
    pub(crate) fn push(&mut self, array: &dyn Array, start: usize, count: usize) {
        if count == 0 {
            return;
        }
        match self {
            Self::Bytes { item_bytes, pieces } => {
                let item = *item_bytes as usize;
                pieces.push_back(share(array, item).slice(start * item..(start + count) * item));
            }
            Self::Bits { pieces } => {
                let array: &BooleanArray = array.as_boolean();
                pieces.push_back(array.values().slice(start, count));
            }
        }
    }

    /// Removes the next `count` elements from the front, as pieces.
    pub(crate) fn take(&mut self, count: u64) -> Vec<Bytes> {
        match self {
            Self::Bytes { item_bytes, pieces } => {
                take_bytes(pieces, (count * *item_bytes) as usize)
            }
            Self::Bits { pieces } => vec![take_bits(pieces, count as usize)],
        }
    }

    /// The first `byte_count` bytes or fewer, as a sample; empty for booleans.
    pub(crate) fn sample(&self, byte_count: usize) -> Vec<u8> {
        let mut sample = Vec::new();
        if let Self::Bytes { pieces, .. } = self {
            for piece in pieces {
                let room = byte_count - sample.len();
                sample.extend_from_slice(&piece[..piece.len().min(room)]);
            }
        }
        sample
    }

    /// Elements that have not been taken.
    pub(crate) fn element_count(&self) -> u64 {
        match self {
            Self::Bytes { item_bytes, pieces } => {
                pieces.iter().map(|piece| piece.len() as u64).sum::<u64>() / item_bytes
            }
            Self::Bits { pieces } => pieces.iter().map(|piece| piece.len() as u64).sum(),
        }
    }

    /// The largest 16-bit pattern, for elements of two bytes.
    pub(crate) fn largest_u16(&self) -> u16 {
        let Self::Bytes { pieces, .. } = self else { return 0 };
        let patterns = pieces.iter().flat_map(|piece| piece.chunks_exact(2));
        patterns.map(|pair| u16::from_le_bytes([pair[0], pair[1]])).max().unwrap_or_default()
    }

    /// The same values as 32-bit integers, as `PLAIN` stores 16-bit ones.
    pub(crate) fn widen_16_to_32(self, signed: bool) -> Self {
        let Self::Bytes { pieces, .. } = self else { return self };
        let widen = |pair: &[u8]| match signed {
            true => i32::from(i16::from_le_bytes([pair[0], pair[1]])),
            false => i32::from(u16::from_le_bytes([pair[0], pair[1]])),
        };
        let wide: Vec<u8> = pieces
            .iter()
            .flat_map(|piece| piece.chunks_exact(2))
            .flat_map(|pair| widen(pair).to_le_bytes())
            .collect();
        Self::Bytes { item_bytes: 4, pieces: VecDeque::from([Bytes::from(wide)]) }
    }
}

fn take_bytes(pieces: &mut VecDeque<Bytes>, mut count: usize) -> Vec<Bytes> {
    let mut taken = Vec::new();
    while count > 0 {
        let Some(mut front) = pieces.pop_front() else { break };
        if front.len() > count {
            let rest = front.split_off(count);
            pieces.push_front(rest);
        }
        count -= front.len();
        taken.push(front);
    }
    taken
}

/// The next `count` bits from the first bit of a byte on, zeros after them.
fn take_bits(pieces: &mut VecDeque<BooleanBuffer>, mut count: usize) -> Bytes {
    let mut taken = BooleanBufferBuilder::new(count);
    while count > 0 {
        let Some(front) = pieces.pop_front() else { break };
        let len = front.len().min(count);
        taken.append_buffer(&front.slice(0, len));
        if len < front.len() {
            pieces.push_front(front.slice(len, front.len() - len));
        }
        count -= len;
    }
    bytes_of(taken.finish().into_inner())
}

/// The memory of a fixed-width array, shared.
fn share(array: &dyn Array, item_bytes: usize) -> Bytes {
    let data = array.to_data();
    let start = data.offset() * item_bytes;
    bytes_of(data.buffers()[0].slice_with_length(start, data.len() * item_bytes))
}

/// An Arrow buffer as `Bytes`, without a copy.
pub fn bytes_of(buffer: Buffer) -> Bytes {
    struct Shared(Buffer);
    impl AsRef<[u8]> for Shared {
        fn as_ref(&self) -> &[u8] {
            self.0.as_slice()
        }
    }
    Bytes::from_owner(Shared(buffer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Int16Array;

    #[test]
    fn bytes_are_shared_not_copied() {
        let array = Int16Array::from(vec![1, 2, 3, 4]).slice(1, 3);
        let mut values = Values::new(DType::I16);
        values.push(&array, 0, 3);
        let taken = values.take(2);
        assert_eq!(taken[0].as_ref(), [2, 0, 3, 0]);
        assert_eq!(taken[0].as_ptr(), array.values().inner().as_ptr());
    }

    #[test]
    fn bits_are_realigned() {
        let array = BooleanArray::from(vec![true, false, true, true, false, true]);
        let mut values = Values::new(DType::Bool);
        values.push(&array, 1, 5);
        assert_eq!(values.take(3)[0].as_ref(), [0b110]);
        assert_eq!(values.take(2)[0].as_ref(), [0b10]);
    }
}
