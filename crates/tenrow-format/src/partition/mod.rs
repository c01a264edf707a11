//! One Parquet file of a partition: assembled here, so that nothing is copied on the way to storage.
//!
//! ```text
//! PAR1 │ zeros │ chunk │ zeros │ chunk │ … │ column indexes │ offset indexes │ footer │ length │ PAR1
//!        └ up to 63 bytes: raw values begin at multiples of 64 of the file
//! ```
//! `spec/partition.md` is normative.

mod columns;
mod engine;

use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use arrow_array::ArrayRef;
use bytes::Bytes;
use parquet::arrow::{ArrowSchemaConverter, encode_arrow_schema};
use parquet::file::metadata::{
    FileMetaData, KeyValue, PageIndexPolicy, ParquetMetaData, ParquetMetaDataBuilder,
    ParquetMetaDataReader, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::writer::TrackedWrite;
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};

use crate::column::{self, ALIGNMENT, EncodedChunk};
use crate::error::{FormatError, Result};
use crate::footer_check::check_footer;
use crate::guard::guarded;
use crate::limits;
use crate::manifest::{Chunk, ChunkLayout};
use crate::schema::{Attribute, FieldId};

pub use columns::{columns_beside, columns_of, field_of_column};
pub use engine::{arrow_schema_of, footer_for_engines};

const MAGIC: &[u8; 4] = b"PAR1";
const CREATED_BY: &str = concat!("tenrow version ", env!("CARGO_PKG_VERSION"));

/// The encoded chunks of one attribute in one row group; made by [`PartitionEncoder::encode_column`].
///
/// ```
/// use std::sync::Arc;
/// use arrow_array::{ArrayRef, Int64Array};
/// use tenrow_format::{Attribute, partition::PartitionEncoder};
/// let (encoder, _) = PartitionEncoder::new(&[Attribute::parse("label:i64")?])?;
/// let labels: ArrayRef = Arc::new(Int64Array::from(vec![4, 5, 4]));
/// let column = encoder.encode_column(0, &[labels])?;
/// assert!(column.byte_len() >= 3 * 8);
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
pub struct EncodedColumn {
    chunks: Vec<EncodedChunk>,
}

impl EncodedColumn {
    /// Bytes that the column will take in the file, padding between chunks aside.
    pub fn byte_len(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.byte_len).sum()
    }
}

/// What a finished file is, for the leaf that will name it.
///
/// ```
/// use std::sync::Arc;
/// use arrow_array::{ArrayRef, Int64Array};
/// use tenrow_format::{Attribute, partition::PartitionEncoder};
/// let (mut encoder, _) = PartitionEncoder::new(&[Attribute::parse("label:i64")?])?;
/// let labels: ArrayRef = Arc::new(Int64Array::from(vec![4, 5, 4]));
/// let column = encoder.encode_column(0, &[labels])?;
/// encoder.push_row_group(3, vec![column])?;
/// let (_, file) = encoder.finish()?;
/// assert_eq!((file.row_groups, file.chunks.len()), (vec![3], 1));
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone)]
pub struct EncodedFile {
    /// Its attributes.
    pub field_ids: Vec<FieldId>,
    /// Bytes of the whole file.
    pub size_bytes: u64,
    /// Bytes of the page indexes, the footer and what follows it: the tail to read to decode any page.
    pub footer_bytes: u64,
    /// Rows of each row group.
    pub row_groups: Vec<u64>,
    /// Where every column chunk is.
    pub chunks: Vec<Chunk>,
    /// The Parquet metadata, with the statistics of its chunks.
    pub metadata: ParquetMetaData,
}

/// Turns row groups of Arrow arrays into the bytes of one Parquet file, front to back.
///
/// Encoding borrows the encoder only, so the columns of a row group may be encoded in parallel.
///
/// ```
/// use std::sync::Arc;
/// use arrow_array::{ArrayRef, Int64Array};
/// use tenrow_format::{Attribute, partition::PartitionEncoder};
/// let (mut encoder, magic) = PartitionEncoder::new(&[Attribute::parse("label:i64")?])?;
/// let labels: ArrayRef = Arc::new(Int64Array::from(vec![4, 5, 4]));
/// let column = encoder.encode_column(0, &[labels])?;
/// let mut bytes = magic.to_vec();
/// for piece in encoder.push_row_group(3, vec![column])? {
///     bytes.extend_from_slice(&piece);
/// }
/// let (tail, file) = encoder.finish()?;
/// bytes.extend_from_slice(&tail);
/// assert_eq!(bytes.len() as u64, file.size_bytes);
/// assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
pub struct PartitionEncoder {
    attributes: Vec<Attribute>,
    arrow_schema: arrow_schema::Schema,
    descriptor: Arc<SchemaDescriptor>,
    /// The Parquet leaf columns of each attribute.
    columns: Vec<Range<usize>>,
    at: u64,
    row_groups: Vec<RowGroupMetaData>,
    offset_indexes: Vec<Vec<OffsetIndexMetaData>>,
    column_indexes: Vec<Vec<ColumnIndexMetaData>>,
    chunks: Vec<Chunk>,
}

