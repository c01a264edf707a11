//! Files of others, indexed where they are: read by position, refused when they have changed.

use std::fs::Metadata;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};

use bytes::Bytes;

use crate::blocking;
use crate::error::{Error, Result};
use crate::format::manifest::{DataFile, ForeignFile};
use crate::storage::{Storage, open_regular};

impl Storage {
    /// The bytes of each range of a file outside of the dataset.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if its size or time are not those recorded.
    pub(crate) async fn read_foreign(
        &self,
        entry: &DataFile,
        ranges: &[Range<u64>],
    ) -> Result<Vec<Bytes>> {
        ranges.iter().for_each(|range| self.note_read(range.end.saturating_sub(range.start)));
        let (entry, ranges) = (entry.clone(), ranges.to_vec());
        blocking::run(move || read(&entry, &ranges)).await
    }
}

fn read(entry: &DataFile, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
    let failed = |error| Error::io(format!("cannot read {}", entry.path), error);
    let file = open_regular(&entry.path).map_err(failed)?;
    check_unchanged(entry, &file.metadata().map_err(failed)?)?;
    let mut read = Vec::with_capacity(ranges.len());
    for range in ranges {
        if range.end > entry.size_bytes || range.start > range.end {
            let reason = format!("bytes {range:?} are needed of {}", entry.size_bytes);
            return Err(Error::corrupt(format!("cannot read {}", entry.path), reason));
        }
        let mut bytes = vec![0; (range.end - range.start) as usize];
        file.read_exact_at(&mut bytes, range.start).map_err(failed)?;
        read.push(bytes.into());
    }
    Ok(read)
}

fn check_unchanged(entry: &DataFile, metadata: &Metadata) -> Result<()> {
    let modified_ns = modified_ns(metadata);
    let same_time = entry.foreign == Some(ForeignFile { modified_ns });
    if metadata.len() == entry.size_bytes && same_time {
        return Ok(());
    }
    let recorded_ns = entry.foreign.map_or(0, |foreign| foreign.modified_ns);
    let (seconds, nanoseconds) =
        (recorded_ns.div_euclid(1_000_000_000), recorded_ns.rem_euclid(1_000_000_000));
    Err(Error::corrupt(
        format!("{} has changed since it was indexed", entry.path),
        format!(
            "{} bytes, modified at {modified_ns} ns; the dataset recorded {} bytes, {recorded_ns} ns: put back the file as it was (if only its time is another: touch -d @{seconds}.{nanoseconds:09}), or delete its rows and import it again",
            metadata.len(),
            entry.size_bytes,
        ),
    ))
}

/// When the file was last changed, in nanoseconds of Unix time.
pub(crate) fn modified_ns(metadata: &Metadata) -> i64 {
    // Beyond the years that it counts, other times are still other numbers.
    metadata.mtime().wrapping_mul(1_000_000_000).wrapping_add(metadata.mtime_nsec())
}
