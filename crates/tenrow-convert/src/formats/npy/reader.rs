//! Arrays of numpy, read row by row: the first axis is the row.

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::DataType;
use tenrow::{Attribute, AttributeType, DType};
use tenrow_values::column::{column_of_bytes, item_bytes, row_type, swap_bytes};
use tenrow_values::{ConvertError, Result, batch_of};

use super::header::{Element, Header};
use crate::input::{Input, is_gzip, stem};
use crate::source::{Source, rows_per_batch};
use crate::source_file::SourceFile;

const ARRAY: &str = "the array that the header declares";
/// Rows of no bytes that an array may claim to have.
const MAX_EMPTY_ROWS: u64 = 1 << 24;
/// Bytes of an array in Fortran order that is read whole, since its file cannot be searched.
const MAX_TRANSPOSED_BYTES: u64 = 256 << 20;
/// Bytes that are read through rather than skipped.
const MAX_READ_THROUGH_BYTES: u64 = 64 << 10;
/// Bytes of one element of text.
const MAX_TEXT_BYTES: u64 = 16 << 20;

/// `.npy` files side by side: each is one attribute, named after its file, of the same rows.
pub struct NpySource {
    arrays: Vec<NpyArray>,
    attributes: Vec<Attribute>,
    row_count: u64,
    rows_per_batch: u64,
    next_row: u64,
}

impl NpySource {
    /// Opens `paths`, plain or gzipped; `bf16` takes elements of two opaque bytes as bf16.
    ///
    /// # Errors
    /// What is wrong with a header, with file and offset; the files whose row counts differ.
    pub fn open<F: Clone + Into<SourceFile>>(paths: &[F], bf16: bool) -> Result<Self> {
        let arrays = paths
            .iter()
            .map(|path| {
                let path = &path.clone().into();
                let input = Input::open(path)?;
                let searchable = if is_gzip(path)? { None } else { Some(path) };
                NpyArray::open(input, stem(path), searchable, bf16)
            })
            .collect::<Result<Vec<_>>>()?;
        Self::of_arrays(arrays)
    }

    pub(crate) fn of_arrays(arrays: Vec<NpyArray>) -> Result<Self> {
        let [first, ..] = arrays.as_slice() else {
            return Err(ConvertError::unsupported(Path::new("npy"), "no arrays were given"));
        };
        for array in &arrays {
            if array.row_count != first.row_count {
                return Err(ConvertError::RowCounts {
                    first: first.input.path().display().to_string(),
                    first_rows: first.row_count,
                    second: array.input.path().display().to_string(),
                    second_rows: array.row_count,
                });
            }
        }
        let attributes = arrays
            .iter()
            .map(|array| Attribute::new(&array.name, array.attribute_type.clone()))
            .collect();
        let row_bytes = arrays.iter().fold(0u64, |sum, array| sum.saturating_add(array.row_bytes));
        let row_count = first.row_count;
        let rows_per_batch = rows_per_batch(row_bytes);
        Ok(Self { arrays, attributes, row_count, rows_per_batch, next_row: 0 })
    }
}

impl Source for NpySource {
    fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    fn row_count(&self) -> Option<u64> {
        Some(self.row_count)
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let rows = self.rows_per_batch.min(self.row_count - self.next_row);
        if rows == 0 {
            return match self.row_count {
                0 => self.arrays.iter_mut().try_for_each(NpyArray::expect_end).map(|()| None),
                _ => Ok(None),
            };
        }
        let first_row = self.next_row;
        let columns = self
            .arrays
            .iter_mut()
            .map(|array| array.read(first_row, rows))
            .collect::<Result<Vec<_>>>()?;
        self.next_row += rows;
        if self.next_row == self.row_count {
            self.arrays.iter_mut().try_for_each(NpyArray::expect_end)?;
        }
        batch_of(&self.attributes, columns, rows as usize).map(Some)
    }
}

/// One array, of a file or of a member of an archive.
pub(crate) struct NpyArray {
    input: Input,
    name: String,
    element: Element,
    attribute_type: AttributeType,
    row_count: u64,
    row_bytes: u64,
    columns: Option<FortranReader>,
}

