use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{WriterProperties, WriterVersion};
use proptest::prelude::*;
use serde_json::json;

use super::strategies;
use crate::manifest::*;
use crate::{FieldId, FormatError, Result, checksum};

pub(super) fn decode(bytes: Vec<u8>) -> Result<Leaf> {
    let checksum = checksum(&bytes);
    Leaf::decode(bytes.into(), checksum)
}

/// One partition with a chunk of each layout.
pub(super) fn sample() -> Leaf {
    let chunk = |column, layout| Chunk { field: FieldId(column + 1), row_group: 0, column, layout };
    let page =
        |first_row, first_value, values_offset| PageStart { first_row, first_value, values_offset };
    let strided = ChunkLayout::Strided {
        item_bits: 8,
        first_page: 4,
        page_stride: 100,
        page_rows: 4,
        prefix: 20,
        last_prefix: 24,
    };
    let paged = ChunkLayout::Paged {
        item_bits: 32,
        first_page: 300,
        value_count: 8,
        pages: vec![page(0, 0, 320), page(5, 4, 360)],
        null_rows: vec![0b0000_0110, 0],
    };
    let indexed = ChunkLayout::Indexed { offset_index: Some(400..420) };
    let file = DataFile {
        path: "data/a.parquet".into(),
        foreign: None,
        size_bytes: 1000,
        checksum: 0xfeed,
        footer_bytes: 500,
        sequence: None,
        field_ids: vec![FieldId(1), FieldId(2), FieldId(3)],
        row_groups: vec![10],
        chunks: vec![chunk(0, strided), chunk(1, paged), chunk(2, indexed)],
    };
    Leaf {
        partitions: vec![Partition {
            row_count: 10,
            row_ids: vec![RowIdRange { first: 30, count: 4 }, RowIdRange { first: 7, count: 6 }],
            keys: vec![KeyValue { field: FieldId(3), value: json!("train") }],
            files: vec![file],
            statistics: vec![Statistics::new(FieldId(1), 0, Some(json!(1)), Some(json!(2.5)))],
            deletes: Some(DeletionVector {
                path: "_tenrow/deletes/d".into(),
                size_bytes: 30,
                checksum: 9,
                row_count: 2,
            }),
            external_files: vec!["files/ab/abc".into()],
        }],
    }
}

fn changed(change: impl FnOnce(&mut Partition)) -> Result<Vec<u8>> {
    let mut leaf = sample();
    change(&mut leaf.partitions[0]);
    leaf.encode()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn leaves_are_read_back_as_written(leaf in strategies::leaf()) {
        let bytes = leaf.encode().unwrap();
        prop_assert_eq!(decode(bytes).unwrap(), leaf);
    }

    #[test]
    fn bytes_overwritten_and_the_checksum_recomputed_get_an_answer(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let mut bytes = sample().encode().unwrap();
        for (at, byte) in edits {
            *at.get_mut(&mut bytes) = byte;
        }
        if let Ok(leaf) = decode(bytes) {
            leaf.encode().unwrap();
        }
    }

    #[test]
    fn any_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(decode(bytes).is_err());
    }
}

#[test]
fn a_leaf_cut_at_any_byte_is_an_error() {
    let good = sample().encode().unwrap();
    for end in 0..good.len() {
        let cut = Bytes::copy_from_slice(&good[..end]);
        let error = Leaf::decode(cut, checksum(&good)).unwrap_err();
        assert!(matches!(error, FormatError::Checksum { .. }), "{end}: {error}");
        assert!(decode(good[..end].to_vec()).is_err(), "{end}");
    }
}

#[test]
fn a_leaf_with_any_bit_flipped_fails_its_checksum() {
    let good = sample().encode().unwrap();
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let error = Leaf::decode(bytes.into(), checksum(&good)).unwrap_err();
        assert!(matches!(error, FormatError::Checksum { .. }), "bit {bit}: {error}");
    }
}

#[test]
fn a_leaf_with_any_bit_flipped_and_its_checksum_recomputed_gets_an_answer() {
    let good = sample().encode().unwrap();
    // Every 7th bit: all take minutes in a debug build.
    for bit in (0..good.len() * 8).step_by(7) {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(leaf) = decode(bytes) {
            leaf.encode().unwrap(); // which checks every rule
        }
    }
}

