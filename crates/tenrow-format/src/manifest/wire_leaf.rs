//! The rows of a leaf as they are stored; `leaf_file` has the columns.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::chunk::{Chunk, ChunkLayout, PageStart};
use super::partition::{DataFile, DeletionVector, ForeignFile, KeyValue, Partition, RowIdRange};
use super::statistics::Statistics;
use crate::error::{FormatError, Result};
use crate::schema::FieldId;

#[derive(Serialize, Deserialize)]
pub(super) struct PartitionWire {
    row_count: u64,
    row_ids: Vec<RowIdRangeWire>,
    keys: Vec<KeyWire>,
    files: Vec<FileWire>,
    statistics: Vec<StatisticsWire>,
    deletes: Option<DeletesWire>,
    external_files: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct RowIdRangeWire {
    first: u64,
    count: u64,
}

#[derive(Serialize, Deserialize)]
struct KeyWire {
    field: u32,
    value: String,
}

#[derive(Serialize, Deserialize)]
struct StatisticsWire {
    field: u32,
    null_count: u64,
    min: Option<String>,
    max: Option<String>,
    exact: bool,
}

#[derive(Serialize, Deserialize)]
struct DeletesWire {
    path: String,
    size_bytes: u64,
    checksum: u64,
    row_count: u64,
}

#[derive(Serialize, Deserialize)]
struct FileWire {
    path: String,
    foreign: Option<ForeignWire>,
    size_bytes: u64,
    checksum: u64,
    footer_bytes: u64,
    sequence: Option<u64>,
    field_ids: Vec<u32>,
    row_groups: Vec<u64>,
    chunks: Vec<ChunkWire>,
}

#[derive(Serialize, Deserialize)]
struct ForeignWire {
    modified_ns: i64,
}

#[derive(Serialize, Deserialize, Default)]
struct ChunkWire {
    field: u32,
    row_group: u32,
    column: u32,
    layout: String,
    item_bits: Option<u8>,
    first_page: Option<u64>,
    page_stride: Option<u64>,
    page_rows: Option<u64>,
    prefix: Option<u32>,
    last_prefix: Option<u32>,
    value_count: Option<u64>,
    pages: Option<Vec<PageWire>>,
    null_rows: Option<Bits>,
    offset_index_start: Option<u64>,
    offset_index_end: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct PageWire {
    first_row: u64,
    first_value: u64,
    values_offset: u64,
}

/// Bytes that serde shall not see as a list of numbers.
struct Bits(Vec<u8>);

impl Serialize for Bits {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bits {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bits;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Bits, E> {
                Ok(Bits(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

impl From<&Partition> for PartitionWire {
    fn from(partition: &Partition) -> Self {
        let row_ids =
            |range: &RowIdRange| RowIdRangeWire { first: range.first, count: range.count };
        let key = |key: &KeyValue| KeyWire { field: key.field.0, value: key.value.to_string() };
        Self {
            row_count: partition.row_count,
            row_ids: partition.row_ids.iter().map(row_ids).collect(),
            keys: partition.keys.iter().map(key).collect(),
            files: partition.files.iter().map(FileWire::from).collect(),
            statistics: partition.statistics.iter().map(StatisticsWire::from).collect(),
            deletes: partition.deletes.as_ref().map(DeletesWire::from),
            external_files: partition.external_files.clone(),
        }
    }
}

impl PartitionWire {
    pub(super) fn into_partition(self) -> Result<Partition> {
        let row_ids = |range: RowIdRangeWire| RowIdRange { first: range.first, count: range.count };
        let key = |key: KeyWire| -> Result<KeyValue> {
            Ok(KeyValue { field: FieldId(key.field), value: parse_value(&key.value)? })
        };
        Ok(Partition {
            row_count: self.row_count,
            row_ids: self.row_ids.into_iter().map(row_ids).collect(),
            keys: self.keys.into_iter().map(key).collect::<Result<_>>()?,
            files: self.files.into_iter().map(FileWire::into_file).collect::<Result<_>>()?,
            statistics: self
                .statistics
                .into_iter()
                .map(StatisticsWire::into_statistics)
                .collect::<Result<_>>()?,
            deletes: self.deletes.map(DeletesWire::into_deletes),
            external_files: self.external_files,
        })
    }
}

fn parse_value(text: &str) -> Result<Value> {
    serde_json::from_str(text)
        .map_err(|e| FormatError::malformed(format!("JSON text {text:?}"), e.to_string()))
}

impl From<&Statistics> for StatisticsWire {
    fn from(statistics: &Statistics) -> Self {
        Self {
            field: statistics.field.0,
            null_count: statistics.null_count,
            min: statistics.min.as_ref().map(Value::to_string),
            max: statistics.max.as_ref().map(Value::to_string),
            exact: statistics.exact,
        }
    }
}

impl StatisticsWire {
    fn into_statistics(self) -> Result<Statistics> {
        Ok(Statistics {
            field: FieldId(self.field),
            null_count: self.null_count,
            min: self.min.as_deref().map(parse_value).transpose()?,
            max: self.max.as_deref().map(parse_value).transpose()?,
            exact: self.exact,
        })
    }
}

impl From<&DeletionVector> for DeletesWire {
    fn from(deletes: &DeletionVector) -> Self {
        Self {
            path: deletes.path.clone(),
            size_bytes: deletes.size_bytes,
            checksum: deletes.checksum,
            row_count: deletes.row_count,
        }
    }
}

impl DeletesWire {
    fn into_deletes(self) -> DeletionVector {
        DeletionVector {
            path: self.path,
            size_bytes: self.size_bytes,
            checksum: self.checksum,
            row_count: self.row_count,
        }
    }
}

impl From<&DataFile> for FileWire {
    fn from(file: &DataFile) -> Self {
        Self {
            path: file.path.clone(),
            foreign: file.foreign.map(|f| ForeignWire { modified_ns: f.modified_ns }),
            size_bytes: file.size_bytes,
            checksum: file.checksum,
            footer_bytes: file.footer_bytes,
            sequence: file.sequence,
            field_ids: file.field_ids.iter().map(|field| field.0).collect(),
            row_groups: file.row_groups.clone(),
            chunks: file.chunks.iter().map(ChunkWire::from).collect(),
        }
    }
}

impl FileWire {
    fn into_file(self) -> Result<DataFile> {
        Ok(DataFile {
            path: self.path,
            foreign: self.foreign.map(|f| ForeignFile { modified_ns: f.modified_ns }),
            size_bytes: self.size_bytes,
            checksum: self.checksum,
            footer_bytes: self.footer_bytes,
            sequence: self.sequence,
            field_ids: self.field_ids.into_iter().map(FieldId).collect(),
            row_groups: self.row_groups,
            chunks: self.chunks.into_iter().map(ChunkWire::into_chunk).collect::<Result<_>>()?,
        })
    }
}

const STRIDED: &str = "strided";
const PAGED: &str = "paged";
const INDEXED: &str = "indexed";

impl From<&Chunk> for ChunkWire {
    fn from(chunk: &Chunk) -> Self {
        let wire = Self {
            field: chunk.field.0,
            row_group: chunk.row_group,
            column: chunk.column,
            ..Self::default()
        };
        match &chunk.layout {
            &ChunkLayout::Strided {
                item_bits,
                first_page,
                page_stride,
                page_rows,
                prefix,
                last_prefix,
            } => Self {
                layout: STRIDED.into(),
                item_bits: Some(item_bits),
                first_page: Some(first_page),
                page_stride: Some(page_stride),
                page_rows: Some(page_rows),
                prefix: Some(prefix),
                last_prefix: Some(last_prefix),
                ..wire
            },
            ChunkLayout::Paged { item_bits, first_page, value_count, pages, null_rows } => Self {
                layout: PAGED.into(),
                item_bits: Some(*item_bits),
                first_page: Some(*first_page),
                value_count: Some(*value_count),
                pages: Some(pages.iter().map(PageWire::from).collect()),
                null_rows: (!null_rows.is_empty()).then(|| Bits(null_rows.clone())),
                ..wire
            },
            ChunkLayout::Indexed { offset_index } => Self {
                layout: INDEXED.into(),
                offset_index_start: offset_index.as_ref().map(|range| range.start),
                offset_index_end: offset_index.as_ref().map(|range| range.end),
                ..wire
            },
        }
    }
}

impl ChunkWire {
    fn into_chunk(self) -> Result<Chunk> {
        let (field, row_group, column) = (FieldId(self.field), self.row_group, self.column);
        let layout = match self.layout.as_str() {
            STRIDED => self.into_strided()?,
            PAGED => self.into_paged()?,
            INDEXED => self.into_indexed()?,
            other => {
                return Err(FormatError::TooNew {
                    what: "leaf".into(),
                    reason: format!("unknown chunk layout {other:?}"),
                });
            }
        };
        Ok(Chunk { field, row_group, column, layout })
    }

    fn into_strided(self) -> Result<ChunkLayout> {
        Ok(ChunkLayout::Strided {
            item_bits: present(self.item_bits, "item_bits")?,
            first_page: present(self.first_page, "first_page")?,
            page_stride: present(self.page_stride, "page_stride")?,
            page_rows: present(self.page_rows, "page_rows")?,
            prefix: present(self.prefix, "prefix")?,
            last_prefix: present(self.last_prefix, "last_prefix")?,
        })
    }

    fn into_paged(self) -> Result<ChunkLayout> {
        Ok(ChunkLayout::Paged {
            item_bits: present(self.item_bits, "item_bits")?,
            first_page: present(self.first_page, "first_page")?,
            value_count: present(self.value_count, "value_count")?,
            pages: present(self.pages, "pages")?.into_iter().map(PageStart::from).collect(),
            null_rows: self.null_rows.map(|bits| bits.0).unwrap_or_default(),
        })
    }

    fn into_indexed(self) -> Result<ChunkLayout> {
        let offset_index = match (self.offset_index_start, self.offset_index_end) {
            (None, None) => None,
            (start, end) => {
                Some(present(start, "offset_index_start")?..present(end, "offset_index_end")?)
            }
        };
        Ok(ChunkLayout::Indexed { offset_index })
    }
}

fn present<T>(value: Option<T>, column: &str) -> Result<T> {
    value.ok_or_else(|| FormatError::malformed("chunk of a leaf", format!("{column} is null")))
}

impl From<&PageStart> for PageWire {
    fn from(page: &PageStart) -> Self {
        Self {
            first_row: page.first_row,
            first_value: page.first_value,
            values_offset: page.values_offset,
        }
    }
}

impl From<PageWire> for PageStart {
    fn from(page: PageWire) -> Self {
        Self {
            first_row: page.first_row,
            first_value: page.first_value,
            values_offset: page.values_offset,
        }
    }
}
