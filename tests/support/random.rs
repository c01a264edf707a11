//! Random rows of any schema, the same for the same seed on every machine and with every release.

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, StringBuilder};
use arrow_array::{
    Array, ArrayRef, FixedSizeBinaryArray, FixedSizeListArray, ListArray, MapArray, RecordBatch,
    StructArray, make_array, new_empty_array,
};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow_data::ArrayData;
use arrow_schema::{DataType, Field, Fields, TimeUnit};
use tenrow::{Attribute, AttributeType, Columns, DType, FileValue, Schema};

use crate::pattern;

/// Numbers that follow from a seed (SplitMix64): what golden datasets hold depends on them.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The numbers of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.bits() % limit
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

impl crate::mutate::Choices for Dice {
    fn below(&mut self, limit: u64) -> u64 {
        Dice::below(self, limit)
    }
}

/// `rows` random rows of `schema`: nulls where they may be, NaNs of all kinds, empty lists.
pub fn batch(schema: &Schema, seed: u64, rows: usize) -> RecordBatch {
    let columns = schema.attributes().iter().fold(Columns::new(), |columns, attribute| {
        let mut dice = Dice::new(seed ^ u64::from(attribute.id.0) << 32);
        columns.array(&attribute.name, column(&mut dice, attribute, rows))
    });
    columns.into_batch().expect("columns of equal length")
}

/// The column of one attribute.
pub fn column(dice: &mut Dice, attribute: &Attribute, rows: usize) -> ArrayRef {
    let nulls = attribute.nullable.then(|| nulls(dice, rows)).flatten();
    match &attribute.attribute_type {
        AttributeType::Tensor { dtype, shape } if shape.element_count() == 0 => {
            let offsets = OffsetBuffer::new_zeroed(rows);
            let values = new_empty_array(&dtype.arrow_type());
            Arc::new(ListArray::new(item(*dtype), offsets, values, nulls))
        }
        AttributeType::Tensor { dtype, shape } => {
            let n = shape.element_count() as usize;
            let values = numbers(dice, *dtype, rows * n);
            Arc::new(FixedSizeListArray::new(item(*dtype), n as i32, values, nulls))
        }
        AttributeType::VariableTensor { dtype, shape } => {
            variable_tensors(dice, *dtype, shape.dims(), rows, nulls)
        }
        AttributeType::Scalar(dtype) => with_nulls(numbers(dice, *dtype, rows), nulls),
        AttributeType::File => files(dice, rows, nulls.as_ref()),
        other => values(dice, &other.arrow_type(), rows, nulls),
    }
}

fn item(dtype: DType) -> Arc<Field> {
    Arc::new(Field::new("item", dtype.arrow_type(), true))
}

/// One row in four, or none.
fn nulls(dice: &mut Dice, rows: usize) -> Option<NullBuffer> {
    (!dice.once_in(4)).then(|| NullBuffer::from_iter((0..rows).map(|_| !dice.once_in(4))))
}

fn with_nulls(array: ArrayRef, nulls: Option<NullBuffer>) -> ArrayRef {
    let data = array.to_data().into_builder().nulls(nulls);
    make_array(data.build().expect("as many nulls as values"))
}

fn numbers(dice: &mut Dice, dtype: DType, count: usize) -> ArrayRef {
    let bits = (0..count).map(|_| match dice.below(8) {
        0 => 0,
        // All bits but some of the lowest: a NaN with a payload of its own.
        1 => u64::MAX << dice.below(4),
        _ => dice.bits(),
    });
    let mask = if dtype == DType::Bool { 1 } else { u64::MAX };
    pattern::numbers(dtype, bits.map(|b| b & mask).collect::<Vec<_>>())
}

fn lengths(dice: &mut Dice, rows: usize, nulls: Option<&NullBuffer>, limit: u64) -> Vec<usize> {
    let length = |row: usize, dice: &mut Dice| match nulls.is_some_and(|nulls| nulls.is_null(row)) {
        true => 0,
        false if dice.once_in(30) => dice.below(limit * 10) as usize,
        false => dice.below(limit) as usize,
    };
    (0..rows).map(|row| length(row, dice)).collect()
}

