//! One block of an object as a file: what was fetched, and what proves that it is still the same.
//!
//! ```text
//! block │ XXH3-64 of each 64 KiB of it │ length u32 │ object size u64 │ XXH3-64 of key, index and all that │ "TNRWBLK1"
//! ```
//!
//! Numbers are little-endian. A file that was cut off, damaged or has the name of another is no block.

use std::fs::File;
use std::hash::Hasher;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use twox_hash::XxHash3_64;

/// Bytes of a block, all but the last of an object.
pub(super) const BLOCK_BYTES: u64 = 1 << 20;
/// Bytes that are checked together.
const GRAIN_BYTES: usize = 64 << 10;
const MAGIC: [u8; 8] = *b"TNRWBLK1";
/// Length, object size, checksum and magic.
const TAIL_BYTES: usize = 4 + 8 + 8 + 8;
const MAX_GRAINS: usize = BLOCK_BYTES as usize / GRAIN_BYTES;

/// Which block of which object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct BlockKey {
    /// The hash of the store and the path.
    pub(super) object: [u8; 16],
    pub(super) index: u64,
}

impl BlockKey {
    /// The name of its file.
    pub(super) fn file_name(&self) -> String {
        let object: String = self.object.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{object}.{}", self.index)
    }

    fn checksum(&self, length: u32, object_bytes: u64, grains: &[u8]) -> u64 {
        let mut hash = XxHash3_64::new();
        hash.write(&self.object);
        hash.write(&self.index.to_le_bytes());
        hash.write(&length.to_le_bytes());
        hash.write(&object_bytes.to_le_bytes());
        hash.write(grains);
        hash.finish()
    }
}

/// What follows the bytes of a block in its file.
pub(super) fn footer(key: &BlockKey, block: &[u8], object_bytes: u64) -> Vec<u8> {
    let grains =
        block.chunks(GRAIN_BYTES).flat_map(|grain| XxHash3_64::oneshot(grain).to_le_bytes());
    let mut footer: Vec<u8> = grains.collect();
    let length = block.len() as u32;
    let checksum = key.checksum(length, object_bytes, &footer);
    footer.extend(length.to_le_bytes());
    footer.extend(object_bytes.to_le_bytes());
    footer.extend(checksum.to_le_bytes());
    footer.extend(MAGIC);
    footer
}

/// A file whose footer is that of the block.
pub(super) struct BlockFile {
    file: File,
    length: usize,
    object_bytes: u64,
    grains: Vec<u8>,
}

impl BlockFile {
    /// `None` if it is no such file.
    pub(super) fn new(file: File, key: &BlockKey) -> Option<Self> {
        let file_bytes = usize::try_from(file.metadata().ok()?.len()).ok()?;
        let tail_start = file_bytes.checked_sub(TAIL_BYTES)?;
        let mut end = vec![0; file_bytes.min(TAIL_BYTES + 8 * MAX_GRAINS)];
        let end_start = file_bytes - end.len();
        file.read_exact_at(&mut end, end_start as u64).ok()?;
        let tail = end.split_off(tail_start - end_start);
        let length = u32::from_le_bytes(tail.get(..4)?.try_into().ok()?);
        let object_bytes = u64::from_le_bytes(tail.get(4..12)?.try_into().ok()?);
        let checksum = u64::from_le_bytes(tail.get(12..20)?.try_into().ok()?);
        let grain_bytes = 8 * (length as usize).div_ceil(GRAIN_BYTES);
        let grains = end.split_off(end.len().checked_sub(grain_bytes)?);
        let is_whole = tail_start == length as usize + grain_bytes
            && tail.get(20..)? == MAGIC
            && checksum == key.checksum(length, object_bytes, &grains);
        is_whole.then_some(Self { file, length: length as usize, object_bytes, grains })
    }

    /// Those of the bytes that the block has, checked; `None` if they are no longer what they were.
    pub(super) fn read(&self, range: Range<usize>) -> Option<Bytes> {
        let range = range.start.min(self.length)..range.end.min(self.length);
        if range.is_empty() {
            return Some(Bytes::new());
        }
        let first = range.start / GRAIN_BYTES;
        let start = first * GRAIN_BYTES;
        let end = range.end.next_multiple_of(GRAIN_BYTES).min(self.length);
        let mut bytes = vec![0; end - start];
        self.file.read_exact_at(&mut bytes, start as u64).ok()?;
        let known = self.grains.chunks_exact(8).skip(first);
        let same = bytes
            .chunks(GRAIN_BYTES)
            .zip(known)
            .all(|(grain, known)| XxHash3_64::oneshot(grain).to_le_bytes() == known);
        same.then(|| Bytes::from(bytes).slice(range.start - start..range.end - start))
    }

    /// The size of the object that it is of.
    pub(super) fn object_bytes(&self) -> u64 {
        self.object_bytes
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const KEY: BlockKey = BlockKey { object: [7; 16], index: 3 };

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn whole(block: &[u8]) -> Vec<u8> {
        [block, &footer(&KEY, block, 5 << 20)].concat()
    }

    #[test]
    fn any_part_of_a_block_is_read_back() {
        for length in [0, 1, 65_535, 65_536, 65_537, 1 << 20] {
            let block: Vec<u8> = (0..length).map(|i| (i * 7 + i / 251) as u8).collect();
            let found = BlockFile::new(file_of(&whole(&block)), &KEY).unwrap();
            for range in [0..length, 0..length.min(1), length / 2..length, length..length + 9] {
                let expected = &block[range.start.min(length)..range.end.min(length)];
                assert_eq!(found.read(range).unwrap(), expected);
            }
        }
    }

    #[test]
    fn a_block_that_was_cut_off_flipped_or_renamed_is_none() {
        let block: Vec<u8> = (0..70_000u32).map(|i| (i * 31) as u8).collect();
        let whole = whole(&block);
        for length in (0..whole.len()).step_by(977).chain(whole.len() - 60..whole.len()) {
            assert!(BlockFile::new(file_of(&whole[..length]), &KEY).is_none(), "{length}");
        }
        for place in (0..whole.len()).step_by(991).chain(whole.len() - 60..whole.len()) {
            let mut flipped = whole.clone();
            flipped[place] ^= 4;
            let found = BlockFile::new(file_of(&flipped), &KEY);
            assert!(found.is_none_or(|found| found.read(0..70_000).is_none()), "{place}");
        }
        for key in [BlockKey { index: 4, ..KEY }, BlockKey { object: [8; 16], ..KEY }] {
            assert!(BlockFile::new(file_of(&whole), &key).is_none());
        }
    }
}