impl PartitionEncoder {
    /// An encoder for files of these attributes, and the first bytes of the file.
    ///
    /// # Errors
    /// [`FormatError::Parquet`] if Parquet has no such type.
    pub fn new(attributes: &[Attribute]) -> Result<(Self, Bytes)> {
        let fields: Vec<_> = attributes.iter().map(Attribute::arrow_field).collect();
        let arrow_schema = arrow_schema::Schema::new(fields);
        let descriptor = ArrowSchemaConverter::new()
            .convert(&arrow_schema)
            .map_err(FormatError::parquet("the schema"))?;
        let encoder = Self {
            columns: columns::of_roots(&descriptor, attributes.len()),
            attributes: attributes.to_vec(),
            arrow_schema,
            descriptor: Arc::new(descriptor),
            at: MAGIC.len() as u64,
            row_groups: Vec::new(),
            offset_indexes: Vec::new(),
            column_indexes: Vec::new(),
            chunks: Vec::new(),
        };
        Ok((encoder, Bytes::from_static(MAGIC)))
    }

    /// The attributes of the file, in order.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// Bytes of the file so far.
    pub fn size_bytes(&self) -> u64 {
        self.at
    }

    /// Row groups of the file so far.
    pub fn row_group_count(&self) -> usize {
        self.row_groups.len()
    }

    /// Encodes one attribute's arrays of one row group. CPU work only; shares the arrays' memory.
    ///
    /// # Errors
    /// If an array holds what the attribute does not allow.
    pub fn encode_column(&self, attribute: usize, arrays: &[ArrayRef]) -> Result<EncodedColumn> {
        let descriptors: Vec<ColumnDescPtr> =
            self.columns[attribute].clone().map(|column| self.descriptor.column(column)).collect();
        let chunks = column::encode_attribute(&self.attributes[attribute], arrays, &descriptors)?;
        Ok(EncodedColumn { chunks })
    }

    /// Appends a row group of `row_count` rows; gives the bytes to write next.
    ///
    /// # Errors
    /// [`FormatError::Parquet`] if the columns do not make a row group.
    pub fn push_row_group(
        &mut self,
        row_count: u64,
        columns: Vec<EncodedColumn>,
    ) -> Result<Vec<Bytes>> {
        let row_group = self.row_groups.len() as u32;
        let mut out = Vec::new();
        let mut metadata = Vec::with_capacity(self.descriptor.num_columns());
        let (mut offset_indexes, mut column_indexes) = (Vec::new(), Vec::new());
        let fields: Vec<FieldId> = self.attributes.iter().map(|attribute| attribute.id).collect();
        for (attribute, column) in columns.into_iter().enumerate() {
            for (chunk, column) in column.chunks.into_iter().zip(self.columns[attribute].clone()) {
                let start = self.pad_to(chunk.lead, &mut out);
                let by = start as i64;
                let place = |layout| Chunk {
                    field: fields[attribute],
                    row_group,
                    column: column as u32,
                    layout,
                };
                self.chunks.push(place(moved_layout(chunk.layout, start)));
                let descriptor = self.descriptor.column(column);
                metadata.push(column::moved(&chunk.metadata, by, descriptor)?);
                let index = chunk.offset_index.ok_or_else(|| {
                    FormatError::malformed("a column chunk", "its pages have no offsets")
                })?;
                offset_indexes.push(column::moved_index(index, by));
                column_indexes.push(chunk.column_index.unwrap_or(ColumnIndexMetaData::NONE));
                self.at += chunk.byte_len;
                out.extend(chunk.pieces);
            }
        }
        let total = metadata.iter().map(|chunk| chunk.uncompressed_size()).sum();
        let row_group = RowGroupMetaData::builder(self.descriptor.clone())
            .set_num_rows(row_count as i64)
            .set_total_byte_size(total)
            .set_ordinal(row_group as i16)
            .set_column_metadata(metadata)
            .build()
            .map_err(FormatError::parquet("row group metadata"))?;
        self.row_groups.push(row_group);
        self.offset_indexes.push(offset_indexes);
        self.column_indexes.push(column_indexes);
        Ok(out)
    }

    /// Zeros until `lead` bytes from here are aligned; the offset after them.
    fn pad_to(&mut self, lead: u64, out: &mut Vec<Bytes>) -> u64 {
        static ZEROS: [u8; ALIGNMENT as usize] = [0; ALIGNMENT as usize];
        let pad = (ALIGNMENT - (self.at + lead) % ALIGNMENT) % ALIGNMENT;
        if pad > 0 {
            out.push(Bytes::from_static(&ZEROS[..pad as usize]));
            self.at += pad;
        }
        self.at
    }