impl NpyArray {
    /// Reads the header. `searchable` is the file whose bytes are those of `input`, if there is one.
    pub(crate) fn open(
        mut input: Input,
        name: String,
        searchable: Option<&SourceFile>,
        bf16: bool,
    ) -> Result<Self> {
        let header = Header::read(&mut input, bf16)?;
        let path = input.path().to_owned();
        let refuse = |reason: String| Err(ConvertError::unsupported(&path, reason));
        let Some((&row_count, dims)) = header.shape.split_first() else {
            return refuse("an array of rank 0 has no row axis: save it with shape (1,), or leave it out with --only".into());
        };
        let attribute_type = match header.element {
            Element::Number { dtype, .. } => {
                row_type(dtype, dims).map_err(ConvertError::declared(&path))?
            }
            _ if !dims.is_empty() => {
                return refuse(
                    "an array of text with more than one axis: save it by columns".into(),
                );
            }
            text if text.byte_len() > MAX_TEXT_BYTES => {
                return refuse(format!(
                    "texts of {} bytes, over {MAX_TEXT_BYTES}",
                    text.byte_len()
                ));
            }
            _ => AttributeType::Value(DataType::Utf8),
        };
        let row_bytes = dims.iter().product::<u64>() * header.element.byte_len();
        let total = row_count.checked_mul(row_bytes).and_then(|n| n.checked_add(input.offset()));
        let Some(total) = total.filter(|_| row_bytes > 0 || row_count <= MAX_EMPTY_ROWS) else {
            return refuse(format!("shape {:?} is too large to be true", header.shape));
        };
        input.expect_len(total, ARRAY)?;
        let transposed = header.fortran_order && dims.iter().filter(|d| **d != 1).count() > 0;
        let columns = if transposed && total > input.offset() {
            let data_bytes = total - input.offset();
            Some(FortranReader::open(&mut input, searchable, row_count, dims, data_bytes)?)
        } else {
            None
        };
        let element = header.element;
        Ok(Self { input, name, element, attribute_type, row_count, row_bytes, columns })
    }

    fn read(&mut self, first_row: u64, rows: u64) -> Result<ArrayRef> {
        let mut bytes = match &mut self.columns {
            Some(columns) => columns
                .read(first_row, rows, self.element.byte_len() as usize)
                .map_err(ConvertError::io(self.input.path(), "read"))?,
            None => self.input.take(rows * self.row_bytes, ARRAY)?,
        };
        match self.element {
            Element::Number { dtype, big_endian } => {
                if big_endian {
                    swap_bytes(&mut bytes, item_bytes(dtype) as usize);
                }
                self.numbers(dtype, rows, bytes)
            }
            _ => self.texts(first_row, rows, &bytes),
        }
    }

    fn numbers(&self, dtype: DType, rows: u64, bytes: Vec<u8>) -> Result<ArrayRef> {
        column_of_bytes(&self.attribute_type, dtype, rows as usize, bytes)
            .map_err(ConvertError::decode(self.input.path(), "npy", None))
    }

