//! Tensor values by a rule that every side of a test computes for itself.
//!
//! Element `k`, counted from the first element of row 0, has the bits `bits(dtype, k)`; the Python
//! tests have the same rule in `tests/interop/pattern.py`.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, FixedSizeListArray, Int64Array, StringArray, make_array};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow_data::ArrayData;
use arrow_schema::Field;
use tenrow::DType;

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// The bit pattern of element `k`: finite if it is a floating-point number.
pub fn bits(dtype: DType, k: u64) -> u64 {
    let p = k.wrapping_add(11).wrapping_mul(MULTIPLIER) >> 5;
    if dtype == DType::Bool {
        return p >> 3 & 1;
    }
    let low = p & (u64::MAX >> (64 - dtype.item_bits()));
    match exponent_bits(dtype) {
        Some(exponent) if low & exponent == exponent => low & !(exponent & !(exponent >> 1)),
        _ => low,
    }
}

fn exponent_bits(dtype: DType) -> Option<u64> {
    match dtype {
        DType::F16 => Some(0x7C00),
        DType::Bf16 => Some(0x7F80),
        DType::F32 => Some(0x7F80_0000),
        DType::F64 => Some(0x7FF0_0000_0000_0000),
        _ => None,
    }
}

/// Numbers of these bit patterns.
pub fn numbers(dtype: DType, bits: impl IntoIterator<Item = u64>) -> ArrayRef {
    let bits: Vec<u64> = bits.into_iter().collect();
    let values = match dtype.item_bytes() {
        Some(size) => {
            let bytes = bits.iter().flat_map(|b| b.to_le_bytes().into_iter().take(size as usize));
            Buffer::from_slice_ref(bytes.collect::<Vec<u8>>())
        }
        None => BooleanBuffer::from_iter(bits.iter().map(|&b| b != 0)).into_inner(),
    };
    let data = ArrayData::builder(dtype.arrow_type()).len(bits.len()).add_buffer(values);
    make_array(data.build().expect("the buffer has that many elements"))
}

/// Tensors of `n` elements for `rows`, null where [`is_null`] if `nulls`.
pub fn tensors(dtype: DType, n: u64, rows: Range<u64>, nulls: bool) -> ArrayRef {
    let elements = numbers(dtype, (rows.start * n..rows.end * n).map(|k| bits(dtype, k)));
    let item = Arc::new(Field::new("item", dtype.arrow_type(), true));
    let valid = nulls.then(|| NullBuffer::from_iter(rows.map(|row| !is_null(row))));
    Arc::new(FixedSizeListArray::new(item, n as i32, elements, valid))
}

/// Whether the tensor of `row` is null, in columns that have nulls.
pub fn is_null(row: u64) -> bool {
    row % 5 == 3
}

/// The column `id`: the number of the row.
pub fn ids(rows: Range<u64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(rows.map(|row| row as i64)))
}

/// The column `name`: `row {row}`, null in every third row.
pub fn names(rows: Range<u64>) -> ArrayRef {
    let name = |row: u64| (!row.is_multiple_of(3)).then(|| format!("row {row}"));
    Arc::new(StringArray::from_iter(rows.map(name)))
}
