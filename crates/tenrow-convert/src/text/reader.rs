//! Text files, line by line of a bounded length.

use std::io::{self, Read};
use tenrow_values::Result;

use super::charset::{Charset, Decoded};
use crate::input::open_reader;
use crate::source_file::SourceFile;

/// Bytes of one line of a text table.
const MAX_LINE_BYTES: u64 = 256 << 20;

/// A text file, decompressed, as UTF-8, counted.
pub(crate) struct TextReader {
    reader: Decoded<Box<dyn Read + Send>>,
    bytes: u64,
    line_bytes: u64,
}

impl TextReader {
    pub(crate) fn open(path: &SourceFile, charset: Option<Charset>) -> Result<Self> {
        let reader = Decoded::new(open_reader(path)?, charset.unwrap_or_default());
        Ok(Self { reader, bytes: 0, line_bytes: 0 })
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Read for TextReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.bytes += count as u64;
        // Only the last line end of a read counts: no line is thought longer than it is.
        self.line_bytes = match buffer[..count].iter().rposition(|&b| b == b'\n') {
            Some(last) => (count - last) as u64,
            None => self.line_bytes + count as u64,
        };
        if self.line_bytes > MAX_LINE_BYTES {
            let reason = format!("a line of more than {MAX_LINE_BYTES} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        Ok(count)
    }
}
