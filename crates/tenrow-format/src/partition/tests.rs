use std::sync::Arc;

use arrow_array::builder::BooleanBufferBuilder;
use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, ListArray, RecordBatch, StringArray, make_array,
};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow_data::ArrayData;
use arrow_schema::{DataType, Field};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;
use crate::{AttributeType, DType, Encoding, ListShape, PageHeader, RawChunk, Schema, decode_page};

/// `count` elements with unlike bit patterns, from the `seed`-th on.
fn elements(dtype: DType, seed: u64, count: usize) -> ArrayRef {
    let pattern = |k: usize| (k as u64 + seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 5;
    let data_type = dtype.arrow_type();
    let buffer = match dtype.item_bytes() {
        Some(size) => Buffer::from_iter((0..count).flat_map(|k| {
            pattern(k).to_le_bytes().into_iter().take(size as usize).collect::<Vec<u8>>()
        })),
        None => {
            let mut bits = BooleanBufferBuilder::new(count);
            (0..count).for_each(|k| bits.append(pattern(k) & 8 == 8));
            bits.finish().into_inner()
        }
    };
    let data = ArrayData::builder(data_type).len(count).add_buffer(buffer).build().unwrap();
    make_array(data)
}

fn tensors(dtype: DType, n: usize, rows: usize, nulls: bool) -> ArrayRef {
    let item = Arc::new(Field::new("item", dtype.arrow_type(), true));
    let nulls = nulls.then(|| NullBuffer::from_iter((0..rows).map(|row| row % 5 != 3)));
    Arc::new(FixedSizeListArray::new(item, n as i32, elements(dtype, 11, n * rows), nulls))
}

/// A whole file of two row groups, the rows given in two batches each.
fn write(attributes: Vec<Attribute>, columns: &[ArrayRef]) -> (Bytes, EncodedFile) {
    let schema = Schema::new(attributes).unwrap();
    let (mut encoder, head) = PartitionEncoder::new(schema.attributes()).unwrap();
    let mut file = head.to_vec();
    let rows = columns[0].len();
    let cut = rows / 3;
    for range in [0..cut, cut..rows] {
        let encoded = columns.iter().enumerate().map(|(i, column)| {
            let half = range.len() / 2;
            let batches = [
                column.slice(range.start, half),
                column.slice(range.start + half, range.len() - half),
            ];
            encoder.encode_column(i, &batches).unwrap()
        });
        let encoded = encoded.collect();
        for piece in encoder.push_row_group(range.len() as u64, encoded).unwrap() {
            file.extend_from_slice(&piece);
        }
        assert_eq!(file.len() as u64, encoder.size_bytes());
    }
    let (tail, described) = encoder.finish().unwrap();
    file.extend_from_slice(&tail);
    assert_eq!(file.len() as u64, described.size_bytes);
    (file.into(), described)
}

fn read_with_parquet(file: &Bytes) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file.clone()).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<_> = reader.build().unwrap().map(|batch| batch.unwrap()).collect();
    arrow_select::concat::concat_batches(&schema, &batches).unwrap()
}

fn attribute(text: &str, encoding: Encoding) -> Attribute {
    Attribute::parse(text).unwrap().with_encoding(encoding)
}

#[test]
fn every_dtype_size_and_null_pattern_is_read_by_the_parquet_crate() {
    for dtype in DType::ALL {
        for n in [1usize, 3, 10, 784] {
            for nulls in [false, true] {
                let encodings = [Encoding::Raw, Encoding::Zstd(1), Encoding::Auto];
                let split = dtype.splits_into_bytes().then_some(Encoding::ByteStreamSplitZstd(1));
                for encoding in encodings.into_iter().chain(split) {
                    let mark = if nulls { "?" } else { "" };
                    let x = attribute(&format!("x:{dtype}[{n}]{mark}"), encoding);
                    let rows = if n == 784 { 2500 } else { 100 };
                    let column = tensors(dtype, n, rows, nulls);
                    let (file, _) = write(vec![x], std::slice::from_ref(&column));
                    let read = read_with_parquet(&file);
                    assert_eq!(
                        read.column(0).as_ref(),
                        column.as_ref(),
                        "{dtype} {n} {nulls} {encoding}"
                    );
                }
            }
        }
    }
}

