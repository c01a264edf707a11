//! Running schedules: by seed, on all cores, with what is needed to run one of them again.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::LocalBoxFuture;
use tenrow_tests::block_on;

/// A kind of schedule.
pub(crate) trait World {
    /// Does all of it, and fails if anything is not as the model says.
    fn run(&mut self) -> LocalBoxFuture<'_, ()>;

    /// What was done.
    fn log(&self) -> &[String];
}

/// Runs schedules by seed, `count` of them if the environment does not say how many, on all cores.
///
/// With `TENROW_GOES_ON` all of them are run whatever fails, and the failures listed.
pub(crate) fn run_all(count: u64, run: impl Fn(u64, bool) -> Result<(), String> + Sync) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    if let Some(seed) = number("TENROW_SEED") {
        run(seed, true).unwrap();
        return;
    }
    let goes_on = number("TENROW_GOES_ON").is_some();
    let first = number("TENROW_FIRST").unwrap_or(0);
    let end = first + number("TENROW_SCHEDULES").unwrap_or(count);
    let (next, failures) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end || !goes_on && !failures.lock().unwrap().is_empty() {
                break;
            }
            if let Err(message) = run(seed, false) {
                failures.lock().unwrap().push((seed, message));
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, |count| count.get());
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    for (seed, message) in &failures {
        eprintln!("TENROW_SEED={seed}: {message}");
    }
    assert!(failures.is_empty(), "{} of {} schedules failed", failures.len(), end - first);
}

/// Runs a schedule; a failure tells its seed and what was done.
pub(crate) fn run_one<W: World>(
    seed: u64,
    always_tells: bool,
    new: impl Future<Output = W>,
) -> Result<(), String> {
    let mut world = block_on(new);
    let result = catch_unwind(AssertUnwindSafe(|| block_on(world.run())));
    told(seed, always_tells, world.log(), result)
}

fn told(
    seed: u64,
    always_tells: bool,
    log: &[String],
    result: Result<(), Box<dyn Any + Send>>,
) -> Result<(), String> {
    if always_tells || result.is_err() && std::env::var_os("TENROW_GOES_ON").is_none() {
        eprintln!("schedule of TENROW_SEED={seed}:\n  {}", log.join("\n  "));
    }
    result.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
        text.chars().take(400).collect()
    })
}