#[test]
fn equal_leaves_give_equal_bytes() {
    assert_eq!(sample().encode().unwrap(), sample().encode().unwrap());
}

#[test]
fn live_rows_are_those_that_are_not_deleted() {
    let leaf = sample();
    assert_eq!((leaf.live_rows(), leaf.row_map().locate(7)), (8, Some((0, 7))));
    assert_eq!(leaf.row_map().locate(8), None);
}

#[test]
fn features_are_those_in_use() {
    let features: Vec<_> = sample().features().into_iter().collect();
    assert_eq!(features, [FEATURE_DELETION_VECTORS, FEATURE_EXTERNAL_FILES]);
}

/// The sample's columns, to be written again otherwise.
pub(super) fn batch() -> RecordBatch {
    let bytes = Bytes::from(sample().encode().unwrap());
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
    reader.map(|batch| batch.unwrap()).next().unwrap()
}

pub(super) fn write(batch: &RecordBatch) -> Vec<u8> {
    let plain = WriterProperties::builder().set_dictionary_enabled(false).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(plain)).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn with_column(batch: &RecordBatch, name: &str, column: ArrayRef) -> RecordBatch {
    let schema = batch.schema();
    let kept =
        schema.fields().iter().zip(batch.columns()).filter(|(field, _)| field.name() != name);
    let columns: Vec<(String, ArrayRef)> =
        kept.map(|(field, column)| (field.name().clone(), column.clone())).collect();
    RecordBatch::try_from_iter(columns.into_iter().chain([(name.to_owned(), column)])).unwrap()
}

#[test]
fn a_leaf_of_which_only_some_partitions_name_ids_is_refused() {
    let mut leaf = sample();
    let mut second = leaf.partitions[0].clone();
    second.files[0].path = "data/b.parquet".into();
    leaf.partitions.push(second);
    leaf.encode().unwrap();
    leaf.partitions[1].row_ids.clear();
    let error = leaf.encode().unwrap_err().to_string();
    assert!(error.contains("all or none"), "{error}");
    // A partition without rows has no ids to name.
    leaf.partitions[1] =
        Partition { files: leaf.partitions[1].files.clone(), ..Partition::default() };
    leaf.partitions[1].files[0].row_groups.clear();
    leaf.partitions[1].files[0].chunks.clear();
    leaf.encode().unwrap();
}

#[test]
fn pages_of_another_kind_than_leaves_have_are_refused() {
    let plain = || WriterProperties::builder().set_dictionary_enabled(false);
    for (properties, reason) in [
        (plain().set_writer_version(WriterVersion::PARQUET_2_0), "version 1"),
        (plain().set_column_encoding("row_count".into(), Encoding::DELTA_BINARY_PACKED), "plain"),
        (plain().set_compression(Compression::SNAPPY), "zstd"),
        (WriterProperties::builder(), "dictionary"),
    ] {
        let batch = batch();
        let properties = Some(properties.build());
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), properties).unwrap();
        writer.write(&batch).unwrap();
        let error = decode(writer.into_inner().unwrap()).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn columns_in_another_order_and_unknown_ones_are_read() {
    let added = with_column(&batch(), "bloom", Arc::new(Int64Array::from(vec![1])));
    let count = added.column_by_name("row_count").unwrap().clone();
    assert_eq!(decode(write(&with_column(&added, "row_count", count))).unwrap(), sample());
}

#[test]
fn a_missing_column_is_malformed_and_named() {
    let error = decode(write(&batch().project(&[0, 1, 2]).unwrap())).unwrap_err();
    assert!(error.to_string().contains("column files.path is missing"), "{error}");
}

#[test]
fn a_column_of_another_type_is_malformed_and_named() {
    let column: ArrayRef = Arc::new(arrow_array::StringArray::from(vec!["10"]));
    let error = decode(write(&with_column(&batch(), "row_count", column))).unwrap_err();
    assert!(error.to_string().contains("column row_count is Utf8, expected Int64"), "{error}");
}

