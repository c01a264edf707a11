//! The pages of a leaf, each unpacked and checked once, for Arrow to read from.

use std::vec;

use bytes::Bytes;
use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::{Encoding, PageType};
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::leaf::check_limit;
use crate::error::{FormatError, Result};
use crate::limits;

const WHAT: &str = "leaf";

/// The unpacked pages of some columns of a leaf.
pub(super) struct LeafPages<'a> {
    metadata: &'a ParquetMetaData,
    row_count: usize,
    /// By column; of each the pages of every row group. Empty of columns that are not wanted.
    columns: Vec<Vec<ColumnPages>>,
}

impl<'a> LeafPages<'a> {
    /// Unpacks all pages, keeps those of `wanted` columns, and stops at the first that goes beyond a limit.
    pub(super) fn unpack(
        bytes: &Bytes,
        metadata: &'a ParquetMetaData,
        wanted: impl Fn(usize) -> bool,
    ) -> Result<Self> {
        let row_count = usize::try_from(metadata.file_metadata().num_rows())
            .map_err(|_| FormatError::malformed(WHAT, "rows below 0"))?;
        let column_count = metadata.file_metadata().schema_descr().num_columns();
        let mut columns = vec![Vec::new(); column_count];
        let mut unpacked = Unpacked::default();
        for row_group in metadata.row_groups() {
            for (number, column) in row_group.columns().iter().enumerate() {
                let pages = unpacked.pages(bytes, column, wanted(number))?;
                if let Some(kept) = columns.get_mut(number).filter(|_| wanted(number)) {
                    kept.push(pages);
                }
            }
        }
        Ok(Self { metadata, row_count, columns })
    }
}

/// How much was unpacked so far.
#[derive(Default)]
struct Unpacked {
    values: u64,
    bytes: u64,
}

impl Unpacked {
    fn pages(
        &mut self,
        bytes: &Bytes,
        column: &ColumnChunkMetaData,
        is_wanted: bool,
    ) -> Result<ColumnPages> {
        let mut kept = Vec::new();
        // The number of rows is for files with an offset index only.
        let pages = SerializedPageReader::new(bytes.clone().into(), column, 0, None);
        for page in pages.map_err(FormatError::parquet(WHAT))? {
            let page = page.map_err(FormatError::parquet(WHAT))?;
            check_page(&page)?;
            self.values += u64::from(page.num_values());
            self.bytes += page.buffer().len() as u64;
            check_limit("the values of a leaf", self.values, limits::MAX_LEAF_VALUES)?;
            check_limit("the unpacked bytes of a leaf", self.bytes, limits::MAX_LEAF_BYTES)?;
            if is_wanted {
                kept.push(page);
            }
        }
        Ok(ColumnPages { pages: kept.into_iter() })
    }
}

/// Only plain pages: decoders of the other encodings trust counts that the page claims.
fn check_page(page: &Page) -> Result<()> {
    match (page.page_type(), page.encoding()) {
        (PageType::DATA_PAGE | PageType::DATA_PAGE_V2, Encoding::PLAIN) => Ok(()),
        (page_type, encoding) => {
            let reason = format!("a {page_type} encoded as {encoding}, expected plain data pages");
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
