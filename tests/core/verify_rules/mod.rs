//! `verify` names every broken rule: each case breaks one, with right checksums, in a dataset that was well.

mod damaged;
mod rows;
mod columns;
mod statistics;
mod roots;

use std::collections::BTreeSet;
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use tenrow::Version;
use tenrow::engine::layout::root_path;
use tenrow::{Attribute, CompactOptions, Dataset, FieldId, Schema, VerifyOptions};
use tenrow_tests::edited::Edited;
use tenrow_tests::{block_on, place, random};

use damaged::{Level, well};

async fn faults(dataset: &Dataset, full: bool) -> Vec<String> {
    let options = VerifyOptions { full, ..VerifyOptions::default() };
    let report = dataset.verify(options).await.unwrap();
    report.faults.iter().map(ToString::to_string).collect()
}

#[test]
fn verify_names_every_rule_that_manifests_break() {
    block_on(async {
        let well = well().await;
        assert_eq!(faults(&well.dataset(), false).await, [""; 0]);
        assert_eq!(faults(&well.dataset(), true).await, [""; 0]);
        let cases =
            [rows::CASES, columns::CASES, statistics::CASES, roots::CASES].into_iter().flatten();
        let mut tried = 0;
        let mut missed = Vec::new();
        for (rule, level, says, damage, damage_root) in cases {
            let edited = well.copy().await;
            let mut manifests = edited.manifests().await;
            damage(&mut manifests);
            tried += 1;
            if !edited.write(&manifests).await {
                missed.push(format!("{rule}: refused before it is looked at"));
                continue;
            }
            let mut root = edited.root().await;
            damage_root(&mut root);
            edited.put(&root_path(root.version), root.encode()).await;
            let quick = faults(&edited.dataset(), false).await;
            let full = faults(&edited.dataset(), true).await;
            let found = if *level == Level::Quick { &quick } else { &full };
            if !found.iter().any(|fault| fault.contains(says)) {
                missed.push(format!("{rule}: {says:?} is not in {found:#?}"));
            }
            if *level == Level::Full && !quick.is_empty() {
                missed.push(format!("{rule}: found without reading everything: {quick:#?}"));
            }
        }
        assert!(missed.is_empty(), "{} of {tried}: {}", missed.len(), missed.join("\n"));
        assert_eq!(tried, 60);
    });
}

#[test]
fn verify_names_every_feature_that_is_used_and_not_named() {
    block_on(async {
        let well = well().await;
        let root = well.root().await;
        let named: BTreeSet<String> = &root.reader_features | &root.writer_features;
        let expected =
            ["column_files", "default_values", "deletion_vectors", "external_files", "views"];
        assert_eq!(named.iter().map(String::as_str).collect::<Vec<_>>(), expected);
        for feature in &named {
            let edited = well.copy().await;
            let mut root = root.clone();
            root.reader_features.remove(feature);
            root.writer_features.remove(feature);
            edited.put(&root_path(root.version), root.encode()).await;
            let found = faults(&edited.dataset(), false).await;
            let says = format!("feature {feature:?} is used, but not named for writers");
            assert!(found.iter().any(|fault| fault.contains(&says)), "{feature}: {found:#?}");
        }
    });
}

#[test]
fn verify_names_every_object_that_is_missing() {
    block_on(async {
        let well = well().await;
        let mut tried = 0;
        for folder in ["data/", "columns/", "files/", "_tenrow/deletes/", "_tenrow/views/"] {
            for name in well.names(folder).await {
                let edited = well.copy().await;
                edited.delete(&name).await;
                let found = faults(&edited.dataset(), true).await;
                assert!(found.iter().any(|fault| fault.contains(&name)), "{name}: {found:#?}");
                tried += 1;
            }
        }
        // Leaves and roots of older versions too, as long as they have not expired.
        for name in well.names("_tenrow/leaves/").await {
            let edited = well.copy().await;
            edited.delete(&name).await;
            let found = faults(&edited.dataset(), true).await;
            assert!(found.iter().any(|fault| fault.contains(&name)), "{name}: {found:#?}");
            tried += 1;
        }
        let edited = well.copy().await;
        edited.delete(&root_path(Version(3))).await;
        let found = faults(&edited.dataset(), false).await;
        for says in [
            "tag \"good\" is of version 3, which is not there",
            "missing though it has not expired",
        ] {
            assert!(found.iter().any(|fault| fault.contains(says)), "{found:#?}");
        }
        assert!(tried > 20, "{tried}");
    });
}

