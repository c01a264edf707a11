//! What compaction, expiry and vacuum change: nothing that a reader of a version that stays could see.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use tenrow::engine::Clock;
use tenrow::engine::layout::root_path;
use tenrow::storage::Storage;
use tenrow::{
    Attribute, Columns, CompactOptions, Dataset, ErrorKind, ExpireOptions, FileValue, Schema,
    VacuumOptions, Version, WriteOptions,
};
use tenrow_tests::{block_on, folder, place};

use super::stock::{all, append, verified, zoo_of};
#[test]
fn compaction_keeps_numbers_ids_and_values() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 30).await;
        let before = dataset.latest().await.unwrap();
        dataset.delete(&before, &[0, 77, 150, 299]).await.unwrap();
        let before = dataset.latest().await.unwrap();
        let rows = all(&before).await;
        let ids = before.row_ids(&(0..before.row_count()).collect::<Vec<_>>()).await.unwrap();
        let report = dataset.compact(CompactOptions::default()).await.unwrap();
        assert_eq!((report.partitions_before, report.partitions_after), (30, 1));
        let after = report.snapshot;
        assert_eq!(all(&after).await, rows);
        let kept = after.row_ids(&(0..after.row_count()).collect::<Vec<_>>()).await.unwrap();
        assert_eq!(kept, ids);
        assert_eq!(all(&before).await, rows, "the version before is as it was");
        let again = dataset.compact(CompactOptions::default()).await.unwrap();
        assert_eq!(again.snapshot.version(), after.version(), "nothing is left to do");
        append(&dataset, 300..310).await;
        let latest = dataset.latest().await.unwrap();
        assert_eq!(latest.row_ids(&[296]).await.unwrap(), [300]);
        verified(&dataset).await;
    });
}

#[test]
fn many_small_commits_leave_few_leaves_and_rows_where_they_were() {
    block_on(async {
        let folder = place::folder();
        let place = place::location(folder.path());
        let schema = Schema::new([Attribute::parse("x:i64").unwrap()]).unwrap();
        let dataset = Dataset::create(&place, schema).await.unwrap();
        for value in 0..300i64 {
            let mut writer = dataset.writer().await.unwrap();
            let columns = tenrow::Columns::new().scalars("x", [value]);
            writer.append_columns(columns).await.unwrap();
            writer.commit().await.unwrap();
        }
        let snapshot = Dataset::open(&place).await.unwrap().latest().await.unwrap();
        let leaves = snapshot.root().leaves.len();
        assert!(leaves < 48, "{leaves} leaves");
        let rows = all(&snapshot).await;
        let expected: Vec<i64> = (0..300).collect();
        assert_eq!(rows.column(0).as_primitive::<Int64Type>().values()[..], expected);
        dataset.delete_ids(&[5, 250]).await.unwrap();
        verified(&dataset).await;
    });
}

#[test]
fn expired_versions_are_gone_and_vacuum_frees_what_nobody_names() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 20).await;
        dataset.compact(CompactOptions::default()).await.unwrap();
        dataset.tag("kept", Version(3)).await.unwrap();
        let latest = dataset.latest().await.unwrap();
        let rows = all(&latest).await;
        let keep = ExpireOptions { keep_last: Some(1), ..ExpireOptions::default() };
        let dry = ExpireOptions { dry_run: true, ..keep.clone() };
        let expected = dataset.expire(&dry).await.unwrap();
        assert_eq!(dataset.versions().await.unwrap().len() as u64, latest.version().0);
        let report = dataset.expire(&keep).await.unwrap();
        assert_eq!(report, expected);
        assert_eq!(report.kept, [Version(3)]);
        let left: Vec<u64> =
            dataset.versions().await.unwrap().iter().map(|info| info.version.0).collect();
        let newest = latest.version().0;
        assert_eq!(left, [newest + 1, newest, 3]);
        let again = dataset.expire(&keep).await.unwrap();
        assert_eq!((again.expired, again.kept), (vec![], vec![Version(3)]));
        assert_eq!(dataset.latest().await.unwrap().version(), Version(newest + 1));

        let young = dataset.vacuum(VacuumOptions::default()).await.unwrap();
        assert_eq!(young.removed, []);
        assert!(young.too_young > 0);
        let age = std::time::Duration::ZERO;
        std::thread::sleep(std::time::Duration::from_millis(5));
        let dry = VacuumOptions { older_than: age, dry_run: true, ..VacuumOptions::default() };
        let would = dataset.vacuum(dry).await.unwrap();
        let before = folder::files_of(folder.path()).len();
        let now = VacuumOptions { older_than: age, ..VacuumOptions::default() };
        let done = dataset.vacuum(now).await.unwrap();
        assert_eq!(done.removed.len(), would.removed.len());
        assert_eq!(folder::files_of(folder.path()).len(), before - done.removed.len());
        assert!(done.removed.len() >= 18, "{}", done.removed.len());
        assert_eq!(all(&dataset.latest().await.unwrap()).await, rows);
        assert_eq!(all(&dataset.tagged("kept").await.unwrap()).await.num_rows(), 20);
        verified(&dataset).await;
    });
}

