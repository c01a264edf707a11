//! Datasets that share files, or are moved.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use tenrow::{
    Attribute, Columns, CompactOptions, Dataset, ErrorKind, ExpireOptions, OnProgress, Schema,
    VacuumOptions, VerifyOptions, Version,
};
use tenrow_tests::{block_on, folder, place};

use super::stock::{all, append, verified, without_paths, zoo_of};
#[test]
fn a_clone_shares_files_and_goes_its_own_way() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(&folder.path().join("a"), 3).await;
        let source = dataset.latest().await.unwrap();
        let rows = all(&source).await;
        let place = place::location(folder.path().join("b"));
        let clone = dataset.clone_to(&place, source.version()).await.unwrap();
        let copied = folder::files_of(&folder.path().join("b"));
        assert!(copied.keys().all(|name| name.starts_with("_tenrow/")), "{:?}", copied.keys());
        let opened = Dataset::open(&place).await.unwrap();
        assert_eq!(
            without_paths(&all(&opened.latest().await.unwrap()).await),
            without_paths(&rows)
        );
        let photos = opened.latest().await.unwrap().file_column("photo").unwrap();
        for row in 0..30 {
            let expected = source.file_column("photo").unwrap().bytes(row).await.unwrap();
            assert_eq!(photos.bytes(row).await.unwrap(), expected);
        }
        assert_eq!(dataset.clones().await.unwrap().len(), 1);

        // Each changes alone.
        append(&clone, 30..40).await;
        let latest = clone.latest().await.unwrap();
        clone.delete(&latest, &[0, 12]).await.unwrap();
        let labels: ArrayRef = Arc::new(Int64Array::from(vec![-5]));
        let values = RecordBatch::try_from_iter([("label", labels)]).unwrap();
        let updated = clone.update_ids(&[25], &values).await.unwrap();
        let own = all(&updated).await;
        assert_eq!(own.num_rows(), 38);
        assert_eq!(own.column_by_name("label").unwrap().as_primitive::<Int64Type>().value(23), -5);
        assert_eq!(all(&dataset.latest().await.unwrap()).await, rows);
        verified(&clone).await;

        // What it needs is kept, whatever becomes of the source.
        append(&dataset, 30..40).await;
        dataset.compact(CompactOptions::default()).await.unwrap();
        let keep = ExpireOptions { keep_last: Some(1), ..ExpireOptions::default() };
        assert_eq!(dataset.expire(&keep).await.unwrap().kept, [source.version()]);
        let all_ages = std::time::Duration::ZERO;
        dataset.vacuum(VacuumOptions { older_than: all_ages, ..Default::default() }).await.unwrap();
        let opened = Dataset::open(&place).await.unwrap();
        assert_eq!(without_paths(&all(&opened.latest().await.unwrap()).await), without_paths(&own));

        // Both are moved together.
        let moved = folder.path().join("moved");
        std::fs::create_dir(&moved).unwrap();
        for name in ["a", "b"] {
            std::fs::rename(folder.path().join(name), moved.join(name)).unwrap();
        }
        let opened = Dataset::open(&place::location(moved.join("b"))).await.unwrap();
        assert_eq!(without_paths(&all(&opened.latest().await.unwrap()).await), without_paths(&own));

        // A clone of a clone, and a copy that needs neither.
        let twice = place::location(folder.path().join("c"));
        opened.clone_to(&twice, updated.version()).await.unwrap();
        let twice = Dataset::open(&twice).await.unwrap();
        assert_eq!(without_paths(&all(&twice.latest().await.unwrap()).await), without_paths(&own));
        let copy = place::location(folder.path().join("d"));
        twice.copy_to(&copy, updated.version(), &OnProgress::default()).await.unwrap();
        std::fs::remove_dir_all(&moved).unwrap();
        std::fs::remove_dir_all(folder.path().join("c")).unwrap();
        let copy = Dataset::open(&copy).await.unwrap();
        assert_eq!(without_paths(&all(&copy.latest().await.unwrap()).await), without_paths(&own));
        let compacted = copy.compact(CompactOptions::default()).await.unwrap();
        assert_eq!(without_paths(&all(&compacted.snapshot).await), without_paths(&own));
        verified(&copy).await;
    });
}

#[test]
fn a_clone_that_was_removed_can_be_forgotten_and_one_that_is_there_cannot() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(&folder.path().join("a"), 2).await;
        let place = place::location(folder.path().join("b"));
        dataset.clone_to(&place, Version(2)).await.unwrap();
        let keep = ExpireOptions { keep_last: Some(1), ..ExpireOptions::default() };
        assert_eq!(dataset.expire(&keep).await.unwrap().kept, [Version(2)]);

        let error = dataset.forget_clone(&place).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains("remove it first"), "{error}");
        let elsewhere = place::location(folder.path().join("c"));
        let error = dataset.forget_clone(&elsewhere).await.unwrap_err();
        assert!(error.to_string().contains(&format!("there are {place}")), "{error}");

        std::fs::remove_dir_all(folder.path().join("b")).unwrap();
        assert_eq!(dataset.forget_clone(&place).await.unwrap()[0].version, Version(2));
        assert_eq!(dataset.version(Version(2)).await.unwrap_err().kind(), ErrorKind::NotFound);
        let error = dataset.forget_clone(&place).await.unwrap_err();
        assert!(error.to_string().contains("there are none"), "{error}");
        assert_eq!(dataset.expire(&keep).await.unwrap().kept, []);
        verified(&dataset).await;
    });
}

