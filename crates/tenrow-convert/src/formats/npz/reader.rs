//! Archives of numpy arrays: ZIP files whose members are `.npy` files.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use arrow_array::RecordBatch;
use flate2::Crc;
use flate2::read::DeflateDecoder;
use tenrow::Attribute;
use tenrow::engine::names_listed;
use tenrow_values::{ConvertError, Result};
use zip::{CompressionMethod, ZipArchive};

use crate::formats::npy::{NpyArray, NpySource};
use crate::input::Input;
use crate::source::Source;
use crate::source_file::{OpenFile, SourceFile};

/// Members of an archive; each is a file that is open while rows are read.
const MAX_MEMBERS: usize = 512;

/// A `.npz` file: each of its arrays is one attribute of the same rows.
///
/// Members are read side by side, each in bounded memory, and their sizes and checksums are held
/// against what the archive says.
pub struct NpzSource {
    arrays: NpySource,
}

impl NpzSource {
    /// Opens `path`; `bf16` takes elements of two opaque bytes as bf16.
    ///
    /// # Errors
    /// What is wrong with the archive or a member; the arrays whose row counts differ.
    pub fn open(path: impl Into<SourceFile>, bf16: bool) -> Result<Self> {
        Self::open_only(&path.into(), bf16, &[])
    }

    /// As [`open`](Self::open), but for arrays that are not in `only`, if that names some: these may have
    /// any shape.
    pub(crate) fn open_only(path: &SourceFile, bf16: bool, only: &[String]) -> Result<Self> {
        let file = path.open().map_err(ConvertError::io(path, "open"))?;
        let mut archive = ZipArchive::new(BufReader::new(file))
            .map_err(ConvertError::decode(path, "npz", None))?;
        if archive.is_empty() || archive.len() > MAX_MEMBERS {
            let reason = format!("an archive of {} arrays, not 1 to {MAX_MEMBERS}", archive.len());
            return Err(ConvertError::unsupported(path, reason));
        }
        let names = member_names(path, &mut archive)?;
        let is_chosen = |name: &str| only.is_empty() || only.iter().any(|chosen| chosen == name);
        let arrays = (0..archive.len())
            .filter(|&index| is_chosen(&names[index]))
            .map(|index| open_member(path, &mut archive, index, bf16))
            .collect::<Result<Vec<_>>>();
        let source = arrays.and_then(NpySource::of_arrays);
        source.map(|arrays| Self { arrays }).map_err(|error| advised(path, error, &names))
    }
}

impl Source for NpzSource {
    fn attributes(&self) -> &[Attribute] {
        self.arrays.attributes()
    }

    fn row_count(&self) -> Option<u64> {
        self.arrays.row_count()
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        self.arrays.next_batch()
    }
}

/// The names of the arrays.
fn member_names(path: &Path, archive: &mut ZipArchive<BufReader<OpenFile>>) -> Result<Vec<String>> {
    let count = archive.len();
    let name = |index| {
        let member = archive.by_index(index).map_err(ConvertError::decode(path, "npz", None))?;
        let name = member.name().map_err(ConvertError::decode(path, "npz", None))?;
        Ok(name.strip_suffix(".npy").unwrap_or(&name).to_owned())
    };
    (0..count).map(name).collect()
}

/// Arrays that are no rows of one table may still be taken some at a time.
fn advised(path: &Path, error: ConvertError, names: &[String]) -> ConvertError {
    let reason = match &error {
        ConvertError::RowCounts { .. } => error.to_string(),
        ConvertError::Unsupported { reason, .. } if names.len() > 1 => reason.clone(),
        _ => return error,
    };
    let first = names.first().map_or("NAME", String::as_str);
    let reason = format!(
        "{reason}; the arrays are {}: choose those of one length with --only {first} and so on",
        names_listed(names.iter().map(String::as_str))
    );
    ConvertError::unsupported(path, reason)
}

fn open_member(
    path: &SourceFile,
    archive: &mut ZipArchive<BufReader<OpenFile>>,
    index: usize,
    bf16: bool,
) -> Result<NpyArray> {
    let member = archive.by_index(index).map_err(ConvertError::decode(path, "npz", None))?;
    let name = member.name().map_err(ConvertError::decode(path, "npz", None))?;
    let name = name.replace(char::is_control, "?");
    let refuse =
        |reason: &str| Err(ConvertError::unsupported(path, format!("member {name:?}: {reason}")));
    let Some(attribute) = name.strip_suffix(".npy").map(str::to_owned) else {
        return refuse("not an .npy file, which is all that an npz file holds");
    };
    let Some(start) = member.data_start() else {
        return refuse("its data cannot be located");
    };
    let (stored, size, crc) = (member.compressed_size(), member.size(), member.crc32());
    let mut file = path.open().map_err(ConvertError::io(path, "open"))?;
    file.seek(SeekFrom::Start(start)).map_err(ConvertError::io(path, "read"))?;
    let raw = BufReader::with_capacity(1 << 17, file).take(stored);
    let bytes: Box<dyn Read + Send> = match member.compression() {
        CompressionMethod::Stored if stored == size => Box::new(raw),
        CompressionMethod::Stored => return refuse("it is stored, yet its two sizes differ"),
        CompressionMethod::Deflated => Box::new(DeflateDecoder::new(raw)),
        other => {
            return refuse(&format!("compressed by {other}: only stored and deflate are known"));
        }
    };
    let checked = CheckedReader { bytes, crc: Crc::new(), left: size, expected: crc };
    let input = Input::new(&path.join(&name), Box::new(BufReader::new(checked)), Some(size));
    NpyArray::open(input, attribute, None, bf16)
}