#[test]
fn a_missing_leaf_is_named_with_its_checksum_and_other_versions_open() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 2).await;
        let newest = dataset.delete_ids(&[1, 11]).await.unwrap().snapshot;
        let leaf = newest.root().leaves.last().unwrap().clone();
        std::fs::remove_file(folder.path().join(&leaf.path)).unwrap();
        let opened = Dataset::open(&place::location(folder.path())).await.unwrap();
        let broken = opened.latest().await.unwrap();
        let error = broken.slice(0..18).await.unwrap_err();
        let said = error.chain();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{said}");
        assert!(said.contains(&leaf.path), "{said}");
        assert!(said.contains(&format!("{:016x}", leaf.checksum)), "{said}");
        assert_eq!(
            opened.version(Version(3)).await.unwrap().slice(0..20).await.unwrap().num_rows(),
            20
        );
        // What is left is not ended.
        let keep = ExpireOptions { keep_last: Some(1), ..ExpireOptions::default() };
        assert_eq!(opened.expire(&keep).await.unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(opened.versions().await.unwrap().len(), 4);
        let restored = opened.restore(Version(3)).await.unwrap();
        assert_eq!(restored.row_count(), 20);
    });
}

/// A program that has an expired version open could tag or restore it while its root was being removed.
#[test]
fn nothing_new_refers_to_a_version_that_has_expired() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 3).await;
        dataset.tag("kept", Version(2)).await.unwrap();
        let clone = place::location(folder.path().with_extension("clone"));
        dataset.clone_to(&clone, Version(3)).await.unwrap();
        let keep = ExpireOptions { keep_last: Some(1), ..ExpireOptions::default() };

        let report = dataset.expire(&keep).await.unwrap();

        assert_eq!(
            (report.expired, report.kept),
            (vec![Version(1), Version(4)], vec![Version(2), Version(3)])
        );
        let refusals = [
            dataset.tag("late", Version(3)).await.map(drop),
            dataset.restore(Version(3)).await.map(drop),
            dataset.clone_to(&format!("{clone}2"), Version(3)).await.map(drop),
        ];
        for refusal in refusals {
            let error = refusal.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
            assert!(error.to_string().contains("version 3 of"), "{error}");
            assert!(error.to_string().contains("has expired"), "{error}");
        }
        assert_eq!(dataset.clones().await.unwrap().len(), 1);
        assert_eq!(dataset.version(Version(3)).await.unwrap().row_count(), 20);
        dataset.tag("kept too", Version(2)).await.unwrap_err();
        dataset.tag("kept-too", Version(2)).await.unwrap();
        std::fs::remove_dir_all(folder.path().with_extension("clone")).unwrap();
        verified(&dataset).await;
    });
}

