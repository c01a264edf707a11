//! IDX files, as MNIST has them: a header of big-endian sizes, then the raw elements.
//!
//! ```text
//! 00 00 | type | rank | rank × u32 sizes | elements, big-endian, row-major
//! ```

use std::path::Path;

use arrow_array::RecordBatch;
use tenrow::{Attribute, AttributeType, DType};
use tenrow_values::column::{column_of_bytes, item_bytes, row_type, swap_bytes};
use tenrow_values::{ConvertError, Result, batch_of};

use crate::input::{Input, stem};
use crate::source::{Source, rows_per_batch};
use crate::source_file::SourceFile;

const MAX_EMPTY_ROWS: u64 = 1 << 24;

/// IDX files, plain or gzipped, side by side: each is one attribute of the same rows.
pub struct IdxSource {
    files: Vec<IdxFile>,
    attributes: Vec<Attribute>,
    row_count: u64,
    rows_per_batch: u64,
    next_row: u64,
}

struct IdxFile {
    input: Input,
    dtype: DType,
    attribute_type: AttributeType,
    rank: usize,
    row_count: u64,
    row_bytes: u64,
}

impl IdxSource {
    /// Opens `paths`, all of which must have equally many rows.
    ///
    /// Where one of them has rank 1 or none has, and one has a higher rank or none has, they are
    /// the attributes `label` and `image`; otherwise each is named after its file.
    ///
    /// # Errors
    /// What is wrong with a header, with file and offset; the files whose row counts differ.
    pub fn open<F: Clone + Into<SourceFile>>(paths: &[F]) -> Result<Self> {
        let files = paths.iter().map(|path| IdxFile::open(&path.clone().into()));
        let files = files.collect::<Result<Vec<_>>>()?;
        let [first, ..] = files.as_slice() else {
            return Err(ConvertError::unsupported(Path::new("idx"), "no files were given"));
        };
        for file in &files {
            if file.row_count != first.row_count {
                return Err(ConvertError::RowCounts {
                    first: first.input.path().display().to_string(),
                    first_rows: first.row_count,
                    second: file.input.path().display().to_string(),
                    second_rows: file.row_count,
                });
            }
        }
        let label_count = files.iter().filter(|file| file.rank == 1).count();
        let by_rank = label_count <= 1 && files.len() - label_count <= 1;
        let attributes = files
            .iter()
            .map(|file| {
                let name = match (by_rank, file.rank) {
                    (false, _) => stem(file.input.path()),
                    (true, 1) => "label".to_owned(),
                    (true, _) => "image".to_owned(),
                };
                Attribute::new(name, file.attribute_type.clone())
            })
            .collect();
        let row_count = first.row_count;
        let row_bytes = files.iter().map(|file| file.row_bytes).sum();
        let rows_per_batch = rows_per_batch(row_bytes);
        Ok(Self { files, attributes, row_count, rows_per_batch, next_row: 0 })
    }
}

impl Source for IdxSource {
    fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    fn row_count(&self) -> Option<u64> {
        Some(self.row_count)
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let rows = self.rows_per_batch.min(self.row_count - self.next_row);
        if rows == 0 {
            // Of no rows at all, the end is still to be seen.
            return match self.row_count {
                0 => self.files.iter_mut().try_for_each(IdxFile::expect_end).map(|()| None),
                _ => Ok(None),
            };
        }
        let columns =
            self.files.iter_mut().map(|file| file.read(rows)).collect::<Result<Vec<_>>>()?;
        self.next_row += rows;
        if self.next_row == self.row_count {
            self.files.iter_mut().try_for_each(IdxFile::expect_end)?;
        }
        batch_of(&self.attributes, columns, rows as usize).map(Some)
    }
}

impl IdxFile {
    fn open(path: &SourceFile) -> Result<Self> {
        let mut input = Input::open(path)?;
        let mut magic = [0; 4];
        input.fill(&mut magic, "the magic number")?;
        let dtype = dtype_of(magic).ok_or_else(|| {
            let reason = format!(
                "found {:02x} {:02x} {:02x} {:02x}, expected 00 00, an IDX type (08, 09, 0b to 0e) and a rank from 1",
                magic[0], magic[1], magic[2], magic[3]
            );
            ConvertError::malformed(path, 0, reason)
        })?;
        let rank = usize::from(magic[3]);
        let sizes = input.take(4 * rank as u64, "the header")?;
        let sizes: Vec<u64> = sizes
            .chunks_exact(4)
            .map(|s| u64::from(u32::from_be_bytes([s[0], s[1], s[2], s[3]])))
            .collect();
        let (&row_count, dims) = sizes
            .split_first()
            .ok_or_else(|| ConvertError::malformed(path, 3, "rank 0: there is no axis of rows"))?;
        let attribute_type = row_type(dtype, dims).map_err(ConvertError::declared(path))?;
        let row_bytes = dims.iter().product::<u64>() * item_bytes(dtype);
        if row_bytes == 0 && row_count > MAX_EMPTY_ROWS {
            let reason = format!("{row_count} rows of no elements, over {MAX_EMPTY_ROWS}");
            return Err(ConvertError::malformed(path, 4, reason));
        }
        // At most 2^30 bytes a row and 2^32 rows: this cannot overflow.
        let total = input.offset() + row_count * row_bytes;
        input.expect_len(total, "the array that the header declares")?;
        Ok(Self { input, dtype, attribute_type, rank, row_count, row_bytes })
    }

