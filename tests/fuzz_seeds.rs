//! The seed corpus of the fuzz targets in `tests/fuzz`: what a correct writer writes, in small.
//!
//! The seeds are checked in. To make them again after the format changed:
//! `cargo test --test fuzz_seeds -- --ignored`. Every target is also run here, without a fuzzer, on
//! the seeds and on random changes of them, for `FUZZ_SECONDS`, half a second by default.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "fuzz/lib.rs"]
#[expect(unreachable_pub, reason = "it is a library of its own too")]
mod targets;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::{ArrayRef, FixedSizeListArray, RecordBatch, UInt8Array};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field};
use bytes::Bytes;
use futures::executor::block_on;
use ndarray::Array2;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tenrow::{Attribute, Columns, DType, Dataset, Encoding, FileValue, Schema, WriteOptions};
use tenrow_convert::{Format, NpyWriter, NpzWriter, Purpose, RowWriter};
use tenrow_format::partition::decode_footer;

const ROWS: usize = 9;

macro_rules! targets_survive {
    ($($name:ident => $target:ident),*) => {$(
        #[test]
        fn $name() {
            survive(stringify!($target), targets::$target);
        }
    )*};
}

targets_survive! {
    changed_roots_never_panic => root, changed_leaves_never_panic => leaf,
    changed_pages_never_panic => page, changed_idx_files_never_panic => idx,
    changed_npy_files_never_panic => npy, changed_npz_files_never_panic => npz,
    changed_arrow_files_never_panic => arrow,
    manifests_that_look_valid_never_panic => manifests
}

/// Runs `target` on random changes of its seeds until the time is over.
fn survive(name: &str, target: fn(&[u8])) {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = Instant::now() + Duration::from_secs_f64(seconds.unwrap_or(0.5));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
    let seeds: Vec<_> = files_below(&folder).iter().map(|file| fs::read(file).unwrap()).collect();
    seeds.iter().for_each(|seed| target(seed));
    for number in 0u64.. {
        if Instant::now() > end {
            println!("{name}: {number} inputs");
            return;
        }
        let mut random = StdRng::seed_from_u64(number);
        let input = changed(&seeds, &mut random);
        let outcome = std::panic::catch_unwind(|| target(&input));
        assert!(outcome.is_ok(), "{name}: input {number} panics: {input:?}");
    }
}

/// One of `seeds` with some bits, bytes, lengths and pieces changed.
fn changed(seeds: &[Vec<u8>], random: &mut StdRng) -> Vec<u8> {
    const STRANGE: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, b'9', b'-', b'"'];
    let mut bytes = seeds[random.random_range(0..seeds.len())].clone();
    for _ in 0..random.random_range(1..6) {
        let at = random.random_range(0..bytes.len().max(1)).min(bytes.len().saturating_sub(1));
        match random.random_range(0..6) {
            _ if bytes.is_empty() => bytes.push(random.random()),
            0 => bytes[at] ^= 1 << random.random_range(0..8),
            1 => bytes[at] = STRANGE[random.random_range(0..STRANGE.len())],
            2 => bytes[at] = random.random(),
            3 => bytes.truncate(at),
            4 => bytes.insert(at, random.random()),
            _ => {
                let end = bytes.len().min(at + random.random_range(1..16));
                let piece = bytes[at..end].to_vec();
                let to = random.random_range(0..bytes.len());
                bytes.splice(to..to, piece);
            }
        }
    }
    bytes
}

#[test]
#[ignore = "writes the seed corpus into the source tree"]
fn write_the_seed_corpus() {
    let folder = tempfile::tempdir().unwrap();
    write_dataset(folder.path());
    manifests(folder.path());
    pages(folder.path());
    idx();
    arrays(folder.path());
    // Any bytes say what is changed.
    let choices: Vec<u8> = (0..96u8).map(|byte| byte.wrapping_mul(151)).collect();
    seed("manifests", "choices_0", &choices);
}

/// Two small versions with attributes of every kind.
fn write_dataset(folder: &Path) {
    let texts = [
        "u:u8[3]",
        "v:u8[2]?",
        "h:f16[3]",
        "f:f32[2,2]",
        "l:i64[1]",
        "s:i16[5]",
        "z:f32[4]",
        "label:i64",
        "name:string?",
        "boxes:f32[?,2]",
        "photo:file",
    ];
    let attributes = texts.map(|text| Attribute::parse(text).unwrap());
    let attributes = attributes.into_iter().map(|attribute| match attribute.name.as_str() {
        "z" => attribute.with_encoding(Encoding::Zstd(3)),
        _ => attribute,
    });
    let schema = Schema::new(attributes).unwrap();
    block_on(async {
        let location = folder.display().to_string();
        let dataset = Dataset::create(&location, schema).await.unwrap();
        for inline in [4, 1000] {
            let options = WriteOptions::default().with_inline_file_bytes(inline);
            let mut writer = dataset.writer_with(options).await.unwrap();
            writer.append_columns(columns()).await.unwrap();
            writer.commit().await.unwrap();
        }
    });
}