#[test]
fn rows_are_where_the_layout_says() {
    for dtype in DType::ALL {
        for (n, nulls) in [(1, false), (3, true), (37, false), (784, true), (784, false)] {
            let mark = if nulls { "?" } else { "" };
            let x = attribute(&format!("x:{dtype}[{n}]{mark}"), Encoding::Raw);
            let column = tensors(dtype, n, 5000, nulls);
            let (file, described) = write(vec![x], std::slice::from_ref(&column));
            let mut first_row = 0;
            for chunk in &described.chunks {
                let rows = described.row_groups[chunk.row_group as usize];
                let raw = RawChunk::new(&chunk.layout, rows, dtype, Some(n as u64));
                let raw = raw.unwrap().unwrap();
                check_rows(&file, &raw, &column, first_row, rows, dtype);
                check_pages(&file, &raw, dtype, n as u64, nulls);
                first_row += rows as usize;
            }
        }
    }
}

fn check_rows(
    file: &Bytes,
    raw: &RawChunk<'_>,
    column: &ArrayRef,
    first: usize,
    rows: u64,
    dtype: DType,
) {
    let list = column.as_any().downcast_ref::<FixedSizeListArray>().unwrap();
    for row in (0..rows).step_by(7) {
        let place = raw.locate(row).unwrap();
        let global = first + row as usize;
        assert_eq!(place.is_none(), list.is_null(global));
        let Some(place) = place else { continue };
        if dtype.item_bits() == u64::from(raw.item_bits()) && dtype != DType::Bool {
            let bytes = place.bytes();
            let stored = &file[bytes.start as usize..bytes.end as usize];
            let data = list.value(global).to_data();
            let size = (dtype.item_bits() / 8) as usize;
            let start = data.offset() * size;
            assert_eq!(
                stored,
                &data.buffers()[0].as_slice()[start..start + stored.len()],
                "{dtype} {row}"
            );
        }
    }
    assert!(raw.locate(rows).is_err());
}

fn check_pages(file: &Bytes, raw: &RawChunk<'_>, dtype: DType, n: u64, nullable: bool) {
    for page in 0..raw.page_count() {
        let place = raw.page(page).unwrap();
        let bytes = file.slice(place.start as usize..place.end as usize);
        let shape = ListShape { nullable, nullable_elements: true };
        let decoded = decode_page(&bytes, dtype, shape, 1 << 30, true).unwrap();
        assert_eq!(decoded.rows.len() as u64, place.rows.end - place.rows.start);
        let values = (place.values.end - place.values.start) * n * dtype.item_bits();
        assert_eq!(decoded.values.len() as u64, values.div_ceil(8));
        // Short runs of levels, as nulls make them, cannot always be padded.
        if !nullable && (place.rows.end - place.rows.start) * n > 1000 {
            assert_eq!(place.values_offset % 64, 0, "{dtype} page {page}");
        }
    }
}

#[test]
fn lists_and_variable_tensors_are_read_by_the_parquet_crate() {
    let lengths: Vec<usize> = (0..3000).map(|row| [0, 5, 1, 90, 3][row % 5]).collect();
    let total = lengths.iter().sum();
    for dtype in [DType::U8, DType::I16, DType::F32, DType::Bool] {
        let item = Arc::new(Field::new("item", dtype.arrow_type(), true));
        let offsets = OffsetBuffer::from_lengths(lengths.iter().copied());
        let nulls = NullBuffer::from_iter((0..3000).map(|row| row % 7 != 0));
        let list = |nulls| {
            Arc::new(ListArray::new(
                item.clone(),
                offsets.clone(),
                elements(dtype, 3, total),
                nulls,
            ))
        };
        let dim = Arc::new(Field::new("item", DType::I32.arrow_type(), false));
        let dims = elements(DType::I32, 11, 2 * 3000);
        let shapes: ArrayRef = Arc::new(FixedSizeListArray::new(dim, 2, dims, None));
        let x: AttributeType = format!("{dtype}[?,?]").parse().unwrap();
        let DataType::Struct(fields) = x.arrow_type() else { panic!("a struct") };
        let boxes =
            arrow_array::StructArray::new(fields, vec![list(None), shapes], Some(nulls.clone()));
        let columns: [ArrayRef; 3] = [list(Some(nulls)), list(None), Arc::new(boxes)];
        let attributes = vec![
            attribute(&format!("a:list<{dtype}?>?"), Encoding::Raw),
            attribute(&format!("b:list<{dtype}?>"), Encoding::Zstd(3)),
            attribute(&format!("c:{dtype}[?,?]?"), Encoding::Raw),
        ];
        let (file, _) = write(attributes, &columns);
        let read = read_with_parquet(&file);
        for (i, column) in columns.iter().enumerate() {
            assert_eq!(read.column(i).as_ref(), column.as_ref(), "{dtype} column {i}");
        }
    }
}