    fn read(&mut self, rows: u64) -> Result<arrow_array::ArrayRef> {
        let what = "the array that the header declares";
        let mut bytes = self.input.take(rows * self.row_bytes, what)?;
        swap_bytes(&mut bytes, item_bytes(self.dtype) as usize);
        column_of_bytes(&self.attribute_type, self.dtype, rows as usize, bytes)
            .map_err(ConvertError::decode(self.input.path(), "idx", None))
    }

    fn expect_end(&mut self) -> Result<()> {
        self.input.expect_end("the array that the header declares")
    }
}

/// The element type that a magic number names, if it is one.
pub(super) fn dtype_of(magic: [u8; 4]) -> Option<DType> {
    if magic[..2] != [0, 0] || magic[3] == 0 {
        return None;
    }
    Some(match magic[2] {
        0x08 => DType::U8,
        0x09 => DType::I8,
        0x0B => DType::I16,
        0x0C => DType::I32,
        0x0D => DType::F32,
        0x0E => DType::F64,
        _ => return None,
    })
}

/// The rank of the array in `path`, which is an IDX file.
pub(super) fn rank_of(path: &SourceFile) -> Result<usize> {
    IdxFile::open(path).map(|file| file.rank)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::PathBuf;

    use arrow_array::cast::AsArray;
    use arrow_array::types::{Int16Type, UInt8Type};
    use tempfile::TempDir;

    use super::*;

    const IMAGES: &[u8] = &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 1, 2, 3, 4];
    const LABELS: &[u8] = &[0, 0, 8, 1, 0, 0, 0, 2, 7, 9];

    fn put(dir: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn read(paths: &[PathBuf]) -> Result<Vec<RecordBatch>> {
        let mut source = IdxSource::open(paths)?;
        std::iter::from_fn(|| source.next_batch().transpose()).collect()
    }

    #[test]
    fn images_and_labels_become_two_attributes() {
        let dir = TempDir::new().unwrap();
        let paths = [put(&dir, "l", LABELS), put(&dir, "i.gz", &gzip(IMAGES))];
        let batches = read(&paths).unwrap();
        let batch = &batches[0];
        assert_eq!(batch.schema().field(0).name(), "label");
        assert_eq!(batch.column(0).as_primitive::<UInt8Type>().values(), &[7, 9]);
        let images = batch.column_by_name("image").unwrap().as_fixed_size_list();
        assert_eq!(images.values().as_primitive::<UInt8Type>().values(), &[1, 2, 3, 4]);
        assert_eq!(IdxSource::open(&paths).unwrap().attributes()[1].type_text(), "u8[2,1]");
    }

    #[test]
    fn elements_are_brought_to_little_endian() {
        let dir = TempDir::new().unwrap();
        let path = put(&dir, "x", &[0, 0, 0x0B, 1, 0, 0, 0, 2, 1, 2, 255, 254]);
        let batches = read(&[path]).unwrap();
        assert_eq!(batches[0].column(0).as_primitive::<Int16Type>().values(), &[0x0102, -2]);
    }

    #[test]
    fn a_file_cut_at_any_byte_is_an_error() {
        let dir = TempDir::new().unwrap();
        for whole in [IMAGES.to_vec(), gzip(IMAGES)] {
            for n in 0..whole.len() {
                let path = put(&dir, "cut", &whole[..n]);
                let error = read(&[path]).expect_err("a cut file").to_string();
                assert!(error.contains("cut: ") && error.contains("byte"), "{n}: {error}");
            }
        }
    }

    #[test]
    fn trailing_bytes_are_an_error_with_their_offset() {
        let dir = TempDir::new().unwrap();
        for whole in [[LABELS, &[0]].concat(), gzip(&[LABELS, &[0]].concat())] {
            let error = read(&[put(&dir, "x", &whole)]).unwrap_err().to_string();
            assert!(error.contains("byte 10: trailing bytes"), "{error}");
        }
    }

    #[test]
    fn counts_that_disagree_name_both_files() {
        let dir = TempDir::new().unwrap();
        let one = put(&dir, "one", &[0, 0, 8, 1, 0, 0, 0, 1, 7]);
        let error = read(&[put(&dir, "images", IMAGES), one]).unwrap_err().to_string();
        assert!(error.contains("images has 2 rows") && error.contains("one has 1"), "{error}");
    }

    #[test]
    fn hostile_sizes_are_refused_before_anything_is_allocated() {
        let dir = TempDir::new().unwrap();
        let many = [&[0, 0, 8, 255][..], &[255; 4 * 255]].concat();
        let large = [0, 0, 14, 3, 255, 255, 255, 255, 0, 0, 255, 255, 0, 0, 2, 0];
        let empty = [0, 0, 8, 2, 255, 255, 255, 255, 0, 0, 0, 0];
        for bytes in [many.as_slice(), &large, &empty] {
            read(&[put(&dir, "x", bytes)]).unwrap_err();
            read(&[put(&dir, "y.gz", &gzip(bytes))]).unwrap_err();
        }
    }
}
