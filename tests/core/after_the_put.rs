//! The moments after a version is put: what is acknowledged is in history, what others see is never taken back, and of
//! what is in doubt the writer is told so.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use futures::FutureExt;
use object_store::memory::InMemory;
use tenrow::engine::Clock;
use tenrow::storage::Storage;
use tenrow::{
    Attribute, Columns, Dataset, ErrorKind, ExpireOptions, Result, Schema, Snapshot, VacuumOptions,
    Version, WriteOptions,
};
use tenrow_tests::block_on;
use tenrow_tests::fault::{FaultyStore, When};
use tenrow_tests::random::Dice;

/// Later than any object that a test writes, so that `vacuum` takes all that nobody names.
const LATER_MS: i64 = 4_102_444_800_000;

/// A dataset with rows 0 and 1, one commit each, and the store that can be told to fail.
async fn dataset() -> (Dataset, Arc<FaultyStore>) {
    let store = Arc::new(FaultyStore::new(Arc::new(InMemory::new())));
    let storage = Storage::from_store(store.clone(), "some/place".into());
    let dataset = Dataset::at(storage).with_clock(Clock::fixed(LATER_MS));
    let schema = Schema::new([Attribute::parse("x:i64").unwrap()]).unwrap();
    dataset.create_here(schema, &Default::default()).await.unwrap();
    append(&dataset, 0).await.unwrap();
    append(&dataset, 1).await.unwrap();
    (dataset, store)
}

async fn append(dataset: &Dataset, value: i64) -> Result<Snapshot> {
    append_with(dataset, value, WriteOptions::default()).await
}

async fn append_with(dataset: &Dataset, value: i64, options: WriteOptions) -> Result<Snapshot> {
    let mut writer = dataset.writer_with(options).await?;
    writer.append_columns(Columns::new().scalars("x", [value])).await?;
    writer.commit().await
}

async fn values(snapshot: &Snapshot) -> Vec<i64> {
    let all = snapshot.slice(0..snapshot.row_count()).await.unwrap();
    all.column(0).as_primitive::<Int64Type>().values().to_vec()
}

async fn newest(dataset: &Dataset) -> Vec<i64> {
    values(&dataset.latest().await.unwrap()).await
}

/// Ends and removes all but the newest version, and all files that only the others needed.
async fn end_all_others(dataset: &Dataset) {
    let one = ExpireOptions { keep_last: Some(1), ..Default::default() };
    dataset.expire(&one).await.unwrap();
    dataset
        .vacuum(VacuumOptions { older_than: Duration::ZERO, ..Default::default() })
        .await
        .unwrap();
}

/// A writer looked whether its version was in history, by the one after it; that had been ended, and it took back its own,
/// which others had tagged.
#[test]
fn a_version_that_others_have_seen_is_never_taken_back() {
    block_on(async {
        for vacuums in [false, true] {
            let (dataset, store) = dataset().await;
            let other = Dataset::at(dataset.storage().clone()).with_clock(Clock::fixed(LATER_MS));
            store.after_next_version(move || {
                async move {
                    other.tag("seen", Version(4)).await.unwrap();
                    append(&other, 3).await.unwrap();
                    append(&other, 4).await.unwrap();
                    let one = ExpireOptions { keep_last: Some(1), ..Default::default() };
                    let report = other.expire(&one).await.unwrap();
                    assert_eq!(report.kept, [Version(4)]);
                    if vacuums {
                        end_all_others(&other).await;
                    }
                }
                .boxed()
            });

            let done = append(&dataset, 2).await.unwrap();

            assert_eq!(done.version(), Version(4));
            assert_eq!(newest(&dataset).await, [0, 1, 2, 3, 4]);
            assert_eq!(values(&dataset.tagged("seen").await.unwrap()).await, [0, 1, 2]);
        }
    });
}

#[test]
fn a_commit_is_acknowledged_though_its_version_has_ended_by_then() {
    block_on(async {
        for vacuums in [false, true] {
            let (dataset, store) = dataset().await;
            let other = Dataset::at(dataset.storage().clone()).with_clock(Clock::fixed(LATER_MS));
            store.after_next_version(move || {
                async move {
                    append(&other, 3).await.unwrap();
                    append(&other, 4).await.unwrap();
                    let one = ExpireOptions { keep_last: Some(1), ..Default::default() };
                    other.expire(&one).await.unwrap();
                    if vacuums {
                        end_all_others(&other).await;
                    }
                }
                .boxed()
            });

            assert_eq!(append(&dataset, 2).await.unwrap().version(), Version(4));
            assert_eq!(newest(&dataset).await, [0, 1, 2, 3, 4]);
        }
    });
}

/// The store took the version and then failed: the writer asked whether it was in history, was told that the commit had
/// failed, and made it again.
#[test]
fn a_commit_is_acknowledged_though_the_store_fails_right_after_it() {
    block_on(async {
        let (dataset, store) = dataset().await;
        let failing = store.clone();
        store.after_next_version(move || {
            async move { failing.fail_at_random(Dice::new(1), 1) }.boxed()
        });

        let done = append(&dataset, 2).await;

        store.heal();
        assert_eq!(done.unwrap().version(), Version(4));
        assert_eq!(newest(&dataset).await, [0, 1, 2]);
    });
}

