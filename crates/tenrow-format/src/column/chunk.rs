//! One column chunk in the making: its pages, where they are, and its Parquet metadata.

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, PageType};
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder, PageEncodingStats};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::page_index::offset_index::{OffsetIndexMetaData, PageLocation};
use parquet::schema::types::ColumnDescPtr;

use crate::error::{FormatError, Result};
use crate::limits;
use crate::manifest::ChunkLayout;
use crate::page::header::encoding;
use crate::page::levels::Runs;
use crate::page::{PageHeader, PageKind};

/// Values begin at multiples of this, so that mapped rows suit Arrow, numpy and SIMD.
pub(crate) const ALIGNMENT: u64 = 64;

/// A column chunk, complete but for its place in the file: all offsets count from its own start.
pub(crate) struct EncodedChunk {
    pub(crate) pieces: Vec<Bytes>,
    pub(crate) byte_len: u64,
    /// Bytes before the point that must come to lie at a multiple of [`ALIGNMENT`].
    pub(crate) lead: u64,
    pub(crate) metadata: ColumnChunkMetaData,
    pub(crate) offset_index: Option<OffsetIndexMetaData>,
    pub(crate) column_index: Option<ColumnIndexMetaData>,
    pub(crate) layout: ChunkLayout,
}

/// A data page before it has its place: levels still to be padded, values in pieces.
pub(crate) struct DataPage {
    pub(crate) row_count: u64,
    pub(crate) value_count: u64,
    pub(crate) repetition: Vec<u8>,
    pub(crate) definitions: Runs,
    /// What comes before the values themselves: the head of a bit-packed run.
    pub(crate) value_head: Vec<u8>,
    pub(crate) values: Vec<Bytes>,
    /// Bytes of values and pad once decompressed; equal to what is stored unless compressed.
    pub(crate) uncompressed_values: u64,
    pub(crate) is_compressed: bool,
}

/// Where a page that was added has come to lie, from the start of the chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlacedPage {
    pub(crate) start: u64,
    pub(crate) values: u64,
    pub(crate) end: u64,
}

/// Collects the pages of one chunk.
pub(crate) struct ChunkWriter {
    encoding: i32,
    pieces: Vec<Bytes>,
    at: u64,
    lead: u64,
    rows: u64,
    entries: u64,
    uncompressed: u64,
    data_pages: i32,
    has_dictionary: bool,
    locations: Vec<PageLocation>,
}

impl ChunkWriter {
    /// A chunk of data pages in Parquet's encoding number `encoding`.
    pub(crate) fn new(encoding: i32) -> Self {
        Self {
            encoding,
            pieces: Vec::new(),
            at: 0,
            lead: 0,
            rows: 0,
            entries: 0,
            uncompressed: 0,
            data_pages: 0,
            has_dictionary: false,
            locations: Vec::new(),
        }
    }

    /// Adds the dictionary page, which comes before all others.
    pub(crate) fn push_dictionary(&mut self, entries: &[i32], compress: Option<i32>) -> Result<()> {
        let plain: Vec<u8> = entries.iter().flat_map(|entry| entry.to_le_bytes()).collect();
        let uncompressed_bytes = page_size(plain.len() as u64)?;
        let body = match compress {
            Some(level) => compress_zstd(&plain, level)?,
            None => plain,
        };
        let header = PageHeader {
            kind: PageKind::Dictionary {
                value_count: page_size(entries.len() as u64)?,
                encoding: encoding::PLAIN,
            },
            uncompressed_bytes,
            compressed_bytes: page_size(body.len() as u64)?,
            crc: Some(crc32fast::hash(&body)),
        };
        let header = header.encode();
        self.uncompressed += header.len() as u64 + uncompressed_bytes as u64;
        self.has_dictionary = true;
        self.push_piece(header.into());
        self.push_piece(body.into());
        self.lead = self.at;
        Ok(())
    }

    /// Adds a page; unless it is compressed or has too few levels, its values come to lie aligned.
    pub(crate) fn push_page(&mut self, page: DataPage) -> Result<PlacedPage> {
        let stored: u64 = page.values.iter().map(|piece| piece.len() as u64).sum();
        let stored = stored + page.value_head.len() as u64;
        let align = !page.is_compressed;
        let (mut header, definitions) = self.fit_levels(&page, stored, align)?;
        let mut crc = crc32fast::Hasher::new();
        crc.update(&page.repetition);
        crc.update(&definitions);
        crc.update(&page.value_head);
        page.values.iter().for_each(|piece| crc.update(piece));
        header.crc = Some(crc.finalize());

        let start = self.at;
        let mut prefix = header.encode();
        self.uncompressed += prefix.len() as u64 + header.uncompressed_bytes as u64;
        prefix.extend_from_slice(&page.repetition);
        prefix.extend_from_slice(&definitions);
        prefix.extend_from_slice(&page.value_head);
        self.push_piece(prefix.into());
        let values = self.at;
        page.values.into_iter().for_each(|piece| self.push_piece(piece));
        self.locations.push(PageLocation {
            offset: start as i64,
            compressed_page_size: page_size(self.at - start)?,
            first_row_index: self.rows as i64,
        });
        self.rows += page.row_count;
        self.entries += page.definitions.entry_count();
        self.data_pages += 1;
        Ok(PlacedPage { start, values, end: self.at })
    }

