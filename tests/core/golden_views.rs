//! A golden dataset with views, whose older versions have expired.
//!
//! `cargo test --test core write_golden_views -- --ignored` writes it if it is not there yet.

use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use tenrow::engine::{Clock, Ids};
use tenrow::storage::Storage;
use tenrow::{
    Attribute, Columns, Dataset, ErrorKind, ExpireOptions, ReadOptions, Schema, VacuumOptions,
    Version, ViewOptions,
};
use tenrow_tests::{block_on, folder};

use super::stock::verified;

const CREATED_MS: i64 = 1_795_000_000_000;
/// The rows of the view `shuffled`.
const SHUFFLED: [u64; 7] = [19, 3, 3, 0, 11, 7, 19];

fn place() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/v1/views")
}

fn dataset() -> Dataset {
    let storage = Storage::local(place(), Ids::seeded(2));
    Dataset::at(storage).with_ids(Ids::seeded(1)).with_clock(Clock::fixed(CREATED_MS))
}

async fn write() {
    let dataset = dataset();
    let schema = Schema::new([Attribute::parse("n:i64").unwrap()]).unwrap();
    dataset.create_here(schema, &Default::default()).await.unwrap();
    for first in [0i64, 10, 20] {
        let mut writer = dataset.writer().await.unwrap();
        let values: Vec<i64> = (first..first + 10).map(|n| n * n).collect();
        writer.append_columns(Columns::new().scalars("n", &values)).await.unwrap();
        writer.commit().await.unwrap();
    }
    let pinned = dataset.version(Version(3)).await.unwrap();
    let shuffled = ViewOptions::default().with_query("SELECT _row FROM squares ORDER BY random()");
    dataset
        .create_view("shuffled", &pinned.rows(SHUFFLED.to_vec()).unwrap(), &shuffled)
        .await
        .unwrap();
    let latest = dataset.latest().await.unwrap();
    dataset
        .create_view("none", &latest.rows(vec![]).unwrap(), &ViewOptions::default())
        .await
        .unwrap();
    let keep = ExpireOptions { keep_last: Some(2), ..ExpireOptions::default() };
    dataset.expire(&keep).await.unwrap();
    let age = std::time::Duration::ZERO;
    let now = Dataset::at(dataset.storage().clone());
    now.vacuum(VacuumOptions { older_than: age, ..VacuumOptions::default() }).await.unwrap();
}

#[test]
#[ignore = "writes into the repository; run it to add a golden dataset"]
fn write_golden_views() {
    assert!(!place().exists(), "golden files are added, never rewritten");
    block_on(write());
}

#[test]
fn a_dataset_with_views_and_expired_versions_reads_back() {
    block_on(async {
        let before = folder::files_of(&place());
        let dataset = Dataset::open(&place().display().to_string()).await.unwrap();
        let history = dataset.versions().await.unwrap();
        let history: Vec<u64> = history.iter().map(|info| info.version.0).collect();
        assert_eq!(history, [7, 6, 5, 3]);
        let gone = dataset.version(Version(2)).await.unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound, "{gone}");

        let view = dataset.view("shuffled").await.unwrap();
        assert_eq!(
            (view.version(), view.row_numbers().await.unwrap().to_vec()),
            (Version(3), SHUFFLED.to_vec())
        );
        assert_eq!(view.entry().unwrap().query, "SELECT _row FROM squares ORDER BY random()");
        let places: Vec<u64> = (0..7).collect();
        let rows = view.take_with(&places, &ReadOptions::default()).await.unwrap();
        let values = rows.column(0).as_primitive::<Int64Type>().values().to_vec();
        assert_eq!(values, SHUFFLED.map(|row| (row * row) as i64));
        assert_eq!(
            dataset.view("none").await.unwrap().row_numbers().await.unwrap().to_vec(),
            [0u64; 0]
        );
        verified(&dataset).await;
        assert_eq!(folder::files_of(&place()), before);
    });
}