fn variable_tensors(
    dice: &mut Dice,
    dtype: DType,
    dims: &[Option<u32>],
    rows: usize,
    nulls: Option<NullBuffer>,
) -> ArrayRef {
    let mut sizes = Vec::with_capacity(rows);
    let mut shapes = Vec::with_capacity(rows * dims.len());
    for row in 0..rows {
        let is_null = nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        let shape: Vec<i32> = dims
            .iter()
            .map(|dim| match dim {
                _ if is_null => 0,
                Some(fixed) => *fixed as i32,
                None => dice.below(5) as i32,
            })
            .collect();
        sizes.push(shape.iter().product::<i32>() as usize);
        shapes.extend(shape.iter().map(|&dim| dim as u64));
    }
    let values = numbers(dice, dtype, sizes.iter().sum());
    let data = ListArray::new(item(dtype), OffsetBuffer::from_lengths(sizes), values, None);
    let shapes = pattern::numbers(DType::I32, shapes);
    let dim = Arc::new(Field::new("item", DataType::Int32, false));
    let shapes = FixedSizeListArray::new(dim, dims.len() as i32, shapes, None);
    let fields = Fields::from(vec![
        Field::new("data", data.data_type().clone(), false),
        Field::new("shape", shapes.data_type().clone(), true),
    ]);
    Arc::new(StructArray::new(fields, vec![Arc::new(data), Arc::new(shapes)], nulls))
}

fn files(dice: &mut Dice, rows: usize, nulls: Option<&NullBuffer>) -> ArrayRef {
    let lengths = lengths(dice, rows, nulls, 90);
    let file = |row: usize| {
        // Every fifth file has the bytes of another.
        let first = if row % 5 == 4 { 0 } else { row };
        let bytes: Vec<u8> = (0..lengths[row]).map(|i| (first * 31 + i * 7) as u8).collect();
        FileValue::new(format!("dir/file {row}.bin"), bytes).with_media_type("application/x-test")
    };
    let is_null = |row| nulls.is_some_and(|nulls| nulls.is_null(row));
    let files: Vec<_> = (0..rows).map(|row| (!is_null(row)).then(|| file(row))).collect();
    Arc::new(FileValue::array(&files))
}

fn values(
    dice: &mut Dice,
    data_type: &DataType,
    rows: usize,
    nulls: Option<NullBuffer>,
) -> ArrayRef {
    let is_null = |row: usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
    match data_type {
        DataType::Utf8 => {
            let mut texts = StringBuilder::new();
            for row in 0..rows {
                texts.append_option((!is_null(row)).then(|| text(dice)));
            }
            Arc::new(texts.finish())
        }
        DataType::Binary => {
            let mut blobs = BinaryBuilder::new();
            for row in 0..rows {
                let bytes: Vec<u8> = (0..dice.below(20)).map(|_| dice.bits() as u8).collect();
                blobs.append_option((!is_null(row)).then_some(bytes));
            }
            Arc::new(blobs.finish())
        }
        DataType::FixedSizeBinary(size) => {
            let bytes: Vec<u8> = (0..rows * *size as usize).map(|_| dice.bits() as u8).collect();
            Arc::new(FixedSizeBinaryArray::new(*size, Buffer::from(bytes), nulls))
        }
        DataType::List(item) => {
            let lengths = lengths(dice, rows, nulls.as_ref(), 5);
            let inner = field(dice, item, lengths.iter().sum());
            Arc::new(ListArray::new(
                item.clone(),
                OffsetBuffer::from_lengths(lengths),
                inner,
                nulls,
            ))
        }
        DataType::Struct(fields) => {
            let columns = fields.iter().map(|f| field(dice, f, rows)).collect();
            Arc::new(StructArray::new(fields.clone(), columns, nulls))
        }
        DataType::Map(entries, sorted) => {
            let lengths = lengths(dice, rows, nulls.as_ref(), 4);
            let inner = values(dice, entries.data_type(), lengths.iter().sum(), None);
            let inner = inner.as_any().downcast_ref::<StructArray>().expect("a struct").clone();
            let offsets = OffsetBuffer::from_lengths(lengths);
            Arc::new(MapArray::new(entries.clone(), offsets, inner, nulls, *sorted))
        }
        other => fixed_width(dice, other, rows, nulls),
    }
}