#[test]
fn a_negative_number_is_malformed() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![-10]));
    let error = decode(write(&with_column(&batch(), "row_count", column))).unwrap_err();
    assert!(matches!(error, FormatError::Malformed { .. }), "{error}");
}

#[test]
fn a_null_where_there_must_be_a_number_is_malformed() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![None]));
    let error = decode(write(&with_column(&batch(), "row_count", column))).unwrap_err();
    assert!(matches!(error, FormatError::Malformed { .. }), "{error}");
}

#[test]
fn a_footer_that_claims_more_than_its_bytes_allocates_nothing() {
    let mut bytes = sample().encode().unwrap();
    // One row, then a list of one row group: which is made 2^31 - 1 of them.
    let one_row_group = [0x16, 0x02, 0x19, 0x1c];
    let at = bytes.windows(4).rposition(|window| window == one_row_group).unwrap();
    let claim = [0xfc, 0xff, 0xff, 0xff, 0xff, 0x07];
    bytes.splice(at + 3..at + 4, claim);
    let tail = bytes.len() - 8;
    let length = u32::from_le_bytes(bytes[tail..tail + 4].try_into().unwrap()) + 5;
    bytes[tail..tail + 4].copy_from_slice(&length.to_le_bytes());
    let error = decode(bytes).unwrap_err();
    assert!(error.to_string().contains("miscounted"), "{error}");
}

#[test]
fn a_dictionary_is_malformed() {
    let mut writer = ArrowWriter::try_new(Vec::new(), batch().schema(), None).unwrap();
    writer.write(&batch()).unwrap();
    let error = decode(writer.into_inner().unwrap()).unwrap_err();
    assert!(error.to_string().contains("it has a dictionary"), "{error}");
}

#[test]
fn more_partitions_than_the_limit_are_refused() {
    let empty = Leaf { partitions: vec![Partition::default(); (1 << 16) + 1] };
    assert!(matches!(empty.encode(), Err(FormatError::Limit { .. })));
}

/// Rows in these row groups, of which nothing else is said.
fn in_row_groups(partition: &mut Partition, row_groups: Vec<u64>) {
    partition.row_count = row_groups.iter().sum();
    partition.row_ids.clear();
    partition.files.truncate(1);
    partition.files[0].chunks.clear();
    partition.files[0].row_groups = row_groups;
}

#[test]
fn rules_that_a_partition_breaks_are_errors() {
    type Change = fn(&mut Partition);
    let changes: [(&str, Change); 25] = [
        ("rows that are not in the files", |p| p.row_count = 11),
        ("rows beyond 2^63", |p| p.row_count = u64::MAX),
        ("row groups that overflow", |p| p.files[0].row_groups = vec![u64::MAX, 11]),
        ("a row group beyond the limit", |p| in_row_groups(p, vec![(1 << 20) + 1])),
        ("row groups beyond the limit", |p| in_row_groups(p, vec![1; 32_768])),
        ("more nulls than rows", |p| {
            let nulls = p.row_count + 1;
            p.statistics = vec![Statistics::new(FieldId(1), nulls, None, None)];
        }),
        ("no file", |p| p.files.clear()),
        ("a file twice", |p| p.files = vec![p.files[0].clone(), p.files[0].clone()]),
        ("a file outside", |p| p.files[0].path = "/data/a.parquet".into()),
        ("a footer larger than the file", |p| p.files[0].footer_bytes = 1001),
        ("a footer without magic", |p| p.files[0].footer_bytes = 7),
        ("a footer beyond the limit", |p| {
            p.files[0].size_bytes = 1 << 50;
            p.files[0].footer_bytes = 1 << 40;
        }),
        ("a size that Parquet cannot hold", |p| p.files[0].size_bytes = u64::MAX),
        ("a field twice", |p| p.files[0].field_ids.push(FieldId(1))),
        ("a chunk of no field", |p| p.files[0].chunks[0].field = FieldId(8)),
        ("a chunk of no row group", |p| p.files[0].chunks[0].row_group = 1),
        ("a chunk twice", |p| p.files[0].chunks[0].column = 1),
        ("too few row ids", |p| p.row_ids.truncate(1)),
        ("row ids that overlap", |p| p.row_ids[1].first = 25),
        ("row ids that overflow", |p| p.row_ids[0].first = u64::MAX),
        ("a key that is a fraction", |p| p.keys[0].value = json!(0.5)),
        ("a key twice", |p| p.keys.push(p.keys[0].clone())),
        ("more deleted than there are", |p| p.deletes.as_mut().unwrap().row_count = 11),
        ("deletes outside", |p| p.deletes.as_mut().unwrap().path = "a/../../b".into()),
        ("an external file outside", |p| p.external_files[0] = "/etc/passwd".into()),
    ];
    for (rule, change) in changes {
        assert!(changed(change).is_err(), "{rule}");
    }
}