#[test]
fn datasets_are_merged_by_reference() {
    block_on(async {
        let folder = place::folder();
        let a = zoo_of(&folder.path().join("a"), 2).await;
        let b = zoo_of(&folder.path().join("b"), 1).await;
        append(&b, 100..120).await;
        let latest = b.latest().await.unwrap();
        b.delete(&latest, &[1, 15]).await.unwrap();
        let labels: ArrayRef = Arc::new(Int64Array::from(vec![-5]));
        let values = RecordBatch::try_from_iter([("label", labels)]).unwrap();
        let version = b.update_ids(&[7], &values).await.unwrap();
        let merged = a.merge(&b, &version).await.unwrap();
        assert_eq!(merged.row_count(), 48);
        let rows = all(&merged).await;
        assert_eq!(without_paths(&rows.slice(20, 28)), without_paths(&all(&version).await));
        // Later updates count above those that came along.
        let id = merged.row_ids(&[26]).await.unwrap();
        let labels: ArrayRef = Arc::new(Int64Array::from(vec![-6]));
        let values = RecordBatch::try_from_iter([("label", labels)]).unwrap();
        let updated = a.update_ids(&id, &values).await.unwrap();
        let label = updated.slice(26..27).await.unwrap();
        let label = label.column_by_name("label").unwrap().as_primitive::<Int64Type>().value(0);
        assert_eq!(label, -6);
        let compacted = a.compact(CompactOptions::default()).await.unwrap();
        assert_eq!(all(&compacted.snapshot).await, all(&updated).await);
        verified(&a).await;
        assert_eq!(b.clones().await.unwrap()[0].version, version.version());
        let other = Schema::new([Attribute::parse("x:f32").unwrap()]).unwrap();
        let place = place::location(folder.path().join("c"));
        let c = Dataset::create(&place, other).await.unwrap();
        let error = a.merge(&c, &c.latest().await.unwrap()).await.unwrap_err();
        assert!(error.to_string().contains("image"), "{error}");
    });
}

#[test]
fn rows_keep_their_order_through_fifty_appends_and_wherever_the_dataset_is_moved() {
    block_on(async {
        let folder = place::folder();
        let (old, new) = (folder.path().join("old"), folder.path().join("new place"));
        let schema = Schema::new([Attribute::parse("x:i64").unwrap()]).unwrap();
        let dataset = Dataset::create(&place::location(&old), schema).await.unwrap();
        for value in 0..50i64 {
            let mut writer = dataset.writer().await.unwrap();
            let columns = tenrow::Columns::new().scalars("x", [value]);
            writer.append_columns(columns).await.unwrap();
            writer.commit().await.unwrap();
        }
        std::fs::rename(&old, &new).unwrap();
        let moved = Dataset::open(&place::location(&new)).await.unwrap();
        let rows = all(&moved.latest().await.unwrap()).await;
        let expected: Vec<i64> = (0..50).collect();
        assert_eq!(rows.column(0).as_primitive::<Int64Type>().values()[..], expected);
        verified(&moved).await;
    });
}

/// What was copied or moved by other means rests on a note that is not its own, and goes with whom that is for.
#[test]
fn verify_says_that_a_note_is_of_another_place() {
    if !place::needs_folders("datasets are copied and moved") {
        return;
    }
    block_on(async {
        let folder = place::folder();
        let at = |name: &str| place::location(folder.path().join(name));
        let schema = Schema::new([Attribute::parse("n:i64").unwrap()]).unwrap();
        let a = Dataset::create(&at("a"), schema).await.unwrap();
        let mut writer = a.writer().await.unwrap();
        writer.append_columns(Columns::new().scalars("n", [1i64, 2])).await.unwrap();
        let version = writer.commit().await.unwrap().version();
        let b = a.clone_to(&at("b"), version).await.unwrap();
        let faults = async |dataset: &Dataset| {
            let report = dataset.verify(VerifyOptions::default()).await.unwrap();
            report.faults.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(faults(&b).await, [""; 0]);
        std::fs::rename(folder.path().join("b"), folder.path().join("c")).unwrap();
        let moved = Dataset::open(&at("c")).await.unwrap();
        let found = faults(&moved).await;
        assert!(found.len() == 1 && found[0].contains("was moved or copied"), "{found:?}");
    });
}

/// A root that is lost with the newest version leaves a dataset that looks whole, but for what was noted after its commit.
#[test]
fn verify_says_that_the_newest_version_is_missing() {
    block_on(async {
        let folder = place::folder();
        let schema = Schema::new([Attribute::parse("n:i64").unwrap()]).unwrap();
        let dataset = Dataset::create(&place::location(folder.path()), schema).await.unwrap();
        dataset.storage().put("_tenrow/latest", "3\n".into()).await.unwrap();
        let report = dataset.verify(VerifyOptions::default()).await.unwrap();
        let found: Vec<_> = report.faults.iter().map(ToString::to_string).collect();
        assert!(found.len() == 1 && found[0].contains("version 3 was committed"), "{found:?}");
    });
}