    /// Pads the definition levels until the values are aligned, or gives up and leaves them as they are.
    fn fit_levels(
        &self,
        page: &DataPage,
        stored: u64,
        align: bool,
    ) -> Result<(PageHeader, Vec<u8>)> {
        let plain = page.definitions.encode();
        let header = self.header(page, plain.len() as u64, stored)?;
        if !align {
            return Ok((header, plain));
        }
        let mut extra = 0usize;
        for _ in 0..8 {
            let padded = match extra {
                0 => Some(plain.clone()),
                extra => page.definitions.encode_with_extra(extra),
            };
            // Not every length can be reached: one more round of 64 often can.
            let Some(padded) = padded else {
                if extra > ALIGNMENT as usize {
                    break;
                }
                extra += ALIGNMENT as usize;
                continue;
            };
            let header = self.header(page, padded.len() as u64, stored)?;
            let prefix = header.encode().len()
                + page.repetition.len()
                + padded.len()
                + page.value_head.len();
            let over = (self.at - self.lead + prefix as u64) % ALIGNMENT;
            if over == 0 {
                return Ok((header, padded));
            }
            extra += (ALIGNMENT - over) as usize;
        }
        Ok((header, plain))
    }

    fn header(&self, page: &DataPage, definition_bytes: u64, stored: u64) -> Result<PageHeader> {
        let levels = definition_bytes + page.repetition.len() as u64;
        let entries = page.definitions.entry_count();
        Ok(PageHeader {
            kind: PageKind::DataV2 {
                value_count: page_size(entries)?,
                null_count: page_size(entries - page.value_count)?,
                row_count: page_size(page.row_count)?,
                encoding: self.encoding,
                definition_bytes: page_size(definition_bytes)?,
                repetition_bytes: page_size(page.repetition.len() as u64)?,
                is_compressed: page.is_compressed,
            },
            uncompressed_bytes: page_size(levels + page.uncompressed_values)?,
            compressed_bytes: page_size(levels + stored)?,
            crc: Some(0),
        })
    }

    fn push_piece(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.at += piece.len() as u64;
            self.pieces.push(piece);
        }
    }

    /// Completes the chunk.
    pub(crate) fn finish(
        self,
        descriptor: ColumnDescPtr,
        compression: Compression,
        layout: ChunkLayout,
    ) -> Result<EncodedChunk> {
        let data_encoding = match self.encoding {
            encoding::RLE_DICTIONARY => Encoding::RLE_DICTIONARY,
            encoding::BYTE_STREAM_SPLIT => Encoding::BYTE_STREAM_SPLIT,
            _ => Encoding::PLAIN,
        };
        let mut encodings = vec![Encoding::RLE, data_encoding];
        let mut stats = vec![PageEncodingStats {
            page_type: PageType::DATA_PAGE_V2,
            encoding: data_encoding,
            count: self.data_pages,
        }];
        if self.has_dictionary {
            encodings.push(Encoding::PLAIN);
            stats.insert(
                0,
                PageEncodingStats {
                    page_type: PageType::DICTIONARY_PAGE,
                    encoding: Encoding::PLAIN,
                    count: 1,
                },
            );
        }
        let metadata = ColumnChunkMetaData::builder(descriptor)
            .set_encodings(encodings)
            .set_page_encoding_stats(stats)
            .set_compression(compression)
            .set_num_values(self.entries as i64)
            .set_total_compressed_size(self.at as i64)
            .set_total_uncompressed_size(self.uncompressed as i64)
            .set_data_page_offset(self.lead as i64)
            .set_dictionary_page_offset(self.has_dictionary.then_some(0))
            .build()
            .map_err(FormatError::parquet("column chunk metadata"))?;
        let mut offset_index = OffsetIndexBuilder::new();
        for (i, page) in self.locations.iter().enumerate() {
            let next = self.locations.get(i + 1).map_or(self.rows as i64, |p| p.first_row_index);
            offset_index.append_row_count(next - page.first_row_index);
            offset_index.append_offset_and_size(page.offset, page.compressed_page_size);
        }
        Ok(EncodedChunk {
            pieces: self.pieces,
            byte_len: self.at,
            lead: self.lead,
            metadata,
            offset_index: Some(offset_index.build()),
            column_index: None,
            layout,
        })
    }
}

/// Compresses `plain` with zstd.
pub(crate) fn compress_zstd(plain: &[u8], level: i32) -> Result<Vec<u8>> {
    zstd::bulk::compress(plain, level)
        .map_err(|e| FormatError::malformed("a page to be compressed", e.to_string()))
}

fn page_size(bytes: u64) -> Result<i32> {
    i32::try_from(bytes).map_err(|_| FormatError::Limit {
        what: "the size of a page",
        found: bytes,
        limit: limits::MAX_PAGE_BYTES,
    })
}
