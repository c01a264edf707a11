use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampMicrosecondType, TimestampNanosecondType};
use parquet::basic::{ConvertedType, Repetition};
use parquet::data_type::{FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int96, Int96Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::*;
use crate::{Source, TableSource};

/// Nanoseconds of a day, and the day since 4713 BC, as Spark and Impala write times.
fn int96(day: u32, nanoseconds: u64) -> Int96 {
    let mut value = Int96::new();
    value.set_data(nanoseconds as u32, (nanoseconds >> 32) as u32, day);
    value
}

fn interval(months: u32, days: u32, milliseconds: u32) -> FixedLenByteArray {
    let parts = [months, days, milliseconds].map(u32::to_le_bytes);
    FixedLenByteArray::from(parts.concat())
}

fn write(
    column: Type,
    put: impl FnOnce(&mut parquet::file::writer::SerializedColumnWriter<'_>),
) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.parquet");
    let root = Type::group_type_builder("schema").with_fields(vec![Arc::new(column)]);
    let schema = Arc::new(root.build().unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    put(&mut column);
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    (dir, path)
}

fn times(values: &[Int96]) -> (tempfile::TempDir, std::path::PathBuf) {
    let column = Type::primitive_type_builder("t", PhysicalType::INT96).build().unwrap();
    write(column, |column| {
        column
            .typed::<Int96Type>()
            .write_batch(values, Some(&vec![1; values.len()]), None)
            .unwrap();
    })
}

fn intervals(values: &[FixedLenByteArray]) -> (tempfile::TempDir, std::path::PathBuf) {
    let column = Type::primitive_type_builder("i", PhysicalType::FIXED_LEN_BYTE_ARRAY)
        .with_length(12)
        .with_converted_type(ConvertedType::INTERVAL)
        .build()
        .unwrap();
    write(column, |column| {
        let levels = vec![1; values.len()];
        column.typed::<FixedLenByteArrayType>().write_batch(values, Some(&levels), None).unwrap();
    })
}

fn first(path: &Path) -> (String, ArrayRef) {
    let mut source = TableSource::parquet(path).unwrap();
    let text = source.attributes()[0].type_text();
    (text, source.next_batch().unwrap().unwrap().column(0).clone())
}

const EPOCH: u32 = 2_440_588;
const DAYS_TO_9999: u32 = 2_932_896;

#[test]
fn int96_times_are_nanoseconds_where_these_reach_and_else_microseconds() {
    let (_dir, path) = times(&[int96(EPOCH, 1), int96(EPOCH + 1, 0)]);
    let (text, column) = first(&path);
    assert_eq!(text, "timestamp(ns)?");
    assert_eq!(column.as_primitive::<TimestampNanosecondType>().values(), &[1, 86_400_000_000_000]);
    // 9999-12-31 came out as 1816.
    let (_dir, path) = times(&[int96(EPOCH + DAYS_TO_9999, 5_000), int96(EPOCH, 0)]);
    let (text, column) = first(&path);
    assert_eq!(text, "timestamp(us)?");
    let expected = i64::from(DAYS_TO_9999) * 86_400_000_000 + 5;
    assert_eq!(column.as_primitive::<TimestampMicrosecondType>().values(), &[expected, 0]);
    let file = crate::table_file::TableFile::new(path);
    let error = crate::formats::check_in_place(&file).unwrap_err().to_string();
    assert!(error.contains("--in-place"), "{error}");
    // The year 1.
    let (_dir, path) = times(&[int96(1_721_426, 0)]);
    assert_eq!(first(&path).0, "timestamp(us)?");
}

#[test]
fn int96_times_that_no_type_holds_are_refused() {
    for values in
        [&[int96(EPOCH + DAYS_TO_9999, 1)][..], &[int96(EPOCH + DAYS_TO_9999, 0), int96(EPOCH, 1)]]
    {
        let (_dir, path) = times(values);
        let error = TableSource::parquet(&path).err().unwrap().to_string();
        assert!(error.contains("\"t\"") && error.contains("INT96"), "{error}");
    }
}

#[test]
fn intervals_keep_their_months_or_are_refused() {
    let (_dir, path) = intervals(&[interval(0, 3, 500)]);
    assert_eq!(first(&path).0, "interval(day_time)?");
    let (_dir, path) = intervals(&[interval(13, 0, 0), interval(0, 0, 0)]);
    let (text, column) = first(&path);
    assert_eq!(text, "interval(year_month)?");
    assert_eq!(column.as_primitive::<IntervalYearMonthType>().values(), &[13, 0]);
    for values in [&[interval(1, 1, 0)][..], &[interval(1, 0, 0), interval(0, 0, 1)]] {
        let (_dir, path) = intervals(values);
        let error = TableSource::parquet(&path).err().unwrap().to_string();
        assert!(error.contains("months"), "{error}");
    }
}

/// Lists of two levels, as Avro and Thrift wrote them: a group called LIST around a repeated value, or a repeated value alone.
#[test]
fn lists_of_two_levels_are_read_as_the_lists_that_they_are() {
    let number = |name: &str| {
        let number = Type::primitive_type_builder(name, PhysicalType::INT32);
        Arc::new(number.with_repetition(Repetition::REPEATED).build().unwrap())
    };
    let group = |name: &str| {
        let list = Type::group_type_builder("l").with_repetition(Repetition::OPTIONAL);
        let list = list.with_converted_type(ConvertedType::LIST);
        list.with_fields(vec![number(name)]).build().unwrap()
    };
    let alone = Arc::unwrap_or_clone(number("l"));
    for (column, null_level) in
        [(group("array"), 1), (group("l_tuple"), 1), (group("element"), 1), (alone, 0)]
    {
        let name = column.name().to_owned();
        let (_dir, path) = write(column, |column| {
            // [1, 2], [], [3]
            let (full, empty) = (null_level + 1, null_level);
            column
                .typed::<Int32Type>()
                .write_batch(&[1, 2, 3], Some(&[full, full, empty, full]), Some(&[0, 1, 0, 0]))
                .unwrap();
        });
        let mut source = TableSource::parquet(&path).unwrap();
        assert!(source.attributes()[0].type_text().starts_with("list<i32"), "{name}");
        let batch = source.next_batch().unwrap().unwrap();
        let lists = batch.column(0).as_list::<i32>();
        let found: Vec<Vec<i32>> = (0..3)
            .map(|row| {
                lists.value(row).as_primitive::<arrow_array::types::Int32Type>().values().to_vec()
            })
            .collect();
        assert_eq!(found, [vec![1, 2], vec![], vec![3]], "{name}");
    }
}

/// Rows of tensors with a null within them came out with whatever stood in its place.
#[test]
fn lists_with_nulls_within_are_no_tensors_in_place() {
    use arrow_array::{FixedSizeListArray, Int64Array, RecordBatch};
    use arrow_buffer::NullBuffer;
    use parquet::arrow::ArrowWriter;

    use crate::formats::check_in_place;
    use crate::table_file::TableFile;

    let dir = tempfile::tempdir().unwrap();
    for (number, (values, rows, is_tensor)) in [
        ([Some(1), Some(2), Some(3), Some(4)], [true, true], true),
        ([Some(1), Some(2), None, None], [true, false], true),
        ([Some(1), Some(2), None, Some(4)], [true, true], false),
    ]
    .into_iter()
    .enumerate()
    {
        let item = Arc::new(arrow_schema::Field::new("item", DataType::Int64, true));
        let values = Arc::new(Int64Array::from(values.to_vec()));
        let nulls = Some(NullBuffer::from(rows.to_vec()));
        let lists: ArrayRef = Arc::new(FixedSizeListArray::new(item, 2, values, nulls));
        let batch = RecordBatch::try_from_iter([("v", lists)]).unwrap();
        let path = dir.path().join(format!("{number}.parquet"));
        let file = std::fs::File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let checked = check_in_place(&TableFile::new(path));
        match checked {
            Ok(()) => assert!(is_tensor),
            Err(error) => {
                assert!(!is_tensor && error.to_string().contains("null within the list in row 1"));
            }
        }
    }
}
