use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Int16Type, Int32Type, UInt8Type};
use tempfile::TempDir;

use super::*;

/// A file of version 1 with the given header values and data.
fn npy(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let length = (text.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], text.as_bytes(), data].concat()
}

fn read_all(bytes: &[u8], bf16: bool) -> Result<Vec<RecordBatch>> {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("x.npy");
    std::fs::write(&path, bytes).unwrap();
    let mut source = NpySource::open(&[path], bf16)?;
    std::iter::from_fn(|| source.next_batch().transpose()).collect()
}

fn read(bytes: &[u8]) -> RecordBatch {
    read_all(bytes, false).unwrap().remove(0)
}

fn flat(batch: &RecordBatch) -> ArrayRef {
    batch.column(0).as_fixed_size_list().values().clone()
}

#[test]
fn bytes_of_numpy_are_read() {
    // np.save of np.arange(6, dtype='<i4').reshape(2, 3), numpy 2.4.
    let header = b"\x93NUMPY\x01\x00v\x00{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }                                                          \n";
    let data: Vec<u8> = (0..6i32).flat_map(i32::to_le_bytes).collect();
    let batch = read(&[&header[..], &data].concat());
    assert_eq!(batch.schema().field(0).name(), "x");
    assert_eq!(flat(&batch).as_primitive::<Int32Type>().values(), &[0, 1, 2, 3, 4, 5]);
}

#[test]
fn fortran_order_is_transposed() {
    // np.asfortranarray(np.arange(12, dtype='u1').reshape(2, 3, 2)).
    let batch = read(&npy("|u1", "True", "(2, 3, 2)", &[0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11]));
    let expected: Vec<u8> = (0..12).collect();
    assert_eq!(flat(&batch).as_primitive::<UInt8Type>().values(), &expected[..]);
}

#[test]
fn fortran_order_is_transposed_across_batches() {
    // Three rows of 6 MiB: one row a batch.
    let n = 6 << 20;
    let data: Vec<u8> = (0..n).flat_map(|k: u32| [k as u8, k as u8 ^ 1, k as u8 ^ 2]).collect();
    let batches = read_all(&npy("|u1", "True", &format!("(3, {n})"), &data), false).unwrap();
    assert_eq!(batches.len(), 3);
    let values = flat(&batches[2]);
    assert!((0..n).all(|k| values.as_primitive::<UInt8Type>().value(k as usize) == k as u8 ^ 2));
}

#[test]
fn big_endian_bool_half_and_text_are_read() {
    let batch = read(&npy(">i2", "False", "(2,)", &[1, 2, 255, 254]));
    assert_eq!(batch.column(0).as_primitive::<Int16Type>().values(), &[0x0102, -2]);
    let batch = read(&npy("|b1", "False", "(3,)", &[1, 0, 2]));
    let bools: Vec<_> = batch.column(0).as_boolean().iter().flatten().collect();
    assert_eq!(bools, [true, false, true]);
    let batch = read(&npy("<f2", "False", "(1,)", &[0, 0x3c]));
    assert_eq!(batch.column(0).as_primitive::<Float16Type>().value(0).to_f32(), 1.0);
    let batch =
        read(&npy("<U2", "False", "(2,)", &[97, 0, 0, 0, 98, 0, 0, 0, 0xe9, 0, 0, 0, 0, 0, 0, 0]));
    let texts: Vec<_> = batch.column(0).as_string::<i32>().iter().flatten().collect();
    assert_eq!(texts, ["ab", "é"]);
    let batch = read(&npy("|S2", "False", "(2,)", b"abc\0"));
    let texts: Vec<_> = batch.column(0).as_string::<i32>().iter().flatten().collect();
    assert_eq!(texts, ["ab", "c"]);
}

