//! Views: rows that someone chose, which stay what they are whatever becomes of the dataset.

use futures::TryStreamExt;
use tenrow::{
    Attribute, Columns, CompactOptions, Dataset, ErrorKind, ExpireOptions, ReadOptions,
    ScanOptions, Schema, Snapshot, VacuumOptions, Version, View, ViewOptions, WriteOptions,
};
use tenrow_tests::block_on;
use tenrow_tests::place;

use super::stock::{all, append, verified, zoo_of};

fn options() -> ViewOptions {
    ViewOptions::default().with_query("SELECT _row FROM zoo")
}

#[test]
fn a_view_keeps_order_and_duplicates_of_its_version_through_changes_and_upkeep() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 3).await;
        let pinned = dataset.latest().await.unwrap();
        let chosen = vec![29, 3, 3, 17, 0];
        let expected = pinned.take(&chosen).await.unwrap();
        dataset
            .create_view("some", &pinned.rows(chosen.clone()).unwrap(), &options())
            .await
            .unwrap();

        append(&dataset, 30..40).await;
        let latest = dataset.latest().await.unwrap();
        dataset.delete(&latest, &[3, 17]).await.unwrap();
        dataset.compact(CompactOptions::default()).await.unwrap();
        let keep = ExpireOptions { keep_last: Some(1), ..ExpireOptions::default() };
        assert_eq!(dataset.expire(&keep).await.unwrap().kept, [pinned.version()]);
        let now = std::time::Duration::ZERO;
        dataset.vacuum(VacuumOptions { older_than: now, ..Default::default() }).await.unwrap();

        let dataset = Dataset::open(&place::location(folder.path())).await.unwrap();
        let view = dataset.view("some").await.unwrap();
        assert_eq!((view.version(), view.row_count()), (pinned.version(), 5));
        assert_eq!(view.entry().unwrap().query, "SELECT _row FROM zoo");
        assert_eq!(view.entry().unwrap().input_checksum, pinned.root_checksum());
        assert_eq!(view.row_numbers().await.unwrap().to_vec(), chosen);
        let places: Vec<u64> = (0..5).collect();
        let taken = view.take_with(&places, &ReadOptions::default()).await.unwrap();
        assert_eq!(taken, expected);
        let scanned = view.scan_with(&ScanOptions::default().with_batch_rows(2));
        let scanned: Vec<_> = scanned.try_collect().await.unwrap();
        assert_eq!(scanned.iter().map(|batch| batch.num_rows()).collect::<Vec<_>>(), [2, 2, 1]);
        let scanned = arrow_select::concat::concat_batches(&expected.schema(), &scanned).unwrap();
        assert_eq!(scanned, expected);
        let error = view.take_with(&[5], &ReadOptions::default()).await.unwrap_err();
        assert!(
            error.to_string().contains("place 5 of view \"some\", which has 5 rows"),
            "{error}"
        );
        verified(&dataset).await;

        dataset.drop_view("some").await.unwrap();
        // Only the view kept it.
        dataset.latest().await.unwrap();
        let error = dataset.version(pinned.version()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        dataset.expire(&keep).await.unwrap();
        dataset.vacuum(VacuumOptions { older_than: now, ..Default::default() }).await.unwrap();
        let views = std::fs::read_dir(folder.path().join("_tenrow/views")).unwrap().count();
        assert_eq!(views, 0);
        verified(&dataset).await;
    });
}

