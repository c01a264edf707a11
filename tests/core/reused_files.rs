//! Large files that values name and do not bring: whatever commits them makes sure that they stay.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{Array, ArrayRef, LargeBinaryArray, RecordBatch, StringArray, StructArray};
use arrow_schema::Field;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use tenrow::engine::Clock;
use tenrow::{
    Attribute, ColumnFill, Columns, CompactOptions, Dataset, ErrorKind, ExpireOptions, FileValue,
    Result, Schema, SchemaChange, Snapshot, VacuumOptions, WriteOptions,
};
use tenrow_convert::{Format, OpenOptions, open};
use tenrow_tests::{block_on, folder, place};

use super::stock::verified;

/// Later than any object that a test writes, so that `vacuum` takes all that nobody names.
const LATER_MS: i64 = 4_102_444_800_000;

/// Two rows with a large file each.
async fn dataset(folder: &tempfile::TempDir) -> Dataset {
    let attributes = ["label:i64", "photo:file?"].map(|text| Attribute::parse(text).unwrap());
    let schema = Schema::new(attributes).unwrap();
    let dataset = Dataset::create(&place::location(folder.path()), schema).await.unwrap();
    let mut writer = dataset.writer().await.unwrap();
    let photos = [large(1), large(2)];
    let columns = Columns::new().scalars("label", [1i64, 2]);
    writer.append_columns(columns.files("photo", &photos)).await.unwrap();
    writer.commit().await.unwrap();
    dataset
}

fn large(byte: u8) -> Option<FileValue> {
    let bytes = WriteOptions::default().inline_file_bytes as usize + 1;
    Some(FileValue::new("photo", vec![byte; bytes]))
}

/// The file of a row, by its path alone.
async fn photo(snapshot: &Snapshot, row: u64) -> Option<FileValue> {
    let file = snapshot.file_column("photo").unwrap().get(row).await.unwrap().unwrap();
    assert!(file.path.is_some(), "a large file");
    Some(file.into())
}

/// Ends all versions but the newest, and removes what none names.
async fn sweep(dataset: &Dataset) {
    let one = ExpireOptions { keep_last: Some(1), ..Default::default() };
    dataset.expire(&one).await.unwrap();
    let dataset = Dataset::at(dataset.storage().clone()).with_clock(Clock::fixed(LATER_MS));
    let now = VacuumOptions { older_than: Duration::ZERO, ..Default::default() };
    dataset.vacuum(now).await.unwrap();
}

async fn commit(dataset: &Dataset, how: &str, file: Option<FileValue>) -> Result<Snapshot> {
    let newest = dataset.latest().await?;
    let files: ArrayRef = Arc::new(FileValue::array(std::slice::from_ref(&file)));
    match how {
        "update" => {
            let values = RecordBatch::try_from_iter([("photo", files)]).unwrap();
            dataset.update(&newest, &[0], &values).await
        }
        "fill" => {
            let other = Attribute::parse("other:file?").unwrap();
            dataset.change_schema(SchemaChange::Add(other)).await?;
            let filled = dataset
                .fill_column(&ColumnFill::new("other", ["label"]), |batch| {
                    let files: Vec<_> = (0..batch.num_rows()).map(|_| file.clone()).collect();
                    Ok(Arc::new(FileValue::array(&files)) as ArrayRef)
                })
                .await;
            filled.map(|report| report.snapshot)
        }
        _ => {
            let mut writer = match how {
                "append" => dataset.writer().await?,
                _ => dataset.overwriter(None, WriteOptions::default()).await?,
            };
            let columns = Columns::new().scalars("label", [9i64]);
            writer.append_columns(columns.array("photo", files)).await?;
            writer.commit().await
        }
    }
}

const ALL: [&str; 4] = ["append", "update", "fill", "overwrite"];

