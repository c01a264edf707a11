//! What a CSV reader would pass over in silence: rows that are empty lines, quotes that are never closed, texts that are
//! empty where others are missing.

use std::io::{self, Read};

use crate::text::QUOTED_EMPTY;

/// Bytes of one quoted value.
const MAX_QUOTED_BYTES: u64 = 256 << 20;

/// Where the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Record,
    Field,
    Unquoted,
    Quoted,
    /// After a quote in a quoted value: the end of the value, or the first of two.
    Quote,
    /// Where something follows the end of a quoted value.
    Behind,
}

/// The bytes of a CSV file, in which every row of a table with one column has a value, and every value that is quoted and
/// empty is marked.
pub(crate) struct CsvGuard<R> {
    reader: R,
    delimiter: u8,
    /// Whether an empty line is a row.
    one_column: bool,
    at: At,
    after_return: bool,
    /// Whether the line of the names has been seen.
    started: bool,
    line: u64,
    quote_line: u64,
    quoted_bytes: u64,
    /// The last bytes of the input.
    last: [u8; 3],
    has_mark: bool,
    input: Vec<u8>,
    ready: Vec<u8>,
    given: usize,
}

impl<R: Read> CsvGuard<R> {
    pub(crate) fn new(reader: R, delimiter: u8, one_column: bool, has_header: bool) -> Self {
        Self {
            reader,
            delimiter,
            one_column,
            at: At::Record,
            after_return: false,
            started: !has_header,
            line: 1,
            quote_line: 0,
            quoted_bytes: 0,
            last: [0; 3],
            has_mark: false,
            input: vec![0; 1 << 16],
            ready: Vec::new(),
            given: 0,
        }
    }

    /// Looks at the next byte; false if it is one too many.
    fn step(&mut self, byte: u8) -> bool {
        let is_end = byte == b'\n' || byte == b'\r';
        let ends_return = byte == b'\n' && std::mem::take(&mut self.after_return);
        self.last = [self.last[1], self.last[2], byte];
        self.has_mark |= self.last == QUOTED_EMPTY.as_bytes();
        if is_end || byte == self.delimiter {
            self.mark_empty();
        }
        self.line += u64::from(byte == b'\n');
        self.at = match self.at {
            At::Quoted if byte == b'"' => At::Quote,
            At::Quoted => {
                self.quoted_bytes += 1;
                At::Quoted
            }
            At::Quote if byte == b'"' => {
                self.quoted_bytes += 1;
                At::Quoted
            }
            At::Record if is_end => {
                if self.one_column && self.started && !ends_return {
                    self.ready.extend_from_slice(b"\"\"");
                }
                At::Record
            }
            _ if is_end => {
                self.started = true;
                At::Record
            }
            At::Quote if byte != self.delimiter => At::Behind,
            At::Behind => At::Behind,
            At::Record | At::Field if byte == b'"' => {
                (self.quote_line, self.quoted_bytes) = (self.line, 0);
                At::Quoted
            }
            _ if byte == self.delimiter => At::Field,
            _ => At::Unquoted,
        };
        self.after_return = byte == b'\r' && self.at == At::Record;
        self.ready.push(byte);
        self.at != At::Behind
    }

    /// Marks a value that has ended with nothing between its quotes.
    fn mark_empty(&mut self) {
        if self.at == At::Quote && self.quoted_bytes == 0 && self.started {
            self.ready.extend_from_slice(QUOTED_EMPTY.as_bytes());
            self.at = At::Unquoted;
        }
    }

    fn check(&self, is_end: bool) -> io::Result<()> {
        let line = self.quote_line;
        let reason = match self.at {
            _ if self.has_mark => format!(
                "U+FDD0 in or before line {}: it is no character, and cannot be told from an empty text",
                self.line
            ),
            At::Behind => format!(
                "the quote that opens in line {line} closes before the end of its value: a quote within one is written twice"
            ),
            At::Quoted if is_end => format!("the quote that opens in line {line} is never closed"),
            At::Quoted if self.quoted_bytes > MAX_QUOTED_BYTES => format!(
                "the quote that opens in line {line} is not closed within {MAX_QUOTED_BYTES} bytes"
            ),
            _ => return Ok(()),
        };
        Err(io::Error::new(io::ErrorKind::InvalidData, reason))
    }
}