fn field(dice: &mut Dice, field: &Field, rows: usize) -> ArrayRef {
    let nulls = field.is_nullable().then(|| nulls(dice, rows)).flatten();
    match DType::from_arrow(field.data_type()) {
        Some(dtype) => with_nulls(numbers(dice, dtype, rows), nulls),
        None => values(dice, field.data_type(), rows, nulls),
    }
}

fn text(dice: &mut Dice) -> String {
    const PIECES: [&str; 8] = ["a", "row", " ", "ß", "数", "😀", "\u{0}", "\"/\n"];
    let pieces = if dice.once_in(40) { 300 } else { dice.below(6) };
    (0..pieces).map(|_| PIECES[dice.below(8) as usize]).collect()
}

/// Dates, times, durations, intervals and decimals, within the bounds of their types.
fn fixed_width(
    dice: &mut Dice,
    data_type: &DataType,
    rows: usize,
    nulls: Option<NullBuffer>,
) -> ArrayRef {
    let bytes: Vec<u8> = (0..rows).flat_map(|_| fixed_value(dice, data_type)).collect();
    let data = ArrayData::builder(data_type.clone()).len(rows).nulls(nulls);
    let data = data.add_buffer(Buffer::from_slice_ref(&bytes)).align_buffers(true);
    make_array(data.build().expect("the buffer has that many values"))
}

fn fixed_value(dice: &mut Dice, data_type: &DataType) -> Vec<u8> {
    const DAY_MS: i64 = 86_400_000;
    let within = |dice: &mut Dice, limit: u64| dice.below(limit) as i64;
    let decimal = |dice: &mut Dice, precision: u8| {
        let digits = dice.below(u64::from(precision.min(18)) + 1) as u32;
        let value = within(dice, 10u64.pow(digits));
        if dice.once_in(2) { -value } else { value }
    };
    match data_type {
        DataType::Date32 | DataType::Interval(arrow_schema::IntervalUnit::YearMonth) => {
            (dice.bits() as i32 >> 8).to_le_bytes().to_vec()
        }
        DataType::Date64 => ((within(dice, 80_000) - 40_000) * DAY_MS).to_le_bytes().to_vec(),
        DataType::Time32(TimeUnit::Second) => (within(dice, 86_400) as i32).to_le_bytes().to_vec(),
        DataType::Time32(_) => (within(dice, 86_400_000) as i32).to_le_bytes().to_vec(),
        DataType::Time64(TimeUnit::Microsecond) => {
            within(dice, 86_400_000_000).to_le_bytes().to_vec()
        }
        DataType::Time64(_) => within(dice, 86_400_000_000_000).to_le_bytes().to_vec(),
        DataType::Timestamp(_, _) | DataType::Duration(_) => dice.bits().to_le_bytes().to_vec(),
        DataType::Interval(_) => {
            let (days, ms) = (dice.below(1 << 30) as i32, dice.below(1 << 30) as i32);
            [days.to_le_bytes(), ms.to_le_bytes()].concat()
        }
        DataType::Decimal32(p, _) => (decimal(dice, *p) as i32).to_le_bytes().to_vec(),
        DataType::Decimal64(p, _) => decimal(dice, *p).to_le_bytes().to_vec(),
        DataType::Decimal128(p, _) => i128::from(decimal(dice, *p)).to_le_bytes().to_vec(),
        DataType::Decimal256(p, _) => {
            arrow_buffer::i256::from_i128(decimal(dice, *p).into()).to_le_bytes().to_vec()
        }
        other => panic!("no random values of {other}"),
    }
}