fn columns() -> Columns {
    let item = Arc::new(Field::new("item", DataType::UInt8, true));
    let values: ArrayRef = Arc::new(UInt8Array::from_iter_values(0..2 * ROWS as u8));
    let nulls: NullBuffer = (0..ROWS).map(|row| row % 3 != 1).collect::<Vec<bool>>().into();
    let nullable = FixedSizeListArray::try_new(item, 2, values, Some(nulls)).unwrap();
    let boxes: Vec<_> = (0..ROWS)
        .map(|row| Array2::<f32>::from_elem((row % 3, 2), row as f32).into_dyn())
        .collect();
    let boxes: Vec<_> = boxes.iter().map(|b| b.view()).collect();
    let files: Vec<_> = (0..ROWS)
        .map(|row| Some(FileValue::new(format!("{row}.bin"), vec![row as u8; row])))
        .collect();
    Columns::new()
        .tensors("u", Array2::from_shape_fn((ROWS, 3), |(r, c)| (r * 3 + c) as u8))
        .array("v", Arc::new(nullable))
        .tensors("h", Array2::from_elem((ROWS, 3), half::f16::from_f32(1.5)))
        .tensors("f", ndarray::Array3::from_elem((ROWS, 2, 2), 1.5f32))
        .tensors("l", Array2::from_elem((ROWS, 1), -1i64))
        .tensors("s", Array2::from_shape_fn((ROWS, 5), |(r, c)| (r * c) as i16))
        .tensors("z", Array2::from_elem((ROWS, 4), 0.25f32))
        .scalars("label", 0..ROWS as i64)
        .strings("name", (0..ROWS).map(|row| (row % 2 == 0).then_some("ten")))
        .variable_tensors("boxes", &boxes)
        .files("photo", &files)
}

/// The documents of the roots, without their frames, and the leaves.
fn manifests(folder: &Path) {
    for (number, file) in files_below(&folder.join("_tenrow/versions")).iter().enumerate() {
        let bytes = fs::read(file).unwrap();
        let document = br#"{"checksum":"0123456789abcdef","root":"#.len()..bytes.len() - 2;
        seed("root", &format!("version_{number}"), &bytes[document]);
    }
    for (number, file) in files_below(&folder.join("_tenrow/leaves")).iter().enumerate() {
        seed("leaf", &format!("leaf_{number}"), &fs::read(file).unwrap());
    }
}

/// The only data page of every column; the byte before it says how it is read.
fn pages(folder: &Path) {
    let file = Bytes::from(fs::read(&files_below(&folder.join("data"))[0]).unwrap());
    let metadata = decode_footer(&file, file.len() as u64).unwrap();
    for column in metadata.row_group(0).columns() {
        let name = column.column_path().string();
        let first = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
        let end = first + column.compressed_size();
        let choice = match name.split('.').next().unwrap() {
            "u" => 1 << 3 | 2,
            "v" => 1 << 3 | 3,
            "s" => 2 << 3 | 2,
            "h" => 3 << 3 | 2,
            "l" => 5 << 3 | 2,
            _ => 4 << 3 | 2,
        };
        let page = &file[column.data_page_offset() as usize..end as usize];
        seed("page", &name.replace('.', "_"), &[&[choice], page].concat());
    }
}

fn idx() {
    let bytes = |head: &[u8], dims: &[u32], values: &[u8]| -> Vec<u8> {
        let dims: Vec<u8> = dims.iter().flat_map(|dim| dim.to_be_bytes()).collect();
        [head, &dims, values].concat()
    };
    seed("idx", "labels", &bytes(&[0, 0, 8, 1], &[5], &[1, 2, 3, 4, 5]));
    seed("idx", "images", &bytes(&[0, 0, 8, 3], &[2, 2, 3], &[9; 12]));
    seed("idx", "shorts", &bytes(&[0, 0, 0x0b, 2], &[2, 2], &[0, 1, 2, 3, 4, 5, 6, 7]));
    seed("idx", "doubles", &bytes(&[0, 0, 0x0e, 1], &[1], &[63, 240, 0, 0, 0, 0, 0, 0]));
}

fn arrays(folder: &Path) {
    let item = Arc::new(Field::new("item", DataType::UInt8, true));
    let values: ArrayRef = Arc::new(UInt8Array::from_iter_values(0..12));
    let rows: ArrayRef = Arc::new(FixedSizeListArray::try_new(item, 3, values, None).unwrap());
    let labels: ArrayRef = Arc::new(arrow_array::Int64Array::from(vec![1, 2, 3, 4]));
    let path = folder.join("a.npy");
    for (name, dtype, dims, column) in
        [("images", DType::U8, &[3u64][..], &rows), ("labels", DType::I64, &[][..], &labels)]
    {
        let mut writer = NpyWriter::create(&path, dtype, dims, 4).unwrap();
        writer.write(column).unwrap();
        writer.finish().unwrap();
        seed("npy", name, &[&[0], &fs::read(&path).unwrap()[..]].concat());
    }
    let header = "{'descr': '>f4', 'fortran_order': True, 'shape': (2, 3), }";
    let header = format!("{header:<117}\n");
    let head = [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..]].concat();
    let fortran = [&[0], &head[..], header.as_bytes(), &[7; 24]].concat();
    seed("npy", "fortran", &fortran);
    seed(
        "npy",
        "bf16",
        &[&[1], &head[..], header.replace(">f4", "<V2").as_bytes(), &[7; 12]].concat(),
    );
    let path = folder.join("a.npz");
    let mut writer = NpzWriter::create(&path).unwrap();
    writer.start_array("image", DType::U8, &[3], 4).unwrap();
    writer.write(&rows).unwrap();
    writer.start_array("label", DType::I64, &[], 4).unwrap();
    writer.write(&labels).unwrap();
    writer.finish().unwrap();
    seed("npz", "two", &[&[0], &fs::read(&path).unwrap()[..]].concat());
    for (format, name) in [("arrow", "file"), ("arrow-stream", "stream")] {
        let columns = [("image", rows.clone()), ("label", labels.clone())];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let format = Format::named(format, Purpose::Answers).unwrap();
        let out = Box::new(fs::File::create(&path).unwrap());
        let mut writer = RowWriter::new(format, &batch.schema(), out).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        seed("arrow", name, &fs::read(&path).unwrap());
    }
}

fn seed(target: &str, name: &str, bytes: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), bytes).unwrap();
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}