#[test]
fn a_view_that_cannot_be_is_refused_with_the_rule() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 2).await;
        let latest = dataset.latest().await.unwrap();
        let create = |name: &'static str, rows| {
            let (dataset, latest) = (dataset.clone(), latest.clone());
            async move { dataset.create_view(name, &latest.rows(rows)?, &options()).await }
        };
        create("one", vec![1]).await.unwrap();
        let error = create("one", vec![2]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
        let error = create("two", vec![20]).await.unwrap_err();
        assert!(error.to_string().contains("row 20 is out of range: version 3"), "{error}");
        for name in ["", "a/b", "a#b", "a b"] {
            let error = create(name, vec![]).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        }
        let error = dataset.view("three").await.unwrap_err();
        assert!(error.to_string().ends_with("there are one"), "{error}");
        assert_eq!(dataset.drop_view("three").await.unwrap_err().kind(), ErrorKind::NotFound);

        let replaced = options().with_replace(true);
        dataset.create_view("one", &latest.rows(vec![2, 2]).unwrap(), &replaced).await.unwrap();
        assert_eq!(
            dataset.view("one").await.unwrap().row_numbers().await.unwrap().to_vec(),
            [2, 2]
        );
        dataset.restore(Version(2)).await.unwrap();
        assert_eq!(
            dataset.view("one").await.unwrap().row_numbers().await.unwrap().to_vec(),
            [2, 2]
        );
    });
}

#[test]
fn a_damaged_view_is_named_by_its_path() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 1).await;
        let latest = dataset.latest().await.unwrap();
        let view = dataset
            .create_view("some", &latest.rows(vec![1, 2]).unwrap(), &options())
            .await
            .unwrap();
        let path = folder.path().join(&view.entry().unwrap().path);
        let whole = std::fs::read(&path).unwrap();
        let open = async || {
            dataset.view("some").await.unwrap().row_numbers().await.map(tenrow::RowNumbers::to_vec)
        };
        for damaged in [&whole[..whole.len() - 1], b"nonsense"] {
            std::fs::write(&path, damaged).unwrap();
            let error = open().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            assert!(error.to_string().contains(&view.entry().unwrap().path), "{error}");
            let report = dataset.verify(tenrow::VerifyOptions::default()).await.unwrap();
            let paths: Vec<&str> = report.faults.iter().map(|fault| fault.path.as_str()).collect();
            assert_eq!(paths, [view.entry().unwrap().path.as_str()]);
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(open().await.unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(all(&latest).await.num_rows(), 10);
    });
}

async fn listed(view: &View) -> Vec<u64> {
    view.row_numbers().await.unwrap().to_vec()
}

async fn numbers(values: &[f64]) -> (tempfile::TempDir, Dataset, Snapshot) {
    let folder = place::folder();
    let schema = Schema::new([Attribute::parse("tokens:f64?").unwrap()]).unwrap();
    let dataset = Dataset::create(&place::location(folder.path()), schema).await.unwrap();
    let snapshot = append_numbers(&dataset, values).await;
    (folder, dataset, snapshot)
}

async fn append_numbers(dataset: &Dataset, values: &[f64]) -> Snapshot {
    let mut writer = dataset.writer_with(WriteOptions::default()).await.unwrap();
    writer.append_columns(Columns::new().scalars("tokens", values)).await.unwrap();
    writer.commit().await.unwrap()
}

/// 1.9e9 tokens of OSCAR, at 1312.0951072 a document, are the first 1,448,066 documents: ⌈budget / mean⌉.
#[test]
fn a_budget_takes_the_first_rows_whose_sum_reaches_it() {
    block_on(async {
        let (_folder, dataset, snapshot) = numbers(&[1312.0951072; 1_500_000]).await;
        let view = dataset.create_view("all", &snapshot.all(), &options()).await.unwrap();
        assert_eq!(view.rows_for_budget("tokens", 1.9e9).await.unwrap(), 1_448_066);
        assert_eq!(view.rows_for_budget("tokens", 1.9e10).await.unwrap(), 1_500_000);
    });
}

