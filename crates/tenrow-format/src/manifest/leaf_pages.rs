//! The pages of a leaf, each unpacked and checked once, for Arrow to read from.

use std::vec;

use bytes::Bytes;
use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::check;
use super::leaf_levels::{ColumnLevels, Groups};
use crate::error::{FormatError, Result};
use crate::limits;
use crate::page::PageHeader;

const WHAT: &str = "leaf";

/// The unpacked pages of some columns of a leaf.
pub(super) struct LeafPages<'a> {
    metadata: &'a ParquetMetaData,
    row_count: usize,
    /// By column; of each the pages of every row group. Empty of columns that are not wanted.
    columns: Vec<Vec<ColumnPages>>,
}

impl<'a> LeafPages<'a> {
    /// Unpacks the pages of `wanted` columns, and stops at the first that goes beyond a limit, or whose levels mean nothing.
    pub(super) fn unpack(
        bytes: &Bytes,
        metadata: &'a ParquetMetaData,
        wanted: impl Fn(usize) -> bool,
    ) -> Result<Self> {
        let schema = metadata.file_metadata().schema_descr();
        let mut levels = Vec::new();
        for (number, column) in schema.columns().iter().enumerate() {
            levels.push(if wanted(number) {
                Some(ColumnLevels::new(schema, column)?)
            } else {
                None
            });
        }
        let mut columns = vec![Vec::new(); levels.len()];
        let mut unpacked = Unpacked::default();
        let mut row_count = 0;
        for row_group in metadata.row_groups() {
            let rows = row_group.num_rows();
            let mut groups = Groups::new();
            for ((column, levels), kept) in
                row_group.columns().iter().zip(&levels).zip(&mut columns)
            {
                let Some(levels) = levels else { continue };
                let pages = unpacked.pages(bytes, column)?;
                let checked =
                    pages.iter().map(|page| (&page.buffer()[..], u64::from(page.num_values())));
                let found = levels.check(checked, &mut groups)?;
                if u64::try_from(rows) != Ok(found) {
                    let reason = format!("{found} rows, but its row group says {rows}");
                    return Err(FormatError::malformed(column_of(column), reason));
                }
                kept.push(ColumnPages { pages: pages.into_iter() });
            }
            row_count += rows.unsigned_abs();
        }
        let stated = metadata.file_metadata().num_rows();
        if u64::try_from(stated) != Ok(row_count) {
            let reason = format!("{row_count} rows, but its footer says {stated}");
            return Err(FormatError::malformed(WHAT, reason));
        }
        let row_count = usize::try_from(row_count).unwrap_or(usize::MAX);
        Ok(Self { metadata, row_count, columns })
    }
}

fn column_of(column: &ColumnChunkMetaData) -> String {
    format!("column {} of a leaf", column.column_path())
}

/// How much was unpacked so far.
#[derive(Default)]
struct Unpacked {
    values: u64,
    bytes: u64,
}

impl Unpacked {
    fn pages(&mut self, bytes: &Bytes, column: &ColumnChunkMetaData) -> Result<Vec<Page>> {
        self.check_sizes(bytes, column)?;
        let mut kept = Vec::new();
        // The number of rows is for files with an offset index only.
        let pages = SerializedPageReader::new(bytes.clone().into(), column, 0, None);
        for page in pages.map_err(FormatError::parquet(WHAT))? {
            let page = page.map_err(FormatError::parquet(WHAT))?;
            check_page(&page)?;
            self.values += u64::from(page.num_values());
            check::limit("the values of a leaf", self.values, limits::MAX_LEAF_VALUES)?;
            kept.push(page);
        }
        Ok(kept)
    }

    /// Checks what the headers of all pages say, before one of them is unpacked.
    fn check_sizes(&mut self, bytes: &Bytes, column: &ColumnChunkMetaData) -> Result<()> {
        let (start, size) = column.byte_range();
        let end = start.saturating_add(size);
        let mut at = start;
        while at < end {
            let rest = usize::try_from(at).ok().zip(usize::try_from(end).ok());
            let rest = rest.and_then(|(at, end)| bytes.get(at..end));
            let cut = || FormatError::malformed(column_of(column), "its pages are not in the file");
            let (header, header_bytes) = PageHeader::decode(rest.ok_or_else(cut)?)?;
            at += header_bytes as u64 + u64::from(header.compressed_bytes.unsigned_abs());
            self.bytes += u64::from(header.uncompressed_bytes.unsigned_abs());
            check::limit("the unpacked bytes of a leaf", self.bytes, limits::MAX_LEAF_BYTES)?;
        }
        Ok(())
    }
}

/// Only pages of one kind: decoders of the others trust counts that the page claims.
fn check_page(page: &Page) -> Result<()> {
    match page {
        Page::DataPage {
            num_values: 1..,
            encoding: Encoding::PLAIN,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            ..
        } => Ok(()),
        page => {
            let reason = format!(
                "a {} of {} values encoded as {}, expected plain data pages of version 1, with values and RLE levels",
                page.page_type(),
                page.num_values(),
                page.encoding()
            );
            Err(FormatError::malformed(WHAT, reason))
        }
    }
}

impl RowGroups for LeafPages<'_> {
    fn num_rows(&self) -> usize {
        self.row_count
    }

    fn column_chunks(&self, column: usize) -> ParquetResult<Box<dyn PageIterator>> {
        let chunks = self.columns.get(column).cloned();
        let chunks = chunks.ok_or(ParquetError::IndexOutOfBound(column, self.columns.len()))?;
        Ok(Box::new(ColumnChunks(chunks.into_iter())))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.metadata.row_groups().iter())
    }

    fn metadata(&self) -> &ParquetMetaData {
        self.metadata
    }
}

/// The chunks of one column.
struct ColumnChunks(vec::IntoIter<ColumnPages>);

impl Iterator for ColumnChunks {
    type Item = ParquetResult<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let pages = self.0.next()?;
        Some(Ok(Box::new(pages)))
    }
}

impl PageIterator for ColumnChunks {}

/// The pages of one chunk. A clone shares their bytes.
#[derive(Clone)]
struct ColumnPages {
    pages: vec::IntoIter<Page>,
}

impl Iterator for ColumnPages {
    type Item = ParquetResult<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.pages.next().map(Ok)
    }
}

impl PageReader for ColumnPages {
    fn get_next_page(&mut self) -> ParquetResult<Option<Page>> {
        Ok(self.pages.next())
    }

    fn peek_next_page(&mut self) -> ParquetResult<Option<PageMetadata>> {
        let metadata = |page: &Page| PageMetadata {
            num_rows: match page {
                Page::DataPageV2 { num_rows, .. } => Some(*num_rows as usize),
                Page::DataPage { .. } | Page::DictionaryPage { .. } => None,
            },
            num_levels: Some(page.num_values() as usize),
            is_dict: page.is_dictionary_page(),
        };
        Ok(self.pages.as_slice().first().map(metadata))
    }

    fn skip_next_page(&mut self) -> ParquetResult<()> {
        self.pages.next();
        Ok(())
    }
}
