//! The checksums of the pages of a file of others, where it has any.

use std::fs::File;
use std::os::unix::fs::FileExt;

use parquet::file::metadata::ParquetMetaData;

use crate::error::{Error, Result};
use crate::format::{PageHeader, limits};

/// Bytes in which most headers end.
const HEADER_BYTES: u64 = 4 << 10;

/// Compares every page that has a checksum with it.
///
/// Pages without one, and those behind a header that is not understood, are passed over: whoever reads them says what is
/// wrong.
pub(super) fn check_pages(file: &File, metadata: &ParquetMetaData, shown: &str) -> Result<()> {
    let mut buffer = Vec::new();
    for (number, row_group) in metadata.row_groups().iter().enumerate() {
        for chunk in row_group.columns() {
            let first = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
            let range = (u64::try_from(first), u64::try_from(chunk.compressed_size()));
            let (Ok(start), Ok(len)) = range else {
                return Err(Error::corrupt(shown.to_owned(), "a place in its footer is negative"));
            };
            let (mut at, end) = (start, start.saturating_add(len));
            while let Some((header, body)) = header_at(file, at, end, &mut buffer, shown)? {
                if header.crc.is_some() {
                    buffer.resize((body.end - body.start) as usize, 0);
                    read(file, body.start, &mut buffer, shown)?;
                    let what = format!(
                        "a page at byte {at}, of column {:?} in row group {number}",
                        chunk.column_path().string()
                    );
                    header.check_crc(&buffer, &what).map_err(|e| Error::format(shown, e))?;
                }
                at = body.end;
            }
        }
    }
    Ok(())
}

/// The header of the page at `at`, and where its body is; `None` at the end of the chunk.
fn header_at(
    file: &File,
    at: u64,
    end: u64,
    buffer: &mut Vec<u8>,
    shown: &str,
) -> Result<Option<(PageHeader, std::ops::Range<u64>)>> {
    for most in [HEADER_BYTES, limits::MAX_PAGE_HEADER_BYTES] {
        let len = end.saturating_sub(at).min(most);
        if len == 0 {
            return Ok(None);
        }
        buffer.resize(len as usize, 0);
        read(file, at, buffer, shown)?;
        if let Ok((header, header_bytes)) = PageHeader::decode(buffer) {
            let start = at + header_bytes as u64;
            let body = start..start.saturating_add(header.compressed_bytes.unsigned_abs().into());
            return Ok((body.end <= end).then_some((header, body)));
        }
    }
    Ok(None)
}

fn read(file: &File, at: u64, buffer: &mut [u8], shown: &str) -> Result<()> {
    file.read_exact_at(buffer, at).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            Error::corrupt(shown.to_owned(), "its footer names pages beyond its end")
        }
        _ => Error::io(format!("cannot read {shown}"), error),
    })
}