    fn texts(&self, first_row: u64, rows: u64, bytes: &[u8]) -> Result<ArrayRef> {
        let width = self.row_bytes as usize;
        let texts = (0..rows as usize)
            .map(|row| {
                let item = &bytes[row * width..(row + 1) * width];
                text_of(self.element, item).ok_or_else(|| ConvertError::Row {
                    path: self.input.path().to_owned(),
                    row: first_row + row as u64,
                    attribute: self.name.clone(),
                    reason: "the bytes are not text (UTF-8)".into(),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(StringArray::from(texts)))
    }

    fn expect_end(&mut self) -> Result<()> {
        if self.columns.is_some() { Ok(()) } else { self.input.expect_end(ARRAY) }
    }
}

/// The text of one element without the zeros that fill it up; `None` if it is not text.
fn text_of(element: Element, item: &[u8]) -> Option<String> {
    let Element::Unicode { big_endian, .. } = element else {
        let end = item.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
        return String::from_utf8(item[..end].to_vec()).ok();
    };
    let text = item
        .chunks_exact(4)
        .map(|c| {
            let c = [c[0], c[1], c[2], c[3]];
            char::from_u32(if big_endian { u32::from_be_bytes(c) } else { u32::from_le_bytes(c) })
        })
        .collect::<Option<String>>()?;
    Some(text.trim_end_matches('\0').to_owned())
}

trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

/// Gathers rows of an array whose first axis varies fastest.
struct FortranReader {
    reader: Box<dyn ReadSeek>,
    start: u64,
    row_count: u64,
    /// For every element of a row in the order of the file, its place in row-major order.
    places: Places,
}

impl FortranReader {
    /// Takes over after the header; checks that nothing follows the array.
    fn open(
        input: &mut Input,
        searchable: Option<&SourceFile>,
        row_count: u64,
        dims: &[u64],
        data_bytes: u64,
    ) -> Result<Self> {
        let path = input.path().to_owned();
        let places = Places { dims: dims.to_vec() };
        if let Some(file) = searchable {
            let len = file.size().map_err(ConvertError::io(file, "read"))?;
            let end = input.offset() + data_bytes;
            if len > end {
                let reason = format!("trailing bytes: {ARRAY} ends here");
                return Err(ConvertError::malformed(&path, end, reason));
            }
            let reader = file.open().map_err(ConvertError::io(file, "open"))?;
            return Ok(Self { reader: Box::new(reader), start: input.offset(), row_count, places });
        }
        if data_bytes > MAX_TRANSPOSED_BYTES {
            let reason = format!(
                "a compressed array in Fortran order of {data_bytes} bytes, over {MAX_TRANSPOSED_BYTES}: save np.ascontiguousarray of it"
            );
            return Err(ConvertError::unsupported(&path, reason));
        }
        let bytes = input.take(data_bytes, ARRAY)?;
        input.expect_end(ARRAY)?;
        let reader = Box::new(std::io::Cursor::new(bytes));
        Ok(Self { reader, start: 0, row_count, places })
    }

    fn read(&mut self, first_row: u64, rows: u64, width: usize) -> std::io::Result<Vec<u8>> {
        let row_items = self.places.dims.iter().product::<u64>() as usize;
        let mut bytes = vec![0; row_items * rows as usize * width];
        // Every element of a row is a run of the file, `stride` after the one before it. Short
        // strides are read through, long ones are skipped.
        let mut run = vec![0; rows as usize * width];
        let stride = self.row_count * width as u64;
        let skip = (stride - run.len() as u64) as i64;
        let capacity = if stride <= MAX_READ_THROUGH_BYTES { 1 << 20 } else { 0 };
        self.reader.seek(SeekFrom::Start(self.start + first_row * width as u64))?;
        let mut reader = BufReader::with_capacity(capacity, &mut self.reader);
        for (k, place) in self.places.iter().enumerate() {
            if k > 0 {
                reader.seek_relative(skip)?;
            }
            reader.read_exact(&mut run)?;
            for (row, value) in run.chunks_exact(width).enumerate() {
                let at = (row * row_items + place) * width;
                bytes[at..at + width].copy_from_slice(value);
            }
        }
        Ok(bytes)
    }
}

/// Places in row-major order, in the order that a Fortran array stores them.
struct Places {
    dims: Vec<u64>,
}

impl Places {
    fn iter(&self) -> impl Iterator<Item = usize> {
        let strides: Vec<usize> = (0..self.dims.len())
            .map(|axis| self.dims[axis + 1..].iter().product::<u64>() as usize)
            .collect();
        let count = self.dims.iter().product::<u64>() as usize;
        let mut index = vec![0u64; self.dims.len()];
        let dims = self.dims.clone();
        let mut place = 0;
        (0..count).map(move |_| {
            let here = place;
            for axis in 0..dims.len() {
                index[axis] += 1;
                place += strides[axis];
                if index[axis] < dims[axis] {
                    break;
                }
                place -= strides[axis] * dims[axis] as usize;
                index[axis] = 0;
            }
            here
        })
    }
}

#[cfg(test)]
mod tests;
