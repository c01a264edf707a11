//! What a writer refuses, and that it goes on after it.

use tenrow::{Attribute, Columns, Dataset, ErrorKind, FileValue, Schema, WriteOptions};
use tenrow_tests::{block_on, folder, place};

/// Twice the same key was accepted, and every row lost at the commit, which could not be read.
#[test]
fn a_partition_key_that_is_given_twice_is_refused_before_any_row() {
    block_on(async {
        let folder = place::folder();
        let attributes = ["k:string", "n:i64"].map(|text| Attribute::parse(text).unwrap());
        let schema = Schema::new(attributes).unwrap();
        let dataset = Dataset::create(&place::location(folder.path()), schema).await.unwrap();
        let by = |names: &[&str]| WriteOptions::default().with_partition_by(names.to_vec());
        for names in [&["k", "k"][..], &["n", "k", "n"]] {
            let error = dataset.writer_with(by(names)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(
                error.to_string().contains(&format!("{:?} is given twice", names[0])),
                "{error}"
            );
        }
        dataset.writer_with(by(&["n", "k"])).await.unwrap();
    });
}

/// The writer was of no use after such a value, though nothing of the batch was stored.
#[test]
fn a_writer_goes_on_after_files_that_name_no_object() {
    block_on(async {
        let folder = place::folder();
        let schema = Schema::new([Attribute::parse("file:file?").unwrap()]).unwrap();
        let dataset = Dataset::create(&place::location(folder.path()), schema).await.unwrap();
        let options = WriteOptions::default().with_inline_file_bytes(4);
        let mut writer = dataset.writer_with(options).await.unwrap();
        let large = || FileValue::new("large", &b"more than four"[..]);
        let path = tenrow::engine::layout::large_file_path(&"0".repeat(64), &"1".repeat(32));
        let names = || folder::files_of(folder.path()).into_keys().collect::<Vec<_>>();
        let before = names();
        let named = |path: &str| FileValue { path: Some(path.to_owned()), ..FileValue::default() };
        for (file, told) in [
            (FileValue::default(), "neither bytes nor an object"),
            (named("elsewhere.png"), "neither bytes nor an object"),
            (named(&path), "is not there"),
        ] {
            let columns = Columns::new().files("file", [large(), file]);
            let error = writer.append_columns(columns).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.chain().contains(told), "{}", error.chain());
            assert!(error.chain().contains("row 1 of the batch"), "{}", error.chain());
            assert_eq!(names(), before, "nothing of the batch is stored");
        }
        writer.append_columns(Columns::new().files("file", [Some(large()), None])).await.unwrap();
        let stored = dataset.latest().await.unwrap();
        assert_eq!(stored.row_count(), 0);
        let stored = writer.commit().await.unwrap();
        let bytes = stored.file_column("file").unwrap().bytes(0).await.unwrap();
        assert_eq!((stored.row_count(), bytes.as_deref()), (2, Some(&b"more than four"[..])));
    });
}