    /// Completes the file; gives its last bytes and its description.
    ///
    /// # Errors
    /// [`FormatError::Parquet`] if the metadata cannot be written.
    pub fn finish(self) -> Result<(Bytes, EncodedFile)> {
        let row_groups: Vec<u64> =
            self.row_groups.iter().map(|group| group.num_rows() as u64).collect();
        let arrow =
            KeyValue::new("ARROW:schema".to_owned(), encode_arrow_schema(&self.arrow_schema));
        let file = FileMetaData::new(
            2,
            row_groups.iter().sum::<u64>() as i64,
            Some(CREATED_BY.to_owned()),
            Some(vec![arrow]),
            self.descriptor.clone(),
            None,
        );
        let has_rows = !self.row_groups.is_empty();
        let metadata = ParquetMetaDataBuilder::new(file)
            .set_row_groups(self.row_groups)
            .set_offset_index(has_rows.then_some(self.offset_indexes))
            .set_column_index(has_rows.then_some(self.column_indexes))
            .build();
        let tail = Bytes::from(write_tail(self.at, &metadata)?);
        let metadata = decode_footer(&tail, self.at + tail.len() as u64)?;
        let mut chunks = self.chunks;
        for chunk in &mut chunks {
            let parquet =
                metadata.row_group(chunk.row_group as usize).column(chunk.column as usize);
            if let ChunkLayout::Indexed { offset_index } = &mut chunk.layout
                && let (Some(start), Some(len)) =
                    (parquet.offset_index_offset(), parquet.offset_index_length())
            {
                *offset_index = Some(start as u64..start as u64 + len as u64);
            }
        }
        let file = EncodedFile {
            field_ids: self.attributes.iter().map(|attribute| attribute.id).collect(),
            size_bytes: self.at + tail.len() as u64,
            footer_bytes: tail.len() as u64,
            row_groups,
            chunks,
            metadata,
        };
        Ok((tail, file))
    }
}

fn moved_layout(mut layout: ChunkLayout, by: u64) -> ChunkLayout {
    match &mut layout {
        ChunkLayout::Strided { first_page, .. } => *first_page += by,
        ChunkLayout::Paged { first_page, pages, .. } => {
            *first_page += by;
            pages.iter_mut().for_each(|page| page.values_offset += by);
        }
        ChunkLayout::Indexed { .. } => {}
    }
    layout
}

/// Writes page indexes and footer as they stand at offset `at` of a file.
fn write_tail(at: u64, metadata: &ParquetMetaData) -> Result<Vec<u8>> {
    /// Forgets the first bytes written to it: the writer takes its offsets from a count of bytes.
    struct Tail {
        skip: u64,
        bytes: Vec<u8>,
    }
    impl Write for Tail {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let skipped = self.skip.min(bytes.len() as u64);
            self.skip -= skipped;
            self.bytes.extend_from_slice(&bytes[skipped as usize..]);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let failed = |e: io::Error| FormatError::malformed("a footer", e.to_string());
    let mut tail = Tail { skip: at, bytes: Vec::new() };
    let mut tracked = TrackedWrite::new(&mut tail);
    let nothing = vec![0; 1 << 16];
    let mut left = at;
    while left > 0 {
        let step = left.min(nothing.len() as u64);
        tracked.write_all(&nothing[..step as usize]).map_err(failed)?;
        left -= step;
    }
    ParquetMetaDataWriter::new_with_tracked(tracked, metadata)
        .finish()
        .map_err(FormatError::parquet("the footer"))?;
    Ok(tail.bytes)
}

/// Decodes the footer, and the page indexes if they are there, from the last bytes of a file of
/// `file_bytes` bytes.
///
/// # Errors
/// [`FormatError::Truncated`], [`FormatError::Limit`] or [`FormatError::Parquet`].
pub fn decode_footer(tail: &Bytes, file_bytes: u64) -> Result<ParquetMetaData> {
    let len = tail.len() as u64;
    if len < 8 || len > file_bytes {
        return Err(FormatError::Truncated {
            what: "a Parquet footer".into(),
            found: len,
            expected: 8,
        });
    }
    if len > limits::MAX_FOOTER_BYTES {
        return Err(FormatError::Limit {
            what: "the size of a footer",
            found: len,
            limit: limits::MAX_FOOTER_BYTES,
        });
    }
    check_footer(tail)?;
    guarded("a Parquet footer", || {
        let mut reader =
            ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
        reader
            .try_parse_sized(tail, file_bytes)
            .map_err(FormatError::parquet("a Parquet footer"))?;
        reader.finish().map_err(FormatError::parquet("a Parquet footer"))
    })
}

#[cfg(test)]
mod tests;
