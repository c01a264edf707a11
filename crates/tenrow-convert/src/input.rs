//! Files read front to back, compressed or not, that know where they are.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use tenrow_values::{ConvertError, Result};

use crate::source_file::SourceFile;

pub(crate) const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A stream of bytes from a file; offsets are those of the decompressed bytes.
pub(crate) struct Input {
    path: PathBuf,
    reader: Box<dyn Read + Send>,
    offset: u64,
    len: Option<u64>,
}

impl Input {
    /// Opens `path`, looking through gzip.
    pub(crate) fn open(path: &SourceFile) -> Result<Self> {
        let reader = open_reader(path)?;
        let len = if is_gzip(path)? {
            None
        } else {
            Some(path.size().map_err(ConvertError::io(path, "read"))?)
        };
        Ok(Self::new(path, reader, len))
    }

    /// Reads `reader`, which has `len` bytes if that is known, under the name `path`.
    pub(crate) fn new(path: &Path, reader: Box<dyn Read + Send>, len: Option<u64>) -> Self {
        Self { path: path.to_owned(), reader, offset: 0, len }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Fills `buffer`, or says where the file ends.
    pub(crate) fn fill(&mut self, buffer: &mut [u8], what: &'static str) -> Result<()> {
        let bytes = self.take(buffer.len() as u64, what)?;
        buffer.copy_from_slice(&bytes);
        Ok(())
    }

    /// Reads `count` bytes. Memory grows with the bytes that are there, not with `count`.
    pub(crate) fn take(&mut self, count: u64, what: &'static str) -> Result<Vec<u8>> {
        let first = count.min(crate::source::BATCH_BYTES) as usize;
        let mut bytes = Vec::with_capacity(first);
        let read = self.reader.by_ref().take(count).read_to_end(&mut bytes);
        let start = self.offset;
        self.offset += bytes.len() as u64;
        read.map_err(|error| self.fault(error))?;
        if (bytes.len() as u64) < count {
            let expected = start.saturating_add(count);
            return Err(self.truncated(what, expected));
        }
        Ok(bytes)
    }

    /// Refuses a file that is known to be shorter than `total` bytes, before anything is read.
    pub(crate) fn expect_len(&self, total: u64, what: &'static str) -> Result<()> {
        match self.len {
            Some(len) if len < total => Err(ConvertError::Truncated {
                path: self.path.clone(),
                what,
                found: len,
                expected: total,
            }),
            _ => Ok(()),
        }
    }

    /// Refuses bytes after those that were read; reads one byte at most.
    pub(crate) fn expect_end(&mut self, what: &str) -> Result<()> {
        let mut byte = [0];
        loop {
            match self.reader.read(&mut byte) {
                Ok(0) => return Ok(()),
                Ok(_) => {
                    let reason = format!("trailing bytes: {what} ends here");
                    return Err(ConvertError::malformed(&self.path, self.offset, reason));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.fault(error)),
            }
        }
    }

    fn truncated(&self, what: &'static str, expected: u64) -> ConvertError {
        let path = self.path.clone();
        ConvertError::Truncated { path, what, found: self.offset, expected }
    }

    /// What decompressors say is a fault of the bytes; all else is a fault of the machine.
    fn fault(&self, error: io::Error) -> ConvertError {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        match error.kind() {
            UnexpectedEof => {
                let reason = "the compressed data ends here, cut short";
                ConvertError::malformed(&self.path, self.offset, reason)
            }
            InvalidData | InvalidInput => {
                let reason = format!("the data is damaged ({error})");
                ConvertError::malformed(&self.path, self.offset, reason)
            }
            _ => ConvertError::io(&self.path, "read")(error),
        }
    }
}

/// The bytes of `path`, decompressed if it is a gzip file.
pub(crate) fn open_reader(path: &SourceFile) -> Result<Box<dyn Read + Send>> {
    let gzip = is_gzip(path)?;
    let file =
        BufReader::with_capacity(1 << 17, path.open().map_err(ConvertError::io(path, "open"))?);
    Ok(if gzip { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) })
}

/// The first bytes of `path` as they are stored: `count` of them, or all if there are fewer.
pub(crate) fn first_bytes(path: &SourceFile, count: usize) -> Result<Vec<u8>> {
    let mut file = path.open().map_err(ConvertError::io(path, "open"))?;
    let mut bytes = Vec::new();
    file.by_ref()
        .take(count as u64)
        .read_to_end(&mut bytes)
        .map_err(ConvertError::io(path, "read"))?;
    Ok(bytes)
}

pub(crate) fn is_gzip(path: &SourceFile) -> Result<bool> {
    Ok(first_bytes(path, 2)? == GZIP_MAGIC)
}

/// The name of a file without folder, `.gz` and the last extension before it.
pub(crate) fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem.to_owned(),
        _ => name.to_owned(),
    }
}
