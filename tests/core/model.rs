//! Random schedules of all operations, with faults and rivals, against a model of rows in a `Vec`.
//!
//! `TENROW_SEED=7` runs one schedule and tells what it does; `TENROW_SCHEDULES=100000` runs that many, from
//! `TENROW_FIRST` on, which is 0 if not given.

mod choose;
mod observe;
mod operation;
mod rows;
mod schedule;
mod state;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use tenrow_tests::block_on;

use schedule::Schedule;

/// Schedules of a plain test run.
const SCHEDULES: u64 = 2000;

#[test]
fn every_schedule_leaves_what_the_model_says() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    if let Some(seed) = number("TENROW_SEED") {
        run(seed, true);
        return;
    }
    let first = number("TENROW_FIRST").unwrap_or(0);
    let end = first + number("TENROW_SCHEDULES").unwrap_or(SCHEDULES);
    let next = AtomicU64::new(first);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                break;
            }
            run(seed, false);
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, |count| count.get());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        assert!(workers.into_iter().all(|worker| worker.join().is_ok()), "a schedule failed");
    });
}

/// Runs a schedule; a failure tells its seed and what was done.
fn run(seed: u64, always_tells: bool) {
    let mut schedule = block_on(Schedule::new(seed));
    let result = catch_unwind(AssertUnwindSafe(|| block_on(schedule.run())));
    if always_tells || result.is_err() {
        eprintln!("schedule of TENROW_SEED={seed}:\n  {}", schedule.log.join("\n  "));
    }
    assert!(result.is_ok(), "the schedule of TENROW_SEED={seed} failed");
}

#[test]
fn a_seed_replays_exactly() {
    let objects = |seed| {
        let mut schedule = block_on(Schedule::new(seed));
        block_on(schedule.run());
        block_on(schedule.objects())
    };
    for seed in 0..20 {
        assert_eq!(objects(seed), objects(seed), "seed {seed}");
    }
}
