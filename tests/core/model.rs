//! Random schedules of all operations, with faults and rivals, against a model of rows in a `Vec`.
//!
//! `TENROW_SEED=7` runs one schedule and tells what it does; `TENROW_SCHEDULES=100000` runs that many, from
//! `TENROW_FIRST` on, which is 0 if not given; with `TENROW_GOES_ON=1` all of them, and tells which failed.

mod worlds;

use tenrow_tests::block_on;

use worlds::family::Family;
use worlds::run::{World, run_all, run_one};
use worlds::schedule::Schedule;

/// Schedules of a plain test run.
const SCHEDULES: u64 = 2000;
/// Families of a plain test run.
const FAMILIES: u64 = 500;

#[test]
fn every_schedule_leaves_what_the_model_says() {
    run_all(SCHEDULES, |seed, always_tells| run_one(seed, always_tells, Schedule::new(seed, None)));
}

#[test]
fn every_family_of_datasets_keeps_its_files() {
    run_all(FAMILIES, |seed, always_tells| run_one(seed, always_tells, Family::new(seed, None)));
}

#[test]
fn a_seed_replays_exactly() {
    let objects = |seed| {
        let mut schedule = block_on(Schedule::new(seed, None));
        block_on(schedule.run());
        block_on(schedule.objects())
    };
    for seed in 0..20 {
        assert_eq!(objects(seed), objects(seed), "seed {seed}");
    }
}