/// Only appends looked: an update named a large file that `vacuum` had freed, and the row could not be read.
#[test]
fn no_commit_names_a_large_file_that_no_row_of_the_version_before_names() {
    block_on(async {
        for (how, is_gone) in ALL.into_iter().flat_map(|how| [(how, true), (how, false)]) {
            let folder = place::folder();
            let dataset = dataset(&folder).await;
            let freed = photo(&dataset.latest().await.unwrap(), 1).await;
            dataset.delete_ids(&[1]).await.unwrap();
            dataset.compact(CompactOptions::default()).await.unwrap();
            if is_gone {
                sweep(&dataset).await;
            }

            let error = commit(&dataset, how, freed).await.unwrap_err();

            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{how}: {}", error.chain());
            let says = if is_gone { "is not there" } else { "is named by no row" };
            assert!(error.chain().contains(says), "{how}: {}", error.chain());
            verified(&dataset).await;
        }
    });
}

/// A fill did not say which large files its values name, and `vacuum` freed them.
#[test]
fn large_files_that_a_commit_brings_or_names_stay() {
    block_on(async {
        for how in ALL {
            for brings in [false, true] {
                let folder = place::folder();
                let dataset = dataset(&folder).await;
                let newest = dataset.latest().await.unwrap();
                let file = if brings { large(7) } else { photo(&newest, 1).await };
                let name = if how == "fill" { "other" } else { "photo" };

                commit(&dataset, how, file).await.unwrap();
                dataset.delete_ids(&[1]).await.unwrap();
                sweep(&dataset).await;
                dataset.compact(CompactOptions::default()).await.unwrap();
                sweep(&dataset).await;

                let newest = dataset.latest().await.unwrap();
                let row = if how == "append" { 1 } else { 0 };
                let bytes = newest.file_column(name).unwrap().bytes(row).await.unwrap().unwrap();
                assert_eq!(bytes[0], if brings { 7 } else { 2 }, "{how}");
                verified(&dataset).await;
            }
        }
    });
}

/// A row of the snapshot was deleted meanwhile, and the whole update was refused.
#[test]
fn rows_that_are_gone_since_the_snapshot_are_left_out_of_an_update() {
    block_on(async {
        let folder = place::folder();
        let dataset = dataset(&folder).await;
        let seen = dataset.latest().await.unwrap();
        dataset.delete_ids(&[0]).await.unwrap();
        let labels: ArrayRef = Arc::new(arrow_array::Int64Array::from(vec![-1, -2]));
        let values = RecordBatch::try_from_iter([("label", labels)]).unwrap();

        let updated = dataset.update(&seen, &[0, 1], &values).await.unwrap();

        let label = updated.slice(0..1).await.unwrap();
        let label = label.column_by_name("label").unwrap();
        assert_eq!(label.as_ref(), &arrow_array::Int64Array::from(vec![-2]));
        dataset.delete_ids(&[1]).await.unwrap();
        let version = dataset.update(&seen, &[0, 1], &values).await.unwrap().version();
        assert_eq!(version, dataset.latest().await.unwrap().version());
        let few = values.slice(0, 1);
        let error = dataset.update(&seen, &[0, 1], &few).await.unwrap_err();
        assert!(error.to_string().contains("1 rows of values for 2 rows"), "{error}");
        // An id that is given as such is to be there.
        let error = dataset.update_ids(&[0, 1], &values).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    });
}

/// A Parquet file of others with a column of files: their bytes and a path, each of which may be null.
fn files_of_others(path: &Path, rows: &[(Option<&[u8]>, Option<&str>)]) {
    let file = |&(bytes, path): &(Option<&[u8]>, Option<&str>)| {
        let bytes = bytes.map(Bytes::copy_from_slice);
        Some(FileValue { bytes, path: path.map(str::to_owned), ..FileValue::default() })
    };
    let files: Vec<_> = rows.iter().map(file).collect();
    write_files(path, &files);
}