impl<R: Read> Read for CsvGuard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len() {
            self.ready.clear();
            self.given = 0;
            let mut input = std::mem::take(&mut self.input);
            let count = self.reader.read(&mut input);
            if let Ok(count) = count {
                input[..count].iter().take_while(|&&byte| self.step(byte)).count();
            }
            if matches!(count, Ok(0)) {
                self.mark_empty();
            }
            self.input = input;
            self.check(count? == 0)?;
        }
        let count = buffer.len().min(self.ready.len() - self.given);
        buffer[..count].copy_from_slice(&self.ready[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(text: &str, one_column: bool) -> io::Result<String> {
        let mut out = String::new();
        // Few bytes at a time, so that every state meets the end of a read.
        let reader = CsvGuard::new(text.as_bytes(), b',', one_column, true);
        io::BufReader::with_capacity(3, reader).read_to_string(&mut out)?;
        Ok(out)
    }

    #[test]
    fn empty_lines_of_one_column_are_rows() {
        for (text, expected) in [
            ("x\n1\n\n3\n", "x\n1\n\"\"\n3\n"),
            ("x\r\n1\r\n\r\n3\r\n", "x\r\n1\r\n\"\"\r\n3\r\n"),
            ("x\r1\r\r3", "x\r1\r\"\"\r3"),
            ("x\n\n\n", "x\n\"\"\n\"\"\n"),
            ("\n\nx\n1\n", "\n\nx\n1\n"),
            ("x\n\"a\n\nb\"\n", "x\n\"a\n\nb\"\n"),
            ("x\n\"a\"\"\n\"\n\n", "x\n\"a\"\"\n\"\n\"\"\n"),
        ] {
            assert_eq!(guarded(text, true).unwrap(), expected, "{text:?}");
            assert_eq!(guarded(text, false).unwrap(), text, "{text:?}");
        }
    }

    #[test]
    fn values_that_are_quoted_and_empty_are_marked() {
        for (text, expected) in [
            ("a,b\n\"\",\n,\"\"\n", "a,b\n\"\"\u{fdd0},\n,\"\"\u{fdd0}\n"),
            ("a,b\n1,\"\"", "a,b\n1,\"\"\u{fdd0}"),
            ("a,b\r\n\"\",\"\"\r\n", "a,b\r\n\"\"\u{fdd0},\"\"\u{fdd0}\r\n"),
            ("a,b\n\"\"\"\",\" \"\n", "a,b\n\"\"\"\",\" \"\n"),
            ("\"\",b\n1,2\n", "\"\",b\n1,2\n"),
        ] {
            assert_eq!(guarded(text, false).unwrap(), expected, "{text:?}");
        }
        let error = guarded("a\nx\u{fdd0}y\n", true).unwrap_err().to_string();
        assert!(error.contains("U+FDD0 in or before line"), "{error}");
    }

    #[test]
    fn a_quote_that_is_never_closed_is_named_with_its_line() {
        for (text, line) in [
            ("id,t\n1,\"never closed\n2,b\n3,c\n", 2),
            ("id,t\n1,\"a\"\"\n2,b\n", 2),
            ("\"id", 1),
            ("a,b\n1,\"x\ny\"\n2,\"", 4),
        ] {
            let error = guarded(text, false).unwrap_err().to_string();
            assert!(error.contains(&format!("line {line} is never closed")), "{text:?}: {error}");
        }
        for text in ["a,b\n1,\"x\"y\n", "a,b\n\"p\\\"q\",2\n", "\"a\"b\n"] {
            let error = guarded(text, false).unwrap_err().to_string();
            assert!(error.contains("closes before the end of its value"), "{text:?}: {error}");
        }
        // A quote within a value is a letter like any other.
        guarded("a,b\n5\",6\n", false).unwrap();
    }
}
