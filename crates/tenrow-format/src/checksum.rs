//! The checksum of every stored object: xxh3, 64 bits, seed 0.

use twox_hash::XxHash3_64;

/// The checksum of `bytes`.
///
/// ```
/// assert_eq!(tenrow_format::checksum(b""), 0x2d06800538d394c2);
/// ```
pub fn checksum(bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot(bytes)
}

/// The same checksum, of bytes that arrive in pieces.
///
/// ```
/// use tenrow_format::{Checksum, checksum};
/// let mut hasher = Checksum::new();
/// hasher.write(b"ten");
/// hasher.write(b"row");
/// assert_eq!(hasher.finish(), checksum(b"tenrow"));
/// ```
#[derive(Clone, Default)]
pub struct Checksum(XxHash3_64);

impl Checksum {
    /// A hasher that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next bytes.
    pub fn write(&mut self, bytes: &[u8]) {
        std::hash::Hasher::write(&mut self.0, bytes);
    }

    /// The checksum of all bytes so far.
    pub fn finish(&self) -> u64 {
        std::hash::Hasher::finish(&self.0)
    }
}

impl std::fmt::Debug for Checksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Checksum({:016x})", self.finish())
    }
}