#[test]
fn addresses_outside_the_file_are_errors() {
    let strided = |first_page, page_stride, page_rows| ChunkLayout::Strided {
        item_bits: 8,
        first_page,
        page_stride,
        page_rows,
        prefix: 20,
        last_prefix: 24,
    };
    let paged = |offsets: [u64; 2], first_row, value_count, null_rows: &[u8]| ChunkLayout::Paged {
        item_bits: 32,
        first_page: 300,
        value_count,
        pages: vec![
            PageStart { first_row: 0, first_value: 0, values_offset: offsets[0] },
            PageStart { first_row, first_value: 4, values_offset: offsets[1] },
        ],
        null_rows: null_rows.to_vec(),
    };
    let no_pages = ChunkLayout::Paged {
        item_bits: 8,
        first_page: 4,
        value_count: 10,
        pages: vec![],
        null_rows: vec![],
    };
    let layouts = [
        ("pages of no rows", strided(4, 100, 0)),
        ("a stride of 0", strided(4, 0, 4)),
        ("a stride below the prefix", strided(4, 19, 4)),
        ("a last page in the footer", strided(477, 100, 100)),
        ("an address beyond 2^64", strided(u64::MAX, 100, 4)),
        ("a stride beyond 2^64", strided(4, u64::MAX, 4)),
        ("no pages", no_pages),
        ("pages that do not ascend", paged([360, 320], 5, 8, &[])),
        ("values that run into the next page", paged([320, 335], 5, 8, &[])),
        ("values that run into the footer", paged([320, 490], 5, 8, &[])),
        ("values before the first page", paged([299, 360], 5, 8, &[])),
        ("rows that do not ascend", paged([320, 360], 0, 8, &[])),
        ("rows beyond the row group", paged([320, 360], 10, 8, &[])),
        ("fewer values than pages say", paged([320, 360], 5, 3, &[])),
        ("values beyond 2^64", paged([320, 360], 5, u64::MAX, &[])),
        ("null rows cut short", paged([320, 360], 5, 8, &[1])),
        ("null rows beyond the last", paged([320, 360], 5, 8, &[1, 0b100])),
        ("an index beyond the file", ChunkLayout::Indexed { offset_index: Some(400..100_000) }),
        ("an index of no bytes", ChunkLayout::Indexed { offset_index: Some(400..400) }),
        (
            "an index turned round",
            ChunkLayout::Indexed { offset_index: Some(Range { start: 410, end: 400 }) },
        ),
    ];
    for (rule, layout) in layouts {
        let result = changed(|p| p.files[0].chunks[1].layout = layout);
        assert!(matches!(result, Err(FormatError::Malformed { .. })), "{rule}");
    }
    let nibbles = changed(|p| match &mut p.files[0].chunks[0].layout {
        ChunkLayout::Strided { item_bits, .. } => *item_bits = 4,
        _ => unreachable!(),
    });
    assert!(nibbles.unwrap_err().to_string().contains("4 bits"));
}

/// A new version of what writes Parquet may change them too: then this says so.
#[test]
fn the_bytes_of_a_leaf_are_these() {
    let bytes = sample().encode().unwrap();
    assert_eq!((bytes.len(), checksum(&bytes)), (5655, 0x35b8_2302_8947_139a));
}