#[test]
fn two_opaque_bytes_are_bf16_only_when_asked() {
    let bytes = npy("<V2", "False", "(1,)", &[0x80, 0x3f]);
    assert!(read_all(&bytes, false).unwrap_err().to_string().contains("--bf16"));
    let batch = read_all(&bytes, true).unwrap().remove(0);
    assert_eq!(batch.column(0).as_fixed_size_binary().value(0), [0x80, 0x3f]);
    assert_eq!(batch.schema().field(0).metadata()["tenrow:type"], "bf16");
}

#[test]
fn zero_sizes_are_legal_and_rank_zero_has_no_rows() {
    let batch = read(&npy("<f4", "False", "(2, 0, 3)", &[]));
    assert_eq!((batch.num_rows(), batch.column(0).as_list::<i32>().value_length(1)), (2, 0));
    assert!(read_all(&npy("<f4", "False", "(0, 3)", &[]), false).unwrap().is_empty());
    let error = read_all(&npy("<f4", "False", "()", &[0; 4]), false).unwrap_err().to_string();
    assert!(error.contains("no row axis"), "{error}");
}

#[test]
fn a_file_cut_at_any_byte_is_an_error() {
    for fortran in ["True", "False"] {
        let whole = npy("<i2", fortran, "(2, 3)", &[1; 12]);
        for n in 0..whole.len() {
            read_all(&whole[..n], false).expect_err("a cut file");
        }
        let error = read_all(&[&whole[..], &[0]].concat(), false).unwrap_err().to_string();
        assert!(error.contains("trailing bytes"), "{error}");
    }
}

#[test]
fn hostile_shapes_are_refused_before_anything_is_allocated() {
    for shape in [
        "(9223372036854775808, 2)",
        "(18446744073709551615,)",
        "(9223372036854775808, 0)",
        "(0, 9223372036854775808)",
        "(1, 4294967296, 4294967296)",
        "(1, 1000000000)",
        "(4294967296, 200000000)",
    ] {
        for fortran in ["True", "False"] {
            read_all(&npy("<f8", fortran, shape, &[0; 64]), false).unwrap_err();
        }
    }
    read_all(&npy("<U999999999", "False", "(1,)", &[0; 64]), false).unwrap_err();
}

#[test]
fn arrays_with_different_rows_name_both() {
    let dir = TempDir::new().unwrap();
    let paths = [dir.path().join("a.npy"), dir.path().join("b.npy")];
    std::fs::write(&paths[0], npy("|u1", "False", "(1,)", &[1])).unwrap();
    std::fs::write(&paths[1], npy("|u1", "False", "(2,)", &[1, 2])).unwrap();
    let error = NpySource::open(&paths, false).err().unwrap().to_string();
    assert!(error.contains("a.npy has 1 rows") && error.contains("b.npy has 2"), "{error}");
}

#[test]
fn what_is_written_is_what_numpy_saves() {
    use std::sync::Arc;
    // np.save of np.array([[1, 2], [3, 4]], dtype='<i2') by numpy 2.4.
    let header = b"\x93NUMPY\x01\x00v\x00{'descr': '<i2', 'fortran_order': False, 'shape': (2, 2), }                                                          \n";
    let expected = [&header[..], &[1, 0, 2, 0, 3, 0, 4, 0]].concat();
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("y.npy");
    let mut writer = crate::NpyWriter::create(&path, DType::I16, &[2], 2).unwrap();
    let column_type = row_type(DType::I16, &[2]).unwrap();
    let column = column_of_bytes(&column_type, DType::I16, 2, expected[128..].to_vec()).unwrap();
    writer.write(&column.slice(0, 1)).unwrap();
    writer.write(&column.slice(1, 1)).unwrap();
    writer.finish().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), expected);

    let mut writer = crate::NpyWriter::create(&path, DType::I16, &[2], 1).unwrap();
    assert!(writer.write(&column).unwrap_err().to_string().contains("announced"));
    let floats: ArrayRef = Arc::new(arrow_array::Float32Array::from(vec![1.0]));
    assert!(writer.write(&floats).unwrap_err().to_string().contains("expected i16[2]"));
}