/// Holds what is read against the size and checksum that an archive declares.
struct CheckedReader {
    bytes: Box<dyn Read + Send>,
    crc: Crc,
    left: u64,
    expected: u32,
}

impl Read for CheckedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let damaged = |reason| Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        let count = self.bytes.read(buffer)?;
        if count as u64 > self.left {
            return damaged("it is longer than the archive says");
        }
        self.left -= count as u64;
        self.crc.update(&buffer[..count]);
        if count == 0 && !buffer.is_empty() {
            if self.left > 0 {
                return damaged("it is shorter than the archive says");
            }
            if self.crc.sum() != self.expected {
                return damaged("its checksum differs from the one in the archive");
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use arrow_array::cast::AsArray;
    use arrow_array::types::{Float32Type, Int16Type};
    use arrow_array::{ArrayRef, Float32Array, Int16Array};
    use tempfile::TempDir;
    use tenrow::DType;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use tenrow_values::column::{column_of_bytes, row_type};

    use crate::NpzWriter;
    use crate::formats::npy::write_header;

    fn read(path: &Path) -> Result<Vec<RecordBatch>> {
        let mut source = NpzSource::open(path, false)?;
        std::iter::from_fn(|| source.next_batch().transpose()).collect()
    }

    fn archive(method: CompressionMethod, members: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, bytes) in members {
            let options = SimpleFileOptions::default().compression_method(method);
            writer.start_file(*name, options).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn array(rows: u64, data: &[u8]) -> Vec<u8> {
        [write_header(DType::I16, &[rows]), data.to_vec()].concat()
    }

    #[test]
    fn arrays_are_written_and_read_back() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("x.npz");
        let image = row_type(DType::F32, &[2]).unwrap();
        let data: Vec<u8> =
            [1f32, 2., 3., f32::NAN].into_iter().flat_map(f32::to_le_bytes).collect();
        let mut writer = NpzWriter::create(&path).unwrap();
        writer.start_array("image", DType::F32, &[2], 2).unwrap();
        writer.write(&column_of_bytes(&image, DType::F32, 2, data).unwrap()).unwrap();
        writer.start_array("label", DType::I16, &[], 2).unwrap();
        writer.write(&(Arc::new(Int16Array::from(vec![5, -6])) as ArrayRef)).unwrap();
        writer.finish().unwrap();

        let batch = read(&path).unwrap().remove(0);
        assert_eq!(batch.column(1).as_primitive::<Int16Type>().values(), &[5, -6]);
        let values = batch.column(0).as_fixed_size_list().values();
        assert_eq!(values.as_primitive::<Float32Type>().values()[..3], [1., 2., 3.]);
    }

    #[test]
    fn arrays_with_nulls_or_missing_rows_are_not_written() {
        let dir = TempDir::new().unwrap();
        let mut writer = NpzWriter::create(&dir.path().join("x.npz")).unwrap();
        writer.start_array("a", DType::F32, &[], 2).unwrap();
        let nulls: ArrayRef = Arc::new(Float32Array::from(vec![Some(1.), None]));
        let error = writer.write(&nulls).unwrap_err().to_string();
        assert!(error.contains("row 1"), "{error}");
        assert!(writer.finish().unwrap_err().to_string().contains("announced"));
    }

    #[test]
    fn arrays_with_different_rows_name_both() {
        let members = [("a.npy", array(1, &[1, 0])), ("b.npy", array(2, &[1, 0, 2, 0]))];
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("x.npz");
        std::fs::write(&path, archive(CompressionMethod::Deflated, &members)).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("a.npy has 1 rows") && error.contains("b.npy has 2"), "{error}");
        assert!(error.contains("--only a"), "{error}");
    }

    #[test]
    fn an_archive_cut_at_any_byte_is_an_error() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("x.npz");
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let whole = archive(method, &[("a.npy", array(3, &[1, 0, 2, 0, 3, 0]))]);
            for n in 0..whole.len() {
                std::fs::write(&path, &whole[..n]).unwrap();
                read(&path).expect_err("a cut file");
            }
        }
    }

    #[test]
    fn an_archive_with_any_bit_flipped_gives_the_same_rows_or_an_error() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("x.npz");
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let whole = archive(method, &[("a.npy", array(3, &[1, 0, 2, 0, 3, 0]))]);
            for bit in 0..whole.len() * 8 {
                let mut bytes = whole.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                std::fs::write(&path, &bytes).unwrap();
                if let Ok(batches) = read(&path) {
                    let column = batches[0].column(0).as_primitive::<Int16Type>();
                    assert_eq!(column.values(), &[1, 2, 3], "bit {bit}");
                }
            }
        }
    }
}