/// The model found it: the put of a writer that had given up arrived when its number was free again, and history
/// had a version that was never in it.
#[test]
fn a_late_put_brings_no_expired_version_back() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 3).await;
        let place = folder.path().join(root_path(Version(2)));
        let late = std::fs::read(&place).unwrap();
        let keep = ExpireOptions { keep_last: Some(1), ..ExpireOptions::default() };
        dataset.expire(&keep).await.unwrap();
        let age = std::time::Duration::ZERO;
        dataset.vacuum(VacuumOptions { older_than: age, ..Default::default() }).await.unwrap();
        std::fs::write(&place, late).unwrap();

        for dataset in [dataset.clone(), Dataset::at(dataset.storage().clone())] {
            let error = dataset.version(Version(2)).await.unwrap_err();
            assert!(error.to_string().ends_with("there are 4 to 5"), "{error}");
            assert_eq!(dataset.versions().await.unwrap().len(), 2);
            verified(&dataset).await;
            dataset.vacuum(VacuumOptions::default()).await.unwrap();
        }
        assert_eq!(dataset.expire(&keep).await.unwrap().expired, []);
        dataset.vacuum(VacuumOptions { older_than: age, ..Default::default() }).await.unwrap();
        assert!(!place.exists());
    });
}

/// Each partition names the large files of its own rows, however a batch is cut into partitions.
#[test]
fn large_files_stay_while_a_row_names_them_whatever_else_is_deleted() {
    block_on(async {
        for options in [
            WriteOptions::default().with_partition_by(["label"]),
            WriteOptions::default().with_row_group_bytes(1).with_partition_bytes(1),
        ] {
            let folder = place::folder();
            let place = place::location(folder.path());
            let attributes =
                ["label:i64", "photo:file"].map(|text| Attribute::parse(text).unwrap());
            let dataset = Dataset::create(&place, Schema::new(attributes).unwrap()).await.unwrap();
            let mut writer = dataset.writer_with(options.with_inline_file_bytes(4)).await.unwrap();
            let photos: Vec<_> =
                (0..6u8).map(|row| Some(FileValue::new("photo", vec![row; 100]))).collect();
            let columns = Columns::new().scalars("label", [0i64, 1, 2, 3, 4, 5]);
            let photos: ArrayRef = Arc::new(FileValue::array(&photos));
            writer.append_columns(columns.array("photo", photos)).await.unwrap();
            let snapshot = writer.commit().await.unwrap();
            assert_eq!(snapshot.partition_count(), 6);
            dataset.delete(&snapshot, &[0, 3]).await.unwrap();
            let compacted = dataset.compact(CompactOptions::default()).await.unwrap().snapshot;
            dataset.delete(&compacted, &[0]).await.unwrap();
            let one = ExpireOptions { keep_last: Some(1), ..Default::default() };
            dataset.expire(&one).await.unwrap();
            let now = VacuumOptions { older_than: Duration::ZERO, ..Default::default() };
            dataset.vacuum(now).await.unwrap();
            let latest = dataset.latest().await.unwrap();
            let files = latest.file_column("photo").unwrap();
            for (row, photo) in [2u8, 4, 5].into_iter().enumerate() {
                let bytes = files.bytes(row as u64).await.unwrap().unwrap();
                assert_eq!(bytes, vec![photo; 100]);
            }
            verified(&dataset).await;
        }
    });
}

/// A dataset that was made where somebody has a folder `data` of his own lost him his files, and the one that it had indexed
/// in place there; a dataset below another lost all.
#[test]
fn what_others_keep_below_a_dataset_is_left_alone() {
    block_on(async {
        let folder = place::folder();
        let at = |name: &str| folder.path().join(name);
        for name in ["data/mine.csv", "files/thesis.tex", "columns/notes.txt", "_tenrow/tmp/a/b"] {
            tenrow_tests::folder::write(&at(name), b"mine");
        }
        let outer = zoo_of(folder.path(), 1).await;
        let inner = zoo_of(&at("data/inner"), 1).await;
        let before = tenrow_tests::folder::files_of(folder.path());
        std::thread::sleep(std::time::Duration::from_millis(5));
        let older_than = std::time::Duration::ZERO;
        let report =
            outer.vacuum(VacuumOptions { older_than, ..Default::default() }).await.unwrap();
        assert_eq!(report.removed, []);
        assert_eq!(tenrow_tests::folder::files_of(folder.path()), before);
        verified(&inner).await;
        // What is its own still goes: a leaf that no version names, and a base file.
        let id = "0123456789abcdef0123456789abcdef";
        let own = [format!("_tenrow/leaves/{id}"), format!("data/{id}.parquet")];
        own.iter().for_each(|name| tenrow_tests::folder::write(&at(name), b"left"));
        std::thread::sleep(std::time::Duration::from_millis(5));
        let report =
            outer.vacuum(VacuumOptions { older_than, ..Default::default() }).await.unwrap();
        let mut removed: Vec<_> = report.removed.into_iter().map(|object| object.path).collect();
        removed.sort_unstable();
        assert_eq!(removed, own);
    });
}

