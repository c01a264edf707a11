//! Text in other encodings than UTF-8, as UTF-8; nothing that is no text is replaced in silence.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};
use tenrow_values::{ConvertError, Result};

const INPUT_BYTES: usize = 1 << 16;
/// Room for one piece of input: no byte becomes more than three.
const OUTPUT_BYTES: usize = 3 * INPUT_BYTES + 16;

/// The encoding of a text, such as `utf-8`, `windows-1252` or `utf-16le`.
///
/// ```
/// use tenrow_convert::Charset;
/// assert_eq!("latin1".parse::<Charset>()?.to_string(), "windows-1252");
/// assert!("latin99".parse::<Charset>().is_err());
/// # Ok::<(), tenrow_convert::ConvertError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

impl Default for Charset {
    fn default() -> Self {
        Self(UTF_8)
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name().to_lowercase())
    }
}

impl FromStr for Charset {
    type Err = ConvertError;

    fn from_str(text: &str) -> Result<Self> {
        Encoding::for_label(text.as_bytes()).map(Self).ok_or_else(|| {
            let reason = "not an encoding: known are those of web browsers, such as windows-1252, utf-16le, shift_jis, gb18030";
            ConvertError::column(text, reason)
        })
    }
}

/// The text of a reader in UTF-8, without its byte order mark, which decides if there is one.
pub(crate) struct Decoded<R> {
    reader: R,
    charset: Charset,
    decoder: Decoder,
    input: Vec<u8>,
    unread: std::ops::Range<usize>,
    output: Vec<u8>,
    ready: std::ops::Range<usize>,
    /// Bytes of the reader that have been decoded.
    offset: u64,
    is_done: bool,
}

impl<R: Read> Decoded<R> {
    pub(crate) fn new(reader: R, charset: Charset) -> Self {
        Self {
            reader,
            charset,
            decoder: charset.0.new_decoder(),
            input: vec![0; INPUT_BYTES],
            unread: 0..0,
            output: vec![0; OUTPUT_BYTES],
            ready: 0..0,
            offset: 0,
            is_done: false,
        }
    }

    fn decode(&mut self) -> io::Result<()> {
        if self.unread.is_empty() {
            self.unread = 0..self.reader.read(&mut self.input)?;
        }
        let is_last = self.unread.is_empty();
        let input = &self.input[self.unread.clone()];
        let (result, read, written) =
            self.decoder.decode_to_utf8_without_replacement(input, &mut self.output, is_last);
        self.unread.start += read;
        self.offset += read as u64;
        self.ready = 0..written;
        match result {
            DecoderResult::InputEmpty => self.is_done = is_last,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => return Err(self.malformed()),
        }
        Ok(())
    }

    fn malformed(&self) -> io::Error {
        let (charset, offset) = (self.charset, self.offset);
        let reason = format!(
            "not {charset} text at byte {offset} or shortly before: say with --charset which encoding it has, such as windows-1252"
        );
        io::Error::new(io::ErrorKind::InvalidData, reason)
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.ready.is_empty() && !self.is_done {
            self.decode()?;
        }
        let count = buffer.len().min(self.ready.len());
        let start = self.ready.start;
        buffer[..count].copy_from_slice(&self.output[start..start + count]);
        self.ready.start += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], charset: &str) -> io::Result<String> {
        let mut text = String::new();
        Decoded::new(bytes, charset.parse().unwrap()).read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn text_of_other_encodings_becomes_utf8() {
        for (bytes, charset, expected) in [
            (&b"gr\xf6\xdfe;\x80"[..], "windows-1252", "größe;€"),
            (b"\xff\xfea\0,\0", "utf-8", "a,"),
            (b"\xfe\xff\0a", "utf-8", "a"),
            (b"\xef\xbb\xbfa", "utf-8", "a"),
            (b"a\0\xf6\0", "utf-16le", "aö"),
            (b"", "utf-8", ""),
        ] {
            assert_eq!(decoded(bytes, charset).unwrap(), expected);
        }
        let long = "ä€".repeat(100_000);
        assert_eq!(decoded(long.as_bytes(), "utf-8").unwrap(), long);
    }

    #[test]
    fn what_is_no_text_is_an_error_that_names_the_option() {
        for (bytes, charset) in
            [(&b"gr\xf6\xdfe"[..], "utf-8"), (b"ab\xe2\x82", "utf-8"), (b"\0\xd8a\0", "utf-16le")]
        {
            let error = decoded(bytes, charset).unwrap_err().to_string();
            assert!(error.contains(charset) && error.contains("--charset"), "{error}");
        }
    }
}