#[test]
fn a_budget_that_is_met_exactly_takes_no_row_more() {
    block_on(async {
        let (_folder, dataset, snapshot) = numbers(&[2.0, 0.0, 3.0, 5.0]).await;
        let rows = vec![3, 2, 1, 0];
        let view =
            dataset.create_view("some", &snapshot.rows(rows).unwrap(), &options()).await.unwrap();
        for (budget, expected) in [(0.0, 0), (0.1, 1), (5.0, 1), (5.1, 2), (8.0, 2), (8.5, 4)] {
            let found = view.rows_for_budget("tokens", budget).await.unwrap();
            assert_eq!(found, expected, "{budget}");
        }
        let snapshot = append_numbers(&dataset, &[-1.0]).await;
        let view =
            dataset.create_view("bad", &snapshot.rows(vec![4]).unwrap(), &options()).await.unwrap();
        let error = view.rows_for_budget("tokens", 1.0).await.unwrap_err();
        assert!(error.to_string().contains("tokens of row 4 is -1"), "{error}");
    });
}

#[test]
fn a_split_by_chance_moves_no_row_when_others_come_or_go() {
    block_on(async {
        let (_folder, dataset, snapshot) = numbers(&[0.0; 10_000]).await;
        let fractions = [0.7, 0.2, 0.1];
        let before = snapshot.random_split(7, &fractions).await.unwrap();
        let count: u64 = before.iter().map(View::row_count).sum();
        assert_eq!(count, 10_000);
        for (part, fraction) in before.iter().zip(fractions) {
            let share = part.row_count() as f64 / 10_000.0;
            assert!((share - fraction).abs() < 0.02, "{share} of {fraction}");
            assert!(listed(part).await.is_sorted());
        }
        let other = snapshot.random_split(8, &fractions).await.unwrap();
        assert_ne!(listed(&before[0]).await, listed(&other[0]).await);

        append_numbers(&dataset, &[0.0; 1000]).await;
        let deleted: Vec<u64> = (0..5000).step_by(2).collect();
        let latest = dataset.delete_ids(&deleted).await.unwrap().snapshot;
        let after = latest.random_split(7, &fractions).await.unwrap();
        for (before, after) in before.iter().zip(&after) {
            let old = snapshot.row_ids(&listed(before).await).await.unwrap();
            let new = latest.row_ids(&listed(after).await).await.unwrap();
            let stayed = old.iter().filter(|id| **id >= 5000 || *id % 2 == 1);
            assert!(stayed.eq(new.iter().filter(|id| **id < 10_000)));
        }
        for wrong in [vec![0.9, 0.2], vec![-0.1], vec![f64::NAN]] {
            let error = snapshot.random_split(7, &wrong).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        }
    });
}

/// A split whose second view could not be kept would leave its first one behind.
#[test]
fn the_views_of_a_split_are_there_together_or_not_at_all() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 4).await;
        let latest = dataset.latest().await.unwrap();
        let parts = |names: [&str; 2]| names.map(|name| (name.to_owned(), 0.5));
        let one = latest.rows([1]).unwrap();
        dataset.create_view("test", &one, &options()).await.unwrap();
        let before = dataset.latest().await.unwrap();
        for (names, kind) in [
            (["train", "test"], ErrorKind::AlreadyExists),
            (["train", "train"], ErrorKind::InvalidInput),
            (["train", "a b"], ErrorKind::InvalidInput),
        ] {
            let split = dataset.split_views(&latest, 7, &parts(names), false).await;
            assert_eq!(split.unwrap_err().kind(), kind, "{names:?}");
            assert_eq!(dataset.latest().await.unwrap().version(), before.version());
        }
        let kept = dataset.split_views(&latest, 7, &parts(["train", "test"]), true).await.unwrap();
        let after = dataset.latest().await.unwrap();
        assert_eq!(after.version().0, before.version().0 + 1, "one commit");
        assert_eq!(kept.iter().map(View::row_count).sum::<u64>(), 40);
        let chosen = latest.random_split(7, &[0.5, 0.5]).await.unwrap();
        for ((name, _), part) in parts(["train", "test"]).iter().zip(chosen) {
            let view = dataset.view(name).await.unwrap();
            assert_eq!(
                view.row_numbers().await.unwrap().to_vec(),
                part.row_numbers().await.unwrap().to_vec()
            );
            let query = &view.entry().unwrap().query;
            assert_eq!(query, "0.5 of the rows by chance, seed 7");
        }
    });
}