#[test]
fn a_commit_in_doubt_says_so_and_is_safe_to_make_again_under_a_key() {
    block_on(async {
        // It never comes, it comes when its writer has given up, or it is there and cannot be seen.
        for when in [When::Before, When::Late, When::After] {
            let (dataset, store) = dataset().await;
            let options = || WriteOptions::default().with_idempotency_key("job", 7);
            store.fail("_tenrow/versions/", 0, when);
            if when == When::After {
                let failing = store.clone();
                store.before_read("_tenrow/versions/", 1, move || {
                    async move { failing.fail_at_random(Dice::new(1), 1) }.boxed()
                });
            }

            let error = append_with(&dataset, 2, options()).await.unwrap_err();

            store.heal();
            assert_eq!(error.kind(), ErrorKind::InDoubt, "{when:?}: {}", error.chain());
            let said = error.chain();
            assert!(said.contains("version 4 of") && said.contains("may have been committed"));
            if let Some(late) = store.take_late() {
                store.land(late).await;
            }
            append_with(&dataset, 2, options()).await.unwrap();
            assert_eq!(newest(&dataset).await, [0, 1, 2], "{when:?}");
        }
    });
}

/// The number that follows the base of a writer was made, ended and free again when it committed.
#[test]
fn a_writer_that_slept_while_versions_came_and_went_lands_behind_them() {
    block_on(async {
        let (dataset, _) = dataset().await;
        let mut slow = dataset.writer().await.unwrap();
        for value in 2..6 {
            append(&dataset, value).await.unwrap();
        }
        end_all_others(&dataset).await;
        slow.append_columns(Columns::new().scalars("x", [6i64])).await.unwrap();

        let done = slow.commit().await.unwrap();

        assert_eq!(newest(&dataset).await, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(done.version(), dataset.latest().await.unwrap().version());
    });
}

/// `expire` removed roots at once, so that a put which came late found its number free.
#[test]
fn a_put_that_comes_late_finds_its_number_taken_though_the_version_has_ended() {
    block_on(async {
        let (dataset, store) = dataset().await;
        let other = Dataset::at(dataset.storage().clone()).with_clock(Clock::fixed(LATER_MS));
        store.before_next_version(move || {
            async move {
                append(&other, 3).await.unwrap();
                append(&other, 4).await.unwrap();
                let one = ExpireOptions { keep_last: Some(1), ..Default::default() };
                other.expire(&one).await.unwrap();
            }
            .boxed()
        });

        let done = append(&dataset, 2).await.unwrap();

        assert_eq!(done.version(), Version(7));
        assert_eq!(newest(&dataset).await, [0, 1, 3, 4, 2]);
    });
}

/// Between the listing and the reading of a version it was ended and removed: the reader was told that there is none.
#[test]
fn what_ends_between_listing_and_reading_is_looked_for_again() {
    block_on(async {
        for pass in 0..3 {
            let (dataset, store) = dataset().await;
            let other = Dataset::at(dataset.storage().clone()).with_clock(Clock::fixed(LATER_MS));
            store.before_read("_tenrow/versions/", pass, move || {
                async move {
                    append(&other, 2).await.unwrap();
                    end_all_others(&other).await;
                }
                .boxed()
            });
            let fresh = Dataset::at(dataset.storage().clone());
            match pass {
                0 => assert_eq!(newest(&fresh).await, [0, 1, 2]),
                _ => {
                    let left = fresh.versions().await.unwrap();
                    let left: Vec<u64> = left.iter().map(|info| info.version.0).collect();
                    assert_eq!(left, [vec![], vec![5, 4], vec![3]][pass], "{pass}");
                }
            }
            let dry = VacuumOptions { dry_run: true, ..Default::default() };
            fresh.vacuum(dry).await.unwrap();
            store.heal();
            assert_eq!(newest(&dataset).await, [0, 1, 2]);
        }
    });
}

/// A clock that was years ahead gave its time to every version that followed: none could be asked for by its time, and
/// none ever expired by its age.
#[test]
fn the_time_of_a_clock_far_ahead_is_not_handed_on() {
    block_on(async {
        const DAY_MS: i64 = 24 * 3600 * 1000;
        let store = Arc::new(InMemory::new());
        let storage = Storage::from_store(store, "some/place".into());
        let at = |days: i64| Dataset::at(storage.clone()).with_clock(Clock::fixed(days * DAY_MS));
        let schema = Schema::new([Attribute::parse("x:i64").unwrap()]).unwrap();
        at(100).create_here(schema, &Default::default()).await.unwrap();
        // Versions 2 to 4 are of 101 to 103, 5 and 6 of a clock years ahead, the rest of 104 to 106.
        for (value, days) in [101, 102, 103, 4000, 3000, 104, 105, 106].into_iter().enumerate() {
            append(&at(days), value as i64).await.unwrap();
        }
        let dataset = at(107);
        let times: Vec<i64> =
            dataset.versions().await.unwrap().iter().rev().map(|v| v.created_ms / DAY_MS).collect();
        assert_eq!(times, [100, 101, 102, 103, 4000, 3000, 104, 105, 106]);
        for (days, version) in
            [(100, 1), (101, 2), (103, 4), (104, 7), (105, 8), (106, 9), (2999, 9), (5000, 9)]
        {
            let found = dataset.version_at(days * DAY_MS).await.unwrap();
            assert_eq!(found.version(), Version(version), "day {days}");
        }
        assert_eq!(dataset.version_at(99 * DAY_MS).await.unwrap_err().kind(), ErrorKind::NotFound);
        let two_days = Duration::from_secs(2 * 24 * 3600);
        let old = ExpireOptions { older_than: Some(two_days), dry_run: true, ..Default::default() };
        let expired = dataset.expire(&old).await.unwrap().expired;
        assert_eq!(expired, (1..=8).map(Version).collect::<Vec<_>>());
        // A clock a little behind still follows.
        append(&Dataset::at(storage.clone()).with_clock(Clock::fixed(106 * DAY_MS - 1)), 9)
            .await
            .unwrap();
        assert_eq!(dataset.latest().await.unwrap().root().created_ms, 106 * DAY_MS);
    });
}