/// Pages of mapped files are read unchecked, so that a compaction gave a flipped bit a checksum under which it was right.
#[test]
fn what_is_written_anew_was_checked_when_it_was_read() {
    block_on(async {
        let folder = place::folder();
        let schema = Schema::new([Attribute::parse("v:i32[2]").unwrap()]).unwrap();
        let dataset = Dataset::create(&place::location(folder.path()), schema).await.unwrap();
        let mut writer = dataset.writer().await.unwrap();
        let rows = ndarray::array![[1001i32, 1002], [1003, 1004], [1005, 1006]];
        writer.append_columns(Columns::new().tensors("v", &rows)).await.unwrap();
        writer.commit().await.unwrap();
        let file =
            folder::files_of(folder.path()).into_keys().find(|name| name.starts_with("data/"));
        let file = folder.path().join(file.unwrap());
        let mut bytes = std::fs::read(&file).unwrap();
        let at = bytes.windows(4).position(|four| four == 1004i32.to_le_bytes()).unwrap();
        bytes[at] ^= 1;
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, bytes).unwrap();
        let latest = dataset.latest().await.unwrap();
        let deleted = dataset.delete(&latest, &[0]).await.unwrap().snapshot;

        let error = dataset.compact(CompactOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", error.chain());
        let values = Columns::new().tensors("v", ndarray::array![[1i32, 2]]);
        let values = values.into_batch().unwrap();
        let error = dataset.update(&deleted, &[1], &values).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", error.chain());
        assert_eq!(dataset.latest().await.unwrap().version(), deleted.version());
    });
}

/// A time of which the newest version had expired was answered with an older one, which a tag had kept.
#[test]
fn a_time_whose_newest_version_may_have_expired_has_none() {
    block_on(async {
        let folder = place::folder();
        let storage = Storage::open(&place::location(folder.path())).unwrap();
        let at = |ms: i64| Dataset::at(storage.clone()).with_clock(Clock::fixed(ms));
        let schema = Schema::new([Attribute::parse("x:i64").unwrap()]).unwrap();
        at(1000).create_here(schema, &Default::default()).await.unwrap();
        for number in 2..=5 {
            let dataset = at(number * 1000);
            let mut writer = dataset.writer().await.unwrap();
            writer.append_columns(Columns::new().scalars("x", [number])).await.unwrap();
            writer.commit().await.unwrap();
        }
        let dataset = at(6000);
        dataset.tag("kept", Version(2)).await.unwrap();
        let keep = ExpireOptions { keep_last: Some(2), ..ExpireOptions::default() };
        assert_eq!(dataset.expire(&keep).await.unwrap().expired, [1, 3, 4].map(Version));
        let found = |time_ms: i64| {
            let dataset = dataset.clone();
            async move { dataset.version_at(time_ms).await.map(|found| found.version().0) }
        };
        for (time_ms, version) in [(2000, 2), (5000, 5), (5999, 5), (6000, 7), (9999, 7)] {
            assert_eq!(found(time_ms).await.unwrap(), version, "{time_ms}");
        }
        for time_ms in [2001, 3000, 4500, 4999] {
            let error = found(time_ms).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
            let text = error.to_string();
            assert!(text.contains("version 2 was committed before"), "{text}");
            assert!(text.contains("versions 3 to 4"), "{text}");
        }
        assert!(found(1999).await.unwrap_err().to_string().contains("no version that old"));
    });
}