#[test]
fn a_file_beside_text_is_read_by_the_parquet_crate() {
    use arrow_array::{BinaryArray, Int64Array, StructArray};
    let rows = 60;
    let contents: Vec<Option<Vec<u8>>> = (0..rows)
        .map(|i| (i % 9 != 4).then(|| vec![i as u8; [0, 10, 20_000, 70_000][i % 4]]))
        .collect();
    let none = || Arc::new(StringArray::from(vec![None::<&str>; rows])) as ArrayRef;
    let bytes: BinaryArray = contents.iter().map(|c| c.as_deref()).collect();
    let sizes = Int64Array::from_iter_values((0..rows).map(|i| i as i64));
    let nulls = NullBuffer::from_iter((0..rows).map(|row| row % 11 != 0));
    let files = StructArray::new(
        crate::file_fields(),
        vec![Arc::new(bytes), none(), none(), none(), Arc::new(sizes), none()],
        Some(nulls),
    );
    let text = StringArray::from_iter((0..rows).map(|i| (i % 3 > 0).then(|| format!("row {i}"))));
    let columns: [ArrayRef; 2] = [Arc::new(files), Arc::new(text)];
    let attributes =
        vec![attribute("photo:file?", Encoding::Raw), attribute("name:string?", Encoding::Zstd(1))];
    let (file, _) = write(attributes, &columns);
    let read = read_with_parquet(&file);
    assert_eq!(read.column(0).as_ref(), columns[0].as_ref());
    assert_eq!(read.column(1).as_ref(), columns[1].as_ref());
}

#[test]
fn pages_cut_or_flipped_never_panic_and_fail_their_checksum() {
    let x = attribute("x:u8[10]?", Encoding::Raw);
    let column = tensors(DType::U8, 10, 30, true);
    let (file, described) = write(vec![x], std::slice::from_ref(&column));
    let layout = &described.chunks[0].layout;
    let raw = RawChunk::new(layout, described.row_groups[0], DType::U8, Some(10));
    let raw = raw.unwrap().unwrap();
    let place = raw.page(0).unwrap();
    let page = file.slice(place.start as usize..place.end as usize);
    let shape = ListShape { nullable: true, nullable_elements: true };
    for end in 0..page.len() {
        decode_page(&page.slice(..end), DType::U8, shape, 1000, true).unwrap_err();
    }
    let header_len = crate::PageHeader::decode(&page).unwrap().1;
    for bit in 0..page.len() * 8 {
        let mut bad = page.to_vec();
        bad[bit / 8] ^= 1 << (bit % 8);
        let bad = Bytes::from(bad);
        let _ = decode_page(&bad, DType::U8, shape, 1000, false);
        let checked = decode_page(&bad, DType::U8, shape, 1000, true);
        assert!(checked.is_err() || bit / 8 < header_len, "bit {bit} of the body");
    }
}

#[test]
fn every_page_says_its_checksum() {
    let text: ArrayRef = Arc::new(StringArray::from_iter(
        (0..5000).map(|row| (row % 7 != 0).then(|| format!("row {}", row % 100))),
    ));
    let attributes = vec![
        attribute("name:string?", Encoding::Zstd(1)),
        attribute("image:u8[12]", Encoding::Raw),
    ];
    let (file, _) = write(attributes, &[text, tensors(DType::U8, 12, 5000, false)]);
    let reader = ParquetRecordBatchReaderBuilder::try_new(file.clone()).unwrap();
    let groups = reader.metadata().row_groups();
    for chunk in groups.iter().flat_map(|group| group.columns()) {
        let (start, len) = chunk.byte_range();
        let (mut at, end) = (start as usize, (start + len) as usize);
        let mut uncompressed = 0;
        while at < end {
            let (header, header_len) = PageHeader::decode(&file[at..end]).unwrap();
            let body = at + header_len..at + header_len + header.compressed_bytes as usize;
            assert!(header.crc.is_some(), "page at {at} of {:?}", chunk.column_path());
            header.check_crc(&file[body.clone()], "page").unwrap();
            uncompressed += header_len as i64 + i64::from(header.uncompressed_bytes);
            at = body.end;
        }
        assert_eq!((at, uncompressed), (end, chunk.uncompressed_size()));
    }
}