/// What only an older version needs was looked for, and not looked at.
#[test]
fn verify_names_every_object_that_is_damaged() {
    block_on(async {
        let well = well().await;
        let edited = well.copy().await;
        let dataset = edited.dataset();
        // What the newest version had is needed by the older ones alone.
        dataset.tag("before", dataset.latest().await.unwrap().version()).await.unwrap();
        dataset.delete(&dataset.latest().await.unwrap(), &[0]).await.unwrap();
        dataset.compact(CompactOptions::default()).await.unwrap();
        assert_eq!(faults(&dataset, true).await, [""; 0]);
        let folders = [
            "data/",
            "columns/",
            "files/",
            "_tenrow/deletes/",
            "_tenrow/views/",
            "_tenrow/leaves/",
        ];
        for folder in folders {
            let names = edited.names(folder).await;
            assert!(!names.is_empty(), "{folder}");
            for name in names {
                let good = edited.get(&name).await;
                let mut bad = good.to_vec();
                let middle = bad.len() / 2;
                bad[middle] ^= 1;
                edited.put(&name, bad).await;
                let found = faults(&edited.dataset(), true).await;
                assert!(found.iter().any(|fault| fault.contains(&name)), "{name}: {found:#?}");
                edited.put(&name, good).await;
            }
        }
    });
}

#[test]
fn verify_names_an_origin_that_does_not_keep_what_is_referred_to() {
    if !place::needs_folders("notes are removed there") {
        return;
    }
    block_on(async {
        let folder = place::folder();
        let at = |name: &str| place::location(folder.path().join(name));
        let schema = Schema::new([Attribute::parse("a:i64").unwrap()]).unwrap();
        let origin = Dataset::create(&at("origin"), schema.clone()).await.unwrap();
        let mut writer = origin.writer().await.unwrap();
        writer.append(&random::batch(&schema, 1, 5)).await.unwrap();
        let version = writer.commit().await.unwrap().version();
        let clone = origin.clone_to(&at("clone"), version).await.unwrap();
        assert_eq!(faults(&clone, true).await, [""; 0]);
        let store = LocalFileSystem::new_with_prefix(folder.path().join("origin")).unwrap();
        let objects = Edited { store: Arc::new(store) };
        let note = objects.names("_tenrow/clones/").await.remove(0);
        let good = objects.get(&note).await;

        objects.put(&note, String::from_utf8(good.to_vec()).unwrap().replace(":2}", ":1}")).await;
        let found = faults(&clone, false).await;
        assert!(found[0].contains("the note there keeps version 1, expected 2"), "{found:#?}");
        objects.delete(&note).await;
        let found = faults(&clone, false).await;
        assert!(found[0].contains("nothing there keeps it"), "{found:#?}");
        objects.put(&note, good).await;
        assert_eq!(faults(&clone, true).await, [""; 0]);
        objects.delete(&root_path(version)).await;
        let found = faults(&clone, false).await;
        assert!(found[0].contains("no version 2"), "{found:#?}");
    });
}

#[test]
fn verify_names_a_column_of_a_foreign_file_that_no_leaf_lists() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let parquet = folder.path().join("a.parquet");
        let schema = Schema::new([Attribute::parse("a:i64").unwrap()]).unwrap();
        let batch = random::batch(&schema, 1, 5);
        let out = std::fs::File::create(&parquet).unwrap();
        let mut writer = parquet::arrow::ArrowWriter::try_new(out, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let edited = Edited::new();
        let dataset = edited.dataset();
        dataset.create_here(schema, &Default::default()).await.unwrap();
        let mut writer = dataset.writer().await.unwrap();
        writer.append_in_place(&parquet, &Default::default()).await.unwrap();
        writer.commit().await.unwrap();
        assert_eq!(faults(&dataset, true).await, [""; 0]);
        let mut manifests = edited.manifests().await;
        let file = &mut manifests.leaves[0].partitions[0].files[0];
        assert_eq!(file.chunks.len(), 1);
        file.chunks.clear();
        file.field_ids = vec![FieldId(1)];
        edited.write(&manifests).await;
        assert!(!faults(&edited.dataset(), false).await.is_empty());
    });
}
