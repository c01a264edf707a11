//! The physical limit: the same bytes in a plain file, read by `pread` or through a map.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use memmap2::Mmap;

use crate::sum;

/// Bytes given to `write` at a time.
const WRITE_BYTES: usize = 8 << 20;

/// An array file without any header.
pub struct RawFile {
    file: File,
    map: Mmap,
}

impl RawFile {
    /// Opens and maps `path`.
    ///
    /// # Errors
    /// Those of the file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: the benches write the file once, before they open it, and never change it.
        let map = unsafe { Mmap::map(&file) }?;
        Ok(Self { file, map })
    }

    /// One `pread` into `buffer`, and the sum of it.
    pub fn pread_sum(&self, offset: u64, buffer: &mut [u8]) -> u64 {
        self.file.read_exact_at(buffer, offset).expect("the file is whole");
        sum(buffer)
    }

    /// Copies rows from the map into a new piece of memory, one after another.
    pub fn gather(&self, rows: &[u64], row_bytes: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(rows.len() * row_bytes);
        for &row in rows {
            let start = row as usize * row_bytes;
            out.extend_from_slice(&self.map[start..start + row_bytes]);
        }
        out
    }

    /// The sum of all bytes, through the map.
    pub fn scan_sum(&self) -> u64 {
        sum(&self.map)
    }

    /// All bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }
}

/// Writes `pieces` to a new file and makes it durable.
///
/// # Errors
/// Those of the file.
pub fn write_and_sync<'a>(
    path: &Path,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> io::Result<()> {
    let mut file = File::create(path)?;
    for piece in pieces.into_iter().flat_map(|piece| piece.chunks(WRITE_BYTES)) {
        file.write_all(piece)?;
    }
    file.sync_all()
}
