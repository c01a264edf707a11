//! What the bytes of an object must be, as says who names it.

use crate::error::{Error, Result};
use crate::format::Checksum;
use crate::format::layout::hash_in;
use crate::format::manifest::StatedBytes;

/// Bytes of an object that are read at a time, where all of it is.
pub(crate) const PIECE_BYTES: u64 = 8 << 20;

/// Takes in the bytes of an object, and then says whether they are the right ones.
pub(crate) struct ContentCheck {
    expected: Expected,
}

enum Expected {
    /// The checksum that its manifest names.
    Checksum(Box<Checksum>, u64),
    /// Its BLAKE3 hash, in hex.
    Blake3(Box<blake3::Hasher>, String),
}

impl ContentCheck {
    /// Of a file whose checksum a manifest has.
    pub(crate) fn of_checksum(expected: u64) -> Self {
        Self { expected: Expected::Checksum(Box::new(Checksum::new()), expected) }
    }

    /// Of the object at `path`, as the manifest that names it says; where that says nothing, the name says the hash.
    pub(crate) fn of_object(stated: Option<StatedBytes>, path: &str) -> Self {
        match stated {
            Some(stated) => Self::of_checksum(stated.checksum),
            None => Self::of_blake3(hash_in(path)),
        }
    }

    /// Of a file whose row has its hash.
    pub(crate) fn of_blake3(hex: impl Into<String>) -> Self {
        Self { expected: Expected::Blake3(Box::default(), hex.into()) }
    }

    pub(crate) fn write(&mut self, piece: &[u8]) {
        match &mut self.expected {
            Expected::Checksum(hash, _) => hash.write(piece),
            Expected::Blake3(hash, _) => {
                hash.update(piece);
            }
        }
    }

    /// An error if the bytes are others; `shown` is what a person calls the object.
    pub(crate) fn finish(self, shown: &str) -> Result<()> {
        let reason = match self.expected {
            Expected::Checksum(hash, expected) => match hash.finish() {
                found if found == expected => return Ok(()),
                found => format!("checksum {found:016x} of the file, expected {expected:016x}"),
            },
            Expected::Blake3(hash, expected) => {
                let found = hash.finalize().to_hex();
                if found.as_str() == expected {
                    return Ok(());
                }
                format!("its content hashes to {found}, expected {expected}")
            }
        };
        Err(Error::corrupt(shown.to_owned(), reason))
    }
}

/// What is wrong with what a row says of the bytes that it has.
pub(crate) fn misstated(
    bytes: &[u8],
    size: Option<i64>,
    blake3_hex: Option<&str>,
) -> Option<String> {
    if let Some(size) = size.filter(|&size| u64::try_from(size) != Ok(bytes.len() as u64)) {
        return Some(format!("it says that it has {size} bytes, found {}", bytes.len()));
    }
    let expected = blake3_hex?;
    let found = blake3::hash(bytes).to_hex();
    (found.as_str() != expected).then(|| format!("its bytes hash to {found}, it says {expected:?}"))
}