fn write_files(path: &Path, files: &[Option<FileValue>]) {
    let column: ArrayRef = Arc::new(FileValue::array(files));
    write_parquet(path, &RecordBatch::try_from_iter([("photo", column)]).unwrap());
}

fn write_parquet(path: &Path, batch: &RecordBatch) {
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

async fn add_in_place(dataset: &Dataset, file: &Path) -> Result<Snapshot> {
    let mut writer = dataset.writer().await?;
    writer.append_in_place(file, &HashMap::new()).await?;
    writer.commit().await
}

/// Rows of a file in place named large files of the dataset, which nothing kept for them, or nothing at all.
#[test]
fn rows_in_place_that_do_not_bring_their_bytes_are_refused() {
    if !place::needs_folders("files in place are local") {
        return;
    }
    block_on(async {
        let folder = place::folder();
        let own = folder.path().join("d");
        let schema = Schema::new([Attribute::parse("photo:file?").unwrap()]).unwrap();
        let dataset = Dataset::create(&place::location(&own), schema).await.unwrap();
        let mut writer = dataset.writer().await.unwrap();
        writer.append_columns(Columns::new().files("photo", [large(1)])).await.unwrap();
        let newest = writer.commit().await.unwrap();
        let object = photo(&newest, 0).await.unwrap().path.unwrap();
        let file = folder.path().join("x.parquet");
        let whole = (Some(&b"bytes"[..]), Some("a.png"));
        for (row, says) in [
            ((None, Some(object.as_str())), object.as_str()),
            ((None, Some("b.png")), "only the path \"b.png\""),
            ((None, None), "has no bytes:"),
        ] {
            files_of_others(&file, &[whole, whole, row]);
            let error = add_in_place(&dataset, &file).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{}", error.chain());
            let text = error.to_string();
            assert!(text.contains("row 2 of \"photo\"") && text.contains(says), "{text}");
        }
        files_of_others(&file, &[whole, (Some(b""), Some(&object))]);
        let newest = add_in_place(&dataset, &file).await.unwrap();
        let photos = newest.file_column("photo").unwrap();
        assert_eq!(photos.bytes(1).await.unwrap().unwrap(), &b"bytes"[..]);
        assert_eq!(photos.bytes(2).await.unwrap().unwrap(), &b""[..]);
        verified(&dataset).await;
    });
}

/// Files of a dataset were indexed in place by another, which was not registered, and removed by the first.
#[test]
fn an_object_of_a_dataset_is_no_file_for_another_to_index() {
    if !place::needs_folders("files in place are local") {
        return;
    }
    block_on(async {
        let home = place::folder();
        let a = dataset(&home).await;
        let data = home.path().join("data");
        let (name, _) = folder::files_of(&data).pop_first().unwrap();
        let file = data.join(name);
        let other = tempfile::tempdir().unwrap();
        let b = dataset(&other).await;
        for dataset in [&a, &b] {
            let error = add_in_place(dataset, &file).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{}", error.chain());
            assert!(error.to_string().contains("merge or clone"), "{error}");
        }
        // What only lies there is nobody's.
        let mine = data.join("mine.parquet");
        let photo = (Some(&b"bytes"[..]), None);
        files_of_others(&mine, &[photo]);
        let schema = Schema::new([Attribute::parse("photo:file?").unwrap()]).unwrap();
        let c = Dataset::create(&place::location(other.path().join("c")), schema).await.unwrap();
        add_in_place(&c, &mine).await.unwrap();
    });
}

/// A value that names a file says of it what it likes: its size and hash are those of the file.
#[test]
fn what_a_value_says_of_a_file_that_it_names_is_what_the_file_is() {
    block_on(async {
        let folder = place::folder();
        let dataset = dataset(&folder).await;
        let newest = dataset.latest().await.unwrap();
        let mut wrong = photo(&newest, 0).await.unwrap();
        let right = wrong.clone();
        wrong.size_bytes = Some(3);
        wrong.blake3 = Some("0".repeat(64));
        let mut silent = right.clone();
        (silent.size_bytes, silent.blake3) = (None, None);
        for value in [wrong, silent] {
            let newest = commit(&dataset, "update", Some(value)).await.unwrap();
            assert_eq!(photo(&newest, 0).await, Some(right.clone()));
            verified(&dataset).await;
        }
    });
}

/// A page that is damaged was indexed, and its rows could not be read then.
#[test]
fn a_damaged_page_is_found_before_its_file_is_indexed() {
    if !place::needs_folders("files in place are local") {
        return;
    }
    block_on(async {
        let home = place::folder();
        dataset(&home).await;
        let data = home.path().join("data");
        let (name, _) = folder::files_of(&data).pop_first().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.parquet");
        let other = folder.path().join("d");
        let attributes = ["label:i64", "photo:file?"].map(|text| Attribute::parse(text).unwrap());
        let schema = Schema::new(attributes).unwrap();
        let dataset = Dataset::create(&place::location(&other), schema).await.unwrap();
        let mut bytes = std::fs::read(data.join(name)).unwrap();
        // The first page holds the labels, 1 and 2.
        let labels: Vec<u8> = [1i64, 2].iter().flat_map(|label| label.to_le_bytes()).collect();
        let at = bytes.windows(16).position(|window| window == labels).unwrap();
        bytes[at] ^= 4;
        std::fs::write(&file, bytes).unwrap();
        let error = add_in_place(&dataset, &file).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", error.chain());
        let chain = error.chain();
        assert!(chain.contains("column \"label\" in row group 0"), "{chain}");
    });
}

/// Places and lengths in a footer that is damaged made the program give up.
#[test]
fn a_damaged_footer_is_an_error_whatever_it_says() {
    if !place::needs_folders("files in place are local") {
        return;
    }
    block_on(async {
        let folder = place::folder();
        let file = folder.path().join("x.parquet");
        files_of_others(&file, &[(Some(b"bytes"), Some("a.png")), (Some(b""), None)]);
        let good = std::fs::read(&file).unwrap();
        let footer = u32::from_le_bytes(*good[good.len() - 8..].first_chunk().unwrap()) as usize;
        let schema = Schema::new([Attribute::parse("photo:file?").unwrap()]).unwrap();
        let at = place::location(folder.path().join("d"));
        let dataset = Dataset::create(&at, schema).await.unwrap();
        let mut refused = 0;
        for (place, value) in
            (good.len() - 8 - footer..good.len() - 8).flat_map(|at| [(at, 0), (at, 1)])
        {
            let mut bytes = good.clone();
            bytes[place] = value;
            std::fs::write(&file, bytes).unwrap();
            let mut writer = dataset.writer().await.unwrap();
            refused += u64::from(writer.append_in_place(&file, &HashMap::new()).await.is_err());
            // Copied, too, it is rows or an error.
            let paths = [file.clone()];
            let source = open(&paths, Some(Format::PARQUET), &OpenOptions::default());
            if let Ok(mut source) = source {
                while let Ok(Some(_)) = source.next_batch() {}
            }
        }
        assert!(refused > 50, "{refused} of {footer} bytes");
    });
}

/// Files in place said a hash that their bytes have not, and `verify` passed what could not be read.
#[test]
fn what_a_row_in_place_says_of_its_bytes_is_so_or_refused() {
    if !place::needs_folders("files in place are local") {
        return;
    }
    block_on(async {
        let folder = place::folder();
        let file = folder.path().join("x.parquet");
        let schema = Schema::new([Attribute::parse("photo:file?").unwrap()]).unwrap();
        let at = place::location(folder.path().join("d"));
        let dataset = Dataset::create(&at, schema).await.unwrap();
        let right = FileValue::new("a", "bytes");
        let wrong_size = FileValue { size_bytes: Some(7), ..right.clone() };
        let wrong_hash = FileValue { blake3: Some("0".repeat(64)), ..right.clone() };
        for (value, says) in [(wrong_size, "it says that it has 7 bytes"), (wrong_hash, "hash to")]
        {
            write_files(&file, &[Some(right.clone()), Some(value)]);
            let error = add_in_place(&dataset, &file).await.unwrap_err();
            assert!(error.to_string().contains("row 1 of \"photo\""), "{error}");
            assert!(error.to_string().contains(says), "{error}");
        }
    });
}

/// Many keep pictures in a struct of only their bytes and a path.
#[test]
fn files_of_two_fields_are_files_in_place_too() {
    if !place::needs_folders("files in place are local") {
        return;
    }
    block_on(async {
        let folder = place::folder();
        let file = folder.path().join("x.parquet");
        let bytes: ArrayRef = Arc::new(LargeBinaryArray::from_iter_values([b"one", b"two"]));
        let paths: ArrayRef = Arc::new(StringArray::from_iter([Some("1.png"), None]));
        let fields = [("bytes", bytes), ("path", paths)].map(|(name, array)| {
            (Arc::new(Field::new(name, array.data_type().clone(), true)), array)
        });
        let column: ArrayRef = Arc::new(StructArray::from(fields.to_vec()));
        let batch = RecordBatch::try_from_iter([("photo", column)]).unwrap();
        write_parquet(&file, &batch);
        let schema = Schema::new([Attribute::parse("photo:file?").unwrap()]).unwrap();
        let at = place::location(folder.path().join("d"));
        let dataset = Dataset::create(&at, schema).await.unwrap();
        let newest = add_in_place(&dataset, &file).await.unwrap();
        let photos = newest.file_column("photo").unwrap();
        let one = photos.get(0).await.unwrap().unwrap();
        assert_eq!((one.name.as_deref(), one.path.as_deref()), (Some("1.png"), None));
        assert_eq!(photos.bytes(1).await.unwrap().unwrap(), "two");
        verified(&dataset).await;
    });
}

/// A name that is no text was kept as another, so that rows came from the file of that name, or from none.
#[cfg(unix)]
#[test]
fn a_file_in_place_is_named_in_unicode() {
    use std::os::unix::ffi::OsStrExt;
    if !place::needs_folders("files in place are local") {
        return;
    }
    block_on(async {
        let folder = place::folder();
        let schema = Schema::new([Attribute::parse("photo:file?").unwrap()]).unwrap();
        let at = place::location(folder.path().join("d"));
        let dataset = Dataset::create(&at, schema).await.unwrap();
        let file = folder.path().join(std::ffi::OsStr::from_bytes(b"e\xff.parquet"));
        files_of_others(&file, &[(Some(b"bytes"), None)]);
        let error = add_in_place(&dataset, &file).await.unwrap_err();
        assert!(error.to_string().contains("not named in Unicode"), "{error}");
        let named = folder.path().join("e\u{fffd}.parquet");
        std::fs::rename(file, &named).unwrap();
        add_in_place(&dataset, &named).await.unwrap();
    });
}

/// A dataset that lost its manifests was put together again from its files in place, which its own vacuum then took.
#[test]
fn what_is_named_as_an_object_of_a_dataset_is_no_file_in_place() {
    if !place::needs_folders("files in place are local") {
        return;
    }
    block_on(async {
        let home = place::folder();
        dataset(&home).await;
        let data = home.path().join("data");
        let (name, _) = folder::files_of(&data).pop_first().unwrap();
        std::fs::remove_dir_all(home.path().join("_tenrow")).unwrap();
        let other = tempfile::tempdir().unwrap();
        let other = dataset(&other).await;
        let error = add_in_place(&other, &data.join(name)).await.unwrap_err();
        assert!(error.to_string().contains("named as an object of a dataset"), "{error}");
    });
}
