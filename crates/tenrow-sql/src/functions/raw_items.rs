//! Elements moved about without looking at them.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, make_array};
use arrow_buffer::{BooleanBuffer, Buffer, MutableBuffer};
use datafusion::arrow::array::ArrayData;
use datafusion::common::{DataFusionError, Result};
use tenrow::DType;

/// The elements of a column as bytes; a bool takes one.
pub(super) struct RawItems {
    bytes: Buffer,
    width: usize,
}

impl RawItems {
    pub(super) fn of(dtype: DType, values: &ArrayRef) -> Result<Self> {
        if let Some(bits) = values.as_boolean_opt() {
            let bytes: Vec<u8> = bits.values().iter().map(u8::from).collect();
            return Ok(Self { bytes: bytes.into(), width: 1 });
        }
        let width = dtype.item_bytes().unwrap_or(1) as usize;
        let data = values.to_data();
        let (start, len) = (data.offset() * width, data.len() * width);
        let whole = data.buffers().first().filter(|whole| whole.len() >= start + len);
        let whole = whole.ok_or_else(|| {
            DataFusionError::Internal(format!("elements of {dtype} held as {}", data.data_type()))
        })?;
        Ok(Self { bytes: whole.slice_with_length(start, len), width })
    }

    fn get(&self, items: Range<usize>) -> &[u8] {
        &self.bytes[items.start * self.width..items.end * self.width]
    }
}

/// Elements gathered from others.
pub(super) struct Gathered {
    bytes: MutableBuffer,
    width: usize,
    dtype: DType,
}

impl Gathered {
    pub(super) fn new(dtype: DType) -> Self {
        let width = dtype.item_bytes().unwrap_or(1) as usize;
        Self { bytes: MutableBuffer::new(0), width, dtype }
    }

    pub(super) fn push(&mut self, from: &RawItems, items: Range<usize>) {
        self.bytes.extend_from_slice(from.get(items));
    }

    pub(super) fn push_zeros(&mut self, count: usize) {
        self.bytes.extend_zeros(count * self.width);
    }

    pub(super) fn finish(self) -> Result<ArrayRef> {
        if self.dtype == DType::Bool {
            let bits: BooleanBuffer = self.bytes.as_slice().iter().map(|&byte| byte != 0).collect();
            return Ok(Arc::new(BooleanArray::new(bits, None)));
        }
        let len = self.bytes.len() / self.width;
        let data = ArrayData::builder(self.dtype.arrow_type()).len(len);
        Ok(make_array(data.add_buffer(self.bytes.into()).build()?))
    }
}
