//! A look at the levels of a Parquet file before the `parquet` crate makes rows of them.
//!
//! The crate (59) takes a definition level beyond the column's for a null somewhere: values that nobody wrote came out.

use std::sync::Arc;

use parquet::basic::Encoding;
use parquet::column::page::Page;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;

use crate::error::{FormatError, Result};
use crate::guard::guarded;
use crate::page::levels::LevelRuns;

/// Bytes before the levels of a page of version 1 that say how many follow.
const LENGTH_BYTES: usize = 4;

/// Checks the levels of every column of a file that has lists or groups that may be null. Cost: its pages, unpacked.
///
/// # Errors
/// [`FormatError::Malformed`] if a level is beyond those of its column, or there are fewer than values;
/// [`FormatError::Parquet`] if a page cannot be read.
pub fn check_levels<R: ChunkReader + 'static>(
    file: &Arc<R>,
    metadata: &ParquetMetaData,
) -> Result<()> {
    let columns = metadata.row_groups().iter().flat_map(|group| group.columns());
    for column in columns {
        let about = column.column_descr();
        let (max_repetition, max_definition) = (about.max_rep_level(), about.max_def_level());
        // One bit holds no level beyond 1.
        if max_repetition == 0 && max_definition < 2 {
            continue;
        }
        let what = format!("levels of column {}", about.path());
        guarded(&what, || {
            let pages = SerializedPageReader::new(file.clone(), column, 0, None);
            for page in pages.map_err(FormatError::parquet(&what))? {
                let page = page.map_err(FormatError::parquet(&what))?;
                let Some((repetitions, definitions)) =
                    levels(&page, max_repetition, max_definition)
                else {
                    continue;
                };
                let entries = u64::from(page.num_values());
                check(&what, repetitions, max_repetition, entries)?;
                check(&what, definitions, max_definition, entries)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn check(what: &str, levels: &[u8], max: i16, entries: u64) -> Result<()> {
    let max = u8::try_from(max).unwrap_or(u8::MAX);
    if max == 0 {
        return Ok(());
    }
    let mut runs = LevelRuns::new(levels, u8::BITS - max.leading_zeros(), entries);
    let mut left = entries;
    while left > 0 {
        let run = runs.next_run()?;
        if run.level > max {
            let reason = format!("{} is beyond the highest of the column, {max}", run.level);
            return Err(FormatError::malformed(what, reason));
        }
        left = left.saturating_sub(run.count);
    }
    Ok(())
}

/// The levels of a data page, repetition before definition; `None` of other pages, and of those that are no longer written.
fn levels(page: &Page, max_repetition: i16, max_definition: i16) -> Option<(&[u8], &[u8])> {
    match page {
        Page::DataPage { buf, rep_level_encoding, def_level_encoding, .. } => {
            let cut = |rest: &[u8], max: i16| -> Option<(usize, usize)> {
                if max == 0 {
                    return Some((0, 0));
                }
                let (length, _) = rest.split_first_chunk::<LENGTH_BYTES>()?;
                Some((LENGTH_BYTES, u32::from_le_bytes(*length) as usize))
            };
            let is_rle = |max: i16, encoding: &Encoding| max == 0 || *encoding == Encoding::RLE;
            if !is_rle(max_repetition, rep_level_encoding)
                || !is_rle(max_definition, def_level_encoding)
            {
                return None;
            }
            let (skip, length) = cut(buf, max_repetition)?;
            let (repetitions, rest) = buf.get(skip..)?.split_at_checked(length)?;
            let (skip, length) = cut(rest, max_definition)?;
            Some((repetitions, rest.get(skip..)?.get(..length)?))
        }
        Page::DataPageV2 { buf, rep_levels_byte_len, def_levels_byte_len, .. } => {
            let (repetitions, rest) = buf.split_at_checked(*rep_levels_byte_len as usize)?;
            Some((repetitions, rest.get(..*def_levels_byte_len as usize)?))
        }
        Page::DictionaryPage { .. } => None,
    }
}
