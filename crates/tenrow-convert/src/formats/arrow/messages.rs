//! The messages of a file or stream of Arrow, each checked before Arrow's own reader has it.
//!
//! ```text
//! stream: message, …, end (may be missing)
//! file:   "ARROW1" 00 00 | zeros | stream with its end | footer | its length: i32 | "ARROW1"
//! message: ff ff ff ff | length: i32 | metadata: a flatbuffer of that length | body
//! end:     ff ff ff ff | 00 00 00 00
//! ```
//!
//! A file is read as the stream within it, front to back: so it may be compressed, and its footer, which only says where
//! the messages are, need not be believed. That it is there says that the file is whole.

use std::io::{self, ErrorKind, Read};

use arrow_ipc::{MessageHeader, root_as_message};

use super::batch_check::check_batch;
use super::schema_check::check_schema;

/// How files begin.
pub(super) const MAGIC: [u8; 8] = *b"ARROW1\0\0";
/// What writers align messages to, at most.
const MAX_ALIGNMENT: usize = 64;
/// How messages begin.
pub(super) const CONTINUATION: [u8; 4] = [0xff; 4];
/// How files end.
const LAST: &[u8] = b"ARROW1";
/// Bytes that are skipped at once.
const SKIPPED_BYTES: usize = 1 << 16;

/// The bytes of a stream of Arrow, message after message, none of which says more than its bytes hold.
///
/// Memory grows with the bytes that are there, and not with what a length claims.
pub(super) struct Messages<R> {
    reader: R,
    is_file: bool,
    has_ended: bool,
    ready: Vec<u8>,
    given: usize,
}

impl<R: Read> Messages<R> {
    /// The messages of `reader`, which is a file if it begins as one.
    pub(super) fn new(mut reader: R) -> io::Result<Self> {
        let mut ready = Vec::new();
        let read = reader.by_ref().take(MAGIC.len() as u64).read_to_end(&mut ready);
        read.map_err(as_damage)?;
        let is_file = ready == MAGIC;
        if is_file {
            skip_padding(&mut reader, &mut ready)?;
        }
        let mut messages = Self { reader, is_file, has_ended: false, ready: Vec::new(), given: 0 };
        messages.message(ready)?;
        Ok(messages)
    }

    /// Makes the next message ready, whose first bytes are `begun`.
    fn message(&mut self, mut begun: Vec<u8>) -> io::Result<()> {
        self.given = 0;
        self.fill(&mut begun, 8)?;
        self.ready = begun;
        let Some((mark, length)) = self.ready.split_first_chunk() else { return self.no_end() };
        if *mark != CONTINUATION {
            return Err(wrong(
                "no message begins here, as Arrow has them since version 0.15; a file whose messages are found by its footer alone is not read: write a stream, or Parquet",
            ));
        }
        let length = length.first_chunk().map(|length| i32::from_le_bytes(*length));
        match length.map(u64::try_from) {
            Some(Ok(0)) => self.end(),
            Some(Ok(length)) => self.content(length),
            Some(Err(_)) => Err(wrong("a message of negative length")),
            None => Err(cut_short()),
        }
    }

    /// Appends the metadata and the body of a message, and checks them.
    fn content(&mut self, length: u64) -> io::Result<()> {
        let mut content = std::mem::take(&mut self.ready);
        let metadata = content.len();
        self.fill_all(&mut content, length)?;
        let body = content.len();
        let message = root_as_message(&content[metadata..])
            .map_err(|error| wrong(format!("a message that is none: {error}")))?;
        let body_bytes = u64::try_from(message.bodyLength());
        let body_bytes = body_bytes.map_err(|_| wrong("a body of negative length"))?;
        self.fill_all(&mut content, body_bytes)?;
        check(&content[metadata..body], &content[body..]).map_err(wrong)?;
        self.ready = content;
        Ok(())
    }

    /// What follows the last message: nothing, or the footer of a file.
    fn end(&mut self) -> io::Result<()> {
        self.has_ended = true;
        let (mut last, mut skipped) = (Vec::new(), Vec::new());
        loop {
            skipped.clear();
            let part = self.reader.by_ref().take(SKIPPED_BYTES as u64);
            let count = { part }.read_to_end(&mut skipped).map_err(as_damage)?;
            if count == 0 {
                break;
            }
            if !self.is_file {
                return Err(wrong("bytes after the end of the stream"));
            }
            last.extend_from_slice(&skipped);
            last.drain(..last.len().saturating_sub(LAST.len()));
        }
        if self.is_file && last != LAST { Err(cut_short()) } else { Ok(()) }
    }

    /// The end of the bytes where a message could be.
    fn no_end(&mut self) -> io::Result<()> {
        self.has_ended = true;
        // A stream may end so, but a file that does has lost what came then.
        if self.is_file || !self.ready.is_empty() { Err(cut_short()) } else { Ok(()) }
    }

    /// Reads until `bytes` are `count`, or there are no more.
    fn fill(&mut self, bytes: &mut Vec<u8>, count: u64) -> io::Result<()> {
        let missing = count.saturating_sub(bytes.len() as u64);
        self.reader.by_ref().take(missing).read_to_end(bytes).map(drop).map_err(as_damage)
    }

    /// Reads `count` bytes more.
    fn fill_all(&mut self, bytes: &mut Vec<u8>, count: u64) -> io::Result<()> {
        let expected = (bytes.len() as u64).saturating_add(count);
        self.fill(bytes, expected)?;
        if (bytes.len() as u64) < expected { Err(cut_short()) } else { Ok(()) }
    }
}

impl<R: Read> Read for Messages<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len() && !self.has_ended {
            self.message(Vec::new())?;
        }
        let left = &self.ready[self.given..];
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.given += count;
        Ok(count)
    }
}

/// Passes over the zeros behind the magic, which are as many as the writer aligns to, and leaves in `bytes` what follows.
fn skip_padding(reader: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    for _ in 0..MAX_ALIGNMENT / 8 {
        bytes.clear();
        reader.by_ref().take(8).read_to_end(bytes).map_err(as_damage)?;
        if bytes.is_empty() || bytes.iter().any(|&byte| byte != 0) {
            break;
        }
    }
    Ok(())
}

/// Refuses a message that Arrow's own reader must not see.
fn check(metadata: &[u8], body: &[u8]) -> Result<(), String> {
    let message = root_as_message(metadata).map_err(|error| error.to_string())?;
    let none = || "a message without what it says it is".to_owned();
    match message.header_type() {
        MessageHeader::Schema => {
            let schema = message.header_as_schema().ok_or_else(none)?;
            if schema.endianness() != arrow_ipc::Endianness::Little {
                return Err("numbers whose first byte is the largest".to_owned());
            }
            check_schema(schema).map_err(|(name, reason)| format!("column {name:?}: {reason}"))
        }
        MessageHeader::RecordBatch => {
            check_batch(message.header_as_record_batch().ok_or_else(none)?, body)
        }
        MessageHeader::DictionaryBatch => {
            let dictionary = message.header_as_dictionary_batch().ok_or_else(none)?;
            check_batch(dictionary.data().ok_or_else(none)?, body)
        }
        other => Err(format!("a message of a kind that is not known: {other:?}")),
    }
}

fn wrong(reason: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, reason.into())
}

/// What a decompressor says whose bytes end too soon: Arrow's own reader would take it for the end of the stream.
fn as_damage(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => cut_short(),
        _ => error,
    }
}

fn cut_short() -> io::Error {
    wrong("it ends here, cut short")
}
